"""Documents on their way from one archive to another, with the blobs that they refer to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.container.blob_references import Reference, moved
from archive.container.documents import Documents
from archive.container.heaps import places, to_json
from archive.storage import Transaction

MARK = b'"blob"'
Place = tuple[int, int]
Table = npt.NDArray[np.void]


class Moving:
    """From the heaps of `source` to those of `target`."""

    def __init__(self, source: Documents, target: Documents, transaction: Transaction) -> None:
        self._source = source
        self._target = target
        self._transaction = transaction
        self._blobs: dict[tuple[int, int], Any] = {}

    def documents(
        self,
        old: Sequence[Place],
        rows: Sequence[bytes],
        changed: Mapping[int, Mapping[str, Any]] | None = None,
    ) -> list[Place]:
        """Move documents, some with other fields, by number, and each with the rows that its
        digest covers from now on; returns their new places. Without blobs and changes they are
        not even parsed."""
        changed = changed or {}
        lines = self._source.records.lines(old)
        for number, line in enumerate(lines):
            if number in changed or MARK in line:
                document = self.with_blobs(json.loads(line))
                lines[number] = to_json({**document, **changed.get(number, {})})
        return self._target.records.append_many(self._transaction, lines, rows)

    def rows(
        self, table: Table, covered: Sequence[bytes], changed: Mapping[int, Mapping[str, Any]]
    ) -> None:
        """Move the documents of rows and all of their changes; the rows then say where they lie.
        `covered` is what the digest of each covers beside the document, `changed` are fields that
        documents shall have instead of their own, by row."""
        moved = self.documents(places(table), covered, changed)
        table["record"], table["length"] = np.array(moved, np.int64).T
        for row in np.flatnonzero(table["change_length"]).tolist():
            newest = (int(table["change"][row]), int(table["change_length"][row]))
            table["change"][row], table["change_length"][row] = self.chain(newest)

    def chain(self, newest: Place) -> Place:
        """Move a change and all those before it; returns the new place of the newest."""
        documents: list[dict[str, Any]] = []
        while newest[1]:
            documents.append(self._source.records.read(*newest))
            newest = documents[-1]["previous"]
        place = (0, 0)
        for document in reversed(documents):
            there = {**self.with_blobs(document), "previous": list(place)}
            place = self._target.records.append(self._transaction, there)
        return place

    def with_blobs(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """The document, its blobs moved; equal ones are stored once."""
        found: dict[str, Any] = moved(document, self._blob)
        return found

    def _blob(self, reference: Reference) -> Any:
        start, length, _ = reference
        known = self._blobs.get((start, length))
        if known is None:
            content = self._source.blobs.read(reference)
            known = self._target.blobs.append(self._transaction, content)
            self._blobs[start, length] = known
        return known
