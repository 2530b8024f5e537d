"""Two recordings compared: their documents, then their arrays as their kind demands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

import schemas
from archive.entry import Entry
from archive.experiment.display import counted
from archive.experiment.document_diff import facts, verdict_of
from archive.experiment.part_diff import FirstDifference, PartDiff
from archive.experiment.snapshot_diff import FactDiff
from archive.experiment.spikes_comparison import SpikesDiff, compare_spikes
from archive.experiment.values_comparison import Columns, Scaling, ValuesDiff, compare
from archive.experiment.verdict import (
    CLOSE,
    DIFFERENT,
    EQUAL,
    IDENTICAL,
    ROUNDING,
    Verdict,
    worst,
)

# Of each kind the arrays, and the field of the model that has their unit.
ARRAYS: Final[dict[str, dict[str, str | None]]] = {
    "signal": {"values": "unit"},
    "irregular-signal": {"times": "time_unit", "values": "unit"},
    "spike-trains": {"waveforms": "waveform_unit"},
    "address-events": {"addresses": None, "ticks": None},
    "event": {"times": "time_unit", "labels": None},
    "epoch": {"times": "time_unit", "durations": "time_unit", "labels": None},
    "image-sequence": {"values": "unit"},
}
# Fields that are numbers in the unit that `time_unit` names, and in its inverse.
_TIMES: Final = ("sampling_period", "t_start", "t_stop", "tick")
_RATES: Final = ("sampling_rate",)
_UNITS: Final = ("time_unit", "unit", "waveform_unit")
# Without the same of these, the same rows are of other times.
_GRID: Final = {
    "signal": ("sampling_period", "t_start"),
    "image-sequence": ("sampling_period", "t_start"),
    "address-events": ("tick",),
}


@dataclass
class _Found:
    """What is known so far."""

    facts: list[FactDiff] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    arrays: list[ValuesDiff] = field(default_factory=list)
    spikes: SpikesDiff | None = None

    def say(self, note: str, verdict: Verdict = DIFFERENT) -> None:
        self.notes.append(note)
        self.verdicts.append(verdict)


def compare_parts(
    name: str, one: Entry, other: Entry, *, same_arrays: bool, tolerance: float | None
) -> PartDiff | None:
    """In what two recordings of one kind differ; None if in nothing. `same_arrays`: the digests
    of their arrays are equal, so that these need not be read."""
    found = _Found()
    factors = _units(one.model, other.model, found)
    comparable = _documents(one.model, other.model, factors, tolerance, found)
    columns = _channels(one, other, found)
    converted = any(factor not in (None, 1.0) for factor in factors.values())
    first: FirstDifference | None = None
    if not same_arrays or converted:
        if not comparable:
            found.say("not compared: their samples are of other times")
        elif None in factors.values():
            found.say("not compared: their units measure different things")
        else:
            _arrays(one, other, factors, columns, tolerance, found)
            first = _first(one, found, columns)
    verdict = worst(found.verdicts)
    if not same_arrays and verdict == IDENTICAL:
        # as 0.0 and -0.0 are among times of spikes
        found.notes.append("all values are equal, but not all bits")
        verdict = EQUAL
    if verdict == IDENTICAL:
        return None
    return PartDiff(
        name,
        one.model.kind,
        verdict,
        tuple(found.facts),
        tuple(found.notes),
        first,
        tuple(array for array in found.arrays if array.verdict != IDENTICAL),
        found.spikes,
    )


def _units(one: Any, other: Any, found: _Found) -> dict[str, float | None]:
    """By what the second's values are multiplied; None where units do not go together."""
    factors: dict[str, float | None] = {}
    for name in _UNITS:
        units = [getattr(model, name, None) for model in (one, other)]
        factors[name] = 1.0
        if units[0] == units[1] or None in units:
            continue
        try:
            factors[name] = float(schemas.conversion(units[1], units[0]))
        except schemas.UnitError:
            factors[name] = None
            found.say(f"{name}: {units[0]} -> {units[1]}")
        else:
            text = [unit or "dimensionless" for unit in units]
            found.say(f"{name}: {text[0]} -> {text[1]}, compared in {text[0]}", EQUAL)
    return factors


def _documents(
    one: schemas.Model,
    other: schemas.Model,
    factors: dict[str, float | None],
    tolerance: float | None,
    found: _Found,
) -> bool:
    """Note the fields that differ; returns whether the same rows are of the same times."""
    comparable = True
    known = [name for name in _UNITS if getattr(one, name, None) and getattr(other, name, None)]
    for fact in facts(one, other, ignored=known):
        verdict = verdict_of(fact)
        factor = factors["time_unit"]
        if fact.name in (*_TIMES, *_RATES) and None not in (factor, fact.first, fact.second):
            assert factor is not None
            factor = 1 / factor if fact.name in _RATES else factor
            verdict = _numbers(fact.first, fact.second, factor, tolerance)
            if verdict == IDENTICAL:
                continue
        found.facts.append(fact)
        found.verdicts.append(verdict)
        comparable &= verdict != DIFFERENT or fact.name not in _GRID.get(one.kind, ())
    return comparable


