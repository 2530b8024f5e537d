"""Experiments given out as archives give them: lazily, from the disk, and not to be changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.entry import ArrayLike, Entry


class OnDisk:
    """An array that is read when it is asked for, as those of archives are; it has no more than
    an `ArrayLike` has."""

    def __init__(self, values: ArrayLike) -> None:
        self._values = np.array(values)
        self._values.setflags(write=False)

    @property
    def shape(self) -> tuple[int, ...]:
        return self._values.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._values.dtype

    def __getitem__(self, key: Any, /) -> Any:
        return self._values[key]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False:
            raise ValueError("an array on disk cannot be had without copying it")
        return self._values.astype(dtype or self._values.dtype)


class Broken(OnDisk):
    """An array that cannot be read, though its shape and dtype are known."""

    def __getitem__(self, key: Any, /) -> Any:
        raise ReadingFailed

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        raise ReadingFailed


class ReadingFailed(Exception):
    """Raised in the middle of an experiment on purpose."""

    def __init__(self) -> None:
        super().__init__("the source cannot be read any further")


@dataclass(frozen=True)
class Given:
    """A Source of an experiment: its parts come one by one, and only once for each `entry()`."""

    experiment: Entry

    def entry(self) -> Entry:
        return _lazy(self.experiment)


def _lazy(entry: Entry) -> Entry:
    arrays = {name: OnDisk(array) for name, array in entry.arrays.items()}
    return Entry(entry.model, arrays, _once(map(_lazy, entry.parts)))


def _once(parts: Iterator[Entry]) -> Iterator[Entry]:
    yield from parts


@dataclass(frozen=True)
class Failing:
    """A Source that fails once `good` of its entries, and the arrays of these, have been given
    out. Counted are all calls of `entry()` from the `call`-th on."""

    experiment: Entry
    good: int
    call: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "_calls", 0)

    def entry(self) -> Entry:
        calls = self.__dict__["_calls"] + 1
        object.__setattr__(self, "_calls", calls)
        return _failing(self.experiment, [self.good if calls >= self.call else 1 << 62])


def _failing(entry: Entry, left: list[int]) -> Entry:
    left[0] -= 1
    make = Broken if left[0] < 0 else OnDisk
    arrays = {name: make(array) for name, array in entry.arrays.items()}

    def parts() -> Iterator[Entry]:
        for part in entry.parts:
            if left[0] <= 0 and not part.arrays:
                raise ReadingFailed
            yield _failing(part, left)

    return Entry(entry.model, arrays, parts())
