"""Groups and datasets of an NWB file, read with care: a file may come from anybody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from archive.adapters.global_heaps import check_heaps
from archive.entry import ArrayLike
from archive.errors import ArchiveError, FormatError
from archive.storage.guarded import HDF5_ERRORS, dataset_fault, refuse_plugins

AT_ONCE = 1 << 22  # bytes: a smaller dataset is read when the file is
EXPANSION = 2000  # how many bytes one byte of a file may stand for
TEXTS = 1_000_000  # texts in one dataset

Factor = float | npt.NDArray[np.float64]


@contextmanager
def opened(path: Path, *, texts: bool = False) -> Iterator[h5py.File]:
    """The file, for reading; with `texts`, also texts of variable length. Raises FormatError for
    whatever HDF5 cannot do inside the block."""
    refuse_plugins()
    try:
        if texts:
            check_heaps(path)
        with h5py.File(path, "r") as file:
            yield file
    except ArchiveError:
        raise
    except HDF5_ERRORS as error:
        reason = error.args[0] if error.args else type(error).__name__
        raise FormatError(f"HDF5 cannot read it: {reason!s:.200}", path=path) from error


def child(parent: h5py.Group, name: str) -> Any:
    """The member of this name; None if there is none, or if it lies in another file. A soft link
    is followed to an object of this file, once."""
    if "/" in name:
        return None  # HDF5 would follow whatever links are on the way
    link = parent.get(name, getlink=True)
    if isinstance(link, h5py.SoftLink):
        way, _, last = link.path.strip("/").rpartition("/")
        holder: Any = parent if not link.path.startswith("/") else parent.file["/"]
        for step in filter(None, way.split("/")):
            if not isinstance(holder.get(step, getlink=True), h5py.HardLink):
                return None
            holder = holder[step]
        if not isinstance(holder, h5py.Group):
            return None
        parent, name, link = holder, last, holder.get(last, getlink=True)
    return parent[name] if isinstance(link, h5py.HardLink) else None


def dataset(parent: h5py.Group, name: str) -> h5py.Dataset | None:
    """The dataset of this name, if there is one. Raises FormatError for one whose values lie
    elsewhere, or that claims more than the file can hold."""
    found = child(parent, name)
    if not isinstance(found, h5py.Dataset):
        return None
    path = Path(parent.file.filename)
    fault = dataset_fault(found.id)
    if fault is None and bytes_of(found) > most(path):
        fault = "it claims more than the file can hold"
    if fault is not None:
        raise FormatError(fault, path=path, entry=found.name)
    return found


def bytes_of(data: h5py.Dataset) -> int:
    """What its values take; of one without values 0."""
    return int(data.size or 0) * int(data.dtype.itemsize)


def most(path: Path) -> int:
    """How many bytes all values of a file may take."""
    return EXPANSION * max(path.stat().st_size, 1)


def members(parent: h5py.Group) -> list[str]:
    """The names of the members of a group."""
    return list(parent)


def attribute(holder: h5py.Group | h5py.Dataset, name: str) -> Any:
    """An attribute as text, a number or an array; None if there is none."""
    if name not in holder.attrs:
        return None
    found = holder.attrs[name]
    if isinstance(found, bytes):
        return found.decode("utf-8", "replace")
    return found.item() if isinstance(found, np.generic) else found


def text_of(parent: h5py.Group, name: str) -> str:
    """A dataset of one text, or an attribute; empty if there is none."""
    found = dataset(parent, name) if name in parent else None
    if found is None:
        told = attribute(parent, name)
        return told if isinstance(told, str) else ""
    values = column(found)
    return str(values[0]) if isinstance(values, list) and len(values) == 1 else ""


def column(data: h5py.Dataset) -> npt.NDArray[Any] | list[str] | None:
    """All values: numbers as an array, texts as a list; None for what is neither."""
    if h5py.check_string_dtype(data.dtype) is not None or data.dtype.kind == "S":
        if data.size is None or data.size > TEXTS:
            return None
        values = data.asstr("utf-8", "replace")[()] if data.dtype.kind != "S" else data[()]
        return [
            one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one)
            for one in np.asarray(values, object).ravel().tolist()
        ]
    return np.asarray(data[()]) if is_number(data.dtype) else None


def is_number(dtype: np.dtype[Any]) -> bool:
    """Whether an archive holds numbers of this dtype; those of `bool` are an enumeration."""
    return dtype.kind in "biufc" and dtype.itemsize <= 16


class Stored:
    """A dataset of numbers as (time, …), read when it is asked for; the file is open no longer.

    One of one dimension has one column. `factor`, of each column where it is an array, and
    `offset` are applied to what is read.
    """

    def __init__(self, data: h5py.Dataset, *, factor: Factor = 1.0, offset: float = 0.0) -> None:
        self._path = Path(data.file.filename)
        self._name = str(data.name)
        self._flat = data.ndim == 1
        self._scale = None if _is_plain(factor, offset) else (factor, offset)
        self.shape: tuple[int, ...] = (*data.shape, 1) if self._flat else data.shape
        self.dtype: np.dtype[Any] = data.dtype if self._scale is None else np.dtype(float)

    def __getitem__(self, key: Any, /) -> Any:
        first, *others = key if isinstance(key, tuple) else (key,)
        with opened(self._path) as file:
            values = np.asarray(file[self._name][first])
        if self._flat:
            values = values[..., np.newaxis]
        if self._scale is not None:
            values = values * self._scale[0] + self._scale[1]
        rest = tuple(others)
        return (
            values[(slice(None), *rest) if isinstance(first, slice) else rest] if rest else values
        )

    def __array__(self, dtype: Any = None, /) -> npt.NDArray[Any]:
        found = np.asarray(self[:])
        return found if dtype is None else found.astype(dtype)


def _is_plain(factor: Factor, offset: float) -> bool:
    return np.ndim(factor) == 0 and (factor, offset) == (1.0, 0.0)


def stored(data: h5py.Dataset, *, factor: Factor = 1.0, offset: float = 0.0) -> ArrayLike:
    """The values of a dataset; of a large one not read yet."""
    lazy = Stored(data, factor=factor, offset=offset)
    if bytes_of(data) > AT_ONCE:
        return lazy
    values = np.asarray(data[()])
    values = values[:, np.newaxis] if values.ndim == 1 else values
    return values if _is_plain(factor, offset) else values * factor + offset
