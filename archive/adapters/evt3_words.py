"""The words of EVT 3.0, of 16 bits: row, column, vectors of columns, and a clock of 24 bits.

Source: docs.prophesee.ai, "EVT 3.0 format". The time of an event is the last upper and the last
lower bits that were said before it, as evlib has it; other programs round.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from archive.adapters.evt2_words import Clock, turned
from archive.adapters.evt_words import Step, Words, spread

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


def decode_evt3(words: Words, state: State) -> Step[State]:
    """Events and triggers of some words."""
    kind = (words >> 12).astype(np.uint8)
    is_event = kind == COLUMN
    vectors = np.flatnonzero((kind - VECTOR_12) <= 1)  # both kinds; others wrap around
    base_after = state.base
    if len(vectors) or (kind == BASE).any():
        columns, counted, base_after = _with_vectors(words, kind, is_event, vectors, state.base)
    else:
        columns = words[is_event]
        counted = np.cumsum(is_event, dtype=np.int32)
    rows = np.flatnonzero(kind == ROW)
    row_values = words[rows] & 0x7FF
    times, moments, after = _moments(words, kind, state)
    now = (state.clock.high + state.clock.wraps << 12) | state.low
    ticks = spread(moments, now, times, counted)
    addresses = spread(row_values.astype(np.uint32), state.row, rows, counted)
    addresses <<= 14
    addresses |= columns & 0x7FF
    addresses |= (columns & 0x800).astype(np.uint32) << 17
    where = np.flatnonzero(kind == TRIGGER)
    triggers = np.empty((len(where), 3), np.int64)
    if len(where):
        triggers[:, 0] = np.concatenate([[now], moments])[np.searchsorted(times, where)]
        triggers[:, 1] = words[where] >> 8 & 15
        triggers[:, 2] = words[where] & 1
    row = int(row_values[-1]) if len(rows) else state.row
    others = int(np.count_nonzero(~_KNOWN[kind]))
    return Step(addresses, ticks, triggers, others, after._replace(row=row, base=base_after))


_KNOWN = np.isin(np.arange(16), (ROW, COLUMN, BASE, VECTOR_12, VECTOR_8, LOW, HIGH, TRIGGER))


def _moments(
    words: Words, kind: npt.NDArray[np.uint8], state: State
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], State]:
    """The words that set the clock, the time after each, and what is known after all."""
    times = np.flatnonzero((kind == LOW) | (kind == HIGH))
    values = (words[times] & 0xFFF).astype(np.int64)
    is_high = kind[times] == HIGH
    highs, clock = turned(values[is_high], state.clock, 12)
    lows = values[~is_high]
    # how many of each kind came so far is where its value stands
    count = np.cumsum(is_high)
    high = np.concatenate([[state.clock.high + state.clock.wraps], highs])[count]
    low = np.concatenate([[state.low], lows])[np.arange(1, len(times) + 1) - count]
    after = state._replace(clock=clock, low=int(lows[-1]) if len(lows) else state.low)
    return times, high << 12 | low, after


def _with_vectors(
    words: Words,
    kind: npt.NDArray[np.uint8],
    is_event: npt.NDArray[np.bool_],
    vectors: npt.NDArray[np.int64],
    base: int,
) -> tuple[Words, npt.NDArray[np.int32], int]:
    """The column of each event with its polarity in bit 11, how many events there are up to each
    word, and the column that the next vector begins with."""
    widths = np.where(kind[vectors] == VECTOR_12, 12, 8)
    masks = words[vectors] & np.where(widths == 12, 0xFFF, 0xFF).astype(np.uint16)
    bases = np.flatnonzero(kind == BASE)
    # the columns that all vectors have passed, less what they had passed at their base
    passed = np.concatenate([[0], np.cumsum(widths)])
    at_base = np.searchsorted(vectors, bases)
    which = np.searchsorted(bases, vectors)
    values = np.concatenate([[base], words[bases] & 0xFFF]).astype(np.int64)
    offsets = np.concatenate([[0], passed[at_base]])
    starts = values[which] + (passed[:-1] - offsets[which])
    last = values[-1] + passed[-1] - offsets[-1]
    after = int(last & 0x7FF | values[-1] & 0x800)
    counts = is_event.astype(np.int32)
    counts[vectors] = _BITS[masks]
    counted = np.cumsum(counts, dtype=np.int32)
    columns = np.empty(int(counted[-1]) if len(counted) else 0, np.uint16)
    singles = np.flatnonzero(is_event)
    columns[counted[singles] - 1] = words[singles] & 0xFFF
    lengths = _BITS[masks].astype(np.int64)
    begin = np.repeat(counted[vectors] - lengths, lengths)
    inside = np.arange(len(begin)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    places = _PLACES[np.repeat(masks, lengths), inside]
    full = np.repeat(starts, lengths) + places
    signs = np.repeat(values[which] & 0x800, lengths)
    columns[begin + inside] = (full & 0x7FF | signs).astype(np.uint16)
    return columns, counted, after
