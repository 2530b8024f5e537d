"""Shelves of real programs are read without their libraries; Python opens what is written."""

from __future__ import annotations

import dbm.dumb
import pickle
import shelve
import shutil
import struct
import tracemalloc
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import quantities as pq

import schemas
from archive.adapters import dbm_ndbm, reader_for
from archive.adapters.shelves import Shelves
from archive.entry import Entry, Loss
from archive.errors import AlreadyExists, FormatError
from archive.testing import Given, ReaderSuite
from archive.values import from_schema, to_schema

DATA = Path(__file__).parent.parent / "data" / "shelves"
SINGLE = ["bdb_big", "bdb_little", "gdbm123", "ndbm_berkeley.db", "sqlite313"]
FILES = [*SINGLE, "dumb27.dat", "dumb312.dat"]
BRIAN = sorted(DATA.glob("brian1_*.data"))


class TestShelves(ReaderSuite):
    adapter = Shelves()

    def files(self, folder: Path) -> Iterable[Path]:
        # of those in one file: a damaged copy is laid by itself
        return [DATA / name for name in SINGLE]


def read(path: Path, **options: Any) -> dict[str | None, dict[str, Any]]:
    """The values by session and key."""
    found: dict[str | None, dict[str, Any]] = {}
    for entry in Shelves().read(path, **options):
        assert isinstance(entry.model, schemas.KeyedValue)
        values = found.setdefault(entry.model.session, {})
        values[entry.model.key] = from_schema(entry.model.value)
    return found


@pytest.mark.parametrize("name", FILES)
def test_shelves_of_every_database_are_read(name: str) -> None:
    path = DATA / name
    assert reader_for(path).name == "shelve"
    ((session, values),) = read(path).items()
    assert session == name.removesuffix(".db").removesuffix(".dat")
    assert set(values) == {*(f"key{i}" for i in range(30)), "big", "empty"}
    assert values["big"] == "y" * 3000
    assert values["empty"] == ""
    for number in range(30):
        assert values[f"key{number}"] == {"i": number, "v": [0.5] * (number % 9)}


def test_a_shelf_in_several_files_may_be_named_by_any() -> None:
    expected = read(DATA / "dumb27.dat")
    for name in ("dumb27", "dumb27.dir", "dumb27.bak"):
        assert read(DATA / name) == expected
    adapter = Shelves()
    assert [
        name
        for name in ("dumb27.dat", "dumb27.dir", "dumb27.bak")
        if adapter.recognises(DATA / name)
    ] == ["dumb27.dat"]
    assert {path.name for path in adapter.covers(DATA / "dumb27.dat")} == {
        "dumb27.dir",
        "dumb27.bak",
    }
    assert [path.name for path in adapter.covers(DATA / "sdbm.pag")] == ["sdbm.dir"]
    assert list(adapter.covers(DATA / "gdbm123")) == []


def test_what_lies_in_a_log_of_sqlite_counts(tmp_path: Path) -> None:
    path = DATA / "sqlite313_unclosed"
    assert reader_for(path).name == "shelve"
    assert [file.name for file in Shelves().covers(path)] == ["sqlite313_unclosed-wal"]
    assert read(path) == {"sqlite313_unclosed": {"a": [3], "b": "x" * 5000}}
    log = (DATA / "sqlite313_unclosed-wal").read_bytes()
    shutil.copy(path, tmp_path / "x")
    # a transaction that is not whole, or whose pages are not as they were written, is none
    damaged = bytearray(log)
    damaged[-50] ^= 1
    for other in (log[: len(log) - 4096 - 24], log[:-1], bytes(damaged)):
        (tmp_path / "x-wal").write_bytes(other)
        assert read(tmp_path / "x")["x"]["a"] == [1, 2]


def test_old_ndbm_is_read() -> None:
    path = DATA / "sdbm.pag"
    assert reader_for(path).name == "shelve"
    assert read(path) == {"sdbm": {**{f"key{i}": i for i in range(30)}, "empty": ""}}
    data = path.read_bytes()
    swapped = bytearray(data)
    (count,) = struct.unpack_from("<H", data)
    struct.pack_into(f">{count + 1}H", swapped, 0, *struct.unpack_from(f"<{count + 1}H", data))
    assert list(dbm_ndbm.pairs(bytes(swapped))) == list(dbm_ndbm.pairs(data))


@pytest.mark.parametrize("name", ["bsd_little", "bsd_big"])
def test_ndbm_of_macos_is_read(name: str) -> None:
    path = DATA / f"{name}.db"
    assert reader_for(path).name == "shelve"
    numbers = {f"key{i}": i for i in range(30)}
    losses: list[Loss] = []
    (values,) = read(path, losses=losses).values()
    (long,) = (key for key in values if key.startswith("kk"))
    assert values == numbers | {"big": "y" * 12000, "empty": "", long: None}
    assert ("key", "of its 5000 characters") in {(x.field, x.reason[:22]) for x in losses}


def test_duplicate_keys_are_refused() -> None:
    with pytest.raises(FormatError, match="several values"):
        read(DATA / "bdb_dup")


