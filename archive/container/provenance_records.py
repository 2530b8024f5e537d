"""The provenance records of runs: what a run names by digest, and what is named there in turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

import schemas
from archive.container.contents import Contents
from archive.container.opened import Opened
from archive.storage import Transaction

# Records by digest; the first one of a process is that in which a run began.
Records = Mapping[str, schemas.Model]
NO_RECORDS: Final[Records] = MappingProxyType({})
KINDS = (schemas.Provenance, schemas.Environment, schemas.Code, schemas.Generator)
# What is said of a run while it goes on, or later: a change of its row each.
LINEAGE = (schemas.Input, schemas.Parent, schemas.Exported)


def add_records(table: Contents, transaction: Transaction, records: Records) -> str | None:
    """Keep those that are not there yet; returns the digest of the first one of a process."""
    for name, record in records.items():
        table.append(transaction, record, name)
    processes = (name for name, one in records.items() if isinstance(one, schemas.Provenance))
    return next(processes, None)


def named(process: schemas.Provenance) -> Iterator[tuple[str, str]]:
    """The other records that one of a process names: what of it they are, and their digests."""
    for field in ("environment", "code"):
        name = getattr(process, field)
        if name is not None:
            yield field, name
    for whose, name in process.generators.items():
        yield f"generators.{whose}", name


def without(process: schemas.Provenance, lost: Mapping[str, str]) -> schemas.Provenance:
    """The record of a process that does not name others which are gone: what of it they were, and
    why they are gone. It says so itself."""
    gone = {field: None for field in lost if field in ("environment", "code")}
    kept = {w: name for w, name in process.generators.items() if f"generators.{w}" not in lost}
    said = {**process.missing, **lost}
    return process.model_copy(update={**gone, "generators": kept, "missing": said})


def process_names(opened: Opened, row: int) -> list[str]:
    """The digests of the processes that a run began and ended in: one, where no more was known at
    its end."""
    names = [opened.runs.document(row).get("provenance")]
    names += [end.get("provenance") for end in opened.runs.changes(row)]
    return list(dict.fromkeys(name for name in names if isinstance(name, str)))


def process_records(opened: Opened, row: int) -> dict[str, schemas.Provenance]:
    """The same with their records. One that is missing is left out; `check` tells of it."""
    found = {name: _record(opened, name) for name in process_names(opened, row)}
    return {name: one for name, one in found.items() if isinstance(one, schemas.Provenance)}


def run_records(opened: Opened, row: int) -> dict[str, schemas.Model]:
    """The same, each followed by the records that it names."""
    records: dict[str, schemas.Model] = {}
    for name, process in process_records(opened, row).items():
        records[name] = process
        for _, other in named(process):
            record = _record(opened, other)
            if record is not None:
                records[other] = record
    return records


def records_of(opened: Opened, process: schemas.Provenance) -> dict[str, schemas.Model]:
    """The records that a process names, by digest."""
    found = {name: _record(opened, name) for _, name in named(process)}
    return {name: record for name, record in found.items() if record is not None}


def _record(opened: Opened, name: str) -> schemas.Model | None:
    at = opened.provenance.find(name)
    return None if at is None else opened.provenance.model(at)
