"""Tables one behind the other, queried as one: an archive and its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.query import Column, Columns, Values
from archive.query.column import Kind

Rows = npt.NDArray[np.int64]


@dataclass
class Dictionary:
    """Texts by code, of several tables together."""

    codes: dict[str, int] = field(default_factory=dict)

    def code(self, text: str) -> int | None:
        return self.codes.get(text)

    def decode(self, codes: Rows) -> list[str]:
        texts = list(self.codes)
        return [texts[code] for code in codes.tolist()]

    def make(self, texts: Sequence[str]) -> Rows:
        """The codes of texts, new ones included."""
        return np.array([self.codes.setdefault(text, len(self.codes)) for text in texts], np.int64)


def text_column(texts: Sequence[str]) -> Column:
    """A column that has a text in every row."""
    dictionary = Dictionary()
    values = dictionary.make(texts)
    return Column("text", np.ones(len(texts), bool), values, texts=dictionary)


class Concatenated:
    """The rows of several tables, one table behind the other."""

    def __init__(self, tables: Sequence[Columns]) -> None:
        self._tables = tables
        self._ends = np.cumsum([len(table) for table in tables])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def keys(self) -> list[str]:
        return list(dict.fromkeys(chain.from_iterable(table.keys() for table in self._tables)))

    def columns(self, key: str, /) -> list[Column]:
        return self.joined([table.columns(key) for table in self._tables])

    def joined(self, columns: Sequence[Sequence[Column]]) -> list[Column]:
        """One column for each type and unit, of those that the tables have."""
        found: dict[tuple[Kind, str | None], dict[int, list[Column]]] = {}
        for number, own in enumerate(columns):
            for column in own:
                slot = found.setdefault((column.kind, column.unit), {})
                slot.setdefault(number, []).append(column)
        # A key that is inherited from runs may have two columns of one type in a table.
        return [
            self._column(
                kind, unit, {number: own[at] for number, own in slot.items() if at < len(own)}
            )
            for (kind, unit), slot in found.items()
            for at in range(max(map(len, slot.values())))
        ]

    def _column(self, kind: Kind, unit: str | None, own: dict[int, Column]) -> Column:
        present = np.zeros(len(self), bool)
        values: npt.NDArray[Any] | None = None
        dictionary = Dictionary() if kind == "text" else None
        objects: dict[int, Values] = {}
        for number, column in own.items():
            rows = self._rows(number)
            present[rows] = column.present
            if column.objects is not None:
                objects[number] = column.objects
            if column.values is None:
                continue
            if values is None:
                values = np.zeros(len(self), column.values.dtype)
            values[rows] = column.values
            if dictionary is not None and column.texts is not None:
                there = np.flatnonzero(column.present)
                codes, which = np.unique(column.values[there], return_inverse=True)
                made = dictionary.make(column.texts.decode(codes))
                values[rows][there] = made[which]
        shared = _Objects(objects, self._ends) if objects else None
        return Column(kind, present, values, unit=unit, texts=dictionary, objects=shared)

    def _rows(self, number: int) -> slice:
        end = int(self._ends[number])
        return slice(end - len(self._tables[number]), end)


class _Objects:
    """Values of ``other`` columns, each table's loaded by itself."""

    def __init__(self, tables: dict[int, Values], ends: Rows) -> None:
        self._tables = tables
        self._ends = ends

    def load(self, rows: Rows) -> Sequence[Any]:
        number = np.searchsorted(self._ends, rows, side="right")
        found: list[Any] = [None] * len(rows)
        for table in np.unique(number).tolist():
            at = np.flatnonzero(number == table)
            before = int(self._ends[table - 1]) if table else 0
            loaded = self._tables[table].load(rows[at] - before)
            for place, value in zip(at.tolist(), loaded, strict=True):
                found[place] = value
        return found
