"""Putting what a snapshot has of a population or projection into one of PyNN."""

from __future__ import annotations

from typing import Any

import numpy as np

import schemas
from archive.connections import native_order
from archive.entry import Entry, Loss
from archive.hooks.pynn_backends import backend
from archive.hooks.pynn_cells import (
    AS_MADE,
    STATE,
    restore_parameters,
    restore_positions,
    restore_state,
)
from archive.hooks.pynn_matching import Target
from archive.hooks.pynn_synapses import synapse_values, weight_unit, write_synapses
from archive.values import from_schema

NOT_HERE = "the state of cells and synapses cannot be carried to another simulator"


def restore_population(
    entry: Entry, population: Any, is_pynn: bool, is_same: bool, shift: float
) -> tuple[list[str], list[Loss], list[Loss]]:
    """What of a population was restored, what was not, and what was changed on the way."""
    model = entry.model
    assert isinstance(model, schemas.Population)
    done, changed = restore_positions(entry, population)
    lost: list[Loss] = []
    kind = type(population.celltype).__name__
    if not is_pynn:
        others = [key for key in entry.arrays if key.startswith("state:")]
        if others or model.parameters or model.initial_values:
            lost.append(Loss(model.name, "model", f"{model.model} is not {kind} of PyNN"))
        return done, lost, changed
    if model.model != kind:
        lost.append(Loss(model.name, "parameters", f"of {model.model} are not those of {kind}"))
        return done, lost, changed
    put, refused = restore_parameters(model, entry.arrays, population)
    done, lost = done + put, lost + refused
    if is_same:
        put, refused = restore_state(model, entry.arrays, population, shift)
        done, lost = done + put, lost + refused
    elif model.native.get(STATE):
        lost.append(Loss(model.name, "state", NOT_HERE))
    return done, lost, changed


def restore_projection(
    entry: Entry, projection: Any, target: Target, *, is_pynn: bool, is_same: bool, shift: float
) -> tuple[list[str], list[Loss], list[Loss]]:
    """What of a projection was restored, what was not, and what was changed on the way."""
    model = entry.model
    assert isinstance(model, schemas.Projection)
    lost: list[Loss] = []
    wanted, changed = _weights_and_delays(entry, projection, lost, is_pynn=is_pynn)
    own = set(projection.synapse_type.get_parameter_names())
    if is_pynn:
        native: Any = model.native
        states = set(native.get(STATE, ()))
        for name, value in _parameters(entry, states, set(native.get(AS_MADE, ()))).items():
            if name in own:
                wanted[name] = value
            else:
                lost.append(Loss(model.name, name, "the synapses have no such parameter"))
    elif model.parameters or any(key.startswith("state:") for key in entry.arrays):
        kind = type(projection.synapse_type).__name__
        lost.append(Loss(model.name, "synapse", f"{model.synapse} is not {kind} of PyNN"))
    links, wires = target.links, target.wires
    have, _ = synapse_values(projection, links)
    at = wires.where[target.here]
    full = {}
    for name in [one for one in wanted if one in have]:
        values = np.array(np.broadcast_to(have[name], links.pre.shape), np.float64)
        values[at] = np.broadcast_to(wanted[name], (model.size,))[target.there]
        full[name] = values
    try:
        write_synapses(projection, links, full)
    except Exception as error:  # each back end has errors of its own, NEST for delays above all
        said = str(error).partition("\n")[0]
        lost.append(Loss(model.name, "values", f"the simulator refused some: {said}"))
    now, _ = synapse_values(projection, links)
    done = []
    for name, values in full.items():
        got = np.broadcast_to(now[name], values.shape)[at]
        if np.allclose(got, values[at], rtol=1e-9, atol=0, equal_nan=True):
            done.append({"weight": "weights", "delay": "delays"}.get(name, name))
        else:
            step = projection._simulator.state.dt
            if name == "delay" and np.allclose(got, values[at], rtol=0, atol=step / 2 * 1.001):
                done.append("delays")
                changed.append(Loss(model.name, "delays", f"rounded to steps of {step:g} ms"))
            else:
                lost.append(Loss(model.name, name, "the simulator did not take all values"))
    if is_pynn:
        done += _state(entry, projection, target, is_same, shift, lost)
    return done, lost, changed


def _weights_and_delays(
    entry: Entry, projection: Any, lost: list[Loss], *, is_pynn: bool
) -> tuple[dict[str, Any], list[Loss]]:
    """In PyNN's units, in the simulator's order; what could not be converted is added to `lost`."""
    model, arrays = entry.model, entry.arrays
    assert isinstance(model, schemas.Projection)
    wanted: dict[str, Any] = {}
    changed: list[Loss] = []
    unit = weight_unit(projection.post)
    for field, name, told, target in (
        ("weights", "weight", model.weight_unit, unit),
        ("delays", "delay", model.delay_unit, "ms"),
    ):
        if field not in arrays:
            continue
        factor = 1.0
        if told is None:
            changed.append(Loss(model.name, field, f"without unit: taken as {target}"))
        else:
            try:
                factor = float(schemas.conversion(told, target))
            except schemas.UnitError as error:
                lost.append(Loss(model.name, field, str(error)))
                continue
        wanted[name] = native_order(arrays, arrays[field]) * factor
    weights = wanted.get("weight", np.empty(0))
    is_conductance = projection.receptor_type == "inhibitory" and unit == "uS"
    if is_conductance and not is_pynn and len(weights) and (weights <= 0).all():
        wanted["weight"] = -weights
        changed.append(Loss(model.name, "weights", "negated, as PyNN has inhibitory conductances"))
    return wanted, changed


def _parameters(entry: Entry, states: set[str], as_made: set[str]) -> dict[str, Any]:
    model, arrays = entry.model, entry.arrays
    assert isinstance(model, schemas.Projection)
    found = {
        name: getattr(value, "magnitude", value)
        for name, value in from_schema(model.parameters).items()
        if not isinstance(value, str) and name not in as_made
    }
    for key in arrays:
        name = key.removeprefix("state:")
        if key != name and name not in states:
            found[name] = native_order(arrays, arrays[key])
    return found


def _state(
    entry: Entry, projection: Any, target: Target, is_same: bool, shift: float, lost: list[Loss]
) -> list[str]:
    """Restore the state of synapses where it is of the same back end and all are there."""
    model, arrays = entry.model, entry.arrays
    assert isinstance(model, schemas.Projection)
    native: Any = model.native
    names = list(native.get(STATE, ()))
    if not names:
        return []
    if not is_same:
        lost.append(Loss(model.name, "state", NOT_HERE))
        return []
    links, wires = target.links, target.wires
    have, moments = links.state(), backend(projection._simulator).MOMENTS
    at = wires.where[target.here]
    values = {}
    for name in names:
        if name not in have:
            lost.append(Loss(model.name, name, "the synapses have no such variable"))
            continue
        kept = np.array(have[name][0])
        held = native_order(arrays, arrays[f"state:{name}"])
        put = np.broadcast_to(held, (model.size,))[target.there]
        kept[at] = put + shift * moments[name] if name in moments else put
        values[name] = kept
    refused = links.set_state(values)
    lost += [Loss(model.name, name, reason) for name, reason in refused.items()]
    return [name for name in values if name not in refused]
