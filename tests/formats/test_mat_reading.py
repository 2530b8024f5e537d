"""MATLAB files of all versions are read as what they hold: those of MATLAB itself that SciPy ships,
those of a real Octave, of SciPy, and version 7.3 as MATLAB lays it out."""

from __future__ import annotations

import subprocess
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse

import schemas
from archive.adapters import reader_for
from archive.adapters.mat import Mat
from archive.adapters.mat73 import FIELDS_LIMIT, Mat73
from archive.adapters.mat_nodes import Numbers, Struct
from archive.entry import Loss
from archive.errors import FormatError
from archive.values import from_schema
from tests.formats.matlab_73 import file_73

THEIRS = Path(scipy.io.__file__).parent / "matlab" / "tests" / "data"
# As SciPy has it, too; but for a name in UTF-8 that it refuses.
DAMAGED = {
    "bad_miuint32.mat", "corrupted_zlib_checksum.mat", "corrupted_zlib_data.mat",
    "debigged_m4.mat", "malformed1.mat",
}  # fmt: skip


def values(path: Path, losses: list[Loss] | None = None, **options: Any) -> dict[str, Any]:
    found = {}
    for entry in Mat().read(path, losses=losses, **options):
        assert isinstance(entry.model, schemas.KeyedValue)
        found[entry.model.key] = from_schema(entry.model.value)
    return found


def samples() -> Iterator[Any]:
    if not THEIRS.is_dir():
        yield pytest.param(None, marks=pytest.mark.skip("SciPy was installed without its tests"))
    for path in sorted(THEIRS.glob("*.mat")):
        yield pytest.param(path, id=path.name)


@pytest.mark.parametrize("path", list(samples()))
def test_files_that_matlab_wrote_are_as_scipy_reads_them(path: Path) -> None:
    """Of MATLAB 4.2 to 7.4 on machines of both byte orders."""
    assert Mat().recognises(path) is (path.name != "debigged_m4.mat")
    losses: list[Loss] = []
    if path.name in DAMAGED:
        with pytest.raises(FormatError) as caught:
            values(path)
        assert caught.value.path == str(path)
        return
    found = values(path, losses)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = scipy.io.loadmat(path)
    except (ValueError, NotImplementedError):
        assert found  # version 7.3, and a name that SciPy takes no offence at if it is ASCII
        return
    if path.name == "broken_utf8.mat":  # SciPy has a mark in place of the byte
        assert found == {"bad_string": "\x80 am broken"}
        return
    theirs = {name: value for name, value in loaded.items() if not name.startswith("__")}
    lost = {loss.entry for loss in losses}
    assert set(found) <= set(theirs) <= set(found) | lost
    for name, value in found.items():
        if name not in lost:
            same(value, theirs[name], name)


def same(ours: Any, theirs: Any, place: str) -> None:
    """Equal to what SciPy makes of it."""
    if isinstance(ours, dict) and "sparse" in ours:
        dense = (
            scipy.sparse.csr_array(
                (ours["values"], ours["columns"], ours["row_pointers"]), ours["shape"]
            )
            if ours["sparse"] == "csr"
            else None
        )
        assert dense is not None
        np.testing.assert_array_equal(dense.todense(), theirs.todense(), place)
    elif theirs.dtype.names:
        flat = theirs.reshape(-1, order="F")
        listed = [ours] if isinstance(ours, dict) else flattened(ours, theirs.ndim)
        assert len(listed) == len(flat), place
        for one, other in zip(listed, flat, strict=True):
            for name, theirs_name in zip(one, theirs.dtype.names, strict=True):
                same(one[name], other[theirs_name], f"{place}.{name}")
    elif theirs.dtype.kind == "O":
        cells = theirs.reshape(-1, order="F")
        if ours == {} and cells[0] is None:
            return
        listed = flattened(ours, theirs.ndim)
        assert len(listed) == len(cells), place
        for one, other in zip(listed, cells, strict=True):
            same(one, other, f"{place}{{}}")
    elif theirs.dtype.kind == "U":
        rows = [ours] if isinstance(ours, str) else ours
        wanted = [str(row) for row in theirs.reshape(-1)]
        assert [row.rstrip(" \0") for row in rows] == ([row.rstrip(" ") for row in wanted] or [""])
    else:
        shaped = np.asarray(ours)
        assert (shaped.shape or (1, 1)) == theirs.shape, place
        np.testing.assert_array_equal(shaped.reshape(theirs.shape), theirs, place)


