"""Parts of chunks read past HDF5: the same values, and of files that do not change only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import quantities as pq
from h5py import h5t
from hypothesis import given, strategies as st

import archive
from archive.container.lazy import Stretch
from archive.storage import Growing, past_hdf5
from archive.storage.chunk_places import chunk_places, table, told
from tests.unit.growing_datasets import DTYPES, PERIOD, VALUES, boxes, dataset, numbers, shapes


@contextmanager
def places_asked_for_at_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(past_hdf5, "READS_PER_CHUNK", 0)
        patch.setattr(past_hdf5, "FEW", 1)
        patch.setattr(past_hdf5, "TOGETHER", 200)
        patch.setattr(past_hdf5, "BUFFER", 256)
        patch.setattr(past_hdf5, "_spare", [])  # of another length
        yield


@pytest.mark.parametrize("channels", [37, 40])
def test_whole_rows_that_do_not_fit_the_buffer(channels: int) -> None:
    with dataset("<f8", (channels,), (3, 4)) as (_, theirs), places_asked_for_at_once():
        theirs.resize(9, axis=0)
        values = theirs[:] = numbers((9, channels), "<f8", 1)
        theirs.file.flush()
        image = theirs.file.id.get_file_image()
        fetched: list[int] = []

        def fetch(pieces: Sequence[memoryview], offsets: Sequence[int]) -> None:
            fetched.append(len(pieces))
            for piece, offset in zip(pieces, offsets, strict=True):
                piece[:] = image[offset : offset + len(piece)]

        found = Growing(theirs)
        found.fetch = fetch
        assert np.array_equal(found.read_part((4, 0), (2, channels), (1, 1)), values[4:6])
        assert fetched == [4, 4, 2]  # of two rows of four


@given(st.data(), shapes(), st.sampled_from(DTYPES), st.integers(1, 40))
def test_boxes_are_the_same_past_hdf5(
    data: st.DataObject, shape: tuple[tuple[int, ...], tuple[int, ...]], dtype: str, length: int
) -> None:
    row_shape, chunks = shape
    with dataset(dtype, row_shape, chunks) as (_, theirs), places_asked_for_at_once():
        theirs.resize(length, axis=0)
        values = numbers((length, *row_shape), dtype, length)
        for first in data.draw(st.permutations(range(0, length, chunks[0]))):  # so they lie
            theirs[first : first + chunks[0]] = values[first : first + chunks[0]]
        theirs.file.flush()
        image = theirs.file.id.get_file_image()
        fetched: list[tuple[int, int]] = []

        def fetch(pieces: Sequence[memoryview], offsets: Sequence[int]) -> None:
            for piece, offset in zip(pieces, offsets, strict=True):
                piece[:] = image[offset : offset + len(piece)]
                fetched.append((offset, offset + len(piece)))

        found = Growing(theirs)
        found.fetch = fetch
        for _ in range(3):
            start, count, step = zip(*data.draw(boxes(values.shape)), strict=True)
            cut = tuple(map(slice, start, np.add(start, np.multiply(count, step)), step))
            fetched.clear()
            assert np.array_equal(found.read_part(start, count, step), values[cut])
            assert all(0 < first < end <= len(image) for first, end in fetched)
            spans = zip(start, count, step, theirs.chunks, strict=True)
            chunked = [first // n != (first + (c - 1) * s) // n for first, c, s, n in spans]
            rows = count[1:] == row_shape  # of which HDF5 reads whole chunks by itself
            short = step[0] < chunks[0] and 0 < count[0] * step[0] <= chunks[0]
            if short and prod(count) and not rows and any(chunked[1:]):
                assert fetched
            if rows and chunks[1:] == row_shape and not any(n > 1 for n in step) and prod(count):
                assert sum(end - first for first, end in fetched) == values[cut].nbytes


@pytest.mark.parametrize(
    "change",
    [
        {"byte_offset": 1 << 62},
        {"byte_offset": None},
        {"size": 7},
        {"chunk_offset": (1 << 63, 0)},
        {"chunk_offset": (3, 2)},
    ],
)
def test_places_that_cannot_be_are_left_to_hdf5(change: dict[str, Any]) -> None:
    with dataset("<f8", (4,), (3, 2)) as (_, theirs):
        theirs.resize(6, axis=0)
        theirs[:] = numbers((6, 4), "<f8", 1)

        found: list[Any] = []
        theirs.id.chunk_iter(found.append)
        places = table(found, (6, 4), (3, 2), 48, theirs.file.id.get_filesize())
        assert places is not None
        assert places.shape == (2, 2)
        found[0] = found[0]._replace(**change)
        assert table(found, (6, 4), (3, 2), 48, theirs.file.id.get_filesize()) is None


def test_an_index_without_end_is_not_followed() -> None:
    with dataset("<f8", (4,), (3, 2)) as (_, theirs):
        theirs.resize(60, axis=0)
        theirs[:] = 1.0
        assert len(told(theirs.id.chunk_iter, 40)) == 40
        assert len(told(theirs.id.chunk_iter, 7)) == 8


USUAL: dict[str, Any] = {"shape": (6, 4), "chunks": (3, 2), "dtype": "<f8"}


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "gzip"},
        {"fletcher32": True},
        {"dtype": ">f8"},
        {"maxshape": (None, 4), "shape": (7, 4)},
    ],
)
def test_what_memory_has_otherwise_is_left_to_hdf5(options: dict[str, Any]) -> None:
    with h5py.File("growing.h5", "w", driver="core", backing_store=False) as file:
        theirs = file.create_dataset("data", **USUAL | options)
        theirs[:6] = 1.0
        native = h5t.py_create(np.dtype("<f8"))
        assert chunk_places(theirs.id, (3, 2), native) is None


@pytest.mark.parametrize("logged", [False, True])
def test_a_reader_past_hdf5_sees_what_is_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: bool
) -> None:
    monkeypatch.setattr(past_hdf5, "READS_PER_CHUNK", 0)
    path = tmp_path / "e.nix"
    window = np.s_[100:140]

    def read_both(exp: archive.Experiment) -> None:
        for segment, values in zip(exp.segments, (VALUES, -VALUES), strict=False):
            assert np.array_equal(segment.signals["cell/v"][window].magnitude, values[window])

    with archive.open(path, "x") as exp, exp.run() as run:
        run.append({"cell/v": VALUES * pq.mV}, sampling_period=PERIOD)
    with ExitStack() as stack:
        holding = stack.enter_context(archive.open(path)) if logged else None  # no checkpoint
        with archive.open(path, "a") as exp, exp.run() as run:
            run.append({"cell/v": -VALUES * pq.mV}, sampling_period=PERIOD)
        reader = stack.enter_context(archive.open(path))
        assert (reader._container.session._through is not None) == logged
        values = reader.segments[1].signals["cell/v"].to_entry().arrays["values"]
        assert isinstance(values, Stretch)
        fetches: list[int] = []
        fetch = values._data.fetch
        assert fetch is not None

        def counting(pieces: Sequence[memoryview], offsets: Sequence[int]) -> None:
            fetches.extend(offsets)
            fetch(pieces, offsets)

        values._data.fetch = counting
        read_both(reader)
        assert fetches
        if holding is not None:
            kept = holding.segments[0].signals["cell/v"]
            read_both(holding)
            holding.refresh()
            read_both(holding)
            assert np.array_equal(kept[window].magnitude, VALUES[window])
