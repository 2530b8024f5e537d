"""A mapping of names to arrays or quantities as parts of a segment."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.entry import Entry
from archive.errors import ContractError, FormatError
from archive.hooks.brian2 import si_unit
from archive.hooks.neo_trains import spikes_entry
from archive.hooks.plain import check_period, modelled, plain_array, plain_times, say_sorted
from archive.values import unit_text

SPIKES = "spikes"
TIME = schemas.parse("s").dimension


def mapping_parts(
    named: Mapping[str, Any],
    *,
    sampling_period: Any = None,
    t_start: Any = None,
    t_stop: Any = None,
) -> list[Entry]:
    """The parts that a mapping of names describes.

    A name is ``variable`` or ``population/variable``. Values have the shape (time,) or (time,
    channel), their dtype and unit are kept, and `sampling_period` says how far apart they are.
    Under ``spikes`` or ``population/spikes`` lie the times of spikes with their unit: a mapping
    of neurons to times, or a pair (times, neuron) of the same length. Times that stand alone
    (`sampling_period`, `t_start`, `t_stop`) are quantities; `t_stop` is when the recording of
    spikes ended, by default with the last signal or spike.
    Raises ContractError or FormatError for anything else, naming the entry.
    """
    wrong = next((name for name in named if not isinstance(name, str)), None)
    if wrong is not None:
        raise FormatError(f"the name {wrong!r} is no text", hint="name arrays 'v' or 'cell/v'")
    split = {name: _split(name) for name in named}
    signals = [
        _signal(named[name], population, variable, sampling_period, t_start)
        for name, (population, variable) in split.items()
        if variable != SPIKES
    ]
    end = max((_end(part) for part in signals), default=0.0) if t_stop is None else None
    spikes = [
        _spikes(named[name], population, t_start, t_stop, end)
        for name, (population, variable) in split.items()
        if variable == SPIKES
    ]
    return signals + spikes


def magnitude_and_unit(value: Any, where: str) -> tuple[Any, str]:
    """The numbers and the unit of an array or quantity (of quantities or Brian 2)."""
    source = _source(type(value).__mro__)
    if source == "neo":
        raise FormatError(
            f"a neo {type(value).__name__} in a mapping would lose what else it says",
            entry=where,
            hint="put it into a neo.Segment and append that",
        )
    if source == "quantities":
        return value.magnitude, unit_text(value)
    if source == "brian2":
        return np.asarray(value), si_unit(type(value), value.dim, where)
    return value, "dimensionless"


@lru_cache(maxsize=256)
def _source(ancestors: tuple[type, ...]) -> str | None:
    """Which of the packages that know units a type comes from; the first that fits."""
    names = [(kind.__module__, kind.__name__) for kind in ancestors]
    for package in ("neo", "quantities"):
        if any(module.startswith(f"{package}.") for module, _ in names):
            return package
    return "brian2" if ("brian2.units.fundamentalunits", "Quantity") in names else None


def _split(name: str) -> tuple[str | None, str]:
    population, slash, variable = name.partition("/")
    return (population, variable) if slash else (None, name)


def _where(population: str | None, variable: str) -> str:
    return variable if population is None else f"{population}/{variable}"


def _moment(value: Any, unit: str | None, where: str) -> tuple[float, str]:
    """A single time as a number, in `unit` or else in its own unit, and that unit."""
    number, own = magnitude_and_unit(value, where)
    if own == "dimensionless" or np.ndim(number) != 0:
        raise ContractError(
            f"{value!r} is no time", entry=where, hint="give a quantity, as in 0.1 * pq.ms"
        )
    try:
        factor = float(schemas.conversion(own, unit or "s"))
    except schemas.UnitError as wrong:
        raise ContractError(
            f"{value!r} is no time", entry=where, hint="give a quantity, as in 0.1 * pq.ms"
        ) from wrong
    return (float(number), own) if unit is None else (float(number) * factor, unit)


def _signal(given: Any, population: str | None, variable: str, period: Any, t_start: Any) -> Entry:
    where = _where(population, variable)
    magnitude, unit = magnitude_and_unit(given, where)
    values = plain_array(magnitude, where)
    if values.ndim not in (1, 2):
        raise ContractError(
            f"values of the shape {values.shape}",
            entry=where,
            hint="give them the shape (time,) or (time, channel)",
        )
    if period is None:
        raise ContractError(
            "the time between samples is missing",
            entry=where,
            hint="append(..., sampling_period=0.1 * pq.ms)",
        )
    step, time_unit = _moment(period, None, f"{where}: sampling_period")
    check_period(step * float(schemas.conversion(time_unit, "s")), where)
    columns = values[:, np.newaxis] if values.ndim == 1 else values
    model = modelled(
        schemas.Signal,
        where,
        population=population,
        variable=variable,
        unit=unit,
        time_unit=time_unit,
        sampling_period=step,
        t_start=_start(t_start, time_unit, where),
    )
    channels = np.arange(columns.shape[1], dtype=np.int64)
    return Entry(model, {"values": columns, "channels": channels})


def _start(t_start: Any, unit: str, where: str) -> float:
    return 0.0 if t_start is None else _moment(t_start, unit, f"{where}: t_start")[0]


def _end(part: Entry) -> float:
    """When a signal ends, in s."""
    model = part.model
    assert isinstance(model, schemas.Signal)
    length = part.arrays["values"].shape[0]
    end = model.t_start + length * model.sampling_period
    return end * float(schemas.conversion(model.time_unit, "s"))


def _spikes(
    given: Any, population: str | None, t_start: Any, t_stop: Any, end: float | None
) -> Entry:
    where = _where(population, SPIKES)
    if isinstance(given, Mapping):
        times, neuron, channels, unit = _from_mapping(given, where)
    elif isinstance(given, tuple) and len(given) == 2:
        times, unit = _times(given[0], where)
        neuron = plain_array(given[1], where, kinds="iu")
        if neuron.shape != times.shape:
            raise ContractError(
                f"{times.size} times, but neurons of the shape {neuron.shape}",
                entry=where,
                hint="give one neuron for each time",
            )
        if neuron.size and neuron.min() < 0:
            raise ContractError(f"a neuron has the index {neuron.min()}", entry=where)
        channels = np.arange(int(neuron.max()) + 1 if neuron.size else 0, dtype=np.int64)
    else:
        raise FormatError(
            f"spikes cannot be a {type(given).__name__}",
            entry=where,
            hint="give {neuron: times, ...} or a pair (times, neuron)",
        )
    last = float(times.max()) if times.size else 0.0
    start = _start(t_start, unit, where)
    if end is not None:
        stop = max(last, start, end / float(schemas.conversion(unit, "s")))
    else:
        stop = _moment(t_stop, unit, f"{where}: t_stop")[0]
    if times.size and not start <= float(times.min()) <= last <= stop:
        raise ContractError(
            f"spikes from {times.min()} to {last} {unit}, but a recording from {start} to {stop}",
            entry=where,
            hint="give t_start and t_stop that enclose all spikes",
        )
    return spikes_entry(
        times,
        neuron,
        channels,
        where,
        population=population,
        variable=SPIKES,
        time_unit=unit,
        t_start=start,
        t_stop=stop,
    )


def _times(given: Any, where: str) -> tuple[npt.NDArray[Any], str]:
    magnitude, unit = magnitude_and_unit(given, where)
    if schemas.parse(unit).dimension != TIME:
        raise ContractError(
            f"times in {unit}", entry=where, hint="give them a unit of time: times * pq.ms"
        )
    return plain_times(magnitude, where), unit


def _from_mapping(
    given: Mapping[Any, Any], where: str
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[np.int64], str]:
    """Times, neuron, channels and unit of a mapping of neurons to times, all of one unit."""
    wrong = next((key for key in given if not isinstance(key, int | np.integer)), None)
    if wrong is not None:
        raise FormatError(f"the neuron {wrong!r} is no integer", entry=where)
    indices = sorted(given)
    trains = [_times(given[index], f"{where}: neuron {index}") for index in indices]
    units = {unit for _, unit in trains}
    if len(units) > 1:
        raise ContractError(
            f"times in {' and '.join(sorted(units))}", entry=where, hint="give all in one unit"
        )
    if any((np.diff(times) < 0).any() for times, _ in trains):
        say_sorted(where)
    joined = [times for times, _ in trains] or [np.zeros(0)]
    counts = [len(times) for times, _ in trains]
    return (
        np.concatenate(joined),
        np.repeat(np.arange(len(indices)), counts),
        np.asarray(indices, dtype=np.int64),
        units.pop() if units else "ms",
    )
