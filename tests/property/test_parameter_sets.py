"""Parameter sets against plain Python: a dict of names, and a list comprehension over a grid."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import quantities as pq
from hypothesis import given, settings, strategies as st

import archive
import schemas
from archive.container.check_digests import document_faults
from archive.experiment.parameter_set import ParameterSet
from schemas import identical
from tests.property.test_value_round_trip import NAMES, VALUES

SETS = st.dictionaries(NAMES, VALUES, max_size=3)
FEW = st.sampled_from(["a", "b", "c"])


@given(steps=st.lists(st.tuples(FEW, SETS), min_size=1, max_size=5), again=st.lists(FEW))
@settings(max_examples=20)
def test_what_is_saved_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[str, dict[str, Any]]],
    again: list[str],
) -> None:
    path = tmp_path_factory.mktemp("sets") / "e.nix"
    model: dict[str, dict[str, Any]] = {}
    with archive.open(path, "a", durability="close") as exp:
        for name, values in [*steps, *((name, model.get(name, {})) for name in again)]:
            given_set = ParameterSet(schemas.ParameterSet(values=values))
            if identical(model.get(name, values), values):
                exp.parameters.save(name, given_set)
                model[name] = values
            else:
                with pytest.raises(archive.AlreadyExists):
                    exp.parameters.save(name, given_set)
    with archive.open(path) as exp:
        assert exp.parameters.names == list(model)
        for name, values in model.items():
            found = exp.parameters[name]
            assert identical(found.model.values, values)
            assert found == exp.parameters[found.digest]
            assert not found.diff(ParameterSet(schemas.ParameterSet(values=values)))
            for other in model:
                same = identical(model[other], values)
                assert (exp.parameters[other].digest == found.digest) == same
        distinct: list[Any] = []
        for values in model.values():
            distinct += [] if any(identical(values, one) for one in distinct) else [values]
        assert len(exp.parameters) == len(distinct)
        assert not list(document_faults(exp._container))


# -- grids ---------------------------------------------------------------------------------------

# Ways of writing one number: with a unit or none, as types of Python and of NumPy.
WRITTEN: dict[str, list[Any]] = {
    "one": [1, 1.0, np.int16(1), np.float32(1), 1 * pq.dimensionless, 100 * pq.percent],
    "two": [2, 2.0, 0.002 * pq.mV / pq.uV],
    "10 ms": [10 * pq.ms, 0.01 * pq.s, 10_000 * pq.us],
    "0.3 nA": [0.3 * pq.nA, 300 * pq.pA, (0.3 * pq.nA).rescale("A")],
    "true": [True, np.True_],
    "text": ["text"],
    "list": [[1, 2.0], [1.0, 2]],
    "array": [np.arange(3.0) * pq.ms, np.arange(3) / 1000 * pq.s],
    "dict": [{"x": 1}, {"x": 1.0}],
    "empty": [{}],
    "none": [None],
}
PATHS = ["w", "exc.tau", "exc.deep.g"]


@st.composite
def meanings(draw: st.DrawFn) -> tuple[int, Any]:
    """Which value is meant, and a way of writing it."""
    number = draw(st.integers(0, len(WRITTEN) - 1))
    return number, draw(st.sampled_from(list(WRITTEN.values())[number]))


AXES = st.dictionaries(st.sampled_from(PATHS), st.lists(meanings(), max_size=3), max_size=3)
BASES = st.dictionaries(st.sampled_from(PATHS), meanings(), max_size=3)
OUTCOMES = st.sampled_from(["finished", "finished", "failed", "interrupted", None])


def nested(values: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path, value in values.items():
        *outer, last = path.split(".")
        inner = found
        for key in outer:
            inner = inner.setdefault(key, {})
        inner[last] = value
    return found


@given(
    axes=AXES,
    base=BASES,
    runs=st.lists(st.tuples(st.integers(0, 30), OUTCOMES, st.randoms(use_true_random=False))),
)
@settings(max_examples=25)
def test_missing_is_a_list_comprehension(
    tmp_path_factory: pytest.TempPathFactory, axes: Any, base: Any, runs: Any
) -> None:
    paths = list(axes)
    points = [dict(zip(paths, chosen, strict=True)) for chosen in product(*axes.values())]
    whole = [{**base, **point} for point in points]
    done: list[dict[str, int]] = []
    with archive.open(tmp_path_factory.mktemp("grid") / "e.nix", "a", durability="close") as exp:
        for at, outcome, random in runs:
            if not whole:
                break
            point = whole[at % len(whole)]
            meant = {path: number for path, (number, _) in point.items()}
            other = {
                path: random.choice(list(WRITTEN.values())[number])
                for path, number in meant.items()
            }
            run = exp.run(parameters=nested(other))
            if outcome is not None:
                run.finish(outcome)
            if outcome == "finished":
                done.append(meant)
        found = exp.parameters.missing(
            {path: [value for _, value in choices] for path, choices in axes.items()},
            base=nested({path: value for path, (_, value) in base.items()}),
        )
        wanted: list[dict[str, Any]] = []
        for point in whole:
            meant = {path: number for path, (number, _) in point.items()}
            if meant not in done:
                done.append(meant)  # each point once
                wanted.append(nested({path: value for path, (_, value) in point.items()}))
        assert len(found) == len(wanted)
        assert repr(found) == repr(wanted)
        listed = [nested({p: v for p, (_, v) in point.items()}) for point in whole]
        assert repr(exp.parameters.missing(listed)) == repr(wanted)
