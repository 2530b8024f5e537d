"""Snapshots in checks, merges and salvages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import archive
from archive.container import taking, taking_snapshots
from archive.container.container import Container
from tests.unit.network_states import population, projection, snapshot

N, M = 400, 4000
ENDS = ("exc", N), ("exc", N)


def write(path: Path, seed: int = 0, count: int = 5) -> Path:
    """A run with snapshots of a network in which few weights change, one annotated later."""
    random = np.random.default_rng(seed)
    weights = random.random(M)
    with archive.open(path, "x") as exp, exp.run(f"run {seed}") as run:
        for number in range(count):
            weights = weights.copy()
            weights[random.integers(0, M, 10)] = number
            entry = snapshot(
                population("exc", N, seed=number),
                projection("ee", *ENDS, M, weights=weights),
                native={"long": "x" * 40, "queue": [1, 2]},
                time=float(number),
            )
            run.snapshot(entry, name=f"{seed}-{number}", annotations={"number": number})
        exp.snapshots[1].annotate(note="late", remove=["number"])
    return path


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("snapshots") / "e.nix")


@pytest.fixture
def path(written: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "e.nix"
    copy.write_bytes(written.read_bytes())
    return copy


def told(exp: archive.Experiment) -> list[Any]:
    """All that the interface says of the snapshots."""
    return [
        (
            one.name,
            one.run.name,
            float(one.time),
            one.native,
            one.annotations,
            len(one.history),
            [
                (part.name, name, array.unit, array.magnitude.tobytes())
                for part in [*list[Any](one.populations.values()), *one.projections.values()]
                for name, array in part.items()
            ],
            [(p.pre.tolist(), p.post.tolist()) for p in one.projections.values()],
        )
        for one in exp.snapshots
    ]


def block_of(file: h5py.File) -> Any:
    return next(iter(file["data"].values()))


def table(file: h5py.File, name: str) -> Any:
    return block_of(file)["data_frames"][name]["data"]


def set_field(name: str, row: int, field: str, value: Any) -> Callable[[h5py.File], None]:
    def damage(file: h5py.File) -> None:
        rows = table(file, name)
        line = rows[row]
        line[field] = value
        rows[row] = line

    return damage


def add_to_first_value(array: str) -> Callable[[h5py.File], None]:
    def damage(file: h5py.File) -> None:
        data = block_of(file)["data_arrays"][array]["data"]
        data[0] += 1

    return damage


DAMAGE = {
    "a value of an array": (add_to_first_value("arrays.float64"), "array", True),
    "an index": (add_to_first_value("arrays.int32"), "array", True),
    "a start": (set_field("arrays", 4, "start", 1 << 40), "array 4", False),
    "a count": (set_field("arrays", 4, "count", 3), "array 4", False),
    "a shape": (set_field("arrays", 4, "rows", 3), "array 4", False),
    "a base that comes later": (set_field("arrays", 4, "base", 9), "array 4", False),
    "a base of another type": (set_field("arrays", 5, "base", 1), "array 5", False),
    "a pool that is none": (set_field("arrays", 4, "pool", 999), "array 4", False),
    "a digest": (set_field("arrays", 4, "digest", b"0" * 32), "snapshot 0", False),
    "a run": (set_field("snapshots", 2, "run", 7), "snapshot 2", False),
    "a time": (set_field("snapshots", 2, "time", 7.5), "snapshot 2", False),
    "when it was taken": (set_field("snapshots", 2, "taken", 7), "snapshot 2", False),
    "its arrays": (set_field("snapshots", 2, "arrays", 1), "snapshot", False),
    "its document": (set_field("snapshots", 2, "length", 40), "snapshot 2", False),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found(path: Path, name: str) -> None:
    damage, where, deep = DAMAGE[name]
    with h5py.File(path, "r+") as file:
        damage(file)
    with archive.open(path) as exp:
        found = exp.check(deep=deep).findings
        assert any(finding.name.startswith(where) for finding in found), found
        if not deep:
            assert exp.check(deep=True).findings


def test_a_chain_that_is_too_long_is_not_followed(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        rows = table(file, "arrays")
        lines = rows[:]
        last = np.flatnonzero(lines["base"] >= 0)[-1]
        more = np.repeat(lines[last : last + 1], 80)
        more["base"] = np.arange(len(lines) - 1, len(lines) + 79)
        more["base"][0] = last
        more["digest"] = [b"%032d" % n for n in range(80)]
        rows.resize(len(lines) + 80, axis=0)
        rows[len(lines) :] = more
    with archive.open(path) as exp:
        pool = exp._container.pool
        with pytest.raises(archive.CorruptArchive, match="lead back"):
            pool.read(len(pool) - 1)
        assert any("lead back" in finding.what for finding in exp.check().findings)


def test_a_merge_takes_snapshots(path: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "other.nix", seed=1)
    with archive.open(other) as exp:
        theirs = told(exp)
    with archive.open(path, "a") as exp:
        mine, before = told(exp), len(exp._container.pool)
        (merged,) = exp.merge(other)
        assert (merged.snapshots, merged.left) == (5, None)
        assert told(exp) == mine + theirs
        taken = len(exp._container.pool) - before
        with archive.open(other) as there:  # connections and populations were here
            assert taken < len(there._container.pool)
        exp.merge(other)
        assert len(exp.snapshots) == 10
    with archive.open(path) as exp:
        assert told(exp) == mine + theirs
        assert exp.snapshots.where("note == 'late'").rows.tolist() == [1, 6]
        assert exp.check(deep=True).findings == ()


def test_snapshots_of_parts_are_read_and_merged(path: Path) -> None:
    with archive.session(path) as session, session.run("there") as run:
        run.snapshot(snapshot(), name="of a part")
    with archive.open(path) as exp:
        before = told(exp)
        assert len(exp.snapshots) == 6
        assert exp.snapshots["of a part"].run.name == "there"
        assert exp.snapshots["of a part"].index == 5
        assert exp.snapshots.where("run == 'there'").rows.tolist() == [5]
    with archive.open(path, "a") as exp:
        (merged,) = exp.merge()
        assert merged.removed
    with archive.open(path) as exp:
        assert told(exp) == before
        assert exp.check(deep=True).findings == ()


def test_a_part_stays_if_an_array_was_not_taken_well(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with archive.session(path) as session, session.run("there") as run:
        run.snapshot(snapshot())
    true = taking_snapshots.take_snapshots

    def wrong(target: Container, *given: Any) -> Any:
        before = len(target.pool)
        found = true(target, *given)
        data = target.session.dataset("data_arrays", "arrays.float64")
        start = int(target.pool.row(before)["start"])
        transaction = given[2]
        transaction.overwrite(data, start, data.read(start, start + 1) + 1)
        return found

    monkeypatch.setattr(taking, "take_snapshots", wrong)
    with archive.open(path, "a") as exp, pytest.raises(archive.CorruptArchive, match="an array"):
        exp.merge()
    assert len(list(path.parent.glob("*.parts/*.nix"))) == 1


@pytest.mark.slow
def test_a_chain_that_would_be_too_long_is_cut(tmp_path: Path) -> None:
    """A part whose arrays differ little from ones that are at the end of a chain here."""
    random = np.random.default_rng(0)
    weights = random.random(M)

    def series(path: Path, count: int, first: int) -> None:
        with archive.open(path, "x", durability="close") as exp, exp.run(f"run {first}") as run:
            for number in range(count):
                weights[(first + number) % M] = -1 - number
                run.snapshot(snapshot(projection("ee", *ENDS, M, weights=weights.copy())))

    series(tmp_path / "a.nix", 60, 0)
    with archive.open(tmp_path / "a.nix") as exp:
        last = exp.snapshots[-1].projections["ee"]["w"].magnitude
    weights[:] = last
    with archive.open(tmp_path / "b.nix", "x") as exp, exp.run("b") as run:
        for number in range(30):
            weights[2000 + number] = 5
            start = last if number == 0 else weights
            run.snapshot(snapshot(projection("ee", *ENDS, M, weights=start.copy())))
        theirs = told(exp)
    with archive.open(tmp_path / "a.nix", "a") as exp:
        exp.merge(tmp_path / "b.nix")
        assert told(exp)[60:] == theirs
        assert exp.check(deep=True).findings == ()


def test_a_salvage_of_an_archive_that_is_sound_keeps_all(path: Path, tmp_path: Path) -> None:
    found = archive.salvage(path, tmp_path / "new.nix")
    assert (found.snapshots, found.losses) == (5, ())
    with archive.open(path) as exp, archive.open(tmp_path / "new.nix") as new:
        assert told(exp) == told(new)
        assert new.check(deep=True).findings == ()


@pytest.mark.slow
@pytest.mark.parametrize("name", DAMAGE)
def test_a_salvage_keeps_what_it_can(path: Path, tmp_path: Path, name: str) -> None:
    with h5py.File(path, "r+") as file:
        DAMAGE[name][0](file)
    found = archive.salvage(path, tmp_path / "new.nix")
    assert found.snapshots == 5
    assert found.losses
    with archive.open(tmp_path / "new.nix") as new:
        assert len(new.snapshots) == 5
        assert new.check(deep=True).findings == ()
        assert any("salvage" in one.annotations for one in new.snapshots) or name == "its arrays"


def test_an_array_that_is_lost_leaves_the_rest(path: Path, tmp_path: Path) -> None:
    with h5py.File(path, "r+") as file:
        digest = table(file, "arrays")[0]["digest"]
        assert digest
        set_field("arrays", 0, "start", 1 << 40)(file)
    found = archive.salvage(path, tmp_path / "new.nix")
    (lost,) = {loss.field for loss in found.losses if "population" in loss.field}
    assert lost == "population 'exc': state:v"
    with archive.open(tmp_path / "new.nix") as new:
        assert "v" not in new.snapshots[0].populations["exc"]
        assert new.snapshots[0].projections["ee"].size == M
        assert "v" in new.snapshots[1].populations["exc"]


def test_connections_to_nobody_are_left_out(path: Path, tmp_path: Path) -> None:
    with archive.open(path) as exp:
        weights = exp.snapshots[0].projections["ee"].weight.magnitude
        row = exp.snapshots[0].projections["ee"].to_entry().arrays["columns"].row  # type: ignore[attr-defined]  # it is in the pool
    with h5py.File(path, "r+") as file:
        start = table(file, "arrays")[row]["start"]
        block_of(file)["data_arrays"]["arrays.int32"]["data"][start + 5] = N
    archive.salvage(path, tmp_path / "new.nix")
    with archive.open(tmp_path / "new.nix") as new:
        found = new.snapshots[0].projections["ee"]
        assert found.size == M - 1
        assert np.array_equal(found.weight.magnitude, np.delete(weights, 5))
        assert "left out" in str(new.snapshots[0].annotations["salvage"])
        assert new.check(deep=True).findings == ()
