"""Sequences of runs and of segments: index, slice, find by name, query, tabulate, export."""

from __future__ import annotations

import operator
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Generic, Self, TypeVar, overload

import numpy as np

from archive.container import Container
from archive.container.layout import Scope
from archive.errors import NotFound
from archive.experiment.display import ROWS_SHOWN, annotation_text, html_table
from archive.experiment.frame import to_frame
from archive.experiment.joined import Joined, Rows
from archive.experiment.naming import not_found
from archive.query import Predicate

Item = TypeVar("Item")


class View(Sequence[Item], Generic[Item]):
    """Some rows of a table, in order. `rows` None: all there are, now and later."""

    _scope: ClassVar[Scope]

    def __init__(self, joined: Joined, rows: Rows | None = None) -> None:
        self._joined = joined
        self._rows = rows

    @abstractmethod
    def _item(self, container: Container, row: int) -> Item:
        """What the user holds for a row of a container."""

    def __len__(self) -> int:
        return self._joined.count(self._scope) if self._rows is None else len(self._rows)

    @property
    def rows(self) -> Rows:
        """The number of each item among all of its sort in the archive and its parts."""
        return self._joined.numbers(self._scope, self._positions())

    def _positions(self) -> Rows:
        return np.arange(len(self)) if self._rows is None else self._rows

    def _pieces(self) -> Iterator[tuple[Container, Rows]]:
        """The rows by the container that they lie in, with their numbers there."""
        return self._joined.split(self._scope, self._positions())

    @overload
    def __getitem__(self, key: int | str) -> Item: ...
    @overload
    def __getitem__(self, key: slice) -> Self: ...
    def __getitem__(self, key: int | str | slice) -> Item | Self:
        """By position, slice or name. Raises NotFound, also for a name that several have."""
        if isinstance(key, slice):
            return type(self)(self._joined, self._positions()[key])
        if isinstance(key, str):
            return self._at(self._row_named(key))
        key, count = operator.index(key), len(self)
        if not -count <= key < count:
            # an IndexError ends the iteration of a Sequence; NotFound would not
            raise IndexError(f"there is no {self._scope} {key} among {count}")
        position = key % count
        return self._at(position if self._rows is None else int(self._rows[position]))

    def _at(self, row: int) -> Item:
        return self._item(*self._joined.at(self._scope, row))

    def __iter__(self) -> Iterator[Item]:
        for container, rows in self._pieces():
            for row in rows.tolist():
                yield self._item(container, row)

    def _row_named(self, name: str) -> int:
        hits = self._joined.rows_named(self._scope, name)
        found = (hits if self._rows is None else np.intersect1d(hits, self._rows)).tolist()
        if len(found) == 1:
            return int(found[0])
        if found:
            raise NotFound(
                f"{len(found)} {self._scope}s have the name {name!r}",
                path=self._joined.main.path,
                hint=f"where(\"name == '{name}'\") gives them all; their numbers are "
                + ", ".join(str(row) for row in found[:5]),
            )
        names = (getattr(item, "name", None) or "" for item in self[:1000])
        raise not_found(self._scope, name, names)

    def where(self, predicate: str | Predicate) -> Self:
        """Those for which the predicate holds, as a view that can be queried again.

        See the query language in the documentation: ``amplitude > 50 pA and simulator ==
        'neuron'``. Raises QueryError for a query that cannot be understood, for a key that
        nothing has, and for a comparison across dimensions.
        """
        from archive.query.evaluate import evaluate
        from archive.query.grammar import parse

        mask = evaluate(parse(predicate), self._joined.columns(self._scope))
        rows = np.flatnonzero(mask) if self._rows is None else self._rows[mask[self._rows]]
        return type(self)(self._joined, rows)

    @abstractmethod
    def table(self) -> list[dict[str, Any]]:
        """One dict per row: names and annotations."""

    def to_frame(self) -> Any:
        """The table as a pandas.DataFrame; a quantity becomes a number in a column with unit.

        Raises MissingPackage without the extra `pandas`.
        """
        return to_frame(self.table())

    def __repr__(self) -> str:
        name = f"{len(self)} {self._scope}s" if len(self) != 1 else f"1 {self._scope}"
        lines = [_line(row) for row in self[:ROWS_SHOWN].table()]
        if len(self) > ROWS_SHOWN:
            lines.append(f"… and {len(self) - ROWS_SHOWN} more")
        return "\n  ".join([f"<{name}>", *lines])

    def _repr_html_(self) -> str:
        table = self[:ROWS_SHOWN].table()
        heads = list(dict.fromkeys(key for row in table for key in row))
        rows = [[row.get(head, "") for head in heads] for row in table]
        return html_table(f"{len(self)} {self._scope}s", heads, rows)


def _line(row: dict[str, Any]) -> str:
    return annotation_text(row)
