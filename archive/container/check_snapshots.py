"""Whether snapshots and their arrays are as layout 1 has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.container.container import Container
from archive.container.digests import array_digest
from archive.container.pool import NONE, Pooled
from archive.container.rows import microseconds, to_ms
from archive.container.snapshot_contract import Part, faults
from archive.container.snapshots import snapshot_entry
from archive.container.tables import require_apart, table_of

Fault = tuple[str, str]
At = Callable[[str], object]
# The arrays whose values say which neurons are connected; the others may stay unread.
CONNECTIONS = ("row_pointers", "columns", "order")


def snapshot_faults(container: Container, *, deep: bool, at: At) -> Iterator[Fault]:
    """What is wrong with each snapshot and each array: its row, and the fault. With `deep`, all
    values are read and compared with their digests. `at` is told what comes next."""
    require_apart(container.session, "snapshots")
    table = table_of(container.session, "snapshots").read()
    yield from _owners(container, table)
    yield from _array_faults(container, deep=deep, at=at)
    read: dict[int, npt.NDArray[Any]] = {}
    for row, found in enumerate(table):
        name = f"snapshot {row}"
        try:
            at(name)
            for what in _faults(container, row, found, read):
                yield name, what
        except Exception as error:
            yield name, str(getattr(error, "message", None) or f"{type(error).__name__}: {error}")


def _owners(container: Container, table: npt.NDArray[np.void]) -> Iterator[Fault]:
    """Each array came with one snapshot, in their order."""
    ends = np.cumsum(table["arrays"])
    wrong = (table["array"] != ends - table["arrays"]) | (table["arrays"] < 0)
    for row in np.flatnonzero(wrong).tolist():
        yield f"snapshot {row}", "the arrays that came with it are not where they must be"
    count, owned = len(container.pool), int(ends[-1]) if len(ends) else 0
    if not wrong.any() and count != owned:
        yield "arrays", f"there are {count}, and {owned} came with snapshots"


def _array_faults(container: Container, *, deep: bool, at: At) -> Iterator[Fault]:
    pool = container.pool
    digests = pool.rows()["digest"]
    for row in range(len(digests)):
        name = f"array {row}"
        try:
            at(name)
            pool.require_inside(row)
            if deep and array_digest({"array": pool.read(row)}) != digests[row]:
                yield name, "it is not what was written"
        except Exception as error:
            yield name, str(getattr(error, "message", None) or f"{type(error).__name__}: {error}")
    if len(np.unique(digests)) != len(digests):
        yield "arrays", "one is there several times"
    yield from _overlaps(pool.rows())


def _overlaps(rows: npt.NDArray[np.void]) -> Iterator[Fault]:
    """Arrays that share values in a pool."""
    fields = [("pool", "start"), ("where_pool", "where")]
    pieces = np.concatenate([np.column_stack([rows[p], rows[s], rows["count"]]) for p, s in fields])
    owners = np.tile(np.arange(len(rows)), 2)
    kept = np.flatnonzero((pieces[:, 0] != NONE) & (pieces[:, 2] > 0))
    order = kept[np.lexsort((pieces[kept, 1], pieces[kept, 0]))]
    pool, start, count = pieces[order].T
    over = (pool[1:] == pool[:-1]) & (start[1:] < start[:-1] + count[:-1])
    for at in np.flatnonzero(over).tolist():
        one, other = owners[order[at : at + 2]].tolist()
        yield f"array {other}", f"it shares values with array {one}"


def _faults(
    container: Container, row: int, found: np.void, read: dict[int, npt.NDArray[Any]]
) -> Iterator[str]:
    entry = snapshot_entry(container, row)
    container.changes("snapshot", row)
    model = entry.model
    assert isinstance(model, schemas.Snapshot)
    if not 0 <= int(found["run"]) < len(container.runs):
        yield f"it belongs to run {found['run']} of {len(container.runs)}"
    if microseconds(model.taken) != int(found["taken"]):
        yield "it was taken at another time than its document says"
    if model.time * to_ms(model.time_unit) != float(found["time"]):
        yield "its time is not that of its document"
    parts, kept = [], {}
    for part in entry.parts:
        if not isinstance(part.model, schemas.Population | schemas.Projection):
            yield f"it has a part of the kind {part.model.kind}"
            continue
        arrays = {}
        for name, array in part.arrays.items():
            assert isinstance(array, Pooled)
            if name in CONNECTIONS:
                if array.row not in read:
                    read[array.row] = np.asarray(array)
                arrays[name] = kept[array.row] = read[array.row]
            else:
                arrays[name] = np.broadcast_to(np.zeros((), array.dtype), array.shape)
        parts.append(Part(part.model, arrays))
    read.clear()
    read.update(kept)  # the next snapshot may well have the same
    for fault, where in faults(model, parts):
        yield fault if where == "snapshot" else f"{where}: {fault}"


def pool_terms(container: Container) -> dict[str, dict[str, Any]]:
    """What NIX must be told of the DataArrays of the pool, by their names."""
    terms = {"type": "archive.arrays", "axes": [{"dimension_type": "set"}]}
    return dict.fromkeys(container.pool.names(), terms)
