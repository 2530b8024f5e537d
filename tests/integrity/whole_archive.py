"""An archive with every kind of content, and all that our interface says of one, as text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import quantities as pq
from xxhash import xxh3_128

import archive
import schemas
from archive.container import Container, snapshot_entry
from archive.container.columns import NAME
from archive.container.layout import SCOPES
from archive.container.provenance_records import run_records
from archive.container.salvaging import NOTE
from archive.container.snapshots import parts_of
from tests.unit.network_states import population, projection, snapshot
from tests.unit.rich_archive import segment

VALUES: dict[str, Any] = {
    "nothing": None,
    "yes": True,
    "count": 12345678901,
    "vast": 1 << 80,
    "real": 0.1,
    "nan": float("nan"),
    "complex": 1 + 2j,
    "text": "größer",
    "long text": "word " * 400,
    "bytes": bytes(range(256)) * 8,
    "moment": datetime(2025, 1, 31, 12, 0, 0, 1, tzinfo=UTC),
    "current": 0.1 * pq.nA,
    "currents": np.arange(300.0) * pq.pA,
    "table": np.arange(6).reshape(2, 3),
    "nested": {"list": [1, [2, None], {"a": "b"}], "blob": [3]},
}


def make(path: Path) -> Path:
    """Four runs: finished, resumed and annotated later, failed, abandoned; two of them overlap."""
    with archive.open(path, "x", durability="close", people=["A. N. Other"]) as exp:
        exp.annotate(VALUES)
        first = exp.run("first", parameters={"tau": 10 * pq.ms, "cell": {"n": 3}})
        second = exp.run("second", parameters={"tau": 20 * pq.ms})
        for number in range(4):
            run = (first, second)[number % 2]
            run.put([segment(number)])
            run.append(
                {"cell/v": np.random.default_rng(number).normal(size=(200, 4)) * pq.mV},
                sampling_period=0.1 * pq.ms,
                annotations={"number": number, "vast": 1 << 80},
            )
        for number in range(3):
            first.snapshot(_network(number), name="state", annotations={"number": number})
        first.snapshots[1].annotate(label="trained")
        first.finish()
        second.segments[0].annotate(number=99, label="late", remove=["even"])
        first.annotate(note="after its end")
        first.segments[1].annotate(values=VALUES)
        second.finish("failed", "ValueError: no")
        with exp.run("first", resume=True) as again:
            again.put([segment(4, name="resumed")])
        exp.run("killed").put([segment(5)])
        exp._open_runs.clear()
    with archive.open(path, "a", durability="close") as exp, exp.run("after") as run:
        run.put([])
    return path


def _network(number: int) -> archive.Entry:
    """A network of which one weight changes, and the state of one population."""
    weights = np.random.default_rng(0).random(300)
    weights[number] = 7
    return snapshot(
        population("exc", 30, seed=number),
        population("inh", 10),
        projection(size=300, weights=weights),
        constants={"g": schemas.Quantity(9.81, "m/s**2")},
        native={"state": schemas.Array("<f8", (200,), bytes(1600))},
    )


def content(path: Path) -> dict[str, str]:
    """By name, all that our interface says of experiment, runs, segments, parts and columns; what
    cannot be read is left out."""
    container = Container(path, writable=False)
    try:
        return dict(_said(container))
    finally:
        container.close()


def _said(container: Container) -> Iterator[tuple[str, str]]:
    yield from _one("experiment", partial(_row, container, "experiment", 0))
    for row in range(_count(lambda: len(container.runs))):
        yield from _one(f"run {row}", partial(_run, container, row))
    for row in range(_count(lambda: len(container.segments))):
        yield from _one(f"segment {row}", partial(_segment, container, row))
        yield from _one(f"segment column bounds {row}", partial(_bounds, container, row))
        for number in range(_count(partial(_parts, container, row))):
            name = f"segment {row}, part {number}"
            yield from _one(name, partial(_part, container, row, number))
    for row in range(_count(lambda: len(container.snapshots))):
        yield from _one(f"snapshot {row}", partial(_snapshot, container, row))
        for number in range(_count(partial(_states, container, row))):
            yield from _one(
                f"snapshot {row}, part {number}", partial(_state, container, row, number)
            )
    for scope in SCOPES:
        keys = [NAME]
        try:
            keys += container.index(scope).keys()
        except Exception:
            continue
        for key in keys:
            yield from _one(f"{scope} column {key}", partial(_column, container, scope, key))


def _parts(container: Container, row: int) -> int:
    return len(container.places(row))


def _count(get: Callable[[], int]) -> int:
    try:
        return min(get(), 1000)
    except Exception:
        return 0


def _one(name: str, get: Callable[[], Any]) -> Iterator[tuple[str, str]]:
    try:
        yield name, json.dumps(get(), default=str)
    except Exception:
        return


def _row(container: Container, scope: Any, row: int) -> list[Any]:
    changes = [schemas.dump(change) for change in container.changes(scope, row)]
    model = schemas.dump(container.model(scope, row))
    facts = model.pop("annotations", {})
    facts.pop(NOTE, None)  # what a salvage adds is not of the archive
    return [model, facts, [one for one in changes if NOTE not in one.get("annotations", {})]]


def _run(container: Container, row: int) -> list[Any]:
    line = container.runs[row]
    facts = [container.run_parameters(row), *run_records(container, row).values()]
    said = [None if fact is None else schemas.dump(fact) for fact in facts]
    times = [int(line[name]) for name in ("started", "ended", "outcome")]
    return [*_row(container, "run", row), *said, *times]


def _segment(container: Container, row: int) -> list[Any]:
    line = container.segments[row]
    return [*_row(container, "segment", row), int(line["run"]), int(line["recorded"])]


def _bounds(container: Container, row: int) -> list[str]:
    """Columns of the table that follow from a segment's parts."""
    return [str(container.segments[row][name]) for name in ("t_start", "t_stop")]


def _snapshot(container: Container, row: int) -> list[Any]:
    line = container.snapshots[row]
    model, *facts = _row(container, "snapshot", row)
    names = [model.pop("populations", []), model.pop("projections", [])]
    assert sum(map(len, names)) == len(parts_of(container, row))
    return [model, *facts, int(line["run"]), int(line["taken"]), float(line["time"])]


def _states(container: Container, row: int) -> int:
    return len(parts_of(container, row))


def _state(container: Container, row: int, number: int) -> list[Any]:
    return _arrays(list(snapshot_entry(container, row).parts)[number])


def _part(container: Container, row: int, number: int) -> list[Any]:
    return _arrays(container.parts(row)[number])


def _arrays(part: archive.Entry) -> list[Any]:
    said: list[Any] = [schemas.dump(part.model)]
    for name, array in part.arrays.items():
        values = np.asarray(array)
        is_text = values.dtype.hasobject
        raw = repr(values.tolist()).encode() if is_text else np.ascontiguousarray(values).tobytes()
        said += [name, values.dtype.str, values.shape, xxh3_128(raw).hexdigest()]
    return said


def _column(container: Container, scope: Any, key: str) -> list[Any]:
    return [
        [
            column.kind,
            column.unit,
            column.present.tolist(),
            None
            if column.values is None
            else column.texts.decode(column.values[column.present])
            if column.texts is not None
            else column.values[column.present].tobytes().hex(),
        ]
        for column in container.index(scope).columns(key, container.count(scope))
    ]
