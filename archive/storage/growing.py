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
from h5py import h5d, h5p, h5s, h5t

from archive.errors import Refused

# From this many bytes on it pays to look at where chunks begin and end.
LARGE = 1 << 15
# So many bytes are written at a time, at least.
STEP = 1 << 22


class Growing:
    """A dataset with a first axis that grows. Reading is free; writing is for a Transaction."""

    def __init__(self, dataset: h5py.Dataset | h5d.DatasetID) -> None:
        self._id = dataset.id if isinstance(dataset, h5py.Dataset) else dataset
        # HDF5 is not told of errors in reading; whoever knows them is asked afterwards
        self.after: Callable[[], None] = lambda: None
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
        """Rows start to stop, as an array of its own. IndexError outside the dataset."""
        stop = self._length if stop is None else stop
        if not 0 <= start <= stop <= self._length:
            raise IndexError(f"rows {start} to {stop} of {self._length}")
        return self._read((start, *self._zeros), (stop - start, *self.row_shape), None)

    def read_part(
        self, start: tuple[int, ...], count: tuple[int, ...], step: tuple[int, ...]
    ) -> npt.NDArray[Any]:
        """A box with a stride along every axis."""
        return self._read(start, count, step)

    def _read(
        self, start: tuple[int, ...], count: tuple[int, ...], step: tuple[int, ...] | None
    ) -> npt.NDArray[Any]:
        out = np.empty(count, self.dtype)
        if not self._id.valid:
            raise Refused("the archive is closed", hint="open it again to read from it")
        if out.size:
            space = self._id.get_space()
            space.select_hyperslab(start, count, step)
            self._id.read(h5s.create_simple(count), space, out, self._memory_type)
            self.after()
        return out

    # -- for Session and Transaction only ------------------------------------------------------

    def reopen(self, dataset: h5d.DatasetID) -> None:
        """The same dataset, in the file that was closed and opened again."""
        self._id = dataset
        self._length = dataset.shape[0]

    def resize(self, length: int) -> None:
        self._id.set_extent((length, *self.row_shape))
        self._length = length

    def write(self, start: int, values: npt.NDArray[Any]) -> None:
        """Write rows that exist. `values` has this dataset's dtype and row shape."""
        if values.nbytes >= LARGE:
            self._write_large(start, values)
        else:
            self._write_box(start, values)

    def _write_box(self, start: int, values: npt.NDArray[Any]) -> None:
        if values.size:
            space = self._id.get_space()
            space.select_hyperslab((start, *self._zeros), values.shape)
            memory = h5s.create_simple(values.shape)
            self._id.write(memory, space, np.ascontiguousarray(values), self._memory_type)

    def _write_large(self, start: int, values: npt.NDArray[Any]) -> None:
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
