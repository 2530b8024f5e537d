"""From the vectors of a NEURON file to signals of a segment, or to values under keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.adapters.foreign_names import Distinct, population_and_variable
from archive.adapters.keyed import keyed
from archive.adapters.models import model_of
from archive.adapters.neuron_text import Table, decreases
from archive.adapters.sampling import regular as regular_times
from archive.entry import Entry
from archive.errors import FormatError


@dataclass
class Reading:
    """What the user says of a file, which does not say it. `period` is in ms."""

    path: Path
    times: bool | None = None
    period: float | None = None
    regular: bool | None = None
    unit: str = "dimensionless"
    time_unit: str = "ms"
    variable: str | None = None
    _distinct: Distinct = field(default_factory=Distinct)

    def entries(self, tables: Sequence[Table]) -> Iterator[Entry]:
        """A segment with all that has times, if anything has, and keyed values of the others."""
        parts, others = [], []
        for table in tables:
            population, variable = self._names(table.label)
            times = self._times(table)
            if times is None:
                values = table.rows
                if self.period is None:
                    others.append((population, variable, values))
                    continue
                parts.append(self._signal(population, variable, values, 0.0, self.period))
            else:
                parts.append(self._timed(table, population, variable, times))
        if parts:
            yield Entry(model_of(schemas.Segment, self.path.name), parts=parts)
        for population, variable, values in others:
            yield self._keyed(population, variable, values)

    def _names(self, label: str | None) -> tuple[str | None, str]:
        text = self.variable or label or self.path.stem
        population, variable = population_and_variable(text, "vector")
        return population, self._distinct(variable)

    def _times(self, table: Table) -> npt.NDArray[np.float64] | None:
        columns = table.rows.shape[1]
        is_timed = self.times if self.times is not None else table.form != "matrix" and columns > 1
        if not is_timed:
            return None
        if columns < 2:
            raise FormatError(
                f"what begins in line {table.line} has one column: there are no times",
                path=self.path,
                hint="give sampling_period",
            )
        times = np.ascontiguousarray(table.rows[:, 0])
        if (row := decreases(times)) is not None:
            raise FormatError(
                f"row {row + 1} of what begins in line {table.line} has the time {times[row]:g},"
                " which is none after that before it",
                path=self.path,
                hint="give times=False if the first column is no time",
            )
        return times

    def _timed(
        self,
        table: Table,
        population: str | None,
        variable: str,
        times: npt.NDArray[np.float64],
    ) -> Entry:
        values = np.ascontiguousarray(table.rows[:, 1:])
        found = regular_times(times, table.times) if self.regular is not False else None
        if found is not None:
            return self._signal(population, variable, values, *found, self.time_unit)
        if self.regular:
            raise FormatError(
                f"the times of what begins in line {table.line} are not regular", path=self.path
            )
        return self._recorded(
            schemas.IrregularSignal, population, variable, {"times": times, "values": values}
        )

    def _signal(
        self,
        population: str | None,
        variable: str,
        values: npt.NDArray[Any],
        start: float,
        period: float,
        time_unit: str = "ms",
    ) -> Entry:
        told = {"time_unit": time_unit, "t_start": start, "sampling_period": period}
        return self._recorded(schemas.Signal, population, variable, {"values": values}, **told)

    def _recorded(
        self,
        kind: type[schemas.Model],
        population: str | None,
        variable: str,
        arrays: dict[str, npt.NDArray[Any]],
        **told: Any,
    ) -> Entry:
        fields = {"unit": self.unit, "time_unit": self.time_unit, **told}
        model = model_of(kind, self.path.name, population=population, variable=variable, **fields)
        return Entry(model, {**arrays, "channels": np.arange(arrays["values"].shape[1])})

    def _keyed(self, population: str | None, variable: str, values: npt.NDArray[Any]) -> Entry:
        bare = values[:, 0] if values.shape[1] == 1 else values
        key = "/".join(filter(None, (population, variable)))
        return keyed(key, np.ascontiguousarray(bare), self.path, self.unit)
