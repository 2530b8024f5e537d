"""All values and dtypes come out the same, read by scipy, by h5py and by a real Octave."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import Phase, given, settings, strategies as st
from hypothesis.extra import numpy as hnp

from archive.adapters.mat import Mat
from archive.adapters.mat_names import matlab_names
from schemas.v1.value import Array, Quantity, Scalar
from tests.formats.matlab_examples import (
    Given,
    annotations_in,
    rich_runs,
    segment_with,
    signal,
)
from tests.formats.matlab_readers import read_h5py, read_octave, read_scipy


def _trimmed(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Without dimensions of length 1 behind the second, which MATLAB and Octave do not have."""
    while values.ndim > 2 and values.shape[-1] == 1:
        values = values[..., 0]
    return values


def same(
    wanted: Any, got: Any, place: str = "", *, loose: bool = False, scipy: bool = False
) -> None:
    """Equal, type for type. `loose` is for Octave and version 7.3, of which it reads numbers
    alone: characters are uint16, an empty array is its size. `scipy` has no booleans."""
    if isinstance(wanted, dict):
        assert set(wanted) == set(got), place
        for key, value in wanted.items():
            same(value, got[key], f"{place}.{key}", loose=loose, scipy=scipy)
    elif isinstance(wanted, list) and not (loose and isinstance(got, np.ndarray)):
        assert len(wanted) == len(got), place
        for at, (one, other) in enumerate(zip(wanted, got, strict=True)):
            same(one, other, f"{place}[{at}]", loose=loose, scipy=scipy)
    elif isinstance(wanted, list | str) and loose:
        assert isinstance(got, np.ndarray), place
        if not "".join(wanted):
            assert 0 in got, place
            return
        assert got.dtype == np.uint16, place
        rows = [np.ascontiguousarray(row).tobytes().decode("utf-16-le") for row in got]
        stripped = [row.rstrip(" ") for row in rows]
        assert rows == [wanted] if isinstance(wanted, str) else stripped == wanted, place
    elif isinstance(wanted, str):
        assert wanted == got, place
    else:
        assert isinstance(got, np.ndarray), place
        if loose and 0 in wanted.shape:
            assert got.ravel().tolist() == list(wanted.shape), place
            return
        wanted, got = _trimmed(wanted), _trimmed(got)
        assert wanted.shape == got.shape, place
        # Octave makes doubles of complex numbers that are all real, and of 7.3's other floats.
        if not loose and wanted.dtype.kind != "c" and not (scipy and wanted.dtype.kind == "b"):
            assert wanted.dtype == got.dtype, place
        np.testing.assert_array_equal(wanted, got, place)


def expected(value: Any, version: str) -> Any:
    """What a value of the contract shall be in a file."""
    match value:
        case None:
            return np.empty((0, 0))
        case str():
            return value
        case bool():
            return np.array([[value]])
        case int() if not -(2**63) <= value < 2**63:
            return str(value)
        case int():
            return np.array([[value]], np.float64 if abs(value) <= 2**53 else np.int64)
        case float() | complex():
            return np.array([[value]])
        case bytes():
            return np.frombuffer(value, np.uint8)[:, None]
        case datetime():
            return value.isoformat()
        case Quantity():
            return {"value": expected(value.value, version), "unit": value.unit}
        case Array(dtype, shape, data):
            read = np.frombuffer(data, dtype).reshape(shape)
            read = read.astype(np.float32) if read.dtype == np.float16 else read
            return read.reshape(shape + (1,) * (2 - len(shape)))
        case Scalar(dtype, data):
            return np.frombuffer(data, dtype).reshape(1, 1)
        case dict():
            names = matlab_names((key, 0) for key in value)
            return {names[key, 0]: expected(inner, version) for key, inner in value.items()}
    if value and all(isinstance(item, str) for item in value):
        if version == "5":
            return list(value)
        if value != [""] and (len(value) == 1 or not any(text.endswith(" ") for text in value)):
            return value[0] if len(value) == 1 else value
    items = [expected(item, version) for item in value]
    if version == "5":
        return items
    width = len(str(len(items)))
    return {f"item_{at:0{width}}": item for at, item in enumerate(items, 1)}


