"""A state in a file of Brian 2's `store`, as the entry of a snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.entry import Entry
from archive.errors import FormatError
from archive.modelling import modelled
from archive.states.brian2 import (
    BUFFERS,
    DERIVED,
    GENERATOR,
    KEY_LENGTH,
    OWN_UNITS,
    SIMULATOR,
    Ends,
    Pathway,
    Variable,
    generator_facts,
    population_entry,
    projection_entry,
)
from archive.states.brian2_queues import relative
from archive.values import to_schema
from schemas.v1.model import check_name

TIME, RANDOM = "0_t", "_random_generator_state"
CLOCK = frozenset(("timestep", "t", "dt"))
CONNECTIVITY = frozenset(("_synaptic_pre", "_synaptic_post", "N_incoming", "N_outgoing"))
FLAGS = ("_previous_dt", "_spikes_changed")
LISTED = frozenset(("spike_number", "neuron_index", "spike_time"))  # of spikes, not of neurons
UNKNOWN = "unknown"
LONGEST_QUEUE = 10_000_000  # time steps

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(slots=True)
class _Sorted:
    """The objects of a state, by what their variables say they are."""

    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    synapses: dict[str, Arrays] = field(default_factory=dict)
    pathways: dict[str, dict[str, Any]] = field(default_factory=dict)
    clocks: dict[str, Arrays] = field(default_factory=dict)
    monitors: dict[str, Arrays] = field(default_factory=dict)
    others: dict[str, Arrays] = field(default_factory=dict)
    silent: list[str] = field(default_factory=list)  # without any variable


def snapshot_of(name: object, state: object) -> Entry:
    """The state that was stored under a name. Raises FormatError, or one of what a damaged file
    may raise."""
    if not isinstance(name, str) or not isinstance(state, dict) or TIME not in state:
        raise FormatError(f"under {name!r:.60} there is no state of a network")
    found = _sorted_out(state)
    sizes = {key: len(held["i"]) for key, held in found.groups.items()}
    parts = [_population(key, held) for key, held in sorted(found.groups.items())]
    parts += [_projection(key, found, sizes) for key in sorted(found.synapses)]
    steps = [float(clock["dt"][0]) for clock in found.clocks.values()]
    snapshot = modelled(
        schemas.Snapshot,
        name,
        name=_sound(name),
        time=float(state[TIME]),
        time_unit="s",
        time_step=min(steps, default=None),
        simulator=SIMULATOR,
        populations=tuple(sorted(found.groups)),
        projections=tuple(sorted(found.synapses)),
        native={key: to_schema(fact, key) for key, fact in _whole(name, found, state).items()},
    )
    return Entry(snapshot, parts=parts)


def _sound(name: str) -> str | None:
    try:
        return check_name(name)
    except ValueError:
        return None


def _sorted_out(state: Mapping[object, object]) -> _Sorted:
    found = _Sorted()
    for name, held in state.items():
        if name in (TIME, RANDOM):
            continue
        if not isinstance(name, str) or not isinstance(held, dict):
            raise FormatError(f"{name!r:.60} is not the state of an object", entry=str(name)[:60])
        if "_spikequeue" in held:
            found.pathways[name] = {
                **_arrays(name, {k: v for k, v in held.items() if k != "_spikequeue"}),
                "_spikequeue": held["_spikequeue"],
            }
            continue
        flags = {key: held[key] for key in FLAGS if key in held}
        arrays = _arrays(name, {key: v for key, v in held.items() if key not in flags})
        if not arrays:
            found.silent.append(name)
        elif arrays.keys() >= CONNECTIVITY:
            found.synapses[name] = arrays
        elif arrays.keys() == CLOCK:
            found.clocks[name] = arrays
        elif "N" in arrays:
            found.monitors[name] = arrays
        elif "i" in arrays:
            found.groups[name] = {**arrays, **flags}
        elif arrays.keys() == {"_sub_idx"}:
            found.silent.append(name)  # a part of a group: its neurons are in that
        else:
            found.others[name] = arrays
    return found


def _arrays(name: str, held: Mapping[object, object]) -> Arrays:
    found = {}
    for key, value in held.items():
        sound = (
            isinstance(key, str)
            and isinstance(value, tuple)
            and len(value) == 2
            and isinstance(value[0], np.ndarray)
            and value[0].dtype.kind in "biufc"
            and value[0].ndim in (1, 2)
        )
        if not sound:
            raise FormatError(f"{key!r:.60} is not an array with its size", entry=name)
        assert isinstance(key, str)
        assert isinstance(value, tuple)
        found[key] = value[0]
    return found


def _population(name: str, held: Mapping[str, Any]) -> Entry:
    size = len(held["i"])
    generator = "_spikes_changed" in held
    variables = {
        key: _variable(key, values, size, generator=generator)
        for key, values in sorted(held.items())
        if key not in DERIVED and key not in FLAGS
    }
    native: dict[str, Any] = {}
    if generator:
        step = held.get("_previous_dt")
        native["_previous_dt"] = None if step is None else float(np.asarray(step).item())
        native["_spikes_changed"] = bool(held["_spikes_changed"])
    return population_entry(name, size, variables, model=None, native=native)


def _variable(name: str, values: Any, size: int, *, generator: bool = False) -> Variable:
    own = OWN_UNITS.get(name)
    return Variable(
        values,
        "dimensionless" if values.dtype.kind in "biu" else own,
        constant=generator and name == "period",
        per_member=(
            values.shape == (size,)
            and not name.startswith("_")
            and not (generator and name in LISTED | {"period"})
        ),
    )


def _projection(name: str, found: _Sorted, sizes: Mapping[str, int]) -> Entry:
    held = found.synapses[name]
    count = len(held["_synaptic_pre"])
    pre, pre_size = _end(len(held["N_outgoing"]), sizes)
    post, post_size = _end(len(held["N_incoming"]), sizes)
    native: dict[str, Any] = {"ends": "inferred"}
    for key, reached, size in (
        ("pre_view", len(held["N_outgoing"]), pre_size),
        ("post_view", len(held["N_incoming"]), post_size),
    ):
        if reached != size:
            native[key] = {"stop": reached}
    ends = Ends(pre, post, pre_size, post_size, held["_synaptic_pre"], held["_synaptic_post"])
    variables = {
        key: _variable(key, values, count)
        for key, values in sorted(held.items())
        if key not in DERIVED and key not in CONNECTIVITY
    }
    pathways = {
        key.removeprefix(f"{name}_"): Pathway(one.get("delay"), _queue(key, one["_spikequeue"]))
        for key, one in sorted(found.pathways.items())
        if _belongs(key, found.synapses) == name
    }
    return projection_entry(name, ends, variables, pathways, model=None, native=native)


def _end(size: int, sizes: Mapping[str, int]) -> tuple[str, int]:
    """The group that synapses lead from, or to, if sizes leave no choice, and its size."""
    same = [name for name, has in sizes.items() if has == size]
    larger = [name for name, has in sizes.items() if has > size]
    if len(same) == 1 and not larger:
        return same[0], size
    if not same and len(larger) == 1:  # synapses of a part of it
        return larger[0], sizes[larger[0]]
    return UNKNOWN, size


def _belongs(pathway: str, synapses: Mapping[str, Any]) -> str:
    """The synapses that a pathway is of: its name begins with theirs."""
    owners = [name for name in synapses if pathway.startswith(f"{name}_")]
    if not owners:
        raise FormatError("there are no synapses that this pathway is of", entry=pathway)
    return max(owners, key=len)


def _queue(name: str, state: object) -> dict[str, Any] | None:
    if state is None:
        return None
    match state:
        case (int(offset), list(slots)) if 0 <= offset <= len(slots) <= LONGEST_QUEUE:
            sound = all(isinstance(slot, list) for slot in slots)
        case (_, np.ndarray() as events, (int(steps), int(width))):
            sound = (
                0 < steps <= LONGEST_QUEUE
                and width > 0
                and events.ndim == 2
                and events.shape[1] == 2
                and events.dtype.kind == "i"
                and not (len(events) and not 0 <= events[:, 0].min() <= events[:, 0].max() < steps)
            )
        case _:
            sound = False
    if not sound:
        raise FormatError("the queue of events is damaged", entry=name)
    assert isinstance(state, tuple)
    return relative(state)


def _whole(name: str, found: _Sorted, state: Mapping[object, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "clocks": {
            key: {
                "timestep": int(held["timestep"][0]),
                "t": float(held["t"][0]),
                "dt": float(held["dt"][0]),
            }
            for key, held in sorted(found.clocks.items())
        },
        "recorders": sorted([*found.monitors, *found.silent]),
        "objects": dict(sorted(found.others.items())),
    }
    if found.monitors:
        facts["monitors"] = found.monitors
    if RANDOM in state:
        facts["random"] = _random(state[RANDOM])
    if _sound(name) is None:
        facts["stored_as"] = name
    return facts


def _random(state: object) -> dict[str, Any]:
    match state:
        case {"numpy_state": (str(algorithm), np.ndarray() as key, int(position), _, _) as legacy}:
            sound = algorithm == GENERATOR and key.shape == (KEY_LENGTH,) and key.dtype.kind == "u"
            sound = sound and 0 <= position <= KEY_LENGTH
        case _:
            sound, legacy = False, None
    if not sound:
        raise FormatError("the random state is not of NumPy's legacy generator", entry=RANDOM)
    assert isinstance(state, dict)
    facts: dict[str, Any] = {"generator": generator_facts(legacy)}
    for name in BUFFERS:
        index = state.get(f"{name}_buffer_index")
        # Of numbers in a buffer the file has the address that they had, and nothing more.
        if isinstance(index, np.ndarray) and index.shape == (1,) and not index[0]:
            facts[name] = {"numbers": np.empty(0)}
    return facts
