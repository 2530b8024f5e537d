"""Putting connections back into synapses of Brian 2, with their delays and events underway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import schemas
from archive.connections import ends, native_order
from archive.entry import Entry
from archive.hooks.brian2_groups import moved
from archive.hooks.brian2_objects import is_per_member, own_variables, parent, size_of
from archive.hooks.brian2_plan import Numbers, Plan, assign, fitting
from archive.states.brian2 import (
    DERIVED,
    MAIN,
    WEIGHTS,
    Variable,
    stored_delays,
    stored_variables,
)
from archive.states.brian2_queues import checked, cpp_state, python_state
from archive.values import from_schema

CONNECTIVITY = ("_synaptic_pre", "_synaptic_post", "N_incoming", "N_outgoing")


@dataclass(slots=True)
class Target:
    """Synapses that get connections; `places` (connection,) are where each of the snapshot goes,
    None: as they come."""

    synapses: Any
    size: int
    places: Numbers | None

    def arranged(self, values: Numbers) -> Numbers:
        """Values of connections in the order of the snapshot, in that of the synapses."""
        if self.places is None or len(values) == 1:
            return values
        found = np.empty_like(values)
        found[self.places] = values
        return found


def plan_synapses(
    plan: Plan, entry: Entry, synapses: Any, shift: float, steps: Mapping[str, float]
) -> None:
    """Plan to put a projection into synapses. `shift` as for groups; `steps` are the time steps
    in s that the snapshot's clocks have, where the network does not get them."""
    model = entry.model
    assert isinstance(model, schemas.Projection)
    name = synapses.name
    target = _connected(plan, entry, synapses)
    if target is None:
        return
    stored = stored_variables(entry)
    live = {
        key: variable
        for key, variable in own_variables(synapses).items()
        if key not in DERIVED and key not in CONNECTIVITY
    }
    if not plan.own:
        _rename_weights(stored, live)
    for key, held in stored.items():
        if key not in live:
            plan.fault(name, key, "the network has no variable of this name")
            continue
        values = fitting(plan, name, key, held, live[key])
        if values is None:
            continue
        values = moved(plan, name, key, values, shift)
        _plan_variable(plan, entry, target, key, live[key], values)
    for key in live:
        if key not in stored and (plan.own or not key.startswith("_")):
            plan.lacking(name, key, agreed=not plan.own)
    _plan_pathways(plan, entry, target, steps)


def _rename_weights(stored: dict[str, Variable], live: Mapping[str, Any]) -> None:
    """The weights of another simulator are whatever a script calls so here."""
    weight = next((key for key in WEIGHTS if key in live), None)
    found = stored.pop(WEIGHTS[0], None)
    if found is not None:
        stored[weight or WEIGHTS[0]] = found


def _plan_variable(
    plan: Plan, entry: Entry, target: Target, key: str, variable: Any, values: Numbers
) -> None:
    name = target.synapses.name
    has = np.shape(variable.get_value())
    if variable.scalar or not _is_of_connections(target.synapses, variable):
        if values.shape != has:
            plan.fault(name, key, f"shape {values.shape} in the snapshot, {has} in the network")
            return
    elif len(values) == 1 and target.size != 1 and not plan.own:
        values = np.full(target.size, values[0])
    elif values.shape != (target.size,):
        plan.fault(name, key, f"{values.shape} values of {target.size} connections")
        return
    else:
        values = target.arranged(native_order(entry.arrays, values))
    plan.put(f"{name}: {key}", assign(variable, values))


def _is_of_connections(synapses: Any, variable: Any) -> bool:
    return is_per_member(synapses, variable, size_of(synapses))


def _connected(plan: Plan, entry: Entry, synapses: Any) -> Target | None:
    """Plan the connections themselves; None if the network cannot have them."""
    model = entry.model
    assert isinstance(model, schemas.Projection)
    name = synapses.name
    sources, targets = ends(model, entry.arrays)
    for side, group, stored_name, stored_size, indices in (
        ("pre", synapses.source, model.pre, model.pre_size, sources),
        ("post", synapses.target, model.post, model.post_size, targets),
    ):
        whole, start, stop = parent(group)
        inferred = model.native.get("ends") == "inferred"
        if not inferred and stored_size != size_of(whole):
            reason = f"{stored_size} in the snapshot, {size_of(whole)} in the network"
            plan.fault(name, f"{side} size", reason)
            return None
        if len(indices) and not (indices.min() >= start and indices.max() < stop):
            plan.fault(name, side, f"it connects neurons that are not among {start} to {stop - 1}")
            return None
        if not inferred and stored_name != whole.name:
            plan.unlike(name, side, f"{stored_name} in the snapshot, {whole.name} in the network")
    has_sources = synapses.variables["_synaptic_pre"].get_value()
    has_targets = synapses.variables["_synaptic_post"].get_value()
    if np.array_equal(sources, has_sources) and np.array_equal(targets, has_targets):
        if len(sources):
            plan.restored.append(f"{name}: connections")
        return Target(synapses, len(sources), None)
    if not plan.own:
        places = _places(sources, targets, has_sources, has_targets)
        if places is not None:
            plan.restored.append(f"{name}: connections")
            return Target(synapses, len(sources), places)
    plan.unlike(
        name,
        "connections",
        f"the {len(sources)} of the snapshot in place of {len(has_sources)}, or in another order",
    )
    plan.put(f"{name}: connections", partial(_connect, synapses, sources, targets))
    return Target(synapses, len(sources), None)


