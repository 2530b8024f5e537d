"""``neuroarchive ls``: the runs of an archive, or its segments, as a table."""

from __future__ import annotations

from typing import Annotated

import typer

import archive
from archive.cli.arguments import JSON_VALUES, File, Json, Limit, examples
from archive.cli.console import print_json
from archive.cli.tables import (
    SHOWN,
    counted,
    print_runs,
    print_segments,
    run_rows,
    segment_rows,
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
    with archive.open(file) as experiment:
        view = experiment.segments if segments else experiment.runs
        shown = limit if limit is not None else len(view) if as_json else SHOWN
        title = (
            f"{experiment.name}: {counted(len(experiment.runs), 'run')}, "
            f"{counted(len(experiment.segments), 'segment')}"
        )
        rows = (
            segment_rows(experiment.segments[:shown])
            if segments
            else run_rows(experiment.runs[:shown])
        )
        total = len(view)
        name = experiment.name
    if as_json:
        print_json({"experiment": name, "total": total, "segments" if segments else "runs": rows})
    elif segments:
        print_segments(title, rows, total)
    else:
        print_runs(title, rows, total)


ls.__doc__ = f"""List the runs of an archive, or its segments.

--json: experiment, total, and runs (number, name, outcome, started, ended, segments,
annotations) or segments (number, name, run, recorded, t_start, t_stop, annotations).

{JSON_VALUES}
"""
