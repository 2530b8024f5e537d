"""Runs, segments and snapshots as rows: for tables, and for JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from archive import Run, Segment, Snapshot
from archive.cli.console import print_table, say
from archive.experiment.display import annotation_text, counted as counted, value_text

SHOWN = 100
Rows = list[dict[str, Any]]

RUN_HEADS = ("", "run", "outcome", "started", "segments", "annotations")
SEGMENT_HEADS = ("", "segment", "run", "recorded", "duration", "annotations")
SNAPSHOT_HEADS = ("", "snapshot", "run", "time", "neurons", "connections", "annotations")


def shown(limit: int | None, total: int, as_json: bool) -> int:
    """How many rows to show: of a table no more than the screen bears, unless told."""
    if limit is not None:
        return limit
    return total if as_json else SHOWN


def run_rows(runs: Sequence[Run]) -> Rows:
    """One dict per run, with the keys that the help of ``ls`` names."""
    return [
        {
            "number": run.index,
            "name": run.name,
            "outcome": run.outcome,
            "started": run.started,
            "ended": run.ended,
            "segments": len(run.segments),
            "annotations": run.annotations,
        }
        for run in runs
    ]


def segment_rows(segments: Sequence[Segment]) -> Rows:
    """One dict per segment, with the keys that the help of ``ls`` names."""
    names: dict[int, str] = {}
    rows = []
    for segment in segments:
        run = segment.run
        name = names[run.index] = names.get(run.index) or run.name
        rows.append(
            {
                "number": segment.index,
                "name": segment.name,
                "run": name,
                "recorded": segment.recorded,
                "t_start": segment.t_start,
                "t_stop": segment.t_stop,
                "annotations": segment.annotations,
            }
        )
    return rows


def snapshot_rows(snapshots: Sequence[Snapshot]) -> Rows:
    """One dict per snapshot, with the keys that the help of ``ls`` names."""
    return [
        {
            "number": snapshot.index,
            "name": snapshot.name,
            "run": snapshot.run.name,
            "time": snapshot.time,
            "taken": snapshot.taken,
            "simulator": snapshot.simulator,
            "populations": {name: part.size for name, part in snapshot.populations.items()},
            "projections": {name: part.size for name, part in snapshot.projections.items()},
            "annotations": snapshot.annotations,
        }
        for snapshot in snapshots
    ]


def print_runs(title: str, rows: Rows, total: int) -> None:
    """A table of runs, of which there are `total`."""
    cells = [
        (
            str(row["number"]),
            row["name"],
            row["outcome"],
            moment_text(row["started"]),
            str(row["segments"]),
            annotation_text(row["annotations"]),
        )
        for row in rows
    ]
    print_table(title, RUN_HEADS, cells)
    _say_rest(len(rows), total)


def print_segments(title: str, rows: Rows, total: int) -> None:
    """A table of segments, of which there are `total`."""
    cells = [
        (
            str(row["number"]),
            row["name"],
            row["run"],
            moment_text(row["recorded"]),
            quantity_text(row["t_stop"] - row["t_start"]),
            annotation_text(row["annotations"]),
        )
        for row in rows
    ]
    print_table(title, SEGMENT_HEADS, cells)
    _say_rest(len(rows), total)


def print_snapshots(title: str, rows: Rows, total: int) -> None:
    """A table of snapshots, of which there are `total`."""
    cells = [
        (
            str(row["number"]),
            row["name"],
            row["run"],
            quantity_text(row["time"]),
            str(sum(row["populations"].values())),
            str(sum(row["projections"].values())),
            annotation_text(row["annotations"]),
        )
        for row in rows
    ]
    print_table(title, SNAPSHOT_HEADS, cells)
    _say_rest(len(rows), total)


def _say_rest(shown: int, total: int) -> None:
    if shown < total:
        say(f"… and {total - shown} more: --limit {total} shows all", style="dim")


def moment_text(moment: datetime | None) -> str:
    """A moment in the time of this place, to the second."""
    return "" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def quantity_text(quantity: Any) -> str:
    """``100 ms``; nothing for NaN."""
    number = float(quantity.magnitude)
    return "" if number != number else f"{number:g} {quantity.dimensionality.string}"


def fact_rows(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names with values in few characters, nested ones joined by dots."""
    rows: list[tuple[str, str]] = []
    for key, value in facts.items():
        if isinstance(value, Mapping) and value:
            rows += [(f"{key}.{inner}", text) for inner, text in fact_rows(value)]
        else:
            rows.append((key, value_text(value)))
    return rows
