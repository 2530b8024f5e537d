"""What of a population or projection does not come back the same from a SONATA file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.adapters.left_out import left_out
from archive.entry import ArrayLike, Entry, Loss
from archive.values import from_schema
from schemas.v1.value import Quantity, Scalar

NO_PLACE = "SONATA has no place for it"
_STATE = "state:"
_KEPT = {
    "population": {
        "name", "size", "model", "parameters", "state_units", "position_unit", "positions",
    },
    "projection": {
        "name", "pre", "post", "pre_size", "post_size", "size", "rows", "weight_unit",
        "delay_unit", "parameters", "state_units", "row_pointers", "columns", "order", "weights",
        "delays",
    },
}  # fmt: skip
_SCALED = {"positions": ("position_unit", "um"), "delays": ("delay_unit", "ms")}


def plain_numbers(value: Any) -> npt.NDArray[Any] | None:
    """The numbers of a parameter, without their unit; None if it has none that SONATA takes."""
    try:
        bare = np.asarray(getattr(value, "magnitude", value))
    except ValueError:  # lists of lists of several lengths
        return None
    return bare if is_plain(bare) else None


def is_plain(array: ArrayLike) -> bool:
    """Whether its items are numbers that SONATA takes."""
    return array.dtype.kind in "biuf" and array.dtype.itemsize <= 8


def losses_of(entry: Entry, size: int) -> Iterator[Loss]:
    """All losses of a population or projection of `size` neurons or connections; whose they are
    is not said."""
    model: Any = entry.model
    states = [key for key in entry.arrays if key.startswith(_STATE)]
    yield from left_out("", entry, {*_KEPT[model.kind], *states}, NO_PLACE)
    for array, (field, unit) in _SCALED.items():
        if getattr(model, field, unit) != unit:
            yield Loss("", field, f"it is {unit} in SONATA")
            if array in entry.arrays:
                yield Loss("", array, f"they are converted to {unit}, and so rounded")
    template = getattr(model, "model", None)
    if template is not None and not (size and "\0" not in template):
        yield Loss("", "model", "there is no neuron to have it, or HDF5 has no such text")
    if "weights" not in entry.arrays and getattr(model, "weight_unit", None) is not None:
        yield Loss("", "weight_unit", "there are no weights")
    for name in ("weights", "delays"):
        if name in entry.arrays and entry.arrays[name].dtype.str != "<f8":
            yield Loss("", name, "they are read in double precision")
    for name, value in model.parameters.items():
        reason = _changed(value, size)
        if reason:
            yield Loss("", f"parameters.{name}", reason)
    for key in states:
        reason = _changed_state(entry.arrays[key])
        name = key.removeprefix(_STATE)
        if reason:
            yield Loss("", key, reason)
            if name in model.state_units:
                yield Loss("", f"state_units.{name}", reason)
    for name in model.state_units:
        if f"{_STATE}{name}" not in entry.arrays:
            yield Loss("", f"state_units.{name}", "there is no such variable")


def _changed(value: Any, size: int) -> str:
    """Why a parameter is not read as it was."""
    bare = plain_numbers(from_schema(value))
    if bare is None or bare.shape not in ((), (1,), (size,)):
        return "only numbers have a place in SONATA"
    if bare.shape or not size:
        return "it is read as one value for each"
    inner = value.value if isinstance(value, Quantity) else value
    if isinstance(inner, (bool, Scalar)) or bare.dtype.kind == "b":
        return "it is read as a number of Python"
    return ""


def _changed_state(array: ArrayLike) -> str:
    """Why a variable is not read as it was."""
    if not is_plain(array):
        return f"{array.dtype} has no place in SONATA"
    if array.dtype.kind == "b":
        return "truth is read as 0 and 1"
    values = np.asarray(array)
    if len(values) and bool((values == values[0]).all()):
        return "values that are all the same are read as one parameter"
    return ""
