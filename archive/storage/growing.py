"""An HDF5 dataset that grows along its first axis, reached by h5py's low-level calls.

The high-level ones cost some 50 µs each, the low-level ones 5 to 10: an append makes about
fifteen of them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from math import prod
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from h5py import h5d, h5f, h5i, h5p, h5s, h5t

from archive.errors import CorruptArchive, Refused

# From this many bytes on it pays to look at where chunks begin and end.
LARGE = 1 << 15
# So many bytes are written at a time, at least.
STEP = 1 << 22

# A read of this many bytes needs no reason: a column may hold little but its fill value.
FREE = 1 << 26
# Packed values may be so many times as long as what is stored of them, and no more. Values that
# hardly differ pack better (gzip: 1000 to 1); those are read in parts.
PACKED = 256


def allowance(dataset: h5d.DatasetID) -> int:
    """The most bytes that may be read at once: what is stored of a dataset justifies them, not
    what its header declares."""
    plist = dataset.get_create_plist()
    # chunks that share their bytes are stored once
    stored = min(dataset.get_storage_size(), h5i.get_file_id(dataset).get_filesize())
    allowed: int = FREE + stored * (PACKED if plist.get_nfilters() else 1)
    return allowed


class Growing:
    """A dataset with a first axis that grows. Reading is free; writing is for a Transaction."""

    def __init__(self, dataset: h5py.Dataset | h5d.DatasetID) -> None:
        self._id = dataset.id if isinstance(dataset, h5py.Dataset) else dataset
        self.dtype: np.dtype[Any] = self._id.dtype
        self._memory_type = h5t.py_create(self.dtype)
        shape = self._id.shape
        self._length: int = shape[0]
        self.row_shape: tuple[int, ...] = tuple(shape[1:])
        self._zeros = (0,) * len(self.row_shape)

    @cached_property
    def chunks(self) -> tuple[int, ...]:
        """The shape of a chunk."""
        found: tuple[int, ...] = self._id.get_create_plist().get_chunk()
        return found

    def __len__(self) -> int:
        return self._length

    @property
    def shape(self) -> tuple[int, ...]:
        return (self._length, *self.row_shape)

    def read(self, start: int = 0, stop: int | None = None) -> npt.NDArray[Any]:
        """Rows start to stop, as an array of its own. CorruptArchive outside the dataset: where
        to read is said by other parts of the file."""
        stop = self._length if stop is None else stop
        self.require(start, stop - start)
        return self._read((start, *self._zeros), (stop - start, *self.row_shape), None)

    def read_part(
        self, start: tuple[int, ...], count: tuple[int, ...], step: tuple[int, ...]
    ) -> npt.NDArray[Any]:
        """A box with a stride along every axis."""
        return self._read(start, count, step)

    def _read(
        self, start: tuple[int, ...], count: tuple[int, ...], step: tuple[int, ...] | None
    ) -> npt.NDArray[Any]:
        if not self._id.valid:
            raise Refused("the archive is closed", hint="open it again to read from it")
        self.justify(prod(count) * self.dtype.itemsize)
        out = np.empty(count, self.dtype)
        if out.size:
            try:
                space = self._id.get_space()
                space.select_hyperslab(start, count, step)
                self._id.read(h5s.create_simple(count), space, out, self._memory_type)
            except (OSError, RuntimeError, ValueError) as error:
                raise self.damaged(f"HDF5 cannot read it ({error})") from error
        return out

    def require(self, start: int, count: int) -> None:
        """Raises CorruptArchive where there are no such rows."""
        if not 0 <= start <= start + count <= self._length:
            raise self.damaged(
                f"rows {start} to {start + count} do not lie within the {self._length} there are"
            )

    def justify(self, size: int) -> None:
        """Raises CorruptArchive where so many bytes cannot come from what is stored."""
        if size > FREE and size > allowance(self._id):
            raise self.damaged(
                f"{size} bytes of it would be read, and what is stored cannot be so many"
            )

    def damaged(self, what: str) -> CorruptArchive:
        """The error that says so of this dataset."""
        name = (h5i.get_name(self._id) or b"").decode(errors="replace")
        return CorruptArchive(
            what,
            path=h5f.get_name(self._id).decode(errors="replace"),
            entry="/".join(name.split("/")[-3:-1]) or None,
            hint="'neuroarchive check' lists what is damaged; a part of it may be readable",
        )

    # -- for Transaction only ----------------------------------------------------------------

    def resize(self, length: int) -> None:
        self._id.set_extent((length, *self.row_shape))
        self._length = length

    def write(
        self,
        start: int,
        values: npt.NDArray[Any],
        on_bytes: Callable[[int], None] = lambda count: None,
    ) -> None:
        """Write rows that exist. `values` has this dataset's dtype and row shape; `on_bytes` is
        told now and then how many bytes have gone to the file."""
        if values.nbytes >= LARGE:
            self._write_large(start, values, on_bytes)
        else:
            self._write_box(start, values)

    def _write_box(self, start: int, values: npt.NDArray[Any]) -> None:
        if values.size:
            space = self._id.get_space()
            space.select_hyperslab((start, *self._zeros), values.shape)
            memory = h5s.create_simple(values.shape)
            self._id.write(memory, space, np.ascontiguousarray(values), self._memory_type)

    def _write_large(
        self, start: int, values: npt.NDArray[Any], on_bytes: Callable[[int], None]
    ) -> None:
        """In steps. Whole chunks that are as wide as the rows lie in memory as they will lie in
        the file, and go there past HDF5's chunk cache."""
        rows = self.chunks[0]
        whole = self.chunks[1:] == self.row_shape
        stop = start + len(values)
        step = rows if whole else max(1, STEP // (rows * values[0].nbytes)) * rows
        while start < stop:
            # up to the next border between chunks, so that no chunk is written twice
            end = min(stop, (start // rows) * rows + step)
            part = values[: end - start]
            if whole and start % rows == 0 and end - start == rows:
                place = (start, *self._zeros)
                self._id.write_direct_chunk(place, np.ascontiguousarray(part))
            else:
                self._write_box(start, part)
            on_bytes(part.nbytes)
            values = values[end - start :]
            start = end


def create(
    parent: h5py.Group,
    name: str,
    dtype: np.dtype[Any],
    row_shape: tuple[int, ...] = (),
    *,
    chunks: tuple[int, ...],
    fill: npt.NDArray[Any] | None = None,
) -> Growing:
    """A new dataset of no rows. ValueError if a chunk would have no bytes."""
    if prod(chunks) * dtype.itemsize == 0:
        raise ValueError(f"a chunk of shape {chunks} holds nothing")
    plist = h5p.create(h5p.DATASET_CREATE)
    plist.set_chunk(chunks)
    plist.set_alloc_time(h5d.ALLOC_TIME_INCR)
    if fill is not None:
        plist.set_fill_value(fill)
    space = h5s.create_simple((0, *row_shape), (h5s.UNLIMITED, *row_shape))
    made = h5d.create(parent.id, name.encode(), h5t.py_create(dtype, logical=True), space, plist)
    return Growing(made)
