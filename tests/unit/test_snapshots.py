"""Snapshots of networks: kept, found again, and said to differ."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import quantities as pq

import archive
import schemas
from archive.entry import Entry
from archive.hooks import snapshots
from tests.formats.matlab_readers import read_h5py, read_scipy
from tests.unit.network_states import N_EXC, N_INH, changed, population, projection, snapshot


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "e.nix"


def same(one: Entry, other: Entry) -> bool:
    """Whether two snapshots say the same, bit by bit."""
    pairs = list(zip([one, *one.parts], [other, *other.parts], strict=True))
    return all(
        schemas.identical(schemas.dump(a.model), schemas.dump(b.model))
        and a.arrays.keys() == b.arrays.keys()
        and all(_equal(array, b.arrays[name]) for name, array in a.arrays.items())
        for a, b in pairs
    )


def _equal(one: Any, other: Any) -> bool:
    left, right = np.asarray(one), np.asarray(other)
    return (left.dtype, left.shape, left.tobytes()) == (right.dtype, right.shape, right.tobytes())


def kept(path: Path, *entries: Entry, **fields: Any) -> None:
    with archive.open(path, "x") as exp, exp.run("r") as run:
        for number, entry in enumerate(entries):
            run.snapshot(entry, name=f"s{number}", **fields)


def test_what_went_in_comes_out(path: Path) -> None:
    entry = snapshot(
        taken=datetime(2026, 5, 4, 12, tzinfo=UTC),
        constants={"dt": schemas.Quantity(0.1, "ms"), "mode": "test"},
        native={"queue": schemas.Array("<i4", (1000,), bytes(4000)), "none": None},
    )
    kept(path, entry, annotations={"epoch": 3})
    with archive.open(path) as exp:
        (found,) = exp.snapshots
        model = entry.model.model_copy(
            update={
                "name": "s0",
                "annotations": {"epoch": 3},
                "populations": ("exc", "inh"),
                "projections": ("exc_inh",),
            }
        )
        assert same(found.entry(), Entry(model, parts=entry.parts))
        assert (found.name, found.run.name, found.simulator) == ("s0", "r", "neuron")
        assert (found.time, found.time_step, found.time_unit) == (12.5 * pq.ms, 0.1 * pq.ms, "ms")
        assert found.taken == datetime(2026, 5, 4, 12, tzinfo=UTC)
        assert found.constants == {"dt": 0.1 * pq.ms, "mode": "test"}
        assert found.native["queue"].shape == (1000,)
        assert found.annotations == {"epoch": 3}
        assert exp.check(deep=True).findings == ()


def test_the_state_of_populations(path: Path) -> None:
    entry = snapshot()
    kept(path, entry)
    exc_entry = next(iter(entry.parts))
    with archive.open(path) as exp:
        exc = exp.snapshots["s0"].populations["exc"]
        assert (exc.name, exc.size, exc.model) == ("exc", N_EXC, "IF_cond_exp")
        assert list(exc) == ["v", "spiked"]
        v = exc["v"]
        assert (v.shape, v.unit, v.units, len(v)) == ((N_EXC,), "mV", 1 * pq.mV, N_EXC)
        assert np.array_equal(v.magnitude, exc_entry.arrays["state:v"])
        assert v[3:5].units == pq.mV
        assert v[3:5].shape == (2,)
        assert exc["spiked"].units is None
        assert exc["spiked"][:].dtype == bool
        assert exc.positions.units == pq.um
        assert exc.positions.shape == (N_EXC, 3)
        assert exc.ids is not None
        assert exc.ids[0] == 7
        assert exc.parameters == {"tau_m": 20.0 * pq.ms}
        with pytest.raises(archive.NotFound, match="parameters"):
            exc["tau_m"]
        with pytest.raises(archive.NotFound, match="there is 'v'"):
            exc["vv"]
        with pytest.raises(archive.NotFound, match="there is 'exc'"):
            exp.snapshots["s0"].populations["exce"]


@pytest.mark.parametrize("rows", ["post", "pre"])
def test_the_connections_of_projections(path: Path, rows: str) -> None:
    ends = ("exc", N_EXC), ("inh", N_INH)
    entry = projection(post=ends[1]) if rows == "post" else projection(post=ends[0], pre=ends[1])
    fields: dict[str, Any] = {}
    if rows == "pre":  # the same arrays, read the other way
        fields = {"rows": "pre", "pre": "exc", "post": "inh"}
        fields |= {"pre_size": N_EXC, "post_size": N_INH}
    kept(path, snapshot(changed(entry, **fields)))
    with archive.open(path) as exp:
        found = exp.snapshots[0].projections["exc_inh"]
        assert (found.pre_name, found.post_name, found.size) == ("exc", "inh", 200)
        assert found.shape == (N_EXC, N_INH)
        pre, post, weight = found.pre, found.post, found.weight.magnitude
        assert pre.shape == post.shape == weight.shape == (200,)
        assert (pre.max() < N_EXC, post.max() < N_INH) == (True, True)
        ascending = post if rows == "post" else pre
        assert (np.diff(ascending) >= 0).all()
        dense = np.zeros(found.shape)
        np.add.at(dense, (pre, post), weight)
        for name in ("w", "weight", "weights"):
            matrix = found.to_csr(name)
            assert (matrix.format, matrix.shape, matrix.nnz) == ("csr", (N_EXC, N_INH), 200)
            assert np.allclose(matrix.toarray(), dense)
        assert found["w"].unit == "nS"
        assert found["x"].unit == "mV"
        assert list(found) == ["weights", "delays", "x"]


def test_one_value_for_all_is_seen_by_all(path: Path) -> None:
    kept(path, snapshot())
    with archive.open(path) as exp:
        delay = exp.snapshots[0].projections["exc_inh"].delay
        assert delay.shared
        assert (delay.shape, delay.unit) == ((200,), "ms")
        assert (delay[:] == np.full(200, 1.5) * pq.ms).all()
        assert delay[199] == 1.5 * pq.ms
        assert (exp.snapshots[0].projections["exc_inh"].to_csr("delay").data == 1.5).all()


def test_many_are_found_by_name_place_and_query(path: Path) -> None:
    with archive.open(path, "x") as exp:
        for name in ("one", "two"):
            with exp.run(name, annotations={"gain": len(name)}) as run:
                for number in range(3):
                    run.snapshot(snapshot(time=float(number)), name=f"{name}-{number}")
                run.snapshot(snapshot(), name="again", annotations={"last": True})
                assert [one.name for one in run.snapshots][-1] == "again"
        assert len(exp.snapshots) == 8
        assert exp.snapshots["two-1"].run.name == "two"
        assert exp.snapshots[-1].annotations == {"last": True}
        assert [one.name for one in exp.snapshots[1:3]] == ["one-1", "one-2"]
        with pytest.raises(archive.NotFound, match="2 snapshots have the name"):
            exp.snapshots["again"]
        assert exp.snapshots.where("run == 'two' and time < 2 ms").rows.tolist() == [4, 5]
        assert exp.snapshots.where("last == true and gain == 3").rows.tolist() == [3, 7]
        row = exp.snapshots.table()[0]
        assert (row["run"], row["snapshot"], row["time"]) == ("one", "one-0", 0 * pq.ms)
        assert "one-0" in repr(exp.snapshots)
        assert "one-0" in exp.snapshots._repr_html_()
        exp.snapshots["one-0"].annotate(note="checked")
        assert exp.snapshots.where("note == 'checked'").rows.tolist() == [0]
    with archive.open(path) as exp:
        assert exp.snapshots.where("note == 'checked'").rows.tolist() == [0]
        assert len(exp.snapshots["one-0"].history) == 1
        assert exp.check(deep=True).findings == ()


def test_reprs_say_what_is_there(path: Path) -> None:
    kept(path, snapshot())
    with archive.open(path) as exp:
        found = exp.snapshots[0]
        for text in (repr(found), found._repr_html_()):
            for said in ("s0", "12.5", "ms", "exc_inh", "200 connections", "30 neurons"):
                assert said in text
        exc = found.populations["exc"]
        assert "shape 30" in repr(exc)
        assert "tau_m" in exc._repr_html_()
        assert "200 connections, exc to inh" in repr(found.projections)


def test_a_run_that_has_ended_takes_none(path: Path) -> None:
    with archive.open(path, "x") as exp:
        with exp.run("r") as run:
            pass
        with pytest.raises(archive.Refused, match="finished"):
            run.snapshot(snapshot())
        with pytest.raises(archive.FormatError, match="cannot be taken"):
            exp.run("s").snapshot(3)
        assert len(exp.snapshots) == 0


def test_some_populations_of_an_entry(path: Path) -> None:
    with archive.open(path, "x") as exp, exp.run() as run:
        some = run.snapshot(snapshot(), populations=["inh"], projections=False)
        assert list(some.populations) == ["inh"]
        assert list(some.projections) == []
        assert run.snapshot(snapshot(), projections=["exc_inh"]).projections["exc_inh"].size == 200


def keep_and_fail(exp: archive.Experiment, run: archive.Run) -> None:
    with exp.transaction():
        run.snapshot(snapshot(population("new", 5)), name="second")
        raise ZeroDivisionError


def test_a_failed_transaction_keeps_none(path: Path) -> None:
    with archive.open(path, "x") as exp, exp.run() as run:
        run.snapshot(snapshot(), name="first")
        with pytest.raises(ZeroDivisionError):
            keep_and_fail(exp, run)
        assert [one.name for one in exp.snapshots] == ["first"]
        third = run.snapshot(snapshot(population("new", 5)), name="third")
        assert third.populations["new"].size == 5
    with archive.open(path) as exp:
        assert [one.name for one in exp.snapshots] == ["first", "third"]
        assert exp.check(deep=True).findings == ()


@pytest.mark.parametrize("version", ["5", "7.3"])
def test_snapshots_go_to_matlab(path: Path, version: str) -> None:
    read = read_scipy if version == "5" else read_h5py
    state = {"state:units": np.arange(1.0 * N_EXC)}  # its field is called otherwise
    entry = snapshot(changed(population(), state), population("inh", N_INH), projection())
    kept(path, entry, snapshot(time=13.0))
    with archive.open(path) as exp:
        file = path.with_suffix(".mat")
        assert exp.export(file, version=version) == []
        tree = read(file)
        runs = tree["runs"] if version == "5" else tree["runs"]["run_1"]
        others = runs["others"] if version == "5" else list(runs["others"].values())
        first, second = (one for one in others if one["kind"] == "snapshot")
        assert (first["name"], first["time"], second["time"]) == ("s0", 12.5, 13.0)
        parts = first["parts"] if version == "5" else list(first["parts"].values())
        exc, _, weights = parts
        assert (exc["kind"], exc["name"], exc["size"]) == ("population", "exc", N_EXC)
        held = exp.snapshots[0].populations["exc"]
        assert np.array_equal(exc["state_v"].ravel(), held["v"].magnitude)
        assert exc["state_units_1"].ravel().tolist() == list(range(N_EXC))
        assert weights["index_base"] == 0
        assert weights["weights"].ravel()[3] == exp.snapshots[0].projections["exc_inh"]["w"][3]
        alone = path.with_name("alone.mat")
        assert exp.snapshots[0].export(alone, version=version) == []
        found = read(alone)["experiment"]
        assert (found["name"], found["time"]) == ("s0", 12.5)
        assert len(found["others"]) == 3


def test_locked_sessions_take_snapshots(path: Path) -> None:
    run = archive.locking_session(path).run("shared")
    assert run.snapshot(snapshot(), name="one") == 0
    assert run.snapshot(snapshot(), name="two") == 1
    with archive.open(path) as exp:
        assert [one.name for one in exp.snapshots] == ["one", "two"]


class _Network:
    """What a simulator's module would know."""