def flattened(ours: Any, axes: int) -> list[Any]:
    """Lists of lists in MATLAB's order."""
    if all(isinstance(each, list) for each in ours) and axes > 1 and len(ours) > 1:
        held = np.empty((len(ours), len(ours[0])), object)
        for i, row in enumerate(ours):
            for j, item in enumerate(row):
                held[i, j] = item
        return list(held.reshape(-1, order="F"))
    return list(ours)


EACH: dict[str, Any] = {
    "number": 1.5, "whole": np.int64(2**62 + 1), "row": np.array([[1.0, 2.0, 3.0]]),
    "column": np.array([[1], [2]], np.int16), "cube": np.arange(24.0).reshape(2, 3, 4),
    "truth": np.array([[True, False]]), "complex": np.array([[1 + 2j, np.inf * 1j]]),
    "single": np.array([[0.1, 0.2]], np.float32), "none": np.empty((0, 3)),
    "text": "größer µV 😀", "blank": "ends with two  ",
}  # fmt: skip


@pytest.mark.parametrize("packed", [True, False])
def test_files_of_scipy(packed: bool, tmp_path: Path) -> None:
    """What Brian's users do: a dict of arrays. MATLAB has no vectors; shapes are as there."""
    path = tmp_path / "a.mat"
    given = {**EACH, "vector": np.arange(3), "struct": {"a": 1.0, "b": ["x", "yz"]}}
    scipy.io.savemat(path, given, do_compression=packed)
    assert reader_for(path).name == "mat"
    found = values(path)
    for name, value in EACH.items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(found[name], value)
            assert found[name].dtype == value.dtype
        else:
            assert found[name] == value
    assert found["vector"].shape == (1, 3)
    assert found["struct"] == {"a": 1.0, "b": ["x ", "yz"]}  # rows of one matrix


OCTAVE = """
num = 1.5; row = [1 2 3]; whole = int64(9007199254740993); small = uint8([1 2; 3 4]);
truth = [true false]; cplx = [1+2i 3]; sgl = single(0.5); none = zeros(0, 3);
text = 'plain'; wide = 'µV'; rows = ['ab '; 'cde'];
s.a = 1; s.b = 'x'; t = struct('k', {1, 'two'}); c = {1, 'two'; [1 2], {3}};
sp = sparse([1 3], [2 2], [1.5 -2], 3, 4); spl = sp > 0; r = 1:5;
"""
NUMBERS = ("num", "row", "cplx", "none", "text", "rows", "sp", "r")


@pytest.mark.parametrize("version", ["-v4", "-v6", "-v7"])
def test_files_of_octave(
    version: str, tmp_path: Path, require_program: Callable[[str], str]
) -> None:
    path = tmp_path / "a.mat"
    names = " ".join(NUMBERS) if version == "-v4" else ""
    run(require_program("octave-cli"), f"{OCTAVE} save {version} {path} {names};")
    losses: list[Loss] = []
    found = values(path, losses)
    assert found["num"] == 1.5
    assert found["row"].tolist() == [[1, 2, 3]]
    assert found["r"].tolist() == [[1, 2, 3, 4, 5]]
    assert found["cplx"].tolist() == [[1 + 2j, 3]]
    assert found["none"].shape == (0, 3)
    assert (found["text"], found["rows"]) == ("plain", ["ab ", "cde"])
    sp = found["sp"]
    assert (sp["shape"], sp["columns"].tolist(), sp["values"].tolist()) == (
        [3, 4],
        [1, 1],
        [1.5, -2],
    )
    assert sp["row_pointers"].tolist() == [0, 1, 1, 2]
    if version == "-v4":
        assert set(found) == set(NUMBERS)
        return
    assert found["whole"] == 9007199254740993
    assert found["wide"] == "µV"
    assert (found["small"].tolist(), found["small"].dtype) == ([[1, 2], [3, 4]], np.uint8)
    assert (found["truth"].tolist(), found["truth"].dtype) == ([[True, False]], np.bool_)
    assert (found["sgl"], type(found["sgl"])) == (0.5, np.float32)
    assert found["s"] == {"a": 1.0, "b": "x"}
    assert found["t"] == [{"k": 1.0}, {"k": "two"}]
    assert found["c"][0] == [1.0, "two"]
    assert found["c"][1][0].tolist() == [[1, 2]]
    assert found["c"][1][1] == [3.0]
    assert found["spl"]["values"].dtype == np.bool_
    assert losses == []


