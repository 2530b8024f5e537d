"""A TimeSeries of NWB, or of a type that extends it, as a signal, events or images."""

from __future__ import annotations

import math
from typing import Any

import h5py
import numpy as np

from archive.adapters import nwb_arrays as arrays
from archive.adapters.models import model_of
from archive.adapters.nwb_units import from_nwb
from archive.entry import ArrayLike, Entry, Loss
from archive.values import to_schema
from schemas.v1.segment import Event, ImageSequence, IrregularSignal, Signal
from schemas.v1.value import Value

TAKEN = ("data", "timestamps", "starting_time", "electrodes", "channel_conversion", "description")
# Attributes that say nothing of what was recorded, or that become the description.
NO_FACTS = ("namespace", "object_id", "description")
SMALL = 10_000  # values of a fact
UNKNOWN_RESOLUTION = -1.0


class _NotKept(Exception):
    """Why an archive cannot hold a series."""


def series_entry(held: h5py.Group, losses: list[Loss]) -> Entry | None:
    """The entry of a series; None if an archive cannot hold it, which is a loss then."""
    name = variable_of(held)
    try:
        return _entry(held, name, losses)
    except _NotKept as error:
        losses.append(Loss(name, "object", str(error)))
        return None


def _entry(held: h5py.Group, name: str, losses: list[Loss]) -> Entry:
    data = arrays.dataset(held, "data")
    if "external_file" in held or data is None or data.shape is None or not data.ndim:
        raise _NotKept("its data lie in other files")
    times, facts = _clock(held)
    if times is None and not facts:
        raise _NotKept("it has neither times nor a sampling rate")
    if not arrays.is_number(data.dtype):
        labels = arrays.column(data)
        if not isinstance(labels, list) or times is None or len(labels) != len(times):
            raise _NotKept(f"its data are no numbers ({data.dtype})")
        model = model_of(Event, name, variable=name, time_unit="s", **_said(held, data, losses))
        return Entry(model, {"times": times, "labels": np.array(labels, object)})
    if data.ndim > 3 or (data.ndim == 3 and times is not None):
        raise _NotKept(f"data of the shape {data.shape}")
    if times is not None and len(times) != len(data):
        raise _NotKept(f"{len(data)} samples at {len(times)} times")
    unit, factor, offset = _unit(data, name, losses)
    factors = _of_channels(held, data, factor, name, losses)
    values: ArrayLike = arrays.stored(data, factor=factors, offset=offset)
    said = {"variable": name, "time_unit": "s", "unit": unit, **_said(held, data, losses)}
    if data.ndim == 3:
        return Entry(model_of(ImageSequence, name, **said, **facts), {"values": values})
    channels = _channels(held, values.shape[1])
    if times is None:
        return Entry(
            model_of(Signal, name, **said, **facts), {"values": values, "channels": channels}
        )
    if np.any(np.diff(times) < 0):
        order = np.argsort(times, kind="stable")
        times, values = times[order], np.asarray(values)[order]
        losses.append(Loss(name, "timestamps", "they were not in order, and are sorted now"))
    return Entry(
        model_of(IrregularSignal, name, **said),
        {"times": times, "values": values, "channels": channels},
    )


def variable_of(held: h5py.Group) -> str:
    """The name of an object without the groups that all files have, steps joined by dots."""
    steps = [step for step in str(held.name).split("/") if step]
    for first in (("acquisition",), ("stimulus", "presentation"), ("processing",), ("intervals",)):
        if tuple(steps[: len(first)]) == first and len(steps) > len(first):
            steps = steps[len(first) :]
            break
    return ".".join("".join(c for c in step if c.isprintable()) for step in steps)[:255] or "data"


