"""Snapshots in and out of the container: a document for each, its arrays in the pool."""

from __future__ import annotations

from typing import Any

from archive.container.columns import NAME
from archive.container.container import Container
from archive.container.rows import microseconds, to_ms
from archive.container.snapshot_contract import checked
from archive.entry import Entry

# Kind and name of a part, and the name of the array.
Slot = tuple[str, str, str]


def add_snapshot(container: Container, run: int, snapshot: Entry) -> int:
    """Append a snapshot to a run, or nothing of it; returns its row. Raises ContractError."""
    model, parts = checked(snapshot)
    index = container.index("snapshot")
    pool = container.pool
    before = arrays_before(container, run)
    with container.transaction() as transaction:
        first = len(pool)
        document = container.documents.dump(transaction, model)
        document["parts"] = said = []
        for part in parts:
            rows = {}
            for name, values in part.arrays.items():
                slot = (part.model.kind, part.model.name, name)
                row = pool.append(transaction, values, before.get(slot))
                rows[name] = [row, pool.digest(row)]
                before[slot] = row
            own = container.documents.dump(transaction, part.model)
            said.append({"model": own, "arrays": rows})
        row = container.snapshots.append_document(
            transaction,
            document,
            pool.rows()[first:].tobytes(),
            run=run,
            taken=microseconds(model.taken),
            time=model.time * to_ms(model.time_unit),
            array=first,
            arrays=len(pool) - first,
        )
        index.add({NAME: model.name, **model.annotations})
        container.write_batch(transaction)
    pool.latest[run] = before
    return row


def arrays_before(container: Container, run: int) -> dict[Slot, int]:
    """The rows of the arrays that the next snapshot of a run may differ little from: of those
    taken in this session, and else of the last one of the run, or of all."""
    known = container.pool.latest.get(run)
    if known is not None:
        return dict(known)
    table = container.snapshots.all()
    if not len(table):
        return {}
    own = (table["run"] == run).nonzero()[0]
    last = int(own[-1]) if len(own) else len(table) - 1
    return {
        (part["model"]["kind"], part["model"]["name"], name): row
        for part in parts_of(container, last)
        for name, (row, _) in part["arrays"].items()
    }


def parts_of(container: Container, row: int) -> list[dict[str, Any]]:
    """What the document of a snapshot says of its parts: the document of each, and for each of
    its arrays the row in the pool and the digest. CorruptArchive if it says something else."""
    parts = container.snapshots.document(row).get("parts")
    if not (isinstance(parts, list) and all(map(_is_part, parts))):
        raise container.snapshots.damaged(row, "what is said of its parts makes no sense")
    return parts


def _is_part(part: Any) -> bool:
    match part:
        case {"model": {"kind": "population" | "projection", "name": str()}, "arrays": dict()}:
            return all(map(_is_place, part["arrays"].values()))
    return False


def _is_place(place: Any) -> bool:
    match place:
        case [int() as row, str()]:
            return not isinstance(row, bool)
    return False


def snapshot_entry(container: Container, row: int) -> Entry:
    """A snapshot, its arrays still on disk."""
    model = container.model("snapshot", row)
    said = parts_of(container, row)
    models = container.documents.load_all([part["model"] for part in said])
    parts = []
    for own, part in zip(models, said, strict=True):
        arrays = {
            name: container.pool.known_array(place, digest)
            for name, (place, digest) in part["arrays"].items()
        }
        parts.append(Entry(own, arrays))
    return Entry(model, parts=parts)
