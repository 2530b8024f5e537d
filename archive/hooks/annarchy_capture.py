"""Populations and projections of a compiled ANNarchy network as the parts of a snapshot.

ANNarchy has no units but ms for delays; times in ``native`` are in time steps, as it counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import schemas
from archive.connections import compressed
from archive.entry import Entry
from archive.hooks.annarchy_hidden import hidden_state
from archive.hooks.annarchy_network import (
    Attribute,
    attributes_of,
    population_of,
    type_name,
)
from archive.hooks.plain import modelled
from archive.values import to_schema

FLAGS = ("_transmission", "_axon_transmission", "_update", "_plasticity")
PERIODS = ("_update_period", "_update_offset")
STRUCTURAL = ("_pruning", "_creating")  # each with a period and an offset, where there is such


class Dendrites(NamedTuple):
    """Connections as ANNarchy has them: by the receiving neurons that it keeps a list for."""

    post_ranks: npt.NDArray[np.int64]  # (dendrite,)
    sizes: npt.NDArray[np.int64]  # (dendrite,); 0 where all its synapses were pruned
    pre: npt.NDArray[np.int64]  # (connection,)

    @property
    def post(self) -> npt.NDArray[np.int64]:
        """The receiving neuron of each connection."""
        return np.repeat(self.post_ranks, self.sizes)

    def same(self, other: Dendrites) -> bool:
        """Whether these are the same connections in the same order."""
        return all(map(np.array_equal, self, other))


def dendrites(projection: Any) -> Dendrites:
    """The connections that a projection has now."""
    rows = projection.cyInstance.pre_ranks()
    return Dendrites(
        np.array(projection.cyInstance.post_rank(), np.int64),
        np.fromiter(map(len, rows), np.int64, len(rows)),
        flat(rows, np.dtype(np.int64)),
    )


def flat(rows: Sequence[Sequence[Any]], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Values by dendrite, one after another."""
    return np.fromiter(chain.from_iterable(rows), dtype, sum(map(len, rows)))


def values_of(item: Any, attribute: Attribute) -> npt.NDArray[Any]:
    """Values of an attribute: (neuron,), (connection,), (dendrite,), or (1,) of a global one."""
    if hasattr(item, "neuron_type"):
        held = getattr(item.cyInstance, attribute.name)
    else:
        held = item._get_cython_attribute(attribute.name)
        if attribute.locality == "local":
            return flat(held, attribute.dtype)
    return np.atleast_1d(np.array(held)).astype(attribute.dtype)


def population_entry(population: Any, network: Any) -> Entry:
    """A population with all its parameters, variables and what else of it can be read."""
    parameters: dict[str, Any] = {}
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name, attribute in attributes_of(population).items():
        values = values_of(population, attribute)
        if attribute.locality == "global" and not attribute.changes:
            parameters[name] = values[0].item() if values.dtype != np.float32 else values[0]
        else:
            arrays[f"state:{name}"] = values
    inner = population.cyInstance
    native: dict[str, Any] = {
        **_lists(population),
        "class": type(population).__name__,
        "targets": list(dict.fromkeys(map(str, population.targets))),
        "enabled": bool(population.enabled),
        "max_delay": int(population.max_delay),
    }
    if hasattr(inner, "refractory"):
        native["refractory"] = np.array(inner.refractory, np.int64)
    if population._compute_mean_fr > 0:
        native["mean_rate_window"] = float(population._compute_mean_fr)
    if hasattr(inner, "spike_times"):  # a SpikeSourceArray
        native["spike_times"] = [np.array(times, np.int64) for times in inner.spike_times]
    native.update(hidden_state(population, network))
    where = str(population.name)
    model = modelled(
        schemas.Population,
        where,
        name=where,
        size=int(population.size),
        model=type_name(population.neuron_type),
        geometry=tuple(map(int, population.geometry)),
        parameters=to_schema(parameters, where),
        native=to_schema(native, where),
    )
    return Entry(model, arrays)


def _lists(item: Any) -> dict[str, Any]:
    """Which attributes are parameters and which variables, as ANNarchy's files have it."""
    return {
        each: list(dict.fromkeys(map(str, getattr(item, each))))
        for each in ("parameters", "variables")
    }


def projection_entry(projection: Any, network: Any) -> Entry:
    """A projection with connections, weights, delays in ms, and all that its synapses have."""
    where = str(projection.name)
    pre, post = population_of(projection.pre), population_of(projection.post)
    found = dendrites(projection)
    rows = compressed(found.pre, found.post, int(pre.size), int(post.size), where)
    arrays, parameters = rows.arrays(), {}
    native: dict[str, Any] = _lists(projection)
    semiglobal: dict[str, npt.NDArray[Any]] = {}
    for name, attribute in attributes_of(projection).items():
        values = values_of(projection, attribute)
        if attribute.locality == "semiglobal":
            semiglobal[name] = values
        elif name == "w":
            arrays["weights"] = rows.arranged(values)
        elif attribute.locality == "global" and not attribute.changes:
            parameters[name] = values[0].item() if values.dtype != np.float32 else values[0]
        else:
            arrays[f"state:{name}"] = rows.arranged(values)
    if semiglobal:
        native["semiglobal"] = semiglobal
    # some dendrites may have lost all their connections
    if semiglobal or not np.array_equal(found.post_ranks, np.unique(found.post)):
        native["post_ranks"] = found.post_ranks
    arrays["delays"] = rows.arranged(delay_steps(projection)) * float(network.dt)
    native |= _settings(projection) | hidden_state(projection, network)
    model = modelled(
        schemas.Projection,
        where,
        name=where,
        pre=str(pre.name),
        post=str(post.name),
        pre_size=int(pre.size),
        post_size=int(post.size),
        size=len(found.pre),
        rows=rows.rows,
        receptor=target_name(projection.target),
        synapse=type_name(projection.synapse_type),
        connector=projection.connector_name,
        parameters=to_schema(parameters, where),
        native=to_schema(native, where),
    )
    return Entry(model, arrays)


def delay_steps(projection: Any) -> npt.NDArray[np.int64]:
    """Delays in time steps: (connection,), or (1,) where all have the same."""
    inner = projection.cyInstance
    if not hasattr(inner, "get_delay"):
        return np.ones(1, np.int64)
    held = inner.get_delay()
    return np.array([held], np.int64) if isinstance(held, int) else flat(held, np.dtype(np.int64))


def _settings(projection: Any) -> dict[str, Any]:
    inner = projection.cyInstance
    settings: dict[str, Any] = {
        "class": type(projection).__name__,
        "storage_format": projection._storage_format,
        "storage_order": projection._storage_order,
        "single_weight": bool(projection._has_single_weight()),
        "max_delay": int(projection.max_delay),
        "uniform_delay": int(projection.uniform_delay),
    }
    if isinstance(projection.target, list):
        settings["targets"] = list(projection.target)
    for end in ("pre", "post"):
        view = getattr(projection, end)
        if view is not population_of(view):
            settings[f"{end}_view"] = np.array(view.ranks, np.int64)
    names = [*FLAGS, *PERIODS]
    names += [f"{name}{part}" for name in STRUCTURAL for part in ("", "_period", "_offset")]
    return settings | {name: getattr(inner, name) for name in names if hasattr(inner, name)}


def target_name(target: Any) -> str:
    """What a projection acts on, as one name."""
    return "+".join(target) if isinstance(target, list) else str(target)
