"""An HDF5 dataset that grows along its first axis, reached by h5py's low-level calls.

The high-level ones cost some 50 µs each, the low-level ones 5 to 10: an append makes about
fifteen of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from math import prod
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from h5py import h5d, h5f, h5g, h5i, h5p, h5s, h5t

from archive.errors import CorruptArchive, Refused
from archive.storage.paged_file import PagedFile
from archive.storage.past_hdf5 import Fetch, PastHDF5
from archive.storage.tiles import across, tiles
from archive.storage.whole_chunks import Corner, Fill, WholeChunks, sort_into, sort_out

# From this many bytes on it pays to look at where chunks begin and end.
LARGE = 1 << 15
# Of so many bytes a buffer is made, to sort values into chunks or out of them: it should stay in
# the processor's cache.
BUFFER = 1 << 20

# A read of this many bytes needs no reason: a column may hold little but its fill value.
FREE = 1 << 26
# So many chunks may lie in what is read, though they are not stored.
FREE_CHUNKS = 1 << 14
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
        # HDF5 is not told of errors in reading; whoever knows them is asked afterwards
        self.after: Callable[[], None] = lambda: None
        # what HDF5 writes through; None where storage has no part in that
        self.file: PagedFile | None = None
        self.fetch: Fetch | None = None  # None where the bytes of the file may change
        self._past: PastHDF5 | None = None
        self.dtype: np.dtype[Any] = self._id.dtype
        self._memory_type = h5t.py_create(self.dtype)
        shape = self._id.shape
        self._length: int = shape[0]
        self.row_shape: tuple[int, ...] = tuple(shape[1:])
        self._zeros = (0,) * len(self.row_shape)
        self.single = (1,) * len(shape)  # the step that leaves nothing out

    @cached_property
    def chunks(self) -> tuple[int, ...]:
        """The shape of a chunk; of what is not divided, its own."""
        plist = self._id.get_create_plist()
        divided = plist.get_layout() == h5d.CHUNKED
        found: tuple[int, ...] = plist.get_chunk() if divided else self._id.shape
        return found

    @cached_property
    def _chunk_bytes(self) -> int:
        return prod(self.chunks) * self.dtype.itemsize

    @cached_property
    def plain(self) -> bool:
        """Whether chunks hold the bytes of their values, and nothing else."""
        return self._whole.are_plain

    @property
    def _whole(self) -> WholeChunks:
        return WholeChunks(self._id, self.chunks, self.dtype)

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
        return self._read((start, *self._zeros), (stop - start, *self.row_shape), self.single)

    def read_part(
        self, start: tuple[int, ...], count: tuple[int, ...], step: tuple[int, ...]
    ) -> npt.NDArray[Any]:
        """A box with a stride along every axis."""
        return self._read(start, count, step)

    def _read(
        self, start: tuple[int, ...], count: tuple[int, ...], step: tuple[int, ...]
    ) -> npt.NDArray[Any]:
        if not self._id.valid:
            raise Refused("the archive is closed", hint="open it again to read from it")
        self.justify(prod(count) * self.dtype.itemsize)
        out = np.empty(count, self.dtype)
        if out.size:
            self._justify_chunks(start, count, step)
            try:
                self._read_into(start, step, out)
            except (OSError, RuntimeError, ValueError) as error:
                self.after()
                raise self.damaged(f"HDF5 cannot read it ({error})") from error
            self.after()
        return out

    def _read_into(
        self, start: tuple[int, ...], step: tuple[int, ...], out: npt.NDArray[Any]
    ) -> None:
        count = out.shape
        rows = step == self.single and count[1:] == self.row_shape
        if rows and self.chunks[1:] == self.row_shape and self._read_past(start[0], out):
            return
        if self._one_call_is_best(start, count, step):
            space = self._id.get_space()
            space.select_hyperslab(start, count, step)
            self._id.read(h5s.create_simple(count), space, out, self._memory_type)
        elif rows and len(count) == 2:
            self._read_rows(start[0], out)
        else:
            self._read_tiles(start, step, out)

    def _read_past(self, start: int, out: npt.NDArray[Any]) -> bool:
        past = self._past_hdf5
        return past is not None and past.read_rows(start, out)

    @property
    def _past_hdf5(self) -> PastHDF5 | None:
        if self._past is None and self.fetch is not None:
            self._past = PastHDF5(self._id, self.chunks, self._memory_type, self.fetch)
        return self._past

    def _one_call_is_best(
        self, start: tuple[int, ...], count: tuple[int, ...], step: tuple[int, ...]
    ) -> bool:
        """Whether what is asked for lies in the file in long pieces, or far apart."""
        if step == self.single:
            if not self.row_shape:
                return True
            begins = all(
                first % size == 0 for first, size in zip(start[1:], self.chunks[1:], strict=True)
            )
            if begins and count[1:] == self.chunks[1:]:
                return True
        return step[0] >= self.chunks[0]

    def read_whole(self, corner: Corner, into: npt.NDArray[Any]) -> None:
        """One chunk of those that are `plain`. CorruptArchive if it is not there as a whole."""
        found = self._whole.read(corner, into)
        self.after()
        if not found:
            raise self.damaged(f"the chunk at {corner} cannot be read")

    def _read_rows(self, start: int, out: npt.NDArray[Any]) -> None:
        """Chunks that are needed as a whole are read past HDF5's cache."""
        rows = self.chunks[0]
        buffer = None
        while len(out):
            # up to the next border between chunks
            end = min(start + len(out), (start // rows + 1) * rows)
            part = out[: end - start]
            whole = start % rows == 0 and end in (start + rows, self._length) and self.plain
            if whole:
                buffer = self._whole.buffer(BUFFER) if buffer is None else buffer
                whole = self._read_chunks(start, part, buffer)
            if not whole:
                self._read_tiles((start, 0), self.single, part)
            out = out[end - start :]
            start = end

    def _read_chunks(self, start: int, out: npt.NDArray[Any], buffer: npt.NDArray[Any]) -> bool:
        """The chunks side by side that hold these rows; False if one is not there."""
        width = self.chunks[1]
        step = len(buffer) * width
        for first in range(0, out.shape[1], step):
            part = out[:, first : first + step]
            chunks = buffer[: -(-part.shape[1] // width)]
            for number, chunk in enumerate(chunks):
                if not self._whole.read((start, first + number * width), chunk):
                    return False
            sort_out(chunks, part)
        return True

    def _read_tiles(
        self, start: tuple[int, ...], step: tuple[int, ...], out: npt.NDArray[Any]
    ) -> None:
        """By tiles as wide as a chunk. Their rows lie in the file as in memory, so that HDF5
        copies them at one go, and NumPy is quicker than HDF5 at picking single values out."""
        rows = max(1, BUFFER // self._chunk_bytes) * self.chunks[0]
        across_bytes = prod(map(min, self.chunks[1:], self.row_shape)) * self.dtype.itemsize
        self.justify(min(rows, self._length) * across_bytes)
        found = across(start[1:], out.shape[1:], step[1:], self.chunks[1:], self.row_shape)
        past = self._past_hdf5
        whole = len(out.shape) == 2 and (out.shape[1:], step) == (self.row_shape, self.single)
        if past is not None and past.read_parts(start[0], step[0], found, out, whole=whole):
            return
        space = self._id.get_space()
        shape: tuple[int, ...] = ()
        for down, first, length, picked in tiles(start[0], out.shape[0], step[0], rows):
            for into, corner, width, chosen, _ in found:
                if (length, *width) != shape:
                    shape = (length, *width)
                    memory, buffer = h5s.create_simple(shape), np.empty(shape, self.dtype)
                space.select_hyperslab((first, *corner), shape)
                self._id.read(memory, space, buffer, self._memory_type)
                out[(down, *into)] = buffer[(picked, *chosen)]

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

    def _justify_chunks(
        self, start: tuple[int, ...], count: tuple[int, ...], step: tuple[int, ...]
    ) -> None:
        """Raises CorruptArchive for many chunks that are not there: HDF5 looks for each one."""
        axes = zip(start, count, step, self.chunks, strict=True)
        found = prod(
            min(number, (first + (number - 1) * stride) // width - first // width + 1)
            for first, number, stride, width in axes
        )
        if found > FREE_CHUNKS and found > self._id.get_num_chunks():
            raise self.damaged(f"{found} chunks of it would be read, and fewer are stored")

    def damaged(self, what: str) -> CorruptArchive:
        """The error that says so of this dataset."""
        name = (h5i.get_name(self._id) or b"").decode(errors="replace")
        return CorruptArchive(
            what,
            path=h5f.get_name(self._id).decode(errors="replace"),
            entry="/".join(name.split("/")[-3:-1]) or None,
            hint="'neuroarchive check' lists what is damaged; a part of it may be readable",
        )

    # -- for Session and Transaction only ------------------------------------------------------

    def reopen(self, dataset: h5d.DatasetID) -> None:
        """The same dataset, in the file that was closed and opened again."""
        self._id = dataset
        self._length = dataset.shape[0]
        self._past = None

    def resize(self, length: int) -> None:
        self._id.set_extent((length, *self.row_shape))
        self._length = length

    def write(self, start: int, values: npt.NDArray[Any]) -> None:
        """Write rows that exist. `values` has this dataset's dtype and row shape."""
        if values.nbytes >= LARGE:
            self._write_large(start, values)
        else:
            self._write_box((start, *self._zeros), values)

    def write_part(self, start: tuple[int, ...], values: npt.NDArray[Any]) -> None:
        """Write a box of rows that exist. It goes to the file past HDF5's chunk cache where it is
        a whole chunk."""
        ends = zip(start, values.shape, self.shape, self.chunks, strict=True)
        if values.shape[1:] == self.row_shape:
            self.write(start[0], values)
        elif all(
            first % size == 0 and first + count in (first + size, length)
            for first, count, length, size in ends
        ):
            self._write_chunk(start, values)
        else:
            self._write_box(start, values)

    def _write_box(self, start: tuple[int, ...], values: npt.NDArray[Any]) -> None:
        if values.size:
            space = self._id.get_space()
            space.select_hyperslab(start, values.shape)
            memory = h5s.create_simple(values.shape)
            self._id.write(memory, space, np.ascontiguousarray(values), self._memory_type)

    def _write_large(self, start: int, values: npt.NDArray[Any]) -> None:
        """Chunks in which no other rows lie go to the file past HDF5's chunk cache."""
        rows, *width = self.chunks
        stop = start + len(values)
        while start < stop:
            # up to the next border between chunks, so that no chunk is written twice
            end = min(stop, (start // rows + 1) * rows)
            part = values[: end - start]
            alone = start % rows == 0 and end in (start + rows, self._length)
            if alone and (*width,) == self.row_shape and stop - start >= 2 * rows:
                end = stop - stop % rows
                self._write_lines(start, values[: end - start])
            elif alone and (*width,) == self.row_shape:
                self._write_chunk((start, *self._zeros), part)
            elif alone and len(width) == 1:
                self._write_chunks(start, part)
            else:
                self._write_box((start, *self._zeros), part)
            values = values[end - start :]
            start = end

    def _write_chunk(self, corner: tuple[int, ...], values: npt.NDArray[Any]) -> None:
        """One chunk, of which `values` may be only a part."""
        if values.shape != self.chunks:
            full = np.zeros(self.chunks, self.dtype)
            full[tuple(map(slice, values.shape))] = values
            values = full
        self._id.write_direct_chunk(corner, np.ascontiguousarray(values))

    def _write_lines(self, start: int, values: npt.NDArray[Any]) -> None:
        """Chunks one behind the other, as wide as a row: their bytes are those of the values."""
        chunks = np.ascontiguousarray(values).reshape(-1, *self.chunks)
        corners = [(start + at * self.chunks[0], *self._zeros) for at in range(len(chunks))]
        self._whole.write_ready(corners, chunks, self.file)

    def _write_chunks(self, start: int, values: npt.NDArray[Any]) -> None:
        """The chunks side by side in which these rows (row, channel) lie."""
        width = self.chunks[1]

        def fill(at: int, chunks: npt.NDArray[Any]) -> None:
            sort_into(values[:, at * width : (at + len(chunks)) * width], chunks)

        self.write_whole([(start, first) for first in range(0, self.row_shape[0], width)], fill)

    def write_whole(self, corners: Sequence[Corner], fill: Fill) -> None:
        """Write chunks in which no other rows lie, or which are replaced: they go to the file
        past HDF5's chunk cache. `fill` may not use the file."""
        self._whole.write(corners, fill, self._whole.buffer(BUFFER), self.file)


def find(parent: h5g.GroupID, name: bytes, *, cached: bool) -> h5d.DatasetID:
    """The dataset of that name in a group; KeyError if there is none. Uncached, HDF5 reads no
    more of a chunk than is asked for: the system keeps what was read in memory anyway."""
    plist = h5p.create(h5p.DATASET_ACCESS)
    if not cached:
        plist.set_chunk_cache(1, 0, 0.0)
    return h5d.open(parent, name, plist)


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
