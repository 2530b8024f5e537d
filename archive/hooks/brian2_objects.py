"""The objects of a Brian 2 network, by what they mean for its state."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from archive.errors import ContractError, FormatError
from archive.hooks.brian2 import si_unit
from archive.states.brian2 import DERIVED, Variable

NETWORKS = ("Network",)
GROUPS = ("NeuronGroup", "SpatialNeuron", "PoissonGroup", "SpikeGeneratorGroup", "Subgroup")
SYNAPSES = ("Synapses",)
RECORDERS = ("StateMonitor", "EventMonitor", "PopulationRateMonitor")
FOREIGN_FRAMES = ("archive", "contextlib", "functools")


@dataclass(slots=True)
class Objects:
    """What was given: a network with everything in it, or single groups without one."""

    network: Any | None
    groups: dict[str, Any] = field(default_factory=dict)
    synapses: dict[str, Any] = field(default_factory=dict)
    others: dict[str, Any] = field(default_factory=dict)  # with variables of their own
    recorders: list[str] = field(default_factory=list)
    operations: list[str] = field(default_factory=list)  # the user's Python functions
    clocks: dict[str, Any] = field(default_factory=dict)


def kind_of(item: object) -> str | None:
    """The class of Brian 2 that an object is of, of those that have state of a network."""
    for ancestor in type(item).__mro__:
        if ancestor.__module__.startswith("brian2.") and ancestor.__name__ in (
            *NETWORKS,
            *GROUPS,
            *SYNAPSES,
        ):
            return ancestor.__name__
    return None


def objects_of(items: Sequence[Any]) -> Objects:
    """The objects of one network, or the groups and synapses given.

    For the magic network, what `brian2.run` would take in the calling script. Raises FormatError
    for a network beside other things, and for a device that keeps its state elsewhere.
    """
    _refuse_standalone()
    networks = [item for item in items if kind_of(item) in NETWORKS]
    if networks and len(items) > 1:
        raise FormatError(
            "a network has all that is in it, and is one state of its own",
            hint="give one network, or groups and synapses",
        )
    if not networks:
        return _sorted_out(None, items)
    (network,) = networks
    if type(network).__name__ == "MagicNetwork":
        network._update_magic_objects(level=_frames_to_caller())
        found = _sorted_out(network, network.objects)
        # as Brian 2 itself does: else it would keep alive what the script has dropped
        network.objects.clear()
    else:
        found = _sorted_out(network, network.objects)
    if not found.groups and not found.synapses:
        raise FormatError(
            "the network has no groups and no synapses",
            entry=network.name,
            hint="give the network, or objects, of which you know that they were simulated",
        )
    return found


def own_variables(item: Any, *, names: Iterable[str] | None = None) -> dict[str, Any]:
    """The array variables that an object itself has, not those of others that it refers to."""
    return {
        variable.name: variable
        for variable in item.variables.values()
        if hasattr(variable, "get_value")
        and hasattr(variable, "device")
        and hasattr(variable, "size")
        and getattr(variable.owner, "name", None) == item.name
        and (names is None or variable.name in names)
    }


def group_variables(group: Any) -> dict[str, Any]:
    """Of a group what makes its state; a part of a group has what its neurons have each."""
    if kind_of(group) != "Subgroup":
        found = own_variables(group)
        return {name: found[name] for name in sorted(found) if name not in DERIVED}
    whole = own_variables(group.source)
    size = len(group.source)
    return {
        name: whole[name]
        for name in sorted(whole)
        if name not in DERIVED and is_per_member(group.source, whole[name], size)
    }


def is_per_member(item: Any, variable: Any, size: int) -> bool:
    """Whether a variable has a value for each neuron, or synapse, of an object of that size."""
    return (
        not variable.scalar
        and not variable.name.startswith("_")
        and item.variables.indices[variable.name] == "_idx"
        and np.shape(variable.get_value()) == (size,)
    )


def read(item: Any, variable: Any, size: int, *, rows: slice = slice(None)) -> Variable:
    """A copy of what a variable holds now."""
    unit, exponents = dimension_of(variable)
    per_member = is_per_member(item, variable, size)
    held = variable.get_value()[rows] if per_member else variable.get_value()
    return Variable(
        np.array(held),
        unit,
        exponents,
        constant=bool(variable.constant),
        per_member=per_member,
    )


def dimension_of(variable: Any) -> tuple[str | None, tuple[float, ...] | None]:
    """The SI unit of a variable; or, where no unit has its dimension, the exponents."""
    from brian2.units.fundamentalunits import Quantity

    try:
        return si_unit(Quantity, variable.dim, variable.name), None
    except ContractError:
        return None, tuple(map(float, variable.dim._dims))


def parent(group: Any) -> tuple[Any, int, int]:
    """The whole group that one is part of, and where in it; itself from 0 on if it is whole."""
    if kind_of(group) == "Subgroup":
        return group.source, int(group.start), int(group.stop)
    return group, 0, size_of(group)


def size_of(group: Any) -> int:
    """How many neurons, or synapses where synapses are the target of others."""
    return int(group.variables["N"].item())


def _sorted_out(network: Any | None, items: Iterable[Any]) -> Objects:
    found = Objects(network)
    for item in sorted(_with_contained(items), key=lambda one: str(one.name)):
        names = {ancestor.__name__ for ancestor in type(item).__mro__}
        kind = kind_of(item)
        found.clocks[item.clock.name] = item.clock
        if kind in GROUPS and (network is None or kind != "Subgroup"):
            found.groups[item.name] = item
        elif kind in SYNAPSES:
            found.synapses[item.name] = item
        elif "SynapticPathway" in names:
            pass  # part of its synapses
        elif names & {*RECORDERS, "Subgroup"}:
            found.recorders.append(item.name)
        elif "NetworkOperation" in names:
            found.operations.append(item.name)
        elif hasattr(item, "_full_state"):
            found.others[item.name] = item
    return found


def _with_contained(items: Iterable[Any]) -> list[Any]:
    found: dict[int, Any] = {}
    waiting = list(items)
    while waiting:
        item = waiting.pop()
        if id(item) not in found:
            found[id(item)] = item
            waiting.extend(item.contained_objects)
    return list(found.values())


def _frames_to_caller() -> int:
    """How far up the stack from the function that calls this one the user's script is."""
    level, frame = 0, sys._getframe(1)
    while frame.f_back is not None:
        if frame.f_globals.get("__name__", "").split(".")[0] not in FOREIGN_FRAMES:
            return level
        level, frame = level + 1, frame.f_back
    return level


def _refuse_standalone() -> None:
    from brian2.devices.device import get_device

    device = type(get_device()).__name__
    if device != "RuntimeDevice":
        raise FormatError(
            f"the state of a network on the device {device} lies outside of this program",
            hint="use the runtime device: set_device('runtime')",
        )
