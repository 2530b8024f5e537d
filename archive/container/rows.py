"""The tables of runs, segments and the experiment itself: rows, their documents and changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.container import layout
from archive.container.documents import Documents
from archive.container.tables import table_of
from archive.errors import CorruptArchive
from archive.storage import Session, Transaction

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What fields of a table can be at all: moments that Python has, and the outcomes of runs.
MOMENTS = (
    (datetime.min.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1),
    (datetime.max.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1),
)
LIMITS = {
    **dict.fromkeys(("started", "ended", "recorded", "taken"), MOMENTS),
    "outcome": (0, len(layout.OUTCOMES) - 1),
}


def microseconds(moment: datetime | None) -> int:
    """Microseconds since 1970; 0 for an unknown moment. A moment without zone is local time."""
    if moment is None:
        return 0
    return (moment.astimezone(UTC) - EPOCH) // timedelta(microseconds=1)


def moment(microseconds: int) -> datetime | None:
    """The moment, in UTC; None for 0."""
    return EPOCH + timedelta(microseconds=microseconds) if microseconds else None


def ending(end: schemas.RunEnd | None) -> dict[str, int]:
    """The columns of a run that say how it ended; None: it goes on."""
    if end is None:
        return {"ended": 0, "outcome": 0}
    return {"ended": microseconds(end.ended), "outcome": layout.OUTCOMES.index(end.outcome)}


@lru_cache(maxsize=64)
def to_ms(unit: str) -> float:
    """Milliseconds per unit; 0 for a unit that is not a time."""
    try:
        return float(Fraction(schemas.conversion(unit, "ms")))
    except schemas.UnitError:
        return 0.0


class Rows:
    """One table whose rows have a document each, and changes that came later."""

    def __init__(self, session: Session, documents: Documents, table: str) -> None:
        self._documents = documents
        self._table = table_of(session, table)
        self._dtype = layout.TABLES[table]
        self._cache: npt.NDArray[np.void] | None = None
        # Of the row that was asked for last: its newest change, and all of them. Who annotates
        # one run a thousand times reads each change once.
        self._changes: tuple[tuple[int, list[int]], list[dict[str, Any]]] = ((-1, [0, 0]), [])
        # Names of rows whose own is taken, where several archives are read as one.
        self.renamed: Mapping[int, str] = {}

    def __len__(self) -> int:
        return len(self._table)

    def __getitem__(self, row: int) -> np.void:
        """One row as it lies in the file."""
        cache = self._cache
        if cache is None or not 0 <= row < len(cache):
            cache, row = self._checked(self._table.read(row, row + 1)), 0
        found: np.void = cache[row]
        return found

    def all(self) -> npt.NDArray[np.void]:
        """The whole table; read once, then only what was added since."""
        known = 0 if self._cache is None else len(self._cache)
        if self._cache is None or known < len(self._table):
            late = self._checked(self._table.read(known))
            self._cache = late if self._cache is None else np.concatenate([self._cache, late])
        return self._cache

    def _checked(self, rows: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
        for name in LIMITS.keys() & set(self._dtype.names or ()):
            least, most = LIMITS[name]
            wrong = rows[name][(rows[name] < least) | (rows[name] > most)]
            if len(wrong):
                raise self._table.damaged(f"{name} cannot be {wrong[0]}")
        return rows

    def damaged(self, row: int, what: str) -> CorruptArchive:
        """The error that says so of a row."""
        return self._table.damaged(f"row {row}: {what}")

    def append(
        self,
        transaction: Transaction,
        model: schemas.Model,
        changes: Iterable[schemas.Model] = (),
        **fields: Any,
    ) -> int:
        """A new row, and what has changed since, the oldest first; `fields` are the columns of the
        table beyond document and change."""
        newest = (0, 0)
        for change in changes:
            newest = self._append_change(transaction, change, newest)
        document = self._documents.dump(transaction, model)
        return self.append_document(transaction, document, newest=newest, **fields)

    def append_document(
        self,
        transaction: Transaction,
        document: Mapping[str, Any],
        came_with: bytes = b"",
        newest: tuple[int, int] = (0, 0),
        **fields: Any,
    ) -> int:
        """The same, from a document that is JSON already, with the place of the newest change. Its
        digest also covers what came with it: the stretches of a segment."""
        row = np.array([(0, 0, *newest, *fields.values())], self._dtype)
        sealed = layout.sealed(row) + came_with
        row["record"], row["length"] = self._documents.records.append(transaction, document, sealed)
        return transaction.append(self._table, row)

    def set(self, transaction: Transaction, row: int, **fields: Any) -> None:
        """Change some columns of a row."""
        former = self._table.read(row, row + 1)
        changed = former.copy()
        for name, value in fields.items():
            changed[name] = value
        transaction.overwrite(self._table, row, changed, former)
        if self._cache is not None and row < len(self._cache):
            self._cache[row] = changed[0]

    def change(
        self, transaction: Transaction, row: int, model: schemas.Model, **fields: Any
    ) -> None:
        """Add a change to a row: a document that knows the one before it."""
        former = self[row]
        before = (int(former["change"]), int(former["change_length"]))
        start, length = self._append_change(transaction, model, before)
        self.set(transaction, row, change=start, change_length=length, **fields)

    def _append_change(
        self, transaction: Transaction, model: schemas.Model, before: tuple[int, int]
    ) -> tuple[int, int]:
        document = self._documents.dump(transaction, model)
        document["previous"] = list(before)
        return self._documents.records.append(transaction, document)

    def document(self, row: int) -> dict[str, Any]:
        """The document that the row was made with."""
        found = self[row]
        document = self._documents.read((int(found["record"]), int(found["length"])))
        return self._named(row, document)

    def _named(self, row: int, document: dict[str, Any]) -> dict[str, Any]:
        name = self.renamed.get(row)
        return document if name is None else {**document, "name": name}

    def changes(self, row: int) -> list[dict[str, Any]]:
        """The documents of all changes, the oldest first."""
        found = self[row]
        newest = place = [int(found["change"]), int(found["change_length"])]
        known, before = self._changes if self._changes[0][0] == row else ((row, [0, 0]), [])
        late: list[dict[str, Any]] = []
        while place[1] and place != known[1]:
            late.append(self._documents.read((place[0], place[1])))
            place = self.before(place[0], late[-1])
        documents = [*before, *late[::-1]] if place[1] else late[::-1]
        self._changes = ((row, newest), documents)
        return documents

    def before(self, start: int, change: Mapping[str, Any]) -> list[int]:
        """The place of the change before one that starts there, which must lie before it: a
        change that leads to itself would be read for ever."""
        match change.get("previous"):
            case [int() as before, int() as length] if length >= 0 and before + length <= start:
                return [before, length]
        raise CorruptArchive(
            f"the change at byte {start} of the records does not say what was before it",
            path=self._documents.path,
            hint="'neuroarchive check' lists what is damaged",
        )

    def annotations(self, row: int) -> dict[str, schemas.Value]:
        """The annotations of a row as they are now."""
        document, changes = self.document(row), self.changes(row)
        return self._documents.annotations(document, changes)

    def documents(self, rows: Sequence[int]) -> list[dict[str, Any]]:
        """The documents of many rows. CorruptArchive for a row that there is not: which ones
        belong to others, the file says."""
        known = self.all()
        for row in rows:
            if not 0 <= row < len(known):
                raise self.damaged(row, f"it is named, of {len(known)}")
        table = known[list(rows)]
        places = list(zip(table["record"].tolist(), table["length"].tolist(), strict=True))
        found = self._documents.read_many(places)
        return [self._named(*each) for each in zip(rows, found, strict=True)]

    def many_annotations(self, rows: Sequence[int]) -> list[dict[str, schemas.Value]]:
        """The annotations of many rows as they are now."""
        lengths = self.all()["change_length"]
        return [
            self._documents.annotations(document, self.changes(row) if lengths[row] else ())
            for row, document in zip(rows, self.documents(rows), strict=True)
        ]
