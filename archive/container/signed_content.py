"""All that an archive holds at one moment, as two digests that can be signed.

The digests that are written with documents and arrays find accidents; these here are SHA-256, so
that nobody can make other content that has the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from archive.container import layout
from archive.container.container import Container
from archive.container.digests import array_digest
from archive.container.stored_digests import stored_digests
from archive.container.tables import table_of
from archive.errors import CorruptArchive
from archive.storage import Growing

Covers = Mapping[str, int]
At = Callable[[str], object]
_STEP: Final = 1 << 24
# What of a row can change without a document that says so.
_CHANGES: Final = frozenset(("change", "change_length", "ended", "outcome"))
_TEXTUAL: Final = (layout.RECORDS, layout.TEXTS, layout.NAMES)


def covered(container: Container) -> dict[str, int]:
    """The bytes of each heap, and the rows of each table, as they are now."""
    heaps = {name: len(container.session.dataset("data_arrays", name)) for name in layout.HEAPS}
    return heaps | {name: len(table_of(container.session, name)) for name in layout.TABLES}


def documents_digest(container: Container, covers: Covers) -> tuple[str, int]:
    """The digest of all documents, texts and rows up to there, and how many documents they are.
    CorruptArchive where the archive has less."""
    state, lines = hashlib.sha256(), 0
    for name in _TEXTUAL:
        found = _feed_heap(state, container, name, covers)
        lines = found if name == layout.RECORDS else lines
    for name in layout.TABLES:
        table = table_of(container.session, name)
        rows = table.read(0, _length(table, name, covers))
        state.update(f"{name} {len(rows)}\n".encode())
        state.update(b"".join(rows[field].tobytes() for field in _fixed(rows)))
    return state.hexdigest(), lines


def data_digest(container: Container, covers: Covers, at: At = lambda place: None) -> str:
    """The digest of all payloads and arrays up to there; `at` is told what comes next."""
    state = hashlib.sha256()
    _feed_heap(state, container, layout.BLOBS, covers)
    table = table_of(container.session, "stretches")
    stretches = table.read(0, _length(table, "stretches", covers))
    for number in range(covers.get("streams", 0)):
        own = stretches[stretches["stream"] == number]
        for digest in stored_digests(container, number, own, _sha256) if len(own) else ():
            at(f"signed stream {number}")  # each time: who watches waits for a minute at most
            state.update(digest)
    for row in range(covers.get("arrays", 0)):
        at(f"signed array {row}")
        state.update(_sha256({"array": container.pool.read(row)}))
    return state.hexdigest()


def _sha256(arrays: Mapping[str, Any]) -> bytes:
    return array_digest(arrays, hashlib.sha256)


def _length(data: Growing, name: str, covers: Covers) -> int:
    wanted = covers.get(name, 0)
    if not 0 <= wanted <= len(data):
        raise CorruptArchive(f"{name} had {wanted} when it was signed, and {len(data)} are there")
    return wanted


def _feed_heap(state: Any, container: Container, name: str, covers: Covers) -> int:
    """Returns how many lines there are in it."""
    heap = container.session.dataset("data_arrays", name)
    length = _length(heap, name, covers)
    state.update(f"{name} {length}\n".encode())
    lines = 0
    for start in range(0, length, _STEP):
        piece = heap.read(start, min(start + _STEP, length)).tobytes()
        lines += piece.count(b"\n")
        state.update(piece)
    return lines


def _fixed(rows: np.ndarray[Any, np.dtype[np.void]]) -> list[str]:
    return [name for name in rows.dtype.names or () if name not in _CHANGES]
