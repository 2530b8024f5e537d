"""From the columns of an ATF file to a run: a segment for each sweep, a signal for each column."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.adapters.atf_text import AtfText, Column, title_and_unit
from archive.adapters.foreign_names import Distinct, name_of, population_and_variable
from archive.adapters.foreign_units import NO_UNIT, contract_unit, is_time
from archive.adapters.keyed import keyed
from archive.adapters.models import model_of
from archive.adapters.neuron_text import decreases
from archive.adapters.sampling import regular
from archive.entry import Entry, Loss
from archive.errors import FormatError
from archive.values import to_schema

STARTS = "SweepStartTimesMS"
SIGNALS = "Signals"
EXPORTED = "SignalsExported"
SWEEP_START = "sweep_start"  # the annotation of a segment
_TRACE = re.compile(r"(?i)trace\s*#\s*([0-9]{1,9})")
CHANNEL = re.compile(r"(.+)\[([0-9]{1,15})\]")
_TIME = re.compile(r"(?i)t|time\b.*")


@dataclass
class Signals:
    """Columns of one name and unit in one sweep, which are the channels of one signal."""

    population: str | None
    variable: str
    unit: str
    columns: list[Column]
    channels: list[int]


@dataclass
class Reading:
    """One file, with what the user says of it."""

    path: Path
    text: AtfText
    time_unit: str | None = None
    regular: bool | None = None
    losses: list[Loss] = field(default_factory=list)

    def entries(self) -> Iterator[Entry]:
        """The run; or, where the first column is no time, a keyed value of each column."""
        columns = self.text.columns
        unit = self._unit_of_time(columns[0])
        if unit is None or len(columns) == 1:
            yield from self._keyed(columns)
            return
        facts, listed = self._records()
        times = columns[0].values
        assert not isinstance(times, list)
        if (row := decreases(times)) is not None:
            raise FormatError(
                f"row {row + 1} has the time {times[row]:g}, which is none after that before it",
                path=self.path,
            )
        segments = list(self._segments(columns, times, unit, listed))
        model = model_of(
            schemas.Run,
            self.path.name,
            name=name_of(self.path.stem, "run"),
            annotations=facts,
        )
        yield Entry(model, parts=segments)

    def _unit_of_time(self, column: Column) -> str | None:
        """That of the times in the first column; None if there are none."""
        name, told = title_and_unit(column.title)
        if isinstance(column.values, list):
            return None
        if self.time_unit is not None:
            return self.time_unit
        unit = contract_unit(told) if told is not None else None
        if unit is not None and is_time(unit):
            return unit
        if told is None and _TIME.fullmatch(name):
            reason = "the title tells no unit of the times: they are taken for seconds"
            self.losses.append(Loss(self.path.name, "time_unit", reason))
            return "s"
        return None

    def _records(self) -> tuple[dict[str, Any], dict[str, list[str]]]:
        """Header records as annotations, and the fields of those that tell of the columns."""
        facts: dict[str, Any] = {}
        listed: dict[str, list[str]] = {}
        for number, (head, *more) in enumerate(self.text.records, 1):
            key, equals, value = head.partition("=")
            if key == SIGNALS and more:
                listed[key] = more
                continue
            if key in (STARTS, EXPORTED):
                listed[key] = value.split(",")
                continue
            key = name_of(key if equals else "", f"record {number}")
            told: Any = (value if equals else head) if not more else [value, *more]
            if key in facts:
                held = facts[key]
                facts[key] = [*held, told] if isinstance(held, list) else [held, told]
            else:
                facts[key] = told
        return {key: to_schema(value, key) for key, value in facts.items()}, listed

    def _segments(
        self,
        columns: Sequence[Column],
        times: npt.NDArray[np.float64],
        unit: str,
        listed: dict[str, list[str]],
    ) -> Iterator[Entry]:
        fit = None
        if self.regular is not False:
            fit = regular(times, columns[0].printed)
            if self.regular and fit is None:
                raise FormatError("its times are not regular", path=self.path)
        sweeps = _sweeps(columns[1:])
        names = _names(columns[1:], listed)
        starts = _starts(listed.get(STARTS, []), len(sweeps))
        if STARTS in listed and starts is None:
            told = ",".join(listed[STARTS])
            self.losses.append(Loss(self.path.name, STARTS, f"are not those of the sweeps: {told}"))
        for place, (number, which) in enumerate(sweeps):
            name = f"sweep {number}" if number is not None else None
            facts = {} if starts is None else {SWEEP_START: schemas.Quantity(starts[place], "ms")}
            parts = list(self._parts(columns, which, names, times, fit, unit, name))
            model = model_of(schemas.Segment, self.path.name, name=name, annotations=facts)
            yield Entry(model, parts=parts)

    def _parts(
        self,
        columns: Sequence[Column],
        which: Sequence[int],
        names: Sequence[str],
        times: npt.NDArray[np.float64],
        fit: tuple[float, float] | None,
        time_unit: str,
        sweep: str | None,
    ) -> Iterator[Entry]:
        distinct = Distinct()
        signals: dict[tuple[str | None, str, str, int], Signals] = {}
        for at in which:
            column = columns[at + 1]
            if isinstance(column.values, list):
                name = name_of(title_and_unit(column.title)[0], "text")
                yield self._event(distinct(name), column.values, times, time_unit)
                continue
            if column.empty:
                where = "/".join(filter(None, (self.path.stem, sweep, names[at])))
                reason = f"{column.empty} empty fields are NaN"
                self.losses.append(Loss(where, "values", reason))
            self._gather(signals, column, names[at])
        for one in signals.values():
            one.variable = distinct(one.variable)
            yield self._signal(one, times, fit, time_unit)

    def _gather(
        self,
        signals: dict[tuple[str | None, str, str, int], Signals],
        column: Column,
        text: str,
    ) -> None:
        told = title_and_unit(column.title)[1]
        unit = contract_unit(told) if told is not None else NO_UNIT
        if unit is None:
            self.losses.append(Loss(self.path.name, "unit", f"{told!r} of {text} is no unit"))
            unit = NO_UNIT
        match = CHANNEL.fullmatch(text)
        bare, channel = (match[1], int(match[2])) if match else (text, 0)
        population, variable = population_and_variable(bare, "signal")
        key = (population, variable, unit, len(column.values))
        held = signals.get(key)
        if held is None or match is None or channel in held.channels:
            key = key if held is None else (population, f"{variable}\0{len(signals)}", *key[2:])
            signals[key] = Signals(population, variable, unit, [column], [channel])
        else:
            held.columns.append(column)
            held.channels.append(channel)

    def _signal(
        self,
        one: Signals,
        times: npt.NDArray[np.float64],
        fit: tuple[float, float] | None,
        time_unit: str,
    ) -> Entry:
        values = np.stack([np.asarray(column.values) for column in one.columns], axis=1)
        arrays: dict[str, npt.NDArray[Any]] = {}
        said: dict[str, Any] = {}
        if fit is None:
            arrays["times"] = times[: len(values)]
        else:
            said = {"t_start": fit[0], "sampling_period": fit[1]}
        arrays |= {"values": values, "channels": np.array(one.channels, np.int64)}
        model = model_of(
            schemas.IrregularSignal if fit is None else schemas.Signal,
            self.path.name,
            population=one.population,
            variable=one.variable,
            unit=one.unit,
            time_unit=time_unit,
            **said,
        )
        return Entry(model, arrays)

    def _event(
        self, name: str, texts: list[str], times: npt.NDArray[np.float64], time_unit: str
    ) -> Entry:
        """The texts of a column that are not empty, at the times of their rows."""
        at = [row for row, text in enumerate(texts) if text]
        model = model_of(schemas.Event, self.path.name, variable=name, time_unit=time_unit)
        labels = np.array([texts[row] for row in at], dtype=object)
        return Entry(model, {"times": times[at], "labels": labels})

    def _keyed(self, columns: Sequence[Column]) -> Iterator[Entry]:
        """A table of something else, as Clampfit's results and GenePix's are."""
        distinct = Distinct()
        facts, listed = self._records()
        for key, value in {**facts, **listed}.items():
            yield keyed(distinct(name_of(f"header {key}", "header")), value, self.path)
        for number, column in enumerate(columns, 1):
            name, told_unit = title_and_unit(column.title)
            unit = contract_unit(told_unit) if told_unit is not None else None
            if isinstance(column.values, list):
                unit = None
            text = name if unit is not None else column.title
            if column.empty:
                self.losses.append(Loss(text, "value", f"{column.empty} empty fields are NaN"))
            key = distinct(name_of(text, f"column {number}"))
            yield keyed(key, column.values, self.path, unit)


def _sweeps(columns: Sequence[Column]) -> list[tuple[int | None, list[int]]]:
    """The sweeps with the columns of each: by the numbers of traces in the titles; one without a
    number where not all titles have one."""
    found: dict[int | None, list[int]] = {}
    for at, column in enumerate(columns):
        match = _TRACE.fullmatch(title_and_unit(column.title)[0])
        if match is None and not isinstance(column.values, list):
            return [(None, list(range(len(columns))))]
        number = int(match[1]) if match is not None else next(reversed(found), None)
        found.setdefault(number, []).append(at)
    return sorted(found.items(), key=lambda item: -1 if item[0] is None else item[0])


def _names(columns: Sequence[Column], listed: dict[str, list[str]]) -> list[str]:
    """Of the signal in each column: as the header lists them, else what the title says."""
    signals = listed.get(SIGNALS, [])
    if len(signals) == len(columns):
        return signals
    exported = listed.get(EXPORTED, [])
    titles = [title_and_unit(column.title)[0] for column in columns]
    are_traces = all(_TRACE.fullmatch(title) for title in titles)
    if exported and are_traces and len(columns) % len(exported) == 0:
        return [exported[at % len(exported)] for at in range(len(columns))]
    if are_traces:
        return ["trace" for _ in titles]
    return [title or f"column {at}" for at, title in enumerate(titles, 2)]


def _starts(told: Sequence[str], sweeps: int) -> list[float] | None:
    if len(told) != sweeps:
        return None
    try:
        return [float(text) for text in told]
    except ValueError:
        return None
