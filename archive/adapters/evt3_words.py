"""The words of EVT 3.0, of 16 bits: row, column, vectors of columns, and a clock of 24 bits.

Source: docs.prophesee.ai, "EVT 3.0 format". The time of an event is the last upper and the last
lower bits that were said before it, as evlib has it; other programs round.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from archive.adapters.evt2_words import Clock, turned
from archive.adapters.evt_words import Step, Words

ROW, COLUMN, BASE, VECTOR_12, VECTOR_8, LOW, HIGH, TRIGGER = 0, 2, 3, 4, 5, 6, 8, 10
TIME = 16  # the bit from which on the time stands, above the row
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
    """Events and triggers of some words.

    What rows and the clock say goes into one line of numbers, as differences where they are
    said: their sum up to a word is what holds there, the time in the upper bits.
    """
    kind = (words >> 12).astype(np.uint8)
    line = np.zeros(len(words), np.int64)
    rows, row = _said(words, kind == ROW, 0x7FF, state.row)
    lows, low = _said(words, kind == LOW, 0xFFF, state.low)
    highs = _where(kind == HIGH)
    upper, clock = turned((words[highs] & 0xFFF).astype(np.int64), state.clock, 12)
    high = state.clock.high + state.clock.wraps
    line[rows.where] = rows.steps
    line[lows.where] = lows.steps << TIME
    line[highs] = np.diff(upper, prepend=high) << TIME + 12
    line[:1] += (high << 12 | state.low) << TIME | state.row
    np.cumsum(line, out=line)
    singles, triggered = _where(kind == COLUMN), _where(kind == TRIGGER)
    vectors, bases = _where((kind - VECTOR_12) <= 1), _where(kind == BASE)  # 0 - 4 is 252
    if len(vectors) or len(bases):
        which, columns, base = _with_vectors(words, kind, singles, vectors, bases, state.base)
    else:
        which, columns, base = singles, words[singles], state.base
    held = line[which]
    addresses = (held & 0x7FF).astype(np.uint32)
    addresses <<= 14
    addresses |= columns & 0x7FF
    addresses |= (columns & 0x800).astype(np.uint32) << 17
    triggers = np.empty((len(triggered), 3), np.int64)
    if len(triggered):
        triggers[:, 0] = line[triggered] >> TIME
        triggers[:, 1] = words[triggered] >> 8 & 15
        triggers[:, 2] = words[triggered] & 1
    known = (rows.where, lows.where, highs, singles, triggered, vectors, bases)
    others = len(words) - sum(map(len, known))
    held >>= TIME
    return Step(addresses, held, triggers, others, State(row, base, clock, low))


class Said(NamedTuple):
    """Words that say a value, and how much it differs from the one before."""

    where: npt.NDArray[np.int64]
    steps: npt.NDArray[np.int64]


def _where(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    # most kinds are rare, and counting is much quicker than looking where they are
    return np.flatnonzero(mask) if np.count_nonzero(mask) else _NOWHERE


_NOWHERE = np.empty(0, np.int64)


def _said(words: Words, mask: npt.NDArray[np.bool_], bits: int, before: int) -> tuple[Said, int]:
    """The words that say a value, and the last one."""
    where = _where(mask)
    values = (words[where] & bits).astype(np.int32)
    if not len(where):
        return Said(where, values), before
    steps = np.empty(len(where), np.int64)
    steps[0] = int(values[0]) - before
    np.subtract(values[1:], values[:-1], out=steps[1:])
    return Said(where, steps), int(values[-1])


def _with_vectors(
    words: Words,
    kind: npt.NDArray[np.uint8],
    singles: npt.NDArray[np.int64],
    vectors: npt.NDArray[np.int64],
    bases: npt.NDArray[np.int64],
    base: int,
) -> tuple[npt.NDArray[np.int64], Words, int]:
    """The word that each event comes from, its column with its polarity in bit 11, and the column
    that the next vector begins with."""
    is_long = kind[vectors] == VECTOR_12
    masks = words[vectors] & np.where(is_long, 0xFFF, 0xFF).astype(np.uint16)
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
    after = int(last & 0x7FF | values[-1] & 0x800)
    # a column has as many events as its own word, a vector as bits are set in it
    sources = np.concatenate([singles, vectors])
    order = np.argsort(sources, kind="stable")
    lengths = np.ones(len(sources), np.int64)
    lengths[len(singles) :] = _BITS[masks]
    patterns = np.ones(len(sources), np.uint16)
    patterns[len(singles) :] = masks
    firsts = np.empty(len(sources), np.int32)
    firsts[: len(singles)] = words[singles] & 0xFFF
    # the sign goes along in bit 16, above what a long row of vectors may add up to
    signs = values[which] & 0x800
    firsts[len(singles) :] = (starts & 0x7FF) + (signs << 5)
    firsts[: len(singles)] = (firsts[: len(singles)] & 0x7FF) + (firsts[: len(singles)] >> 11 << 16)
    sources, lengths, patterns, firsts = (
        each[order] for each in (sources, lengths, patterns, firsts)
    )
    inside = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    places = _PLACES[np.repeat(patterns, lengths), inside]
    full = np.repeat(firsts, lengths) + places
    columns = (full & 0x7FF | (full >> 16 & 1) << 11).astype(np.uint16)
    return np.repeat(sources, lengths), columns, after
