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

Kinds = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]


class State(NamedTuple):
    """What was last said: row, next column of a vector and its polarity, clock."""

    row: int = 0
    base: int = 0  # of the vector, with bit 11 for its polarity
    clock: Clock = Clock()
    low: int = 0


class Evt3Words:
    """See `Coded`. Words that are events are told from those that say what holds from there on.
    These are looked at by themselves, and repeated for as many events as come before the next."""

    dtype = np.dtype("<u2")
    first = State()

    def survey(self, words: Words, state: State) -> Survey[State]:
        """What some words hold, and the state after them."""
        kind = _kinds(words)
        is_high = kind == HIGH
        count, base = _number(kind == COLUMN), state.base
        if _has_vectors(kind):
            count = _total(words, kind)
            base = _next_base(words, kind, state.base)
        others = _others(kind)
        now = state.clock.high + state.clock.wraps
        clock, highs = state.clock, [now]
        # the clock's upper bits are repeated more often than they change
        if _number(words == (HIGH << 12 | clock.high)) != _number(is_high):
            said = words.compress(is_high)
            said = said.compress(_changed(said, clock.high))
            upper, clock = turned((said & 0xFFF).astype(np.int64), clock, 12)
            highs += [int(upper.min()), int(upper.max())]
        row, low = _last(kind, ROW), _last(kind, LOW)
        after = State(
            state.row if row is None else int(words[row]) & 0x7FF,
            base,
            clock,
            state.low if low is None else int(words[low]) & 0xFFF,
        )
        triggers = self._triggers(words, kind, state)
        return Survey(count, min(highs) << 12, max(highs) + 1 << 12, triggers, others, after)

    def addresses(self, words: Words, state: State) -> npt.NDArray[np.uint32]:
        """The addresses of the events of some words, of the coding ``prophesee``."""
        kind = _kinds(words)
        found = _split(words, kind)
        events = words.compress(found.is_event)
        at_row = np.flatnonzero(found.said < 1 << 12)
        rows = (found.said.take(at_row) & 0x7FF).astype(np.uint32)
        rows <<= 14
        addresses = _held(rows, found.before.take(at_row), state.row << 14, len(events))
        if not _has_vectors(kind):
            addresses |= events & 0x7FF
            signs = (events & 0x800).astype(np.uint32)
            signs <<= 17
            addresses |= signs
            return addresses
        columns, masks = _vectors(events, found, state.base)
        addresses |= columns
        # sixteen places for each word, of which those are taken that are set
        lanes = np.unpackbits(masks.astype("<u2", copy=False).view(np.uint8), bitorder="little")
        bits = np.flatnonzero(lanes.view(bool))
        beside = bits.astype(np.uint32)
        beside &= 15
        bits >>= 4
        addresses = addresses.take(bits)
        addresses += beside
        addresses &= np.uint32(0xFFFFC7FF)  # beyond the last column they begin anew
        return addresses

    def ticks(self, words: Words, state: State) -> npt.NDArray[Any]:
        """The times of the events of some words, in µs."""
        kind = _kinds(words)
        where = _clock_words(words, kind, state)
        events = _counts(words, kind) if _has_vectors(kind) else (kind == COLUMN).view(np.uint8)
        passed = np.cumsum(events, dtype=np.int32)
        count = int(passed[-1]) if len(passed) else 0
        first = (state.clock.high + state.clock.wraps) << 12 | state.low
        return _held(_times(words.take(where), state), passed.take(where), first, count)

    def _triggers(self, words: Words, kind: Kinds, state: State) -> npt.NDArray[np.int64]:
        """Time, channel and value of each."""
        is_trigger = kind == TRIGGER
        triggers = np.empty((_number(is_trigger), 3), np.int64)
        if len(triggers):
            where, said = np.flatnonzero(is_trigger), _clock_words(words, kind, state)
            first = (state.clock.high + state.clock.wraps) << 12 | state.low
            times = np.concatenate([[first], _times(words[said], state)])
            triggers[:, 0] = times[np.searchsorted(said, where)]
            triggers[:, 1] = words[where] >> 8 & 15
            triggers[:, 2] = words[where] & 1
        return triggers


def _kinds(words: Words) -> Kinds:
    return (words >> 12).astype(np.uint8)


def _number(mask: npt.NDArray[Any]) -> int:
    return int(np.count_nonzero(mask))


def _has_vectors(kind: Kinds) -> bool:
    """Whether some words are vectors, or say where one begins."""
    return bool(_number(kind - BASE <= VECTOR_8 - BASE))


def _clock_words(words: Words, kind: Kinds, state: State) -> Places:
    """Which words set the clock. The upper bits are repeated much more often than they change."""
    is_high = kind == HIGH
    is_clock = kind == LOW
    if _number(words == (HIGH << 12 | state.clock.high)) != _number(is_high):
        highs = np.flatnonzero(is_high)
        is_clock[highs.compress(_changed(words.take(highs), state.clock.high))] = True
    return np.flatnonzero(is_clock)


def _changed(said: Words, before: int) -> Mask:
    """Which words that say the upper bits differ from the one before."""
    changed = np.empty(len(said), bool)
    np.not_equal(said[1:], said[:-1], out=changed[1:])
    changed[:1] = said[:1] != (HIGH << 12 | before)
    return changed


def _others(kind: Kinds) -> int:
    """How many words are of types that say nothing of events."""
    is_other = (kind & 1).view(bool)
    if _number(is_other):
        is_other &= (kind != BASE) & (kind != VECTOR_8)
    is_other |= kind > TRIGGER
    return _number(is_other)


def _last(kind: Kinds, wanted: int) -> int | None:
    """Where the last word of a kind is."""
    for most in (256, len(kind)):  # it is among the last ones, as a rule
        found = np.flatnonzero(kind[-most:] == wanted)
        if len(found):
            return int(found[-1]) + max(0, len(kind) - most)
    return None


