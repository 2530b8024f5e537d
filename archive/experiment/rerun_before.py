"""The runs that one process began in an archive, and the archive as it was before them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import schemas
from archive import provenance
from archive.container import Container, KeyedValues, ParameterNames, create_container
from archive.entry import Entry
from archive.experiment.filling import Filling
from archive.experiment.runs import Run

Named = tuple[str, int]


def siblings(run: Run, process: schemas.Provenance) -> tuple[list[Named], int]:
    """The runs that its process began in the archive, by name and row, in order, and which of
    them it is."""
    container = run._container
    found = []
    records: dict[str, schemas.Provenance | None] = {}
    for row in range(len(container.runs)):
        name = str(container.runs.document(row).get("provenance"))
        if name not in records:
            records[name] = _process(container, name)
        other = process if row == run._row else records[name]
        if other is not None and _same_process(process, other):
            found.append((str(container.runs.document(row)["name"]), row))
    rows = [row for _, row in found]
    return found, rows.index(run._row)


def _process(container: Container, name: str) -> schemas.Provenance | None:
    at = container.provenance.find(name)
    model = None if at is None else container.provenance.model(at)
    return model if isinstance(model, schemas.Provenance) else None


def _same_process(one: schemas.Provenance, other: schemas.Provenance) -> bool:
    if one is other:
        return True
    fields = ("process", "host", "argv", "working_directory", "rank")
    known = one.process is not None
    return known and all(getattr(one, field) == getattr(other, field) for field in fields)


def original(run: Run) -> Run:
    """The run that it was run again from, if it was, and that one from, and so on."""
    seen = {run._row}
    while True:
        parents = [one for one in run.provenance.parents if one.how == "rerun"]
        row = run._container.run_named(parents[0].run) if parents else None
        if row is None or row in seen:
            return run
        seen.add(row)
        run = Run(run._container, row)


def aliases(run: Run) -> tuple[str, ...]:
    """The names that its script may give the run: its own, and that it had before it was merged,
    if it has that of a part behind it."""
    plain = re.sub(r" \([^()]*\)$", "", run.name)
    return (run.name,) if plain == run.name else (run.name, plain)


def write_before(run: Run, path: Path, first: int | None) -> None:
    """An archive of the same identity, with the runs before number `first`, and the values and
    named parameter sets that were there by then; None: with nothing in it."""
    container = run._container
    model = container.model("experiment", 0)
    assert isinstance(model, schemas.Experiment)
    create_container(path, model.model_copy(update={"annotations": {}}), provenance.writer())
    if first is None:
        return
    parts = list(_before(container, first, Run(container, first).started))
    if not parts:
        return
    target = Container(path, writable=True, durability="close")
    try:
        with target.transaction():
            kept = KeyedValues(target), ParameterNames(target)
            Filling(target, *kept, "before", "", None, []).take([Entry(model, parts=parts)])
    finally:
        target.close()


def _before(container: Container, first: int, began: datetime | None) -> Iterator[Entry]:
    for row in range(first):
        yield Run(container, row).to_entry()
    keyed = KeyedValues(container)
    for slot in keyed.slots():
        value = keyed.model(slot)
        if value is not None and (began is None or value.at < began):
            yield Entry(value)
    names = ParameterNames(container)
    for name in names.newest():
        for said in names.history(name):
            at = container.parameter_sets.find(said.parameters)
            if at is not None and (began is None or said.at < began):
                yield Entry(container.parameter_sets.model(at))
                yield Entry(said)
