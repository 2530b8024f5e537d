"""``neuroarchive plot``: a figure of a segment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import archive
from archive.cli.arguments import File, Json, Overwrite, examples, not_the_archive, one_of
from archive.cli.console import print_json, say
from archive.cli.tables import counted
from archive.errors import AlreadyExists
from archive.plot import Figure, Panel

EPILOG = examples(
    "neuroarchive plot fi.nix 3 figure.png",
    "neuroarchive plot fi.nix segment003 figure.pdf --signal cell/v --spikes cell",
)


def plot(
    file: File,
    segment: Annotated[
        str, typer.Argument(metavar="SEGMENT", help="Its number or name.", show_default=False)
    ],
    out: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="The .png, .svg or .pdf to write.", show_default=False),
    ],
    signal: Annotated[
        list[str] | None,
        typer.Option(help="Name of a signal to draw; repeatable.", show_default=False),
    ] = None,
    spikes: Annotated[
        list[str] | None,
        typer.Option(help="Name of spike trains to draw; repeatable.", show_default=False),
    ] = None,
    title: Annotated[
        str | None, typer.Option(help="Title; else the segment's name.", show_default=False)
    ] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Draw the signals and spikes of a segment into a file, one panel above the other.

    All of them, unless some are named. Needs matplotlib (the extra plot).

    --json: file, segment, out, signals, spikes (names of what was drawn).
    """
    not_the_archive(out, file)
    if out.exists() and not overwrite:
        raise AlreadyExists("the file exists already", path=out, hint="--overwrite replaces it")
    with archive.open(file) as experiment:
        chosen = one_of(experiment.segments, segment)
        everything = not signal and not spikes
        signals = list(chosen.signals) if everything else signal or []
        trains = list(chosen.spikes) if everything else spikes or []
        panels = [
            *(Panel(chosen.signals[name], title=name) for name in signals),
            *(Panel(chosen.spikes[name], title=name) for name in trains),
        ]
        name = chosen.name
        Figure(*panels, title=name if title is None else title).save(out)
    if as_json:
        print_json(
            {"file": file, "segment": name, "out": out, "signals": signals, "spikes": trains}
        )
    else:
        say(f"{out}: {counted(len(signals), 'signal')}, {counted(len(trains), 'raster')}")
