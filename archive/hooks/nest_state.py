"""The state of a network in NEST, without PyNN, as a snapshot, and back.

A population is a group of nodes of one model, known again by its name: the key of a mapping of
names to NodeCollections, or else the model. Identifiers of nodes may differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import schemas
from archive.entry import Entry, Loss
from archive.hooks.nest_connections import (
    Bundle,
    bundles,
    projection_entry,
    restore_connections,
    same_connections,
)
from archive.hooks.nest_nodes import LOST, groups_of, is_nodes, population_entry, restore_nodes
from archive.hooks.plain import modelled
from archive.hooks.restoring import Choice, Restoration, is_chosen, refuse
from archive.values import to_schema_dict

__all__ = ["capture", "is_state", "restore"]

KERNEL = ("rng_seed", "rng_type", "local_num_threads", "min_delay", "max_delay")


def is_state(item: object) -> bool:
    """Whether it is the module ``nest``, a NodeCollection, a mapping of names to these, or a list
    of such."""
    if isinstance(item, (list, tuple)):
        return bool(item) and all(map(is_state, item))
    if isinstance(item, ModuleType):
        return item.__name__ == "nest"
    if isinstance(item, Mapping):
        return bool(item) and all(is_nodes(nodes) for nodes in item.values())
    return is_nodes(item)


def capture(items: Sequence[Any], /, *, populations: Choice, projections: Choice) -> Entry:
    """The snapshot of nodes and all connections among them; see `archive.hooks.snapshots.capture`.

    The module ``nest`` stands for all nodes. The positions of nodes have no unit in NEST. What a
    recorder has recorded is no state. Raises FormatError for a kernel in several processes.
    """
    import nest

    groups = groups_of(items)
    cells = [
        population_entry(name, nodes)
        for name, nodes in groups.items()
        if is_chosen(name, populations)
    ]
    synapses = [
        projection_entry(bundle, groups)
        for name, bundle in bundles(groups).items()
        if is_chosen(name, projections)
    ]
    status = nest.GetKernelStatus()
    native: dict[str, Any] = {key: status[key] for key in KERNEL if key in status}
    model = modelled(
        schemas.Snapshot,
        "snapshot",
        time=float(status["biological_time"]),
        time_unit="ms",
        time_step=float(status["resolution"]),
        simulator="nest",
        taken=datetime.now(UTC),
        populations=tuple(_name(entry) for entry in cells),
        projections=tuple(_name(entry) for entry in synapses),
        native=to_schema_dict({"frontend": "NEST", **native}, "snapshot"),
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
    """Put a snapshot into nodes of NEST; see `archive.hooks.snapshots.restore`.

    From NEST: the status of nodes, weights, delays and parameters of synapses. From any other
    simulator, PyNN on NEST included: weights and delays.
    """
    import nest

    model = snapshot.model
    assert isinstance(model, schemas.Snapshot)
    is_same = model.native.get("frontend") == "NEST"
    groups = groups_of(items)
    made = bundles(groups)
    cells, faults = _matched_nodes(snapshot, groups, populations, is_same=is_same)
    wires, more, changed = _matched_bundles(snapshot, made, groups, projections, is_same=is_same)
    if strict:
        refuse([*faults, *more, *changed])
    restored: list[str] = []
    skipped = [*faults, *more]
    for entry in cells:
        name = _name(entry)
        if is_same:
            done, lost = restore_nodes(entry, groups[name])
            restored += [f"{name}: {key}" for key in done]
            skipped += lost
        else:
            skipped.append(Loss(name, "status", "it is not of NEST"))
    for entry, bundle, pairs in wires:
        target = str(groups[bundle.post][0].get("model"))
        done, lost, told = restore_connections(entry, bundle, target, pairs, is_same=is_same)
        restored += [f"{_name(entry)}: {key}" for key in done]
        skipped += lost
        changed += told
    skipped += _of_the_kernel(model, nest.GetKernelStatus(), is_same=is_same)
    ours = {_name(part) for part in snapshot.parts}
    missing = [name for name in groups if is_chosen(name, populations) and name not in ours]
    missing += [name for name in made if is_chosen(name, projections) and name not in ours]
    return Restoration(tuple(restored), tuple(skipped), tuple(missing), tuple(changed))


def _of_the_kernel(
    model: schemas.Snapshot, status: Mapping[str, Any], *, is_same: bool
) -> list[Loss]:
    lost = []
    in_ms = float(schemas.conversion(model.time_unit, "ms"))
    time, now = model.time * in_ms, float(status["biological_time"])
    if is_same and time > 0:
        lost.append(Loss("snapshot", "buffers", LOST))
    if is_same and abs(time - now) > 1e-9:
        lost.append(Loss("snapshot", "time", f"the clock cannot be set: it stands at {now:g} ms"))
    step, own = model.time_step, float(status["resolution"])
    if step is not None and abs(step * in_ms - own) > 1e-12:
        text = f"it is {step * in_ms:g} ms, and in the network {own:g} ms"
        lost.append(Loss("snapshot", "time_step", text))
    return lost


def _matched_nodes(
    snapshot: Entry, groups: Mapping[str, Any], chosen: Choice, *, is_same: bool
) -> tuple[list[Entry], list[Loss]]:
    found, faults = [], []
    for part in snapshot.parts:
        model = part.model
        if not isinstance(model, schemas.Population) or not is_chosen(model.name, chosen):
            continue
        nodes = groups.get(model.name)
        if nodes is None:
            faults.append(Loss(model.name, "population", "the network has none of this name"))
        elif len(nodes) != model.size:
            text = f"{model.size} nodes, in the network {len(nodes)}"
            faults.append(Loss(model.name, "size", text))
        elif is_same and str(nodes[0].get("model")) != model.model:
            text = f"{model.model}, in the network {nodes[0].get('model')}"
            faults.append(Loss(model.name, "model", text))
        else:
            found.append(part)
    return found, faults


_Wires = list[tuple[Entry, Bundle, tuple[Any, Any]]]


def _matched_bundles(
    snapshot: Entry,
    made: Mapping[str, Bundle],
    groups: Mapping[str, Any],
    chosen: Choice,
    *,
    is_same: bool,
) -> tuple[_Wires, list[Loss], list[Loss]]:
    """What goes into what; what cannot, and what is not the same all over."""
    found: _Wires = []
    faults, changed = [], []
    for part in snapshot.parts:
        model = part.model
        if not isinstance(model, schemas.Projection) or not is_chosen(model.name, chosen):
            continue
        bundle = made.get(model.name) or _between(made, model)
        if bundle is None:
            faults.append(Loss(model.name, "projection", "the network has none of this name"))
            continue
        sizes = len(groups[bundle.pre]), len(groups[bundle.post])
        if sizes != (model.pre_size, model.post_size):
            text = f"{model.pre_size} to {model.post_size} nodes"
            text = f"{text}, in the network {sizes[0]} to {sizes[1]}"
            faults.append(Loss(model.name, "size", text))
            continue
        if is_same and model.synapse != bundle.model:
            text = f"{model.synapse}, in the network {bundle.model}"
            faults.append(Loss(model.name, "synapse", text))
            continue
        there, here, most = same_connections(part, bundle)
        if len(here) < most:
            text = f"{model.size}, in the network {len(bundle.where)}, and {len(here)} of them the"
            changed.append(Loss(model.name, "connections", f"{text} same"))
        found.append((part, bundle, (there, here)))
    return found, faults, changed


def _between(made: Mapping[str, Bundle], model: schemas.Projection) -> Bundle | None:
    """The only connections between the populations of a projection that has a name of its own."""
    found = [one for one in made.values() if (one.pre, one.post) == (model.pre, model.post)]
    return found[0] if len(found) == 1 else None


def _name(entry: Entry) -> str:
    assert isinstance(entry.model, schemas.Population | schemas.Projection)
    return entry.model.name
