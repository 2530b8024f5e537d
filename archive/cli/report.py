"""``neuroarchive report``: a page for people to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import archive
from archive.adapters import writer_for
from archive.cli.arguments import File, Json, Overwrite, examples, not_the_archive
from archive.cli.console import print_json, say
from archive.cli.tables import counted

EPILOG = examples(
    "neuroarchive report fi.nix -o report.html",
    'neuroarchive report fi.nix -o some.html --query "amplitude > 50 pA"',
)


def report(
    file: File,
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="OUT", help="The .html to write.", show_default=False),
    ],
    query: Annotated[
        str | None, typer.Option(help="Only the runs for which this holds.", show_default=False)
    ] = None,
    size: Annotated[
        int, typer.Option(min=200, help="How large the page may be, in thousands of bytes.")
    ] = 10_000,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Write a page in HTML: runs, where each came from, pictures, parameters, lineage.

    It is one file that needs no other, and no network. Long recordings are decimated; what there
    is no room for is left out, and the page says so.

    --json: file, out, runs, bytes, losses (entry, field, reason).
    """
    not_the_archive(out, file)
    with archive.open(file) as experiment:
        runs = experiment.runs if query is None else experiment.runs.where(query)
        count = len(runs)
        # the experiment itself draws its lineage, too
        source = experiment if query is None else runs
        losses = writer_for(out, "html").write(source, out, size=size * 1000, overwrite=overwrite)
    written = out.stat().st_size
    if as_json:
        listed = [
            {"entry": loss.entry, "field": loss.field, "reason": loss.reason} for loss in losses
        ]
        print_json({"file": file, "out": out, "runs": count, "bytes": written, "losses": listed})
    else:
        less = f", {len(losses)} things decimated or left out" if losses else ""
        say(f"{out}: {counted(count, 'run')} in {written:,} bytes{less}")
