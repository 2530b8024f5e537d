"""A population of PyNN as an entry of a snapshot, and back: parameters, initial values, positions
and what the back end tells of its state."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.entry import Entry, Loss
from archive.hooks.plain import modelled
from archive.hooks.pynn_backends import backend
from archive.values import from_schema, quantity, to_schema

AS_MADE = "as_made"  # parameters that cannot be read back: these are what the cells were made with
SEQUENCES = "sequences"
HIDDEN = "hidden"  # state variables that the simulator does not tell
STATE = "state"  # the names of those variables that the simulator changes
CLOSE = 1e-9


def population_entry(name: str, population: Any, views: list[Any]) -> Entry:
    """The entry of a population; `views` are the labels and indices of views that were given."""
    celltype = population.celltype
    parameters: dict[str, Any] = {}
    native: dict[str, Any] = {}
    arrays: dict[str, npt.NDArray[Any]] = {}
    units: dict[str, str] = {}
    for key in celltype.get_parameter_names():
        value, is_read = parameter(population, key)
        unit = unit_of(celltype, key)
        if not is_read:
            native.setdefault(AS_MADE, []).append(key)
        if isinstance(value, list):
            native.setdefault(SEQUENCES, {})[key] = _packed(value, unit)
        elif np.ndim(value) == 1 and np.shape(value) == (population.size,):
            arrays[f"state:{key}"] = np.asarray(value)
            if unit is not None:
                units[key] = unit
        else:
            parameters[key] = _measured(value, unit)
    initial: dict[str, Any] = {}
    for key, lazy in population.initial_values.items():
        value = _simplified(np.asarray(lazy.evaluate(simplify=True)))
        initial[key] = _measured(value, unit_of(celltype, key))
    for key, (values, unit) in backend(population._simulator).cell_state(population).items():
        if f"state:{key}" in arrays:  # a parameter of the same name is the one that is kept
            continue
        arrays[f"state:{key}"] = values
        told = unit if unit is not None else unit_of(celltype, key)
        if told is not None:
            units[key] = told
        native.setdefault(STATE, []).append(key)
    hidden = [key for key in population.initial_values if f"state:{key}" not in arrays]
    if hidden:
        native[HIDDEN] = hidden
    if views:
        native["views"] = {label: places for label, places in views}
    arrays["positions"] = np.array(population.positions.T, np.float64)
    model = modelled(
        schemas.Population,
        name,
        name=name,
        size=population.size,
        model=type(celltype).__name__,
        structure=structure_text(population),
        position_unit="um",
        first_id=int(population.first_id),
        last_id=int(population.last_id),
        parameters=_contract(parameters, name),
        initial_values=_contract(initial, name),
        state_units=units,
        native=_contract(native, name),
        annotations=_contract(population.annotations, name),
    )
    return Entry(model, arrays)


def parameter(population: Any, name: str) -> tuple[Any, bool]:
    """The value of a parameter: one for all, an array (neuron,), or a list of arrays; and whether
    it was read from the simulator, and not only from what the cells were made with."""
    group = getattr(population, "brian2_group", None)
    if name == "spike_times" and hasattr(group, "neuron_index"):
        return _collapsed(_spikes_of(group, population.size)), True  # PyNN fails to read these
    try:
        return _plain(population.get(name, gather=False, simplify=True)), True
    except (AttributeError, KeyError, TypeError, ValueError):
        # back ends have parameters that they translate in one direction only
        made = copy(population.celltype.parameter_space[name])
        made.shape = (population.size,)
        return _plain(made.evaluate(simplify=True)), False


def restore_parameters(
    model: schemas.Population, arrays: Any, population: Any
) -> tuple[list[str], list[Loss]]:
    """Set the parameters that differ. Returns the names that are now as in the snapshot, and the
    losses."""
    name, wanted = model.name, wanted_parameters(model, arrays)
    own = set(population.celltype.get_parameter_names())
    lost = [Loss(name, key, "the cells have no such parameter") for key in wanted if key not in own]
    todo = {key: value for key, value in wanted.items() if key in own}
    differing = {key: one for key, one in todo.items() if not _is_set(population, key, one)}
    if differing:
        _set(population, differing)
    done = []
    for key, value in todo.items():
        if key in differing and not _is_set(population, key, value):
            lost.append(Loss(name, key, "the simulator did not take it"))
        else:
            done.append(key)
    return done, lost


def wanted_parameters(model: schemas.Population, arrays: Any) -> dict[str, Any]:
    """The parameters in a snapshot as PyNN takes them: numbers, arrays, lists of arrays."""
    native: Any = from_schema(model.native)
    wanted = {key: _number(value) for key, value in from_schema(model.parameters).items()}
    states = set(native.get(STATE, ()))
    for key in arrays:
        if key.startswith("state:") and key.removeprefix("state:") not in states:
            held = np.asarray(arrays[key])
            wanted[key.removeprefix("state:")] = held if len(held) > 1 else _simplified(held)
    for key, packed in native.get(SEQUENCES, {}).items():
        wanted[key] = np.split(np.asarray(_number(packed["values"])), packed["ends"][:-1])
    return wanted


def restore_state(
    model: schemas.Population, arrays: Any, population: Any, shift: float
) -> tuple[list[str], list[Loss]]:
    """Set initial values, and then the state as far as the back end lets. Moments of the clock are
    moved by `shift` ms. Returns as `restore_parameters` does."""
    native: Any = from_schema(model.native)
    initial = {key: _number(one) for key, one in from_schema(model.initial_values).items()}
    done = []
    for key, value in initial.items():
        lazy = population.initial_values.get(key)
        if lazy is None or not _equal(lazy.evaluate(simplify=True), value):
            population.initialize(**{key: value})
        done.append(f"initial {key}")
    held = backend(population._simulator)
    values = {
        key: np.broadcast_to(np.asarray(arrays[f"state:{key}"]), (population.size,))
        for key in native.get(STATE, ())
    }
    for key in values.keys() & held.MOMENTS.keys():
        values[key] = values[key] + shift * held.MOMENTS[key]
    refused = held.set_cell_state(population, values) if values else {}
    refused |= dict.fromkeys(native.get(HIDDEN, ()), "the simulator did not tell it")
    lost = [Loss(model.name, key, reason) for key, reason in refused.items()]
    return [*done, *(key for key in values if key not in refused)], lost


def restore_positions(entry: Entry, population: Any) -> tuple[list[str], list[Loss]]:
    """Put the cells where they were, if the snapshot knows; PyNN then forgets the structure.
    Positions without a unit are taken for um, which is told."""
    model = entry.model
    assert isinstance(model, schemas.Population)
    if "positions" not in entry.arrays:
        return [], []
    bare = schemas.parse(model.position_unit).dimension == schemas.parse("").dimension
    factor = 1.0 if bare else float(schemas.conversion(model.position_unit, "um"))
    found = np.asarray(entry.arrays["positions"], np.float64) * factor
    positions = np.zeros((population.size, 3))
    positions[:, : found.shape[1]] = found
    if not np.array_equal(positions, population.positions.T):
        population.positions = positions.T
    told = [Loss(model.name, "positions", "without unit: taken as um")] if bare else []
    return ["positions"], told


def unit_of(celltype: Any, name: str) -> str | None:
    """The unit that PyNN has for a parameter or variable, None if it has none that is a unit."""
    try:
        text = celltype.units.get(name)
    except AttributeError:
        return None
    if not isinstance(text, str) or not text:
        return None
    text = text.replace("µ", "u").replace("Ω", "ohm")
    try:
        schemas.parse(text)
    except schemas.UnitError:
        return None
    return text


def structure_text(population: Any) -> str | None:
    """The structure of a population with its parameters, as in ``Line(dx=1.0, x0=0.0)``."""
    structure = population.structure
    if structure is None:
        return None
    said = [
        f"{key}={value!r}"
        for key, value in structure.get_parameters().items()
        if isinstance(value, (int, float, str))
    ]
    return f"{type(structure).__name__}({', '.join(said)})"


def _contract(values: dict[str, Any], where: str) -> dict[str, Any]:
    return {str(key): to_schema(value, f"{where}: {key}") for key, value in values.items()}


def _measured(value: Any, unit: str | None) -> Any:
    is_plain = unit is None or not isinstance(value, (int, float, np.ndarray))
    return value if is_plain or isinstance(value, bool) else quantity(value, str(unit))


def _number(value: Any) -> Any:
    """The number or array of a quantity; PyNN's units are the same on all back ends."""
    bare = getattr(value, "magnitude", value)
    return bare.item() if isinstance(bare, np.ndarray) and not bare.ndim else bare


