"""Snapshots that break the contract are refused, naming the entry; nothing of them is written."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archive
import schemas
from archive.entry import Entry
from tests.unit.network_states import N_EXC, N_INH, changed, population, projection, snapshot

SIZE = 200
POINTERS = np.asarray(projection().arrays["row_pointers"])
COLUMNS = np.asarray(projection().arrays["columns"])

MASKED: Any = np.ones(N_EXC).view(np.ma.MaskedArray)


def with_array(name: str, values: Any) -> Entry:
    """A snapshot with another array in its projection; None: without it."""
    parts = population(), population("inh", N_INH)
    return snapshot(*parts, changed(projection(), {name: values}))


def with_state(name: str, values: Any, **fields: Any) -> Entry:
    return snapshot(changed(population(), {name: values}, **fields))


def moved(values: Any, at: int, by: int) -> Any:
    copy = np.array(values)
    copy[at] += by
    return copy


BAD: dict[str, tuple[Callable[[], Entry], str]] = {
    "no snapshot": (population, "not a snapshot"),
    "a part of another kind": (
        lambda: snapshot(Entry(schemas.Segment(name="s"))),
        "no part of a snapshot",
    ),
    "arrays of its own": (lambda: changed(snapshot(), {"weights": np.ones(3)}), "no arrays"),
    "two populations of one name": (
        lambda: snapshot(population(), population(seed=1)),
        "populations have the name 'exc'",
    ),
    "two projections of one name": (
        lambda: snapshot(projection(), projection(seed=1)),
        "projections have the name 'exc_inh'",
    ),
    "names of other parts": (lambda: snapshot(population(), populations=("inh",)), "names the"),
    "a time in mV": (lambda: snapshot(time_unit="mV"), "not a unit of time"),
    "state too short": (lambda: with_state("state:v", np.ones(N_EXC - 1)), r"shape \(30,\)"),
    "state with two axes": (lambda: with_state("state:v", np.ones((N_EXC, 2))), r"shape \(30,\)"),
    "state of objects": (
        lambda: with_state("state:v", np.array([None] * N_EXC)),
        "exc.*v.*no dtype of the contract",
    ),
    "state of text": (lambda: with_state("state:v", np.array(["a"] * N_EXC)), "cannot be kept"),
    "state that is masked": (
        lambda: with_state("state:v", MASKED),
        "mask would be lost",
    ),
    "positions of others": (lambda: with_state("positions", np.ones((4, 3))), "positions must be"),
    "positions on a line": (lambda: with_state("positions", np.ones(N_EXC)), "positions must be"),
    "ids that are no integers": (lambda: with_state("ids", np.ones(N_EXC)), "ids must be"),
    "an array that nobody knows": (lambda: with_state("v", np.ones(N_EXC)), "has no array 'v'"),
    "a grid of another size": (lambda: snapshot(population(geometry=(5, 5))), "grid of"),
    "no row pointers": (lambda: with_array("row_pointers", None), "'row_pointers' is missing"),
    "no columns": (lambda: with_array("columns", None), "'columns' is missing"),
    "row pointers too short": (lambda: with_array("row_pointers", POINTERS[:-1]), "must be 11"),
    "row pointers of floats": (lambda: with_array("row_pointers", POINTERS * 1.0), "must be 11"),
    "row pointers that begin late": (
        lambda: with_array("row_pointers", moved(POINTERS, 0, 1)),
        "go from 1 to 200",
    ),
    "row pointers that end late": (
        lambda: with_array("row_pointers", moved(POINTERS, -1, 1)),
        "go from 0 to 201",
    ),
    "row pointers that decrease": (
        lambda: with_array("row_pointers", moved(POINTERS, 3, 100)),
        "row_pointers decrease",
    ),
    "ragged columns": (lambda: with_array("columns", COLUMNS[:-1]), "must be 200 integers"),
    "a column beyond": (lambda: with_array("columns", moved(COLUMNS, 5, 30)), "leads to neuron"),
    "a column before": (lambda: with_array("columns", moved(COLUMNS, 5, -60)), "leads to neuron"),
    "weights too short": (lambda: with_array("weights", np.ones(SIZE - 1)), r"shape \(200,\)"),
    "weights of objects": (
        lambda: with_array("weights", np.array([[1], [1, 2]], object)),
        "exc_inh.*weights.*no dtype",
    ),
    "delays too many": (lambda: with_array("delays", np.ones(SIZE + 1)), r"shape \(200,\)"),
    "delays below zero": (lambda: with_array("delays", np.array([-0.1])), "negative"),
    "delays of NaN": (lambda: with_array("delays", np.full(SIZE, np.nan)), "200 delays"),
    "delays without end": (lambda: with_array("delays", np.array([np.inf])), "not finite"),
    "complex delays": (lambda: with_array("delays", np.array([1j])), "cannot be complex128"),
    "delays without a time step": (lambda: snapshot(time_step=None), "time step"),
    "delays in mV": (lambda: snapshot(projection(delay_unit="mV")), "not a unit of time"),
    "an order that is none": (
        lambda: with_array("order", np.zeros(SIZE, np.int64)),
        "not a permutation",
    ),
    "an order beyond": (lambda: with_array("order", np.arange(1, SIZE + 1)), "not a permutation"),
    "an order too short": (lambda: with_array("order", np.arange(SIZE - 1)), "must be 200"),
    "a projection from fewer": (
        lambda: snapshot(population(size=29), projection()),
        "pre is 'exc' of 30 neurons, and that has 29",
    ),
    "a projection to fewer": (
        lambda: snapshot(population("inh", 9), projection()),
        "post is 'inh' of 10 neurons",
    ),
    "another array of a projection": (
        lambda: with_array("w", np.ones(SIZE)),
        "a projection has no array 'w'",
    ),
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[archive.Run, Path]]:
    path = tmp_path_factory.mktemp("contract") / "e.nix"
    with archive.open(path, "x") as exp, exp.run() as run:
        run.snapshot(snapshot())
        yield run, path


@pytest.mark.parametrize("name", BAD)
def test_what_breaks_the_contract_is_refused(opened: tuple[archive.Run, Path], name: str) -> None:
    (run, path), (make, what) = opened, BAD[name]
    before = path.read_bytes(), _log(path)
    with pytest.raises(archive.ContractError, match=what) as caught:
        run.snapshot(make())
    assert caught.value.entry
    assert (path.read_bytes(), _log(path)) == before
    assert len(run.snapshots) == 1


def _log(path: Path) -> list[bytes]:
    return [file.read_bytes() for file in sorted(path.parent.iterdir()) if file != path]


GOOD: dict[str, Callable[[], Entry]] = {
    "nothing at all": lambda: Entry(schemas.Snapshot(time=0.0)),
    "a population of nobody": lambda: snapshot(
        population("none", 0), projection("empty", ("none", 0), ("none", 0), 0)
    ),
    "no connections": lambda: snapshot(population(), projection(size=0)),
    "a projection onto itself": lambda: snapshot(
        population(), projection("own", post=("exc", N_EXC))
    ),
    "two between one pair": lambda: snapshot(projection("a"), projection("b", seed=4)),
    "no population": lambda: snapshot(projection()),
    "one value for all": lambda: with_state("state:v", np.array([-65.0])),
    "an order": lambda: with_array("order", np.random.default_rng(0).permutation(SIZE)),
    "weights of infinity": lambda: with_array("weights", np.full(SIZE, np.inf)),
    "weights that cancel": lambda: with_array("weights", np.array([np.inf, -np.inf] * 100)),
    "complex state": lambda: with_state("state:z", np.ones(N_EXC) * 1j),
    "small numbers": lambda: with_state("state:v", np.arange(N_EXC, dtype=np.uint8)),
    "half floats, big end first": lambda: with_state("state:v", np.arange(N_EXC).astype(">f2")),
    "a part of an array": lambda: with_state("state:v", np.arange(2.0 * N_EXC)[::2]),
    "no axes": lambda: with_state("positions", np.ones((N_EXC, 0))),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_odd_but_right_is_kept(tmp_path: Path, name: str) -> None:
    entry = GOOD[name]()
    path = tmp_path / "e.nix"
    with archive.open(path, "x") as exp, exp.run() as run:
        run.snapshot(entry)
    with archive.open(path) as exp:
        (found,) = exp.snapshots
        for one, other in zip(entry.parts, found.entry().parts, strict=True):
            for key, array in one.arrays.items():
                assert np.array_equal(np.asarray(array), np.asarray(other.arrays[key]))
        for there in found.projections.values():
            assert there.to_csr("w").shape == there.shape
        assert exp.check(deep=True).findings == ()


def test_weights_of_nan_are_kept_and_said(tmp_path: Path) -> None:
    weights = np.ones(SIZE)
    weights[[3, 7]] = np.nan
    with archive.open(tmp_path / "e.nix", "x") as exp, exp.run() as run:
        with pytest.warns(archive.ArchiveWarning, match="2 of 200 weights are NaN"):
            found = run.snapshot(with_array("weights", weights))
        assert np.array_equal(found.projections["exc_inh"]["w"].magnitude, weights, equal_nan=True)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            run.snapshot(with_array("weights", np.full(SIZE, np.inf)))