# NUL: scipy drops it at the end. Beyond 16 bits: scipy miscounts, see below for the others.
BMP = st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"], exclude_characters="\0")
TEXTS = st.text(BMP, max_size=8)
NUMERIC = st.sampled_from(
    [
        "|b1",
        "|i1",
        "|u1",
        "<i2",
        "<u2",
        "<i4",
        "<u4",
        "<i8",
        "<u8",
        "<f2",
        "<f4",
        "<f8",
        "<c8",
        "<c16",
    ]
)


@st.composite
def arrays(draw: st.DrawFn) -> Array:
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
    made = draw(hnp.arrays(draw(NUMERIC), shape))
    return Array(made.dtype.str, shape, made.tobytes())


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(-(2**70), 2**70) | st.floats()
    | st.complex_numbers() | TEXTS | st.binary(max_size=5) | st.datetimes()
    | st.datetimes(timezones=st.just(UTC)) | arrays()
    | st.builds(Quantity, st.floats() | arrays(), st.sampled_from(["mV", "uS/cm**2", ""]))
    | st.just(Scalar("<f4", np.float32(1.5).tobytes())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
NAMES = st.text(BMP.filter(lambda c: c >= " " and c not in "/\x7f"), min_size=1, max_size=70)
ANNOTATIONS = st.dictionaries(NAMES | st.sampled_from(["end", "a b", "a_b"]), VALUES, max_size=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mat")


@settings(max_examples=80)
@given(annotations=ANNOTATIONS)
def test_any_annotations(folder: Path, annotations: dict[str, Any]) -> None:
    path = folder / "any.mat"
    Mat().write(segment_with(annotations), path, version="5", overwrite=True)
    same(expected(annotations, "5"), annotations_in(read_scipy(path), "5"), scipy=True)
    Mat().write(segment_with(annotations), path, version="7.3", overwrite=True)
    same(expected(annotations, "7.3"), annotations_in(read_h5py(path), "7.3"))


@settings(max_examples=40)
@given(
    made=hnp.arrays(NUMERIC, hnp.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=40)),
    order=st.sampled_from("<>"),
    block=st.integers(1, 200),
)
def test_any_signal(folder: Path, made: Any, order: str, block: int) -> None:
    source = segment_with({}, signal(made.astype(made.dtype.newbyteorder(order), order="F")))
    wanted = made.astype(np.float32) if made.dtype == np.float16 else made
    with pytest.MonkeyPatch.context() as patch:
        for version in ("mat5", "mat73"):  # so that it takes several
            patch.setattr(f"archive.adapters.{version}.BLOCK", block)
        path = folder / "signal.mat"
        Mat().write(source, path, version="5", overwrite=True)
        found = read_scipy(path)["runs"]["segments"]["cell"]["v"]["values"]
        same(wanted, found, scipy=True)
        Mat().write(source, path, version="7.3", overwrite=True)
        run = read_h5py(path)["runs"]["run_1"]
        same(wanted, run["segments"]["segment_1"]["cell"]["v"]["values"])


def test_real_octave_reads_both_versions(
    tmp_path: Path, require_program: Callable[[str], str]
) -> None:
    annotated: list[dict[str, Any]] = [{"astral": "a😀b", "µ V": ["日本", "x "]}]

    @settings(max_examples=40, phases=[Phase.generate], database=None)
    @given(ANNOTATIONS)
    def collect(annotations: dict[str, Any]) -> None:
        annotated.append(annotations)

    collect()
    sources = [Given(rich_runs), *map(segment_with, annotated)]
    paths = []
    for (at, source), version in itertools.product(enumerate(sources), ("5", "7.3")):
        paths.append(tmp_path / f"{at}-{version}.mat")
        Mat().write(source, paths[-1], version=version)
    five, seven, *others = read_octave(require_program("octave-cli"), paths, tmp_path / "dump.m")
    same(five, read_scipy(paths[0]), scipy=True)
    same(read_h5py(paths[1]), seven, loose=True)
    for wanted, one, other in zip(annotated, others[::2], others[1::2], strict=True):
        same(expected(wanted, "5"), annotations_in(one, "5"))
        same(expected(wanted, "7.3"), annotations_in(other, "7.3"), loose=True)
