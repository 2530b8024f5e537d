"""Datasets that grow: boxes of any kind read and written, in chunks of any shape."""

from __future__ import annotations

from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest
import quantities as pq
from h5py import h5t
from hypothesis import given, strategies as st

import archive
from archive.container import layout
from archive.container.chunks import chunk_shape
from archive.storage import Growing
from tests.unit.growing_datasets import (
    DTYPES,
    PERIOD,
    VALUES,
    boxes,
    dataset,
    numbers,
    paged,
    shapes,
    small_limits,
)


@given(st.data(), shapes(), st.sampled_from(DTYPES), st.integers(1, 40))
def test_any_box_is_read_as_numpy_cuts_it(
    data: st.DataObject, shape: tuple[tuple[int, ...], tuple[int, ...]], dtype: str, length: int
) -> None:
    row_shape, chunks = shape
    with dataset(dtype, row_shape, chunks) as (growing_, theirs), small_limits():
        theirs.resize(length, axis=0)
        values = theirs[:] = numbers((length, *row_shape), dtype, length)
        found = Growing(theirs)
        box = data.draw(boxes(values.shape))
        start, count, step = zip(*box, strict=True)
        cut = tuple(slice(s, s + c * d, d) for s, c, d in box)
        read = found.read_part(start, count, step)
        assert read.dtype == values.dtype
        assert np.array_equal(read, values[cut])
        first, last = sorted((start[0], data.draw(st.integers(0, length))))
        assert np.array_equal(found.read(first, last), values[first:last])
        assert len(growing_) == 0  # a handle knows the length that it was made with


