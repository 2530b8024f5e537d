"""Signals of a segment as NEURON's clipboard writes vectors, with all digits of each number."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np
import numpy.typing as npt

import schemas
from archive.adapters.foreign_names import Distinct, population_and_variable
from archive.adapters.left_out import NO_PLACE, left_out, whole
from archive.adapters.sampling import regular
from archive.adapters.segments import Found
from archive.entry import Entry, Loss, parts_of
from archive.errors import FormatError

AnySignal = schemas.Signal | schemas.IrregularSignal
_CARRIED = {
    "population", "variable", "time_unit", "t_start", "sampling_period", "times", "values",
    "channels",
}  # fmt: skip
_UNIT = "dimensionless"  # what a reader who is told nothing takes
_ROWS = 4096


def write_clipboard(
    segment: Entry, way: str, signal: str | None, staged: Path, path: Path
) -> list[Loss]:
    """Write the signals, or the one of that name, to `staged`; the losses."""
    losses = list(left_out(way, segment, (), NO_PLACE))
    found: list[Found] = []
    for at, part in parts_of(segment, way):
        fault = _unfit(part)
        if signal is not None and signal not in (at, at.removeprefix(f"{way}/")):
            fault = f"only {signal} was asked for"
        if fault is not None:
            losses.append(whole(at, part, fault))
        else:
            found.append((at, part))
    if not found:
        what = "signal" if signal is None else f"signal {signal!r}"
        reasons = "; ".join(dict.fromkeys(loss.reason for loss in losses if loss.entry != way))
        raise FormatError(
            f"there is no {what} that can be written", path=path, hint=reasons or None
        )
    distinct = Distinct()
    with staged.open("x", encoding="utf-8", errors="surrogatepass", newline="\n") as file:
        for number, (at, part) in enumerate(found):
            file.write("\n" if number else "")
            losses += _put(file, part, at, distinct)
    return losses


def _unfit(part: Entry) -> str | None:
    """Why a part cannot be written; None if it can."""
    if not isinstance(part.model, AnySignal):
        return "the file holds signals"
    values = part.arrays["values"]
    if np.dtype(values.dtype).kind not in "biuf":
        return "NEURON has real numbers only"
    least = 2 if isinstance(part.model, schemas.Signal) else 1
    if values.shape[0] < least or not values.shape[1]:
        return f"a signal of shape {tuple(values.shape)} is not told from other vectors"
    times = _times(part, values.shape[0])
    is_regular = isinstance(part.model, schemas.Signal)
    if not np.isfinite(times).all() or (is_regular and _found_again(times) is None):
        return "its times are too large, or too close to be told apart"
    return None


def _put(file: TextIO, entry: Entry, way: str, distinct: Distinct) -> Iterator[Loss]:
    model, values = entry.model, entry.arrays["values"]
    assert isinstance(model, AnySignal)
    yield from left_out(
        way, entry, _CARRIED | ({"unit"} if model.unit == _UNIT else set()), NO_PLACE
    )
    if np.dtype(values.dtype) != np.float64:
        yield Loss(way, "values", f"{values.dtype} becomes float64")
    channels = entry.arrays.get("channels")
    if channels is not None and not _is_counted(np.asarray(channels)):
        yield Loss(way, "channels", "the columns have no numbers")
    times = _times(entry, values.shape[0])
    yield from _lost_of_times(model, times, way)
    label = "/".join(filter(None, (model.population, model.variable)))
    population, variable = population_and_variable(label.strip(), "vector")
    if (population, distinct(variable)) != (model.population, model.variable):
        reason = "a label has no blanks at its ends, and another name if it stands there already"
        yield Loss(way, "variable", reason)
        yield Loss(way, "population", reason)
    file.write(f"label:{label}\n{values.shape[0]}\n")
    for begin in range(0, values.shape[0], _ROWS):
        block = np.asarray(values[begin : begin + _ROWS], np.float64)
        for time, row in zip(times[begin : begin + _ROWS].tolist(), block.tolist(), strict=True):
            file.write("\t".join(map(repr, (time, *row))) + "\n")


def _is_counted(channels: npt.NDArray[np.int64]) -> bool:
    return channels.dtype == np.int64 and np.array_equal(channels, np.arange(len(channels)))


def _times(entry: Entry, count: int) -> npt.NDArray[np.float64]:
    """In ms."""
    model = entry.model
    factor = float(schemas.conversion(str(getattr(model, "time_unit", "ms")), "ms"))
    with np.errstate(over="ignore"):
        if isinstance(model, schemas.Signal):
            times = model.t_start + model.sampling_period * np.arange(count, dtype=np.float64)
        else:
            times = np.asarray(entry.arrays["times"], np.float64)
        return np.asarray(times * factor, np.float64)


def _found_again(times: npt.NDArray[np.float64]) -> tuple[float, float] | None:
    """What a reader finds of times that are printed with all digits."""
    return regular(times, [repr(time).encode() for time in times.tolist()])


def _lost_of_times(model: AnySignal, times: npt.NDArray[np.float64], way: str) -> Iterator[Loss]:
    back = _found_again(times)
    if isinstance(model, schemas.IrregularSignal) and back is not None:
        yield whole(way, Entry(model), "its times are regular: it comes back a signal")
    if model.time_unit != "ms":
        is_regular = isinstance(model, schemas.Signal)
        for field in ("time_unit", *(("t_start", "sampling_period") if is_regular else ("times",))):
            yield Loss(way, field, f"NEURON's times are in ms, these were in {model.time_unit}")
    elif isinstance(model, schemas.Signal) and back is not None:
        for field, value in zip(("t_start", "sampling_period"), back, strict=True):
            if value != getattr(model, field):
                yield Loss(way, field, f"as the times are printed it is {value}")
