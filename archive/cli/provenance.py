"""``neuroarchive provenance``: how a run came about, from what, and what was made of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.tree import Tree

import archive
import schemas
from archive import values
from archive.cli.arguments import File, Json, Overwrite, examples, not_the_archive, one_of
from archive.cli.console import print_json, print_tree, say, tree_of
from archive.cli.tables import counted
from archive.experiment.display import value_text
from archive.experiment.lineage import Lineage

EPILOG = examples(
    "neuroarchive provenance fi.nix",
    'neuroarchive provenance fi.nix "f-I curve"',
    'neuroarchive provenance fi.nix "f-I curve" --picture lineage.svg --also other.nix',
)
PACKAGES = 12  # of the packages, so many are named


def provenance(
    file: File,
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="Its number or name.", show_default=False),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(help="Draw the lineage into this SVG file.", show_default=False),
    ] = None,
    also: Annotated[
        list[Path] | None,
        typer.Option(
            help="Another archive to look for descendants in; repeatable.", show_default=False
        ),
    ] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Show how a run came about as a tree: program, environment, seeds, inputs, the runs and
    snapshots that it began with, and what was made of it; without a run, the lineage of all.

    What led to a run is looked for in other archives too, as far as these are where they were.

    --json: file, run (null for all), provenance (process, environment, code, generators, inputs,
    parents, exports; texts of source files left out; of one run only), lineage: focus, nodes (key,
    kind, name, label, archive, missing), edges (source, target, meaning), picture.
    """
    with archive.open(file) as experiment:
        chosen = None if run is None else one_of(experiment.runs, run)
        lineage = experiment.lineage(chosen, also=also or [])
        if picture is not None:
            _draw(lineage, picture, file, overwrite)
        if as_json:
            print_json(
                {
                    "file": file,
                    "run": None if chosen is None else chosen.name,
                    "provenance": None if chosen is None else _document(chosen),
                    "lineage": _graph(lineage),
                    "picture": picture,
                }
            )
            return
        if chosen is None:
            print_tree(tree_of(f"{file}: {counted(len(experiment.runs), 'run')}", lineage.tree()))
        else:
            tree = _tree(chosen)
            tree.add(tree_of("lineage", lineage.tree()))
            print_tree(tree)
        if picture is not None:
            say(f"{picture}: {counted(len(lineage.nodes), 'node')} drawn")


def _draw(lineage: Lineage, picture: Path, file: Path, overwrite: bool) -> None:
    not_the_archive(picture, file)
    if picture.exists() and not overwrite:
        raise archive.AlreadyExists("there is a file", path=picture, hint="--overwrite replaces it")
    try:
        picture.write_text(lineage.to_svg(), "utf-8")
    except OSError as error:
        raise archive.Refused(f"it cannot be written ({error.strerror})", path=picture) from error


def _graph(lineage: Lineage) -> dict[str, Any]:
    nodes = [
        {
            "key": node.key,
            "kind": node.kind,
            "name": node.name,
            "label": node.label,
            "archive": node.archive,
            "missing": node.missing,
        }
        for node in lineage.nodes.values()
    ]
    edges = [
        {"source": one.source, "target": one.target, "meaning": one.meaning}
        for one in lineage.edges
    ]
    return {"focus": lineage.focus, "nodes": nodes, "edges": edges}


def _document(run: archive.Run) -> dict[str, Any]:
    found = run.provenance
    return {
        "process": _plain(found.process),
        "environment": _plain(found.environment),
        "code": _plain(found.code),
        "generators": {whose: _plain(one) for whose, one in found.generators.items()},
        "inputs": [_plain(one) for one in found.inputs],
        "parents": [_plain(one) for one in found.parents],
        "exports": [_plain(one) for one in found.exports],
    }


def _plain(model: schemas.Facts | None) -> Any:
    """A record as plain values, without the texts of files."""
    if model is None:
        return None
    said = {name: getattr(model, name) for name in type(model).model_fields if name != "kind"}
    return {
        name: _value(value)
        for name, value in said.items()
        if name not in ("content", "diff") and value not in (None, "", (), {})
    }


