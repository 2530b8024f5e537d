"""What was taken over from other archives: each step of a merge notes in a table what it took."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from archive.container import layout
from archive.container.container import Container
from archive.container.heaps import places
from archive.container.tables import table_of
from archive.storage import Transaction

Rows = npt.NDArray[np.int64]
Table = npt.NDArray[np.void]
# The tables of which rows are taken, in the order in which notes name them.
TABLES = ("runs", "segments", "values", "snapshots")


class Taken(NamedTuple):
    """Which rows of an archive became which rows here, for each of four tables."""

    runs: Rows
    segments: Rows
    values: Rows
    snapshots: Rows


def identity(container: Container) -> str:
    """What tells an archive from all others in the world."""
    return str(container.experiment.document(0)["id"])


def merges(target: Container) -> list[tuple[dict[str, Any], np.void]]:
    """The documents and rows of all merges into an archive."""
    table = table_of(target.session, "merges").read()
    return list(
        zip(
            target.documents.read_many(places(table)),
            table,
            strict=True,
        )
    )


def progress(target: Container, source: Container) -> Literal["none", "some", "all"]:
    """How much of an archive was merged into another."""
    known = merges(target)
    own = [document for document, _ in known if document["id"] == identity(source)]
    if not own:
        return "none"
    if own[0]["joined"]:
        return "all"
    return "all" if is_whole(taken(target, source), source) else "some"


def is_whole(known: Taken, source: Container) -> bool:
    """Whether all rows of `source` were taken."""
    return all(len(getattr(known, name)) == len(table_of(source.session, name)) for name in TABLES)


def taken(target: Container, source: Container) -> Taken:
    """What `target` has of `source` already: rows of `target`, in the order of `source`."""
    name = identity(source)
    rows = [row for document, row in merges(target) if document["id"] == name]
    own = np.array(rows, layout.TABLES["merges"])
    return Taken(*(_spans(own[name[:-1]], own[name]) for name in TABLES))


def _spans(first: npt.NDArray[Any], counts: npt.NDArray[Any]) -> Rows:
    spans = [np.arange(a, a + n) for a, n in zip(first.tolist(), counts.tolist(), strict=True)]
    return np.concatenate([np.empty(0, np.int64), *spans])


def note_merge(
    target: Container,
    transaction: Transaction,
    source: Container,
    part: str,
    span: tuple[int, ...],
    *,
    joined: bool = False,
) -> None:
    """Note what a transaction took from a part: first row and count of runs, of segments, of
    values and of snapshots. If `joined`, these are made of it and of other parts, and it was taken
    whole."""
    document = {
        "kind": "merge",
        "id": identity(source),
        "name": part,
        "at": datetime.now(UTC).isoformat(),
        "joined": joined,
    }
    append_note(target, transaction, document, span)


def append_note(
    target: Container, transaction: Transaction, document: dict[str, Any], span: Sequence[int]
) -> None:
    """The same, from a note that is JSON already."""
    row = np.array([(0, 0, *span)], layout.TABLES["merges"])
    place = target.documents.records.append(transaction, document, layout.sealed(row))
    row["record"], row["length"] = place
    transaction.append(table_of(target.session, "merges"), row)
