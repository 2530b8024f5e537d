"""Rows that are copied from one dataset to another, whatever the chunks of both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from archive.storage import copying, growing

SIZES = st.integers(1, 9)


@st.composite
def shapes(draw: st.DrawFn) -> Any:
    row_shape = draw(st.lists(SIZES, max_size=2))
    chunks = [tuple(draw(SIZES) for _ in (0, *row_shape)) for _ in range(2)]
    if draw(st.booleans()):
        chunks = chunks[:1] * 2
    # HDF5 has no chunk that is wider than the dataset
    return row_shape, [(one[0], *map(min, one[1:], row_shape)) for one in chunks]


@given(
    shapes=shapes(),
    before=st.integers(0, 12),
    behind=st.integers(0, 5),
    rows=st.integers(0, 30),
    data=st.data(),
)
@settings(max_examples=150, deadline=None)
def test_rows_are_copied(
    tmp_path_factory: pytest.TempPathFactory,
    shapes: Any,
    before: int,
    behind: int,
    rows: int,
    data: st.DataObject,
) -> None:
    row_shape, chunks = shapes
    first = data.draw(st.integers(0, rows))
    last = data.draw(st.integers(first, rows))
    path: Path = tmp_path_factory.getbasetemp() / "copying.h5"
    values = np.random.default_rng(rows).normal(size=(rows, *row_shape))
    there = np.full((before + last - first + behind, *row_shape), -1.0)
    with h5py.File(path, "w") as file, pytest.MonkeyPatch.context() as patch:
        patch.setattr(copying, "BLOCK", 200)
        patch.setattr(growing, "LARGE", 64)
        source, target = (
            growing.create(file, name, np.dtype("f8"), tuple(row_shape), chunks=chunk)
            for name, chunk in zip("st", chunks, strict=True)
        )
        for data_set, content in ((source, values), (target, there)):
            data_set.resize(len(content))
            data_set.write(0, content)
        copying.copy_rows(source, first, last, target, before)
        there[before : before + last - first] = values[first:last]
        assert np.array_equal(target.read(), there)
        target.resize(len(there) + 5)
        assert not target.read(len(there)).any()  # nothing lies behind the end
