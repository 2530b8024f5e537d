"""Datasets that grow, as storage sees them and as h5py does, and boxes in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest
import quantities as pq
from hypothesis import strategies as st

from archive.storage import Growing, growing, paged_file
from archive.storage.files import SystemFiles
from archive.storage.hdf5 import create_hdf5
from archive.storage.paged_file import PagedFile

DTYPES = ("<f8", "<f4", "<i2", "|i1", "<c16", "|b1")


@contextmanager
def dataset(
    dtype: str, row_shape: tuple[int, ...], chunks: tuple[int, ...]
) -> Iterator[tuple[Growing, h5py.Dataset]]:
    """A dataset in memory, as storage sees it and as h5py does."""
    with h5py.File("growing.h5", "w", driver="core", backing_store=False) as file:
        made = growing.create(file["/"], "data", np.dtype(dtype), row_shape, chunks=chunks)
        yield made, file["data"]


@contextmanager
def paged(
    dtype: str, row_shape: tuple[int, ...], chunks: tuple[int, ...]
) -> Iterator[tuple[Growing, h5py.Dataset]]:
    """The same in a file that storage writes, some of it as pages and some directly."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(paged_file, "DIRECT", 300)
        files, path = SystemFiles(), Path(folder, "growing.h5")
        main, log = (files.open(Path(folder, name), create=True) for name in (path.name, "log"))
        below = PagedFile(files, main, log)
        with create_hdf5(path, below) as file:
            made = growing.create(file["/"], "data", np.dtype(dtype), row_shape, chunks=chunks)
            made.file = below
            yield made, file["data"]
            assert below.error is None
        files.close(main)
        files.close(log)


@contextmanager
def small_limits() -> Iterator[None]:
    """Everything is a large write, and a buffer holds a few chunks at most."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(growing, "LARGE", 1)
        patch.setattr(growing, "BUFFER", 64)
        yield


def numbers(shape: tuple[int, ...], dtype: str, seed: int) -> npt.NDArray[Any]:
    return np.random.default_rng(seed).integers(0, 100, shape).astype(dtype)


@st.composite
def shapes(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The shape of a row, and a chunk for it."""
    row_shape = tuple(draw(st.lists(st.integers(1, 12), max_size=2)))
    wide = tuple(draw(st.just(n) | st.integers(1, n)) for n in row_shape)
    return row_shape, (draw(st.integers(1, 9)), *wide)


@st.composite
def boxes(draw: st.DrawFn, shape: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Start, count and step along each axis."""
    found = []
    for length in shape:
        step = draw(st.integers(1, 1) | st.integers(1, max(1, length)))
        start = draw(st.integers(0, length))
        most = -((start - length) // step)
        found.append((start, draw(st.just(most) | st.integers(0, most)), step))
    return found


PERIOD = 0.1 * pq.ms
VALUES = numbers((10_000, 90), "<f8", 3)
