"""``neuroarchive show``: one segment, drawn in the terminal; or a run; or the experiment."""

from __future__ import annotations

from typing import Annotated, Any

import typer

import archive
from archive.cli import parts
from archive.cli.arguments import File, Json, examples, one_of
from archive.cli.console import print_drawing, print_facts, print_json, print_table, say, stdout
from archive.cli.segment_drawing import drawings
from archive.cli.tables import (
    counted,
    fact_rows,
    moment_text,
    quantity_text,
    run_rows,
    segment_rows,
)
from archive.experiment.display import annotation_text, shape_text

EPILOG = examples(
    "neuroarchive show fi.nix",
    "neuroarchive show fi.nix 3",
    "neuroarchive show fi.nix segment003 --json",
    'neuroarchive show fi.nix --run "f-I curve"',
)


def show(
    file: File,
    segment: Annotated[
        str | None,
        typer.Argument(metavar="SEGMENT", help="Its number or name.", show_default=False),
    ] = None,
    run: Annotated[
        str | None, typer.Option(help="Show a run instead: its number or name.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Show a segment with its rasters and traces, or a run, or the experiment.

    --json of a segment: what "ls --json" says of it, and parts (name, kind, population, variable,
    annotations, time_unit; for signals and images shape, dtype, unit; for regular signals
    sampling_period, t_start, t_stop; for spikes trains, spikes, t_start, t_stop; else entries).
    Of a run: what "ls --json" says of it, description, reason (the traceback of a failed run),
    parameters, provenance. Of the experiment: name, file, description, runs, segments (their
    numbers), annotations.
    """
    if segment is not None and run is not None:
        raise typer.BadParameter("give a segment or --run, not both")
    with archive.open(file) as experiment:
        if segment is not None:
            _segment(one_of(experiment.segments, segment), as_json)
        elif run is not None:
            _run(one_of(experiment.runs, run), as_json)
        else:
            _experiment(experiment, as_json)


def _experiment(experiment: archive.Experiment, as_json: bool) -> None:
    document: dict[str, Any] = {
        "name": experiment.name,
        "file": experiment.path,
        "description": experiment.description,
        "runs": len(experiment.runs),
        "segments": len(experiment.segments),
        "annotations": experiment.annotations,
    }
    if as_json:
        print_json(document)
        return
    _print_document(f"Experiment {experiment.name}", document, leave="name")
    if len(experiment.segments):
        say("\nA segment by its number or name: neuroarchive show FILE 0", style="dim")


def _run(run: archive.Run, as_json: bool) -> None:
    (document,) = run_rows([run])
    provenance = run.provenance
    document |= {
        "description": run.description,
        "reason": run.reason,
        "parameters": run.parameters,
        "provenance": None if provenance is None else provenance.model_dump(exclude_defaults=True),
    }
    if as_json:
        print_json(document)
        return
    moments = {key: moment_text(document[key]) for key in ("started", "ended")}
    _print_document(f"Run {run.index} {run.name}", document | moments, leave="reason")
    if document["reason"]:
        say(f"\n{document['reason'].rstrip()}", style="red")


def _segment(segment: archive.Segment, as_json: bool) -> None:
    (document,) = segment_rows([segment])
    document["parts"] = [parts.facts(part) for part in parts.parts_of(segment)]
    if as_json:
        print_json(document)
        return
    said = document | {"recorded": moment_text(document["recorded"])}
    said |= {key: quantity_text(document[key]) for key in ("t_start", "t_stop")}
    _print_document(f"Segment {segment.index} {segment.name}", said, leave="parts")
    print_table(
        f"\n{counted(len(document['parts']), 'part')}",
        ("name", "kind", "size", "unit", "annotations"),
        [_part_cells(part) for part in document["parts"]],
    )
    for title, lines in drawings(segment, stdout().width):
        print_drawing(title, lines)


def _part_cells(part: dict[str, Any]) -> tuple[str, ...]:
    if "shape" in part:
        size = shape_text(part["shape"])
    elif "trains" in part:
        size = f"{counted(part['spikes'], 'spike')}, {counted(part['trains'], 'train')}"
    else:
        size = str(part["entries"])
    unit = part.get("unit", part["time_unit"])
    return part["name"], part["kind"], size, unit, annotation_text(part["annotations"])


def _print_document(title: str, document: dict[str, Any], *, leave: str) -> None:
    said = {key: value for key, value in document.items() if key not in ("number", "name", leave)}
    known = {key: value for key, value in said.items() if value not in (None, "", {})}
    print_facts(title, fact_rows(known))