def _numbers(one: float, other: float, factor: float, tolerance: float | None) -> Verdict:
    converted = other * factor
    apart, scale = abs(one - converted), max(abs(one), abs(converted))
    if factor != 1.0 and apart <= scale * ROUNDING:
        return IDENTICAL  # the note on units says it
    if one == other:
        return EQUAL  # 0.0 and -0.0
    return CLOSE if apart <= scale * (tolerance or 0.0) else DIFFERENT


def _channels(one: Entry, other: Entry, found: _Found) -> Columns | None:
    """The columns of the neurons that both have; None if they have the same in all columns."""
    pair = [entry.arrays.get("channels") for entry in (one, other)]
    if pair[0] is None or pair[1] is None:
        return None
    mine, theirs = (np.asarray(channels) for channels in pair)
    if np.array_equal(mine, theirs):
        return None
    own = [len(np.setdiff1d(*both)) for both in ((mine, theirs), (theirs, mine))]
    if any(own):
        text = f"{counted(own[0], 'neuron')} only in the first, {own[1]} only in the second"
        found.say(f"{text}; those of both are compared")
    else:
        found.say("the same neurons in another order, or in other numbers")
    if any(len(np.unique(channels)) < len(channels) for channels in (mine, theirs)):
        count = np.arange(min(len(mine), len(theirs)))
        return count, count
    _, left, right = np.intersect1d(mine, theirs, assume_unique=True, return_indices=True)
    return left, right


def _arrays(
    one: Entry,
    other: Entry,
    factors: dict[str, float | None],
    columns: Columns | None,
    tolerance: float | None,
    found: _Found,
) -> None:
    if isinstance(one.model, schemas.SpikeTrains):
        types = [entry.arrays["times"].dtype for entry in (one, other)]
        if types[0] != types[1]:
            found.say(f"times: {types[0]} -> {types[1]}", EQUAL)
        found.spikes = compare_spikes(one, other, tolerance)
        found.verdicts.append(found.spikes.verdict)
        if found.spikes.first is not None and found.spikes.verdict == DIFFERENT:
            if "waveforms" in one.arrays and "waveforms" in other.arrays:
                found.say("waveforms are not compared, as the spikes are not the same")
            return
    for name, unit in ARRAYS[one.model.kind].items():
        left, right = one.arrays.get(name), other.arrays.get(name)
        if left is None or right is None:
            if left is not None or right is not None:
                found.say(f"{name}: only in the {'first' if right is None else 'second'}")
            continue
        if left.dtype != right.dtype:
            found.say(f"{name}: {left.dtype} -> {right.dtype}", EQUAL)
        if left.shape != right.shape:
            found.say(f"{name}: shape {left.shape} -> {right.shape}")
        chosen = columns if name == "values" else None
        if chosen is None and left.shape[1:] != right.shape[1:]:
            continue
        factor = 1.0 if unit is None else factors[unit] or 1.0
        text = None if unit is None else getattr(one.model, unit, None)
        array = compare(name, left, right, Scaling(factor, tolerance), chosen, text)
        found.arrays.append(array)
        found.verdicts.append(array.verdict)


def _first(one: Entry, found: _Found, columns: Columns | None) -> FirstDifference | None:
    model: Any = one.model
    if found.spikes is not None and found.spikes.first is not None:
        has = found.spikes.first_in or (0, 0)
        at, train = found.spikes.first
        return FirstDifference("spikes", at, model.time_unit, train, (), *has)
    worst_of_all = worst(array.verdict for array in found.arrays)
    sort = [array for array in found.arrays if array.verdict == worst_of_all and array.first]
    if not sort:
        return None
    array = min(sort, key=lambda array: array.first[0] if array.first else 0)
    assert array.first is not None
    assert array.values is not None
    neuron: int | None = None
    index = array.first
    if len(index) == 2 and "channels" in one.arrays:
        column = index[1] if columns is None else int(columns[0][index[1]])
        neuron, index = int(np.asarray(one.arrays["channels"])[column]), (index[0], column)
    time = _time(one, index[0])
    return FirstDifference(
        array.array, time, model.time_unit, neuron, index, *array.values, array.unit
    )


def _time(entry: Entry, row: int) -> float | None:
    model: Any = entry.model
    if hasattr(model, "sampling_period"):
        return float(model.t_start + row * model.sampling_period)
    if "times" in entry.arrays:
        return float(np.asarray(entry.arrays["times"][row : row + 1])[0])
    if "ticks" in entry.arrays:
        return float(np.asarray(entry.arrays["ticks"][row : row + 1])[0]) * float(model.tick)
    return None
