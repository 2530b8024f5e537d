"""The table of an NWB file that says of each segment when it was, in which run, and what it is
annotated with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from archive.adapters.nwb_objects import column, numbered, plain
from archive.adapters.nwb_units import in_seconds
from archive.entry import Entry
from archive.values import from_schema
from schemas.v1.run import Run
from schemas.v1.segment import ImageSequence, Part, Segment, Signal, SpikeTrains
from schemas.v1.unit import UnitError, conversion
from schemas.v1.value import Quantity, Value

SEGMENTS = "segments"
RESERVED = ("start_time", "stop_time", "run", "segment", "id", "tags", "timeseries")


class SegmentRow:
    """A segment: its run, its name, from when to when things were recorded, its annotations and
    those of its run."""

    def __init__(self, run: Run, model: Segment, name: str) -> None:
        self.run = run.name
        self.name = name
        self.annotations: dict[str, Value] = {**run.annotations, **model.annotations}
        self.start, self.stop = math.inf, -math.inf

    def reach(self, entry: Entry) -> None:
        """Extend the segment to what was recorded in this part, in seconds."""
        span = _span(entry)
        if span is not None:
            start, stop = in_seconds(np.array(span), getattr(entry.model, "time_unit", "s"))
            self.start, self.stop = min(self.start, start), max(self.stop, stop)

    @property
    def times(self) -> tuple[float, float]:
        return (self.start, self.stop) if self.start <= self.stop else (0.0, 0.0)


def _span(entry: Entry) -> tuple[float, float] | None:
    model = entry.model
    if isinstance(model, SpikeTrains):
        return model.t_start, model.t_stop
    if isinstance(model, (Signal, ImageSequence)):
        count = entry.arrays["values"].shape[0]
        return model.t_start, model.t_start + count * model.sampling_period
    times = entry.arrays.get("times")
    if not isinstance(model, Part) or times is None or not times.shape[0]:
        return None
    found = np.asarray(times)
    ends = found + np.asarray(entry.arrays["durations"]) if "durations" in entry.arrays else found
    return float(found.min()), float(ends.max())


def segments_table(rows: Sequence[SegmentRow]) -> Any:
    """The table of intervals, one row per segment. What is annotated is a column of numbers where
    all segments have numbers of one dimension, and else of text."""
    from pynwb.epoch import TimeIntervals

    columns = [
        column("start_time", "When the recording begins, in s.", [row.times[0] for row in rows]),
        column("stop_time", "When it ends, in s.", [row.times[1] for row in rows]),
        column("run", "Name of the run.", [row.run for row in rows]),
        column("segment", "Name of the segment in its run.", [row.name for row in rows]),
    ]
    for key in dict.fromkeys(key for row in rows for key in row.annotations):
        taken = key in RESERVED or hasattr(TimeIntervals, key)
        name = f"annotation {key}" if taken else key.replace(":", "_")
        columns.append(_annotation(name, [row.annotations.get(key) for row in rows]))
    return TimeIntervals(
        name=SEGMENTS,
        description="The segments of the runs; the clock of each begins anew.",
        columns=columns,
        id=numbered(len(rows)),
    )


def _annotation(name: str, found: Sequence[Value]) -> Any:
    unit = next((one.unit for one in found if isinstance(one, Quantity)), "dimensionless")
    numbers = [_number(one, unit) for one in found]
    if None in numbers:
        return column(name, "An annotation.", [_text(one) for one in found])
    said = "An annotation." if unit == "dimensionless" else f"An annotation, in {unit}."
    return column(name, said, np.array(numbers, float))


def _number(value: Value, unit: str) -> float | None:
    if isinstance(value, Quantity):
        if isinstance(value.value, bool) or not isinstance(value.value, (int, float)):
            return None
        try:
            return float(value.value) * float(conversion(value.unit, unit))
        except (UnitError, OverflowError):
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if unit != "dimensionless" or (isinstance(value, int) and abs(value) > 2**53):
        return None
    return float(value)


def _text(value: Value) -> str:
    return "" if value is None else plain(str(from_schema(value)))
