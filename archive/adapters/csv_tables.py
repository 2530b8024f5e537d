"""Tables for everybody: runs, segments, spikes, signals or events of an experiment as CSV."""

from __future__ import annotations

import csv
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

import schemas
from archive.adapters.csv_cells import Cell, Columns, cell, flat, unit_of
from archive.adapters.left_out import left_out
from archive.adapters.replacing import replacing
from archive.entry import Entry, Loss, Source, ways
from archive.errors import FormatError
from schemas.v1.parameters import ParameterSet
from schemas.v1.run import Run, RunEnd
from schemas.v1.segment import (
    Epoch,
    Event,
    IrregularSignal,
    Part,
    Segment,
    Signal,
    SpikeTrains,
)

_BLOCK = 1 << 16  # samples at a time
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")  # with which spreadsheets begin one
Row = dict[str, tuple[Any, str]]  # the values of a line and their units, by column
_WHERE = ("run", "segment", "segment name", "population", "variable")


class CsvTables:
    """Writes one table of an experiment as CSV (RFC 4180, UTF-8), for spreadsheets and pandas."""

    name: ClassVar[str] = "csv"
    suffixes: ClassVar[tuple[str, ...]] = (".csv",)
    extra: ClassVar[str | None] = None

    def write(
        self,
        source: Source,
        path: Path,
        /,
        *,
        table: str = "runs",
        formulas: str = "keep",
        overwrite: bool = False,
    ) -> list[Loss]:
        """Write one table, and return what is not in it.

        `table` is "runs", "segments", "spikes", "signals" or "events". Text that a spreadsheet
        would take for a formula is written as it is; with ``formulas="quote"`` it gets an
        apostrophe before it, and is returned as lost. Raises AlreadyExists, and FormatError for
        an option that there is not.
        """
        path = Path(path)
        for name, value, known in (("table", table, TABLES), ("formulas", formulas, _CHOICES)):
            if value not in known:
                raise FormatError(
                    f"{name} cannot be {value!r}", path=path, hint=f"known are {', '.join(known)}"
                )
        made = TABLES[table](formulas == "quote")
        with (
            replacing(path, overwrite=overwrite) as staged,
            staged.open("x", encoding="utf-8", newline="") as file,
        ):
            for place in _places(source):
                made.look(place)
            writer = csv.writer(file, lineterminator="\r\n")
            writer.writerow(made.guarded("experiment", "", [*made.columns.headings()]))
            for place in _places(source):
                made.judge(place)
                writer.writerows(made.rows(place))
            writer.writerows(made.last())
        return made.losses


@dataclass(slots=True)
class _Place:
    """An entry with the run and the segment that it lies in, and their numbers."""

    way: str
    entry: Entry
    run: Entry | None = None
    segment: Entry | None = None
    number: int = 0
    model: Any = field(init=False)

    def __post_init__(self) -> None:
        self.model = self.entry.model

    def where(self) -> list[Cell]:
        """The first cells of all that lies in a segment."""
        run, segment = (
            getattr(one and one.model, "name", None) for one in (self.run, self.segment)
        )
        return [cell(run), self.number, cell(segment)]


def _places(source: Source) -> Iterator[_Place]:
    """Everything in an experiment; the whole first."""
    experiment = source.entry()
    yield _Place("experiment", experiment)
    run = segment = None
    number = 0
    for way, entry in ways(experiment):
        match entry.model:
            case Run():
                run, segment, number = entry, None, 0
            case Segment():
                segment, number = entry, number + 1
            case schemas.KeyedValue():
                run = segment = None
        yield _Place(way, entry, run, segment, number)


