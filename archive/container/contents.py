"""Things known by what they hold: parameter sets and provenance records, each stored once."""

from __future__ import annotations

from typing import Any

import numpy as np

import schemas
from archive.container import layout
from archive.container.documents import Documents
from archive.container.tables import table_of
from archive.storage import Session, Transaction


class Contents:
    """A table of documents found by digest."""

    def __init__(self, session: Session, documents: Documents, table: str) -> None:
        self._documents = documents
        self._table = table_of(session, table)
        self._dtype = layout.TABLES[table]
        self._rows: dict[str, int] | None = None

    def __len__(self) -> int:
        return len(self._table)

    def find(self, digest: str) -> int | None:
        """The row of the document with this digest."""
        if self._rows is None:
            self._rows = {name: row for row, name in enumerate(self.digests())}
        return self._rows.get(digest)

    def append(self, transaction: Transaction, model: schemas.Model, digest: str) -> int:
        """The row of the model, which is added unless an equal one is there."""
        row = self.find(digest)
        if row is None:
            place = self._documents.write(transaction, model, digest.encode())
            row = self.add(transaction, place, digest)
        return row

    def add(self, transaction: Transaction, place: tuple[int, int], digest: str) -> int:
        """The row of a new document, which lies at that place in the records."""
        row = transaction.append(self._table, np.array([(*place, digest.encode())], self._dtype))
        if self._rows is not None:
            self._rows[digest] = row
        return row

    def places(self) -> list[tuple[int, int]]:
        """Where the documents of all rows lie."""
        table = self._table.read()
        return list(zip(table["record"].tolist(), table["length"].tolist(), strict=True))

    def digests(self) -> list[str]:
        """Those of all rows."""
        return [name.decode("latin-1") for name in self._table.read()["digest"].tolist()]

    def digest(self, row: int) -> str:
        return str(self._table.read(row, row + 1)["digest"][0].decode("latin-1"))

    def model(self, row: int) -> schemas.Model:
        return self._documents.load(self.document(row))

    def document(self, row: int) -> dict[str, Any]:
        found = self._table.read(row, row + 1)[0]
        return self._documents.read((int(found["record"]), int(found["length"])))
