"""Annotations as typed columns: the index that queries read. The documents remain the truth.

Each (key, type, unit) has one column with a row per run, segment or parameter set. Rows wait in
memory until a batch of them is written; after a crash the waiting ones are read again from
their documents, so a column may be shorter than its table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

import schemas
from archive.container import layout
from archive.container.documents import Documents
from archive.container.heaps import TextHeap
from archive.container.layout import Scope
from archive.container.tables import of_type, table_of
from archive.query import Column
from archive.query.column import Kind
from archive.storage import Growing, Session, Transaction

# A field of the entity itself, not an annotation, has a key that no annotation can have.
FIELD: Final = "/"
NAME: Final = f"{FIELD}name"


class Slot(NamedTuple):
    """Which column a value belongs to."""

    key: str
    kind: Kind
    unit: str | None


_DTYPES: Final[dict[Kind, tuple[np.dtype[Any], npt.NDArray[Any]]]] = {
    "float": (np.dtype("<f8"), layout.ABSENT_FLOAT),
    "int": (np.dtype("<i8"), np.array([layout.ABSENT_INT])),
    "bool": (np.dtype("i1"), np.array([layout.ABSENT_BOOL], "i1")),
    "text": (np.dtype("<i8"), np.array([layout.ABSENT_TEXT])),
    "other": (np.dtype("i1"), np.array([layout.ABSENT_BOOL], "i1")),
}


def classify(value: schemas.Value) -> tuple[Kind, str | None, Any]:
    """The type and unit of the column that a value goes into, and what is put there."""
    if isinstance(value, bool):
        return "bool", None, int(value)
    if isinstance(value, int):
        inside = layout.ABSENT_INT < value <= -(layout.ABSENT_INT + 1)
        return ("int", None, value) if inside else ("other", None, 1)
    if isinstance(value, float):
        return "float", None, value
    if isinstance(value, str) and len(value) <= layout.TEXT_LIMIT // 4:
        return "text", None, value
    if isinstance(value, schemas.Quantity):
        number = value.value
        exact = isinstance(number, float) or (isinstance(number, int) and abs(number) <= 1 << 53)
        if exact:
            return "float", value.unit, float(number)  # type: ignore[arg-type]  # narrowed by `exact`
    return "other", None, 1


def parameter_row(model: schemas.Model) -> dict[str, schemas.Value]:
    """A parameter set as one row: nested names joined by dots."""
    if not isinstance(model, schemas.ParameterSet):
        return {}
    return {NAME: model.name, **dict(_flat(model.values, ""))}


def _flat(values: Mapping[str, schemas.Value], prefix: str) -> Iterator[tuple[str, schemas.Value]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


class _Stored:
    """A column that the file has; its dataset is opened when it is needed."""

    def __init__(self, slot: Slot, array: str, session: Session) -> None:
        self.slot = slot
        self._array = array
        self._session = session

    @property
    def data(self) -> Growing:
        dtype, _ = _DTYPES[self.slot.kind]
        return of_type(self._session.dataset("data_arrays", self._array), dtype)


class ColumnIndex:
    """The columns of one scope."""

    def __init__(self, session: Session, documents: Documents, scope: Scope) -> None:
        self._session = session
        self._records = documents.records
        self._scope = scope
        self._texts = {False: documents.texts, True: documents.names}
        self._session_texts = {is_name: _SessionTexts(t) for is_name, t in self._texts.items()}
        self._stored: dict[str, list[_Stored]] = {}
        self._array_names: set[str] = set()
        self._waiting: list[Mapping[str, schemas.Value]] = []
        self._read_table()

    @property
    def indexed(self) -> int:
        """How many rows the columns cover."""
        names = self._stored.get(NAME)
        return len(names[0].data) if names else 0

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def add(self, row: Mapping[str, schemas.Value]) -> None:
        """The next row; written with the batch."""
        self._waiting.append(row)

    def write(self, transaction: Transaction) -> None:
        """Write the waiting rows into the columns."""
        if not self._waiting:
            return
        first = self.indexed
        total = first + len(self._waiting)
        self._column(transaction, Slot(NAME, "text", None))
        gathered: dict[Slot, tuple[list[int], list[Any]]] = {}
        for number, row in enumerate(self._waiting):
            for slot, value in self._slots(row):
                rows, values = gathered.setdefault(slot, ([], []))
                rows.append(number)
                values.append(value)
        for slot, (rows, values) in gathered.items():
            data = self._column(transaction, slot)
            if data is None:
                continue
            dtype, absent = _DTYPES[slot.kind]
            block = np.full(len(self._waiting), absent[0], dtype)
            block[rows] = self._codes(transaction, slot, values)
            transaction.extend(data, first)
            transaction.append(data, block)
        transaction.extend(self._stored[NAME][0].data, total)
        self._waiting = []

    def extend(
        self, transaction: Transaction, columns: Mapping[str, Iterable[Column]], count: int
    ) -> None:
        """The next `count` rows, as columns; none may wait."""
        first = self.indexed
        self._column(transaction, Slot(NAME, "text", None))
        for key, own in columns.items():
            for column in own:
                there = np.flatnonzero(column.present)
                data = self._column(transaction, Slot(key, column.kind, column.unit))
                if data is None or not len(there):
                    continue
                dtype, absent = _DTYPES[column.kind]
                block = np.full(count, absent[0], dtype)
                block[there] = 1 if column.values is None else column.values[there]
                if column.texts is not None and column.values is not None:
                    codes, which = np.unique(column.values[there], return_inverse=True)
                    heap = self._texts[key == NAME]
                    block[there] = np.array(
                        heap.append(transaction, column.texts.decode(codes)), "<i8"
                    )[which]
                transaction.extend(data, first)
                transaction.append(data, block)
        transaction.extend(self._stored[NAME][0].data, first + count)

    def change(
        self,
        transaction: Transaction,
        row: int,
        former: Mapping[str, schemas.Value],
        now: Mapping[str, schemas.Value],
    ) -> None:
        """Another set of values for some keys of a row: `former` go, `now` come."""
        indexed = self.indexed
        if row >= indexed:
            kept = {k: v for k, v in self._waiting[row - indexed].items() if k not in former}
            self._waiting[row - indexed] = {**kept, **now}
            return
        for slot, _ in self._slots(former):
            stored = self._find(slot)
            if stored is not None and row < len(stored.data):
                transaction.overwrite(stored.data, row, _DTYPES[slot.kind][1])
        for slot, value in self._slots(now):
            data = self._column(transaction, slot)
            if data is not None:
                transaction.extend(data, row + 1)
                transaction.overwrite(data, row, self._codes(transaction, slot, [value]))

    # -- reading -----------------------------------------------------------------------------

    def keys(self) -> list[str]:
        """All keys that have a column or wait for one, fields excluded."""
        known = dict.fromkeys(self._stored)
        for row in self._waiting:
            known.update(dict.fromkeys(row))
        return [key for key in known if not key.startswith(FIELD)]

    def has_column(self, key: str) -> bool:
        """Whether a key has a column; then all its values are in columns, of whatever type."""
        return key in self._stored

    @property
    def complete(self) -> bool:
        """False when there were too many keys to give each its column."""
        return sum(map(len, self._stored.values())) < layout.COLUMN_LIMIT

    def columns(self, key: str, length: int) -> list[Column]:
        """The columns of a key, `length` rows each, waiting rows included."""
        indexed = self.indexed
        slots = {stored.slot: stored.data for stored in self._stored.get(key, ())}
        late: dict[Slot, list[tuple[int, Any]]] = {}
        for number, row in enumerate(self._waiting):
            if key in row:
                kind, unit, value = classify(row[key])
                late.setdefault(Slot(key, kind, unit), []).append((indexed + number, value))
        found = []
        for slot in dict.fromkeys([*slots, *late]):
            dtype, absent = _DTYPES[slot.kind]
            data = slots.get(slot)
            if data is not None and len(data) >= length and slot not in late:
                values = data.read(0, length)
            else:
                values = np.full(length, absent[0], dtype)
                if data is not None:
                    stop = min(len(data), length)
                    values[:stop] = data.read(0, stop)
                for row_number, value in late.get(slot, ()):
                    values[row_number] = (
                        self._session_texts[key == NAME].make(value)
                        if slot.kind == "text"
                        else value
                    )
            found.append(self._as_column(slot, values))
        return found

    def _as_column(self, slot: Slot, values: npt.NDArray[Any]) -> Column:
        if slot.kind == "float":
            present = values.view("<u8") != layout.ABSENT_FLOAT.view("<u8")[0]
        else:
            present = values != _DTYPES[slot.kind][1][0]
        if slot.kind == "bool":
            values = values == 1
        return Column(
            kind=slot.kind,
            present=present,
            values=None if slot.kind == "other" else values,
            unit=slot.unit,
            texts=self._session_texts[slot.key == NAME] if slot.kind == "text" else None,
        )

    # -- inside ------------------------------------------------------------------------------

    def _slots(self, row: Mapping[str, schemas.Value]) -> Iterable[tuple[Slot, Any]]:
        for key, value in row.items():
            kind, unit, stored = classify(value)
            yield Slot(key, kind, unit), stored

    def _codes(self, transaction: Transaction, slot: Slot, values: list[Any]) -> npt.NDArray[Any]:
        if slot.kind == "text":
            return np.array(self._texts[slot.key == NAME].append(transaction, values), "<i8")
        block = np.array(values, _DTYPES[slot.kind][0])
        if slot.kind == "float":
            block[np.isnan(block)] = np.nan  # no value may look like an absent one
        return block

    def _find(self, slot: Slot) -> _Stored | None:
        return next((s for s in self._stored.get(slot.key, ()) if s.slot == slot), None)

    def _column(self, transaction: Transaction, slot: Slot) -> Growing | None:
        stored = self._find(slot)
        if stored is not None:
            return stored.data
        if not self.complete and slot.key != NAME and not self.has_column(slot.key):
            return None
        dtype, absent = _DTYPES[slot.kind]
        name = self._array_name(slot)
        data = transaction.data_array(
            name,
            f"archive.column.{self._scope}",
            dtype,
            chunks=(layout.COLUMN_CHUNK,),
            fill=absent,
            unit=schemas.nix_unit(slot.unit) if slot.unit else None,
            label=_printable(slot.key),
            metadata=self._session.section("tables"),
        )
        self._session.remember("data_arrays", name, data)
        document = {
            "kind": "column",
            "scope": self._scope,
            "key": slot.key,
            "type": slot.kind,
            "unit": slot.unit,
            "array": name,
        }
        place = self._records.append(transaction, document)
        table = self._session.dataset("data_frames", "columns")
        transaction.append(table, np.array([place], layout.TABLES["columns"]))
        self._stored.setdefault(slot.key, []).append(_Stored(slot, name, self._session))
        return data

    def _array_name(self, slot: Slot) -> str:
        what = slot.unit or ("" if slot.kind == "float" else slot.kind)
        readable = f"{self._scope}.{slot.key.strip(FIELD)[:200]} [{what}]"
        readable = _printable(readable.replace(" []", ""))
        name, number = readable, 1
        while name in self._array_names:
            number += 1
            name = f"{readable} {number}"
        self._array_names.add(name)
        return name

    def _read_table(self) -> None:
        table = table_of(self._session, "columns")
        for document in self._records.read_many(table.read().tolist()):
            if document.get("scope") == self._scope:
                slot = _parse_slot(document)
                array = document.get("array")
                if slot is None or type(array) is not str:
                    raise table.damaged(f"the document {document!r:.200} is that of no column")
                stored = _Stored(slot, array, self._session)
                self._stored.setdefault(slot.key, []).append(stored)
                self._array_names.add(array)


def _parse_slot(document: Mapping[str, Any]) -> Slot | None:
    """The slot of a column's document; None if it names none."""
    key, kind, unit = (document.get(name) for name in ("key", "type", "unit"))
    try:
        schemas.parse(unit or "")
        return Slot(key, kind, unit) if type(key) is str and kind in _DTYPES else None
    except (TypeError, schemas.UnitError):
        return None


def _printable(text: str) -> str:
    """As HDF5 can hold it: the keys inside a parameter may be any text, with NUL in it."""
    return "".join(c if c.isprintable() and c != "/" else "_" for c in text)


class _SessionTexts:
    """The dictionary of texts, with codes below -1 for texts of rows that still wait."""

    def __init__(self, written: TextHeap) -> None:
        self._written = written
        self._texts: dict[str, int] = {}

    def code(self, text: str) -> int | None:
        code = self._written.code(text)
        return self._texts.get(text) if code is None else code

    def make(self, text: str) -> int:
        code = self.code(text)
        if code is None:
            code = self._texts[text] = -2 - len(self._texts)
        return code

    def decode(self, codes: npt.NDArray[np.int64]) -> list[str]:
        known = {code: text for text, code in self._texts.items()}
        written = np.array([code for code in codes.tolist() if code not in known], np.int64)
        known.update(zip(written.tolist(), self._written.decode(written), strict=True))
        return [known[code] for code in codes.tolist()]
