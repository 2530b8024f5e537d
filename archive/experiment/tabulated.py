"""Runs, segments and snapshots as tables: names, annotations and those of their runs."""

from __future__ import annotations

from typing import Any

from archive import values
from archive.container import Container
from archive.container.layout import OUTCOMES
from archive.experiment.joined import Rows


def run_table(container: Container, rows: Rows) -> list[dict[str, Any]]:
    outcomes = container.runs.all()["outcome"][rows].tolist()
    names = [document.get("name") for document in container.runs.documents(rows.tolist())]
    annotations = container.runs.many_annotations(rows.tolist())
    return [
        {"run": name, "outcome": OUTCOMES[outcome], **values.from_schema_dict(own)}
        for name, outcome, own in zip(names, outcomes, annotations, strict=True)
    ]


def segment_table(container: Container, rows: Rows) -> list[dict[str, Any]]:
    """One dict per segment: its run and name, the run's annotations and its own."""
    numbers = rows.tolist()
    runs = _runs(container, container.segments.all()["run"][rows].tolist())
    own = container.segments.many_annotations(numbers)
    return [
        {
            "run": name,
            "segment": document.get("name"),
            **facts,
            **values.from_schema_dict(annotations),
        }
        for (name, facts), document, annotations in zip(
            runs, container.segments.documents(numbers), own, strict=True
        )
    ]


def snapshot_table(container: Container, rows: Rows) -> list[dict[str, Any]]:
    """The same per snapshot, with its time."""
    numbers = rows.tolist()
    table = container.snapshots.all()[rows]
    runs = _runs(container, table["run"].tolist())
    own = container.snapshots.many_annotations(numbers)
    return [
        {
            "run": name,
            "snapshot": document.get("name"),
            "time": values.quantity(document["time"], document.get("time_unit", "ms")),
            **facts,
            **values.from_schema_dict(annotations),
        }
        for (name, facts), document, annotations in zip(
            runs, container.snapshots.documents(numbers), own, strict=True
        )
    ]


def _runs(container: Container, rows: list[int]) -> list[tuple[str | None, dict[str, Any]]]:
    """Name and annotations of the run of each row."""
    known = list(dict.fromkeys(rows))
    facts = container.runs.many_annotations(known)
    found = {
        row: (document.get("name"), values.from_schema_dict(own))
        for row, document, own in zip(known, container.runs.documents(known), facts, strict=True)
    }
    return [found[row] for row in rows]
