"""Which points of a grid have no finished run yet."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import quantities as pq

import archive
from archive.errors import ContractError
from archive.experiment.value_keys import value_key
from archive.values import to_schema

BASE: dict[str, Any] = {"exc": {"tau_m": 10 * pq.ms, "n": 4}, "w": 0.1, "a.b": 1, "none": {}}


class Thing:
    """What no archive can keep; its name is the same in all processes that collect tests."""

    def __repr__(self) -> str:
        return "a thing"


THING = Thing()


@pytest.fixture
def exp(tmp_path: Path) -> Any:
    with archive.open(tmp_path / "e.nix", "a") as opened:
        yield opened


def test_a_sweep_goes_on_where_it_stopped(exp: archive.Experiment) -> None:
    grid = {"exc.tau_m": [10, 20, 30] * pq.ms, "w": [0.1, 0.2]}
    exp.parameters.save("baseline", BASE)
    points = exp.parameters.missing(grid, base="baseline")
    assert [(float(p["exc"]["tau_m"]), p["w"]) for p in points] == [
        (10, 0.1), (10, 0.2), (20, 0.1), (20, 0.2), (30, 0.1), (30, 0.2),
    ]  # fmt: skip
    assert points[0]["exc"]["n"] == 4
    for point in points[:4]:
        exp.run(parameters=point).finish()
    for outcome in ("failed", "interrupted"):
        exp.run(parameters=points[4]).finish(outcome)
    exp.run(parameters=points[5])  # goes on
    left = exp.parameters.missing(grid, base="baseline")
    assert left == points[4:]
    for point in left:
        exp.run(parameters=point).finish()
    assert exp.parameters.missing(grid, base=BASE) == []


def test_values_count_whatever_their_unit_and_type(exp: archive.Experiment) -> None:
    exp.run(parameters={"tau": 10 * pq.ms, "i": 0.3 * pq.nA, "n": 3, "on": True}).finish()
    same = [
        {"tau": 0.01 * pq.s, "i": 300 * pq.pA, "n": 3.0, "on": True},
        {"tau": np.float32(10) * pq.ms, "i": (0.3 * pq.nA).rescale("pA"), "n": np.int16(3),
         "on": True},
    ]  # fmt: skip
    other = [
        {"tau": 10 * pq.mV, "i": 0.3 * pq.nA, "n": 3, "on": True},
        {"tau": 10, "i": 0.3 * pq.nA, "n": 3, "on": True},
        {"tau": 10.000001 * pq.ms, "i": 0.3 * pq.nA, "n": 3, "on": True},
        {"tau": 10 * pq.ms, "i": 0.3 * pq.nA, "n": 3, "on": 1},
        {"tau": 10 * pq.ms, "i": 0.3 * pq.nA, "n": 3},
        {"tau": 10 * pq.ms, "i": 0.3 * pq.nA, "n": 3, "on": True, "more": {}},
    ]
    assert exp.parameters.missing(same) == []
    assert exp.parameters.missing([*same, *other]) == other


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.arange(3) * pq.ms, np.arange(3.0) / 1000 * pq.s),
        (np.array([1.0, 2.0]), np.array([1, 2])),
        (0 * pq.ms, -0.0 * pq.s),
        (float("nan"), float("nan")),
        (2**70, 2**70),
        (10**400, 10**400),
        (1 + 0j, 1),
        (0.5 * pq.dimensionless, 0.5),
        (36.6 * pq.degC, 309.75 * pq.K),
        (1.0, 0.9999999999999999),
        (0.1 + 0.2, 0.3),
        ([1, {"a": 2.0}], [1.0, {"a": 2}]),
        (np.array(["a", "bc"]), np.array(["a", "bc"], "U9")),
        (np.array([np.nan, np.inf, -0.0]), np.array([np.nan, np.inf, 0.0])),
    ],
    ids=repr,
)
def test_what_is_the_same(one: Any, other: Any) -> None:
    assert value_key(to_schema(one, "")) == value_key(to_schema(other, ""))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1.0, 1.00000000001),
        (1, True),
        (1, "1"),
        (None, {}),
        ([], {}),
        ([1, 2], [2, 1]),
        (10**400, 10**400 + 1),
        (1j, 1),
        (1.0, -1.0),
        (0 * pq.ms, 0 * pq.mV),
        (np.array([1.0]), np.array([[1.0]])),
        (np.array([True]), np.array([1])),
        (np.array([np.inf]), np.array([-np.inf])),
        (np.array([np.inf]), np.array([np.nan])),
        ([1], np.array([1])),
        (b"a", "a"),
    ],
    ids=repr,
)
def test_what_is_not(one: Any, other: Any) -> None:
    assert value_key(to_schema(one, "")) != value_key(to_schema(other, ""))


def test_grids_may_be_nested_and_paths(exp: archive.Experiment) -> None:
    points = exp.parameters.missing(
        {"exc": {"tau_m": [1, 2] * pq.ms, "new.deep": [5]}, "a.b": (7,), "none.x": range(1)},
        base=BASE,
    )
    assert points == [
        {
            "exc": {"tau_m": tau * pq.ms, "n": 4, "new": {"deep": 5}},
            "w": 0.1,
            "a.b": 7,
            "none": {"x": 0},
        }
        for tau in (1, 2)
    ]
    exp.run(parameters=points[0]).finish()
    assert exp.parameters.missing({"exc.tau_m": [1 * pq.ms]}, base=points[0]) == []
    points[0]["exc"]["n"] = 99  # what was returned belongs to the caller
    assert BASE["exc"]["n"] == 4


def test_values_may_be_dicts_arrays_and_lists(exp: archive.Experiment) -> None:
    grid = {
        "cell": [{"tau": 1 * pq.ms, "n": {}}, {"tau": 2 * pq.ms}, {}],
        "x": [np.arange(300.0), [1, 2]],
        "$odd": [{"$key": 1}],
    }
    points = exp.parameters.missing(grid)
    assert len(points) == 6
    for point in points[::2]:
        exp.run(parameters=point).finish()
    assert [type(point["x"]) for point in exp.parameters.missing(grid)] == [list] * 3


def test_each_point_is_given_once(exp: archive.Experiment) -> None:
    assert exp.parameters.missing({"x": [1, 1.0, 2, 1]}) == [{"x": 1}, {"x": 2}]
    assert exp.parameters.missing({"x": []}) == []
    assert exp.parameters.missing({}) == [{}]
    assert exp.parameters.missing([]) == []


def test_a_list_of_points_changes_the_base(exp: archive.Experiment) -> None:
    points = exp.parameters.missing([{"exc": {"n": 5}}, {}, {"exc": {"n": 4.0}}], base=BASE)
    assert points == [{**BASE, "exc": {"tau_m": 10 * pq.ms, "n": 5}}, BASE]


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        ({"x": 3}, "sequence of values.*not 3"),
        ({"x": "abc"}, "sequence of values.*not 'abc'"),
        ({"x": 3 * pq.ms}, "sequence of values"),
        ({"x": [THING]}, "no annotation value"),
        ({"x.y": [1], "x": {"y": [2]}}, "varies x.y twice"),
        ({"x": [1], "x.y": [2]}, "varies x.y twice"),
        ({"w.x": [1]}, "w is a single value in the base"),
        ({"a..b": [1]}, "no path of keys"),
        ({1: [1]}, "keys of a grid are text"),
        ({"x": range(10**5), "y": range(10**5)}, "10000000000 points"),
        ([{"x": 1}, 3], "a point is a dict of parameters, not int"),
        ([{"x": THING}], "no annotation value"),
    ],
    ids=repr,
)
def test_a_grid_that_makes_no_sense_is_refused(
    exp: archive.Experiment, grid: Any, said: str
) -> None:
    with pytest.raises(ContractError, match=said):
        exp.parameters.missing(grid, base=BASE)


def test_runs_in_parts_count(tmp_path: Path) -> None:
    path = tmp_path / "e.nix"
    archive.open(path, "a").close()
    with archive.session(path) as session, session.run(parameters={"x": 1}):
        pass
    for mode in ("r", "a"):
        with archive.open(path, mode) as opened:
            assert opened.parameters.missing({"x": [1, 2]}) == [{"x": 2}]


def test_a_session_sees_what_the_others_have_run(tmp_path: Path) -> None:
    path = tmp_path / "e.nix"
    with archive.open(path, "a") as opened:
        opened.run(parameters={"x": 1}).finish()
    with archive.session(path) as session, session.run(parameters={"x": 2}):
        pass
    with archive.session(path) as session:
        session.run(parameters={"x": 3}).finish()
        assert session.parameters.missing({"x": [1, 2, 3, 4]}) == [{"x": 4}]


def test_a_large_sweep_is_quick(exp: archive.Experiment) -> None:
    grid = {"tau": np.arange(1, 21) * pq.ms, "w": np.arange(40.0), "n": [1]}
    with exp.transaction():
        for point in exp.parameters.missing(grid)[:-3]:
            exp.run(parameters=point).finish()
    other = {"tau": np.arange(1, 21) / 1000 * pq.s, "w": np.arange(40.0), "n": [1]}
    began = time.perf_counter()
    left = exp.parameters.missing(other)
    assert [point["w"] for point in left] == [37, 38, 39]
    assert time.perf_counter() - began < 1  # 0.02 s on a machine with nothing else to do
