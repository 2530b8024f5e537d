"""What PyNN's back end for NEURON holds in cells and connections, read and written by NEURON's
own names where PyNN has none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

State = dict[str, tuple[npt.NDArray[Any], str | None]]

# The state of point processes, by the names of PyNN and in its units.
KNOWN = {
    "esyn.g": ("gsyn_exc", "uS"),
    "isyn.g": ("gsyn_inh", "uS"),
    "esyn.i": ("isyn_exc", "nA"),
    "isyn.i": ("isyn_inh", "nA"),
    "adexp.w": ("w", "nA"),
    "izh.u": ("u", "mV/ms"),
    "hh_traub.m": ("m", None),
    "hh_traub.h": ("h", None),
    "hh_traub.n": ("n", None),
    "GsfaGrr.g_s": ("g_s", None),
    "GsfaGrr.g_r": ("g_r", None),
}
# The point processes that PyNN gives names, and what those have that keep a queue of spikes.
ATTRIBUTES = ("esyn", "isyn", "adexp", "izh")
HIDING = {"AlphaSyn": "g", "AlphaISyn": "i"}
ASSIGNED, STATES = 2, 3  # what MechanismStandard calls them
# Moments of the clock, and how much of their unit a ms is.
MOMENTS = {"tlast_pre": 1.0, "tlast_post": 1.0}
LOST = (
    "neither refractory periods, nor the phase of generators, nor spikes on their way can be read"
    " from NEURON"
)


def seeds(simulator: Any) -> dict[str, Any]:
    """The seed of generators that NEURON runs itself."""
    return {"native_rng_baseseed": int(simulator.state.native_rng_baseseed)}


def time(simulator: Any) -> float:
    """The time of the state in ms."""
    return float(simulator.state.t)


def cell_state(population: Any) -> State:
    """State variables of single-compartment cells; empty for generators of spikes."""
    cells = [cell._cell for cell in population.all_cells]
    if not all(hasattr(cell, "seg") for cell in cells):
        return {}
    found: State = {"v": (np.asarray([cell.seg.v for cell in cells], np.float64), "mV")}
    owners = [_owners(cell) for cell in cells]
    for native in dict.fromkeys([*_states(owners[0]), *_hidden(owners[0])]):
        owner, _, variable = native.partition(".")
        name, unit = KNOWN.get(native, (native, None))
        values = [getattr(mine[owner], variable) for mine in owners]
        found[name] = np.asarray(values, np.float64), unit
    return found


def set_cell_state(population: Any, values: Mapping[str, npt.NDArray[Any]]) -> dict[str, str]:
    """Set state variables now, or when the first run has initialised all. Returns those that
    cannot be set, with the reason."""
    cells = [cell._cell for cell in population.all_cells]
    if not all(hasattr(cell, "seg") for cell in cells):
        return dict.fromkeys(values, "generators have no such variable")
    owners = [_owners(cell) for cell in cells]
    natives = {pynn: native for native, (pynn, _) in KNOWN.items()}
    put, refused = {}, {}
    for name in values:
        native = natives.get(name, name)
        if name == "v" or native in _states(owners[0]):
            put[name] = native.rpartition(".")
        elif native in _hidden(owners[0]):
            refused[name] = "the spikes that it comes from are hidden in NEURON"
        else:
            refused[name] = "the cells have no such variable"

    def apply() -> None:
        for name, (owner, _, variable) in put.items():
            for cell, mine, value in zip(cells, owners, values[name], strict=True):
                setattr(mine[owner] if owner else cell.seg, variable, float(value))

    _when_initialised(population._simulator, apply)
    return refused


class Links:
    """The connections of a projection on NEURON."""

    def __init__(self, projection: Any) -> None:
        self._made = list(projection.connections)
        self._simulator = projection._simulator
        before = np.asarray(projection.pre.all_cells, np.int64)
        after = np.asarray(projection.post.all_cells, np.int64)
        self.pre = before[[int(one.presynaptic_index) for one in self._made]]
        self.post = after[[int(one.postsynaptic_index) for one in self._made]]

    def read(self, name: str) -> npt.NDArray[Any] | None:
        """A parameter of the synapse type, by its native name. The weight of a connection with
        short-term plasticity is the one it was made with, not the one of the last spike."""
        try:
            return np.asarray([self._of(one, name) for one in self._made], np.float64)
        except AttributeError:
            return None

    @staticmethod
    def _of(made: Any, name: str) -> float:
        if name == "weight" and _scales(made):
            return float(made.pre2wa.weight[0])
        return float(getattr(made, name))

    def write(self, name: str, values: npt.NDArray[Any]) -> None:
        """Set a parameter of the synapse type, by its native name."""
        for made, value in zip(self._made, values, strict=True):
            setattr(made, name, float(value))
            if name == "weight" and _scales(made):
                made.pre2wa.weight[0] = float(value)
            if name == "delay" and hasattr(made, "pre2wa") and made.pre2wa.delay > 1e-9:
                made.pre2wa.delay -= 1e-9  # as PyNN makes it: the weight changes before its use

    def state(self, taken: Iterable[str] = ()) -> State:
        """Variables that the synapses change themselves."""
        adjusters = [getattr(one, "weight_adjuster", None) for one in self._made]
        if not adjusters or any(one is None for one in adjusters):
            return {}
        names = [
            name for kind in (ASSIGNED, STATES) for name in _names(_mechanism(adjusters[0]), kind)
        ]
        found: State = {
            name: (np.asarray([getattr(one, name) for one in adjusters], np.float64), None)
            for name in names
            if name not in taken
        }
        if all(map(_scales, self._made)):
            found["last_weight"] = np.asarray([one.nc.weight[0] for one in self._made]), None
        return found

    def set_state(self, values: Mapping[str, npt.NDArray[Any]]) -> dict[str, str]:
        """Set such variables. Returns what cannot be set, with the reason."""
        known = set(self.state()) - {"last_weight"}

        def apply() -> None:
            for name in known & set(values):
                for made, value in zip(self._made, values[name], strict=True):
                    setattr(made.weight_adjuster, name, float(value))

        _when_initialised(self._simulator, apply)
        refused = {name: "the synapses have no such variable" for name in set(values) - known}
        if "last_weight" in refused:
            refused["last_weight"] = "the resources that it comes from are hidden in NEURON"
        return refused


def _scales(made: Any) -> bool:
    """Whether the connection has a weight of its own, which short-term plasticity scales."""
    return hasattr(made, "pre2wa") and not hasattr(made, "post2wa")


@lru_cache(maxsize=256)
def _names(mechanism: str, kind: int) -> tuple[str, ...]:
    from neuron import h

    standard, text, found = h.MechanismStandard(mechanism, kind), h.ref(""), []
    for number in range(int(standard.count())):
        standard.name(text, number)
        found.append(str(text[0]).removesuffix(f"_{mechanism}"))
    return tuple(found)


def _mechanism(process: Any) -> str:
    """The name of a point process, or of a mechanism of the membrane."""
    name = process.hname() if hasattr(process, "hname") else process.name()
    return str(name).partition("[")[0]


def _owners(cell: Any) -> dict[str, Any]:
    """What has state in a cell: point processes by the names that PyNN gives them, or else as in
    ``GsfaGrr`` and, for the second of its kind, ``GsfaGrr-2``; mechanisms of the membrane."""
    held = {name: getattr(cell, name, None) for name in ATTRIBUTES}
    named = {process.hname(): name for name, process in held.items() if process is not None}
    found: dict[str, Any] = {}
    seen: Counter[str] = Counter()
    for process in sorted(cell.seg.point_processes(), key=_number):
        mechanism = _mechanism(process)
        seen[mechanism] += 1
        plain = mechanism if seen[mechanism] == 1 else f"{mechanism}-{seen[mechanism]}"
        found[named.get(process.hname(), plain)] = process
    return found | {str(mechanism.name()): mechanism for mechanism in cell.seg}


def _number(process: Any) -> int:
    return int(process.hname().rpartition("[")[2].rstrip("]"))


def _states(owners: Mapping[str, Any]) -> list[str]:
    """The state variables of a cell, as in ``esyn.g`` and ``hh_traub.m``."""
    return [
        f"{owner}.{name}"
        for owner, process in sorted(owners.items())
        for name in _names(_mechanism(process), STATES)
    ]


def _hidden(owners: Mapping[str, Any]) -> list[str]:
    """What can be read and not set: alpha synapses compute it from a queue of their own."""
    return [
        f"{owner}.{HIDING[_mechanism(process)]}"
        for owner, process in sorted(owners.items())
        if _mechanism(process) in HIDING
    ]


_waiting: list[tuple[Any, list[Callable[[], None]]]] = []


def _when_initialised(simulator: Any, apply: Callable[[], None]) -> None:
    """Now, if the network is running; else once, at the initialisation with which its first run
    begins: that would undo it. A ``reset`` before that is an initialisation too."""
    if simulator.state.running:
        apply()
        return
    from neuron import h

    _waiting[:] = [one for one in _waiting if one[1]]  # those that are done
    left = [apply]

    def once() -> None:
        while left:
            left.pop()()

    # Type 1: after the mechanisms have initialised their states, before anything uses them.
    _waiting.append((h.FInitializeHandler(1, once), left))