class _Table:
    """One kind of table; its subclasses say what is in it."""

    kept: ClassVar[dict[type[schemas.Model], Sequence[str]]]
    """By model, the fields and arrays that are in it; a model that is not named is lost."""

    def __init__(self, quote: bool) -> None:
        self.columns = Columns()
        self.losses: list[Loss] = []
        self._quote = quote
        self._lost = ""

    def look(self, place: _Place) -> None:
        """See what columns an entry needs."""

    def rows(self, place: _Place) -> Iterable[Sequence[Any]]:
        """The lines of an entry."""
        return ()

    def last(self) -> Iterable[Sequence[Any]]:
        """What is written when all was seen."""
        return ()

    def judge(self, place: _Place) -> None:
        """Note what of an entry is not in the table; of what is lost as a whole no more."""
        if self._lost and place.way.startswith(self._lost):
            return
        kept = self.kept.get(type(place.model))
        kind = place.model.kind
        reason = "this table has no place for it"
        if kind == "experiment":
            kept = ("id",)  # what tells archives apart need not stand in a table
        if kept is None:
            self._lost = f"{place.way}/"
            self.losses.append(Loss(place.way, kind, reason))
            return
        self._lost = ""
        self.losses += left_out(place.way, place.entry, kept, reason)

    def fill(self, row: Row, place: _Place, facts: Iterable[tuple[str, Any]]) -> None:
        """Put values into a line; names with dots in them can be those of other, nested ones."""
        for name, value in facts:
            if name in row:
                reason = "another value of this name, and not this one, is in the table"
                self.losses.append(Loss(place.way, name, reason))
            row[name] = row.get(name, (value, unit_of(value)))

    def guarded(self, way: str, what: str, cells: list[Cell]) -> list[Cell]:
        """The cells, without formulas if none are wanted."""
        if not self._quote:
            return cells
        made: list[Cell] = []
        for one in cells:
            is_formula = isinstance(one, str) and one.startswith(_FORMULAS)
            made.append(f"'{one}" if is_formula else one)
        if made != cells:
            reason = "an apostrophe stands before what looks like a formula"
            self.losses.append(Loss(way, what or "name", reason))
        return made


_TOLD = ("simulator", "started", "description")


class _Runs(_Table):
    kept: ClassVar = {
        Run: ("name", "simulator", "started", "description", "annotations", "parameters"),
        RunEnd: ("ended", "outcome", "reason"),
        ParameterSet: ("name", "values"),
    }

    def __init__(self, quote: bool) -> None:
        super().__init__(quote)
        names = ("run", "simulator", "started", "ended", "outcome", "reason", "description")
        self.columns = Columns(names)
        self._run: tuple[str, Row] | None = None
        self._end = ""

    def look(self, place: _Place) -> None:
        for name, value in self._facts(place):
            self.columns.see(name, unit_of(value))

    def _facts(self, place: _Place) -> Iterator[tuple[str, Any]]:
        if isinstance(place.model, Run):
            yield from flat(place.model.annotations, "annotations")
        elif isinstance(place.model, ParameterSet):
            if place.model.name:
                yield "parameters", place.model.name
            yield from flat(place.model.values, "parameters")

    def rows(self, place: _Place) -> Iterable[Sequence[Any]]:
        model = place.model
        if isinstance(model, Run):
            yield from self.last()
            told = {name: (getattr(model, name), "") for name in _TOLD}
            self._run = place.way, {"run": (model.name, "")} | told
            self._end = ""
        if self._run is None or place.run is None:
            return
        row = self._run[1]
        if isinstance(model, RunEnd):
            if self._end:
                reason = "the run was gone on with, and its last end is in the table"
                self.losses.append(Loss(self._end, "run-end", reason))
            self._end = place.way
            for name in ("ended", "outcome", "reason"):
                row[name] = getattr(model, name), ""
        self.fill(row, place, self._facts(place))

    def last(self) -> Iterable[Sequence[Any]]:
        if self._run is not None:
            way, row = self._run
            self._run = None
            yield self.guarded(way, "name", self.columns.row(row))


class _Segments(_Table):
    kept: ClassVar = {
        Run: ("name",),
        Segment: ("name", "description", "recorded", "annotations"),
    }

    def __init__(self, quote: bool) -> None:
        super().__init__(quote)
        self.columns = Columns((*_WHERE[:3], "recorded", "description"))

    def look(self, place: _Place) -> None:
        if isinstance(place.model, Segment):
            for name, value in flat(place.model.annotations, "annotations"):
                self.columns.see(name, unit_of(value))

    def rows(self, place: _Place) -> Iterable[Sequence[Any]]:
        model = place.model
        if not isinstance(model, Segment):
            return
        row: Row = {name: (value, "") for name, value in zip(_WHERE, place.where(), strict=False)}
        row |= {name: (getattr(model, name), "") for name in ("recorded", "description")}
        self.fill(row, place, flat(model.annotations, "annotations"))
        yield self.guarded(place.way, "name", self.columns.row(row))


