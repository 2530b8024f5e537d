"""The state of a PyNN network, on NEURON, NEST or Brian 2, as a snapshot, and back.

A network is known again by the labels of its populations and projections. Between back ends, and
from other simulators, weights, delays and positions are carried; all else belongs to one back end.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

import schemas
from archive.connections import ends, native_order
from archive.entry import Entry, Loss
from archive.hooks.plain import modelled
from archive.hooks.pynn_backends import backend, simulator_name
from archive.hooks.pynn_cells import population_entry
from archive.hooks.pynn_matching import Match, matched
from archive.hooks.pynn_network import kind_of, network_of
from archive.hooks.pynn_restoring import restore_population, restore_projection
from archive.hooks.pynn_synapses import projection_entries
from archive.hooks.restoring import Choice, Restoration, is_chosen, refuse
from archive.values import from_schema, to_schema_dict

__all__ = ["capture", "connection_list", "is_state", "restore"]


def is_state(item: object) -> bool:
    """Whether it is a population, view, assembly, projection or network of PyNN, or a list of
    these."""
    if isinstance(item, (list, tuple)):
        return bool(item) and all(map(is_state, item))
    return kind_of(item) is not None


def capture(items: Sequence[Any], /, *, populations: Choice, projections: Choice) -> Entry:
    """The snapshot of PyNN objects; see `archive.hooks.snapshots.capture`.

    A view stands for its population, an assembly for its populations; a projection between
    assemblies makes an entry for each pair of populations. The populations at the ends of a
    projection belong to it. Raises FormatError for a network in several processes.
    """
    import pyNN

    network = network_of(items)
    simulator = network.simulator
    cells = [
        population_entry(name, population, network.views.get(name, []))
        for name, population in network.populations.items()
        if is_chosen(name, populations)
    ]
    synapses = [
        entry
        for name, projection in network.projections.items()
        if is_chosen(name, projections)
        for entry in projection_entries(name, projection, network)
    ]
    state = simulator.state
    native = {"frontend": "PyNN", "version": pyNN.__version__}
    native |= backend(simulator).seeds(simulator)
    model = modelled(
        schemas.Snapshot,
        "snapshot",
        time=backend(simulator).time(simulator),
        time_unit="ms",
        time_step=float(state.dt),
        simulator=simulator_name(simulator),
        taken=datetime.now(UTC),
        populations=tuple(_name(entry) for entry in cells),
        projections=tuple(_name(entry) for entry in synapses),
        native=to_schema_dict(native, "snapshot"),
    )
    return Entry(model, parts=[*cells, *synapses])


def restore(
    snapshot: Entry,
    items: Sequence[Any],
    /,
    *,
    populations: Choice,
    projections: Choice,
    strict: bool,
) -> Restoration:
    """Put a snapshot into PyNN objects; see `archive.hooks.snapshots.restore`.

    From the same back end: parameters, initial values, positions, state, weights, delays and
    parameters of synapses. From another back end of PyNN all but the state; from any other
    simulator positions, weights and delays.
    """
    network = network_of(items)
    match = matched(snapshot, network, populations, projections)
    if strict:
        refuse(match.faults)
    model = snapshot.model
    assert isinstance(model, schemas.Snapshot)
    report = _Report(list(match.changed), list(match.missing), list(match.skipped))
    is_pynn = match.is_pynn
    is_same = is_pynn and model.simulator == simulator_name(network.simulator)
    shift = backend(network.simulator).time(network.simulator) - _milliseconds(model)
    for entry, population in match.populations:
        done, lost, changed = restore_population(entry, population, is_pynn, is_same, shift)
        report.add(_name(entry), done, lost)
        report.changed += changed
    for entry, projection, wires in match.projections:
        done, lost, changed = restore_projection(
            entry, projection, wires, is_pynn=is_pynn, is_same=is_same, shift=shift
        )
        report.add(_name(entry), done, lost)
        report.changed += changed
    report.skipped += _of_the_whole(model, network.simulator, match, is_same=is_same, shift=shift)
    return Restoration(
        tuple(report.restored), tuple(report.skipped), tuple(report.missing), tuple(report.changed)
    )


def connection_list(
    projection: Any, *columns: str, weight_unit: str | None = None
) -> list[tuple[Any, ...]]:
    """The connections of a projection in a snapshot, as rows for PyNN's ``FromListConnector``.

    `projection` is one of ``snapshot.projections``, or an Entry. A row has the indices of the
    sending and the receiving neuron, its weight, and its delay in ms, and then `columns`:
    parameters of the synapses. Weights are converted to `weight_unit` ("uS", "nA", "mV") if it is
    given. Raises UnitError if they are of another kind, KeyError for a column that the projection
    does not have.

    ``sim.FromListConnector(connection_list(p))``, or with columns
    ``column_names=("weight", "delay", *columns)``.
    """
    entry = projection if isinstance(projection, Entry) else projection.to_entry()
    model, arrays = entry.model, entry.arrays
    assert isinstance(model, schemas.Projection)
    factor = 1.0
    if weight_unit is not None and model.weight_unit is not None:
        factor = float(schemas.conversion(model.weight_unit, weight_unit))
    in_ms = float(schemas.conversion(model.delay_unit, "ms"))
    pre, post = ends(model, arrays)
    values = [
        native_order(arrays, arrays["weights"]) * factor,
        native_order(arrays, arrays["delays"]) * in_ms,
    ]
    constants: Any = from_schema(model.parameters)
    for name in columns:
        if f"state:{name}" in arrays:
            values.append(native_order(arrays, arrays[f"state:{name}"]))
        else:
            values.append(np.asarray(getattr(constants[name], "magnitude", constants[name])))
    full = [np.broadcast_to(one, pre.shape).tolist() for one in values]
    return list(zip(pre.tolist(), post.tolist(), *full, strict=True))


class _Report:
    def __init__(self, changed: list[Loss], missing: list[str], skipped: list[Loss]) -> None:
        self.restored: list[str] = []
        self.changed, self.missing, self.skipped = changed, missing, skipped

    def add(self, name: str, done: Sequence[str], lost: Sequence[Loss]) -> None:
        self.restored += [f"{name}: {one}" for one in done]
        self.skipped += lost


def _of_the_whole(
    model: schemas.Snapshot, simulator: Any, match: Match, *, is_same: bool, shift: float
) -> list[Loss]:
    """What PyNN cannot restore of any network that has been simulated."""
    if not (match.populations or match.projections):
        return []
    lost = []
    state = simulator.state
    if is_same and _milliseconds(model) > 0:
        lost.append(Loss("snapshot", "spikes", backend(simulator).LOST))
    if is_same and abs(shift) > state.dt / 2:
        reason = f"the clock cannot be set: it goes on from {state.t:g} ms"
        lost.append(Loss("snapshot", "time", reason))
    step = model.time_step
    factor = float(schemas.conversion(model.time_unit, "ms"))
    if step is not None and not np.isclose(step * factor, state.dt, rtol=1e-9, atol=0):
        reason = f"it is {step * factor:g} ms, and in the network {state.dt:g} ms"
        lost.append(Loss("snapshot", "time_step", reason))
    return lost


def _milliseconds(model: schemas.Snapshot) -> float:
    return model.time * float(schemas.conversion(model.time_unit, "ms"))


def _name(entry: Entry) -> str:
    assert isinstance(entry.model, schemas.Population | schemas.Projection)
    return entry.model.name
