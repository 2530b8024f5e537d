"""``neuroarchive show``: a segment, drawn in the terminal; a run; a snapshot; the experiment."""

from __future__ import annotations

from typing import Annotated, Any

import typer

import archive
import schemas
from archive import values
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
    snapshot_rows,
)
from archive.experiment.display import annotation_text, shape_text

EPILOG = examples(
    "neuroarchive show fi.nix",
    "neuroarchive show fi.nix 3",
    "neuroarchive show fi.nix segment003 --json",
    'neuroarchive show fi.nix --run "f-I curve"',
    "neuroarchive show network.nix --snapshot trained",
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
    snapshot: Annotated[
        str | None,
        typer.Option(help="Show a snapshot instead: its number or name.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show a segment with its rasters and traces, or a run, a snapshot, or the experiment.

    --json of a segment: what "ls --json" says of it, and parts (name, kind, population, variable,
    annotations, time_unit; for signals and images shape, dtype, unit; for regular signals
    sampling_period, t_start, t_stop; for spikes trains, spikes, t_start, t_stop; for
    address events entries, tick, coding; else entries).
    Of a run: what "ls --json" says of it, description, reason (the traceback of a failed run),
    parameters, provenance, inputs (files that it came from, or used). Of a snapshot: what
    "ls --json" says of it, time_step, constants, and parts (name, kind, size, pre and post of
    projections, model, arrays with shape, dtype, unit).
    Of the experiment: name, file, description, runs, segments, snapshots (their numbers),
    annotations.
    """
    if sum(one is not None for one in (segment, run, snapshot)) > 1:
        raise typer.BadParameter("give one of a segment, --run and --snapshot")
    with archive.open(file) as experiment:
        if segment is not None:
            _segment(one_of(experiment.segments, segment), as_json)
        elif run is not None:
            _run(one_of(experiment.runs, run), as_json)
        elif snapshot is not None:
            _snapshot(one_of(experiment.snapshots, snapshot), as_json)
        else:
            _experiment(experiment, as_json)


def _experiment(experiment: archive.Experiment, as_json: bool) -> None:
    document: dict[str, Any] = {
        "name": experiment.name,
        "file": experiment.path,
        "description": experiment.description,
        "runs": len(experiment.runs),
        "segments": len(experiment.segments),
        "snapshots": len(experiment.snapshots),
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
    document |= {
        "description": run.description,
        "reason": run.reason,
        "parameters": run.parameters,
        "inputs": [_input(one) for one in run.inputs],
        "provenance": _records(run.provenance),
    }
    if as_json:
        print_json(document)
        return
    said = document | {key: moment_text(document[key]) for key in ("started", "ended")}
    del said["inputs"]
    _print_document(f"Run {run.index} {run.name}", said, leave="reason")
    for one in run.inputs:
        say(f"\n{one.path}: {_input_text(one)}")
    if document["reason"]:
        say(f"\n{document['reason'].rstrip()}", style="red")


def _records(provenance: archive.RunProvenance) -> dict[str, Any]:
    """The records by what they are, without the texts of programs, which may be long."""
    found = {
        "process": provenance.process,
        "environment": provenance.environment,
        "code": provenance.code,
        **{f"generator {whose}": one for whose, one in provenance.generators.items()},
        **{f"parent {at}": one for at, one in enumerate(provenance.parents, 1)},
        **{f"export {at}": one for at, one in enumerate(provenance.exports, 1)},
    }
    shown: dict[str, Any] = {}
    for what, record in found.items():
        if record is not None:
            shown[what] = _without_contents(record.model_dump(exclude_defaults=True))
            shown[what].pop("kind", None)
    return shown


def _without_contents(said: Any) -> Any:
    if isinstance(said, dict):
        kept = {key: value for key, value in said.items() if key not in ("content", "diff")}
        return {key: _without_contents(value) for key, value in kept.items()}
    return said


def _input(one: schemas.Input) -> dict[str, Any]:
    facts = one.model_dump(exclude_defaults=True, exclude={"kind", "options", "losses"})
    losses = [dict(zip(("entry", "field", "reason"), loss, strict=True)) for loss in one.losses]
    return facts | {"options": values.from_schema_dict(one.options), "losses": losses}


def _input_text(one: schemas.Input) -> str:
    """``imported as pickle by neuroarchive 0.1.0, 3 facts lost``"""
    said = one.role if one.format is None else f"{one.role} as {one.format}"
    by = "" if one.package is None else f" by {one.package} {one.version or ''}".rstrip()
    return f"{said}{by}" + (f", {counted(len(one.losses), 'fact')} lost" if one.losses else "")


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


def _snapshot(snapshot: archive.Snapshot, as_json: bool) -> None:
    (document,) = snapshot_rows([snapshot])
    document |= {"time_step": snapshot.time_step, "constants": snapshot.constants}
    document["parts"] = parts.state_facts(snapshot)
    if as_json:
        print_json(document)
        return
    said = document | {"taken": moment_text(document["taken"]), "populations": {}}
    said |= {"time": quantity_text(document["time"]), "projections": {}}
    _print_document(f"Snapshot {snapshot.index} {snapshot.name}", said, leave="parts")
    print_table(
        f"\n{counted(len(document['parts']), 'part')}",
        ("name", "kind", "size", "from", "to", "arrays"),
        [
            (
                part["name"],
                part["kind"],
                str(part["size"]),
                part.get("pre", ""),
                part.get("post", ""),
                ", ".join(
                    f"{name} ({array['unit']})" if array["unit"] else name
                    for name, array in part["arrays"].items()
                ),
            )
            for part in document["parts"]
        ],
    )


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
