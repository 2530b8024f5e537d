"""Values under keys: what goes in comes out, per session and across all of them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import quantities as pq
from hypothesis import given, settings, strategies as st

import archive
from archive.container.check_digests import document_faults

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5), inside),
    max_leaves=5,
)
KEYS = st.text(min_size=1, max_size=20)


@given(steps=st.lists(st.tuples(KEYS, st.none() | st.tuples(PLAIN)), max_size=12))
@settings(max_examples=6)
def test_a_session_is_a_dict(tmp_path_factory: pytest.TempPathFactory, steps: Any) -> None:
    path = tmp_path_factory.mktemp("keyed") / "e.nix"
    model: dict[str, Any] = {}
    with archive.session(path) as session:
        for key, value in steps:
            if value is not None:
                session[key] = model[key] = value[0]
            elif key in model:
                del session[key]
                del model[key]
            else:
                with pytest.raises(archive.NotFound):
                    del session[key]
        assert dict(session.items()) == model
        assert len(session) == len(model)
    with archive.open(path) as exp:
        assert dict(exp.items()) == model
        assert exp.itemcount() == len(model)
        for part in exp._joined.containers[1:]:
            assert not list(document_faults(part))
    if model:
        with archive.open(path, "a") as exp:
            exp.merge()
            assert dict(exp.items()) == model
            assert not list(document_faults(exp._container))
            assert exp.check().is_valid()


def test_all_types_come_back(tmp_path: Path) -> None:
    values = {
        "quantity": 3 * pq.mV,
        "array": np.arange(3000, dtype="f4"),
        "measured": np.arange(500.0) * pq.nA,
        "bytes": b"\0" * 2000,
        "moment": datetime(2024, 5, 1, tzinfo=UTC),
        "complex": 1j,
        "a/b": {"$array": [1, float("inf")], "blob": [0, 5]},
    }
    with archive.session(tmp_path / "e.nix") as session:
        session.update(values)
    for merging in (False, True):
        with archive.open(tmp_path / "e.nix", "a") as exp:
            if merging:
                exp.merge()
            found = dict(exp.items())
        assert found.keys() == values.keys()
        for key, value in values.items():
            assert np.array_equal(found[key], value), key
            assert type(found[key]) is type(value)
        assert found["array"].dtype == "f4"
        assert found["measured"].units == pq.nA


def test_what_cannot_be_kept_changes_nothing(tmp_path: Path) -> None:
    with archive.session(tmp_path / "e.nix") as session:
        session["k"] = 1
        with pytest.raises(archive.ContractError, match="object"):
            session["k"] = object()
        with pytest.raises(archive.ContractError, match="key"):
            session[""] = 1
        assert session["k"] == 1
        with pytest.raises(archive.NotFound, match="there is 'k'"):
            session["kk"]
    with pytest.raises(archive.Refused, match="closed"):
        session["k"]


def test_collating(tmp_path: Path) -> None:
    path = tmp_path / "e.nix"
    sessions = [archive.session(path) for _ in range(3)]
    for number, session in enumerate(sessions):
        session["a1"] = [number]
        session["a2"] = (10 + number,)
        session["b"] = np.array([number, number + 0.5]) * (pq.mV if number else pq.V)
        session[f"own {number}"] = number
        session.close()
    names = [session.session_name for session in sessions]
    for mode in ("r", "a", "merged"):
        with archive.open(path, "r" if mode == "r" else "a") as exp:
            if mode == "merged":
                exp.merge()
            assert exp.get("a1") == {name: [number] for number, name in enumerate(names)}
            assert exp.get("nothing") == {}
            assert sorted(exp.get_merged("a1")) == [0, 1, 2]
            assert exp.get_matching("a").keys() == {"a1", "a2"}
            assert exp.get_matching(lambda key: key.endswith("2"))["a2"][names[1]] == [11]
            assert sorted(exp.get_merged_matching("a")) == [0, 1, 2, 10, 11, 12]
            assert sorted(exp.get_flat_matching("a1")) == [[0], [1], [2]]
            joined = exp.get_merged("b")
            assert len(joined) == 6
            assert sorted(joined.rescale("V").magnitude) == [0, 0.001, 0.0015, 0.002, 0.0025, 0.5]
            with pytest.raises(archive.ContractError, match="behind the other"):
                exp.get_merged("own 1")
            assert sorted(exp.keys()) == ["a1", "a2", "b", "own 0", "own 1", "own 2"]
            assert exp.itemcount() == 12 == len(list(exp.values()))
            files = exp.session_filenames()
            assert files[0] == str(path)
            assert len(files) == (1 if mode == "merged" else 4)
            assert exp.make_unique_key() != exp.make_unique_key()


def test_no_value_is_read_that_was_not_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with archive.session(tmp_path / "e.nix") as session:
        for number in range(20):
            session[f"k{number}"] = number
    read: list[Any] = []

    def noted(self: Any, place: Any) -> Any:
        read.append(place)
        return self.records.read(*place)

    monkeypatch.setattr("archive.container.documents.Documents.read", noted)
    with archive.open(tmp_path / "e.nix") as exp:
        assert exp.itemcount() == 20 == len(exp.keys())
        assert read == []
        items = exp.items()
        next(items)
        assert len(read) == 1
        items.close()  # type: ignore[attr-defined]  # it is a generator
        assert exp.get("k3")
        assert len(read) == 2


def test_a_failed_transaction_takes_its_values_along(tmp_path: Path) -> None:
    with archive.session(tmp_path / "e.nix") as session:
        session["a"] = 1
        with pytest.raises(archive.ContractError), session.transaction():
            session.update(a=2, b=3, c=object())
        assert dict(session) == {"a": 1}
        session["c"] = 4
    with archive.open(tmp_path / "e.nix") as exp:
        assert dict(exp.items()) == {"a": 1, "c": 4}


@pytest.mark.damaged
@pytest.mark.parametrize(("table", "field"), [("values", "key"), ("merges", "segment")])
def test_check_sees_damage(tmp_path: Path, table: str, field: str) -> None:
    path = tmp_path / "e.nix"
    with archive.session(path) as session:
        session["a"] = 1
        session["b"] = 2
    with archive.open(path, "a") as exp:
        exp.merge()
    with h5py.File(path, "a") as file:
        data = file["data/e/data_frames"][table]["data"]
        rows = data[:]
        rows[field][0] = rows[field][-1] + (table == "merges")
        data[:] = rows
    with archive.open(path) as exp:
        report = exp.check()
    assert [finding.name for finding in report.findings] == [f"{table.removesuffix('s')} 0"]
