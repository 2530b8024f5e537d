"""NumPy's files: an experiment comes back whole, and anybody's arrays come in."""

from __future__ import annotations

import gzip
import json
import time
import warnings
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import schemas
from archive.adapters import reader_for
from archive.adapters.npz import Npy, Npz
from archive.entry import Entry, Loss, walk
from archive.errors import FormatError
from archive.testing import Given, ReaderSuite, RoundTripSuite, sample
from archive.values import from_schema, to_schema

DATA = Path(__file__).parent.parent / "data"


class TestOurNpz(RoundTripSuite):
    adapter = Npz()
    carries: ClassVar = {kind: ["*"] for kind in schemas.KINDS}


class TestForeignNpz(ReaderSuite):
    adapter = Npz()

    def files(self, folder: Path) -> Iterable[Path]:
        path = folder / "x.npz"
        np.savez(path, a=np.arange(3), objects=np.array([[1], {"b": 2.5}], object), t="text")
        return [path, DATA / "pickles" / "brian1" / "payload_py2.npz"]


class TestNpy(ReaderSuite):
    adapter = Npy()

    def files(self, folder: Path) -> Iterable[Path]:
        np.save(folder / "x.npy", np.arange(6.0).reshape(2, 3))
        np.save(folder / "y.npy", np.array([[1], {"b": 2.5}], object))
        (folder / "z.npy.gz").write_bytes(gzip.compress((folder / "x.npy").read_bytes()))
        return [folder / "x.npy", folder / "y.npy", folder / "z.npy.gz"]


