"""The words of EVT 3.0, of 16 bits: row, column, vectors of columns, and a clock of 24 bits.

Source: docs.prophesee.ai, "EVT 3.0 format". The time of an event is the last upper and the last
lower bits that were said before it, as evlib has it; other programs round.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from archive.adapters.evt2_words import Clock, turned
from archive.adapters.evt_words import Survey, Words

ROW, COLUMN, BASE, VECTOR_12, VECTOR_8, LOW, HIGH, TRIGGER = 0, 2, 3, 4, 5, 6, 8, 10
_BITS = np.array([bin(n).count("1") for n in range(1 << 12)], np.uint8)
# Of each pattern of twelve bits the places that are set, at the beginning of a row.
_PLACES = np.argsort(~(np.arange(1 << 12)[:, None] >> np.arange(12) & 1).astype(bool), axis=1,
                     kind="stable").astype(np.uint8)  # fmt: skip


class State(NamedTuple):
    """What was last said: row, next column of a vector and its polarity, clock."""

    row: int = 0
    base: int = 0  # of the vector, with bit 11 for its polarity
    clock: Clock = Clock()
    low: int = 0


class Evt3Words:
    """See `Coded`. What rows, or the clock, say goes into one line of numbers, as differences
    where they are said: their sum up to a word is what holds there."""

    dtype = np.dtype("<u2")
    first = State()

    def survey(self, words: Words, state: State) -> Survey[State]:
        """What some words hold, and the state after them."""
        kind = (words >> 12).astype(np.uint8)
        is_single, is_low, is_high = kind == COLUMN, kind == LOW, kind == HIGH
        vectors, bases, triggered = _where(kind - VECTOR_12 <= 1), _where(kind == BASE), _NOWHERE
        if (kind == TRIGGER).any():
            triggered = np.flatnonzero(kind == TRIGGER)
        count, base = int(np.count_nonzero(is_single)), state.base
        known = count + len(vectors) + len(bases) + len(triggered)
        if len(vectors) or len(bases):
            found = _vectors(words, kind, vectors, bases, state.base)
            count, base = count + int(_BITS[found.masks].sum()), found.after
        triggers = np.empty((len(triggered), 3), np.int64)
        if len(triggered):
            triggers[:, 0] = self._clock(words, kind, state)[triggered]
            triggers[:, 1] = words[triggered] >> 8 & 15
            triggers[:, 2] = words[triggered] & 1
        upper, clock = turned((words[_where(is_high)] & 0xFFF).astype(np.int64), state.clock, 12)
        now = state.clock.high + state.clock.wraps
        is_row = kind == ROW
        known += sum(int(np.count_nonzero(mask)) for mask in (is_low, is_high, is_row))
        row = _last(words, is_row, 0x7FF, state.row)
        low = _last(words, is_low, 0xFFF, state.low)
        others = len(words) - known
        highs = (now, int(upper.min()), int(upper.max())) if len(upper) else (now,)
        lowest, highest = min(highs) << 12, max(highs) + 1 << 12
        after = State(row, base, clock, low)
        return Survey(count, lowest, highest, triggers, others, after)

    def addresses(self, words: Words, state: State) -> npt.NDArray[np.uint32]:
        """The addresses of the events of some words, of the coding ``prophesee``."""
        kind = (words >> 12).astype(np.uint8)
        line = np.zeros(len(words), np.int32)
        rows = _where(kind == ROW)
        line[rows] = _steps(words.take(rows) & 0x7FF, state.row)
        line[:1] += state.row
        np.cumsum(line, out=line)
        which, columns = _events(words, kind, state.base)
        columns = words.take(which) if columns is None else columns
        found = line.take(which).view(np.uint32)
        found <<= 14
        found |= columns & 0x7FF
        found |= (columns & 0x800).astype(np.uint32) << 17
        return found

    def ticks(self, words: Words, state: State) -> npt.NDArray[np.int64]:
        """The times of the events of some words, in µs."""
        kind = (words >> 12).astype(np.uint8)
        which, _ = _events(words, kind, state.base)
        return self._clock(words, kind, state).take(which)

    def _clock(
        self, words: Words, kind: npt.NDArray[np.uint8], state: State
    ) -> npt.NDArray[np.int64]:
        """The time at each word."""
        line = np.zeros(len(words), np.int64)
        lows, highs = _where(kind == LOW), _where(kind == HIGH)
        line[lows] = _steps(words.take(lows) & 0xFFF, state.low)
        upper, _ = turned((words[highs] & 0xFFF).astype(np.int64), state.clock, 12)
        high = state.clock.high + state.clock.wraps
        line[highs] = _steps(upper, high) << 12
        line[:1] += high << 12 | state.low
        return np.cumsum(line, out=line)


def _where(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    # most kinds are rare, and counting is much quicker than looking where they are
    return np.flatnonzero(mask) if np.count_nonzero(mask) else _NOWHERE


_NOWHERE = np.empty(0, np.int64)


def _last(words: Words, mask: npt.NDArray[np.bool_], bits: int, before: int) -> int:
    """What the last of some words says."""
    if not mask.any():
        return before
    return int(words[len(mask) - 1 - int(mask[::-1].argmax())] & bits)


def _steps(values: npt.NDArray[Any], before: int) -> npt.NDArray[np.int64]:
    """How much each value differs from the one before it."""
    steps = values.astype(np.int64)
    if len(steps):
        steps[1:] -= values[:-1]
        steps[0] -= before
    return steps


class Vectors(NamedTuple):
    """Words with a bit for each of 12 or 8 columns side by side."""

    masks: npt.NDArray[np.uint16]
    firsts: npt.NDArray[np.int64]  # the column of the lowest bit, and the polarity in bit 11
    after: int  # the same of the next vector


def _vectors(
    words: Words,
    kind: npt.NDArray[np.uint8],
    vectors: npt.NDArray[np.int64],
    bases: npt.NDArray[np.int64],
    base: int,
) -> Vectors:
    is_long = kind[vectors] == VECTOR_12
    masks = (words[vectors] & np.where(is_long, 0xFFF, 0xFF)).astype(np.uint16)
    # the columns that all vectors have passed, less what they had passed at their base
    passed = np.zeros(len(vectors) + 1, np.int64)
    np.cumsum(np.where(is_long, 12, 8), out=passed[1:])
    values = np.empty(len(bases) + 1, np.int64)
    values[0], values[1:] = base, words[bases] & 0xFFF
    offsets = np.zeros(len(bases) + 1, np.int64)
    offsets[1:] = passed[np.searchsorted(vectors, bases)]
    which = np.searchsorted(bases, vectors)
    starts = values[which] + (passed[:-1] - offsets[which])
    last = values[-1] + passed[-1] - offsets[-1]
    firsts = starts & 0x7FF | values[which] & 0x800
    return Vectors(masks, firsts, int(last & 0x7FF | values[-1] & 0x800))


def _events(
    words: Words, kind: npt.NDArray[np.uint8], base: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint16] | None]:
    """The word that each event comes from, and its column with its polarity in bit 11; None if
    that is what the word itself says."""
    singles = _where(kind == COLUMN)
    vectors = _where(kind - VECTOR_12 <= 1)  # of other kinds this is more
    if not len(vectors):
        return singles, None
    found = _vectors(words, kind, vectors, _where(kind == BASE), base)
    # a column has as many events as its own word, a vector as bits are set in it
    where = _where((kind == COLUMN) | (kind - VECTOR_12 <= 1))
    is_vector = kind[where] != COLUMN
    masks = np.ones(len(where), np.uint16)
    masks[is_vector] = found.masks
    firsts = words[where] & 0xFFF
    firsts[is_vector] = found.firsts
    lengths = _BITS[masks].astype(np.int64)
    inside = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    places = _PLACES[np.repeat(masks, lengths), inside]
    full = np.repeat(firsts, lengths)
    return np.repeat(where, lengths), (full & 0x800) | ((full & 0x7FF) + places & 0x7FF)
