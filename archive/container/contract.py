"""Arrays against the model they belong to: what pydantic cannot see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.errors import ContractError

Arrays = Mapping[str, npt.NDArray[Any]]

NUMBERS = "biufc"


def part_name(model: schemas.Model) -> str:
    """The name by which a segment knows a part: ``population/variable``, or the one of them that
    there is; for the spikes of a population, its name alone."""
    population = getattr(model, "population", None)
    variable = getattr(model, "variable", model.kind)
    if population and isinstance(model, schemas.SpikeTrains) and variable == "spikes":
        return str(population)
    return f"{population}/{variable}" if population else str(variable)


def check_part(model: schemas.Model, arrays: Arrays) -> None:
    """Raises ContractError, naming the part, for arrays that do not fit their model."""
    fault = _CHECKS[model.kind](model, arrays) if model.kind in _CHECKS else "not a part"
    if fault:
        raise ContractError(fault, entry=part_name(model))


def _missing(arrays: Arrays, *names: str) -> str | None:
    lacking = [name for name in names if name not in arrays]
    return f"the array {lacking[0]!r} is missing" if lacking else None


def _numeric(arrays: Arrays, name: str, ndim: int) -> str | None:
    array = arrays[name]
    if array.dtype.kind not in NUMBERS or array.dtype.itemsize > 16:
        return f"{name} have dtype {array.dtype}, which cannot be kept; convert them to numbers"
    if array.ndim != ndim:
        return f"{name} have shape {array.shape}; {ndim} axes are needed"
    return None


def _times(arrays: Arrays, name: str = "times") -> str | None:
    times = arrays[name]
    if times.dtype.kind != "f" or times.ndim != 1:
        return f"{name} must be floating point with one axis, not {times.dtype} {times.shape}"
    if not np.isfinite(times).all():
        count = int((~np.isfinite(times)).sum())
        return f"{count} of {len(times)} {name} are NaN or infinite"
    return None


def _channels(arrays: Arrays, count: int) -> str | None:
    channels = arrays.get("channels")
    if channels is not None and (channels.shape != (count,) or channels.dtype.kind not in "iu"):
        return f"channels must be {count} integers, not {channels.dtype} {channels.shape}"
    return None


def _check_signal(_: schemas.Model, arrays: Arrays) -> str | None:
    return (
        _missing(arrays, "values")
        or _numeric(arrays, "values", 2)
        or _channels(arrays, arrays["values"].shape[1])
    )


def _check_irregular(_: schemas.Model, arrays: Arrays) -> str | None:
    fault = _missing(arrays, "times", "values") or _times(arrays) or _numeric(arrays, "values", 2)
    if fault:
        return fault
    times, values = arrays["times"], arrays["values"]
    if len(times) != len(values):
        return f"{len(times)} times but {len(values)} rows of values"
    if (np.diff(times) < 0).any():
        return "times decrease; sort them, and the values with them"
    return _channels(arrays, values.shape[1])


def _check_spikes(model: schemas.Model, arrays: Arrays) -> str | None:
    fault = _missing(arrays, "times", "neuron") or _times(arrays)
    if fault:
        return fault
    times, neuron, size = arrays["times"], arrays["neuron"], getattr(model, "size", 0)
    if neuron.shape != times.shape or neuron.dtype.kind not in "iu":
        return f"neuron must be {len(times)} integers, not {neuron.dtype} {neuron.shape}"
    if len(neuron):
        if neuron[0] < 0 or neuron[-1] >= size:
            return f"a spike belongs to train {neuron.min()} or {neuron.max()} of {size} trains"
        step = neuron[1:] != neuron[:-1]
        sorted_ = (neuron[1:] >= neuron[:-1]).all() and (step | (times[1:] >= times[:-1])).all()
        if not sorted_:
            return "spikes must be sorted by train, then by time"
    waveforms = arrays.get("waveforms")
    if waveforms is not None:
        fault = _numeric(arrays, "waveforms", 3)
        if fault or len(waveforms) != len(times):
            return fault or f"{len(times)} spikes but {len(waveforms)} waveforms"
    return _channels(arrays, size)


def _check_addresses(_: schemas.Model, arrays: Arrays) -> str | None:
    fault = _missing(arrays, "addresses", "ticks")
    if fault:
        return fault
    for name in ("addresses", "ticks"):
        if arrays[name].dtype.kind not in "iu" or len(arrays[name].shape) != 1:
            return f"{name} must be integers with one axis, not {_told(arrays[name])}"
    addresses, ticks = arrays["addresses"], arrays["ticks"]
    if addresses.shape != ticks.shape:
        return f"{addresses.shape[0]} addresses but {ticks.shape[0]} ticks"
    return None


def _told(array: npt.NDArray[Any]) -> str:
    return f"{array.dtype} {array.shape}"


def _check_event(_: schemas.Model, arrays: Arrays) -> str | None:
    fault = _missing(arrays, "times", "labels") or _times(arrays)
    if not fault and len(arrays["labels"]) != len(arrays["times"]):
        fault = f"{len(arrays['times'])} times but {len(arrays['labels'])} labels"
    return fault


def _check_epoch(model: schemas.Model, arrays: Arrays) -> str | None:
    fault = _missing(arrays, "durations") or _check_event(model, arrays)
    if fault:
        return fault
    if len(arrays["durations"]) != len(arrays["times"]):
        return f"{len(arrays['times'])} times but {len(arrays['durations'])} durations"
    return _times(arrays, "durations")


def _check_images(_: schemas.Model, arrays: Arrays) -> str | None:
    return _missing(arrays, "values") or _numeric(arrays, "values", 3)


_CHECKS = {
    "signal": _check_signal,
    "irregular-signal": _check_irregular,
    "spike-trains": _check_spikes,
    "address-events": _check_addresses,
    "event": _check_event,
    "epoch": _check_epoch,
    "image-sequence": _check_images,
}
