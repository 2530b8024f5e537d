"""Addresses and ticks that stay in their file, and are decoded when they are sliced.

So a recording may be larger than memory. What was read is never kept: a file is opened anew for
each piece, and one that has become shorter meanwhile is an error.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from archive.adapters.unreadable import unreadable
from archive.errors import FormatError

# So many bytes of a file are decoded at a time: they stay in the processor's cache.
PIECE = 1 << 20


class Filling(Protocol):
    """A file of events that knows how many there are."""

    count: int

    def fill(self, name: str, first: int, out: npt.NDArray[Any]) -> None:
        """Put the ``addresses`` or ``ticks`` of the events from `first` on into `out` (event,)."""
        ...


class Column:
    """The addresses, or the ticks, of a file of events: an array that is read when sliced."""

    def __init__(self, source: Filling, name: str, dtype: npt.DTypeLike) -> None:
        self._source = source
        self._name = name
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.shape = (source.count,)

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False:
            raise ValueError("an array on disk cannot be had without copying it")
        return self._rows(0, len(self), self.dtype if dtype is None else np.dtype(dtype))

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            first, last, step = key.indices(len(self))
            if step == 1:
                return self._rows(first, max(first, last), self.dtype)
        return np.asarray(self)[key]

    def _rows(self, first: int, last: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        out = np.empty(last - first, self.dtype)
        self._source.fill(self._name, first, out)
        return out.astype(dtype, copy=False)


class Records:
    """Events that are records of one length, one behind the other."""

    def __init__(
        self,
        path: Path,
        start: int,
        count: int,
        record: npt.DTypeLike,
        wraps: npt.NDArray[np.int64] | None = None,
    ) -> None:
        """`record` is the type of a record, with fields ``addresses`` and ``ticks``; `start` the
        byte where the first lies. `wraps` says of each piece of `rows_per_piece` records by how
        much the clock had wrapped before it, None if it never did."""
        self.path = path.absolute()
        self.start = start
        self.count = count
        self.record: np.dtype[Any] = np.dtype(record)
        self.wraps = wraps
        self._buffer: npt.NDArray[Any] | None = None

    @property
    def rows_per_piece(self) -> int:
        return PIECE // self.record.itemsize

    def read(self, first: int, last: int) -> npt.NDArray[Any]:
        """Records as they are, until the next are read, at most `rows_per_piece`. FormatError if
        they are not there any more."""
        if self._buffer is None:
            self._buffer = np.empty(self.rows_per_piece, self.record)
        found = self._buffer[: last - first]
        read_into(self.path, self.start + first * self.record.itemsize, found)
        return found

    def fill(self, name: str, first: int, out: npt.NDArray[Any]) -> None:
        """See `Filling`."""
        rows = self.rows_per_piece
        done = 0
        while done < len(out):
            # where the clock wraps, up to the next border between pieces: so much is known there
            at = first + done
            border = (at // rows + 1) * rows if self.wraps is not None else at + rows
            last = min(first + len(out), border)
            if name == "ticks" and self.wraps is not None:
                begin = at // rows * rows
                steps = unwrapped(self.read(begin, last)["ticks"], int(self.wraps[begin // rows]))
                out[done : last - first] = steps[at - begin :]
            else:
                out[done : last - first] = self.read(at, last)[name]
            done = last - first


def read_into(path: Path, start: int, out: npt.NDArray[Any]) -> None:
    """Bytes of a file from a place on, as many as an array holds. FormatError if there are fewer,
    or none can be read."""
    view = out.view(np.uint8).reshape(-1).data
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(start)
            while len(view):
                got = file.readinto(view)
                if not got:
                    raise FormatError("the file has become shorter while it was read", path=path)
                view = view[got:]
    except OSError as error:
        raise unreadable(path, error) from error


def unwrapped(ticks: npt.NDArray[Any], wraps: int) -> npt.NDArray[np.int64]:
    """Ticks of a signed clock of 32 bits as they would be on one that never wraps; it had wrapped
    by `wraps` at the first. From one event to the next it goes by less than half of its range,
    forwards or backwards: so times that decrease a little still do."""
    long = ticks.astype(np.int64)
    long[1:] += np.cumsum(_turns(long))
    long += wraps
    return long


def wrapped_by(ticks: npt.NDArray[Any], before: int | None) -> tuple[int, int, bool]:
    """By how much the clock wraps before the first of some ticks, which follow one of value
    `before`, and then until the last; and whether it does at all."""
    long = ticks.astype(np.int64)
    first = 0 if before is None else int(_turns(np.array([before, long[0]]))[0])
    inside = _turns(long)
    return first, int(inside.sum()), bool(first or inside.any())


def _turns(long: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    steps = np.diff(long)
    turns = (steps <= -(1 << 31)).astype(np.int64) - (steps > 1 << 31)
    return turns << 32


class Decoded(ABC):
    """Events in pieces of a file, each with its own number of them: a `Filling`."""

    def __init__(self, counts: Sequence[int] | npt.NDArray[np.int64]) -> None:
        self._ends = np.cumsum(np.asarray(counts, np.int64))
        self.count = int(self._ends[-1]) if len(self._ends) else 0
        self._last: tuple[int, str, npt.NDArray[Any]] | None = None

    @abstractmethod
    def decode(self, number: int, name: str) -> npt.NDArray[Any]:
        """The ``addresses`` or ``ticks`` of a piece."""

    def fill(self, name: str, first: int, out: npt.NDArray[Any]) -> None:
        """See `Filling`."""
        done = 0
        number = int(np.searchsorted(self._ends, first, side="right"))
        while done < len(out):
            begin = int(self._ends[number - 1]) if number else 0
            values = self._piece(number, name)
            if len(values) != int(self._ends[number]) - begin:
                raise FormatError("the file has changed while it was read")
            part = values[first + done - begin : first + len(out) - begin]
            out[done : done + len(part)] = part
            done += len(part)
            number += 1

    def _piece(self, number: int, name: str) -> npt.NDArray[Any]:
        # the next slice begins where this one ends, within a piece
        if self._last is None or self._last[:2] != (number, name):
            self._last = number, name, self.decode(number, name)
        return self._last[2]
