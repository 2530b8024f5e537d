"""The state of a population back into a compiled ANNarchy network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

import schemas
from archive.entry import Entry
from archive.hooks.annarchy_hidden import (
    CLOCKED,
    UNREAD,
    members,
    put_hidden,
    shows,
    unreadable,
)
from archive.hooks.annarchy_network import Attribute, Live, attributes_of
from archive.hooks.annarchy_plan import Plan
from archive.values import from_schema


def plan_population(plan: Plan, population: Any, part: Entry, target: Live) -> None:
    """Plan to put back what a snapshot has of a population."""
    model, name = part.model, str(population.name)
    assert isinstance(model, schemas.Population)
    if model.size != population.size:
        plan.fault(name, "size", f"it has {population.size} neurons, the snapshot {model.size}")
        return
    geometry = tuple(map(int, population.geometry))
    if model.geometry != geometry:
        plan.change(name, "geometry", f"it was {model.geometry}, and is {geometry}")
    held = {key: from_schema(value) for key, value in model.parameters.items()}
    held |= {
        key.removeprefix("state:"): values
        for key, values in part.arrays.items()
        if key.startswith("state:")
    }
    attributes = attributes_of(population)
    for each in attributes.values():
        if each.name not in held:
            plan.miss(name, each.name)
            continue
        values = plan.fitted(name, each, held[each.name], model.size)
        if values is not None:
            plan.put(f"{name}: {each.name}", _setter(population, each, values))
    for unknown in held.keys() - attributes.keys():
        plan.fault(name, unknown, "its neurons have nothing of that name")
    native: dict[str, Any] = from_schema(dict(model.native))
    plan.skip_unlisted(name, native)
    _plan_settings(plan, population, native)
    if type(population).__name__ not in CLOCKED:  # whose clock would start again
        # after the values: the queue of delayed rates is filled with the present ones
        plan.steps.append(population.cyInstance.reset)
    plan_hidden(plan, population, native, target)


def _setter(population: Any, attribute: Attribute, values: Any) -> Callable[[], None]:
    value = float(values[0]) if attribute.locality == "global" else values.tolist()
    return partial(setattr, population.cyInstance, attribute.name, value)


def _plan_settings(plan: Plan, population: Any, native: Mapping[str, Any]) -> None:
    name, inner = str(population.name), population.cyInstance
    refractory = native.get("refractory")
    if refractory is not None:
        if hasattr(inner, "refractory") and len(refractory) == population.size:
            plan.put(
                f"{name}: refractory",
                lambda: setattr(inner, "refractory", refractory.tolist()),
            )
        else:
            plan.fault(name, "refractory", "its neurons have no refractory period of their own")
    if "enabled" in native:
        switch = population.enable if native["enabled"] else population.disable
        plan.put(f"{name}: enabled", switch)
    if "mean_rate_window" in native:
        window = native["mean_rate_window"]
        plan.put(f"{name}: mean rate window", lambda: population.compute_firing_rate(window))
    if "spike_times" in native and hasattr(inner, "spike_times"):
        times = [np.asarray(each).tolist() for each in native["spike_times"]]
        if len(times) == population.size:
            plan.put(f"{name}: spike_times", lambda: setattr(inner, "spike_times", times))


def plan_hidden(plan: Plan, item: Any, native: Mapping[str, Any], target: Live) -> None:
    """Plan to put back what is hidden, and say what of it will not be as it was."""
    name = str(item.name)
    hidden, shown = native.get("hidden"), members(item, target.network)
    put: set[str] = set()
    if hidden is None:
        why = UNREAD
    elif not shows(target.network):
        why = "this network does not show it: it was compiled otherwise"
    elif hidden.keys() != shown or native.get("max_delay") != item.max_delay:
        why = "this network was made otherwise"
    else:
        why, put = UNREAD, set(hidden)
        plan.restored += [f"{name}: {member}" for member in sorted(put)]
        plan.steps.append(partial(put_hidden, item, target.network, hidden))
    for what, unread in unreadable(item, target.network.get_projections()).items():
        if not any(member.startswith(unread.member) for member in put):
            plan.skip(name, what, f"{unread.becomes} ({why})")