@pytest.mark.parametrize("folder", BRIAN, ids=lambda path: path.stem)
def test_folders_of_brians_data_manager_are_read(folder: Path) -> None:
    reader = reader_for(folder)
    assert reader.name == "shelve"
    assert len(Shelves().covers(folder)) == sum(1 for _ in folder.iterdir())
    losses: list[Loss] = []
    found = read(folder, losses=losses)
    one, other = (
        f"alice.{number}"
        for number in (
            "11111111-2222-3333-4444-555555555555",
            "99999999-8888-7777-6666-555555555555",
        )
    )
    assert set(found) == {one, other, "alice.lab01"}
    assert set(found[one]) == {"only", "results", "results_b"}
    assert found["alice.lab01"]["params"]["tau"] == 10 * pq.ms
    np.testing.assert_array_equal(found["alice.lab01"]["arr"], np.arange(6.0).reshape(2, 3))
    assert ("alice.lab01/tup", "tuples became lists") in {(x.entry, x.reason) for x in losses}


def test_the_three_databases_of_a_data_manager_have_the_same(tmp_path: Path) -> None:
    first, *others = ({s: sorted(v) for s, v in read(folder).items()} for folder in BRIAN)
    assert len(others) == 2
    assert all(other == first for other in others)


def test_files_that_are_no_shelves_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "x.data"
    shutil.copytree(BRIAN[0], folder)
    (folder / "notes.txt").write_text("mine")
    (folder / "more").mkdir()
    assert not Shelves().recognises(folder)
    losses: list[Loss] = []
    assert len(read(folder, losses=losses)) == 3
    assert {"notes.txt", "more"} <= {loss.entry for loss in losses}


