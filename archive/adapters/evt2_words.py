"""The words of EVT 2.0: four bits of type, and the clock's lower six bits in each event.

Source: docs.prophesee.ai, "EVT 2.0 format".
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from archive.adapters.evt_words import Survey, Words

ON, TIME_HIGH, TRIGGER = 0x1, 0x8, 0xA
BITS = 28  # of TIME_HIGH, which wraps


class Clock(NamedTuple):
    """The upper bits as they were last said, and by how much they had wrapped."""

    high: int = 0
    wraps: int = 0


class Evt2Words:
    """See `Coded`."""

    dtype = np.dtype("<u4")
    first = Clock()

    def survey(self, words: Words, state: Clock) -> Survey[Clock]:
        """What some words hold, and the state after them."""
        kind = (words >> 28).astype(np.uint8)
        times, base = self._times(words, kind, state)
        _, after = turned((words[times] & 0x0FFFFFFF).astype(np.int64), state, BITS)
        before = (state.high + state.wraps) << 6
        bounds = np.concatenate([[before], base])
        where = np.flatnonzero(kind == TRIGGER)
        triggers = np.empty((len(where), 3), np.int64)
        triggers[:, 0] = bounds[np.searchsorted(times, where)] | (words[where] >> 22 & 63)
        triggers[:, 1] = words[where] >> 8 & 31
        triggers[:, 2] = words[where] & 1
        count = int(np.count_nonzero(kind <= ON))
        others = len(words) - count - len(times) - len(where)
        lowest, highest = int(bounds.min()), int(bounds.max()) + 63
        return Survey(count, lowest, highest, triggers, others, after)

    def addresses(self, words: Words, state: Clock) -> npt.NDArray[np.uint32]:
        """The addresses of the events of some words, of the coding ``prophesee``."""
        events = words.take(np.flatnonzero(words < 2 << 28))
        found = events >> 11 & 0x7FF
        found |= (events & 0x7FF) << 14
        found |= events & 1 << 28
        return found.astype(np.uint32, copy=False)

    def ticks(self, words: Words, state: Clock) -> npt.NDArray[np.int64]:
        """The times of the events of some words, in µs."""
        kind = (words >> 28).astype(np.uint8)
        times, base = self._times(words, kind, state)
        line = np.zeros(len(words), np.int64)
        before = (state.high + state.wraps) << 6
        line[times] = np.diff(base, prepend=before)
        line[:1] += before
        np.cumsum(line, out=line)
        where = np.flatnonzero(kind <= ON)
        found = line.take(where)
        found |= words.take(where) >> 22 & 63
        return found

    def _times(
        self, words: Words, kind: npt.NDArray[np.uint8], state: Clock
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The words that set the clock, and the time from each on."""
        times = np.flatnonzero(kind == TIME_HIGH)
        highs, _ = turned((words[times] & 0x0FFFFFFF).astype(np.int64), state, BITS)
        return times, highs << 6


def turned(
    highs: npt.NDArray[np.int64], state: Clock, bits: int
) -> tuple[npt.NDArray[np.int64], Clock]:
    """Upper bits as they would be if they never wrapped: they wrap where they fall by more than
    half of their range."""
    if not len(highs):
        return highs, state
    steps = np.diff(highs, prepend=state.high)
    half = 1 << (bits - 1)
    turns = (steps < -half).astype(np.int64) - (steps > half)
    wraps = state.wraps + np.cumsum(turns) * (1 << bits)
    return highs + wraps, Clock(int(highs[-1]), int(wraps[-1]))