def _value(value: Any) -> Any:
    if isinstance(value, schemas.Facts):
        return _plain(value)
    if isinstance(value, Mapping):
        return {key: _value(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [_value(one) for one in value]
    if isinstance(value, schemas.Quantity | schemas.Array):
        return values.from_schema(value)
    return value


# -- the tree ----------------------------------------------------------------------------------

Branch = tuple[int, str]


def _tree(run: archive.Run) -> Tree:
    found = run.provenance
    lines: list[Branch] = [(0, f"run '{run.name}': {run.outcome}")]
    if found.process is None:
        lines.append((1, "nothing was recorded of its process"))
    else:
        lines += _process(found.process)
    lines += _code(found.code)
    lines += _environment(found.environment)
    for whose, generator in found.generators.items():
        lines.append((1, f"generator of {whose}: {generator.algorithm or 'not named'}"))
    for one in found.inputs:
        lines.append((1, f"{one.role}: {one.path} ({one.size} bytes, {one.digest[:12]})"))
    for parent in found.parents:
        what = parent.run if parent.snapshot is None else f"{parent.snapshot} of {parent.run}"
        kind = "run" if parent.snapshot is None else "snapshot"
        place = "" if parent.path is None else f" in {parent.path}"
        lines.append((1, f"parent ({parent.how}): {kind} {what}{place}"))
    for export in found.exports:
        size = "" if export.size is None else f", {export.size} bytes"
        lost = f", {counted(len(export.losses), 'fact')} lost" if export.losses else ""
        lines.append((1, f"exported as {export.format}: {export.path}{size}{lost}"))
    return tree_of("", iter(lines))


def _process(process: schemas.Provenance) -> Iterator[Branch]:
    yield 1, f"process {process.process}" if process.process is not None else "process"
    facts = {
        "command": " ".join(process.argv),
        "in": process.working_directory,
        "by": "@".join(one for one in (process.user, process.host) if one),
        "MPI": f"process {process.rank} of {process.ranks}" if (process.ranks or 1) > 1 else None,
    }
    facts |= {f"job {name}": value for name, value in process.job.items()}
    facts |= {f"seed {name}": value_text(_value(value)) for name, value in process.seeds.items()}
    facts |= {f"missing {what}": why for what, why in process.missing.items()}
    yield from ((2, f"{name}: {value}") for name, value in facts.items() if value)


def _code(code: schemas.Code | None) -> Iterator[Branch]:
    if code is None:
        return
    yield 1, f"code: {code.program or 'unknown'}"
    if code.script is not None:
        yield 2, f"{code.script.path} ({code.script.size} bytes, {code.script.digest[:12]})"
    found = code.repository
    if found is not None and found.commit is not None:
        state = ", with changes" if found.dirty else ""
        branch = f" on {found.branch}" if found.branch else ""
        yield 2, f"commit {found.commit[:12]}{branch}{state}"
        if found.remote:
            yield 2, f"from {found.remote}"
    for name, module in code.modules.items():
        yield 2, f"module {name} ({module.digest[:12]})"
    yield from ((2, f"missing {what}: {why}") for what, why in code.missing.items())


def _environment(found: schemas.Environment | None) -> Iterator[Branch]:
    if found is None:
        return
    yield 1, "environment"
    for one in (found.python, found.platform, found.processor):
        if one:
            yield 2, one
    for name, simulator in found.simulators.items():
        backend = f"on {simulator.backend}" if simulator.backend else None
        yield 2, " ".join(word for word in (name, simulator.version, backend) if word)
    named = [f"{name} {version}" for name, version in sorted(found.packages.items())]
    if named:
        more = f", and {len(named) - PACKAGES} more" if len(named) > PACKAGES else ""
        yield 2, f"packages: {', '.join(named[:PACKAGES])}{more}"
