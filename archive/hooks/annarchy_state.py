"""The state of an ANNarchy 5 network, or of populations and projections of it, and back.

The network is an ``ann.Network()``, or the package ``ANNarchy`` itself for its global network; it
must be compiled. What ANNarchy computes with and does not show is in the report of a restore, or
in the snapshot if the network was compiled by `archive.hooks.annarchy_compile`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import schemas
from archive.entry import Entry
from archive.errors import FormatError, NotFound
from archive.hooks.annarchy_capture import population_entry, projection_entry
from archive.hooks.annarchy_hidden import (
    UNREAD,
    draws,
    hidden_generators,
    put_generators,
)
from archive.hooks.annarchy_network import Live, is_readable, kind_of, live
from archive.hooks.annarchy_plan import Plan
from archive.hooks.annarchy_populations import plan_population
from archive.hooks.annarchy_synapses import plan_projection
from archive.hooks.plain import modelled
from archive.hooks.restoring import Choice, Restoration, is_chosen
from archive.values import from_schema, to_schema

SIMULATOR = "annarchy"
SHARED = "its weights are shared, and it can be neither read nor set"


def is_state(item: object) -> bool:
    """Whether it is a network, a population or a projection of ANNarchy, or the package."""
    return kind_of(item) is not None


def capture(
    items: Sequence[Any], *, populations: Choice = True, projections: Choice = True
) -> Entry:
    """The snapshot of a network, or of single populations and projections of one network.

    Projections with shared weights (convolution, pooling, copies) are only named, in
    ``native["not_saved"]``. Raises FormatError for what is not compiled, ContractError for two
    populations or projections of one name.
    """
    taken = live(items)
    _known(taken.populations, populations, "population")
    _known(taken.projections, projections, "projection")
    network = taken.network
    held = [each for name, each in taken.populations.items() if is_chosen(name, populations)]
    chosen = [each for name, each in taken.projections.items() if is_chosen(name, projections)]
    linked = [each for each in chosen if is_readable(each)]
    parts = [population_entry(each, network) for each in held]
    parts += [projection_entry(each, network) for each in linked]
    native = {
        "net_id": int(network.id),
        "step": taken.step,
        "seed": network.seed,
        "version": sys.modules["ANNarchy"].__release__,
        "precision": network._get_config("precision"),
        "not_saved": [str(each.name) for each in chosen if not is_readable(each)],
        "default_rng": _as_text(network.default_rng.bit_generator.state),
        **hidden_generators(network),
    }
    model = modelled(
        schemas.Snapshot,
        "ANNarchy network",
        time=taken.step * taken.time_step,
        time_step=taken.time_step,
        simulator=SIMULATOR,
        populations=tuple(str(each.name) for each in held),
        projections=tuple(str(each.name) for each in linked),
        constants={
            str(each.name): to_schema(each.value, f"constant {each.name}")
            for each in network.get_constants()
        },
        native=to_schema(native, "network"),
    )
    return Entry(model, parts=tuple(parts))


def restore(
    snapshot: Entry,
    items: Sequence[Any],
    *,
    populations: Choice = True,
    projections: Choice = True,
    strict: bool = True,
) -> Restoration:
    """Put a snapshot into a compiled network, or into single populations and projections of it.

    Other connections than the network was made with are no fault, and are reported as changed.
    The clock, the constants and the generators belong to the network, and are left alone where
    single objects are given. Of other simulators, projections of the same names and ends get
    connections, weights (numbers as they are: ANNarchy has no units) and delays.
    """
    model = snapshot.model
    if not isinstance(model, schemas.Snapshot):
        raise FormatError(f"a {type(model).__name__} is no snapshot")
    target, plan = live(items), Plan()
    own = model.simulator == SIMULATOR
    plan.typed = "version" in model.native
    parts = list(snapshot.parts)
    if own and model.time_step not in (None, target.time_step):
        steps = f"it was {model.time_step} ms, and is {target.time_step} ms"
        plan.change("network", "time_step", steps, fault=True)
    if target.whole:
        _plan_network(plan, model, target, own)
    saved = {name: each for name, each in target.projections.items() if is_readable(each)}
    for name in target.projections.keys() - saved.keys():
        if is_chosen(name, projections):
            plan.skip(name, "weights", SHARED)
    for name, part in _matching(plan, parts, target, own, populations, "population").items():
        if own:
            plan_population(plan, target.populations[name], part, target)
        else:
            plan.skip(name, "state", f"only ANNarchy's own is put back, not {model.simulator}'s")
    for name, part in _matching(plan, parts, target, own, projections, "projection").items():
        plan_projection(plan, saved[name], part, target, own)
    return plan.carry_out(strict)


def _known(held: Mapping[str, Any], choice: Choice, what: str) -> None:
    """Refuse names that are chosen and not there."""
    for name in () if isinstance(choice, bool) else choice:
        if name not in held:
            raise NotFound(
                f"there is no {what} of this name",
                entry=name,
                hint=f"these are: {', '.join(held) or 'none'}",
            )


def _matching(
    plan: Plan, parts: Sequence[Entry], target: Live, own: bool, choice: Choice, what: str
) -> dict[str, Entry]:
    """The chosen parts that the target has; what only one of both has goes into the plan."""
    kind = schemas.Population if what == "population" else schemas.Projection
    held: Mapping[str, Any] = target.populations if what == "population" else target.projections
    held = {name: each for name, each in held.items() if what == "population" or is_readable(each)}
    found = {}
    for part in parts:
        if not isinstance(part.model, kind) or not is_chosen(part.model.name, choice):
            continue
        if part.model.name in held:
            found[part.model.name] = part
        elif target.whole:
            plan.fault(part.model.name, what, "the network has none of that name")
    for name in () if isinstance(choice, bool) else choice:
        if name not in held and name not in {getattr(part.model, "name", None) for part in parts}:
            plan.fault(name, what, "neither the snapshot nor the network has one of that name")
    for name in held:
        if name not in found and is_chosen(name, choice) and (own or what == "projection"):
            plan.miss(name, what)
    return found


def _plan_network(plan: Plan, model: schemas.Snapshot, target: Live, own: bool) -> None:
    network = target.network
    if not own:
        plan.skip("network", "time", f"the clock of {model.simulator} is another")
        return
    native: dict[str, Any] = from_schema(dict(model.native))
    step = native.get("step", native.get("time_step"))  # so in ANNarchy's files
    if step is None and model.time == 0:  # a file without one is no file of the beginning
        plan.skip("network", "time", "the snapshot does not say it, and the clock stays")
    else:
        if step is None or model.time_step not in (None, target.time_step):
            step = round(model.time / target.time_step)
        plan.put("network: time", partial(network.instance.set_time, int(step)))
    constants = {str(each.name): each for each in network.get_constants()}
    for name, value in model.constants.items():
        if name not in constants:
            plan.fault("constants", name, "the network has none of that name")
        elif not isinstance(value, (int, float)):
            plan.fault("constants", name, "it is no number")
        else:
            plan.put(f"constants: {name}", _setter(constants[name], float(value)))
    for name in constants.keys() - model.constants.keys():
        plan.miss("constants", name, fault=plan.typed)  # ANNarchy's files have none
    _plan_generators(plan, native, network)


def _plan_generators(plan: Plan, native: Mapping[str, Any], network: Any) -> None:
    if "default_rng" in native:
        generator, state = network.default_rng.bit_generator, _as_numbers(native["default_rng"])
        if generator.state["bit_generator"] == state["bit_generator"]:
            plan.put("network: default_rng", lambda: setattr(generator, "state", state))
        else:
            plan.fault("network", "default_rng", f"it was a {state['bit_generator']}")
    states = native.get("hidden", {}).get("rng", [])
    held = hidden_generators(network).get("hidden", {"rng": None})["rng"]
    if held is not None and len(held) == len(states):
        plan.put("network: random generators", lambda: put_generators(network, states))
    elif any(map(draws, [*network.get_populations(), *network.get_projections()])):
        plan.skip("network", "random generators", f"they go on from where they stand ({UNREAD})")


def _as_text(state: Any) -> Any:
    """The state of a NumPy generator; some of its numbers have 128 bits."""
    if isinstance(state, Mapping):
        return {key: _as_text(value) for key, value in state.items()}
    return str(state) if isinstance(state, int) else state


def _as_numbers(state: Any) -> Any:
    if isinstance(state, Mapping):
        return {key: _as_numbers(value) for key, value in state.items()}
    return int(state) if isinstance(state, str) and state.isdecimal() else state


def _setter(constant: Any, value: float) -> Any:
    return lambda: constant.set(value)
