"""Whole archives as JSON: what comes back, hostile documents, versions, and bounded memory."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import hypothesis.extra.numpy as npst
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import archive
import schemas
from archive.adapters import reader_for
from archive.adapters.json_archive import JsonArchive
from archive.adapters.json_arrays import array_of, written
from archive.entry import Entry
from archive.errors import FormatError, VersionError
from archive.testing import Given, sample
from archive.testing.comparing import Declared, differences, placed
from archive.testing.legal import ANY_DTYPES
from tests.unit import rich_archive

RUN: dict[str, Any] = {"model": {"kind": "run", "name": "r"}}
EXPERIMENT: dict[str, Any] = {
    "model": {"kind": "experiment", "id": "1", "name": "x"},
    "parts": [RUN],
}
HEAD: dict[str, Any] = {"format": "neuroarchive", "version": 1, "contract": "1.0"}


def read(path: Path, text: str | bytes) -> Entry:
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    (entry,) = JsonArchive().read(path)
    return entry


def document(**fields: Any) -> str:
    return json.dumps(HEAD | {"experiment": EXPERIMENT} | fields)


def with_array(array: Any) -> str:
    signal = {"kind": "signal", "variable": "v", "unit": "mV", "sampling_period": 1.0}
    segment = {"model": {"kind": "segment"}, "parts": [
        {"model": signal, "arrays": {"values": array}},
    ]}  # fmt: skip
    return document(experiment=EXPERIMENT | {"parts": [RUN | {"parts": [segment]}]})


@pytest.mark.parametrize("arrays", ["base64", "inline"])
def test_an_archive_comes_back(tmp_path: Path, arrays: str) -> None:
    rich_archive.write(tmp_path / "e.nix")
    path = tmp_path / "e.json"
    with archive.open(tmp_path / "e.nix") as exp:
        assert exp.export(path, arrays=arrays) == []
        wanted = placed(exp.entry())
        assert reader_for(path).name == "json"
        (entry,) = reader_for(path).read(path)
        assert list(differences([wanted], [placed(entry)], Declared([]))) == []
        with archive.open(tmp_path / "again.nix", "x") as other, other.run("r") as run:
            segments = [
                Entry(part.model, parts=[one for one in part.parts if one.arrays])
                for part in next(iter(entry.parts)).parts
                if part.model.kind == "segment"
            ]
            assert len(run.put(segments)) == len(exp.segments)


def items(array: Any) -> list[Any]:
    return [repr(item) for item in array.reshape(-1)]


@settings(max_examples=100)
@given(
    npst.arrays(
        ANY_DTYPES | st.sampled_from(["<f16", "<c32", ">f8", ">i2"]).map(np.dtype),
        npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
    ),
    st.booleans(),
)
def test_any_array_comes_back(array: Any, inline: bool) -> None:
    text = "".join(written(array, inline))
    found = array_of(json.loads(text))
    assert found.dtype == array.dtype.newbyteorder("<")
    assert found.shape == array.shape
    # all NaN are written alike
    assert items(found) == items(array)


def test_large_arrays_are_written_piece_by_piece(tmp_path: Path) -> None:
    signal = schemas.Signal(variable="v", unit="mV", sampling_period=1.0)

    class Huge:
        shape, dtype = (1_000_000, 40), np.dtype("<f4")  # 160 MB

        def __getitem__(self, key: Any, /) -> Any:
            rows = len(range(*key.indices(self.shape[0])))
            return np.zeros((rows, 40), "<f4")

        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            raise MemoryError

    segment = Entry(schemas.Segment(), parts=[Entry(signal, {"values": Huge()})])
    run = Entry(schemas.Run(name="r"), parts=[segment])
    experiment = Entry(schemas.Experiment(id="1", name="x"), parts=[run])
    path = tmp_path / "e.json"

    class Once:
        def entry(self) -> Entry:
            return experiment

    tracemalloc.start()
    try:
        JsonArchive().write(Once(), path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert path.stat().st_size > 160_000_000 * 4 / 3
    assert peak < 40_000_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "this is no JSON"),
        ("[]", "does not say"),
        ('{"format": "other"}', "does not say"),
        (document(version=0), "0 is no version"),
        (document(version="1"), "'1' is no version"),
        (document(version=True), "True is no version"),
        (document(contract=None), "does not say of which contract"),
        (document(contract="one"), "no version of the contract"),
        (document(experiment=RUN), "a run is no experiment"),
        (document(experiment=None), "an entry is an object with a model"),
        (document(experiment=EXPERIMENT | {"arrays": []}), "arrays are an object"),
        (document(experiment=EXPERIMENT | {"more": 1}), "an entry has no 'more'"),
        (document(experiment={"model": {"kind": "experiment", "id": "1"}}), "name: Field required"),
        (document(experiment={"model": {"kind": "dream"}}), "unknown kind 'dream'"),
        (document()[:-3], "this is no JSON"),
        (document().replace('"name": "x"', '"name": "x", "name": "y"'), "'name' stands twice"),
        (document().replace('"id": "1"', '"id": NaN'), "NaN is no JSON"),
        (document().replace('"id": "1"', '"id": 1e999'), "beyond the largest number"),
        (document().replace('"id": "1"', f'"id": {"9" * 5000}'), "a number cannot be read"),
        (document().replace('"x"', '"\\ud800"'), "surrogate"),
        (document().replace('"x"', "[" * 100_000 + "]" * 100_000), "nested too deeply"),
        (b"\xff\xfe" + document().encode("utf-16-le"), "no text in UTF-8"),
        (b'{"format": "neuroarchive\xff"}', "no text in UTF-8"),
    ],
)
def test_what_is_no_such_document(tmp_path: Path, text: str | bytes, message: str) -> None:
    path = tmp_path / "e.json"
    with pytest.raises(FormatError, match=message) as caught:
        read(path, text)
    assert caught.value.path == str(path)


def test_an_experiment_in_an_experiment_in_an_experiment(tmp_path: Path) -> None:
    entry = EXPERIMENT
    for _ in range(30):
        entry = EXPERIMENT | {"parts": [entry]}
    with pytest.raises(FormatError, match="nested too deeply"):
        read(tmp_path / "e.json", document(experiment=entry))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        ([1, 2], "an array is an object, not list"),
        ({"dtype": "<f8", "shape": [2]}, "either data or values"),
        ({"dtype": "<f8", "shape": [2], "values": [1.0, 2.0], "data": ""}, "either"),
        ({"dtype": "<f8", "shape": [2, 2], "values": [1.0]}, "has 4 items, not 1"),
        ({"dtype": "<f8", "shape": [1], "data": "AAAA"}, "3 bytes are no whole number of <f8"),
        ({"dtype": "<f8", "shape": [1], "data": "%%%"}, "base64"),
        ({"dtype": "<f8", "shape": [-1], "values": []}, "is no shape"),
        ({"dtype": "<f8", "shape": [0, 2**62, 2**62], "values": []}, "more than any array"),
        ({"dtype": "<f8", "shape": [True], "values": [1.0]}, "is no shape"),
        ({"dtype": "<f8", "shape": [1] * 99, "values": [1.0]}, "is no shape"),
        ({"dtype": "<f8", "shape": [1], "values": ["many"]}, "'many' is no number"),
        ({"dtype": "<f4", "shape": [1], "values": [1e300]}, "beyond what <f4 holds"),
        ({"dtype": "<f8", "shape": [1], "values": [10**400]}, "too large"),
        ({"dtype": "<M8[us]", "shape": [1], "values": [10**40]}, "too large"),
        ({"dtype": "<f16", "shape": [1], "values": ["x"]}, "values: "),
        ({"dtype": "<U999999999", "shape": [1], "values": ["x"]}, "written as data"),
        ({"dtype": "|u1", "shape": [1], "values": [256]}, "beyond what |u1 holds"),
        ({"dtype": "|u1", "shape": [1], "values": [-1]}, "beyond what |u1 holds"),
        ({"dtype": "<i8", "shape": [1], "values": [1.0]}, "is no item"),
        ({"dtype": "|b1", "shape": [1], "values": [1]}, "is no item"),
        ({"dtype": "<c16", "shape": [1], "values": [[1.0]]}, "no complex number"),
        ({"dtype": "<U2", "shape": [1], "values": ["abc"]}, "does not fit into <U2"),
        ({"dtype": "text", "shape": [1], "values": [1]}, "is no item"),
        ({"dtype": "text", "shape": [1], "data": ""}, "has values, not data"),
        ({"dtype": "|O", "shape": [1], "values": ["x"]}, "no dtype of the contract"),
        ({"dtype": "|S0", "shape": [2**40], "data": ""}, "items without a byte"),
    ],
)
def test_arrays_that_are_none(tmp_path: Path, array: Any, message: str) -> None:
    with pytest.raises(FormatError) as caught:
        read(tmp_path / "e.json", with_array(array))
    assert message in str(caught.value)
    assert "values" in caught.value.message
    assert caught.value.entry is not None
    assert "signal" in caught.value.entry


def test_a_long_text_among_many_does_not_make_all_long(tmp_path: Path) -> None:
    for dtype in ("<U1", "|S1"):
        values = ["x" * 10_000, *[""] * 10_000]
        text = with_array({"dtype": dtype, "shape": [10_001], "values": values})
        tracemalloc.start()
        try:
            with pytest.raises(FormatError, match="does not fit into"):
                read(tmp_path / "e.json", text)
            assert tracemalloc.get_traced_memory()[1] < 20_000_000
        finally:
            tracemalloc.stop()


def test_entries_may_be_sixteen_deep(tmp_path: Path) -> None:
    entry = EXPERIMENT
    for _ in range(15):
        entry = EXPERIMENT | {"parts": [entry]}
    read(tmp_path / "e.json", document(experiment=entry))
    with pytest.raises(FormatError, match="nested too deeply"):
        read(tmp_path / "e.json", document(experiment=EXPERIMENT | {"parts": [entry]}))


def test_files_that_are_too_large_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "e.json").write_text(document())
    with pytest.raises(FormatError, match="more than 20 bytes"):
        list(JsonArchive().read(tmp_path / "e.json", limit=20))


def test_later_versions(tmp_path: Path) -> None:
    path = tmp_path / "e.json"
    with pytest.raises(VersionError, match="version 2 of this format"):
        read(path, document(version=2))
    with pytest.raises(VersionError, match=r"install neuroarchive >= 2\.0"):
        read(path, document(contract="2.0"))
    with pytest.raises(FormatError, match="unknown field"):
        read(path, document().replace('"id"', '"mood": "good", "id"'))


def test_what_a_newer_contract_has_is_kept_and_written_back(tmp_path: Path) -> None:
    path = tmp_path / "e.json"
    dream = {"model": {"kind": "dream", "depth": [1, 2]}}
    given = EXPERIMENT | {"parts": [RUN | {"parts": [dream]}, RUN]}
    text = document(contract="1.7", experiment=given).replace('"id"', '"mood": "good", "id"')
    entry = read(path, text)
    assert entry.model.model_extra == {"mood": "good"}
    JsonArchive().write(Given(entry), path, overwrite=True)
    (again,) = JsonArchive().read(path)
    assert list(differences([placed(entry)], [placed(again)], Declared([]))) == []
    assert next(iter(next(iter(again.parts)).parts)).model.kind == "dream"


def test_it_is_known_by_its_first_words(tmp_path: Path) -> None:
    path = tmp_path / "anything"
    JsonArchive().write(Given(sample()), path)
    assert path.read_bytes().startswith(b'{"format": "neuroarchive", "version": 1, "contract": ')
    path.write_text('\n{ "format" :\t"neuroarchive",\n"version": 1')
    assert JsonArchive().recognises(path)
    path.write_text(json.dumps({"version": 1, "format": "neuroarchive"}))
    assert not JsonArchive().recognises(path)


def test_an_option_that_there_is_not(tmp_path: Path) -> None:
    unknown: Any = "hex"
    with pytest.raises(FormatError, match='known are "base64" and "inline"'):
        JsonArchive().write(Given(sample()), tmp_path / "e.json", arrays=unknown)
    assert list(tmp_path.iterdir()) == []


def test_an_array_of_objects_is_refused_with_its_place(tmp_path: Path) -> None:
    event = Entry(
        schemas.Event(variable="e"),
        {"times": np.array([1.0]), "labels": np.array([{"a": 1}], object)},
    )
    run = Entry(schemas.Run(name="r"), parts=[Entry(schemas.Segment(), parts=[event])])
    source = Given(Entry(schemas.Experiment(id="1", name="x"), parts=[run]))
    with pytest.raises(FormatError, match="dict objects has no place") as caught:
        JsonArchive().write(source, tmp_path / "e.json")
    assert caught.value.entry == "experiment/run 1/segment 1/event 1: labels"
    assert list(tmp_path.iterdir()) == []
