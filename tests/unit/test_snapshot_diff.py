"""In what snapshots differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import schemas
from archive.entry import Entry
from archive.experiment.snapshot_diff import difference
from tests.unit.network_states import N_EXC, N_INH, changed, population, projection, snapshot


def test_the_same_are_identical() -> None:
    found = difference(snapshot(time=1.0, name="a"), snapshot(time=2.0, name="b"))
    assert found.identical
    assert repr(found) == "<SnapshotDiff: identical>"


def test_parts_that_only_one_has() -> None:
    found = difference(snapshot(population()), snapshot(population("inh", N_INH)))
    assert found.only_first == ("population exc",)
    assert found.only_second == ("population inh",)
    assert "population inh: only in the second" in repr(found)


def test_values_that_differ() -> None:
    v = np.array(population().arrays["state:v"])
    v[3] += 2.5
    v[5] -= 1
    found = difference(snapshot(), snapshot(changed(population(), {"state:v": v}), *rest()))
    (only,) = found.arrays
    assert (only.name, only.count, only.size) == ("exc: v", 2, N_EXC)
    assert only.largest == pytest.approx(2.5)
    assert not found.identical
    assert "2 of 30 differ, at most by 2.5" in repr(found)


def rest() -> tuple[Entry, Entry]:
    return population("inh", N_INH, seed=1), projection()


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"state:v": None}, "only in the first"),
        ({"state:new": np.ones(N_EXC)}, "only in the second"),
        ({"state:v": np.ones(1)}, "shape (30,) in the first, (1,) in the second"),
        ({"state:v": np.ones(N_EXC, np.float32)}, "dtype float64 in the first, float32"),
    ],
)
def test_arrays_that_cannot_be_compared(arrays: dict[str, Any], reason: str) -> None:
    found = difference(snapshot(population()), snapshot(changed(population(), arrays)))
    (only,) = found.arrays
    assert reason in str(only)


def test_nan_is_no_difference_from_itself_and_one_from_numbers() -> None:
    nan = changed(population(), {"state:v": np.full(N_EXC, np.nan)})
    assert difference(snapshot(nan), snapshot(nan)).identical
    (only,) = difference(snapshot(nan), snapshot(population())).arrays
    assert only.count == N_EXC
    assert np.isnan(only.largest)


def test_facts_that_differ() -> None:
    tau = {"tau_m": schemas.Quantity(10.0, "ms")}
    one, other = snapshot(population()), snapshot(population(), time_step=0.2, constants={"g": 1})
    found = difference(one, other)
    assert [fact.name for fact in found.facts] == ["time_step", "constants: g"]
    found = difference(one, snapshot(changed(population(), parameters=tau)))
    (only,) = found.facts
    assert (only.name, only.second) == ("exc: parameters: tau_m", tau["tau_m"])
    assert "exc: parameters: tau_m" in repr(found)


def small(ends: list[tuple[int, int]], weights: list[float]) -> Entry:
    """A projection of four neurons onto themselves, by pre and post."""
    pre, post = np.array(ends).reshape(-1, 2).T
    by = np.argsort(post, kind="stable")
    pointers = np.concatenate([[0], np.cumsum(np.bincount(post, minlength=4))])
    arrays = {
        "row_pointers": pointers,
        "columns": pre[by],
        "weights": np.array(weights)[by],
    }
    model = schemas.Projection(name="p", pre="a", post="a", pre_size=4, post_size=4, size=len(pre))
    return snapshot(Entry(model, arrays))


def test_connections_that_come_and_go() -> None:
    one = small([(0, 1), (1, 1), (2, 3), (3, 0)], [1, 2, 3, 4])
    other = small([(0, 1), (2, 3), (2, 2), (3, 3), (0, 0)], [1, 5, 6, 7, 8])
    found = difference(one, other)
    (only,) = found.connections
    assert (only.name, only.added, only.removed) == ("p", 3, 2)
    (weights,) = found.arrays  # of those that both have
    assert (weights.count, weights.size, weights.largest) == (1, 2, 2.0)


def test_the_same_connections_in_another_order() -> None:
    one = small([(0, 1), (1, 1), (2, 1)], [1, 2, 3])
    other = small([(2, 1), (1, 1), (0, 1)], [3, 2, 1])
    found = difference(one, other)
    assert "another order" in repr(found)
    assert found.arrays == ()


def test_several_connections_of_two_neurons() -> None:
    one = small([(0, 1), (0, 1), (2, 1)], [1, 2, 3])
    other = small([(0, 1), (2, 1)], [1, 3])
    found = difference(one, other)
    (only,) = found.connections
    assert (only.added, only.removed) == (0, 1)
    assert "several" in str(found.arrays[0])
