"""Putting neurons back into a group of Brian 2."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

import schemas
from archive.entry import Entry, Loss
from archive.hooks.brian2_objects import (
    group_variables,
    is_per_member,
    kind_of,
    own_variables,
    parent,
    size_of,
)
from archive.hooks.brian2_plan import Numbers, Plan, assign, fitting
from archive.states.brian2 import MOMENTS, Variable, stored_variables


def plan_group(plan: Plan, entry: Entry, group: Any, shift: float) -> None:
    """Plan to put a population into a group; `shift` in s is from the snapshot's time to that of
    the group, 0 if the group gets the snapshot's time."""
    model = entry.model
    assert isinstance(model, schemas.Population)
    name = model.name
    whole, start, stop = parent(group)
    if model.size != stop - start:
        plan.fault(name, "size", f"{model.size} in the snapshot, {stop - start} in the network")
        return
    rows = slice(start, stop) if kind_of(group) == "Subgroup" else slice(None)
    stored, live = stored_variables(entry), group_variables(group)
    for key, held in stored.items():
        if key not in live:
            plan.fault(name, key, "the network has no variable of this name")
            continue
        if key == "_lastindex" and shift:
            continue  # counted anew from the spikes, at the time that the group has
        values = fitting(plan, name, key, held, live[key])
        if values is not None:
            values = moved(plan, name, key, values, shift)
            _plan_variable(plan, name, whole, live[key], values, rows)
    for key in live:
        if key not in stored and (plan.own or not key.startswith("_")):
            plan.lacking(name, key)
    if kind_of(group) == "SpikeGeneratorGroup" and "_spikes_changed" in model.native:
        plan.steps.append(partial(_set_spikes, group, model.native, counted=not shift))


def _set_spikes(group: Any, native: Mapping[str, Any], *, counted: bool) -> None:
    """What a generator of spikes keeps beside its variables: the spikes once more, and whether
    they are `counted` already, at the time that it has."""
    group._spike_time = group.variables["spike_time"].get_value().copy()
    group._neuron_index = group.variables["neuron_index"].get_value().copy()
    group._previous_dt = native.get("_previous_dt") if counted else None
    group._spikes_changed = bool(native["_spikes_changed"]) or not counted


def moved(plan: Plan, name: str, key: str, values: Numbers, shift: float) -> Numbers:
    """Moments of the past, as long ago as they were."""
    if key not in MOMENTS or not shift:
        return values
    plan.changed.append(
        Loss(name, key, f"moved by {shift:g} s, as the network's time is not the snapshot's")
    )
    shifted: Numbers = values + shift
    return shifted


def _plan_variable(
    plan: Plan, name: str, whole: Any, variable: Any, values: Numbers, rows: slice
) -> None:
    size = size_of(whole)
    has = np.shape(variable.get_value())
    wanted = np.shape(variable.get_value()[rows]) if is_per_member(whole, variable, size) else has
    if values.shape != wanted:
        if values.shape == (1,) and not plan.own:
            values = np.full(wanted, values[0])
        elif hasattr(variable, "resize") and values.ndim == 1:
            reason = f"{values.size} values in the snapshot, {wanted[0]} in the network"
            plan.unlike(name, variable.name, reason)
        else:
            reason = f"shape {values.shape} in the snapshot, {wanted} in the network"
            plan.fault(name, variable.name, reason)
            return
    plan.put(f"{name}: {variable.name}", assign(variable, values, rows))


def plan_object(plan: Plan, name: str, stored: dict[str, Variable], item: Any) -> None:
    """Plan to restore what else has variables of its own, such as the updater of a cable."""
    live = own_variables(item)
    for key, held in stored.items():
        if key not in live or np.shape(live[key].get_value()) != held.values.shape:
            plan.fault(name, key, "the network has it in another shape, or not at all")
            continue
        values = fitting(plan, name, key, held, live[key])
        if values is not None:
            plan.put(f"{name}: {key}", assign(live[key], values))
