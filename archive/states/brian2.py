"""How the state of Brian 2's objects lies in a snapshot, live or from one of its files.

Numbers are in SI units, as Brian 2 has them. A variable with one value per neuron or synapse is
the array ``state:<name>``, one shared by all an array of shape (1,), or a parameter where the
model says that it is constant. Variables of any other length, and those whose name starts with
``_``, are in ``native["variables"]``. ``native["dimensions"]`` has the exponents (m, kg, s, A, K,
mol, cd) of what no unit can say, such as V/s**0.5; its numbers are then called dimensionless.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.connections import compressed
from archive.entry import ArrayLike, Entry
from archive.errors import ContractError
from archive.modelling import modelled
from archive.values import from_schema, to_schema
from schemas.v1.value import Array, Quantity, Scalar, Value

SIMULATOR = "brian2"
STATE = "state:"
WEIGHTS = ("w", "weight", "weights")  # what a script calls the weight of a synapse, in this order
MAIN = "pre"  # the pathway whose delays are `S.delay`
DERIVED = frozenset(("i", "N"))  # of neurons, always 0, 1, 2, ...; of synapses, their number
# Of Brian 2 itself, whatever the model: units, and which hold a moment of the simulated time.
OWN_UNITS = {"lastspike": "s", "lastupdate": "s", "spike_time": "s", "period": "s"}
MOMENTS = frozenset(("lastspike", "lastupdate"))
# Of the random state: what compiled code draws in advance; NumPy's legacy generator and its key.
BUFFERS = ("rand", "randn")
GENERATOR = "MT19937"
KEY_LENGTH = 624


@dataclass(frozen=True, slots=True)
class Variable:
    """The values of a variable, not shared with the simulator, and what is known of them."""

    values: npt.NDArray[Any]
    unit: str | None = None  # None: not known
    exponents: tuple[float, ...] | None = None  # where the dimension has no unit
    constant: bool = False
    per_member: bool = True  # one value per neuron or synapse


@dataclass(frozen=True, slots=True)
class Pathway:
    """What happens on events of one side of synapses: delays in s, (connection,), or (1,) for
    one of all; events that are underway."""

    delays: npt.NDArray[Any] | None
    queue: Mapping[str, Any] | None
    native: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ends:
    """Between which populations synapses lead, and the indices of their neurons."""

    pre: str
    post: str
    pre_size: int
    post_size: int
    sources: npt.NDArray[Any]
    targets: npt.NDArray[Any]


def population_entry(
    name: str,
    size: int,
    variables: Mapping[str, Variable],
    *,
    model: str | None,
    native: Mapping[str, Any],
) -> Entry:
    """The neurons of a group."""
    placed = _placed(name, variables)
    arrays = {STATE + key: held.values for key, held in placed.states.items()}
    population = modelled(
        schemas.Population,
        name,
        name=name,
        size=size,
        model=model,
        parameters=placed.parameters,
        state_units=placed.units,
        native={**placed.native, **_native(native, name)},
    )
    return Entry(population, arrays)


def projection_entry(
    name: str,
    ends: Ends,
    variables: Mapping[str, Variable],
    pathways: Mapping[str, Pathway],
    *,
    model: str | None,
    native: Mapping[str, Any],
) -> Entry:
    """Synapses with all their pathways, in Brian 2's order wherever rows allow it. The ends may
    still be the simulator's own arrays: what is kept of them is a copy."""
    found = compressed(ends.sources, ends.targets, ends.pre_size, ends.post_size, name)
    arrays: dict[str, ArrayLike] = dict(found.arrays())
    if found.order is None:
        arrays["columns"] = found.columns.copy()
    placed = _placed(name, variables)
    facts = {**placed.native, **_native(native, name)}
    weight = next((key for key in WEIGHTS if key in placed.states), None)
    for key, held in placed.states.items():
        arrays["weights" if key == weight else STATE + key] = found.arranged(held.values)
    units = dict(placed.units)
    weight_unit = units.pop(weight, None) if weight is not None else None
    if weight is not None:
        facts["weights"] = weight
    for key, pathway in pathways.items():
        if pathway.delays is not None:
            arrays[_delays(key)] = found.arranged(pathway.delays)
            if key != MAIN:
                units[delay_name(key)] = "s"
    facts["pathways"] = {
        key: {
            **_native(pathway.native, name),
            **({} if pathway.queue is None else {"queue": _native(pathway.queue, name)}),
        }
        for key, pathway in pathways.items()
    }
    projection = modelled(
        schemas.Projection,
        name,
        name=name,
        pre=ends.pre,
        post=ends.post,
        pre_size=ends.pre_size,
        post_size=ends.post_size,
        size=len(ends.sources),
        rows=found.rows,
        synapse=model,
        weight_unit=weight_unit,
        delay_unit="s",
        parameters=placed.parameters,
        state_units=units,
        native=facts,
    )
    return Entry(projection, arrays)


def delay_name(pathway: str) -> str:
    """The name of the delays of another pathway than `MAIN` among the state variables."""
    return f"{pathway}.delay"


def _delays(pathway: str) -> str:
    return "delays" if pathway == MAIN else STATE + delay_name(pathway)


