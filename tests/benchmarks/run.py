"""Takes the times of everything in this folder, beside those of peers, and prints one table.

python tests/benchmarks/run.py [--quick] [--only NAME] [--json FILE] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

# Python puts the folder of a script first on its path, not the folder of its project.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.benchmarks import (
    aer,
    append_bulk,
    append_small,
    brian2_capture,
    capture,
    comparing,
    durable,
    many_writers,
    mat_export,
    opening,
    query_runs,
    reading,
    snapshots,
    spikes,
)
from tests.benchmarks.measure import Figures, Row, quartiles


class Measure(Protocol):
    """What each module of this folder offers; it leaves the folder that it is given empty."""

    def __call__(self, folder: Path, *, quick: bool) -> Iterator[Row]: ...


MEASURES: dict[str, Measure] = {
    "aer": aer.measure,
    "append_bulk": append_bulk.measure,
    "append_small": append_small.measure,
    "durable": durable.measure,
    "query_runs": query_runs.measure,
    "opening": opening.measure,
    "many_writers": many_writers.measure,
    "reading": reading.measure,
    "snapshots": snapshots.measure,
    "spikes": spikes.measure,
    "comparing": comparing.measure,
    "brian2_capture": brian2_capture.measure,
    "mat_export": mat_export.measure,
    "capture": capture.measure,
}

SIGNS = {"speed": "≥", "cost": "≤", "difference": "≤", "value": "≤"}
PACKAGES = ("h5py", "neo", "nixio", "numpy", "pydantic", "quantities")


def taken(names: list[str], folder: Path, *, quick: bool) -> Iterator[tuple[str, Row]]:
    """The rows of the table, with the name of their module, as they are measured."""
    for name in names:
        with tempfile.TemporaryDirectory(dir=folder) as made:
            for row in MEASURES[name](Path(made), quick=quick):
                yield name, row


def number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def spread(figures: Figures) -> str:
    """``median [lower quartile – upper quartile]``"""
    low, middle, high = map(number, quartiles(figures))
    return middle if low == high else f"{middle} [{low} – {high}]"


def judged_text(row: Row) -> str:
    """The ratio, or whatever the target is for."""
    unit = {"difference": f" {row.unit} more", "value": ""}.get(row.judged, " ×")
    return "" if row.judged == "value" else spread(row.figures) + unit


def target_text(row: Row) -> str:
    return "" if row.limit is None else f"{SIGNS[row.judged]} {number(row.limit)}"


def table_of(rows: list[Row]) -> Table:
    """A ratio of times is theirs / ours where the target is a least (≥), else ours / theirs."""
    table = Table(title="median and quartiles of rounds in which ours and the peers took turns")
    for head in ("work", "ours", "peer", "its", "ratio", "target", "met"):
        table.add_column(head)
    for row in rows:
        theirs = f"{spread(row.theirs)} {row.unit}" if row.theirs else ""
        met = {True: "yes", False: "[bold red]no", None: ""}[row.met]
        ours = f"{spread(row.ours)} {row.unit}"
        texts = (row.work, ours, row.peer, theirs, judged_text(row), target_text(row))
        table.add_row(*map(escape, texts), met)
    return table


def document(rows: list[tuple[str, Row]], *, quick: bool, load: list[float]) -> dict[str, Any]:
    """All figures, and what they were taken with."""
    return {
        "quick": quick,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "system": platform.system(),
        "processors": os.cpu_count(),
        "load_before_and_after": load,
        "rows": [
            {"module": name, **asdict(row), "figures": row.figures, "met": row.met}
            for name, row in rows
        ],
    }


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="time and size, beside peers, in one run")
    parser.add_argument("--quick", action="store_true", help="small sizes, few rounds")
    parser.add_argument("--only", action="append", choices=MEASURES, help="may be repeated")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to FILE")
    parser.add_argument("--folder", type=Path, help="for the files, 15 GB; default: temporary")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    console = Console()
    before = os.getloadavg()[0]
    rows = []
    with console.status("") as status:
        for name, row in taken(given.only or list(MEASURES), given.folder, quick=given.quick):
            status.update(f"{name}: {row.work}")
            rows.append((name, row))
    console.print(table_of([row for _, row in rows]))
    if given.json is not None:
        found = document(rows, quick=given.quick, load=[before, os.getloadavg()[0]])
        given.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
