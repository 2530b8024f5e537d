"""Pieces of an NWB file, made with pynwb from the entries of an archive.

The types are those of the NWB core schema (nwb-schema.readthedocs.io), version 2.11.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.adapters.nwb_units import from_seconds, in_seconds, to_nwb
from archive.entry import ArrayLike, Entry, Loss
from schemas.v1.segment import Epoch, Event, ImageSequence, IrregularSignal, Signal, SpikeTrains

BLOCK = 1 << 26  # bytes of an array that is held at once, where there is more of it
CHUNK = 1 << 20  # bytes
LONGEST = 10_000  # characters; an attribute of HDF5 has 64 kB at most
ROUNDED = "rounded in the last digit: NWB has them in seconds"
NEVER_NUMBERS = "NWB has no numbers of this kind"


def series(entry: Entry, name: str, way: str, losses: list[Loss]) -> Any:
    """A signal or image sequence as a TimeSeries or ImageSeries; None if NWB cannot hold it."""
    from pynwb import TimeSeries
    from pynwb.image import ImageSeries

    model = entry.model
    assert isinstance(model, (Signal, IrregularSignal, ImageSequence))
    values = entry.arrays["values"]
    if values.dtype.kind not in ("iuf" if isinstance(model, ImageSequence) else "biuf"):
        losses.append(Loss(way, model.kind, f"{NEVER_NUMBERS}: {values.dtype}"))
        return None
    unit, factor = to_nwb(model.unit)
    facts: dict[str, Any] = {
        "name": name,
        "unit": unit,
        "conversion": factor,
        "data": blocks(values),
        "description": plain(model.description or model.variable),
        "comments": plain(way),
    }
    if isinstance(model, IrregularSignal):
        facts["timestamps"] = seconds(entry.arrays["times"], model.time_unit, way, "times", losses)
        return TimeSeries(**facts)
    clock = np.array([model.sampling_period, model.t_start])
    period, start = in_seconds(clock, model.time_unit).tolist()
    facts |= {"rate": 1 / period if period else math.inf, "starting_time": start}
    if not math.isfinite(facts["rate"]):
        losses.append(Loss(way, model.kind, "its sampling rate is beyond all floats"))
        return None
    return (ImageSeries if isinstance(model, ImageSequence) else TimeSeries)(**facts)


def events(entry: Entry, name: str, way: str, losses: list[Loss]) -> Any:
    """Events or epochs as an EventsTable, with their labels as annotations."""
    from pynwb.event import DurationVectorData, EventsTable, TimestampVectorData

    model = entry.model
    assert isinstance(model, (Event, Epoch))
    times = seconds(entry.arrays["times"], model.time_unit, way, "times", losses)
    columns = [
        TimestampVectorData(name="timestamp", description="Time of each.", data=times),
        column("annotation", "Label of each.", labels(entry.arrays["labels"], way, losses)),
    ]
    if isinstance(model, Epoch):
        lengths = seconds(entry.arrays["durations"], model.time_unit, way, "durations", losses)
        described = {"description": "How long each lasts.", "data": lengths}
        columns.insert(1, DurationVectorData(name="duration", **described))
    return EventsTable(
        name=name,
        description=plain(model.description or f"{model.variable} ({way})"),
        columns=columns,
        id=numbered(len(times)),
    )


class Trains:
    """The spike trains of all segments, gathered for the one table of units of a file."""

    def __init__(self) -> None:
        self.rows = 0
        self._times: list[npt.NDArray[np.float64]] = []
        self._counts: list[npt.NDArray[np.int64]] = []
        self._spans: list[npt.NDArray[np.float64]] = []
        self._channels: list[npt.NDArray[np.int64]] = []
        self._texts: dict[str, list[str]] = {"run": [], "segment": [], "population": []}

    def add(self, entry: Entry, run: str, segment: str, way: str, losses: list[Loss]) -> range:
        """The rows that the trains of an entry have."""
        model = entry.model
        assert isinstance(model, SpikeTrains)
        neuron = np.asarray(entry.arrays["neuron"], np.int64)
        self._times.append(seconds(entry.arrays["times"], model.time_unit, way, "times", losses))
        self._counts.append(np.bincount(neuron, minlength=model.size))
        span = in_seconds(np.array([model.t_start, model.t_stop]), model.time_unit)
        self._spans.append(np.tile(span, (model.size, 1)))
        channels = entry.arrays.get("channels", np.arange(model.size))
        self._channels.append(np.asarray(channels, np.int64))
        for name, text in (("run", run), ("segment", segment), ("population", model.population)):
            self._texts[name] += [text or ""] * model.size
        if "waveforms" in entry.arrays:
            losses.append(Loss(way, "waveforms", "only times of spikes are written"))
        self.rows += model.size
        return range(self.rows - model.size, self.rows)

    def table(self) -> Any:
        """The table of units; None if there is no train."""
        from pynwb.misc import Units

        if not self.rows:
            return None
        described = {
            "run": "Run that the train was recorded in.",
            "segment": "Segment of the run; each begins at a time of its own.",
            "population": "Population of the neuron.",
        }
        columns = [
            *indexed("spike_times", "Times of spikes, in s.", joined(self._times), self._counts),
            *indexed(
                "obs_intervals",
                "From when to when was recorded, in s.",
                np.concatenate(self._spans),
                [np.ones(self.rows, np.int64)],
            ),
            *(column(name, text, self._texts[name]) for name, text in described.items()),
            column("channel", "Index of the neuron in its population.", joined(self._channels)),
        ]
        return Units(
            name="units",
            description="The spike trains, one of each neuron in each segment.",
            columns=columns,
            id=numbered(self.rows),
        )


def column(name: str, description: str, data: Any) -> Any:
    """A column of a table."""
    from hdmf.common import VectorData

    return VectorData(name=name, description=description, data=data)


def indexed(
    name: str, description: str, data: npt.NDArray[Any], counts: Sequence[npt.NDArray[np.int64]]
) -> list[Any]:
    """A column with several entries in each row, `counts` of them: its index, and itself."""
    from hdmf.common import VectorIndex

    target = column(name, description, data)
    ends = np.cumsum(joined(counts)).astype(np.uint64)
    return [VectorIndex(name=f"{name}_index", target=target, data=ends), target]


def numbered(count: int) -> Any:
    """The identifiers of the rows of a table: 0, 1, 2, …"""
    from hdmf.common import ElementIdentifiers

    return ElementIdentifiers(name="id", data=np.arange(count))


def joined(pieces: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    return np.concatenate(pieces) if len(pieces) != 1 else pieces[0]


def labels(data: ArrayLike, way: str, losses: list[Loss]) -> list[str]:
    found = [str(one) for one in np.asarray(data).tolist()]
    told = [one.replace("\0", "") for one in found]
    if told != found:
        losses.append(Loss(way, "labels", "HDF5 has no text with a zero character in it"))
    return told


def plain(text: str) -> str:
    """A text for people, as an attribute of HDF5 can hold it. The document has it whole."""
    return text.replace("\0", "")[:LONGEST]


def seconds(
    given: ArrayLike, unit: str, way: str, field: str, losses: list[Loss]
) -> npt.NDArray[np.float64]:
    """Times in seconds; a loss where they do not come back from that as they were."""
    times = np.asarray(given)
    made = in_seconds(times, unit)
    if not np.array_equal(from_seconds(made, unit).astype(times.dtype), times, equal_nan=True):
        losses.append(Loss(way, field, ROUNDED))
    return made


def blocks(values: ArrayLike) -> Any:
    """What pynwb writes: the array, or, of a large one, an iterator over blocks of it."""
    row = math.prod(values.shape[1:]) * values.dtype.itemsize
    if row * values.shape[0] <= BLOCK:
        return np.asarray(values)
    from hdmf.data_utils import GenericDataChunkIterator

    class Blocks(GenericDataChunkIterator):  # type: ignore[misc]  # hdmf has no types
        def _get_data(self, selection: Any) -> Any:
            return np.asarray(values[selection])

        def _get_maxshape(self) -> tuple[int, ...]:
            return values.shape

        def _get_dtype(self) -> np.dtype[Any]:
            return values.dtype

    # whole rows, as an archive has them: narrow chunks would each read all of it
    rows = max(min(CHUNK // max(row, 1), values.shape[0]), 1)
    at_once = max(BLOCK // (max(row, 1) * rows), 1) * rows
    chunk = (rows, *values.shape[1:])
    return Blocks(chunk_shape=chunk, buffer_shape=(min(at_once, values.shape[0]), *chunk[1:]))
