"""Which population and projection of a PyNN network each of a snapshot is, and what disagrees."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.connections import ends
from archive.entry import Entry, Loss
from archive.hooks.pairing import common, numbered
from archive.hooks.pynn_backends import Links, backend
from archive.hooks.pynn_network import UNLABELLED, PyNNNetwork
from archive.hooks.pynn_synapses import Wires, wires_of
from archive.hooks.restoring import Choice, is_chosen


@dataclass(slots=True)
class Target:
    """A part of a projection in the network, and who of it is who in the snapshot."""

    links: Links
    wires: Wires
    here: npt.NDArray[np.int64]  # positions among the connections of the wires
    there: npt.NDArray[np.int64]  # positions among those of the snapshot, in native order


@dataclass(slots=True)
class Match:
    """Pairs of entries and what they go into; `faults` are what `strict` refuses."""

    is_pynn: bool  # whether the snapshot is of PyNN too
    populations: list[tuple[Entry, Any]] = field(default_factory=list)
    projections: list[tuple[Entry, Any, Target]] = field(default_factory=list)
    faults: list[Loss] = field(default_factory=list)
    skipped: list[Loss] = field(default_factory=list)
    changed: list[Loss] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def matched(
    snapshot: Entry, network: PyNNNetwork, populations: Choice, projections: Choice
) -> Match:
    """Find the populations and projections of a snapshot in a network.

    By name; populations that were never labelled, whose names PyNN counts through the process,
    by their order; projections by the populations at their ends where a name is not found.
    """
    assert isinstance(snapshot.model, schemas.Snapshot)
    parts = list(snapshot.parts)
    found = Match(snapshot.model.native.get("frontend") == "PyNN")
    ours = [part for part in parts if isinstance(part.model, schemas.Population)]
    # Which population is which must be known for the projections too, whatever is chosen.
    names = _who_is_who([_name(part) for part in ours], network, found)
    for part in ours:
        if not is_chosen(_name(part), populations):
            continue
        fault = _place_population(part, names.get(_name(part)), network, found)
        if fault is not None:
            found.faults.append(fault)
            found.skipped.append(fault)
    taken = {id(one) for _, one in found.populations}
    for name, one in network.populations.items():
        is_named = name in {_name(part) for part in ours}
        if is_chosen(name, populations) and id(one) not in taken and not is_named:
            found.missing.append(name)
    _match_projections(parts, names, network, projections, found)
    return found


def _who_is_who(ours: list[str], network: PyNNNetwork, found: Match) -> dict[str, str]:
    names = {name: name for name in ours if name in network.populations and not _counted(name)}
    counted = [name for name in ours if _counted(name)]
    theirs = [name for name in network.populations if _counted(name)]
    for name, other in zip(counted, theirs, strict=False):
        names[name] = other
        if name != other:
            loss = Loss(name, "label", f"found by its order as {other}: it has no label of its own")
            found.changed.append(loss)
            found.faults.append(loss)
    return names


def _counted(name: str) -> bool:
    return UNLABELLED.fullmatch(name) is not None


def _place_population(
    part: Entry, name: str | None, network: PyNNNetwork, found: Match
) -> Loss | None:
    model = part.model
    assert isinstance(model, schemas.Population)
    if name is None:
        return Loss(model.name, "population", "the network has none of this label")
    population = network.populations[name]
    if population.size != model.size:
        return Loss(model.name, "size", f"{model.size} neurons, in the network {population.size}")
    kind = type(population.celltype).__name__
    if model.model is not None and found.is_pynn and model.model != kind:
        loss = Loss(model.name, "model", f"{model.model}, in the network {kind}")
        found.faults.append(loss)
        found.changed.append(loss)
    found.populations.append((part, population))
    return None


def _match_projections(
    parts: list[Entry],
    names: dict[str, str],
    network: PyNNNetwork,
    chosen: Choice,
    found: Match,
) -> None:
    targets = _targets(network)
    left = dict(targets)
    ours = [part for part in parts if isinstance(part.model, schemas.Projection)]
    pairs: list[tuple[Entry, str | None]] = []
    for part in ours:
        name: str | None = _name(part)
        pairs.append((part, name if name in left else None))
        left.pop(str(name), None)
    for part, name in pairs:
        model = part.model
        assert isinstance(model, schemas.Projection)
        if not is_chosen(model.name, chosen):
            left.pop(str(name), None)
            continue
        if name is None:
            pre, post = names.get(model.pre, model.pre), names.get(model.post, model.post)
            name = next((n for n, one in left.items() if _between(one[2], pre, post)), None)
            if name is not None:
                left.pop(name)
                told = Loss(model.name, "label", f"found by its populations as {name}")
                found.changed.append(told)
        fault = (
            Loss(model.name, "projection", "the network has none of this label")
            if name is None
            else _place_projection(part, targets[name], names, network, found)
        )
        if fault is not None:
            found.faults.append(fault)
            found.skipped.append(fault)
    found.missing += [name for name in left if is_chosen(name, chosen)]


_Part = tuple[Any, Links, Wires]


def _targets(network: PyNNNetwork) -> dict[str, _Part]:
    found: dict[str, _Part] = {}
    for name, projection in network.projections.items():
        links: Links = backend(projection._simulator).Links(projection)
        for wires in wires_of(name, projection, links, network):
            found[wires.name] = projection, links, wires
    return found


def _between(wires: Wires, pre: str, post: str) -> bool:
    return (wires.pre, wires.post) == (pre, post)


def _place_projection(
    part: Entry, target: _Part, names: dict[str, str], network: PyNNNetwork, found: Match
) -> Loss | None:
    model = part.model
    assert isinstance(model, schemas.Projection)
    projection, links, wires = target
    for side, ours, theirs in (
        ("pre", names.get(model.pre, model.pre), wires.pre),
        ("post", names.get(model.post, model.post), wires.post),
    ):
        if ours != theirs:
            return Loss(model.name, side, f"{ours}, in the network {theirs}")
    sizes = (network.populations[wires.pre].size, network.populations[wires.post].size)
    if sizes != (model.pre_size, model.post_size):
        text = f"{model.pre_size} to {model.post_size} neurons"
        return Loss(model.name, "size", f"{text}, in the network {sizes[0]} to {sizes[1]}")
    kind = type(projection.synapse_type).__name__
    if model.synapse is not None and model.synapse != kind and found.is_pynn:
        loss = Loss(model.name, "synapse", f"{model.synapse}, in the network {kind}")
        found.faults.append(loss)
        found.changed.append(loss)
    receptor = projection.receptor_type
    if model.receptor is not None and found.is_pynn and model.receptor != receptor:
        text = f"{model.receptor}, in the network {receptor}"
        return Loss(model.name, "receptor", text)
    pre, post = ends(model, part.arrays)
    ours_keys = numbered(pre, post, model.post_size)
    their_keys = numbered(wires.pre_index, wires.post_index, model.post_size)
    there, here = common(ours_keys, their_keys)
    if len(here) < max(len(ours_keys), len(their_keys)):
        loss = Loss(
            model.name,
            "connections",
            f"{len(ours_keys)}, in the network {len(their_keys)}, and {len(here)} of them the same:"
            " PyNN cannot reshape a projection",
        )
        found.faults.append(loss)
        found.changed.append(loss)
    found.projections.append((part, projection, Target(links, wires, here, there)))
    return None


def _name(part: Entry) -> str:
    model = part.model
    assert isinstance(model, schemas.Population | schemas.Projection)
    return model.name
