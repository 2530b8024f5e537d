"""What we write as MATLAB comes back as the experiment that it was, from both versions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings, strategies as st

import schemas
from archive.adapters import mat_experiment
from archive.adapters.mat import Mat
from archive.entry import Entry
from tests.formats.matlab_examples import Given, rich_runs, segment_with, signal, spikes
from tests.formats.test_mat_values import VALUES

VERSIONS = ("5", "7.3")


def back(source: Any, path: Path, version: str) -> Entry:
    assert Mat().write(source, path, version=version) == []
    (found,) = Mat().read(path)
    return found


def assert_same(one: Entry, other: Entry) -> None:
    """Equal, whatever lies in them in the same order but for their kinds."""
    assert one.model == other.model
    assert set(one.arrays) == set(other.arrays)
    for name, array in one.arrays.items():
        held, found = np.asarray(array), np.asarray(other.arrays[name])
        assert held.shape == found.shape, name
        assert held.dtype.kind in "OU" or held.dtype == found.dtype, name
        np.testing.assert_array_equal(held, found, name)
    first, second = (sorted(entry.parts, key=lambda e: e.model.kind) for entry in (one, other))
    assert len(first) == len(second)
    for pair in zip(first, second, strict=True):
        assert_same(*pair)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_experiment_comes_back(version: str, tmp_path: Path) -> None:
    found = back(Given(rich_runs), tmp_path / "a.mat", version)
    assert_same(Given(rich_runs).entry(), found)


def others() -> Iterator[Entry]:
    """A run with everything that lies beside segments, in an order that populations do not have."""
    at = datetime(2026, 3, 29, 2, 30, 0, 1, timezone(timedelta(hours=1)))
    values = np.arange(6.0).reshape(3, 2)
    parts = [
        signal(values, population="b", variable="v"),
        signal(values[:1, :1].astype("f2"), population="kind", variable="v"),
        signal(values.astype("i2"), population="b", variable="w"),
        spikes([], []),
    ]
    found = schemas.Projection(
        name="p", pre="a", post="b", pre_size=2, post_size=2, size=1, parameters={"tau": 3}
    )
    arrays = {"row_pointers": np.array([0, 1, 1]), "columns": np.array([1]), "weights": np.ones(1)}
    inside = [
        Entry(schemas.Population(name="a", size=2, geometry=(1, 2)), {"state:v w": np.zeros(2)}),
        Entry(found, arrays),
    ]
    state = schemas.Snapshot(time=1.0, time_step=0.1, taken=at, populations=("a",), native={"i": 1})
    told = schemas.ParameterSet(name="base", values={"n": 4, "value": 1, "item_1": {}, "a b": [2]})
    yield Entry(
        schemas.Run(name="r", started=at),
        {},
        [
            Entry(told),
            Entry(schemas.RunEnd(outcome="failed", reason="a\nb ", ended=at)),
            Entry(state, {}, inside),
            Entry(schemas.Segment(name="s"), {}, parts),
        ],
    )
    yield Entry(schemas.KeyedValue(key="k/ü", value=None, at=at))
    yield Entry(schemas.KeyedValue(key="l", value=[{"value": 1, "unit": "mV"}, [], {}, b""], at=at))


@pytest.mark.parametrize("version", VERSIONS)
def test_all_that_lies_beside_segments_comes_back(version: str, tmp_path: Path) -> None:
    assert_same(Given(others).entry(), back(Given(others), tmp_path / "a.mat", version))


@pytest.mark.parametrize("version", VERSIONS)
@settings(max_examples=40)
@given(st.dictionaries(st.text("aB_. é1", min_size=1, max_size=5), VALUES, max_size=4))
def test_values_come_back(
    tmp_path_factory: pytest.TempPathFactory, version: str, values: dict[str, Any]
) -> None:
    path = tmp_path_factory.mktemp("any") / "a.mat"
    losses = Mat().write(segment_with(values), path, version=version)
    (found,) = Mat().read(path)
    (run,) = found.parts
    (segment,) = run.parts
    lost = {loss.field.removeprefix("annotations.").split(".")[0].split("[")[0] for loss in losses}
    assert isinstance(segment.model, schemas.Segment)
    assert segment.model.annotations.keys() == values.keys()
    for key, value in values.items():
        if key not in lost:
            assert schemas.identical(segment.model.annotations[key], value)


def written_with(types: str, source: Any, path: Path) -> Entry:
    """As it comes back where the variable ``types`` is not the one that belongs to the file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mat_experiment, "to_text", lambda _: types)
        return back(source, path, "5")


def annotations_of(experiment: Entry) -> dict[str, Any]:
    (run,) = experiment.parts
    (segment,) = run.parts
    assert isinstance(segment.model, schemas.Segment)
    return segment.model.annotations


@pytest.mark.parametrize(
    "told",
    ["int", "bytes", "datetime", "list", "array <f8 7", "array <U1 1", "scalar <i4", {}],
)
def test_what_somebody_changed_since_is_read_as_it_is(told: Any, tmp_path: Path) -> None:
    """Where ``types`` does not fit, it is not followed."""
    values = {"text": "a", "pair": schemas.Array("<f8", (1, 2), bytes(16)), "list": [1, 2]}
    place = "runs.1.segments.1.annotations"
    types = json.dumps({f"{place}.{key}": told for key in ("text", "pair")})
    found = annotations_of(written_with(types, segment_with(values), tmp_path / "a.mat"))
    if told not in ("list", "array <U1 1"):
        assert found["text"] == "a"
    assert found["pair"] == values["pair"]
    assert found["list"] == [1.0, 2.0]


@pytest.mark.parametrize("types", ["", "[1]", "{", "[" * 100_000, '{"runs.1.parameters": 3}'])
def test_files_without_types_are_read(types: str, tmp_path: Path) -> None:
    """As from before there were any."""
    found = written_with(types, Given(rich_runs), tmp_path / "a.mat")
    one, _ = (run for run in found.parts if run.model.kind == "run")
    segments = [part for part in one.parts if part.model.kind == "segment"]
    np.testing.assert_array_equal(
        np.asarray(next(iter(segments[0].parts)).arrays["values"]), np.arange(12.0).reshape(4, 3)
    )


def test_the_moment_of_other_files_is_that_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"a": 1.0})
    (entry,) = Mat().read(path)
    assert isinstance(entry.model, schemas.KeyedValue)
    assert abs(entry.model.at - datetime.now(UTC)) < timedelta(minutes=5)
