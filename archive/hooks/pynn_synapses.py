"""A projection of PyNN as entries of a snapshot, and back: who is connected, weights, delays,
parameters of plasticity and the state of synapses."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.connections import compressed
from archive.entry import Entry
from archive.hooks.plain import modelled
from archive.hooks.pynn_backends import Links, backend
from archive.hooks.pynn_cells import AS_MADE, STATE
from archive.hooks.pynn_network import PyNNNetwork
from archive.values import quantity, to_schema

LABEL = "label"  # the label of a projection that makes several entries
TIMES = ("tau", "delay")
WEIGHTS = ("w_max", "w_min", "weight")


@dataclass(frozen=True, slots=True)
class Wires:
    """The connections from one population to another, of one projection: `where` they stand
    among all its connections, and the indices of their ends in the full populations."""

    name: str
    pre: str
    post: str
    where: npt.NDArray[np.int64]
    pre_index: npt.NDArray[np.int64]
    post_index: npt.NDArray[np.int64]


def wires_of(name: str, projection: Any, links: Links, network: PyNNNetwork) -> list[Wires]:
    """The connections of a projection by the populations at their ends: one for populations and
    views of them, several for assemblies, whose names then say which."""
    names = list(network.populations)
    before, pre_index = network.places(links.pre)
    after, post_index = network.places(links.post)
    pairs = [
        (names.index(pre), names.index(post))
        for pre in _ends(projection.pre, network)
        for post in _ends(projection.post, network)
    ]
    found = []
    for pre, post in pairs:
        where = np.flatnonzero((before == pre) & (after == post))
        told = name if len(pairs) == 1 else f"{name} [{names[pre]}→{names[post]}]"
        ends = pre_index[where], post_index[where]
        found.append(Wires(told, names[pre], names[post], where, *ends))
    return found


def projection_entries(name: str, projection: Any, network: PyNNNetwork) -> list[Entry]:
    """The entries of a projection: one, or for assemblies one for each pair of populations."""
    links: Links = backend(projection._simulator).Links(projection)
    kind = projection.synapse_type
    values, as_made = synapse_values(projection, links)
    state = links.state(native_names(kind))
    unit = weight_unit(projection.post)
    found = []
    for wires in wires_of(name, projection, links, network):
        sizes = network.populations[wires.pre].size, network.populations[wires.post].size
        rows = compressed(wires.pre_index, wires.post_index, sizes[0], sizes[1], wires.name)
        arrays: dict[str, npt.NDArray[Any]] = dict(rows.arrays())
        parameters: dict[str, Any] = {}
        units: dict[str, str] = {}
        for key, all_values in values.items():
            own = all_values[wires.where] if np.ndim(all_values) else all_values
            if key in ("weight", "delay"):
                arrays[f"{key}s"] = rows.arranged(np.asarray(own, np.float64))
            elif np.ndim(own) and (not len(own) or (own != own[0]).any()):
                arrays[f"state:{key}"] = rows.arranged(own)
                told = _unit(key, unit)
                units |= {key: told} if told else {}
            else:
                one = own[0].item() if np.ndim(own) else own
                told = _unit(key, unit)
                parameters[key] = quantity(one, told) if told and _is_number(one) else one
        for key, (own, told) in state.items():
            arrays[f"state:{key}"] = rows.arranged(own[wires.where])
            units |= {key: told} if told else {}
        native: dict[str, Any] = {"views": _views(projection)}
        native |= {AS_MADE: as_made} if as_made else {}
        native |= {STATE: list(state)} if state else {}
        native |= {LABEL: name} if wires.name != name else {}
        model = modelled(
            schemas.Projection,
            wires.name,
            name=wires.name,
            pre=wires.pre,
            post=wires.post,
            pre_size=sizes[0],
            post_size=sizes[1],
            size=len(wires.where),
            rows=rows.rows,
            receptor=projection.receptor_type,
            synapse=type(kind).__name__,
            connector=type(projection._connector).__name__,
            weight_unit=unit,
            delay_unit="ms",
            parameters=_contract(parameters | _rules(kind), wires.name),
            state_units=units,
            native=_contract({key: one for key, one in native.items() if one}, wires.name),
            annotations=_contract(projection.annotations, wires.name),
        )
        found.append(Entry(model, arrays))
    return found


def synapse_values(projection: Any, links: Links) -> tuple[dict[str, Any], list[str]]:
    """The parameters of the synapses by PyNN's names and in its units: arrays (connection,), or
    what they were made with where the simulator does not tell; and the names of these."""
    kind = projection.synapse_type
    read = {name: links.read(name) for name in native_names(kind)}
    known = {name: values for name, values in read.items() if values is not None}
    found: dict[str, Any] = {}
    if known and len(links.pre):
        found = _translated(kind, known, len(links.pre), back=True)
    found = {name: np.asarray(values, np.float64) for name, values in found.items()}
    as_made = []
    for name in kind.get_parameter_names():
        if name in found:
            continue
        if name in ("weight", "delay"):
            if not len(links.pre):
                found[name] = np.empty(0)
            continue
        made = kind.parameter_space[name]
        if made.is_homogeneous:
            made.shape = made.shape or (1,)
            found[name] = np.asarray(made.evaluate(simplify=True)).item()
            as_made.append(name)
    return found, as_made


def write_synapses(projection: Any, links: Links, wanted: Mapping[str, npt.NDArray[Any]]) -> None:
    """Set parameters of all synapses, given by PyNN's names and in its units, where they differ."""
    kind = projection.synapse_type
    have, _ = synapse_values(projection, links)
    size = len(links.pre)
    full = {
        name: np.broadcast_to(np.asarray(wanted.get(name, have[name]), np.float64), (size,))
        for name in kind.get_parameter_names()
        if name in have
    }
    before = {name: links.read(name) for name in native_names(kind)}
    for name, values in _translated(kind, full, size, back=False).items():
        old = before.get(name)
        if old is not None and not np.allclose(old, values, rtol=1e-12, atol=0, equal_nan=True):
            links.write(name, values)