class Split(NamedTuple):
    """Words that are events, and others."""

    is_event: Mask
    said: Words  # the others
    before: Places  # how many words that are events come before each of these


def _split(words: Words, kind: Kinds) -> Split:
    is_event = kind == COLUMN
    is_event |= kind - VECTOR_12 <= 1  # of other kinds this is more
    at = np.flatnonzero(~is_event)
    said = words.take(at)
    at -= np.arange(len(at))
    return Split(is_event, said, at)


def _held(
    values: npt.NDArray[Any], before: npt.NDArray[Any], first: int, count: int
) -> npt.NDArray[Any]:
    """What holds at each of `count` events: at first one value, and then each of `values` from
    where so many events were before it."""
    all_values = np.empty(len(values) + 1, values.dtype)
    all_values[0], all_values[1:] = first, values
    times = np.empty(len(values) + 1, np.int64)
    times[:-1], times[-1] = before, count
    times[1:] -= before
    return all_values.repeat(times)


def _times(said: Words, state: State) -> npt.NDArray[Any]:
    """The time from each word on that sets the clock: of 32 bits, if they are enough."""
    highs = np.flatnonzero(said >= HIGH << 12)
    values = (said & 0xFFF).astype(np.int32)
    upper, _ = turned(values.take(highs).astype(np.int64), state.clock, 12)
    high = state.clock.high + state.clock.wraps
    fits = min(upper.min(initial=high), high) << 12 >= -(1 << 31)
    fits = fits and max(upper.max(initial=high), high) + 1 << 12 < 1 << 31
    upper = (upper << 12).astype(np.int32 if fits else np.int64)
    times = _held(upper, highs, high << 12, len(said))
    if len(highs):
        # the lower bits go on, from the last word that said them
        places = highs - np.arange(len(highs))
        last = highs.take(np.searchsorted(places, places)) - 1
        values[highs] = np.where(last < 0, state.low, values.take(last))
    times |= values
    return times


def _next_base(words: Words, kind: Kinds, base: int) -> int:
    """The column that the next vector begins with, and its polarity in bit 11."""
    last = _last(kind, BASE)
    if last is not None:
        base, kind = int(words[last] & 0xFFF), kind[last:]
    passed = 12 * _number(kind == VECTOR_12) + 8 * _number(kind == VECTOR_8)
    return int(base + passed & 0x7FF) | base & 0x800


def _event_bits(words: Words, kind: Kinds) -> npt.NDArray[np.uint16]:
    """As many bits as each word is events: those of a vector, one for a column."""
    bits: npt.NDArray[np.uint16] = (kind == VECTOR_12).astype(np.uint16)
    bits *= np.uint16(0xFFF)
    is_short, is_single = kind == VECTOR_8, kind == COLUMN
    if is_short.any():
        bits |= is_short.astype(np.uint16) * np.uint16(0xFF)
    bits &= words
    if is_single.any():
        bits |= is_single
    return bits


def _total(words: Words, kind: Kinds) -> int:
    """How many events all words are, counted four words at a time."""
    if _bitwise_count is None:
        return int(_counts(words, kind).sum(dtype=np.int64))
    bits = np.zeros(-(-len(words) // 4) * 4, np.uint16)
    bits[: len(words)] = _event_bits(words, kind)
    return int(_bitwise_count(bits.view(np.uint64)).sum(dtype=np.int64))


def _counts(words: Words, kind: Kinds) -> npt.NDArray[Any]:
    """How many events each word is."""
    bits: npt.NDArray[Any] = _event_bits(words, kind)
    if _bitwise_count is not None:
        found: npt.NDArray[Any] = _bitwise_count(bits)
        return found
    # pairs, fours, bytes and words are added up
    bits -= bits >> 1 & 0x5555
    bits = (bits & 0x3333) + (bits >> 2 & 0x3333)
    bits = bits + (bits >> 4) & 0x0F0F
    bits += bits >> 8
    bits &= 0x1F
    return bits


_bitwise_count = getattr(np, "bitwise_count", None)  # since NumPy 2.0


def _vectors(
    events: Words, found: Split, base: int
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint16]]:
    """Words that are events as vectors, of one bit for a single column: column of the lowest bit,
    with the polarity, as in an address, and the bits."""
    kind = _kinds(events)
    is_short, is_single = kind == VECTOR_8, kind == COLUMN
    # the columns that all vectors before have passed, and by how much each base differs from them
    widths = (kind == VECTOR_12).view(np.uint8) * np.uint8(12)
    widths |= is_short.view(np.uint8) << 3
    passed = np.zeros(len(events) + 1, np.int32)
    np.cumsum(widths, dtype=np.int32, out=passed[1:])
    at_base = np.flatnonzero(found.said >> 12 == BASE)
    before = found.before.take(at_base)
    said = found.said.take(at_base).astype(np.int32)
    bases = _signed(said & 0xFFF) - passed.take(before)
    firsts = _held(bases, before, _signed(base), len(events))
    firsts += passed[:-1]
    masks: npt.NDArray[np.uint16] = (events & 0xFFF).astype(np.uint16, copy=False)
    if is_short.any():
        masks[is_short] &= 0xFF
    if is_single.any():
        np.copyto(firsts, _signed(masks.astype(np.int32)), where=is_single)
        masks[is_single] = 1
    columns = firsts & 0x7FF
    firsts >>= SIGN
    firsts <<= 28
    columns |= firsts
    return columns.view(np.uint32), masks


def _signed(said: Any) -> Any:
    """A column with its polarity in bit 11, as it is with that above all that columns add up to."""
    return (said & 0x7FF) + (said >> 11 << SIGN)