def _places(pre: Numbers, post: Numbers, has_pre: Numbers, has_post: Numbers) -> Numbers | None:
    """Where each connection of the snapshot stands in the network, if they are the same ones."""
    if len(pre) != len(has_pre):
        return None
    given, has = np.lexsort((post, pre)), np.lexsort((has_post, has_pre))
    if not (
        np.array_equal(pre[given], has_pre[has]) and np.array_equal(post[given], has_post[has])
    ):
        return None
    places = np.empty(len(pre), np.int64)
    places[given] = has
    return places


def _connect(synapses: Any, sources: Numbers, targets: Numbers) -> None:
    """What `Synapses.connect` does in the end, in place of the connections that were there."""
    synapses._connect_called = True
    for variable in synapses._registered_variables:
        variable.resize(len(sources))
    variables = synapses.variables
    variables["N"].set_value(len(sources))
    variables["_synaptic_pre"].set_value(sources)
    variables["_synaptic_post"].set_value(targets)
    for key in ("N_incoming", "N_outgoing"):
        variables[key].get_value()[:] = 0
    synapses._update_synapse_numbers(0)
    for pathway in synapses._pathways:  # events underway are of synapses that are gone
        pathway.queue._restore_from_full_state(None)


def _plan_pathways(plan: Plan, entry: Entry, target: Target, steps: Mapping[str, float]) -> None:
    model = entry.model
    assert isinstance(model, schemas.Projection)
    name = target.synapses.name
    live = {pathway.objname: pathway for pathway in target.synapses._pathways}
    delays = stored_delays(entry)
    stored = model.native.get("pathways") if plan.own else None
    facts = from_schema(stored) if isinstance(stored, dict) else {}
    for key in dict.fromkeys((*delays, *facts)):
        if key not in live:
            plan.fault(name, f"pathway {key}", "the network has no pathway of this name")
    for key, pathway in live.items():
        if key in delays:
            unit = model.delay_unit if key == MAIN else model.state_units.get(f"{key}.delay", "s")
            held = Variable(delays[key], unit)
            values = fitting(plan, name, f"{key}.delay", held, pathway.variables["delay"])
            if values is not None:
                _plan_delays(plan, entry, target, pathway, values)
        elif plan.own or key == MAIN:
            plan.lacking(name, f"{key}.delay", agreed=True)
        queue = facts.get(key, {}).get("queue")
        if queue is not None:
            _plan_queue(plan, name, target, pathway, facts[key], steps)
        elif plan.own:
            plan.lacking(name, f"{key}.queue", agreed=True)


def _plan_delays(plan: Plan, entry: Entry, target: Target, pathway: Any, values: Numbers) -> None:
    name, what = target.synapses.name, f"{pathway.objname}.delay"
    variable = pathway.variables["delay"]
    if values.shape not in ((1,), (target.size,)):
        plan.fault(name, what, f"{values.shape} values of {target.size} connections")
        return
    if variable.scalar:
        if len(values) != 1:
            if not len(values) or np.any(values != values[0]):
                plan.fault(name, what, "the network has one delay for all connections")
                return
            values = values[:1]
            if plan.own:
                plan.unlike(name, what, "the network has one delay for all connections")
    elif len(values) == 1 and target.size != 1:
        values = np.full(target.size, values[0])
        if plan.own:
            plan.unlike(name, what, "the snapshot has one delay for all connections")
    else:
        values = target.arranged(native_order(entry.arrays, values))
    plan.put(f"{name}: {what}", assign(variable, values))


def _plan_queue(
    plan: Plan,
    name: str,
    target: Target,
    pathway: Any,
    facts: Mapping[str, Any],
    steps: Mapping[str, float],
) -> None:
    what = f"{pathway.objname}.queue"
    step = float(pathway.source.clock.dt_)
    stored_step = steps.get(str(facts.get("clock")))
    if stored_step is not None and stored_step != step:
        plan.fault(name, what, f"its time step is {stored_step:g} s, that of the network {step:g}")
        return
    queue = checked(facts["queue"], target.size, f"{name}: {what}")
    plan.put(f"{name}: {what}", partial(_fill, pathway, queue, step))


def _fill(pathway: Any, queue: Mapping[str, Any], step: float) -> None:
    if hasattr(pathway.queue, "currenttime"):  # the Python implementation
        pathway.queue.currenttime = 0
        pathway.queue._restore_from_full_state(python_state(queue, step))
    else:
        pathway.queue._restore_from_full_state(cpp_state(queue))
