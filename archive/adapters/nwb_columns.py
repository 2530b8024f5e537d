"""Tables of NWB: units as spike trains, intervals and events as epochs and events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from archive.adapters import nwb_arrays as arrays
from archive.adapters.models import model_of
from archive.adapters.nwb_series import variable_of
from archive.entry import Entry, Loss
from archive.errors import FormatError
from archive.values import to_schema
from schemas.v1.segment import Epoch, Event, SpikeTrains
from schemas.v1.value import Value

LABELS = ("label", "annotation", "tags", "condition", "description")
SPIKES = ("spike_times", "spike_times_index", "obs_intervals", "obs_intervals_index", "id")
UNTAKEN = "a column of several values per row, or of no numbers and no text"


def ends(held: h5py.Group, name: str, path: Path) -> npt.NDArray[np.int64]:
    """Where the entries of each row of a column end. Raises FormatError where they go back, or
    beyond the column."""
    index, column = arrays.dataset(held, f"{name}_index"), arrays.dataset(held, name)
    if index is None or column is None or index.ndim != 1 or index.dtype.kind not in "iu":
        raise FormatError(f"the table has no {name}", path=path, entry=held.name)
    found = np.asarray(index[()], np.int64)
    if len(found) and (np.any(np.diff(found, prepend=0) < 0) or found[-1] > len(column)):
        raise FormatError(f"the index of {name} is damaged", path=path, entry=held.name)
    return found


def units_entry(held: h5py.Group, path: Path, losses: list[Loss]) -> Entry:
    """The table of units as the spike trains of one population, a unit each."""
    bounds = np.concatenate([[0], ends(held, "spike_times", path)])
    counts = np.diff(bounds)
    data = arrays.dataset(held, "spike_times")
    if data is None or data.ndim != 1 or data.dtype.kind not in "iuf":
        raise FormatError("times of spikes that are no numbers", path=path, entry=held.name)
    times = np.asarray(data[: bounds[-1]], np.float64)
    if len(times) < len(data):
        reason = f"the last {len(data) - len(times)} belong to no unit"
        losses.append(Loss(variable_of(held), "spike_times", reason))
    neuron = np.repeat(np.arange(len(counts)), counts)
    if np.any((np.diff(times) < 0) & (np.diff(neuron) == 0)):
        times = times[np.lexsort((times, neuron))]
    span = _span(held, path, len(counts), times)
    name = variable_of(held)
    model = model_of(
        SpikeTrains,
        name,
        population=name,
        variable="spikes",
        size=len(counts),
        time_unit="s",
        t_start=span[0],
        t_stop=span[1],
        train_annotations=_rows(held, len(counts), SPIKES, losses),
    )
    ids = arrays.dataset(held, "id")
    numbered = ids is not None and ids.shape == counts.shape and ids.dtype.kind in "iu"
    channels = np.asarray(ids[()], np.int64) if ids is not None and numbered else None
    if channels is None or len(np.unique(channels)) < len(channels):
        channels = np.arange(len(counts))
    return Entry(model, {"times": times, "neuron": neuron, "channels": channels})


def _span(
    held: h5py.Group, path: Path, count: int, times: npt.NDArray[np.float64]
) -> tuple[float, float]:
    """From when to when units were observed; where that is not said, from 0 s or the first spike
    to the last."""
    found = np.append(times, 0.0)
    observed = arrays.dataset(held, "obs_intervals")
    if observed is not None and observed.ndim == 2 and len(ends(held, "obs_intervals", path)):
        found = np.concatenate([times, np.asarray(observed[()], np.float64).ravel()])
    found = found[np.isfinite(found)]
    return (float(found.min()), float(found.max())) if len(found) else (0.0, 0.0)


def interval_entry(held: h5py.Group, losses: list[Loss]) -> Entry | None:
    """A table of intervals as epochs; one of moments as events, or epochs where they last."""
    name = variable_of(held)
    first = "start_time" if "start_time" in held else "timestamp"
    start, stop, lasts = (_numbers(held, column) for column in (first, "stop_time", "duration"))
    if start is None or (first == "start_time" and (stop is None or len(stop) != len(start))):
        losses.append(Loss(name, "object", "its times are no numbers"))
        return None
    columns = _rows(held, len(start), (first, "stop_time", "duration", "id"), losses)
    texts = (told for key in LABELS if isinstance(told := columns.get(key), list))
    labels = list(map(str, next(texts, [""] * len(start))))
    held_arrays: dict[str, Any] = {"times": start, "labels": np.array(labels, object)}
    kind: type[Event] | type[Epoch] = Event
    if stop is not None or (lasts is not None and np.isfinite(lasts).all()):
        kind = Epoch
        held_arrays["durations"] = stop - start if stop is not None else lasts
    elif lasts is not None:
        columns["duration"] = to_schema(lasts, name)
    description = arrays.attribute(held, "description")
    model = model_of(
        kind,
        name,
        variable=name,
        time_unit="s",
        description=description if isinstance(description, str) else None,
        array_annotations=columns,
    )
    return Entry(model, held_arrays)


def table_value(held: h5py.Group, losses: list[Loss]) -> dict[str, Any]:
    """The columns of any table by name: arrays, or lists of text."""
    rows = arrays.dataset(held, "id")
    return _rows(held, len(rows) if rows is not None and rows.ndim else 0, (), losses)


def _numbers(held: h5py.Group, name: str) -> npt.NDArray[np.float64] | None:
    data = arrays.dataset(held, name) if name in held else None
    if data is None or data.ndim != 1 or data.dtype.kind not in "iuf":
        return None
    return np.asarray(data[()], np.float64)


def _rows(
    held: h5py.Group, count: int, taken: tuple[str, ...], losses: list[Loss]
) -> dict[str, Value]:
    """The columns with one value in each row."""
    found: dict[str, Value] = {}
    names = arrays.members(held)
    for name in names:
        if name in taken or name.endswith("_index"):
            continue
        data = arrays.dataset(held, name)
        column = arrays.column(data) if data is not None and data.shape is not None else None
        plain = column is not None and len(np.shape(column)) and len(column) == count
        if f"{name}_index" in names or not plain:
            losses.append(Loss(variable_of(held), name, UNTAKEN))
        else:
            found[name] = to_schema(column, name)
    return found