def stored_variables(entry: Entry) -> dict[str, Variable]:
    """All variables of a group by Brian 2's names, without delays; those of synapses in the
    order of the rows. The reverse of what makes an entry."""
    model = entry.model
    assert isinstance(model, (schemas.Population, schemas.Projection))
    dimensions = model.native.get("dimensions")
    exponents = dimensions if isinstance(dimensions, dict) else {}
    found = {}
    for key, values in entry.arrays.items():
        name = _variable_name(model, key)
        if name is not None:
            unit = model.state_units.get(name)
            if key == "weights":
                unit = getattr(model, "weight_unit", None)
            found[name] = _variable(np.asarray(values), unit, exponents.get(name))
    others = model.native.get("variables")
    elsewhere: dict[str, Value] = {
        **model.parameters,
        **(others if isinstance(others, dict) else {}),
    }
    for name, value in elsewhere.items():
        numbers, unit = plain(value)
        if numbers is not None:
            found[name] = _variable(numbers, unit, exponents.get(name), per_member=False)
    return found


def stored_delays(entry: Entry) -> dict[str, npt.NDArray[Any]]:
    """The delays of each pathway in the unit of the entry, in the order of the rows."""
    found = {}
    for key, values in entry.arrays.items():
        if key == "delays":
            found[MAIN] = np.asarray(values)
        elif key.startswith(STATE) and key.endswith(".delay"):
            found[key.removeprefix(STATE).removesuffix(".delay")] = np.asarray(values)
    return found


def _variable_name(model: schemas.Population | schemas.Projection, key: str) -> str | None:
    if key == "weights":
        return str(model.native.get("weights", WEIGHTS[0]))
    if key.startswith(STATE) and not key.endswith(".delay"):
        return key.removeprefix(STATE)
    return None


def _variable(
    values: npt.NDArray[Any], unit: str | None, exponents: object, *, per_member: bool = True
) -> Variable:
    if isinstance(exponents, list):
        return Variable(values, None, tuple(exponents), per_member=per_member)
    return Variable(values, unit, per_member=per_member)


def plain(value: Value) -> tuple[npt.NDArray[Any] | None, str | None]:
    """The numbers of a value, at least with one axis, and its unit; None for what has none."""
    unit = value.unit if isinstance(value, Quantity) else None
    held = value.value if isinstance(value, Quantity) else value
    if not isinstance(held, bool | int | float | complex | Array | Scalar):
        return None, unit
    numbers = np.atleast_1d(from_schema(held))
    return (numbers, unit) if numbers.dtype.kind in "biufc" else (None, unit)


@dataclass(frozen=True, slots=True)
class _Placed:
    states: dict[str, Variable]
    parameters: dict[str, Value]
    units: dict[str, str]
    native: dict[str, Value]


def _placed(where: str, variables: Mapping[str, Variable]) -> _Placed:
    placed = _Placed({}, {}, {}, {})
    others: dict[str, Value] = {}
    dimensions: dict[str, Value] = {}
    for name, held in variables.items():
        if held.exponents is not None:
            dimensions[name] = list(held.exponents)
        single = not held.per_member and held.values.shape == (1,)
        if name.startswith("_") or not (held.per_member or single):
            others[name] = _value(held.values, held.unit, f"{where}: {name}")
        elif single and held.constant:
            placed.parameters[name] = _value(held.values[0], held.unit, f"{where}: {name}")
        else:
            placed.states[name] = held
            unit = "dimensionless" if held.exponents is not None else held.unit
            if unit is not None:
                placed.units[name] = unit
    if others:
        placed.native["variables"] = others
    if dimensions:
        placed.native["dimensions"] = dimensions
    return placed


def _value(numbers: Any, unit: str | None, where: str) -> Value:
    value: Any = to_schema(numbers, where)
    return value if unit in (None, "dimensionless") else Quantity(value, unit)


def _native(facts: Mapping[str, Any], where: str) -> dict[str, Value]:
    return {key: to_schema(value, f"{where}: {key}") for key, value in facts.items()}


def generator_facts(state: Any) -> dict[str, Any]:
    """NumPy's legacy state, from the tuple of five that `numpy.random.get_state` gives."""
    algorithm, key, position, has_gauss, gauss = state
    return {
        "algorithm": str(algorithm),
        "key": np.array(key),
        "position": int(position),
        "has_gauss": int(has_gauss),
        "gauss": float(gauss),
    }


def generator_state(random: Mapping[str, Value]) -> tuple[Any, ...]:
    """What `numpy.random.set_state` takes. Raises ContractError for another generator."""
    facts = from_schema(random.get("generator"))
    if not isinstance(facts, dict) or facts.get("algorithm") != GENERATOR:
        raise ContractError("the random state is not of NumPy's legacy generator")
    key, position = np.asarray(facts["key"]), facts["position"]
    if key.shape != (KEY_LENGTH,) or not 0 <= position <= KEY_LENGTH:
        raise ContractError("the random state is damaged")
    return GENERATOR, key.astype(np.uint32), position, facts["has_gauss"], facts["gauss"]
