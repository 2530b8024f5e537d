"""Chunks of a dataset as a whole, past HDF5's cache, and values sorted into them and out of them.

HDF5 knows where chunks lie, the file takes their bytes: to ask for the places of many chunks and
then to write them costs half of what it does to write each one through HDF5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
from h5py import h5d, h5t

from archive.storage.paged_file import PagedFile

Corner = tuple[int, ...]
# Puts the values of some chunks, the first by its number, into an array (chunk, *shape).
Fill = Callable[[int, npt.NDArray[Any]], None]


class WholeChunks:
    """The chunks of one dataset, each known by its corner."""

    def __init__(
        self, dataset: h5d.DatasetID, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> None:
        self._id = dataset
        self._shape = shape
        self._dtype = dtype
        self._size = prod(shape) * dtype.itemsize

    def buffer(self, size: int) -> npt.NDArray[Any]:
        """Zeros for as many chunks as that many bytes hold, but for one at least."""
        return np.zeros((max(1, size // self._size), *self._shape), self._dtype)

    def write(
        self,
        corners: Sequence[Corner],
        fill: Fill,
        buffer: npt.NDArray[Any],
        file: PagedFile | None,
    ) -> None:
        """Write chunks to the file below HDF5, or through HDF5. `fill` must not touch HDF5's
        file of these chunks."""
        places = None if file is None else self._places(corners, file)
        if file is None or places is None:
            for at in range(0, len(corners), len(buffer)):
                some = corners[at : at + len(buffer)]
                fill(at, buffer[: len(some)])
                for corner, chunk in zip(some, buffer, strict=False):
                    self._id.write_direct_chunk(corner, chunk)
            return
        for at, count in _runs(places, self._size, len(buffer)):
            chunks = buffer[:count]
            fill(at, chunks)
            file.put(chunks.reshape(-1).view(np.uint8).data, places[at])

    def write_ready(
        self, corners: Sequence[Corner], chunks: npt.NDArray[Any], file: PagedFile | None
    ) -> None:
        """Write chunks that lie side by side in memory (chunk, *shape) as they are."""
        places = None if file is None else self._places(corners, file)
        if file is None or places is None:
            for corner, chunk in zip(corners, chunks, strict=True):
                self._id.write_direct_chunk(corner, chunk)
            return
        view = chunks.reshape(-1).view(np.uint8).data
        for at, count in _runs(places, self._size, len(chunks)):
            file.put(view[at * self._size : (at + count) * self._size], places[at])

    def _places(self, corners: Sequence[Corner], file: PagedFile) -> Sequence[int] | None:
        """Where in the file chunks lie that HDF5 believes to have written; None if it does not
        tell, as a version of it might that copies what it is given."""
        stand_in = np.zeros(self._size, np.uint8)

        def ask() -> None:
            for corner in corners:
                self._id.write_direct_chunk(corner, stand_in)

        found = file.places(stand_in, ask)
        return found if len(found) == len(corners) else None

    @property
    def are_plain(self) -> bool:
        """Whether the bytes of chunks are those of their values."""
        plist = self._id.get_create_plist()
        return (
            plist.get_layout() == h5d.CHUNKED
            and not plist.get_nfilters()
            and not self._dtype.hasobject
            and self._id.get_type() == h5t.py_create(self._dtype)
        )

    def read(self, corner: Corner, into: npt.NDArray[Any]) -> bool:
        """Read a chunk of those that are plain; False if it is not stored, or too long for one."""
        try:
            self._id.read_direct_chunk(corner, out=into.reshape(-1).view(np.uint8))
        except (OSError, RuntimeError, ValueError):
            return False
        return True


def _runs(places: Sequence[int], size: int, most: int) -> Iterator[tuple[int, int]]:
    """The first and the number of pieces of a size that follow one another, `most` at a time."""
    first = 0
    for at in range(1, len(places) + 1):
        ends = at == len(places) or places[at] != places[at - 1] + size
        if ends or at - first == most:
            yield first, at - first
            first = at


def sort_into(values: npt.NDArray[Any], chunks: npt.NDArray[Any]) -> None:
    """Copy values (row, channel) into chunks side by side (chunk, row, channel); where the last
    one has more channels, these become zero. Rows that chunks have more stay as they are."""
    width = chunks.shape[2]
    whole, over = divmod(values.shape[1], width)
    parts = chunks[:, : len(values)]
    if whole:
        across, there = values[:, : whole * width], parts[:whole]
        if values.strides[1] == values.itemsize:
            # the channels of a chunk lie side by side: NumPy is quicker when they move as one
            line = np.dtype((np.void, width * values.itemsize))
            there.view(line)[..., 0] = across.view(line).T
        else:
            there[:] = across.reshape(len(values), -1, width).swapaxes(0, 1)
    if over:
        parts[whole, :, :over] = values[:, whole * width :]
        parts[whole, :, over:] = 0


def sort_out(chunks: npt.NDArray[Any], values: npt.NDArray[Any]) -> None:
    """The reverse; `values` have the channels side by side."""
    width = chunks.shape[2]
    whole, over = divmod(values.shape[1], width)
    parts = chunks[:, : len(values)]
    if whole:
        line = np.dtype((np.void, width * values.itemsize))
        values[:, : whole * width].view(line)[:] = parts[:whole].view(line)[..., 0].T
    if over:
        values[:, whole * width :] = parts[whole, :, :over]
