"""Values under keys, beside the runs: a table of its own, the newest row of a key counts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import schemas
from archive.container import layout
from archive.container.container import Container
from archive.container.tables import table_of
from archive.provenance import Privacy
from archive.storage import Transaction

# A key, and the code of the session that set it; -1: the archive itself.
Slot = tuple[str, int]
ITSELF = -1


class KeyedValues:
    """The values of one archive. Reading one reads its document and no other."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._table = table_of(container.session, "values")
        self._places: dict[Slot, tuple[int, int]] = {}
        self._read = 0
        self._undone = container.undone

    @property
    def privacy(self) -> Privacy:
        """Whether it may be told who sets a value."""
        return self._container.privacy

    def _current(self) -> dict[Slot, tuple[int, int]]:
        """Where the values lie that count; read once, then only what was added since."""
        if self._undone != self._container.undone:
            self._undone = self._container.undone
            self._table = table_of(self._container.session, "values")
            self._places, self._read = {}, 0
        if self._read < len(self._table):
            rows = self._table.read(self._read)
            self._read += len(rows)
            codes, which = np.unique(rows["key"], return_inverse=True)
            names = self._container.documents.names.decode(codes)
            for row, at in zip(rows.tolist(), which.tolist(), strict=True):
                start, length, _, session = row
                self._places.pop((names[at], session), None)  # what is set anew comes last
                if length:
                    self._places[names[at], session] = (start, length)
        return self._places

    def __len__(self) -> int:
        return len(self._current())

    def __contains__(self, slot: object) -> bool:
        return slot in self._current()

    def slots(self) -> Iterator[Slot]:
        """The keys, with the sessions that set them, in the order in which they were set."""
        yield from list(self._current())

    def model(self, slot: Slot) -> schemas.KeyedValue | None:
        """The value that a session has for a key; None if it has none."""
        place = self._current().get(slot)
        if place is None:
            return None
        documents = self._container.documents
        model = documents.load(documents.read(place))
        return model if isinstance(model, schemas.KeyedValue) else None

    def set(self, model: schemas.KeyedValue) -> None:
        """Keep a value: of the session that it names, or else of the archive itself."""
        with self._container.transaction() as transaction:
            codes = self._codes(transaction, model.key, model.session)
            row = np.array([(0, 0, *codes)], layout.TABLES["values"])
            place = self._container.documents.write(transaction, model, layout.sealed(row))
            row["record"], row["length"] = place
            transaction.append(self._table, row)

    def remove(self, key: str, session: str | None = None) -> None:
        """Keep the value of a key no longer: that of a session, or else the archive's own."""
        with self._container.transaction() as transaction:
            codes = self._codes(transaction, key, session)
            row = np.array([(0, 0, *codes)], layout.TABLES["values"])
            transaction.append(self._table, row)

    def _codes(self, transaction: Transaction, key: str, session: str | None) -> list[int]:
        names = self._container.documents.names
        if session is None:
            return [*names.append(transaction, [key]), ITSELF]
        return names.append(transaction, [key, session])