def _plain(value: Any) -> Any:
    """What PyNN gives of a parameter as numbers, arrays and lists of arrays."""
    if _is_sequence(value):
        return [_flat(value)]
    if isinstance(value, np.ndarray) and value.dtype == object:
        if value.size and _is_sequence(value.flat[0]):
            return _collapsed([_flat(one) for one in value])
        return value.tolist()
    return _simplified(np.array(value, subok=False)) if np.ndim(value) else _scalar(value)


def _is_sequence(value: Any) -> bool:
    return type(value).__name__ in ("Sequence", "ArrayParameter")


def _flat(sequence: Any) -> npt.NDArray[np.float64]:
    return np.atleast_1d(np.asarray(sequence.value, np.float64).squeeze())


def _collapsed(sequences: list[Any]) -> list[Any]:
    """One sequence where all cells have the same."""
    first = sequences[:1]
    return first if all(np.array_equal(one, first[0]) for one in sequences) else sequences


def _scalar(value: Any) -> Any:
    return value.item() if isinstance(value, (np.generic, np.ndarray)) else value


def _simplified(values: npt.NDArray[Any]) -> Any:
    """One value where all are equal."""
    if values.ndim == 0:
        return values.item()
    return values[0].item() if len(values) and (values == values[0]).all() else values


