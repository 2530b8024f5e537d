"""Files of words of one length that change a state: clock, row, column. Read in pieces, whose
states at their beginnings are known after the file has been gone through once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from archive.adapters.event_columns import PIECE, Decoded, read_into

Words = npt.NDArray[Any]
State = TypeVar("State")


class Step(NamedTuple, Generic[State]):
    """What a piece of a file was found to hold."""

    addresses: npt.NDArray[np.uint32]
    ticks: npt.NDArray[np.int64]
    triggers: npt.NDArray[np.int64]  # (trigger, 3): tick, channel, value
    others: int  # words that are kept nowhere
    after: State


class EventWords(Decoded, Generic[State]):
    """The events of such a file."""

    def __init__(
        self,
        path: Path,
        start: int,
        dtype: npt.DTypeLike,
        first: State,
        step: Callable[[Words, State], Step[State]],
    ) -> None:
        """Goes through the file once, by `step`, which decodes words from a state on."""
        self._path = path.absolute()
        self._start = start
        self._dtype: np.dtype[Any] = np.dtype(dtype)
        self._step = step
        self._length = max(0, path.stat().st_size - start) // self._dtype.itemsize
        self._states: list[State] = []
        counts: list[int] = []
        triggers: list[npt.NDArray[np.int64]] = []
        self.others = 0
        self.lowest, self.highest = 0, 0
        state = first
        for number in range(-(-self._length // self._words)):
            self._states.append(state)
            found = step(self._read(number), state)
            counts.append(len(found.ticks))
            if len(found.ticks):
                self.lowest = min(self.lowest, int(found.ticks.min()))
                self.highest = max(self.highest, int(found.ticks.max()))
            if len(found.triggers):
                triggers.append(found.triggers)
            self.others += found.others
            state = found.after
        self.triggers = np.concatenate([np.empty((0, 3), np.int64), *triggers])
        super().__init__(counts)

    @property
    def ticks_dtype(self) -> npt.DTypeLike:
        """The type that ticks need."""
        fits = self.lowest >= -(1 << 31) and self.highest < 1 << 31
        return np.int32 if fits else np.int64

    @property
    def _words(self) -> int:
        return PIECE // self._dtype.itemsize // 4

    def _read(self, number: int) -> Words:
        first = number * self._words
        words = np.empty(min(self._words, self._length - first), self._dtype)
        read_into(self._path, self._start + first * self._dtype.itemsize, words)
        return words.astype(self._dtype.newbyteorder("="), copy=False)

    def decode(self, number: int) -> dict[str, npt.NDArray[Any]]:
        """See `Decoded`."""
        found = self._step(self._read(number), self._states[number])
        return {"addresses": found.addresses, "ticks": found.ticks}


def spread(
    values: npt.NDArray[Any], before: Any, where: npt.NDArray[Any], counted: npt.NDArray[Any]
) -> npt.NDArray[Any]:
    """The value that is in force at each event: `values` stand at the words `where`, `before`
    comes first, and `counted` (word,) is how many events there are up to each word."""
    # events before each of the words that change it
    bounds = counted[where]
    total = int(counted[-1]) if len(counted) else 0
    lengths = np.diff(bounds, prepend=0, append=total)
    return np.repeat(np.concatenate([np.array([before], values.dtype), values]), lengths)
