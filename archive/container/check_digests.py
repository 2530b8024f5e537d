"""The digests of an archive against its documents, rows, blobs and arrays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from archive.container import layout
from archive.container.blob_references import references
from archive.container.container import Container
from archive.container.digests import BEGINNING, TRAILER, array_digest, line_digest

Fault = tuple[str, str]
# The tables with a document per row, and what a row is called.
NAMES = {
    "experiment": "experiment",
    "runs": "run",
    "segments": "segment",
    "streams": "stream",
    "parameter sets": "parameter set",
    "parameter names": "parameter name",
    "columns": "column",
    "provenance": "provenance record",
    "values": "value",
    "merges": "merge",
    "snapshots": "snapshot",
}
# What a row's digest covers beside it: a stretch of another table, by these fields of the row.
COME_WITH = {
    "segments": ("stretches", "stretch", "stretches"),
    "snapshots": ("arrays", "array", "arrays"),
}


class _Claim(NamedTuple):
    """What a row says of a line of the records: whose it is, and what else its digest covers."""

    name: str
    length: int
    rows: bytes


def document_faults(container: Container) -> Iterator[Fault]:
    """Each document that is not what it was when it was written, or that no row leads to.

    A document counts as changed where the row that came with it was changed.
    """
    content = container.documents.records.content()
    claims: dict[int, _Claim] = {}
    for place, claim in _claims(container, content):
        if place in claims:
            yield claim.name, f"its document is also that of {claims[place].name}"
        claims[place] = claim
    yield from _disorder(container)
    before, start = BEGINNING, 0
    while start < len(content):
        stop = content.find(b"\n", start) + 1 or len(content)
        digest = content[stop - TRAILER + 1 : stop - 1]
        document = content[start : stop - TRAILER]
        found = claims.pop(start, None)
        name = found.name if found else "records"
        if found is None:
            yield name, f"nothing leads to the document at byte {start}"
        elif found.length != len(document):
            yield name, f"its document has {len(document)} bytes, and not {found.length}"
        if line_digest(before, document, found.rows if found else b"") != digest:
            yield name, "its document, or its row in the table, is not what was written"
        yield from ((name, what) for what in _blob_faults(container, document))
        before, start = digest, stop
    for place, found in claims.items():
        yield found.name, f"its document is not at byte {place} of the records"


def _disorder(container: Container) -> Iterator[Fault]:
    """Rows that have changed places: documents are written in the order of their rows."""
    for table, name in NAMES.items():
        rows = container.session.dataset("data_frames", table).read()
        kept = np.flatnonzero(rows["length"])  # a value that was removed has no document
        places = rows["record"][kept]
        for at in np.flatnonzero(places[1:] <= places[:-1]).tolist():
            before, number = kept[at : at + 2].tolist()
            yield f"{name} {number}", f"its document stands before that of {name} {before}"


def _claims(container: Container, content: bytes) -> Iterator[tuple[int, _Claim]]:
    for table, name in NAMES.items():
        more, first, count = COME_WITH.get(table, ("", "", ""))
        with_it = container.session.dataset("data_frames", more).read() if more else None
        for number, row in enumerate(container.session.dataset("data_frames", table).read()):
            if table == "values" and not row["length"]:
                continue  # it says that a key was removed
            rows = layout.sealed(row)
            if with_it is not None:
                rows += with_it[int(row[first]) :][: int(row[count])].tobytes()
            owner = name if table == "experiment" else f"{name} {number}"
            yield int(row["record"]), _Claim(owner, int(row["length"]), rows)
            if "change" in (row.dtype.names or ()):
                newest = int(row["change"]), int(row["change_length"])
                for start, length in _changes(*newest, content):
                    yield start, _Claim(owner, length, b"")


def _changes(start: int, length: int, content: bytes) -> Iterator[tuple[int, int]]:
    """The places of a row's changes, the newest first, as far as they can be followed."""
    while length:
        yield start, length
        try:
            before, length = json.loads(content[start : start + length])["previous"]
        except (ValueError, LookupError, TypeError):
            return
        if not isinstance(before, int) or not isinstance(length, int) or before >= start:
            return
        start = before


def _blob_faults(container: Container, document: bytes) -> Iterator[str]:
    try:
        said = json.loads(document)
        found = list(references(said))
        if said["kind"] == "stream" and said["channels"] is not None:
            found.append(said["channels"])
    except (ValueError, LookupError, TypeError):
        return  # its own digest says so
    for reference in found:
        try:
            sound = container.documents.blobs.is_sound(reference)
        except Exception as error:
            yield f"a value of it cannot be read ({error})"
        else:
            if not sound:
                yield f"the value at byte {reference[0]} of the blobs is not what was written"


def part_fault(container: Container, place: Any) -> str | None:
    """Whether the arrays of a part are what was written. Raises what reading them raises."""
    if array_digest(container.streams.stored(place)) != place.digest:
        return "its arrays are not what was written"
    return None