class _Recorded(_Table, ABC):
    """One line for each of many samples."""

    of: ClassVar[tuple[type[Part], ...]]
    measured: ClassVar[dict[str, str]]
    """Columns with units, and the fields that say these."""
    plain: ClassVar[Sequence[str]] = ()
    last_: ClassVar[Sequence[str]] = ()

    def __init__(self, quote: bool) -> None:
        super().__init__(quote)
        self.columns = Columns((*_WHERE, *self.plain, *self.measured, *self.last_))

    def look(self, place: _Place) -> None:
        if isinstance(place.model, self.of):
            for column, unit in self.measured.items():
                self.columns.see(column, getattr(place.model, unit))

    def rows(self, place: _Place) -> Iterable[Sequence[Any]]:
        model = place.model
        if not isinstance(model, self.of):
            return
        where = [*place.where(), cell(model.population), model.variable]
        where = self.guarded(place.way, "variable", where)
        units = [
            [getattr(model, unit)] if f"{column} unit" in self.columns.headings() else []
            for column, unit in self.measured.items()
        ]
        for block in self.blocks(place, units):
            yield from zip(*map(repeat, where), *block, strict=False)

    @abstractmethod
    def blocks(self, place: _Place, units: list[list[str]]) -> Iterator[list[Iterable[Any]]]:
        """The columns behind the first ones, some lines at a time; a column with several units
        has its unit, repeated, behind it."""


def _sliced(array: Any, first: int, count: int) -> Any:
    return np.asarray(array[first : first + count])


class _Spikes(_Recorded):
    of = (SpikeTrains,)
    measured: ClassVar = {"time": "time_unit"}
    plain = ("neuron",)
    kept: ClassVar = {
        Run: ("name",),
        Segment: ("name",),
        SpikeTrains: ("population", "variable", "time_unit", "times", "neuron", "channels"),
    }

    def blocks(self, place: _Place, units: list[list[str]]) -> Iterator[list[Iterable[Any]]]:
        arrays = place.entry.arrays
        channels = np.asarray(arrays["channels"]) if "channels" in arrays else None
        for first in range(0, arrays["times"].shape[0], _BLOCK):
            times = _sliced(arrays["times"], first, _BLOCK)
            neuron = _sliced(arrays["neuron"], first, _BLOCK)
            named = neuron if channels is None else channels[neuron]
            yield [named.tolist(), times.tolist(), *map(repeat, units[0])]


class _Signals(_Recorded):
    of = (Signal, IrregularSignal)
    measured: ClassVar = {"time": "time_unit", "value": "unit"}
    plain = ("channel",)
    kept: ClassVar = {
        Run: ("name",),
        Segment: ("name",),
        Signal: (
            "population", "variable", "time_unit", "unit", "t_start", "sampling_period", "values",
            "channels",
        ),
        IrregularSignal: (
            "population", "variable", "time_unit", "unit", "times", "values", "channels",
        ),
    }  # fmt: skip

    def blocks(self, place: _Place, units: list[list[str]]) -> Iterator[list[Iterable[Any]]]:
        arrays, model = place.entry.arrays, place.model
        rows, count = arrays["values"].shape
        channels = np.asarray(arrays["channels"] if "channels" in arrays else np.arange(count))
        step = max(1, _BLOCK // max(1, count))
        for first in range(0, rows, step):
            values = _sliced(arrays["values"], first, step)
            if isinstance(model, Signal):
                at = np.arange(first, first + len(values))
                times = model.t_start + at * model.sampling_period
            else:
                times = _sliced(arrays["times"], first, step)
            yield [
                np.tile(channels, len(values)).tolist(),
                np.repeat(times, count).tolist(),
                *map(repeat, units[0]),
                _written(values.reshape(-1)),
                *map(repeat, units[1]),
            ]


def _written(values: Any) -> Iterable[Any]:
    items: list[Any] = values.tolist()
    return map(cell, items) if values.dtype.kind in "bc" else items


class _Events(_Recorded):
    of = (Event, Epoch)
    measured: ClassVar = {"time": "time_unit", "duration": "time_unit"}
    last_ = ("label",)
    kept: ClassVar = {
        Run: ("name",),
        Segment: ("name",),
        Event: ("population", "variable", "time_unit", "times", "labels"),
        Epoch: ("population", "variable", "time_unit", "times", "durations", "labels"),
    }

    def blocks(self, place: _Place, units: list[list[str]]) -> Iterator[list[Iterable[Any]]]:
        arrays = place.entry.arrays
        times = np.asarray(arrays["times"]).tolist()
        durations: Iterable[Any] = repeat("")
        if "durations" in arrays:
            durations = np.asarray(arrays["durations"]).tolist()
        labels = self.guarded(place.way, "labels", list(map(_text, np.asarray(arrays["labels"]))))
        yield [times, *map(repeat, units[0]), durations, *map(repeat, units[1]), labels]


def _text(label: Any) -> str:
    return label.decode() if isinstance(label, bytes) else str(label)


TABLES: dict[str, Callable[[bool], _Table]] = {
    "runs": _Runs,
    "segments": _Segments,
    "spikes": _Spikes,
    "signals": _Signals,
    "events": _Events,
}
_CHOICES = ("keep", "quote")
