"""What PyNN's back end for Brian 2 holds in cells and connections, read and written by Brian's
own names where PyNN has none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.values import to_schema

State = dict[str, tuple[npt.NDArray[Any], str | None]]

# Moments of the clock, and how much of their unit a ms is.
MOMENTS = {"lastspike": 1e-3, "lastupdate": 1e-3}
NO_STATE = ("N", "i", "j", "t", "dt", "delay", "synapse_number")
LOST = "neither spikes on their way nor random numbers can be put back through PyNN"


def seeds(simulator: Any) -> dict[str, Any]:
    """Nothing: Brian 2 does not keep the seed it was given."""
    return {}


def time(simulator: Any) -> float:
    """The time of the state in ms."""
    return float(simulator.state.t)


def cell_state(population: Any) -> State:
    """State variables of the neurons, by PyNN's names where it has them; empty for generators."""
    names, group = _pynn_names(population), population.brian2_group
    if not names:
        return {}
    found: State = {}
    for native in _variables(group, _parameters(population.celltype)):
        values, unit = _values(group, native)
        if native in names:
            name, in_unit = names[native]
            found[name] = values / in_unit, None
        else:
            found[native] = values, unit
    return found


def set_cell_state(population: Any, values: Mapping[str, npt.NDArray[Any]]) -> dict[str, str]:
    """Set state variables at once. Returns those that the neurons do not have."""
    group = population.brian2_group
    natives = {name: (native, scale) for native, (name, scale) in _pynn_names(population).items()}
    known = _variables(group, _parameters(population.celltype))
    refused = {}
    for name, wanted in values.items():
        native, scale = natives.get(name, (name, 1.0))
        if native not in known:
            refused[name] = "the neurons have no such variable"
            continue
        _put(group, native, wanted * scale if scale != 1.0 else wanted)
    return refused


class Links:
    """The connections of a projection on Brian 2: one ``Synapses`` for each pair of groups."""

    def __init__(self, projection: Any) -> None:
        self._taken = _parameters(projection.synapse_type)
        self._made: list[Any] = []
        pre, post = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        before, after = _firsts(projection.pre), _firsts(projection.post)
        for number, row in projection._brian2_synapses.items():
            for other, synapses in row.items():
                self._made.append(synapses)
                pre.append(before[number] + np.asarray(synapses.i[:], np.int64))
                post.append(after[other] + np.asarray(synapses.j[:], np.int64))
        self.pre, self.post = np.concatenate(pre), np.concatenate(post)

    def read(self, name: str) -> Any:
        """A parameter of the synapse type, by its native name, as a quantity of Brian 2."""
        import brian2

        try:
            pieces = [getattr(one, name)[:] for one in self._made if len(one)]
        except AttributeError:
            return None
        if not pieces:
            return None
        plain = np.concatenate([np.array(piece, np.float64, subok=False) for piece in pieces])
        return brian2.Quantity(plain, dim=brian2.get_dimensions(pieces[0]))

    def write(self, name: str, values: Any) -> None:
        """Set a parameter of the synapse type, by its native name, from a quantity."""
        first = 0
        for one in self._made:
            if len(one):
                setattr(one, name, values[first : first + len(one)])
            first += len(one)

    def state(self, taken: Iterable[str] = ()) -> State:
        """Variables of the synapses that are no parameter of PyNN's, with their SI units."""
        filled = [one for one in self._made if len(one)]
        found: State = {}
        for name in _variables(filled[0], {*taken, *self._taken}) if filled else []:
            pieces = [_values(one, name) for one in filled]
            found[name] = np.concatenate([values for values, _ in pieces]), pieces[0][1]
        return found

    def set_state(self, values: Mapping[str, npt.NDArray[Any]]) -> dict[str, str]:
        """Set such variables. Returns those that the synapses do not have."""
        known = self.state()
        for name in known.keys() & values.keys():
            first = 0
            for one in self._made:
                if len(one):
                    _put(one, name, values[name][first : first + len(one)])
                first += len(one)
        return {name: "the synapses have no such variable" for name in values.keys() - known}


def _firsts(ends: Any) -> list[int]:
    """The first cell of the population behind each group of a projection's end."""
    members = getattr(ends, "populations", [ends])
    return [int(getattr(one, "grandparent", one).first_id) for one in members]


def _parameters(model: Any) -> set[str]:
    return {str(one["translated_name"]) for one in model.translations.values()}


def _pynn_names(population: Any) -> dict[str, tuple[str, float]]:
    """PyNN's name, and its unit as a number in SI units, of each variable that it has one for."""
    found = {}
    for name, one in getattr(population.celltype, "state_variable_translations", {}).items():
        native = str(one["translated_name"])
        if callable(one["forward_transform"]):
            found[native] = name, float(np.asarray(one["forward_transform"](**{name: 1.0})))
    return found


def _variables(group: Any, taken: Iterable[str]) -> list[str]:
    """The variables with a value for each neuron or synapse that change as the simulation goes."""
    return list(_changing(group, {*taken, *NO_STATE}))


def _changing(group: Any, without: set[str]) -> Iterator[str]:
    for name, variable in group.variables.items():
        own = getattr(variable, "owner", None)
        if name in without or name.startswith("_") or not hasattr(variable, "set_value"):
            continue
        if getattr(variable, "scalar", True) or own is None or own.name != group.name:
            continue
        if not variable.read_only or name in ("not_refractory", *MOMENTS):
            yield name


def _values(group: Any, name: str) -> tuple[npt.NDArray[Any], str | None]:
    import brian2

    variable = group.variables[name]
    values = np.array(variable.get_value())
    one = to_schema(brian2.Quantity(1.0, dim=variable.dim), name)
    unit = one.unit if isinstance(one, schemas.Quantity) else None
    return values, None if unit == "dimensionless" else unit


def _put(group: Any, name: str, values: npt.NDArray[Any]) -> None:
    variable = group.variables[name]
    variable.set_value(np.asarray(values, variable.dtype))
