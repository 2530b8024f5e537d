"""What a reader gives, so that whatever goes wrong in it is an error of the file.

In a transaction, a system's error would else be taken for one of the archive.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.adapters import Reader
from archive.entry import ArrayLike, Entry, Loss
from archive.errors import ArchiveError, FormatError
from archive.experiment.source_file import SourceFile

# So much of what a reader gives is asked for before anything is written: a small file that cannot
# be read costs no transaction.
AHEAD_ENTRIES = 64
AHEAD_BYTES = 32 << 20


def entries_of(
    reader: Reader, file: SourceFile, losses: list[Loss], options: dict[str, Any]
) -> Iterator[Entry]:
    """The entries of a file. Raises FormatError, naming it, for all that a reader may raise."""
    known = options_of(reader)
    check_options(reader, options)
    told = options if known is not None and "losses" not in known else {"losses": losses, **options}
    try:
        found = iter(reader.read(file.path, **told))
    except Exception as error:
        raise of_file(error, file) from error
    return _guarded(found, file)


def check_options(reader: Reader, options: Collection[str]) -> None:
    """Raises FormatError for options that a reader does not have."""
    known = options_of(reader)
    for name in options if known is not None else ():
        if name == "losses" or name not in (known or ()):
            own = ", ".join(one for one in known or () if one != "losses")
            raise FormatError(
                f"the format {reader.name!r} has no option {name!r}",
                hint=f"known are {own or 'none'}",
            )


def options_of(reader: Reader) -> list[str] | None:
    """The options of a reader by name; None for one that takes any."""
    taken = inspect.signature(reader.read).parameters.values()
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in taken):
        return None
    return [one.name for one in taken if one.kind is not inspect.Parameter.POSITIONAL_ONLY]


def _guarded(entries: Iterable[Entry], file: SourceFile) -> Iterator[Entry]:
    try:
        for entry in entries:
            arrays = {name: _array(array, file) for name, array in entry.arrays.items()}
            parts = entry.parts
            if isinstance(parts, list | tuple):
                parts = list(_guarded(parts, file))
            else:
                parts = _guarded(parts, file)
            yield Entry(entry.model, arrays, parts)
    except Exception as error:
        raise of_file(error, file) from error


def of_file(error: Exception, file: SourceFile) -> Exception:
    """The error as one of the file; an error of ours, naming the file if it names none."""
    if isinstance(error, ArchiveError):
        error.path = error.path or str(file.path)
        return error
    if isinstance(error, MemoryError):
        return FormatError("what is in the file does not fit into memory", path=file.path)
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return FormatError(
        f"its reader failed ({said:.500})",
        path=file.path,
        hint="the file is damaged, or not of this format, or this is a fault of the reader",
    )


def _array(array: ArrayLike, file: SourceFile) -> ArrayLike:
    return array if isinstance(array, np.ndarray) else _Lazy(array, file)


class _Lazy:
    """An array on disk that says of which file it is where it cannot be read."""

    def __init__(self, array: ArrayLike, file: SourceFile) -> None:
        self._array = array
        self._file = file

    @property
    def shape(self) -> tuple[int, ...]:
        return self._array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._array.dtype

    def __getitem__(self, key: Any) -> Any:
        try:
            return self._array[key]
        except Exception as error:
            raise of_file(error, self._file) from error

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        try:
            return np.asarray(self._array, dtype)
        except Exception as error:
            raise of_file(error, self._file) from error


class Ahead:
    """The first entries of a file, which are there already, and then the others.

    It stops looking where an entry has parts that are still to be read, as these may have to be
    read before the next entry.
    """

    def __init__(self, entries: Iterator[Entry]) -> None:
        self._entries = entries
        self._first: list[Entry] = []
        size = 0
        for entry in entries:
            self._first.append(entry)
            size += _size(entry)
            is_whole = isinstance(entry.parts, list | tuple)
            if not is_whole or size > AHEAD_BYTES or len(self._first) >= AHEAD_ENTRIES:
                break

    def __iter__(self) -> Iterator[Entry]:
        while self._first:
            yield self._first.pop(0)
        yield from self._entries


def _size(entry: Entry) -> int:
    own = sum(array.nbytes for array in entry.arrays.values() if isinstance(array, np.ndarray))
    parts = entry.parts if isinstance(entry.parts, list | tuple) else ()
    return own + sum(map(_size, parts))
