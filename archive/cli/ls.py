"""``neuroarchive ls``: the runs of an archive, its segments or its snapshots, as a table."""

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
    print_snapshots,
    run_rows,
    segment_rows,
    shown,
    snapshot_rows,
)

EPILOG = examples(
    "neuroarchive ls fi.nix",
    "neuroarchive ls fi.nix --segments --limit 20",
    "neuroarchive ls fi.nix --snapshots",
    "neuroarchive ls fi.nix --json | jq '.runs\\[].name'",
)


def ls(
    file: File,
    segments: Annotated[
        bool, typer.Option("--segments", help="List the segments of all runs.")
    ] = False,
    snapshots: Annotated[
        bool, typer.Option("--snapshots", help="List the snapshots of all runs.")
    ] = False,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """List the runs of an archive, its segments or its snapshots.

    --json: experiment, total, and runs (number, name, outcome, started, ended, segments,
    annotations), segments (number, name, run, recorded, t_start, t_stop, annotations) or snapshots
    (number, name, run, time, taken, simulator, populations and projections with their sizes,
    annotations).
    """
    if segments and snapshots:
        raise typer.BadParameter("give --segments or --snapshots, not both")
    with archive.open(file) as experiment:
        name, runs = experiment.name, experiment.runs
        counts = {
            "run": len(runs),
            "segment": len(experiment.segments),
            "snapshot": len(experiment.snapshots),
        }
        what = "snapshot" if snapshots else "segment" if segments else "run"
        total = counts[what]
        first = shown(limit, total, as_json)
        if snapshots:
            rows = snapshot_rows(experiment.snapshots[:first])
        elif segments:
            rows = segment_rows(experiment.segments[:first])
        else:
            rows = run_rows(runs[:first])
    if not counts["snapshot"]:
        del counts["snapshot"]
    title = f"{name}: " + ", ".join(counted(count, of) for of, count in counts.items())
    if as_json:
        print_json({"experiment": name, "total": total, f"{what}s": rows})
    elif snapshots:
        print_snapshots(title, rows, total)
    elif segments:
        print_segments(title, rows, total)
    else:
        print_runs(title, rows, total)
