"""``neuroarchive ls``: the runs of an archive, or its segments, as a table."""

from __future__ import annotations

from typing import Annotated

import typer

import archive
from archive.cli.arguments import File, Json, Limit, examples
from archive.cli.console import print_json
from archive.cli.tables import (
    counted,
    print_runs,
    print_segments,
    run_rows,
    segment_rows,
    shown,
)

EPILOG = examples(
    "neuroarchive ls fi.nix",
    "neuroarchive ls fi.nix --segments --limit 20",
    "neuroarchive ls fi.nix --json | jq '.runs\\[].name'",
)


def ls(
    file: File,
    segments: Annotated[
        bool, typer.Option("--segments", help="List the segments of all runs.")
    ] = False,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """List the runs of an archive, or its segments.

    --json: experiment, total, and runs (number, name, outcome, started, ended, segments,
    annotations) or segments (number, name, run, recorded, t_start, t_stop, annotations).
    """
    with archive.open(file) as experiment:
        runs, every = experiment.runs, experiment.segments
        total = len(every) if segments else len(runs)
        first = shown(limit, total, as_json)
        rows = segment_rows(every[:first]) if segments else run_rows(runs[:first])
        name = experiment.name
        title = f"{name}: {counted(len(runs), 'run')}, {counted(len(every), 'segment')}"
    if as_json:
        print_json({"experiment": name, "total": total, "segments" if segments else "runs": rows})
    elif segments:
        print_segments(title, rows, total)
    else:
        print_runs(title, rows, total)
