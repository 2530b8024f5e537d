"""Entries as files in a folder, for one process to write and another to read: models as JSON,
arrays as ``.npy``, of which no more is in memory than is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.entry import ArrayLike, Entry
from archive.errors import FormatError

INDEX = "entries.jsonl"
BLOCK = 1 << 23  # bytes that are written at once
IN_MEMORY = 1 << 12  # bytes up to which an array is read at once


def write_entries(entries: Iterable[Entry], folder: Path, limit: int) -> None:
    """Write entries with all that is in them. Raises FormatError if their arrays and documents
    have more than `limit` bytes, before these are written."""
    with (folder / INDEX).open("xb") as index:
        made = _Folder(folder, limit)
        for entry in entries:
            made.write(index, entry, 0)


def read_entries(folder: Path, owner: object = None) -> Iterator[Entry]:
    """The entries at the top, with their parts. Large arrays stay in their files, and keep `owner`
    alive, which may remove them when it goes."""
    with (folder / INDEX).open("rb") as index:
        lines = [json.loads(line) for line in index]
    at = 0
    while at < len(lines):
        entry, at = _entry(lines, at, folder, owner)
        yield entry


def _entry(lines: list[dict[str, Any]], at: int, folder: Path, owner: object) -> tuple[Entry, int]:
    line, parts = lines[at], []
    at += 1
    while at < len(lines) and lines[at]["depth"] > line["depth"]:
        part, at = _entry(lines, at, folder, owner)
        parts.append(part)
    arrays = {name: _opened(folder / file, owner) for name, file in line["arrays"].items()}
    return Entry(schemas.load(line["model"]), arrays, parts), at


class Stored:
    """An array in a file of NumPy's, opened for each reading and never kept open."""

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: Any, owner: object) -> None:
        self._path = path
        self._owner = owner
        self.shape = shape
        self.dtype: np.dtype[Any] = dtype

    def __getitem__(self, key: Any, /) -> Any:
        return np.array(np.load(self._path, mmap_mode="r")[key])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        values: npt.NDArray[Any] = np.load(self._path)
        return values if dtype is None else values.astype(dtype, copy=False)


def _opened(path: Path, owner: object) -> ArrayLike:
    if path.stat().st_size <= IN_MEMORY:
        small: npt.NDArray[Any] = np.load(path)
        return small
    mapped = np.load(path, mmap_mode="r")
    return Stored(path, mapped.shape, mapped.dtype, owner)


class _Folder:
    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._left = limit
        self._count = 0

    def write(self, index: Any, entry: Entry, depth: int) -> None:
        arrays = {name: self._array(array) for name, array in entry.arrays.items()}
        line = {"depth": depth, "model": schemas.dump(entry.model), "arrays": arrays}
        text = schemas.to_json(line)
        self._spend(len(text))
        index.write(text + b"\n")
        for part in entry.parts:
            self.write(index, part, depth + 1)

    def _array(self, array: ArrayLike) -> str:
        size = prod(array.shape) * array.dtype.itemsize
        self._spend(size)
        name = f"{self._count}.npy"
        self._count += 1
        with (self._folder / name).open("xb") as file:
            if array.dtype.hasobject:
                raise FormatError(f"an array of {array.dtype} holds objects")
            shape = tuple(map(int, array.shape))
            header = {"descr": array.dtype.str, "fortran_order": False, "shape": shape}
            write = np.lib.format.write_array_header_1_0
            write(file, header)  # type: ignore[no-untyped-call]  # NumPy gives it no types
            rows = array.shape[0] if array.shape else 1
            step = max(1, BLOCK // max(1, size // max(1, rows)))
            for start in range(0, rows, step) if size else ():
                piece = array[start : start + step] if array.shape else array
                file.write(np.ascontiguousarray(piece, array.dtype).tobytes())
        return name

    def _spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise FormatError(
                f"more than {self._limit} bytes would come out of it",
                hint="if you trust it, give a higher limit: limit=2**36",
            )
