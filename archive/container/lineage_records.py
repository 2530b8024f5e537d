"""What is said of the lineage of all runs of an archive, read together."""

from __future__ import annotations

import numpy as np

import schemas
from archive.container.opened import Opened
from archive.container.provenance_records import LINEAGE

_KINDS = frozenset(str(model.model_fields["kind"].default) for model in LINEAGE)


def lineage_records(opened: Opened) -> dict[int, list[schemas.Model]]:
    """Inputs, parents and exports by the row of their run, the oldest first; runs that have none
    are left out. Reads all changes of all runs, many at a time: the newest of each, then those
    before them."""
    table = opened.runs.all()
    rows = np.flatnonzero(table["change_length"])
    places = {
        row: (int(table["change"][row]), int(table["change_length"][row])) for row in rows.tolist()
    }
    found: dict[int, list[schemas.Model]] = {}
    while places:
        documents = opened.documents.read_many(list(places.values()))
        before = {}
        for (row, place), document in zip(places.items(), documents, strict=True):
            start, length = opened.runs.before(place[0], document)
            if length:
                before[row] = (start, length)
            if document.get("kind") in _KINDS:
                own = {name: value for name, value in document.items() if name != "previous"}
                found.setdefault(row, []).append(opened.documents.load(own))
        places = before
    return {row: models[::-1] for row, models in sorted(found.items())}


def inputs_of(opened: Opened) -> list[tuple[int, schemas.Input]]:
    """The files that runs came from, or made use of, each with the row of its run."""
    return [
        (row, model)
        for row, models in lineage_records(opened).items()
        for model in models
        if isinstance(model, schemas.Input)
    ]
