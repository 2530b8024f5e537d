"""What of a snapshot has no place in ANNarchy's files."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import schemas
from archive.adapters.left_out import said
from archive.entry import Entry, Loss

_UNIT = "ANNarchy has no units; the number stays"
_OURS = {"parameters", "variables", "post_ranks", "semiglobal", "single_weight", "sizes",
         "targets", "time_step", "step", "net_id", "max_delay", "uniform_delay"}  # fmt: skip
_TIMES = ("time", "time_step")
_INDICES = ("row_pointers", "columns", "order")
_WIDE = {"i": "<i8", "u": "<i8", "f": "<f8"}  # of all numbers, the types that are read
_KEPT: dict[type[schemas.Model], set[str]] = {
    schemas.Snapshot: {
        "kind", "time", "time_unit", "time_step", "simulator", "populations", "projections",
        "native",
    },
    schemas.Population: {
        "kind", "name", "size", "geometry", "parameters", "state_units", "native",
    },
    schemas.Projection: {
        "kind", "name", "pre", "post", "pre_size", "post_size", "size", "rows", "receptor",
        "parameters", "weight_unit", "delay_unit", "state_units", "native",
    },
}  # fmt: skip


def losses(entry: Entry, where: str, written: Collection[str]) -> list[Loss]:
    """Fields, arrays and units that are not in the file; `written` are the arrays that are."""
    model = entry.model
    found = [
        Loss(where, name, "ANNarchy's files have no place for it")
        for name in said(model)
        if name not in _KEPT[type(model)]
    ]
    if getattr(model, "simulator", None) not in (None, "annarchy"):
        found.append(Loss(where, "simulator", "it is ANNarchy that the file is of"))
    for name in ("time_unit", "delay_unit"):
        if getattr(model, name, "ms") != "ms":
            found.append(Loss(where, name, "times are in ms, and rounded so"))
            if isinstance(model, schemas.Snapshot):
                found += [Loss(where, one, "it is in ms, and rounded so") for one in _TIMES]
            elif "delays" in entry.arrays:
                found.append(Loss(where, "delays", "they are in ms, and rounded so"))
    if getattr(model, "receptor", None) == "":
        found.append(Loss(where, "receptor", "a target without a name is none"))
    for name in written:
        array = entry.arrays.get(name)
        if array is None or name in _INDICES:
            continue
        rowless = isinstance(model, schemas.Projection) and "post_ranks" not in model.native
        if name.startswith("state:") and rowless and not array.shape[0]:
            found.append(Loss(where, name, "there is no connection to have it"))
            continue
        wide = _WIDE.get(array.dtype.kind)
        if wide and array.dtype.str != wide:
            found.append(Loss(where, name, f"its values become {wide}"))
        elif array.dtype.kind == "b" and array.shape == (1,):
            found.append(Loss(where, name, "one truth for all is no variable"))
    native: dict[str, Any] = getattr(model, "native", {})
    hidden = sorted(set(native) - _OURS)
    if hidden:
        text = f"{', '.join(hidden)}: ANNarchy's save leaves it out, and so its load"
        found.append(Loss(where, "native", text))
    found += [
        Loss(where, name, "ANNarchy's files have no place for it")
        for name in entry.arrays
        if name not in written
    ]
    units: dict[str, str] = getattr(model, "state_units", {})
    for name, unit in units.items():
        if f"state:{name}" not in written:
            reason = "there is no such variable in the file"
        else:
            reason = f"{unit}: {_UNIT}"
        found.append(Loss(where, f"state_units.{name}", reason))
    of_weights = getattr(model, "weight_unit", None)
    if of_weights:
        found.append(Loss(where, "weight_unit", f"{of_weights}: {_UNIT}"))
    return found