def _spikes_of(group: Any, size: int) -> list[npt.NDArray[np.float64]]:
    """The spike times of a generator of Brian 2, in ms."""
    times = np.array(group.spike_time[:], np.float64, subok=False) * 1e3
    which = np.asarray(group.neuron_index[:])
    return [times[which == number] for number in range(size)]


def _packed(values: list[Any], unit: str | None) -> dict[str, Any]:
    flat = np.concatenate([np.asarray(one, np.float64) for one in values])
    ends = np.cumsum([len(one) for one in values], dtype=np.int64)
    return {"values": quantity(flat, unit) if unit else flat, "ends": ends}


def _set(population: Any, values: dict[str, Any]) -> None:
    schema = population.celltype.get_schema()
    put = {}
    for key, value in values.items():
        if isinstance(value, list):
            sequences = [schema[key](one) for one in value]
            put[key] = sequences[0] if len(sequences) == 1 else sequences
        else:
            put[key] = value
    population.set(**put)


def _is_set(population: Any, name: str, wanted: Any) -> bool:
    return _equal(parameter(population, name)[0], wanted)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, list) or isinstance(other, list):
        if not (isinstance(one, list) and isinstance(other, list) and len(one) == len(other)):
            return False
        return all(_equal(a, b) for a, b in zip(one, other, strict=True))
    if np.ndim(one) and np.ndim(other) and np.shape(one) != np.shape(other):
        return False
    try:
        return bool(np.allclose(one, other, rtol=CLOSE, atol=0, equal_nan=True))
    except TypeError:
        return bool(np.all(one == other))
