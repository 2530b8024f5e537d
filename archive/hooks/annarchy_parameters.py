"""The global parameters of a live ANNarchy network, out and back.

ANNarchy's own ``save_parameters`` writes what parameters were before the network was compiled;
here they are read as they are now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from archive.entry import Loss
from archive.errors import ContractError, FormatError
from archive.hooks.restoring import Restoration
from archive.values import to_schema
from schemas.v1.value import Value

Group = dict[str, dict[str, Any]]


def capture(network: Any) -> dict[str, Value]:
    """The values of a parameter set: ``populations`` and ``projections`` by name, each with its
    global parameters as they are now, an empty ``network``, and ``constants``.

    `network` is an ``ANNarchy.Network``, or the module ``ANNarchy`` for the network without an
    object. Raises FormatError for anything else, ContractError where a name is not unique.
    """
    net = _network(network)
    found: dict[str, Any] = {"populations": {}, "projections": {}, "network": {}}
    for group, items in _groups(net).items():
        for item in _unique(group, items).values():
            where = f"{group}.{item.name}"
            found[group][item.name] = {
                name: _number(item.get(name), f"{where}.{name}") for name in _global(item)
            }
    constants = _unique("constants", net.get_constants())
    found["constants"] = {
        name: _number(one.value, f"constants.{name}") for name, one in constants.items()
    }
    return found


def apply(groups: Mapping[str, Any], network: Any, *, global_only: bool = True) -> Restoration:
    """Set parameters; `groups` has ``populations``, ``projections`` and ``constants`` with plain
    numbers. What the network does not have is skipped, and what only it has is missing."""
    net = _network(network)
    restored: list[str] = []
    skipped: list[Loss] = []
    missing: list[str] = []
    for group, items in _groups(net).items():
        there = _unique(group, items)
        given: Group = dict(groups.get(group, {}))
        skipped += [
            Loss(name, group[:-1], f"the network has no {group[:-1]} of this name")
            for name in given
            if name not in there
        ]
        for name, item in there.items():
            own = given.get(name, {})
            missing += [f"{name}: {one}" for one in _global(item) if one not in own]
            for parameter, value in own.items():
                reason = _refusal(item, parameter, global_only) or _set(item, parameter, value)
                if reason:
                    skipped.append(Loss(name, parameter, reason))
                else:
                    restored.append(f"{name}: {parameter}")
    known = _unique("constants", net.get_constants())
    constants: dict[str, Any] = dict(groups.get("constants", {}))
    missing += [f"constants: {name}" for name in known if name not in constants]
    for name, value in constants.items():
        if name in known:
            known[name].set(float(value))
            restored.append(f"constants: {name}")
        else:
            skipped.append(Loss("constants", name, "the network has no constant of this name"))
    return Restoration(tuple(restored), tuple(skipped), tuple(missing))


def _network(network: Any) -> Any:
    if getattr(network, "__name__", None) == "ANNarchy":
        from ANNarchy.intern.NetworkManager import NetworkManager

        return NetworkManager().get_network(net_id=0)
    kinds = [(kind.__module__.partition(".")[0], kind.__name__) for kind in type(network).__mro__]
    if ("ANNarchy", "Network") not in kinds:
        kind = type(network)
        raise FormatError(
            f"{kind.__module__}.{kind.__qualname__} is no ANNarchy network",
            hint="give the ANNarchy.Network, or the module ANNarchy for populations that were made"
            " without one; another simulator's parameters are saved as a dict",
        )
    if not hasattr(network, "get_constants"):
        raise FormatError(
            "this version of ANNarchy is too old for live networks",
            hint="write the set with export(path, 'annarchy'), and call load_parameters(path)",
        )
    return network


def _groups(net: Any) -> dict[str, Any]:
    return {"populations": net.get_populations(), "projections": net.get_projections()}


def _unique(group: str, items: Any) -> dict[str, Any]:
    """The items by name."""
    twice = [name for name, count in Counter(item.name for item in items).items() if count > 1]
    if twice:
        raise ContractError(
            f"several {group} have the name {twice[0]!r}",
            hint="give each a name of its own where it is made, name=...",
        )
    return {item.name: item for item in items}


def _description(item: Any) -> Mapping[str, Any]:
    kind = getattr(item, "neuron_type", None) or item.synapse_type
    description: Mapping[str, Any] = kind.description
    return description


def _global(item: Any) -> Iterator[str]:
    """Its parameters that all neurons, or synapses, share."""
    shared = _description(item)["global"]
    yield from (name for name in item.parameters if name in shared)


def _number(value: Any, where: str) -> Value:
    array = np.asarray(value)
    if array.ndim:
        raise ContractError(
            f"a global parameter has {array.size} values",
            entry=where,
            hint="a snapshot keeps arrays: run.snapshot(network)",
        )
    return to_schema(array[()], where)


def _refusal(item: Any, name: str, global_only: bool) -> str | None:
    """Why a parameter is not set, as ``load_parameters`` decides it."""
    if name in item.parameters:
        if global_only and name not in _description(item)["global"]:
            return "it is not global; global_only=False sets it everywhere to this value"
        return None
    return "it is a variable" if name in item.attributes else "there is no such parameter"


def _set(item: Any, name: str, value: Any) -> str | None:
    """Set it, to a float in a projection as ANNarchy does; says why that failed."""
    try:
        item.set({name: value if hasattr(item, "neuron_type") else float(value)})
    except Exception as error:  # ANNarchy raises what it likes, and the others can still be set
        return f"ANNarchy refuses it: {error}"
    return None
