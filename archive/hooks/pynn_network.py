"""Which populations and projections PyNN objects stand for, under names that are told apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.errors import FormatError

# What PyNN calls a population that was given no label: it counts all that the process made.
UNLABELLED = re.compile(r"population\d+")
FORBIDDEN = re.compile(r"[/\x00-\x1f\x7f\ud800-\udfff]")  # in the names of the contract
LONGEST = 200
KINDS = {
    "pyNN.common.populations": ("BasePopulation", "Assembly"),
    "pyNN.common.projections": ("Projection",),
    "pyNN.network": ("Network",),
}


def kind_of(item: object) -> str | None:
    """BasePopulation, Assembly, Projection, Network, or None for what is not of PyNN."""
    for ancestor in type(item).__mro__:
        if ancestor.__name__ in KINDS.get(ancestor.__module__, ()):
            return ancestor.__name__
    return None


@dataclass(frozen=True, slots=True)
class PyNNNetwork:
    """Populations (never views of them) and projections, by names of which no two are alike."""

    populations: dict[str, Any]
    projections: dict[str, Any]
    views: dict[str, list[tuple[str, npt.NDArray[np.int64]]]]  # label and indices, by population

    @property
    def simulator(self) -> Any:
        """The module ``simulator`` of the back end."""
        first = next(iter([*self.populations.values(), *self.projections.values()]))
        return first._simulator

    def places(self, cells: npt.NDArray[np.int64]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """For PyNN's ids of cells: which population each is in, by position, and where in it."""
        firsts = np.asarray([int(p.first_id) for p in self.populations.values()], np.int64)
        order = np.argsort(firsts)
        which = order[np.searchsorted(firsts[order], cells, side="right") - 1]
        return which, cells - firsts[which]


def network_of(items: Sequence[Any]) -> PyNNNetwork:
    """What the objects stand for: a view for its population, an assembly for its populations, a
    projection also for those at its ends. Raises FormatError for a network in several processes,
    whose state no process can gather, and for objects that were cleared by ``setup``."""
    populations: list[Any] = []
    projections: list[Any] = []
    views: list[Any] = []
    for item in _flat(items):
        kind = kind_of(item)
        if kind == "Network":
            populations += sorted(item.populations, key=lambda one: int(one.first_id))
            projections += sorted(item.projections, key=lambda one: (one.label or "", _made(one)))
            views += sorted(item.views, key=lambda one: str(one.label))
        elif kind == "Projection":
            projections.append(item)
        else:
            views += [each for each in _members([item]) if hasattr(each, "grandparent")]
            populations += _roots([item])
    for projection in projections:
        populations += _roots([projection.pre, projection.post])
    populations, projections = _once(populations), _once(projections)
    _refuse_processes(populations + projections)
    named = _named([(one.label, one) for one in populations])
    by_id = {id(one): name for name, one in named.items()}
    seen: dict[str, list[tuple[str, npt.NDArray[np.int64]]]] = {}
    for view in _once(views):
        place = view.grandparent.id_to_index(view.all_cells.astype(np.int64))
        seen.setdefault(by_id[id(view.grandparent)], []).append((str(view.label), place))
    return PyNNNetwork(named, _named([(one.label, one) for one in projections]), seen)


def _flat(items: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        found += _flat(item) if isinstance(item, (list, tuple)) else [item]
    return found


def _members(items: Iterable[Any]) -> list[Any]:
    """Populations and views, assemblies taken apart."""
    found = []
    for item in items:
        found += _members(item.populations) if kind_of(item) == "Assembly" else [item]
    return found


def _roots(items: Iterable[Any]) -> list[Any]:
    return [getattr(each, "grandparent", each) for each in _members(items)]


def _once(items: Iterable[Any]) -> list[Any]:
    return list({id(item): item for item in items}.values())


def _made(projection: Any) -> int:
    """A number that grows from projection to projection, where the back end has one."""
    number = getattr(projection, "nest_synapse_label", None)
    if number is not None:
        return int(number)
    synapses = getattr(projection, "_brian2_synapses", None)
    if synapses:
        names = [one.name for group in synapses.values() for one in group.values()]
        return min((int("0" + re.sub(r"\D", "", name)) for name in names), default=0)
    return next((i for i, one in enumerate(_kept(projection)) if one is projection), 0)


def _kept(projection: Any) -> list[Any]:
    """The list in which NEURON's back end keeps all projections, in their order."""
    import pyNN

    module = getattr(pyNN, "neuron", None)
    return list(module.projections._projections) if module is not None else []


def _named(labelled: Iterable[tuple[str | None, Any]]) -> dict[str, Any]:
    """Each under its label, a ``/`` in it made a ``-``; the second of one label is called
    ``label-2``, and so on."""
    items = list(labelled)
    labels = {label for label, _ in items}
    found: dict[str, Any] = {}
    for label, item in items:
        base = FORBIDDEN.sub("-", label or "")[:LONGEST] or "unnamed"
        name, number = base, 1
        while name in found or (number > 1 and name in labels):
            number += 1
            name = f"{base}-{number}"
        found[name] = item
    return found


def _refuse_processes(items: Sequence[Any]) -> None:
    if not items:
        raise FormatError("there is no population and no projection", hint="give at least one")
    processes = items[0]._simulator.state.num_processes
    if processes > 1:
        raise FormatError(
            f"the network is spread over {processes} processes, and none of them has its state",
            hint="take and restore snapshots of PyNN networks in one process",
        )
