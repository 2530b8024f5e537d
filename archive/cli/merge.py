"""``neuroarchive merge``: folds the parts of an archive into it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

import archive
from archive.cli.arguments import File, Json, examples
from archive.cli.console import print_json, print_table
from archive.cli.tables import counted

EPILOG = examples(
    "neuroarchive merge fi.nix",
    "neuroarchive merge all.nix monday.nix tuesday.nix",
    "neuroarchive merge fi.nix --json | jq .left",
)


def merge(
    file: File,
    parts: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PARTS]...",
            help="Parts, or other archives; all parts beside the archive unless told.",
            show_default=False,
        ),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Remove no part.")] = False,
    as_json: Json = False,
) -> None:
    """Append what other processes wrote beside an archive, and remove these parts.

    All is read back and compared before a part is removed. A part that is being written is left
    alone; archives from elsewhere are never removed. It can be interrupted and called again.

    Exits with 0 if nothing is left to merge, with 6 otherwise.

    --json: file, merged and left: path, runs, segments, values, snapshots, removed, left (why).
    """
    with archive.open(file, "a") as experiment:
        found = experiment.merge(*(parts or ()), keep=keep)
    done = [asdict(one) for one in found if one.left is None]
    left = [asdict(one) for one in found if one.left is not None]
    if as_json:
        print_json({"file": file, "merged": done, "left": left})
    else:
        heads = ("part", "runs", "segments", "snapshots", "values", "")
        cells = [
            (
                one.path.name,
                *map(str, (one.runs, one.segments, one.snapshots, one.values)),
                _what(one),
            )
            for one in found
        ]
        print_table(f"{file}: {counted(len(done), 'part')} merged", heads, cells)
    if left:
        raise archive.Busy(
            f"{counted(len(left), 'part')} left: {left[0]['left']}",
            path=left[0]["path"],
            hint="merge again later; 'neuroarchive check' looks at one that cannot be read",
        )


def _what(one: archive.Merged) -> str:
    if one.left is not None:
        return f"left: {one.left}"
    return "removed" if one.removed else "kept"