@pytest.mark.parametrize("name", ["bdb_little", "bdb_big"])
def test_berkeley_files_that_end_early_are_refused(tmp_path: Path, name: str) -> None:
    data = (DATA / name).read_bytes()
    size = int.from_bytes(data[20:24], "little" if name == "bdb_little" else "big")
    path = tmp_path / "x"
    for length in (*range(16, 40), size, len(data) // size // 2 * size, len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(FormatError) as caught:
            read(path)
        assert caught.value.path == str(path)


def test_large_files_beside_an_index_are_not_taken_into_memory(tmp_path: Path) -> None:
    (tmp_path / "x.dir").touch()
    with (tmp_path / "x.pag").open("wb") as file:
        file.write(bytes(1024) + b"\xff" * 1024)
        file.truncate(1 << 28)
    tracemalloc.start()
    try:
        assert not Shelves().recognises(tmp_path / "x.pag")
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


class Own:
    pass


def test_values_that_need_code_are_refused_or_skipped(tmp_path: Path) -> None:
    # what `shelve.open` takes depends on how Python was built
    with dbm.dumb.open(str(tmp_path / "x"), "c") as kept:
        kept["good"], kept["bad"] = pickle.dumps([1]), pickle.dumps(Own())
    with pytest.raises(FormatError, match=r"(?s)x.dat: bad: .*Own"):
        read(tmp_path / "x.dat")
    losses: list[Loss] = []
    assert read(tmp_path / "x.dat", skip=True, losses=losses) == {"x": {"good": [1]}}
    assert [loss.entry for loss in losses] == ["x/bad"]


@pytest.mark.parametrize(
    "line",
    [
        b"__import__('os'), (0, 1)", b"'a', (0, 1), 2", b"'a', (0, -1)", b"'a' 'b', (0, 1)",
        b"f'a', (0, 1)", b"'a', (0, 9e9)",
    ],
)  # fmt: skip
def test_the_index_of_a_dumb_shelf_is_not_evaluated(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "x.dat").write_bytes(b"N.")
    (tmp_path / "x.dir").write_bytes(b"'k', (0, 2)\n" + line + b"\n")
    with pytest.raises(FormatError, match="line 2"):
        read(tmp_path / "x.dat")


def test_of_a_key_that_was_set_again_the_last_value_counts(tmp_path: Path) -> None:
    (tmp_path / "x.dat").write_bytes(b"K\x01.K\x02.")
    (tmp_path / "x.dir").write_bytes(b"'k', (0, 3)\n'k', (3, 3)\n")
    assert read(tmp_path / "x.dat") == {"x": {"k": 2}}


def test_two_keys_that_are_one_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.dat").write_bytes(b"K\x01.K\x02.")
    (tmp_path / "x.dir").write_bytes(b"'\\xe4', (0, 3)\n'\\xc3\\xa4', (3, 3)\n")
    with pytest.raises(FormatError, match="stands in the shelf twice"):
        read(tmp_path / "x.dat")


def test_two_shelves_of_one_name_are_refused(tmp_path: Path) -> None:
    shutil.copy(DATA / "bdb_little", tmp_path / "x")
    shutil.copy(DATA / "ndbm_berkeley.db", tmp_path / "x.db")
    with pytest.raises(FormatError, match="two shelves in the folder have one name"):
        read(tmp_path)


# Writing

AT = datetime(2020, 1, 2, tzinfo=UTC)
VALUES: dict[str, Any] = {
    "array": np.arange(6.0).reshape(2, 3),
    "größe": {"a": [1, None, True, 2.5, "µ"]},
    "single": np.float32(1.5),
    "it's \"x\"\n": b"bytes",
    "moment": AT,
}  # fmt: skip


def experiment(*sessions: str | None, **more: Any) -> Given:
    parts = [
        Entry(schemas.KeyedValue(key=key, value=to_schema(value, key), session=session, at=AT))
        for session in sessions
        for key, value in {**VALUES, **more}.items()
    ]
    run = Entry(schemas.Run(name="r"), {}, [Entry(schemas.Segment(name="s"))])
    return Given(Entry(schemas.Experiment(id="0", name="x"), {}, [run, *parts]))


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return {k: to_schema(v, k) for k, v in one.items()} == {
        k: to_schema(v, k) for k, v in other.items()
    }


def test_python_opens_what_is_written(tmp_path: Path) -> None:
    path = tmp_path / "x"
    losses = Shelves().write(experiment("anna"), path)
    assert {(loss.entry, loss.field) for loss in losses} >= {("r", "run"), ("array", "at")}
    assert not any("/" in loss.entry for loss in losses)
    with shelve.open(str(path), "r") as shelf:
        assert same(dict(shelf), VALUES)
    assert same(read(tmp_path / "x.dat")["x"], VALUES)
    with pytest.raises(AlreadyExists):
        Shelves().write(experiment("anna"), path)
    Shelves().write(experiment("anna", more=1), path, overwrite=True)
    assert len(read(tmp_path / "x.dat")["x"]) == 1 + len(VALUES)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["x.dat", "x.dir"]


def test_a_folder_has_a_shelf_for_each_session(tmp_path: Path) -> None:
    path = tmp_path / "x.data"
    losses = Shelves().write(experiment("anna", "otto", None), path)
    assert any(loss.field == "session" for loss in losses)
    found = read(path)
    assert set(found) == {"anna", "otto", "x"}
    assert all(same(values, VALUES) for values in found.values())
    assert reader_for(path).name == "shelve"
    with pytest.raises(AlreadyExists):
        Shelves().write(experiment("anna"), path)
    Shelves().write(experiment("anna"), path, overwrite=True)
    assert set(read(path)) == {"anna"}
    assert [file.name for file in tmp_path.iterdir()] == ["x.data"]
    with pytest.raises(FormatError, match=r"(?s)one session.*'anna', 'otto'"):
        Shelves().write(experiment("anna", "otto"), tmp_path / "y")
    Shelves().write(experiment("anna", "otto"), tmp_path / "y", session="otto")
    with pytest.raises(FormatError, match="no session 'nobody'"):
        Shelves().write(experiment("anna"), tmp_path / "z", session="nobody")


def test_what_a_shelf_does_not_say_is_told(tmp_path: Path) -> None:
    parts = [
        Entry(schemas.KeyedValue(key=key, value=1, session=key, author="me", at=AT)) for key in "ab"
    ]
    source = Given(Entry(schemas.Experiment(id="0", name="x"), {}, parts))
    losses = Shelves().write(source, tmp_path / "x", session="a")
    told = {(loss.entry.rpartition("/")[2], loss.field) for loss in losses}
    assert told == {
        ("a", "at"),
        ("b", "at"),
        ("a", "author"),
        ("b", "author"),
        ("b", "keyed-value"),
    }


def test_sessions_that_would_have_one_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="two sessions would both be called 'a_b'"):
        Shelves().write(experiment("a:b", "a?b"), tmp_path / "x.data")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_put_in_place_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.data"
    Shelves().write(experiment("anna"), path)
    rename = Path.rename

    def refusing(self: Path, target: Path) -> Path:
        if target == path and (self / "otto.dat").exists():
            raise OSError(5, "the disk is broken")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refusing)
    with pytest.raises(FormatError, match="the disk is broken"):
        Shelves().write(experiment("otto"), path, overwrite=True)
    assert set(read(path)) == {"anna"}
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_in_the_place_of_a_folder_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "x.data"
    path.touch()
    Shelves().write(experiment("anna"), path, overwrite=True)
    assert set(read(path)) == {"anna"}
    assert list(tmp_path.iterdir()) == [path]


def test_times_lose_their_zone_and_that_is_said(tmp_path: Path) -> None:
    moment = datetime(2020, 7, 2, tzinfo=ZoneInfo("Europe/Berlin"))
    losses = Shelves().write(experiment("anna", when=moment), tmp_path / "x")
    assert ("when", "value") in {(loss.entry, loss.field) for loss in losses}
    assert read(tmp_path / "x.dat")["x"]["when"] == moment


def test_pickles_are_such_as_python_2_and_old_numpy_load(tmp_path: Path) -> None:
    Shelves().write(experiment("anna"), tmp_path / "x")
    data = (tmp_path / "x.dat").read_bytes()
    assert b"numpy._core" not in data
    assert b"cnumpy.core.multiarray\n" in data
    assert pickle.loads(data[:1024]) is not None