def test_a_live_network_is_captured_and_restored(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    class Hook:
        def is_state(self, item: object) -> bool:
            return isinstance(item, _Network)

        def capture(self, items: Any, **choice: Any) -> Entry:
            seen.append((items, choice))
            return snapshot(native={"by": "hook"})

        def restore(self, entry: Entry, items: Any, **how: Any) -> archive.Restoration:
            seen.append((items, how))
            assert np.asarray(next(iter(entry.parts)).arrays["state:v"]).shape == (N_EXC,)
            return archive.Restoration(restored=("exc: v",))

    monkeypatch.setattr(snapshots, "_hooks", lambda: (Hook(),))
    network = _Network()
    with archive.open(path, "x") as exp, exp.run() as run:
        made = run.snapshot(network, name="n", projections=["exc_inh"], annotations={"k": 1})
        assert (made.name, made.annotations, made.native) == ("n", {"k": 1}, {"by": "hook"})
        assert made.taken is not None
        assert seen[-1] == ((network,), {"populations": True, "projections": ["exc_inh"]})
        report = made.restore(into=network, strict=False, projections=False)
        assert report.restored == ("exc: v",)
        assert report.complete
        assert seen[-1][1] == {"populations": True, "projections": False, "strict": False}
        assert made.restore(into=[network, network]).complete
        assert seen[-1][0] == [network, network]
        with pytest.raises(archive.FormatError, match="cannot be taken, nor put back"):
            made.restore(into=3)
