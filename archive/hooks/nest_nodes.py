"""Nodes of NEST as populations: groups of one model, their parameters and their state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.entry import Entry, Loss
from archive.errors import ContractError, FormatError
from archive.hooks.plain import modelled
from archive.values import from_schema, quantity, to_schema

# What NEST says of a node that is neither a parameter nor state; the events of a recorder are data.
FACTS = {
    "element_type", "events", "global_id", "local", "model", "model_id", "n_events",
    "node_uses_wfr", "recordables", "supports_precise_spikes", "synaptic_elements", "thread",
    "thread_local_id", "vp", "archiver_length", "frozen_time", "receptor_types",
}  # fmt: skip
# The units of variables that mean the same in all models of neurons; of others NEST tells none.
UNITS = {
    "V_m": "mV", "V_th": "mV", "V_reset": "mV", "V_min": "mV", "V_peak": "mV", "E_L": "mV",
    "E_ex": "mV", "E_in": "mV", "Delta_T": "mV", "C_m": "pF", "g_L": "nS", "g_ex": "nS",
    "g_in": "nS", "I_e": "pA", "I_syn_ex": "pA", "I_syn_in": "pA", "tau_m": "ms", "t_ref": "ms",
    "tau_syn_ex": "ms", "tau_syn_in": "ms", "tau_w": "ms", "tau_minus": "ms", "t_spike": "ms",
    "rate": "Hz", "start": "ms", "stop": "ms", "origin": "ms", "spike_times": "ms",
}  # fmt: skip
STATUS, LISTS = "status", "lists"
LOST = (
    "ring buffers, refractory periods and the state of random generators cannot be read from NEST"
)


def is_nodes(item: object) -> bool:
    """Whether it is a NodeCollection."""
    return _is(item, "NodeCollection")


def _is(item: object, name: str) -> bool:
    kind = type(item)
    return kind.__module__.startswith("nest.") and kind.__name__ == name


def groups_of(items: Sequence[Any]) -> dict[str, Any]:
    """NodeCollections of one model each, by name: those of a mapping by their keys, others, and
    all nodes of the kernel for the module ``nest``, by their model: ``iaf_psc_exp``,
    ``iaf_psc_exp-2``. Raises ContractError for a name with several models, or that comes twice,
    FormatError for none at all and for a kernel in several processes."""
    import nest

    if nest.num_processes > 1:
        raise FormatError(
            f"the network is spread over {nest.num_processes} processes, and none has its state",
            hint="take and restore snapshots of NEST networks in one process",
        )
    found: dict[str, Any] = {}
    for item in _flat(items):
        if isinstance(item, Mapping):
            for name, nodes in item.items():
                if len(set(_each(nodes, "model"))) != 1:
                    raise ContractError(
                        "a population has the nodes of one model",
                        entry=str(name),
                        hint="give each model a name of its own",
                    )
                if name in found:
                    raise ContractError("the name comes twice", entry=str(name))
                found[str(name)] = nodes
        else:
            nodes = item if is_nodes(item) else nest.GetNodes()
            for piece in _of_one_model(nodes):
                base = str(_each(piece, "model")[0])
                name, number = base, 1
                while name in found:
                    number += 1
                    name = f"{base}-{number}"
                found[name] = piece
    if not found:
        raise FormatError("there are no nodes", hint="create some, or give a NodeCollection")
    return found


def _flat(items: Sequence[Any]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        found += _flat(item) if isinstance(item, (list, tuple)) else [item]
    return found


def _of_one_model(nodes: Any) -> list[Any]:
    models = _each(nodes, "model")
    edges = [i for i in range(1, len(models)) if models[i] != models[i - 1]]
    starts, ends = [0, *edges], [*edges, len(models)]
    return [nodes[a:b] for a, b in zip(starts, ends, strict=True) if b > a]


def _each(nodes: Any, name: str) -> list[Any]:
    """The values of one variable; NEST gives that of a single node bare, and of none an error."""
    if not len(nodes):
        return []
    values = nodes.get(name)
    return [values] if len(nodes) == 1 else list(values)


def population_entry(name: str, nodes: Any) -> Entry:
    """The entry of a group: what is one float for each node, and what is not."""
    status = nodes[0].get()
    ids = np.asarray(nodes.tolist(), np.int64)
    arrays: dict[str, npt.NDArray[Any]] = {}
    parameters: dict[str, Any] = {}
    units: dict[str, str] = {}
    native: dict[str, Any] = {STATUS: {}, LISTS: {}}
    states = {str(one) for one in status.get("recordables", ())} | {"t_spike", "Ca"}
    for key in sorted(status.keys() - FACTS):
        values = _each(nodes, key)
        if all(isinstance(value, float) for value in values):
            numbers = np.asarray(values, np.float64)
            if key in states or (numbers != numbers[0]).any():
                arrays[f"state:{key}"] = numbers
                units |= {key: UNITS[key]} if key in UNITS else {}
            else:
                one = float(numbers[0])
                parameters[key] = quantity(one, UNITS[key]) if key in UNITS else one
        elif all(isinstance(value, (np.ndarray, tuple, list)) for value in values):
            native[LISTS] |= _packed(key, values)
        elif all(isinstance(value, (bool, int, str, np.integer)) for value in values):
            native[STATUS][key] = values[0] if len({*values}) == 1 else list(values)
    if ids[-1] - ids[0] + 1 != len(ids):
        arrays["ids"] = ids
    if (nodes.spatial or None) is not None:
        arrays["positions"] = _positions(nodes)
    model = modelled(
        schemas.Population,
        name,
        name=name,
        size=len(nodes),
        model=str(status["model"]),
        position_unit="dimensionless" if "positions" in arrays else "um",
        first_id=int(ids[0]),
        last_id=int(ids[-1]),
        parameters={key: to_schema(one, f"{name}: {key}") for key, one in parameters.items()},
        state_units=units,
        native={key: to_schema(one, name) for key, one in native.items() if one},
    )
    return Entry(model, arrays)


def _packed(key: str, values: list[Any]) -> dict[str, Any]:
    """Lists of numbers, one for each node; lists of anything else say nothing of the state."""
    lists = [np.asarray(value) for value in values]
    if any(one.dtype.kind not in "biuf" or one.ndim != 1 for one in lists):
        return {}
    flat = np.concatenate([one.astype(np.float64) for one in lists])
    return {key: {"values": flat, "ends": np.cumsum([len(one) for one in lists], dtype=np.int64)}}


def _positions(nodes: Any) -> npt.NDArray[np.float64]:
    import nest

    found = np.atleast_2d(np.asarray(nest.GetPosition(nodes), np.float64))
    flat = np.zeros((len(nodes), 3))
    flat[:, : found.shape[1]] = found
    return flat


def restore_nodes(entry: Entry, nodes: Any) -> tuple[list[str], list[Loss]]:
    """Set what differs. Returns the names of what is now as in the snapshot, and the losses."""
    model = entry.model
    assert isinstance(model, schemas.Population)
    known = nodes[0].get()
    wanted = {key: one for key, one in wanted_status(entry).items() if key in known}
    lost = [
        Loss(model.name, key, "the nodes have no such variable")
        for key in wanted_status(entry)
        if key not in known
    ]
    left = {key: one for key, one in wanted.items() if not _is_set(nodes, key, one)}
    # Some bound each other, as V_reset and V_th do: what is refused is tried again after the rest.
    for _ in range(2):
        left = {key: one for key, one in left.items() if not _try(nodes, key, one)}
    lost += [Loss(model.name, key, "NEST does not let it be set") for key in left]
    return [key for key in wanted if key not in left], lost


def wanted_status(entry: Entry) -> dict[str, list[Any]]:
    """The values for each node, by NEST's names."""
    model, arrays = entry.model, entry.arrays
    assert isinstance(model, schemas.Population)
    native: Any = from_schema(model.native)
    found: dict[str, list[Any]] = {}
    for key, value in {**from_schema(model.parameters), **native.get(STATUS, {})}.items():
        bare = getattr(value, "magnitude", value)
        bare = bare.item() if isinstance(bare, np.ndarray) else bare
        found[key] = bare if isinstance(bare, list) else [bare] * model.size
    for key in arrays:
        if key.startswith("state:"):
            held = np.broadcast_to(np.asarray(arrays[key]), (model.size,))
            found[key.removeprefix("state:")] = held.tolist()
    for key, packed in native.get(LISTS, {}).items():
        found[key] = [one.tolist() for one in np.split(packed["values"], packed["ends"][:-1])]
    return found


def _try(nodes: Any, key: str, values: list[Any]) -> bool:
    import nest

    try:
        nodes.set([{key: value} for value in values])
    except nest.NESTError:
        return False
    return _is_set(nodes, key, values)


def _is_set(nodes: Any, key: str, values: list[Any]) -> bool:
    now = _each(nodes, key)
    for one, other in zip(now, values, strict=True):
        if isinstance(other, float):
            if not np.isclose(one, other, rtol=1e-12, atol=0, equal_nan=True):
                return False
        elif isinstance(other, list):
            if not np.array_equal(np.asarray(one), np.asarray(other)):
                return False
        elif one != other:
            return False
    return True
