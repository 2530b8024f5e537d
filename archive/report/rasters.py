"""Spikes as pictures of bounded size: all of them while they are few, else how many fall into each
field of neurons and time. They are read block by block, never whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import schemas
from archive.container import Neurons
from archive.entry import ArrayLike, Entry
from archive.report.traces import AnyArray, Picture, milliseconds

WHOLE = 30_000  # spikes that are shown one by one
FIELDS = (1200, 240)
FIELDS_FINE = (4000, 400)  # where there is room
BLOCK = 1 << 19  # spikes that are read at a time
_FULL = 0xFFFFFFFF


def raster_picture(entry: Entry, fields: tuple[int, int] = FIELDS) -> Picture:
    """The picture of spike trains, with so many columns and rows where they are counted."""
    model = entry.model
    assert isinstance(model, schemas.SpikeTrains)
    times, neuron = entry.arrays["times"], entry.arrays["neuron"]
    count = times.shape[0]
    start, stop = _span(model, times)
    scale = milliseconds(model.time_unit)
    head: dict[str, Any] = {
        "kind": "raster",
        "neurons": model.size,
        "spikes": count,
        "start": start * scale,
        "stop": stop * scale,
    }
    span = (stop - start) or 1.0
    if count <= WHOLE:
        pieces = list(_pieces(times, neuron))
        part = [np.clip((found - start) / span, 0, 1) * _FULL for found, _ in pieces]
        arrays = [
            np.concatenate([np.empty(0), *part]).astype(np.uint32),
            np.concatenate([np.empty(0, np.int64), *(which for _, which in pieces)]).astype(
                np.uint32
            ),
        ]
        return Picture(head, arrays)
    columns, rows = fields[0], max(1, min(model.size, fields[1]))
    counted = np.zeros(rows * columns, np.int64)
    for found, which in _pieces(times, neuron):
        column = ((found - start) / span * columns).astype(np.int64).clip(0, columns - 1)
        row = which.astype(np.int64) * rows // max(model.size, 1)
        counted += np.bincount(row * columns + column, minlength=len(counted))
    peak = int(counted.max())
    head |= {"rows": rows, "columns": columns, "peak": peak}
    note = (
        f"{count:,} spikes counted in {rows:,} × {columns:,} fields of neurons and time, "
        f"at most {peak:,} in one"
    )
    return Picture(head, [counted.astype(np.min_scalar_type(peak))], note)


def _span(model: schemas.SpikeTrains, times: ArrayLike) -> tuple[float, float]:
    """From when to when; what lies outside of what the model says belongs to it all the same."""
    start, stop = model.t_start, model.t_stop
    for first in range(0, times.shape[0], BLOCK):
        found = np.asarray(times[first : first + BLOCK], np.float64)
        found = found[np.isfinite(found)]
        if not len(found):
            continue
        start, stop = min(start, float(found.min())), max(stop, float(found.max()))
    return start, stop


def _pieces(times: ArrayLike, neuron: ArrayLike) -> Iterator[tuple[AnyArray, AnyArray]]:
    """Times and trains of some spikes at a time; without those whose time is no number."""
    lazy = neuron if isinstance(neuron, Neurons) else None
    if lazy is not None:  # a slice of it would make the trains of all spikes
        active, ends = lazy.active(), np.cumsum(lazy.counts())
    for first in range(0, times.shape[0], BLOCK):
        last = min(first + BLOCK, times.shape[0])
        if lazy is not None:
            low, high = np.searchsorted(ends, (first, last - 1), side="right").tolist()
            some = np.diff(np.clip(ends[low : high + 1], first, last), prepend=first)
            which = np.repeat(active[low : high + 1], some)
        else:
            which = np.asarray(neuron[first:last])
        found = np.asarray(times[first:last], np.float64)
        known = np.isfinite(found)
        yield (found, which) if known.all() else (found[known], which[known])
