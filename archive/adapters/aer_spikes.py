"""Address events as spike trains, one for each address, and back."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import schemas
from archive.adapters.aer_notes import LIMIT, Notes
from archive.adapters.models import checked_size, model_of
from archive.entry import Entry
from archive.errors import FormatError


def spike_entry(
    addresses: npt.NDArray[Any],
    ticks: npt.NDArray[Any],
    tick: Fraction,
    notes: Notes,
    path: Path,
) -> Entry:
    """Spike trains of the addresses that there are, which become channels; `tick` is in seconds.
    Raises FormatError for what only damage says of them."""
    unit = notes.time_unit if notes.time_unit and _is_time(notes.time_unit) else "ms"
    times = _times(ticks, tick, unit)
    channels = np.union1d(addresses, np.array(notes.silent, np.int64)).astype(np.int64)
    neuron = np.searchsorted(channels, addresses)
    order = np.lexsort((times, neuron))
    times, neuron = times[order], neuron[order]
    t_start, t_stop = notes.t_start, notes.t_stop
    first = float(times.min()) if len(times) else 0.0
    last = float(times.max()) if len(times) else 0.0
    if t_start is None or t_start > first:
        t_start = min(0.0, first)
    if t_stop is None or t_stop < last:
        t_stop = max(0.0, last)
    model = model_of(
        schemas.SpikeTrains,
        str(path),
        population=notes.population,
        variable=notes.variable or "spikes",
        time_unit=unit,
        size=checked_size(len(channels), str(path)),
        t_start=t_start,
        t_stop=t_stop,
    )
    return Entry(model, {"times": times, "neuron": neuron, "channels": channels})


def _is_time(unit: str) -> bool:
    try:
        schemas.conversion(unit, "s")
    except schemas.UnitError:
        return False
    return True


def _times(ticks: npt.NDArray[Any], tick: Fraction, unit: str) -> npt.NDArray[np.float64]:
    ratio = tick / Fraction(schemas.conversion(unit, "s"))
    if ratio.numerator < 1 << 20 and ratio.denominator < 1 << 53:
        whole = ticks.astype(np.float64) * float(ratio.numerator)
        return np.asarray(whole / float(ratio.denominator), np.float64)
    return ticks.astype(np.float64) * float(ratio)


class Ticked(NamedTuple):
    """Spikes in the order of time, as they are written."""

    addresses: npt.NDArray[np.int64]
    ticks: npt.NDArray[np.int64]
    notes: Notes
    silent: int  # how many trains without spikes the notes have no place for
    moved: float  # by how many ticks a time had to move, at most


def ticked(entry: Entry, segment: str | None, tick: Fraction, path: Path) -> Ticked:
    """The spikes of an entry with addresses for their channels, and times in whole ticks: the
    nearest. Raises FormatError where that is no time, or beyond integers of 64 bits."""
    model = entry.model
    assert isinstance(model, schemas.SpikeTrains)
    times = np.asarray(entry.arrays["times"], np.float64)
    neuron = np.asarray(entry.arrays["neuron"])
    channels = entry.arrays.get("channels")
    known = np.arange(model.size) if channels is None else np.asarray(channels).astype(np.int64)
    if len(np.unique(known)) < len(known):
        raise FormatError("two trains are of one channel, and would become one", path=path)
    ratio = Fraction(schemas.conversion(model.time_unit, "s")) / tick
    scaled = times * float(ratio.numerator) / float(ratio.denominator)
    if len(scaled) and not np.abs(scaled).max() < 2.0**53:
        raise FormatError("a time has too many ticks", path=path, hint="choose a longer tick")
    ticks = np.rint(scaled).astype(np.int64)
    order = np.argsort(times, kind="stable")
    silent = np.setdiff1d(known, known[neuron])
    notes = Notes(
        segment=segment,
        population=model.population,
        variable=model.variable,
        time_unit=model.time_unit,
        t_start=model.t_start,
        t_stop=model.t_stop,
        silent=tuple(silent.tolist()) if len(silent) <= LIMIT // 11 else (),
    )
    # the same, but for the last bits, is the same time
    moved = np.abs(scaled - ticks) - 4 * np.spacing(np.abs(scaled))
    return Ticked(
        known[neuron][order],
        ticks[order],
        notes,
        0 if len(notes.silent) == len(silent) else len(silent),
        max(0.0, float(moved.max())) if len(moved) else 0.0,
    )
