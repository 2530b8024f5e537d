"""Taking over the snapshots of another archive; arrays that are here already are not copied."""

from __future__ import annotations

from archive.container import layout
from archive.container.container import Container
from archive.container.merge_notes import Rows
from archive.container.moving import Moving
from archive.container.pool import NONE
from archive.container.snapshots import parts_of
from archive.container.tables import table_of
from archive.storage import Transaction

SNAPSHOTS = 20_000  # per transaction, at most


def take_snapshots(
    target: Container,
    source: Container,
    moving: Moving,
    transaction: Transaction,
    first: int,
    runs: Rows,
    limit: int,
) -> tuple[int, int]:
    """Append the snapshots of `source` from `first` on, until so many bytes of arrays have come;
    `runs` are the rows here of its runs. Returns the first row here, and how many."""
    table = source.snapshots.all()[first : first + SNAPSHOTS].copy()
    start = len(target.snapshots)
    known: dict[int, int] = {}
    came_with = []
    parts = {}
    for number, row in enumerate(table):
        before = len(target.pool)
        said = parts_of(source, first + number)
        for part in said:
            for place in part["arrays"].values():
                place[0] = _take_array(target, source, transaction, place[0], known)
        parts[number] = {"parts": [moving.with_blobs(part) for part in said]}
        row["run"] = runs[row["run"]]
        row["array"], row["arrays"] = before, len(target.pool) - before
        came_with.append(layout.sealed(row) + target.pool.rows()[before:].tobytes())
        limit -= target.pool.stored_bytes(before)
        if limit <= 0:
            break
    table = table[: len(parts)]
    if len(table):
        moving.rows(table, came_with, parts)
        transaction.append(table_of(target.session, "snapshots"), table)
    return start, len(table)


def _take_array(
    target: Container,
    source: Container,
    transaction: Transaction,
    row: int,
    known: dict[int, int],
) -> int:
    """The row here of an array there; those that it differs from come first."""
    chain = [row]
    while chain[-1] not in known and (base := source.pool.base(chain[-1])) != NONE:
        chain.append(base)
    for one in reversed(chain):
        if one not in known:
            base = source.pool.base(one)
            here = NONE if base == NONE else known[base]
            known[one] = target.pool.copy(transaction, source.pool, one, here)
    return known[row]
