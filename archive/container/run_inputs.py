"""The files that the runs of an archive came from, or made use of."""

from __future__ import annotations

import numpy as np

import schemas
from archive.container.container import Container


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
