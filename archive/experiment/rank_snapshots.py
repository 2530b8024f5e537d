"""Snapshots that MPI processes took: each stays as its process took it, and says which that was."""

from __future__ import annotations

from collections.abc import Callable

import schemas
from archive.container import Container, add_snapshot, snapshot_entry
from archive.container.merge_notes import identity, merges
from archive.entry import Entry
from archive.experiment.joined import run_names
from archive.experiment.joining import same

TAKEN_BY = "taken by"


def add_snapshots(
    target: Container, part: Container, name: str, run_row: Callable[[str], int]
) -> tuple[int, int]:
    """Append the snapshots of a part to the runs of the same names here; returns the first row,
    and how many."""
    first, names = len(target.snapshots), run_names(part)
    for row in range(len(part.snapshots)):
        run = run_row(names[int(part.snapshots[row]["run"])])
        add_snapshot(target, run, _told(part, row, name))
    return first, len(part.snapshots)


def _told(part: Container, row: int, name: str) -> Entry:
    entry = snapshot_entry(part, row)
    model = entry.model
    assert isinstance(model, schemas.Snapshot)
    facts = {**model.annotations, TAKEN_BY: name}
    return Entry(model.model_copy(update={"annotations": facts}), parts=entry.parts)


def snapshots_of(target: Container, part: Container) -> tuple[int, int]:
    """The first row here of what was taken of a part, and how many."""
    known = {document["id"]: row for document, row in merges(target) if document["joined"]}
    row = known[identity(part)]
    return int(row["snapshot"]), int(row["snapshots"])


def same_snapshots(target: Container, first: int, count: int, part: Container, name: str) -> bool:
    """Whether these rows are the snapshots of a part, read back."""
    if count != len(part.snapshots):
        return False
    names, here = run_names(part), run_names(target)
    for row in range(count):
        run = here[int(target.snapshots[first + row]["run"])]
        one, other = snapshot_entry(target, first + row), _told(part, row, name)
        pairs = [(one, other), *zip(one.parts, other.parts, strict=True)]
        if run != names[int(part.snapshots[row]["run"])] or not all(same(*pair) for pair in pairs):
            return False
    return True
