"""What lies in a segment or a snapshot, in few facts and without reading it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archive import (
    AddressEvents,
    Epochs,
    Events,
    ImageSequence,
    IrregularSignal,
    PopulationState,
    ProjectionState,
    Segment,
    Signal,
    Snapshot,
    Spikes,
)

Recorded = Signal | IrregularSignal | Spikes | AddressEvents | Events | Epochs | ImageSequence

KINDS: dict[type[Any], str] = {
    Signal: "signal",
    IrregularSignal: "irregular signal",
    Spikes: "spikes",
    AddressEvents: "address events",
    Events: "events",
    Epochs: "epochs",
    ImageSequence: "images",
}


def parts_of(segment: Segment) -> Iterator[Recorded]:
    """All that was recorded: signals, spikes, address events, events, epochs, images."""
    yield from segment.signals.values()
    yield from segment.spikes.values()
    yield from segment.address_events.values()
    yield from segment.events.values()
    yield from segment.epochs.values()
    yield from segment.images.values()


def facts(part: Recorded) -> dict[str, Any]:
    """Name, kind, sizes, units and times, with the keys that the help of ``show`` names."""
    found: dict[str, Any] = {
        "name": part.name,
        "kind": KINDS[type(part)],
        "population": part.population,
        "variable": part.variable,
    }
    if isinstance(part, Spikes):
        found |= {"trains": part.n, "spikes": len(part)}
        found |= {"t_start": part.t_start, "t_stop": part.t_stop}
    elif isinstance(part, Signal | IrregularSignal | ImageSequence):
        found |= {"shape": part.shape, "dtype": str(part.dtype), "unit": part.unit}
    elif isinstance(part, AddressEvents):
        found |= {"entries": len(part), "tick": part.tick, "coding": part.coding}
    else:
        found |= {"entries": len(part)}
    if isinstance(part, Signal):
        found |= {"sampling_period": part.sampling_period}
        found |= {"t_start": part.t_start, "t_stop": part.t_stop}
    return found | {"time_unit": part.time_unit, "annotations": part.annotations}


def state_facts(snapshot: Snapshot) -> list[dict[str, Any]]:
    """The same of each population and projection of a snapshot."""
    populations = [
        {"name": part.name, "kind": "population", "size": part.size, "model": part.model}
        | {"arrays": _arrays(part)}
        for part in snapshot.populations.values()
    ]
    projections = [
        {"name": part.name, "kind": "projection", "size": part.size, "model": part.synapse}
        | {"pre": part.pre_name, "post": part.post_name, "arrays": _arrays(part)}
        for part in snapshot.projections.values()
    ]
    return populations + projections


def _arrays(part: PopulationState | ProjectionState) -> dict[str, Any]:
    return {
        name: {"shape": array.shape, "dtype": str(array.dtype), "unit": array.unit}
        for name, array in part.items()
    }
