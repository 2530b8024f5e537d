"""Files of words of one length that change a state: clock, row, column. Read in pieces, whose
states at their beginnings are known after the file has been gone through once."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from archive.adapters.event_columns import PIECE, Decoded, read_into

Words = npt.NDArray[Any]
State = TypeVar("State")

# So many pieces are read at a time: to open a file takes as long as to read a whole one.
TOGETHER = 4


class Survey(NamedTuple, Generic[State]):
    """What a piece of a file was found to hold."""

    events: int
    lowest: int  # no time is before this one, nor after the highest
    highest: int
    triggers: npt.NDArray[np.int64]  # (trigger, 3): time, channel, value
    others: int  # words that are kept nowhere
    after: State


class Coded(Protocol[State]):
    """How words are to be read, from a state on; addresses and times each by themselves, since
    they are asked for so."""

    dtype: np.dtype[Any]
    first: State

    def survey(self, words: Words, state: State) -> Survey[State]: ...
    def addresses(self, words: Words, state: State) -> npt.NDArray[np.uint32]: ...
    def ticks(self, words: Words, state: State) -> npt.NDArray[np.int64]: ...


class EventWords(Decoded, Generic[State]):
    """The events of such a file."""

    def __init__(self, path: Path, start: int, coded: Coded[State]) -> None:
        """Goes through the file once, without decoding it."""
        self._path = path.absolute()
        self._start = start
        self._coded = coded
        self._length = max(0, path.stat().st_size - start) // coded.dtype.itemsize
        self._window: tuple[int, Words] | None = None
        self._states: list[State] = []
        counts: list[int] = []
        triggers = [np.empty((0, 3), np.int64)]
        self.others = self.lowest = self.highest = 0
        state = coded.first
        for number in range(-(-self._length // self._words)):
            self._states.append(state)
            found = coded.survey(self._read(number), state)
            counts.append(found.events)
            self.lowest = min(self.lowest, found.lowest)
            self.highest = max(self.highest, found.highest)
            self.others += found.others
            if len(found.triggers):
                triggers.append(found.triggers)
            state = found.after
        self._window = None
        self.triggers = np.concatenate(triggers)
        super().__init__(counts)

    @property
    def ticks_dtype(self) -> npt.DTypeLike:
        """The type that ticks need."""
        fits = self.lowest >= -(1 << 31) and self.highest < 1 << 31
        return np.int32 if fits else np.int64

    @property
    def _words(self) -> int:
        # what is made of a piece is many times as large, and shall stay in the cache too
        return max(1, PIECE // 32)

    def _read(self, number: int) -> Words:
        """The words of a piece, of some pieces that are read together."""
        window, inside = divmod(number, TOGETHER)
        if self._window is None or self._window[0] != window:
            first, most = window * TOGETHER * self._words, TOGETHER * self._words
            words = np.empty(min(most, self._length - first), self._coded.dtype)
            read_into(self._path, self._start + first * words.itemsize, words)
            self._window = window, words.astype(words.dtype.newbyteorder("="), copy=False)
        return self._window[1][inside * self._words : (inside + 1) * self._words]

    def fill(self, name: str, first: int, out: npt.NDArray[Any]) -> None:
        """See `Filling`."""
        self._window = None  # what was read before may have changed
        super().fill(name, first, out)

    def decode(self, number: int, name: str) -> npt.NDArray[Any]:
        """See `Decoded`."""
        words, state = self._read(number), self._states[number]
        coded = self._coded
        return coded.ticks(words, state) if name == "ticks" else coded.addresses(words, state)
