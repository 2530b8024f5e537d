"""``neuroarchive salvage``: what can still be read of a damaged archive, in a new one."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from archive.cli.arguments import File, Json, examples
from archive.cli.console import print_json, print_table, progress, say
from archive.cli.tables import counted
from archive.container.salvage import salvage as salvage_archive
from archive.container.salvaged import Salvaged

EPILOG = examples("neuroarchive salvage damaged.nix saved.nix")
SHOWN = 50


def salvage(
    file: File,
    new: Annotated[
        Path, typer.Argument(metavar="NEW", help="The archive to make.", show_default=False)
    ],
    as_json: Json = False,
) -> None:
    """Copy everything that can be read of a damaged archive into a new one.

    The damaged file is only read. Runs and segments keep their numbers; what could not be copied,
    or is not what was written, is listed, and stands in their annotation "salvage".

    Exits with 0 if there is a new archive, whatever is missing in it; with 13 or 10 if nothing
    could be read.

    --json: file, new, runs, segments, snapshots (how many were copied), losses (entry, field,
    reason).
    """
    with progress("copying") as bar:
        if bar is None:
            done = salvage_archive(file, new)
        else:
            task = bar.add_task("", total=None)
            done = salvage_archive(file, new, lambda: bar.advance(task))
    if as_json:
        print_json({"file": file, "new": new, **asdict(done)})
    else:
        _print(done, str(new))


def _print(done: Salvaged, new: str) -> None:
    copied = f"{counted(done.runs, 'run')} and {counted(done.segments, 'segment')}"
    if done.snapshots:
        copied += f" and {counted(done.snapshots, 'snapshot')}"
    say(f"{new}: {copied} copied, {len(done.losses)} lost facts")
    if done.losses:
        shown = [(loss.entry, loss.field, loss.reason) for loss in done.losses[:SHOWN]]
        print_table("losses", ("entry", "field", "reason"), shown)
    if len(done.losses) > SHOWN:
        say(f"… and {len(done.losses) - SHOWN} more: --json lists all", style="dim")
