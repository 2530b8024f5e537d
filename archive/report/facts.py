"""Annotations and parameters of many runs by column: each different value once, and a code a run.

Two values count as the same where `archive.experiment.value_keys` says so: 10 ms and 0.01 s have
different texts, and are of one group.
"""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np

import schemas
from archive.experiment.value_keys import Path, leaves, path_text, value_key
from archive.report.blocks import packed
from archive.report.texts import NAME_LIMIT, number_of, shown, value_shown

COLUMNS_LIMIT = 200


class Column:
    """One fact. The code of a run is the number of its value from 1 on; 0: it has none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.texts: list[str] = []
        self.groups: list[int] = []
        self.numbers: list[float | None] = []
        self.codes = array("L")
        self._known: dict[Hashable, int] = {}
        self._groups: dict[Hashable, int] = {}
        self._same_text: dict[str, int] = {}

    def code(self, value: Any) -> int:
        """The code of a value, which is new where there was none like it."""
        group = value_key(value)
        text = value_shown(value, NAME_LIMIT)
        known = group, text, type(value)
        if known not in self._known:
            self._known[known] = len(self.texts) + 1
            self.groups.append(self._groups.setdefault(group, len(self._groups)))
            self.numbers.append(number_of(value))
            again = self._same_text[text] = self._same_text.get(text, 0) + 1
            # arrays and long texts look alike; that they are not must be seen
            self.texts.append(text if again == 1 else f"{text} (no. {again})")
        return self._known[known]

    def note(self, row: int, code: int) -> None:
        if len(self.codes) < row:
            self.codes.extend([0] * (row - len(self.codes)))
        self.codes.append(code)

    def filled(self, rows: int) -> array[int]:
        """The codes of so many runs."""
        return self.codes[:rows] + array("L", [0] * (rows - len(self.codes)))

    def varies(self, rows: int) -> bool:
        """Whether it is not the same for all runs, written alike."""
        return len(self.texts) > 1 or len(self.codes) < rows or 0 in self.codes

    def packed(self, rows: int, what: str) -> str:
        """As a block."""
        codes = np.array(self.filled(rows), np.uint32)
        head = {
            "what": what,
            "name": shown(path_text(self.path), NAME_LIMIT),
            "texts": self.texts,
            "groups": self.groups,
            "numbers": self.numbers,
        }
        small = codes.astype(np.min_scalar_type(len(self.texts)))
        return packed(head, [small])


class Facts:
    """The columns of all runs; more than 200 are only counted."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.columns: dict[Path, Column] = {}
        self._left_out: set[int] = set()
        self._sets: dict[str, list[tuple[Column, int]]] = {}

    @property
    def left_out(self) -> int:
        """How many columns there was no room for."""
        return len(self._left_out)

    def note(self, row: int, found: Mapping[str, schemas.Value], digest: str | None = None) -> None:
        """What is said of a run; `digest` is that of all its values, if it is known."""
        coded = self._sets.get(digest or "")
        if coded is None:
            coded = list(self._coded(leaves(found)))
            if digest:
                self._sets[digest] = coded
        for column, code in coded:
            column.note(row, code)

    def _coded(self, found: Iterable[tuple[Path, Any]]) -> Iterable[tuple[Column, int]]:
        for path, value in found:
            column = self.columns.get(path)
            if column is None:
                if len(self.columns) >= COLUMNS_LIMIT:
                    if len(self._left_out) < 100_000:
                        self._left_out.add(hash(path))
                    continue
                column = self.columns[path] = Column(path)
            yield column, column.code(value)
