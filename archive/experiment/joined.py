"""An archive and its parts as one: rows count through all of them, the archive's own first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, count, pairwise

import numpy as np
import numpy.typing as npt

import schemas
from archive.container import (
    Concatenated,
    Container,
    RunColumns,
    SegmentColumns,
    SnapshotColumns,
)
from archive.container.layout import Scope
from archive.query import Columns

Rows = npt.NDArray[np.int64]


class Joined:
    """Containers one behind the other. With one alone, its rows are the rows."""

    def __init__(self, containers: Mapping[str, Container]) -> None:
        """`containers` by the name of the part, the archive itself first. What several have must
        not grow meanwhile."""
        self.containers = tuple(containers.values())
        self.names = tuple(containers)
        self._before: dict[Scope, Rows] = {}
        if len(self.containers) > 1:
            for scope in ("run", "segment", "snapshot"):
                self._before[scope] = self._count(scope)
            self._tell_apart()

    @property
    def main(self) -> Container:
        """The archive itself."""
        return self.containers[0]

    def _count(self, scope: Scope) -> Rows:
        """How many rows come before those of each container; all rows at the end."""
        lengths = [len(one.rows(scope)) for one in self.containers]
        before = np.cumsum([0, *lengths])
        for one, rows in zip(self.containers, before.tolist(), strict=False):
            one.rows_before = {**one.rows_before, scope: rows}
        return before

    def _tell_apart(self) -> None:
        """A run whose name one before it has gets the name of its part behind its own."""
        taken: set[str] = set()
        for part, container in zip(self.names, self.containers, strict=True):
            own = run_names(container)
            container.runs.renamed = told_apart(own, taken, part)
            taken.update(container.runs.renamed.get(row, name) for row, name in enumerate(own))

    def count(self, scope: Scope) -> int:
        """How many rows all containers have together."""
        if scope in self._before:
            return int(self._before[scope][-1])
        return len(self.main.rows(scope))

    def numbers(self, scope: Scope, rows: Rows) -> Rows:
        """The numbers of rows among all of the archive and its parts."""
        return rows if scope in self._before else rows + self.main.rows_before.get(scope, 0)

    def at(self, scope: Scope, row: int) -> tuple[Container, int]:
        """The container that a row lies in, and its number there."""
        if scope not in self._before:
            return self.main, row
        number = int(np.searchsorted(self._before[scope], row, side="right")) - 1
        return self.containers[number], row - int(self._before[scope][number])

    def split(self, scope: Scope, rows: Rows) -> Iterator[tuple[Container, Rows]]:
        """Rows in pieces that lie in one container each, with their numbers there, in order."""
        if scope not in self._before:
            yield self.main, rows
            return
        before = self._before[scope]
        number = np.searchsorted(before, rows, side="right") - 1
        borders = np.flatnonzero(np.diff(number)) + 1
        for first, last in pairwise([0, *borders.tolist(), len(rows)]):
            if first < last:
                at = int(number[first])
                yield self.containers[at], rows[first:last] - int(before[at])

    def columns(self, scope: Scope) -> Columns:
        """The table that queries are evaluated on."""
        tables = self._tables(scope)
        return tables[0] if len(tables) == 1 else Concatenated(tables)

    def rows_named(self, scope: Scope, name: str) -> Rows:
        """The rows that have a name."""
        tables = self._tables(scope)
        found: list[Rows] = [np.empty(0, np.int64)]
        for column in Concatenated(tables).joined([table.names() for table in tables]):
            code = None if column.texts is None else column.texts.code(name)
            if code is not None and column.values is not None:
                found.append(np.flatnonzero(column.present & (column.values == code)))
        return np.concatenate(found)

    def _tables(
        self, scope: Scope
    ) -> Sequence[RunColumns] | Sequence[SegmentColumns] | Sequence[SnapshotColumns]:
        if scope == "run":
            return [RunColumns(one) for one in self.containers]
        if scope == "snapshot":
            return [SnapshotColumns(one) for one in self.containers]
        return [SegmentColumns(one) for one in self.containers]


def run_names(container: Container) -> list[str]:
    """The names of all runs."""
    return [
        name
        for column in RunColumns(container).names()
        if column.texts is not None and column.values is not None
        for name in column.texts.decode(column.values)
    ]


def told_apart(names: Sequence[str], taken: set[str], part: str) -> dict[int, str]:
    """New names for those of `names` that are taken: ``run 0001 (anna@lab7-3f2a90c1d5e8)``."""
    found: dict[int, str] = {}
    known = taken.union(names)
    for row, name in enumerate(names):
        if name in taken:
            spare = (spare_name(name, part, number) for number in count(1))
            found[row] = next(one for one in spare if one not in known)
            known.add(found[row])
    return found


def spare_name(name: str, part: str, number: int) -> str:
    """The name with that of a part behind it, and a number if it is not the first of these."""
    label = f" ({part})" if number == 1 else f" ({part} {number})"
    return name[: 255 - len(label)] + label


def all_annotations(
    found: Sequence[Mapping[str, schemas.Value]], parts: Sequence[str]
) -> dict[str, schemas.Value]:
    """The annotations of several archives together. What one says otherwise than one before it
    has the name of the part behind its own."""
    together: dict[str, schemas.Value] = {}
    for own, part in zip(found, parts, strict=True):
        for key, value in own.items():
            names = chain([key], (spare_name(key, part, number) for number in count(1)))
            name = next(
                n for n in names if n not in together or schemas.identical(together[n], value)
            )
            together[name] = value
    return together