@pytest.mark.parametrize("option", ["-hdf5", "-text", "-binary"])
def test_octaves_own_formats_are_said_to_be_that(
    option: str, tmp_path: Path, require_program: Callable[[str], str]
) -> None:
    path = tmp_path / "a.mat"
    run(require_program("octave-cli"), f"a = 1; save {option} {path} a;")
    assert reader_for(path).name == "mat"
    with pytest.raises(FormatError, match=r"(?s)Octave's own .* save -v7"):
        values(path)


def run(octave: str, code: str) -> None:
    subprocess.run([octave, "--no-gui", "--norc", "--eval", code], check=True, capture_output=True)


def test_version_73_as_matlab_lays_it_out(tmp_path: Path) -> None:
    path = file_73(tmp_path / "a.mat")
    assert reader_for(path).name == "mat"
    losses: list[Loss] = []
    found = values(path, losses)
    assert found["matrix"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found["cube"].tolist() == np.arange(24.0).reshape(2, 3, 4).tolist()
    assert (found["number"], found["whole"]) == (1.5, 2**62 + 1)
    assert found["truth"].tolist() == [[True, False]]
    assert found["complex"].tolist() == [[1 + 2j, 3 - 1j]]
    assert found["none"].shape == (0, 3)
    assert (found["text"], found["rows"], found["nothing"]) == ("größer µ", ["ab", "cd"], "")
    assert found["struct"] == {"a": 1.5, "b": "x", "inner": {"c": [1.5, "two"]}}
    assert found["array"] == [{"k": 1.5}, {"k": "two"}]
    assert found["cells"][0] == [1.5, "two"]
    assert found["cells"][1][1] == [1.5]
    assert found["sparse"]["shape"] == [3, 4]
    assert found["sparse"]["columns"].tolist() == [1, 1]
    assert found["sparse"]["values"].tolist() == [1.5, -2.0]
    assert {loss.entry: loss.reason for loss in losses} == {
        "handle": "a function handle, which only MATLAB can read",
        "string": "an object of the class 'string', which only MATLAB can read",
        "inside": "an object of the class 'table', which only MATLAB can read",
    }
    assert found["inside"] == {"t": None}
    assert [loss.field for loss in losses if loss.entry == "inside"] == ["inside.t"]


@pytest.mark.parametrize("count", [300, FIELDS_LIMIT, FIELDS_LIMIT + 1])
def test_many_fields_of_version_73(count: int, tmp_path: Path) -> None:
    """More of them than an attribute of the usual size lists; in the order of the alphabet."""
    path = tmp_path / "a.mat"
    names = [f"z{number}" for number in reversed(range(count))]
    with Mat73(path) as made:
        made.write("s", Struct({name: Numbers(np.array(1.0)) for name in names}))
    found = list(values(path)["s"])
    assert found == sorted(names)


def test_limits_are_for_what_unpacks_to_much(tmp_path: Path) -> None:
    from archive.adapters.unpickling import Limits

    path = tmp_path / "zeros.mat"
    scipy.io.savemat(path, {"zeros": np.zeros((2000, 10_000))}, do_compression=True)
    with pytest.raises(FormatError, match=r"(?s)more than .* memory.*limits"):
        values(path)
    found = values(path, limits=Limits(size=1 << 30))
    assert found["zeros"].shape == (2000, 10_000)


def test_variables_of_machines_that_are_gone_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    path.write_bytes(np.array([2000, 1, 1, 0, 2], "<i4").tobytes() + b"a\0" + bytes(8))
    with pytest.raises(FormatError, match="VAX"):
        values(path)


def test_annarchys_files_are_its_own() -> None:
    """The reader of all MATLAB files gives way to the one that knows the program."""
    listed = sorted((Path(__file__).resolve().parent.parent / "data" / "annarchy").rglob("*.mat"))
    assert listed
    for path in listed:
        assert Mat().recognises(path)
        assert reader_for(path).name == "annarchy"
