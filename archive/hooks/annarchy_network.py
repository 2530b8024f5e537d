"""Which ANNarchy 5 network is meant, what its populations and projections are called, and what
they are made of.

Names are not unique in ANNarchy: of two objects of one name its own files keep the last.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

import numpy as np

from archive.errors import ContractError, FormatError

KINDS = ("Network", "Population", "PopulationView", "Projection")
# C++ has these types for a `double`, `float`, `int` or `bool` attribute
TYPES = {"double": "<f8", "float": "<f4", "int": "<i4", "bool": "|b1", "char": "|b1"}
Locality = Literal["local", "semiglobal", "global"]


def kind_of(item: object) -> str | None:
    """Network, Population, PopulationView, Projection, or None. The package itself stands for its
    global network."""
    if isinstance(item, ModuleType):
        return "Network" if item.__name__ == "ANNarchy" else None
    for ancestor in type(item).__mro__:
        if ancestor.__module__.startswith("ANNarchy.") and ancestor.__name__ in KINDS:
            return ancestor.__name__
    return None


@dataclass(frozen=True)
class Live:
    """What was given of a compiled network; `whole`: the network itself was."""

    network: Any
    populations: dict[str, Any]
    projections: dict[str, Any]
    whole: bool

    @property
    def time_step(self) -> float:
        """In ms."""
        return float(self.network.dt)

    @property
    def step(self) -> int:
        """Where the clock stands, in time steps."""
        return int(self.network.instance.get_time())


def live(items: Sequence[Any]) -> Live:
    """The network that the items are, or are of.

    Raises FormatError for a network that is not compiled, for items of several networks and for a
    view; ContractError for two objects of one name.
    """
    networks = {id(network): network for network in map(network_of, items)}
    if len(networks) > 1:
        raise FormatError(
            "objects of several networks cannot be one snapshot",
            hint="take one of each network: those that belong to it",
        )
    (network,) = networks.values()
    if not network.compiled:
        raise FormatError(
            "the network is not compiled: it has no state yet", hint="call compile() first"
        )
    if network._get_config("paradigm") == "cuda":
        raise FormatError("networks on a GPU are not read", hint="ann.setup(paradigm='openmp')")
    whole = any(kind_of(item) == "Network" for item in items)
    populations = [item for item in items if kind_of(item) == "Population"]
    projections = [item for item in items if kind_of(item) == "Projection"]
    if whole:
        populations, projections = network.get_populations(), network.get_projections()
    return Live(
        network, _named(populations, "population"), _named(projections, "projection"), whole
    )


def network_of(item: Any) -> Any:
    """The network that an item is, or is of. Raises FormatError for a view of a population."""
    kind = kind_of(item)
    if kind == "Network" and not isinstance(item, ModuleType):
        return item
    if kind == "PopulationView":
        raise FormatError(
            "a view has no state of its own",
            entry=str(item.name),
            hint="give the population that it is a view of: view.population",
        )
    manager = sys.modules["ANNarchy.intern.NetworkManager"].NetworkManager()
    return manager.magic_network() if kind == "Network" else manager.get_network(item.net_id)


def _named(items: Sequence[Any], what: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in items:
        if found.setdefault(item.name, item) is not item:
            raise ContractError(
                f"two {what}s have this name",
                entry=item.name,
                hint=f"give each {what} a name: name=... where it is made",
            )
    return found


@dataclass(frozen=True)
class Attribute:
    """A parameter or variable of a neuron or synapse. Local: one value for each neuron, or
    connection; semiglobal: for each receiving neuron of a projection; global: one for all."""

    name: str
    locality: Locality
    dtype: np.dtype[Any]
    changes: bool  # a variable; parameters are left alone by the simulator


def attributes_of(item: Any) -> dict[str, Attribute]:
    """The attributes of a population or projection that ANNarchy lets be read and set."""
    description = (
        item.neuron_type if kind_of(item) == "Population" else item.synapse_type
    ).description
    types = {each["name"]: each for each in description["parameters"] + description["variables"]}
    variables = {each["name"] for each in description["variables"]}
    found = {}
    for name in dict.fromkeys(item.attributes):  # a weight that changes is listed twice
        locality = _locality(item, name, description)
        if name in types and locality is not None:
            kind = np.dtype(TYPES.get(types[name]["ctype"], "<f8"))
            found[name] = Attribute(name, locality, kind, name in variables)
    return found


def _locality(item: Any, name: str, description: dict[str, Any]) -> Locality | None:
    if kind_of(item) == "Population":
        if not hasattr(item.cyInstance, name):  # an input that ANNarchy made a population of
            return None
        return "local" if name in description["local"] else "global"
    if name == "w" and item._has_single_weight():
        return "global"
    localities: tuple[Locality, ...] = ("local", "semiglobal", "global")
    return next((each for each in localities if name in description[each]), None)


def is_readable(projection: Any) -> bool:
    """Whether it has connections of its own: convolutions, poolings and copies have not."""
    return bool(projection._saveable) and hasattr(projection.cyInstance, "init_from_lil")


def population_of(end: Any) -> Any:
    """The whole population that a projection starts or ends at, also where it is a view."""
    return end.population if kind_of(end) == "PopulationView" else end


def type_name(model: Any) -> str:
    """The name of a neuron's or synapse's model, as ANNarchy reports it."""
    return str(getattr(model, "name", "") or type(model).__name__)
