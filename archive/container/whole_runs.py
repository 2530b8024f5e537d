"""Runs that are over when they come in: a row, its document and all of its changes at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import schemas
from archive.container import layout
from archive.container.annotation_changes import annotations_after
from archive.container.columns import NAME
from archive.container.container import Container
from archive.container.contents import digest
from archive.container.rows import microseconds
from archive.container.tables import table_of


def add_whole_run(
    container: Container,
    run: schemas.Run,
    parameters: schemas.ParameterSet | None,
    provenance: schemas.Provenance | None,
    changes: Sequence[schemas.Model],
) -> int:
    """A new run that has ended, the last `RunEnd` among its changes says how; returns its row.

    `run` has the annotations that it began with, and `changes` are in their order. What belongs
    to it may have been added before, in the same transaction: its row is the next one.
    """
    index = container.index("run")
    with container.transaction() as transaction:
        at = -1
        if parameters is not None:
            at, name = container.add_parameters(transaction, parameters)
            run = run.model_copy(update={"parameters": name})
        if provenance is not None:
            name = digest(provenance)
            container.provenance.append(transaction, provenance, name)
            run = run.model_copy(update={"provenance": name})
        place = (0, 0)
        for change in changes:
            document = container.documents.dump(transaction, change)
            document["previous"] = list(place)
            place = container.documents.records.append(transaction, document)
        ends = [one for one in changes if isinstance(one, schemas.RunEnd)]
        ended = microseconds(ends[-1].ended) if ends else 0
        outcome = layout.OUTCOMES.index(ends[-1].outcome) if ends else 0
        row = np.array(
            [(0, 0, *place, microseconds(run.started), ended, outcome, at)], layout.TABLES["runs"]
        )
        own = container.documents.write(transaction, run, layout.sealed(row))
        row["record"], row["length"] = own
        added = transaction.append(table_of(container.session, "runs"), row)
        index.add({NAME: run.name, **annotations_after(run.annotations, changes)})
        container.write_batch(transaction)
    container.remember_run(added, run.name)
    return added


def inputs_of(container: Container) -> list[tuple[int, schemas.Input]]:
    """The inputs of all runs, each with the row of its run. Reads all changes of all runs, many
    at a time: 10,000 take less than a second."""
    table = container.runs.all()
    rows = np.flatnonzero(table["change_length"])
    at = list(
        zip(table["change"][rows].tolist(), table["change_length"][rows].tolist(), strict=True)
    )
    owners = rows.tolist()
    found: list[tuple[int, schemas.Input]] = []
    while at:
        before: list[tuple[int, int]] = []
        left: list[int] = []
        for row, (start, _), document in zip(
            owners, at, container.documents.read_many(at), strict=True
        ):
            first, length = container.runs.before(start, document)
            if document.get("kind") == "input":
                fields = {key: value for key, value in document.items() if key != "previous"}
                model = container.documents.load(fields)
                if isinstance(model, schemas.Input):
                    found.append((row, model))
            if length:
                before.append((first, length))
                left.append(row)
        at, owners = before, left
    return found
