"""Many snapshots of one network take what has changed, and hardly more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import archive
from archive.container import layout
from archive.entry import Entry
from tests.unit.network_states import changed, population, projection, snapshot

SYNAPSES, COUNT = 50_000, 100
ENDS = ("exc", 1000), ("inh", 500)


def network(weights: npt.NDArray[np.float64], seed: int = 0) -> Entry:
    exc = changed(population("exc", 1000), {"positions": None})
    return snapshot(exc, projection("exc_inh", *ENDS, SYNAPSES, seed=seed, weights=weights))


def series(share: float, count: int = COUNT) -> Iterator[npt.NDArray[np.float64]]:
    """Weights of which a share changes from each to the next."""
    random = np.random.default_rng(5)
    weights = random.random(SYNAPSES)
    for _ in range(count):
        yield weights.copy()
        which = random.choice(SYNAPSES, int(share * SYNAPSES), replace=False)
        weights[which] = random.random(len(which))


def size_of(path: Path, share: float, count: int) -> int:
    with archive.open(path, "x", durability="close") as exp, exp.run() as run:
        for weights in series(share, count):
            run.snapshot(network(weights))
    return path.stat().st_size


@pytest.mark.parametrize(("share", "most"), [(1.0, 1.05), (0.01, 0.15), (0.0, 0.0)])
def test_a_series_takes_what_has_changed(tmp_path: Path, share: float, most: float) -> None:
    path = tmp_path / "e.nix"
    one, many = size_of(tmp_path / "one.nix", share, 1), size_of(path, share, COUNT)
    told = COUNT * 3000  # the documents
    assert many - one < most * COUNT * 8 * SYNAPSES + told
    if share:  # and with the connections, too
        assert many < most * COUNT * 8 * SYNAPSES
    with archive.open(path) as exp:
        for snapshot_, weights in zip(exp.snapshots, series(share), strict=True):
            assert np.array_equal(snapshot_.projections["exc_inh"]["w"].magnitude, weights)
        assert exp.check(deep=True).findings == ()
        rows = exp._container.pool.rows()
        assert _steps(rows).max() <= layout.DELTA_STEPS
        assert _changes(rows).max() * (8 + 4) <= 0.25 * 8 * SYNAPSES
        assert share != 0.01 or _changes(rows).max() > 0


def _steps(rows: npt.NDArray[np.void]) -> npt.NDArray[np.int64]:
    """How many steps lead from each array back to a whole one."""
    steps = np.zeros(len(rows), np.int64)
    for row, base in enumerate(rows["base"].tolist()):
        steps[row] = steps[base] + 1 if base >= 0 else 0
    return steps


def test_what_leads_back_to_a_whole_array_is_bounded(tmp_path: Path) -> None:
    with archive.open(tmp_path / "e.nix", "x", durability="close") as exp, exp.run() as run:
        for weights in series(2 / SYNAPSES, 80):  # so little that the steps count
            run.snapshot(network(weights))
        steps = _steps(exp._container.pool.rows())
        assert steps.max() == layout.DELTA_STEPS
        rows = exp._container.pool.rows()
        assert (rows["count"][rows["base"] >= 0] == 2).all()


def test_equal_arrays_are_stored_once_whoever_has_them(tmp_path: Path) -> None:
    weights = next(series(0))
    with archive.open(tmp_path / "e.nix", "x") as exp:
        for name in ("a", "b"):
            with exp.run(name) as run:
                run.snapshot(network(weights))
    with archive.open(tmp_path / "e.nix", "a") as exp, exp.run("c") as run:
        before = len(exp._container.pool)
        run.snapshot(network(weights))
        assert len(exp._container.pool) == before
        other = weights.copy()
        other[17] = 0.5  # of another session's array, this one alone
        run.snapshot(network(other))
        rows = exp._container.pool.rows()
        assert len(rows) == before + 1
        assert (rows["base"][-1] >= 0, rows["count"][-1]) == (True, 1)
        run.snapshot(network(weights))  # as they were: nothing new
        assert len(exp._container.pool) == before + 1


def test_connections_that_change_are_another_array(tmp_path: Path) -> None:
    """Structural plasticity between two snapshots."""
    weights = next(series(0))
    with archive.open(tmp_path / "e.nix", "x") as exp, exp.run() as run:
        one = run.snapshot(network(weights))
        other = run.snapshot(network(weights, seed=1))
        less = run.snapshot(snapshot(projection("exc_inh", *ENDS, 100)))
        assert one.projections["exc_inh"].size == SYNAPSES
        assert less.projections["exc_inh"].size == 100
        (found,) = one.diff(other).connections
        assert (found.added > 0, found.added) == (True, found.removed)
        assert not np.array_equal(one.projections["exc_inh"].pre, other.projections["exc_inh"].pre)
        assert exp.check(deep=True).findings == ()


def test_nan_and_signed_zero_are_what_they_are(tmp_path: Path) -> None:
    weights = next(series(0))
    weights[:1000], weights[1000:2000] = np.nan, 0.0
    with archive.open(tmp_path / "e.nix", "x") as exp, exp.run() as run:
        with pytest.warns(archive.ArchiveWarning, match="NaN"):
            run.snapshot(network(weights))
        weights[1000] = -0.0
        with pytest.warns(archive.ArchiveWarning, match="NaN"):
            found = run.snapshot(network(weights))
        assert exp._container.pool.rows()["count"][-1] == 1
        assert found.projections["exc_inh"]["w"].magnitude.tobytes() == weights.tobytes()
        assert np.signbit(found.projections["exc_inh"]["w"].magnitude[1000])


def _changes(rows: npt.NDArray[np.void]) -> npt.NDArray[np.int64]:
    """How many values on these steps differ."""
    changes = np.zeros(len(rows), np.int64)
    for row, (base, count) in enumerate(rows[["base", "count"]].tolist()):
        changes[row] = changes[base] + count if base >= 0 else 0
    return changes
