"""The words of EVT 2.0: four bits of type, and the clock's lower six bits in each event.

Source: docs.prophesee.ai, "EVT 2.0 format".
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from archive.adapters.evt_words import Step, Words, spread

ON, TIME_HIGH, TRIGGER = 0x1, 0x8, 0xA
BITS = 28  # of TIME_HIGH, which wraps
SEEN = (0x0, ON, TIME_HIGH, TRIGGER)


class Clock(NamedTuple):
    """The upper bits as they were last said, and by how much they had wrapped."""

    high: int = 0
    wraps: int = 0


def decode_evt2(words: Words, state: Clock) -> Step[Clock]:
    """Events and triggers of some words."""
    kind = (words >> 28).astype(np.uint8)
    is_event = kind <= ON
    times = np.flatnonzero(kind == TIME_HIGH)
    highs, after = turned((words[times] & 0x0FFFFFFF).astype(np.int64), state, BITS)
    base = highs << 6
    before = (state.high + state.wraps) << 6
    counted = np.cumsum(is_event, dtype=np.int32)
    events = words[is_event]
    ticks = spread(base, before, times, counted)
    ticks |= events >> 22 & 63
    addresses = events >> 11 & 0x7FF
    addresses |= (events & 0x7FF) << 14
    addresses |= events >> 28 << 28
    where = np.flatnonzero(kind == TRIGGER)
    triggers = np.empty((len(where), 3), np.int64)
    if len(where):
        own = np.concatenate([[before], base])[np.searchsorted(times, where)]
        triggers[:, 0] = own | (words[where] >> 22 & 63)
        triggers[:, 1] = words[where] >> 8 & 31
        triggers[:, 2] = words[where] & 1
    others = len(words) - len(events) - len(times) - len(where)
    return Step(addresses.astype(np.uint32), ticks, triggers, others, after)


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
