"""Runs, segments and snapshots as tables that can be queried: which columns a key of a query
stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from archive.container import layout
from archive.container.columns import NAME, parameter_row
from archive.container.concatenated import text_column
from archive.container.container import Container
from archive.container.layout import Scope
from archive.container.rows import moment
from archive.errors import CorruptArchive
from archive.query import Column, Values

Rows = npt.NDArray[np.int64]

RUN_FIELDS = ("name", "started", "ended", "outcome")
SEGMENT_FIELDS = ("name", "recorded", "t_start", "t_stop", "duration")
SNAPSHOT_FIELDS = ("name", "taken", "time")


class _Objects:
    """Values of an ``other`` column, made when they are asked for."""

    def __init__(self, load: Callable[[Sequence[int]], Sequence[Any]]) -> None:
        self._load = load

    def load(self, rows: Rows) -> Sequence[Any]:
        return self._load(rows.tolist())


class _Moved:
    """Values of another table, whose `rows` say which one belongs to each of ours."""

    def __init__(self, inner: Values, rows: Rows) -> None:
        self._inner = inner
        self._rows = rows

    def load(self, rows: Rows) -> Sequence[Any]:
        return self._inner.load(self._rows[rows])


class _Outcomes:
    """The dictionary of the outcomes of runs."""

    def code(self, text: str) -> int | None:
        return layout.OUTCOMES.index(text) if text in layout.OUTCOMES else None

    def decode(self, codes: Rows) -> list[str]:
        return [layout.OUTCOMES[code] for code in codes.tolist()]


class RunColumns:
    """All runs, one row each. Keys: annotations, fields, ``parameters.…``; ``run.`` may precede."""

    def __init__(self, container: Container) -> None:
        self._container = container

    def __len__(self) -> int:
        return len(self._container.runs)

    def keys(self) -> list[str]:
        annotations = self._container.index("run").keys()
        parameters = self._container.index("parameters").keys()
        return [*annotations, *RUN_FIELDS, *(f"parameters.{key}" for key in parameters)]

    def columns(self, key: str, /) -> list[Column]:
        found = self.annotated(key)
        if not found and key.startswith("run."):
            key = key.removeprefix("run.")
            found = self.annotated(key)
        if not found and key.startswith("parameters."):
            found = self._parameters(key.removeprefix("parameters."))
        return found or self._field(key)

    def annotated(self, key: str) -> list[Column]:
        """The columns of an annotation."""
        return _annotation_columns(self._container, "run", key, len(self))

    def _field(self, key: str) -> list[Column]:
        if key == "name":
            return self.names()
        if key not in RUN_FIELDS:
            return []
        values = self._container.runs.all()[key]
        if key == "outcome":
            everywhere = np.ones(len(values), bool)
            return [Column("text", everywhere, values, texts=_Outcomes())]
        return [_moments(values)]

    def names(self) -> list[Column]:
        """The column of the names."""
        columns = self._container.index("run").columns(NAME, len(self))
        renamed = self._container.runs.renamed
        return [_with_texts(column, renamed) for column in columns] if renamed else columns

    def _parameters(self, key: str) -> list[Column]:
        sets = len(self._container.parameter_sets)
        columns = _annotation_columns(self._container, "parameters", key, sets)
        rows = _pointers(self._container, "run", "parameters", sets)
        return _broadcast(columns, rows, rows >= 0)


class _InRuns:
    """Rows that belong to runs. A key that one lacks is looked for in its run."""

    _scope: ClassVar[Scope]
    _fields: ClassVar[tuple[str, ...]]

    def __init__(self, container: Container) -> None:
        self._container = container
        self._runs = RunColumns(container)

    def __len__(self) -> int:
        return len(self._container.rows(self._scope))

    def keys(self) -> list[str]:
        annotations = self._container.index(self._scope).keys()
        of_runs = self._runs.keys()
        runs = (key for key in of_runs if key not in RUN_FIELDS)
        fields = (f"run.{field}" for field in RUN_FIELDS)
        return list(dict.fromkeys([*annotations, *runs, *self._fields, "run", *fields]))

    def columns(self, key: str, /) -> list[Column]:
        own = self._annotated(key)
        inherited = self._of_run(self._runs.annotated(key))
        if own or inherited:
            return own + _where_absent(inherited, own)
        if key.startswith(f"{self._scope}."):
            key = key.removeprefix(f"{self._scope}.")
            return self._annotated(key) or self._field(key)
        if key == "run":
            return self._of_run(self._runs.columns("name"))
        if key.startswith(("run.", "parameters.")):
            return self._of_run(self._runs.columns(key))
        return self._field(key)

    def names(self) -> list[Column]:
        """The column of the names."""
        return self._container.index(self._scope).columns(NAME, len(self))

    def _annotated(self, key: str) -> list[Column]:
        return _annotation_columns(self._container, self._scope, key, len(self))

    def _of_run(self, columns: list[Column]) -> list[Column]:
        if not columns:
            return []
        rows = _pointers(self._container, self._scope, "run", len(self._runs))
        return _broadcast(columns, rows, np.ones(len(rows), bool))

    def _field(self, key: str) -> list[Column]:
        if key == "name":
            return self.names()
        if key not in self._fields:
            return []
        table = self._container.rows(self._scope).all()
        if key in ("recorded", "taken"):
            return [_moments(table[key])]
        values = table["t_stop"] - table["t_start"] if key == "duration" else table[key]
        return [Column("float", ~np.isnan(values), values, unit="ms")]


class SegmentColumns(_InRuns):
    """All segments, one row each."""

    _scope = "segment"
    _fields = SEGMENT_FIELDS


class SnapshotColumns(_InRuns):
    """All snapshots, one row each."""

    _scope = "snapshot"
    _fields = SNAPSHOT_FIELDS


def _annotation_columns(container: Container, scope: Scope, key: str, length: int) -> list[Column]:
    index = container.index(scope)
    if not (index.complete or index.has_column(key)):
        return _scanned(container, scope, key, length)

    def load(rows: Sequence[int]) -> list[Any]:
        return [row.get(key) for row in _all_values(container, scope, rows)]

    return [
        replace(column, objects=_Objects(load)) if column.kind == "other" else column
        for column in index.columns(key, length)
    ]


def _scanned(container: Container, scope: Scope, key: str, length: int) -> list[Column]:
    """A key that got no column, as there were too many: every document is read."""
    values = _all_values(container, scope, range(length))
    present = np.array([key in row for row in values], bool)
    if not present.any():
        return []
    return [
        Column("other", present, objects=_Objects(lambda rows: [values[r].get(key) for r in rows]))
    ]


def _all_values(container: Container, scope: Scope, rows: Sequence[int]) -> list[dict[str, Any]]:
    if scope == "parameters":
        return [parameter_row(container.parameter_sets.model(row)) for row in rows]
    return container.rows(scope).many_annotations(rows)


def _pointers(container: Container, scope: Scope, field: str, length: int) -> Rows:
    """The rows of another table that a field names, -1 for none. CorruptArchive for others."""
    rows: Rows = container.rows(scope).all()[field]
    wrong = rows[(rows < -1) | (rows >= length)]
    if len(wrong):
        raise CorruptArchive(
            f"{field} {wrong[0]} is named, of {length}",
            path=container.path,
            entry=f"{scope}s",
            hint="'neuroarchive check' lists what is damaged",
        )
    return rows


def _with_texts(column: Column, texts: Mapping[int, str]) -> Column:
    """A text column with other texts in some rows."""
    if column.values is None or column.texts is None:
        return column
    known = column.texts.decode(column.values)
    return text_column([texts.get(row, text) for row, text in enumerate(known)])


def _broadcast(columns: list[Column], rows: Rows, valid: npt.NDArray[np.bool_]) -> list[Column]:
    """Columns of one table seen from another, whose `rows` say which row belongs to each."""
    return list(_taken(columns, np.where(valid, rows, 0), valid))


def _taken(columns: list[Column], rows: Rows, valid: npt.NDArray[np.bool_]) -> Iterator[Column]:
    for column in columns:
        yield replace(
            column,
            present=column.present[rows] & valid,
            values=None if column.values is None else column.values[rows],
            objects=None if column.objects is None else _Moved(column.objects, rows),
        )


def _where_absent(columns: list[Column], before: list[Column]) -> list[Column]:
    if not before:
        return columns
    taken = np.logical_or.reduce([column.present for column in before])
    return [replace(column, present=column.present & ~taken) for column in columns]


def _moments(values: Rows) -> Column:
    def load(rows: Sequence[int]) -> list[Any]:
        return [moment(int(values[row])) for row in rows]

    return Column("other", values != 0, objects=_Objects(load))
