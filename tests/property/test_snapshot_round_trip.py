"""Any snapshots that keep the contract come back as they went in, whatever came before them."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

import hypothesis.extra.numpy as npst
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import archive
import schemas
from archive.entry import Entry
from tests.unit.test_snapshots import same

pytestmark = pytest.mark.filterwarnings("ignore::archive.ArchiveWarning")
NAMES = ("exc", "inh", "e.i µ")
DTYPES = st.sampled_from(["f8", "f4", "f2", "i4", "u1", "?", "c16", "i8"])
VALUES = st.one_of(
    st.integers(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
    st.floats(allow_nan=False),
    st.binary(max_size=2000),
    st.builds(schemas.Quantity, st.floats(allow_nan=False), st.sampled_from(["mV", "nA"])),
)


def arrays(draw: st.DrawFn, size: int) -> Any:
    """One value for each, or for all."""
    length = draw(st.sampled_from([size, 1]))
    return draw(npst.arrays(draw(DTYPES), (length,)))


@st.composite
def populations(draw: st.DrawFn, name: str, size: int) -> Entry:
    held = {f"state:{key}": arrays(draw, size) for key in draw(st.sets(st.sampled_from("vwu")))}
    if draw(st.booleans()):
        held["positions"] = draw(npst.arrays("f8", (size, draw(st.integers(0, 3)))))
    facts: Any = draw(st.dictionaries(st.sampled_from(["a", "b c", "$d"]), VALUES, max_size=2))
    return Entry(schemas.Population(name=name, size=size, parameters=facts, native=facts), held)


@st.composite
def projections(draw: st.DrawFn, name: str, sizes: dict[str, int]) -> Entry:
    pre, post = (draw(st.sampled_from(sorted(sizes))) for _ in range(2))
    rows = draw(st.sampled_from(["pre", "post"]))
    here, there = (sizes[pre], sizes[post]) if rows == "pre" else (sizes[post], sizes[pre])
    counts = draw(st.lists(st.integers(0, 4 if there else 0), min_size=here, max_size=here))
    size = sum(counts)
    columns = draw(npst.arrays("i4", (size,), elements=st.integers(0, max(0, there - 1))))
    held: dict[str, Any] = {
        "row_pointers": np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        "columns": columns,
    }
    if draw(st.booleans()):
        held["weights"] = arrays(draw, size)
    if draw(st.booleans()):
        held["delays"] = draw(npst.arrays("f8", (1,), elements=st.floats(0, 1e6)))
    if draw(st.booleans()):
        held["order"] = np.array(draw(st.permutations(range(size))), np.int64)
    fields: dict[str, Any] = {"name": name, "pre": pre, "post": post, "size": size, "rows": rows}
    fields |= {"pre_size": sizes[pre], "post_size": sizes[post]}
    return Entry(schemas.Projection(**fields), held)


@st.composite
def snapshots(draw: st.DrawFn) -> Entry:
    sizes = {name: draw(st.integers(0, 6)) for name in draw(st.sets(st.sampled_from(NAMES)))}
    parts = [draw(populations(name, size)) for name, size in sizes.items()]
    names = draw(st.sets(st.sampled_from(["p", "q"]))) if sizes else set()
    parts += [draw(projections(name, sizes)) for name in sorted(names)]
    model = schemas.Snapshot(
        time=draw(st.floats(allow_nan=False, allow_infinity=False)),
        time_step=0.1,
        time_unit=draw(st.sampled_from(["ms", "s"])),
        populations=tuple(sizes),
        projections=tuple(sorted(names)),
        constants=draw(st.dictionaries(st.sampled_from(["a", "b"]), VALUES, max_size=2)),
    )
    return Entry(model, parts=parts)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(snapshots(), min_size=1, max_size=3))
def test_snapshots_come_back_as_they_went_in(entries: list[Entry]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "e.nix"
        with archive.open(path, "x", durability="close") as exp, exp.run() as run:
            for entry in entries:
                run.snapshot(entry)
        with archive.open(path) as exp:
            for entry, found in zip(entries, exp.snapshots, strict=True):
                assert same(entry, found.entry())
                assert found.diff(entry).identical
            assert exp.check().findings == ()


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    npst.arrays(DTYPES, st.integers(1025, 5000)),
    st.lists(st.lists(st.tuples(st.integers(0, 1024), st.integers(0, 1)), max_size=99), max_size=4),
    st.booleans(),
)
def test_series_come_back_as_they_went_in(
    first: Any, changes: list[list[tuple[int, int]]], two_axes: bool
) -> None:
    series = [first]
    for change in changes:
        following = series[-1].copy()
        for at, value in change:
            following[at] = value
        series.append(following)
    if two_axes:
        series = [np.repeat(one.real[::2].astype("f8"), 2).reshape(-1, 2) for one in series]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with archive.open(Path(folder) / "e.nix", "x", durability="close") as exp:
            with exp.run() as run:
                for values in series:
                    name = "positions" if two_axes else "state:v"
                    model = schemas.Population(name="p", size=len(values))
                    part = Entry(model, {name: values})
                    run.snapshot(Entry(schemas.Snapshot(time=0.0), parts=[part]))
            for values, found in zip(series, exp.snapshots, strict=True):
                (array,) = next(iter(found.entry().parts)).arrays.values()
                assert np.asarray(array).tobytes() == values.tobytes()
                assert np.asarray(array[3:700:3]).tobytes() == values[3:700:3].tobytes()
