"""A Brian 2 network as the entry of a snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import schemas
from archive.entry import Entry
from archive.hooks import brian2_random
from archive.hooks.brian2_objects import (
    Objects,
    group_variables,
    kind_of,
    objects_of,
    own_variables,
    parent,
    read,
    size_of,
)
from archive.hooks.restoring import Choice, is_chosen
from archive.modelling import modelled
from archive.states.brian2 import (
    DERIVED,
    SIMULATOR,
    Ends,
    Pathway,
    population_entry,
    projection_entry,
)
from archive.states.brian2_queues import relative
from archive.values import to_schema

# What synapses keep of themselves beside their variables: where they lead, and counts of that.
CONNECTIVITY = frozenset(("_synaptic_pre", "_synaptic_post", "N_incoming", "N_outgoing"))


def capture(items: Sequence[Any], *, populations: Choice, projections: Choice) -> Entry:
    """The state of a network, or of groups and synapses, at this moment.

    All arrays are copies. What monitors have recorded is data, not state, and is not in it.
    """
    objects = objects_of(items)
    groups = {n: group for n, group in objects.groups.items() if is_chosen(n, populations)}
    synapses = {n: held for n, held in objects.synapses.items() if is_chosen(n, projections)}
    parts = [_group(group) for group in groups.values()]
    parts += [_synapses(held) for held in synapses.values()]
    steps = [float(clock.dt_) for clock in objects.clocks.values()]
    snapshot = modelled(
        schemas.Snapshot,
        "snapshot",
        time=_time(objects),
        time_unit="s",
        time_step=min(steps, default=None),
        simulator=SIMULATOR,
        populations=tuple(groups),
        projections=tuple(synapses),
        native={key: to_schema(fact, key) for key, fact in _whole(objects).items()},
    )
    return Entry(snapshot, parts=parts)


def _time(objects: Objects) -> float:
    if objects.network is not None:
        return float(objects.network.t_)
    return max((float(clock.variables["t"].item()) for clock in objects.clocks.values()), default=0)


def _whole(objects: Objects) -> dict[str, Any]:
    """What is of the network and of no part of it."""
    facts: dict[str, Any] = {
        "clocks": {
            name: {
                "timestep": int(clock.variables["timestep"].item()),
                "t": float(clock.variables["t"].item()),
                "dt": float(clock.dt_),
            }
            for name, clock in objects.clocks.items()
        }
    }
    if objects.network is not None:
        facts["random"] = brian2_random.captured()
        facts["recorders"] = objects.recorders
        facts["objects"] = {
            name: {
                key: np.array(variable.get_value()) for key, variable in own_variables(item).items()
            }
            for name, item in objects.others.items()
        }
    return facts


def _group(group: Any) -> Entry:
    whole, start, stop = parent(group)
    size = size_of(whole)
    variables = {
        name: read(whole, variable, size, rows=slice(start, stop))
        for name, variable in group_variables(group).items()
    }
    native: dict[str, Any] = {"clock": group.clock.name}
    if kind_of(group) == "Subgroup":
        native["view"] = {"of": whole.name, "start": start, "stop": stop}
    elif kind_of(group) == "SpikeGeneratorGroup":
        step = group._previous_dt
        native["_previous_dt"] = None if step is None else float(step)
        native["_spikes_changed"] = bool(group._spikes_changed)
    return population_entry(group.name, stop - start, variables, model=_model(group), native=native)


def _synapses(synapses: Any) -> Entry:
    size = size_of(synapses)
    source, first, last = parent(synapses.source)
    target, target_first, target_last = parent(synapses.target)
    arrays = own_variables(synapses)
    ends = Ends(
        pre=source.name,
        post=target.name,
        pre_size=size_of(source),
        post_size=size_of(target),
        sources=synapses.variables["_synaptic_pre"].get_value(),
        targets=synapses.variables["_synaptic_post"].get_value(),
    )
    variables = {
        name: read(synapses, arrays[name], size)
        for name in sorted(arrays)
        if name not in DERIVED and name not in CONNECTIVITY
    }
    native: dict[str, Any] = {"clock": synapses.clock.name}
    if kind_of(synapses.source) == "Subgroup":
        native["pre_view"] = {"start": first, "stop": last}
    if kind_of(synapses.target) == "Subgroup":
        native["post_view"] = {"start": target_first, "stop": target_last}
    pathways = {pathway.objname: _pathway(pathway) for pathway in synapses._pathways}
    return projection_entry(
        synapses.name, ends, variables, pathways, model=_model(synapses), native=native
    )


def _pathway(pathway: Any) -> Pathway:
    delays = np.array(pathway.variables["delay"].get_value())
    queue = None if pathway.queue is None else relative(pathway.queue._full_state())
    return Pathway(delays, queue, {"clock": pathway.source.clock.name})


def _model(item: Any) -> str | None:
    equations = getattr(item, "equations", None)
    return type(item).__name__ if equations is None else str(equations) or type(item).__name__
