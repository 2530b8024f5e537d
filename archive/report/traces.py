"""Signals as pictures of bounded size: the smallest and the largest value of each bucket of time.

They are read block by block, never whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.entry import ArrayLike, Entry
from archive.report.texts import NAME_LIMIT, shown
from schemas.v1.unit import UnitError, conversion

CHANNELS_SHOWN = 8
BLOCK_BYTES = 4 << 20
STEPS = 65534  # of a value between the smallest and the largest; 65535: there is none
MISSING = 65535

AnyArray = npt.NDArray[Any]


@dataclass(frozen=True)
class Picture:
    """What a panel shows: facts for the script of the page, and its arrays."""

    head: dict[str, Any]
    arrays: list[AnyArray]
    note: str = ""
    """What is not shown as it was recorded."""


def milliseconds(unit: str) -> float:
    """How many ms a unit of time is; of any other unit 1, as it is shown by its own name then."""
    try:
        return float(conversion(unit, "ms"))
    except UnitError:
        return 1.0


def trace_picture(entry: Entry, columns: int) -> Picture | None:
    """The picture of a signal with so many buckets; None if it cannot be drawn."""
    model, values = entry.model, entry.arrays["values"]
    assert isinstance(model, schemas.Signal | schemas.IrregularSignal)
    count, channels = (*values.shape, 1)[:2]
    if values.dtype.kind not in "biuf" or len(values.shape) != 2 or not count or not channels:
        return None
    kept = min(channels, CHANNELS_SHOWN)
    size = 1 if count <= 2 * columns else -(-count // columns)
    low, high = _extremes(values, size, kept)
    scale = milliseconds(model.time_unit)
    arrays: list[AnyArray] = []
    ranges = []
    for channel in range(kept):
        bottom, top = _range(low[:, channel], high[:, channel])
        ranges.append([bottom, top])
        arrays.append(_steps(low[:, channel], bottom, top))
        if size > 1:
            arrays.append(_steps(high[:, channel], bottom, top))
    head: dict[str, Any] = {
        "kind": "trace",
        "unit": shown(model.unit, NAME_LIMIT),
        "labels": [str(label) for label in _labels(entry, kept)],
        "ranges": ranges,
        "size": size,
        "count": count,
    }
    if isinstance(model, schemas.Signal):
        head["start"] = model.t_start * scale
        head["step"] = model.sampling_period * scale
    else:
        times = _times_of(entry.arrays["times"], size) * scale
        start, stop = float(times[0]), float(times[-1])
        head |= {"start": start, "stop": stop}
        part = (times - start) / ((stop - start) or 1.0)
        arrays.append((part * 0xFFFFFFFF).astype(np.uint32))
    return Picture(head, arrays, _said(count, channels, kept, size))


def _labels(entry: Entry, kept: int) -> list[Any]:
    channels = entry.arrays.get("channels")
    return list(range(kept)) if channels is None else np.asarray(channels[:kept]).tolist()


def _said(count: int, channels: int, kept: int, size: int) -> str:
    told = []
    if size > 1:
        told.append(f"{count:,} samples drawn by the smallest and the largest of every {size:,}")
    if kept < channels:
        told.append(f"{kept} of {channels:,} channels shown")
    return "; ".join(told)


def blocks(values: ArrayLike, size: int, channels: int) -> Iterator[tuple[int, AnyArray]]:
    """Pieces of whole buckets in few megabytes, each with the number of its first bucket."""
    count = values.shape[0]
    width = max(values.dtype.itemsize, 8) * channels
    buckets = max(1, BLOCK_BYTES // (width * size))
    for first in range(0, count, buckets * size):
        key: Any = slice(first, min(first + buckets * size, count))
        yield first // size, np.asarray(values[(key, slice(0, channels))])


def _extremes(values: ArrayLike, size: int, kept: int) -> tuple[AnyArray, AnyArray]:
    """The smallest and the largest of each bucket, shape (bucket, channel); NaN where all values
    are missing or infinite."""
    count = -(-values.shape[0] // size)
    low = np.full((count, kept), np.nan)
    high = np.full((count, kept), np.nan)
    for at, block in blocks(values, size, kept):
        found = block.astype(np.float64)
        found[~np.isfinite(found)] = np.nan
        starts = np.arange(0, len(found), size)
        low[at : at + len(starts)] = np.fmin.reduceat(found, starts, axis=0)
        high[at : at + len(starts)] = np.fmax.reduceat(found, starts, axis=0)
    return low, high


def _range(low: AnyArray, high: AnyArray) -> tuple[float, float]:
    known = np.isfinite(low)
    if not known.any():
        return 0.0, 0.0
    return float(low[known].min()), float(high[known].max())


def _steps(values: AnyArray, bottom: float, top: float) -> AnyArray:
    """Values as steps between the bottom and the top."""
    half = top / 2 - bottom / 2  # the difference itself may be beyond all floats
    part = (values / 2 - bottom / 2) / (half or 1.0)
    return np.where(np.isnan(part), MISSING, np.rint(part * STEPS)).astype(np.uint16)


def _times_of(times: ArrayLike, size: int) -> AnyArray:
    """The first time of each bucket; a time that is no number is that before it."""
    step = size * max(1, BLOCK_BYTES // (8 * size))
    firsts = range(0, times.shape[0], step)
    found = np.concatenate(
        [np.asarray(times[first : first + step], np.float64)[::size] for first in firsts]
    )
    known = np.isfinite(found)
    if not known.any():
        return np.zeros(len(found))
    at = np.maximum.accumulate(np.where(known, np.arange(len(found)), np.argmax(known)))
    return np.asarray(found[at])
