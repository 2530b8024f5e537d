"""What PyNN's back end for NEST holds in cells and connections, read and written by NEST's own
names where PyNN has none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

State = dict[str, tuple[npt.NDArray[Any], str | None]]

# What GetConnections says of a connection that is not a variable of its synapse.
FACTS = (
    "source", "target", "weight", "delay", "port", "receptor", "sizeof", "synapse_id",
    "synapse_label", "synapse_model", "target_thread", "dendritic_delay", "axonal_delay",
)  # fmt: skip
MOMENTS: dict[str, float] = {}  # no moment of the clock can be set
LOST = (
    "neither refractory periods, nor ring buffers, nor generators, nor spikes on their way can be"
    " set in NEST"
)


def seeds(simulator: Any) -> dict[str, Any]:
    """The seed of the kernel; NEST does not tell the state of its generators."""
    import nest

    return {"rng_seed": int(nest.GetKernelStatus("rng_seed"))}


def time(simulator: Any) -> float:
    """The time of the state in ms: NEST simulates one shortest delay further than PyNN says."""
    state = simulator.state
    ahead = state.min_delay if state.running else 0.0
    return float(state.t) + float(ahead)


def values_of(status: Any) -> npt.NDArray[Any]:
    """What ``get`` gives of one variable: a tuple, or for a single node or connection a value."""
    return np.atleast_1d(np.asarray(status))


def recordables(nodes: Any) -> list[str]:
    """The names of what can be recorded of the model, which are its state."""
    keys = nodes[0].get()
    return [str(name) for name in keys.get("recordables", ()) if str(name) in keys]


def cell_state(population: Any) -> State:
    """State variables of the neurons; empty for generators of spikes."""
    if getattr(population.celltype, "uses_parrot", False):
        return {}
    nodes = population.node_collection
    found: State = {}
    natives = _names(population)
    for name, (native, scale) in natives.items():
        found[name] = values_of(nodes.get(native)).astype(np.float64) * scale, None
    for native in recordables(nodes):
        if native not in {one for one, _ in natives.values()}:
            found[native] = values_of(nodes.get(native)).astype(np.float64), None
    return found


def set_cell_state(population: Any, values: Mapping[str, npt.NDArray[Any]]) -> dict[str, str]:
    """Set state variables. Returns those that NEST does not let one set, with the reason."""
    import nest

    refused: dict[str, str] = {}
    nodes, natives = population.node_collection, _names(population)
    if "alpha" in type(population.celltype).__name__:
        refused["alpha synapses"] = "how they rise is hidden in NEST"
    for name, wanted in values.items():
        native, scale = natives.get(name, (name, 1.0))
        if native not in nodes[0].get():
            refused[name] = "the neurons have no such variable"
            continue
        put = np.asarray(wanted, np.float64) / scale
        try:
            nodes.set([{native: float(one)} for one in put])
        except nest.NESTError:
            refused[name] = "NEST does not let it be set"
            continue
        if not np.allclose(values_of(nodes.get(native)), put, rtol=1e-9, atol=0):
            refused[name] = "NEST did not take it"
    return refused


class Links:
    """The connections of a projection on NEST."""

    def __init__(self, projection: Any) -> None:
        import nest

        self._made = nest.GetConnections(
            synapse_model=projection.nest_synapse_model, synapse_label=projection.nest_synapse_label
        )
        celltype = getattr(projection.post, "celltype", None)
        sign = -1.0 if projection.receptor_type == "inhibitory" else 1.0
        # PyNN gives NEST negative weights of inhibitory conductances, and mV by a scale.
        self._scale = sign if projection.post.conductance_based else 1.0
        self._scale *= getattr(celltype, "receptor_scale", 1.0)
        self._status: dict[str, Any] = {}  # of all; NEST takes as long for one variable
        self.pre = self._get("source").astype(np.int64)
        self.post = self._get("target").astype(np.int64)
        self._keys = set(self._status)

    def _get(self, name: str) -> npt.NDArray[Any]:
        if not len(self._made):
            return np.empty(0)
        if not self._status:
            self._status = self._made.get()
        return values_of(self._status[name])

    def _set(self, name: str, values: npt.NDArray[Any]) -> None:
        self._status = {}
        self._made.set([{name: float(one)} for one in values])

    def read(self, name: str) -> npt.NDArray[Any] | None:
        """A parameter of the synapse type, by its native name; None if NEST does not tell it."""
        if name == "tau_minus" and name not in self._keys:
            return self._of_targets(name)
        if name not in self._keys:
            return None
        found = self._get(name).astype(np.float64)
        return found / self._scale if name in ("weight", "Wmax") else found

    def _of_targets(self, name: str) -> npt.NDArray[Any] | None:
        import nest

        nodes, where = np.unique(self.post, return_inverse=True)
        if not len(nodes) or name not in nest.NodeCollection([int(nodes[0])])[0].get():
            return None
        return values_of(nest.NodeCollection(nodes.tolist()).get(name)).astype(np.float64)[where]

    def write(self, name: str, values: npt.NDArray[Any]) -> None:
        """Set a parameter of the synapse type, by its native name; raises nest.NESTError."""
        import nest

        if name == "tau_minus" and name not in self._keys:
            nodes, first = np.unique(self.post, return_index=True)
            put = [{name: float(one)} for one in values[first]]
            nest.NodeCollection(nodes.tolist()).set(put)
            return
        scaled = values * self._scale if name in ("weight", "Wmax") else values
        self._set(name, scaled)

    def state(self, taken: Iterable[str] = ()) -> State:
        """Variables of the synapses that are no parameter of PyNN's, those numbers that are."""
        if not self._keys:
            return {}
        names = self._keys - {*FACTS, *taken}
        return {
            name: (self._get(name), None)
            for name in sorted(names)
            if self._get(name).dtype.kind == "f" and self._get(name).ndim == 1
        }

    def set_state(self, values: Mapping[str, npt.NDArray[Any]]) -> dict[str, str]:
        """Set such variables. Returns what NEST does not let one set, with the reason."""
        import nest

        refused: dict[str, str] = {}
        for name, wanted in values.items():
            if name not in self._keys:
                refused[name] = "the synapses have no such variable"
                continue
            try:
                self._set(name, wanted)
            except nest.NESTError:
                refused[name] = "NEST does not let it be set"
                continue
            if not np.allclose(self._get(name), wanted, rtol=1e-9, atol=0):
                refused[name] = "NEST did not take it"
        return refused


def _names(population: Any) -> dict[str, tuple[str, float]]:
    """NEST's name and scale of each variable that PyNN has a name for, and NEST tells."""
    known = population.node_collection[0].get()
    scales = getattr(population.celltype, "scale_factors", {})
    return {
        name: (native, float(scales.get(name, 1.0)))
        for name, native in getattr(population.celltype, "variable_map", {}).items()
        if native in known
    }
