"""``neuroarchive query``: the segments, or runs, for which something holds."""

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
    'neuroarchive query fi.nix "amplitude > 50 pA"',
    "neuroarchive query fi.nix \"simulator == 'neuron' and exists(amplitude)\"",
    'neuroarchive query fi.nix "parameters.tau_m = 10 ms" --runs --json',
)


def query(
    file: File,
    text: Annotated[
        str, typer.Argument(metavar="QUERY", help="What must hold.", show_default=False)
    ],
    runs: Annotated[bool, typer.Option("--runs", help="Look for runs, not segments.")] = False,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Find the segments, or runs, for which a query holds.

    A query compares annotations, with units: 0.1 nA equals 100 pA. It knows and, or, not, in,
    like, exists(key), parentheses, parameters.NAME, run.KEY, name, duration. A segment that lacks
    a key has that of its run. No hit is no error.

    --json: query, total, and segments or runs with the keys that "ls --json" gives.
    """
    with archive.open(file) as experiment:
        if runs:
            found = experiment.runs.where(text)
            total = len(found)
            rows = run_rows(found[: shown(limit, total, as_json)])
        else:
            hits = experiment.segments.where(text)
            total = len(hits)
            rows = segment_rows(hits[: shown(limit, total, as_json)])
    what = "run" if runs else "segment"
    if as_json:
        print_json({"query": text, "total": total, f"{what}s": rows})
        return
    title = f"{counted(total, what)} where {text}"
    (print_runs if runs else print_segments)(title, rows, total)