def _clock(held: h5py.Group) -> tuple[Any, dict[str, float]]:
    """Times in s, or the sampling period and the time of the first sample."""
    times = arrays.dataset(held, "timestamps")
    if times is not None and times.ndim == 1 and times.dtype.kind in "iuf":
        return np.asarray(times[()], np.float64), {}
    start = arrays.dataset(held, "starting_time")
    rate = None if start is None else arrays.attribute(start, "rate")
    if start is None or start.size != 1 or not isinstance(rate, (int, float)):
        return None, {}
    first = float(np.asarray(start[()]).ravel()[0])
    if not (rate > 0 and math.isfinite(1 / rate) and math.isfinite(first)) or 1 / rate == 0:
        return None, {}
    return None, {"sampling_period": 1 / rate, "t_start": first}


def _unit(data: h5py.Dataset, name: str, losses: list[Loss]) -> tuple[str, float, float]:
    """The unit, and what the values are multiplied by and added to be in it."""
    told = arrays.attribute(data, "unit")
    text = told if isinstance(told, str) else ""
    factor, offset = (_number(data, key, default) for key, default in _SCALE)
    if data.dtype.kind in "bc":
        factor, offset = 1.0, 0.0
    found = from_nwb(text, factor if offset == 0 else 1.0)
    if found is None:
        losses.append(Loss(name, "unit", f"{text!r:.80} is no unit that is known"))
        return "dimensionless", factor, offset
    return (*found, 0.0) if offset == 0 else (found[0], factor, offset)


_SCALE = (("conversion", 1.0), ("offset", 0.0))


def _number(data: h5py.Dataset, key: str, default: float) -> float:
    found = arrays.attribute(data, key)
    usable = isinstance(found, (int, float)) and math.isfinite(found)
    return float(found) if usable else default


def _of_channels(
    held: h5py.Group, data: h5py.Dataset, factor: float, name: str, losses: list[Loss]
) -> arrays.Factor:
    """The factor, times that which each channel has of its own where they have any."""
    found = arrays.dataset(held, "channel_conversion")
    if found is None:
        return factor
    columns = (data.shape[1],) if data.ndim == 2 else (1,)
    if found.shape != columns or found.dtype.kind not in "iuf" or data.dtype.kind in "bc":
        losses.append(Loss(name, "channel_conversion", "it is not one factor for each channel"))
        return factor
    own = np.asarray(found[()], np.float64)
    return factor if np.all(own == 1.0) else factor * own


def _channels(held: h5py.Group, count: int) -> Any:
    """The rows of the table of electrodes, or 0, 1, 2, …"""
    rows = arrays.dataset(held, "electrodes")
    if rows is not None and rows.shape == (count,) and rows.dtype.kind in "iu":
        return np.asarray(rows[()], np.int64)
    return np.arange(count)


def _said(held: h5py.Group, data: h5py.Dataset, losses: list[Loss]) -> dict[str, Any]:
    """The description, and the other facts as annotations."""
    annotations: dict[str, Value] = {}
    for name in held.attrs:
        value = None if name in NO_FACTS else arrays.attribute(held, name)
        if isinstance(value, (str, int, float)):
            if value not in ("", "no comments"):
                annotations[name] = value
        elif value is not None:
            reason = "an attribute that is no text and no number"
            losses.append(Loss(variable_of(held), name, reason))
    resolution = _number(data, "resolution", UNKNOWN_RESOLUTION)
    if resolution != UNKNOWN_RESOLUTION:
        annotations["resolution"] = resolution
    for name in arrays.members(held):
        if name in TAKEN or isinstance(held.get(name, getlink=True), h5py.ExternalLink):
            continue
        fact = arrays.dataset(held, name)
        if fact is None:
            continue  # a link to a device or an electrode, which lies elsewhere in the file
        value = arrays.column(fact) if fact.size is not None and fact.size <= SMALL else None
        if value is None:
            losses.append(Loss(variable_of(held), name, "it is too large, or of an unknown type"))
            continue
        whole: Any = np.asarray(value).item() if np.size(value) == 1 else value
        annotations[name] = to_schema(whole, name)
    description = arrays.attribute(held, "description")
    known = isinstance(description, str) and description not in ("", "no description")
    return {"description": description if known else None, "annotations": annotations}
