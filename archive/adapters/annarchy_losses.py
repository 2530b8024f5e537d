"""What of a snapshot has no place in ANNarchy's files."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import schemas
from archive.entry import Entry, Loss

_UNIT = "ANNarchy has no units; the number stays"
_OURS = {"parameters", "variables", "post_ranks", "semiglobal", "single_weight", "sizes",
         "targets", "time_step", "step", "net_id", "max_delay", "uniform_delay"}  # fmt: skip
_KEPT: dict[type[schemas.Model], set[str]] = {
    schemas.Snapshot: {
        "kind", "time", "time_unit", "time_step", "simulator", "populations", "projections",
        "native",
    },
    schemas.Population: {
        "kind", "name", "size", "geometry", "parameters", "state_units", "native",
        "position_unit",
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
        for name in type(model).model_fields
        if name not in _KEPT[type(model)] and getattr(model, name) not in (None, {}, (), "")
    ]
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
        if f"state:{name}" in written and unit != "dimensionless":
            found.append(Loss(where, f"state_units.{name}", f"{unit}: {_UNIT}"))
    of_weights = getattr(model, "weight_unit", None)
    if of_weights and "weights" in written:
        found.append(Loss(where, "weight_unit", f"{of_weights}: {_UNIT}"))
    return found