@pytest.mark.parametrize("chunks", [(3, 2), (3, 5), (2, 9), (20, 4)])
def test_all_small_boxes(chunks: tuple[int, int]) -> None:
    values = numbers((7, 9), "<f8", 1)
    along = [
        [
            (start, -((start - stop) // step), step)
            for start in (0, 2, 3)
            for stop in (start + 1, length)
            for step in (1, 2, 3)
        ]
        for length in values.shape
    ]
    with dataset("<f8", (9,), chunks) as (_, theirs), small_limits():
        theirs.resize(7, axis=0)
        theirs[:] = values
        found = Growing(theirs)
        for start, count, step in (zip(*box, strict=True) for box in product(*along)):
            cut = tuple(map(slice, start, np.add(start, np.multiply(count, step)), step))
            assert np.array_equal(found.read_part(start, count, step), values[cut])


@given(
    shapes(),
    st.sampled_from(DTYPES),
    st.lists(st.integers(1, 30), min_size=1, max_size=4),
    st.sampled_from("CF"),
    st.sampled_from([dataset, paged]),
)
def test_appended_rows_come_back_and_leave_the_others_alone(
    shape: tuple[tuple[int, ...], tuple[int, ...]],
    dtype: str,
    lengths: list[int],
    order: Any,
    make: Any,
) -> None:
    row_shape, chunks = shape
    parts = [numbers((n, *row_shape), dtype, seed) for seed, n in enumerate(lengths)]
    with make(dtype, row_shape, chunks) as (found, theirs), small_limits():
        for part in parts:
            start = len(found)
            found.resize(start + len(part))
            found.write(start, np.array(part, order=order))
        assert np.array_equal(theirs[:], np.concatenate(parts))
        assert np.array_equal(found.read(), np.concatenate(parts))


@given(shapes(), st.integers(2, 40), st.data(), st.sampled_from([dataset, paged]))
def test_overwritten_rows_leave_the_others_alone(
    shape: tuple[tuple[int, ...], tuple[int, ...]], length: int, data: st.DataObject, make: Any
) -> None:
    row_shape, chunks = shape
    values = numbers((length, *row_shape), "<f8", 1)
    first = data.draw(st.integers(0, length - 1))
    new = -numbers((data.draw(st.integers(1, length - first)), *row_shape), "<f8", 2)
    with make("<f8", row_shape, chunks) as (found, theirs), small_limits():
        found.resize(length)
        found.write(0, values)
        found.write(first, new)
        values[first : first + len(new)] = new
        assert np.array_equal(theirs[:], values)


@pytest.mark.parametrize("make", [dataset, paged])
def test_what_fills_a_chunk_up_is_zero(make: Any) -> None:
    with make("<f8", (5,), (4, 3)) as (found, theirs), small_limits():
        for start in (0, 4):
            found.resize(start + 4 - start // 2)
            found.write(start, np.full((len(found) - start, 5), 7.0))
        for row, column in ((0, 0), (0, 3), (4, 0), (4, 3)):
            _, stored = theirs.id.read_direct_chunk((row, column))
            chunk = np.frombuffer(stored, "<f8").reshape(4, 3)
            filled = np.zeros((4, 3))
            filled[: len(found) - row, : 5 - column] = 7
            assert np.array_equal(chunk, filled)


def test_a_chunk_that_was_never_written_reads_as_zeros() -> None:
    with dataset("<f8", (5,), (4, 3)) as (found, theirs), small_limits():
        found.resize(8)
        found.write_part((4, 0), np.ones((4, 3)))
        values = theirs[:]
        assert values.sum() == 12
        assert np.array_equal(found.read(), values)


def test_chunks_that_do_not_hold_the_bytes_of_values_are_left_to_hdf5() -> None:
    values = numbers((8, 5), "<i4", 1)
    shifted = h5t.STD_I32LE.copy()
    shifted.set_precision(20)
    shifted.set_offset(8)
    types = {"plain": "<i4", "packed": "<i4", "shifted": h5py.Datatype(shifted)}
    with h5py.File("packed.h5", "w", driver="core", backing_store=False) as file:
        for name, type_ in types.items():
            packing = "gzip" if name == "packed" else None
            file.create_dataset(name, (8, 5), type_, chunks=(4, 3), compression=packing)
            file[name][:] = values
            found = Growing(file[name])
            assert found.plain is (name == "plain")
            assert np.array_equal(found.read(), values)


def test_hdf5_that_does_not_say_where_chunks_lie_writes_them_itself() -> None:
    with paged("<f8", (5,), (4, 3)) as (found, theirs), small_limits():
        found.resize(8)
        assert found.file is not None
        values = numbers((8, 5), "<f8", 1)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(found.file, "places", lambda stand_in, ask: ask() or [0])
            found.write(0, values)
        assert np.array_equal(theirs[:], values)


# -- the shapes of chunks ----------------------------------------------------------------------

LENGTHS = st.integers(1, 5_000) | st.integers(1, 10_000_000)


@given(LENGTHS, st.lists(st.integers(1, 3000), max_size=2), st.sampled_from([1, 2, 4, 8, 16]))
def test_chunks_of_all_shapes(rows: int, row_shape: list[int], itemsize: int) -> None:
    chunk = chunk_shape(rows, tuple(row_shape), itemsize)
    size = prod(chunk) * itemsize
    assert len(chunk) == 1 + len(row_shape)
    assert all(1 <= part <= whole for part, whole in zip(chunk[1:], row_shape, strict=True))
    if len(row_shape) == 2:
        assert chunk[1:] == tuple(row_shape)
    assert chunk[0] < rows or chunk[0] % rows == 0  # a part of the first stretch, or it some times
    whole = rows * prod(row_shape) * itemsize
    if whole >= layout.CHUNK_FULL and len(row_shape) < 2:
        # storage writes it past the log; and one value more per piece may be needed to have all
        assert layout.CHUNK_FULL // 2 < size <= 3 * layout.CHUNK_FULL
    elif len(row_shape) < 2:
        assert size <= max(whole, layout.CHUNK_BYTES)


@pytest.mark.parametrize("rows", [1000, 5000, 10_000, 20_000, 500_000])
@pytest.mark.parametrize("channels", [1, 10, 100, 500, 1000])
def test_usual_segments_share_no_chunk_and_waste_little(rows: int, channels: int) -> None:
    chunk = chunk_shape(rows, (channels,), 8)
    assert rows % chunk[0] == 0 or chunk[0] % rows == 0
    assert -(-channels // chunk[1]) * chunk[1] <= 1.06 * channels


def test_one_channel_of_a_long_recording_reads_few_others() -> None:
    assert chunk_shape(500_000, (500,), 8) == (2500, 15)
    assert chunk_shape(500_000, (500,), 4) == (2500, 30)
    assert chunk_shape(10_000, (1000,), 8) == (2500, 15)
    assert chunk_shape(1000, (10,), 8) == (1000, 10)  # a small segment is one chunk


# -- what is read and written ------------------------------------------------------------------


def reads() -> tuple[int, int]:
    """How many bytes this process ever read from files and pipes, and in how many calls."""
    lines = Path("/proc/self/io").read_text().splitlines()
    found = dict(line.split(": ") for line in lines)
    return int(found["rchar"]), int(found["syscr"])


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="the system does not count")
def test_little_more_is_read_than_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "e.nix"
    with archive.open(path, "x") as exp, exp.run() as run:
        run.append({"cell/v": VALUES * pq.mV}, sampling_period=PERIOD)
    with archive.open(path) as exp:
        signal = exp.segments[0].signals["cell/v"]
        width = chunk_shape(*(len(VALUES), VALUES.shape[1:]), 8)[1]
        signal[0, 0]  # where the chunks lie is read once
        for cut, needed in (
            (np.s_[4000:4100], 100 * 90),
            (np.s_[:, 17], 10_000 * width),
            (np.s_[100:9000:3, 80], 8900 * width),
            (np.s_[::5000], 2 * 90),
            (np.s_[:], VALUES.size),
        ):
            before = reads()
            values = signal[cut]
            size, calls = np.subtract(reads(), before)
            assert np.array_equal(values.magnitude, VALUES[cut])
            assert size < 8 * needed + 20_000, cut
            assert calls < 100, cut


@pytest.mark.parametrize("order", ["C", "F"])
def test_no_more_goes_through_the_cache_than_the_rest_of_a_chunk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: Any
) -> None:
    values = np.array(VALUES, order=order)
    strip = chunk_shape(len(VALUES), VALUES.shape[1:], 8)[0] * VALUES[0].nbytes
    sizes: list[int] = []
    write_box = Growing._write_box

    def counting(self: Growing, start: tuple[int, ...], values: npt.NDArray[Any]) -> None:
        sizes.append(values.nbytes)
        write_box(self, start, values)

    monkeypatch.setattr(Growing, "_write_box", counting)
    lengths, limits = (10_000, 10_000, 100, 10_000), (0, 0, VALUES[:100].nbytes, strip)
    with archive.open(tmp_path / "e.nix", "x") as exp, exp.run() as run:
        for length, limit in zip(lengths, limits, strict=True):
            sizes.clear()
            run.append({"cell/v": values[:length] * pq.mV}, sampling_period=PERIOD)
            assert 0 < sum(sizes) < limit + 20_000
        for segment, length in zip(exp.segments, lengths, strict=True):
            assert np.array_equal(segment.signals["cell/v"].magnitude, VALUES[:length])


def test_an_undone_append_leaves_nothing_in_chunks_that_are_used_again(tmp_path: Path) -> None:
    path = tmp_path / "e.nix"
    with archive.open(path, "x") as exp, exp.run() as run:

        def append_and_fail() -> None:
            with exp.transaction():
                run.append({"cell/v": -VALUES * pq.mV}, sampling_period=PERIOD)
                raise KeyError("not so")

        run.append({"cell/v": VALUES[:9999] * pq.mV}, sampling_period=PERIOD)
        with pytest.raises(KeyError, match="not so"):
            append_and_fail()
        run.append({"cell/v": VALUES[:5] * pq.mV}, sampling_period=PERIOD)
    with archive.open(path) as exp:
        assert np.array_equal(exp.segments[0].signals["cell/v"].magnitude, VALUES[:9999])
        assert np.array_equal(exp.segments[1].signals["cell/v"].magnitude, VALUES[:5])