def native_names(kind: Any) -> list[str]:
    """The names that a back end has for the parameters of a synapse type."""
    return [str(one["translated_name"]) for one in getattr(kind, "translations", {}).values()] or [
        str(name) for name in kind.get_parameter_names()
    ]


def weight_unit(post: Any) -> str:
    """The unit of weights onto these cells: uS, nA or mV."""
    first = next(iter(getattr(post, "populations", [post])))
    if getattr(first.celltype, "voltage_based_synapses", False):
        return "mV"
    return "uS" if first.celltype.conductance_based else "nA"


def _translated(kind: Any, values: Mapping[str, Any], size: int, *, back: bool) -> dict[str, Any]:
    """From PyNN's names and units to those of the back end, or `back`. What is computed from
    something that is not there is left out."""
    from pyNN.parameters import ParameterSpace

    if not getattr(kind, "translations", None):
        return dict(values)  # a native synapse type
    if not back:
        made = kind.translate(ParameterSpace(dict(values), kind.get_schema(), shape=(size,)))
        made.evaluate(simplify=False)
        return dict(made.as_dict())
    space = ParameterSpace(dict(values), shape=(size,))
    found: dict[str, Any] = {}
    for name, rule in kind.translations.items():
        native = str(rule["translated_name"])
        if native not in values:
            continue
        if rule["type"] == "simple" and not callable(rule["reverse_transform"]):
            found[name] = values[native]  # PyNN would evaluate the name: NEST has one "lambda"
            continue
        # one by one: a single rule that lacks something makes PyNN fail for all
        alone = copy(kind)
        alone.translations = {name: rule}
        try:
            made = alone.reverse_translate(space)
            made.evaluate(simplify=False)
        except (KeyError, NameError, AttributeError):
            continue
        found.update(made.as_dict())
    return found


def _ends(end: Any, network: PyNNNetwork) -> list[str]:
    roots = [getattr(one, "grandparent", one) for one in getattr(end, "populations", [end])]
    wanted = {id(root) for root in roots}
    return [name for name, one in network.populations.items() if id(one) in wanted]


def _views(projection: Any) -> dict[str, str]:
    """The label of each end that is a view or an assembly."""
    return {
        side: str(end.label)
        for side, end in (("pre", projection.pre), ("post", projection.post))
        if hasattr(end, "grandparent") or hasattr(end, "populations")
    }


def _rules(kind: Any) -> dict[str, str]:
    """The names of the rules that a mechanism of plasticity consists of."""
    return {
        name: type(rule).__name__
        for name in ("timing_dependence", "weight_dependence", "voltage_dependence")
        if (rule := getattr(kind, name, None)) is not None
    }


def _unit(name: str, weight: str) -> str | None:
    if name.startswith(TIMES):
        return "ms"
    return weight if name in WEIGHTS else None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _contract(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    return {str(key): to_schema(value, f"{where}: {key}") for key, value in values.items()}