def test_members_have_names_that_people_know(tmp_path: Path) -> None:
    signal = schemas.Signal(variable="v", population="a:b", unit="mV", sampling_period=1.0)
    part = Entry(signal, {"values": np.zeros((2, 1)), "channels": np.arange(1)})
    tau = to_schema({"cell": {"tau": 10.0, "odd": [None]}}, "")
    assert isinstance(tau, dict)
    parameters = Entry(schemas.ParameterSet(values=tau))
    segments = [Entry(schemas.Segment(name=name), {}, [part]) for name in ("s", "s", "..", None)]
    run = Entry(schemas.Run(name="r"), {}, [parameters, *segments])
    Npz().write(Given(Entry(schemas.Experiment(id="0", name="x"), {}, [run])), tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz", allow_pickle=False) as file:
        assert set(file.files) == {
            "neuroarchive", "r/parameter-set/cell/tau",
            *(f"r/{s}/a_b/v/{name}" for s in ("s", "s-2", "_", "segment")
              for name in ("values", "channels")),
        }  # fmt: skip
        assert file["r/parameter-set/cell/tau"] == 10.0


def test_a_negative_zero_stays_such(tmp_path: Path) -> None:
    signal = schemas.Signal(variable="v", unit="mV", sampling_period=1.0, t_start=-0.0)
    part = Entry(signal, {"values": np.zeros((2, 1)), "channels": np.arange(1)})
    run = Entry(schemas.Run(name="r"), {}, [Entry(schemas.Segment(), {}, [part])])
    Npz().write(Given(Entry(schemas.Experiment(id="0", name="x"), {}, [run])), tmp_path / "x")
    *_, last = (one for entry in Npz().read(tmp_path / "x") for one in walk(entry))
    assert isinstance(last.model, schemas.Signal)
    assert str(last.model.t_start) == "-0.0"


def keyed(reader: Any, path: Path, losses: list[Loss] | None = None) -> dict[str, Any]:
    return {
        entry.model.key: from_schema(entry.model.value)
        for entry in reader.read(path, losses=losses)
    }


def test_numpy_loads_what_is_written_without_pickles(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    Npz().write(Given(sample()), path)
    assert reader_for(path).name == "npz"
    with np.load(path, allow_pickle=False) as file:
        found = {name: file[name] for name in file.files}
    assert found["neuroarchive"].item().startswith(b"neuroarchive-npz 1\n")
    assert any(name.endswith("/v/values") and found[name].ndim == 2 for name in found)


def test_arrays_of_others_become_keyed_values(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    ragged = np.empty(2, object)
    ragged[:] = [np.arange(2), np.arange(3)]
    np.savez(
        path, a=np.array([1, 2], np.float32), ragged=ragged, one=np.array({"k": (1,)}, object), n=3
    )
    losses: list[Loss] = []
    found = keyed(Npz(), path, losses)
    assert found["a"].dtype == np.float32
    assert [part.tolist() for part in found["ragged"]] == [[0, 1], [0, 1, 2]]
    assert found["one"] == {"k": [1]}
    assert found["n"] == np.array(3)
    assert {(loss.entry, loss.reason) for loss in losses} == {
        ("ragged", "arrays of objects became lists"), ("one", "tuples became lists"),
    }  # fmt: skip
    files = list((DATA / "annarchy").rglob("full.npz"))
    assert files
    for other in files:
        assert reader_for(other).name == "annarchy"


def test_an_array_without_a_name_is_told(tmp_path: Path) -> None:
    arrays: dict[str, Any] = {"": np.arange(2)}
    np.savez(tmp_path / "x.npz", **arrays)
    losses: list[Loss] = []
    assert set(keyed(Npz(), tmp_path / "x.npz", losses)) == {"empty key"}
    assert losses == [Loss("empty key", "key", "it was an empty text")]


def test_a_member_that_is_a_stray_option_is_no_value(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    members: dict[str, Any] = {"a": np.arange(2), "allow_pickle": np.array(True)}
    np.savez(path, **members)
    assert set(keyed(Npz(), path)) == {"a"}


def test_files_of_python_2_are_read() -> None:
    path = DATA / "pickles" / "brian1" / "payload_py2.npz"
    assert reader_for(path).name == "npz"
    assert keyed(Npz(), path)


class Evil:
    def __reduce__(self) -> Any:
        return print, ("code was run",)


@pytest.mark.parametrize("packed", [False, True])
def test_objects_in_arrays_are_not_run(tmp_path: Path, packed: bool) -> None:
    array = np.array([Evil()], object)
    np.savez(tmp_path / "x.npz", array)
    np.save(tmp_path / "x.npy", array)
    path = tmp_path / "x.npy"
    if packed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    for reader, file in ((Npz(), tmp_path / "x.npz"), (Npy(), path)):
        assert reader_for(file).name == reader.name
        with pytest.raises(FormatError, match=r"print.*not among"):
            keyed(reader, file)


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros(1 << 22))
    (tmp_path / "y").write_bytes(gzip.compress((tmp_path / "x.npy").read_bytes()))
    from archive.adapters.unpickling import Limits

    with pytest.raises(FormatError, match="more than 1000000 bytes"):
        Npy().read(tmp_path / "y", limits=Limits(size=1_000_000))


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ({"texts": {"a": 1}, "shape": [1]}, "a text is none"),
        ({"texts": ["a", 1], "shape": [2]}, "a text is none"),
        ({"texts": ["a"], "shape": [2]}, "cannot reshape"),
        ({"texts": "nowhere"}, "nowhere"),
        ({}, "texts"),
        ("nowhere", "nowhere"),
        ([1], "unhashable"),
    ],
)
def test_arrays_that_a_document_does_not_have(tmp_path: Path, place: Any, message: str) -> None:
    event = {"model": {"kind": "event", "variable": "e"}, "arrays": {"labels": place}}
    document = json.dumps({"contract": "1.0", **event})
    path = tmp_path / "x.npz"
    np.savez(path, neuroarchive=np.array(b"neuroarchive-npz 1\n" + document.encode()))
    with pytest.raises(FormatError, match=message) as caught:
        Npz().read(path)
    assert (caught.value.path, caught.value.entry) == (str(path), "event")


def test_many_members_of_which_two_have_one_name_are_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in (*range(20_000), 19_999):
            file.writestr(f"{number}.npy", b"")
    start = time.process_time()
    with pytest.raises(FormatError, match=r"two members .* '19999\.npy'"):
        Npz().read(path)
    assert time.process_time() - start < 2


def labelled(labels: list[str]) -> Given:
    event = Entry(
        schemas.Event(variable="e"),
        {"times": np.arange(float(len(labels))), "labels": np.array([*labels, None], object)[:-1]},
    )
    run = Entry(schemas.Run(name="r"), {}, [Entry(schemas.Segment(name="s"), {}, [event])])
    return Given(Entry(schemas.Experiment(id="0", name="x"), {}, [run]))


@pytest.mark.parametrize("labels", [["a\0", "b"], ["x" * 10_000, *[""] * 10_000], ["a", "bc"], []])
def test_texts_come_back_and_one_long_one_does_not_make_all_long(
    tmp_path: Path, labels: list[str]
) -> None:
    path = tmp_path / "x.npz"
    Npz().write(labelled(labels), path, compressed=False)
    assert path.stat().st_size < 1 << 20
    *_, last = (one for entry in Npz().read(path) for one in walk(entry))
    assert np.asarray(last.arrays["labels"]).tolist() == labels


@pytest.mark.parametrize("text", [b"neuroarchive-npz 2\n{}", b"neuroarchive-npz 19\n{}", b"{}"])
def test_a_document_of_no_version_that_is_known(tmp_path: Path, text: bytes) -> None:
    np.savez(tmp_path / "x.npz", neuroarchive=np.array(text))
    with pytest.raises(FormatError, match="of no version that is known"):
        Npz().read(tmp_path / "x.npz")
