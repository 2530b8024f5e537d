"""``neuroarchive parameters``: the parameter sets of an archive, one of them, or what differs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

import archive
from archive.cli.arguments import File, Json, Limit, examples
from archive.cli.console import print_facts, print_json, print_table, say
from archive.cli.tables import counted, fact_rows, shown

EPILOG = examples(
    "neuroarchive parameters fi.nix",
    "neuroarchive parameters fi.nix baseline",
    "neuroarchive parameters fi.nix 3f2a90c1 --json",
    "neuroarchive parameters fi.nix --diff baseline strong",
)


def parameters(
    file: File,
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="Its name or digest, or a run.", show_default=False),
    ] = None,
    diff: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="A B", help="Say what changes from A to B.", show_default=False),
    ] = None,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """List the parameter sets, or show one, or in what two of them differ.

    A set is called by its name, by the first digits of its digest, or by a run that has it.

    --json: experiment, total, and sets (names, digest, parameters: how many, runs: how many). Of
    one set: names, digest, description, runs (their names), values. Of a difference: added,
    removed, changed and rewritten (the same value in another unit or type), by path; the latter
    two have lists of the old and the new value.
    """
    if name is not None and diff is not None:
        raise typer.BadParameter("give a set or --diff, not both")
    with archive.open(file) as experiment:
        if diff is not None:
            old, new = (_chosen(experiment, one) for one in diff)
            _difference(old, new, as_json)
        elif name is not None:
            _one(_chosen(experiment, name), as_json)
        else:
            _all(experiment, limit, as_json)


def _chosen(experiment: archive.Experiment, name: str) -> archive.ParameterSet:
    try:
        return experiment.parameters[name]
    except archive.NotFound:
        named = [run for run in experiment.runs if run.name == name]
        if len(named) != 1:
            raise
        return named[0].parameters


def _all(experiment: archive.Experiment, limit: int | None, as_json: bool) -> None:
    sets = experiment.parameters
    total = len(sets)
    rows = sets.table(shown(limit, total, as_json))
    if as_json:
        print_json({"experiment": experiment.name, "total": total, "sets": rows})
        return
    cells = [
        (", ".join(row["names"]), row["digest"][:12], str(row["parameters"]), str(row["runs"]))
        for row in rows
    ]
    heads = ("name", "digest", "parameters", "runs")
    print_table(f"{experiment.name}: {counted(total, 'parameter set')}", heads, cells)
    if total > len(rows):
        say(f"… and {total - len(rows)} more: --limit {total} shows all", style="dim")


def _one(found: archive.ParameterSet, as_json: bool) -> None:
    document: dict[str, Any] = {
        "names": found.names,
        "digest": found.digest,
        "description": found.description,
        "runs": [run.name for run in found.runs],
        "values": found,
    }
    if as_json:
        print_json(document)
        return
    title = " ".join([*found.names, found.digest[:12]])
    print_facts(f"Parameter set {title}", fact_rows(dict(found)))
    said = f"\n{counted(len(document['runs']), 'run')}: " + ", ".join(document["runs"][:20])
    say(said if document["runs"] else "\nno run has it", style="dim")
    if found.description:
        say(found.description, style="dim")


def _difference(old: archive.ParameterSet, new: archive.ParameterSet, as_json: bool) -> None:
    found = old.diff(new)
    if as_json:
        print_json(
            {
                "added": found.added,
                "removed": found.removed,
                "changed": found.changed,
                "rewritten": found.rewritten,
            }
        )
    elif found:
        print_table("", ("", "parameter", "value"), found.rows())
    else:
        say(str(found))
