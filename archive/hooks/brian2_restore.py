"""Putting a snapshot into a Brian 2 network."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

import schemas
from archive.entry import Entry, Loss
from archive.hooks import brian2_random
from archive.hooks.brian2_groups import plan_group, plan_object
from archive.hooks.brian2_objects import Objects, objects_of, parent
from archive.hooks.brian2_plan import Plan
from archive.hooks.brian2_synapses import plan_synapses
from archive.hooks.restoring import Choice, Restoration, is_chosen
from archive.states.brian2 import BUFFERS, SIMULATOR, Variable, generator_state, plain
from archive.values import from_schema
from schemas.v1.value import Value

_NUMBER = re.compile(r"_\d+$")
SNAPSHOT = "snapshot"  # what the report calls that which is of the network as a whole


def restore(
    snapshot: Entry,
    items: Sequence[Any],
    *,
    populations: Choice,
    projections: Choice,
    strict: bool,
) -> Restoration:
    """Put a snapshot into a network, or what it has of single groups and synapses into them.

    Time, clocks and random state are put back into a whole network only. Otherwise the network
    keeps its time, and moments of the past are moved to be as long ago as they were.
    """
    model = snapshot.model
    assert isinstance(model, schemas.Snapshot)
    objects = objects_of(items)
    plan = Plan(strict, own=model.simulator == SIMULATOR)
    whole = plan.own and objects.network is not None and populations is True and projections is True
    parts = list(snapshot.parts)
    groups = {part.model.name: part for part in parts if isinstance(part.model, schemas.Population)}
    synapses = {
        part.model.name: part for part in parts if isinstance(part.model, schemas.Projection)
    }
    steps = _steps(model, objects, whole=whole)
    if not plan.own:
        synapses = _renamed(synapses, objects.synapses)
    for name, entry, group in _pairs(
        plan, groups, objects.groups, populations, complete=objects.network is not None
    ):
        shift = 0.0 if whole else _shift(model, objects, group)
        plan_group(plan, entry, group, shift)
        _note_model(plan, name, entry, group)
    for name, entry, held in _pairs(
        plan, synapses, objects.synapses, projections, complete=objects.network is not None
    ):
        shift = 0.0 if whole else _shift(model, objects, held)
        plan_synapses(plan, entry, held, shift, steps)
        _note_model(plan, name, entry, held)
    if whole:
        _plan_clocks(plan, model, objects)
        _plan_random(plan, model)
        _plan_others(plan, model, objects)
    if not plan.own:
        _skip_foreign(plan, model, [*groups.values(), *synapses.values()])
    return plan.carry_out()


def _skip_foreign(plan: Plan, model: schemas.Snapshot, parts: Sequence[Entry]) -> None:
    """Report what of another simulator has no place here, whatever the network is."""
    reason = f"it is of {model.simulator or 'another simulator'}"
    plan.skip(SNAPSHOT, "time", reason)
    for fact in ("constants", "native"):
        if getattr(model, fact):
            plan.skip(SNAPSHOT, fact, reason)
    for part in parts:
        held = part.model
        assert isinstance(held, (schemas.Population, schemas.Projection))
        for key in ("positions", "ids"):
            if key in part.arrays:
                plan.skip(held.name, key, "groups of Brian 2 have none")
        for key, value in held.parameters.items():
            if plain(value)[0] is None:
                plan.skip(held.name, key, "it is no number")
        if held.native:
            plan.skip(held.name, "native", reason)


def _pairs(
    plan: Plan,
    stored: Mapping[str, Entry],
    live: Mapping[str, Any],
    choice: Choice,
    *,
    complete: bool,
) -> list[tuple[str, Entry, Any]]:
    """What is both in the snapshot and in the network and was asked for; the rest is reported.
    Of single groups, unless `complete`, only these are asked for."""
    for name in () if isinstance(choice, bool) else choice:
        if name not in stored:
            plan.fault(name, "all", "the snapshot has none of this name")
    for name in stored:
        if is_chosen(name, choice) and name not in live and complete:
            plan.fault(name, "all", "the network has none of this name")
    for name in live:
        if is_chosen(name, choice) and name not in stored:
            plan.lacking(name, "all")
    return [
        (name, entry, live[name])
        for name, entry in stored.items()
        if name in live and is_chosen(name, choice)
    ]


def _renamed(stored: Mapping[str, Entry], live: Mapping[str, Any]) -> dict[str, Entry]:
    """Projections of another simulator by the names of synapses: those of the same name, else
    the only ones between the same two populations."""
    found = {}
    for name, entry in stored.items():
        model = entry.model
        assert isinstance(model, schemas.Projection)
        between = [
            other
            for other, synapses in live.items()
            if parent(synapses.source)[0].name == model.pre
            and parent(synapses.target)[0].name == model.post
        ]
        rivals = [
            other
            for other in stored.values()
            if isinstance(other.model, schemas.Projection)
            and (other.model.pre, other.model.post) == (model.pre, model.post)
        ]
        alone = len(between) == 1 and len(rivals) == 1 and name not in live
        found[between[0] if alone else name] = entry
    return found


def _shift(model: schemas.Snapshot, objects: Objects, item: Any) -> float:
    """From the time of the snapshot to that of a network, or of a single group, in s."""
    if model.simulator != SIMULATOR:
        return 0.0
    if objects.network is not None:  # its clocks may still be where another network left them
        return float(objects.network.t_) - model.time
    clock = item.clock
    stored = float(_clocks(model).get(clock.name, {}).get("t", model.time))
    return float(clock.variables["t"].item()) - stored


def _steps(model: schemas.Snapshot, objects: Objects, *, whole: bool) -> dict[str, float]:
    """The time steps in s of the snapshot's clocks that the network will not get."""
    return {
        name: facts["dt"]
        for name, facts in _clocks(model).items()
        if not (whole and name in _renumbered(_clocks(model), objects.clocks))
    }


