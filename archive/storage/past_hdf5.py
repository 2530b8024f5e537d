"""Parts of the chunks of a dataset, read past HDF5.

A call of HDF5 costs twice what the system's own does, and where the last channels do not fill
their chunk it reads row by row. This is for files that do not change while they are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
from h5py import h5d, h5t

from archive.storage.chunk_places import chunk_places
from archive.storage.tiles import Part, tiles
from archive.storage.whole_chunks import sort_out

# Fills each of some pieces of memory with the file's bytes from a place on.
Fetch = Callable[[Sequence[memoryview], Sequence[int]], None]

# HDF5 tells all places at one go only, at some 1 µs each, where a read past it saves some 10 µs:
# the places are asked for once a dataset has been read from so often, and never of very many.
READS_PER_CHUNK = 1 / 32
MOST_CHUNKS = 1 << 16

# Rows of fewer chunks HDF5 reads as quickly.
FEW = 4
# Chunks that follow one another are read together, so many bytes of them: between two reads
# Python can be interrupted.
TOGETHER = 1 << 24
# Parts of chunks wait side by side to be sorted, in the processor's cache.
BUFFER = 1 << 18


class PastHDF5:
    """What is read of one dataset without HDF5, once it is worth knowing where its chunks lie."""

    def __init__(
        self,
        dataset: h5d.DatasetID,
        chunks: tuple[int, ...],
        memory_type: h5t.TypeID,
        fetch: Fetch,
    ) -> None:
        self._id = dataset
        self._shape: tuple[int, ...] = dataset.shape
        self._chunks = chunks
        self._memory_type = memory_type
        self._fetch = fetch
        self._places: npt.NDArray[np.int64] | None = None
        self._reads = 0  # of parts of chunks, until the places of chunks are asked for

    def _knows_places(self, reads: int) -> bool:
        """Whether it is known where chunks lie in the file; looked up when it is worth it."""
        if self._reads >= 0:
            self._reads += reads
            axes = zip(self._shape, self._chunks, strict=True)
            chunks = prod(-(-length // width) for length, width in axes)
            if self._reads >= chunks * READS_PER_CHUNK:
                self._reads = -1
                if chunks <= MOST_CHUNKS:
                    self._places = chunk_places(self._id, self._chunks, self._memory_type)
        return self._places is not None

    def read_rows(self, start: int, out: npt.NDArray[Any]) -> bool:
        """Rows that lie in the chunks as in memory, because these are as wide; False if HDF5
        should read them."""
        rows = self._chunks[0]
        first, stop = start // rows, -(-(start + len(out)) // rows)
        if stop - first < FEW or not self._knows_places(stop - first):
            return False
        assert self._places is not None
        row_bytes = out.nbytes // len(out)
        view = out.reshape(-1).view(np.uint8).data
        before = start % rows * row_bytes  # in the first chunk
        for place, begin, end in _runs(self._places[first:stop].ravel(), rows * row_bytes):
            piece = view[max(0, begin - before) : end - before]
            self._fetch([piece], [place + max(0, before - begin)])
        return True

    def read_parts(
        self, start: int, step: int, parts: Sequence[Part], out: npt.NDArray[Any], *, whole: bool
    ) -> bool:
        """Few rows of the `parts` of chunks side by side; `whole`: all of them, as they are.
        False if HDF5 should read them: it is as quick at more rows than a chunk has."""
        rows = self._chunks[0]
        if out.shape[0] * step > rows or not self._knows_places(len(parts)):
            return False
        assert self._places is not None
        row_bytes = prod(self._chunks[1:]) * out.itemsize
        for down, first, length, picked in tiles(start, out.shape[0], step, rows):
            places = self._places[first // rows].ravel() + first % rows * row_bytes
            shape = length, *self._chunks[1:]
            together = max(1, BUFFER // (length * row_bytes))
            for at in range(0, len(parts), together):
                some = parts[at : at + together]
                with _pieces((len(some), *shape), out.dtype) as pieces:
                    self._fetch_each(pieces, places[[part.tile for part in some]])
                    if whole:
                        width = self._chunks[1]
                        sort_out(pieces, out[down, at * width : (at + len(some)) * width])
                        continue
                    for piece, part in zip(pieces, some, strict=True):
                        out[(down, *part.into)] = piece[(picked, *part.picked)]
        return True

    def _fetch_each(self, pieces: npt.NDArray[Any], places: npt.NDArray[np.int64]) -> None:
        size = pieces.nbytes // len(pieces)
        view = pieces.reshape(-1).view(np.uint8).data
        views = [view[at : at + size] for at in range(0, len(view), size)]
        self._fetch(views, places.tolist())


# Memory that was used before: to get it anew from the system would take as long as reading. Each
# thread takes its own.
_spare: list[npt.NDArray[np.uint8]] = []


@contextmanager
def _pieces(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Iterator[npt.NDArray[Any]]:
    """An array to read parts of chunks into."""
    size = prod(shape) * dtype.itemsize
    if size > BUFFER:
        yield np.empty(shape, dtype)
        return
    try:
        memory = _spare.pop()
    except IndexError:
        memory = np.empty(BUFFER, np.uint8)
    yield memory[:size].view(dtype).reshape(shape)
    _spare.append(memory)


def _runs(places: npt.NDArray[np.int64], size: int) -> Iterator[tuple[int, int, int]]:
    """Where chunks that follow one another begin in the file; and the first and the last byte
    of them, counted from the first chunk of all."""
    most = max(1, TOGETHER // size)
    breaks = (np.flatnonzero(np.diff(places) != size) + 1).tolist()
    for begin, end in zip([0, *breaks], [*breaks, len(places)], strict=True):
        for at in range(begin, end, most):
            yield int(places[at]), at * size, min(end, at + most) * size
