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
SIGN = 24


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
        is_low, is_high, is_row = kind == LOW, kind == HIGH, kind == ROW
        is_vector, is_base = kind - VECTOR_12 <= 1, kind == BASE  # of other kinds 252 and more
        is_trigger, is_single = kind == TRIGGER, kind == COLUMN
        triggered = np.flatnonzero(is_trigger) if is_trigger.any() else _NOWHERE
        count, base = int(np.count_nonzero(is_single)), state.base
        others = len(words) - sum(
            int(np.count_nonzero(mask))
            for mask in (is_low, is_high, is_row, is_vector, is_base, is_trigger, is_single)
        )
        if is_vector.any() or is_base.any():
            count, base = int(_counts(words, kind).sum()), _next_base(words, kind, state.base)
        triggers = np.empty((len(triggered), 3), np.int64)
        if len(triggered):
            triggers[:, 0] = self._clock(words, kind, state)[triggered]
            triggers[:, 1] = words[triggered] >> 8 & 15
            triggers[:, 2] = words[triggered] & 1
        upper, clock = turned((words[_where(is_high)] & 0xFFF).astype(np.int64), state.clock, 12)
        now = state.clock.high + state.clock.wraps
        row = _last(words, is_row, 0x7FF, state.row)
        low = _last(words, is_low, 0xFFF, state.low)
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
        found = _sources(words, kind, state.base)
        addresses = line.take(found.words).view(np.uint32)
        addresses <<= 14
        columns = found.columns
        addresses |= columns & 0x7FF
        addresses |= (columns & 0x800).astype(np.uint32) << 17
        if found.masks is None:
            return addresses
        # sixteen places for each word, of which those are taken that are set
        lanes = np.unpackbits(found.masks.astype("<u2").view(np.uint8), bitorder="little")
        bits = np.flatnonzero(lanes.view(bool))
        addresses = addresses.take(bits >> 4)
        addresses += (bits & 15).astype(np.uint32)
        addresses &= np.uint32(0xFFFFC7FF)  # beyond the last column they begin anew
        return addresses

    def ticks(self, words: Words, state: State) -> npt.NDArray[np.int64]:
        """The times of the events of some words, in µs."""
        kind = (words >> 12).astype(np.uint8)
        clock = self._clock(words, kind, state)
        if (kind - VECTOR_12 <= 1).any():
            return np.repeat(clock, _counts(words, kind))
        return clock.take(_where(kind == COLUMN))

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


def _next_base(words: Words, kind: npt.NDArray[np.uint8], base: int) -> int:
    """The column that the next vector begins with, and its polarity in bit 11."""
    is_base = kind == BASE
    if is_base.any():
        last = len(words) - 1 - int(is_base[::-1].argmax())
        base, kind = int(words[last] & 0xFFF), kind[last:]
    passed = 12 * np.count_nonzero(kind == VECTOR_12) + 8 * np.count_nonzero(kind == VECTOR_8)
    return int(base + passed & 0x7FF) | base & 0x800


def _counts(words: Words, kind: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
    """How many events each word is: the bits that are set in a vector, one for a column."""
    bits: npt.NDArray[Any] = (kind == VECTOR_12).astype(np.uint16) * np.uint16(0xFFF)
    bits |= (kind == VECTOR_8).astype(np.uint16) * np.uint16(0xFF)
    bits &= words
    bits |= kind == COLUMN
    # pairs, fours, bytes and words are added up
    bits -= bits >> 1 & 0x5555
    bits = (bits & 0x3333) + (bits >> 2 & 0x3333)
    bits = bits + (bits >> 4) & 0x0F0F
    bits += bits >> 8
    bits &= 0x1F
    return bits


class Vectors(NamedTuple):
    """Words with a bit for each of 12 or 8 columns side by side."""

    masks: npt.NDArray[np.uint16]
    firsts: npt.NDArray[np.uint16]  # the column of the lowest bit, and the polarity in bit 11


def _vectors(
    words: Words, kind: npt.NDArray[np.uint8], vectors: npt.NDArray[np.int64], base: int
) -> Vectors:
    is_short = kind == VECTOR_8
    widths = is_short.astype(np.int32) * 8
    widths += (kind == VECTOR_12).astype(np.int32) * 12
    # the columns that all vectors have passed, and by how much each base differs from them
    passed = np.cumsum(widths, dtype=np.int32)
    line = np.zeros(len(words), np.int32)
    bases = _where(kind == BASE)
    said = words.take(bases).astype(np.int32)
    line[bases] = _steps(_signed(said) - passed.take(bases), _signed(base))
    line[:1] += _signed(base)
    passed += np.cumsum(line, out=line)
    masks = (words.take(vectors) & 0xFFF).astype(np.uint16, copy=False)
    masks[is_short.take(vectors)] &= 0xFF
    firsts = passed.take(vectors)
    firsts -= widths.take(vectors)
    return Vectors(masks, (firsts & 0x7FF | firsts >> SIGN << 11).astype(np.uint16))


def _signed(said: Any) -> Any:
    """A column with its polarity in bit 11, as it is with that above all that columns add up to."""
    return (said & 0x7FF) + (said >> 11 << SIGN)


class Sources(NamedTuple):
    """The words that events come from, and of each a bit for each event."""

    words: npt.NDArray[np.int64]
    columns: npt.NDArray[np.uint16]  # of the lowest bit, and the polarity in bit 11
    masks: npt.NDArray[np.uint16] | None  # None: each word is one event


def _sources(words: Words, kind: npt.NDArray[np.uint8], base: int) -> Sources:
    vectors = _where(kind - VECTOR_12 <= 1)  # of other kinds this is more
    if not len(vectors):
        singles = _where(kind == COLUMN)
        return Sources(singles, words.take(singles), None)
    found = _vectors(words, kind, vectors, base)
    is_single = kind == COLUMN
    if not is_single.any():
        return Sources(vectors, found.firsts, found.masks)
    # a single column is a vector of one
    where = np.flatnonzero(is_single | (kind - VECTOR_12 <= 1))
    at = np.flatnonzero(kind.take(where) != COLUMN)
    columns, masks = words.take(where), np.ones(len(where), np.uint16)
    columns[at], masks[at] = found.firsts, found.masks
    return Sources(where, columns, masks)