def _renumbered(stored: Collection[str], live: Collection[str]) -> dict[str, str]:
    """The name in the network of each thing that Brian 2 named itself. It numbers those that it
    makes in one process, so that a network built again has a `cells_clock_1`."""
    found = {name: name for name in stored if name in live}
    free = [name for name in live if name not in found]
    for name in stored:
        stem = _NUMBER.sub("", name)
        same = [other for other in free if _NUMBER.sub("", other) == stem]
        rivals = [other for other in stored if other not in live and _NUMBER.sub("", other) == stem]
        if name not in found and len(same) == 1 and len(rivals) == 1:
            found[name] = same[0]
    return found


def _clocks(model: schemas.Snapshot) -> dict[str, Any]:
    clocks: dict[str, Any] = from_schema(model.native.get("clocks", {}))
    return clocks


def _note_model(plan: Plan, name: str, entry: Entry, item: Any) -> None:
    """Other equations over the same variables are no fault: the user may want them."""
    model = entry.model
    told = model.model if isinstance(model, schemas.Population) else getattr(model, "synapse", None)
    equations = getattr(item, "equations", None)
    has = None if equations is None else str(equations)
    if plan.own and told and has and told != has:
        plan.changed.append(Loss(name, "model", "the network has other equations"))


def _plan_clocks(plan: Plan, model: schemas.Snapshot, objects: Objects) -> None:
    stored = _clocks(model)
    names = _renumbered(stored, objects.clocks)
    for name, facts in stored.items():
        if name not in names:
            plan.skip(SNAPSHOT, f"clock {name}", "nothing in the network has it")
            continue
        clock = objects.clocks[names[name]]
        if float(clock.dt_) != facts["dt"]:
            reason = f"{facts['dt']:g} s in the snapshot, {clock.dt_:g} s in the network"
            plan.unlike(SNAPSHOT, f"time step of {name}", reason)
        plan.put(f"{SNAPSHOT}: clock {name}", partial(_set_clock, clock, facts))
    plan.put(f"{SNAPSHOT}: time", partial(_set_time, objects.network, model.time))


def _set_clock(clock: Any, facts: Mapping[str, Any]) -> None:
    clock._old_dt = None  # else the next run would compare it with the step that this replaces
    for key in ("dt", "timestep", "t"):
        clock.variables[key].set_value(facts[key])


def _set_time(network: Any, time: float) -> None:
    network.t_ = time


def _plan_random(plan: Plan, model: schemas.Snapshot) -> None:
    random = model.native.get("random")
    if not isinstance(random, dict):
        plan.lacking(SNAPSHOT, "random state", agreed=True)
        return
    generator_state(random)  # raises here, before anything is touched
    for name in BUFFERS:
        if brian2_random.left_over(random, name) is None:
            plan.lacking(SNAPSHOT, f"numbers drawn for {name}", agreed=True)
    plan.put(f"{SNAPSHOT}: random state", partial(brian2_random.restore, random))


def _plan_others(plan: Plan, model: schemas.Snapshot, objects: Objects) -> None:
    stored = model.native.get("objects")
    held: dict[str, Value] = stored if isinstance(stored, dict) else {}
    names = _renumbered(held, objects.others)
    for name, values in held.items():
        if name not in names:
            plan.fault(name, "all", "the network has none of this name")
            continue
        variables = {
            key: Variable(numbers)
            for key, value in (values.items() if isinstance(values, dict) else ())
            for numbers in [plain(value)[0]]
            if isinstance(numbers, np.ndarray)
        }
        plan_object(plan, name, variables, objects.others[names[name]])
    for name in objects.others:
        if name not in names.values():
            plan.lacking(name, "all")
    monitors = model.native.get("monitors")
    for name in monitors if isinstance(monitors, dict) else ():
        plan.skip(name, "recorded data", "it is data, and no state of the network")
    for name in objects.operations:
        plan.lacking(name, "what the Python function keeps for itself", agreed=True)
