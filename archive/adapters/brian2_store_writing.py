"""Snapshots of Brian 2 as the states that its `restore` takes from a file."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.connections import ends, native_order
from archive.entry import Entry, Loss
from archive.states.brian2 import (
    BUFFERS,
    SIMULATOR,
    generator_state,
    plain,
    stored_delays,
    stored_variables,
)
from archive.states.brian2_queues import checked, cpp_state, python_state
from archive.values import from_schema
from schemas.v1.unit import parse
from schemas.v1.value import Value

FLAGS = ("_previous_dt", "_spikes_changed")
NAMELESS = "default"  # what Brian 2 itself calls a state without a name


class States:
    """The states made so far, by name, and what they could not carry."""

    def __init__(self) -> None:
        self.made: dict[str, dict[str, Any]] = {}
        self.losses: list[Loss] = []

    def take(self, entry: Entry) -> None:
        """Every snapshot in an entry."""
        model = entry.model
        if isinstance(model, schemas.Snapshot):
            self._take_snapshot(model, entry)
            return
        label = getattr(model, "name", None) or model.kind
        if isinstance(model, schemas.Experiment | schemas.Run):
            for part in entry.parts:
                self.take(part)
            if isinstance(model, schemas.Run):
                self._lose(str(label), "run", "the file has states of networks only")
            return
        self._lose(str(label), model.kind, "the file has states of networks only")

    def pickled(self) -> bytes:
        """The file: dicts, tuples, lists, numbers and NumPy's arrays, and nothing else."""
        return pickle.dumps(self.made, protocol=pickle.HIGHEST_PROTOCOL)

    def _lose(self, entry: str, what: str, reason: str) -> None:
        self.losses.append(Loss(entry, what, reason))

    def _take_snapshot(self, model: schemas.Snapshot, entry: Entry) -> None:
        name = str(model.native.get("stored_as", model.name or NAMELESS))
        if model.simulator != SIMULATOR:
            reason = f"it is of {model.simulator or 'an unknown simulator'}, not of Brian 2"
            self._lose(name, "snapshot", reason)
            return
        state: dict[str, Any] = {}
        parts = list(entry.parts)
        for part in parts:
            if isinstance(part.model, schemas.Population):
                self._take_population(part.model, part, state)
            elif isinstance(part.model, schemas.Projection):
                self._take_projection(part.model, part, state)
        self._take_whole(name, model, state)
        for fact in ("description", "taken", "constants", "annotations"):
            if getattr(model, fact):
                self._lose(name, fact, "the file has no place for it")
        self.made[self._free(name)] = state

    def _free(self, name: str) -> str:
        number, free = 1, name
        while free in self.made:
            number, free = number + 1, f"{name}-{number + 1}"
        if free != name:
            self._lose(name, "name", f"it is taken; this one is stored as {free!r}")
        return free

    def _take_population(
        self, model: schemas.Population, entry: Entry, state: dict[str, Any]
    ) -> None:
        if "view" in model.native:
            self._lose(model.name, "state", "the file has whole groups, and not parts of them")
            return
        held = {"i": _sized(np.arange(model.size, dtype=np.int32))}
        held |= {key: _sized(values) for key, values in _si(entry).items()}
        flags = {key: model.native[key] for key in FLAGS if key in model.native}
        state[model.name] = {**held, **flags}
        self._lose(model.name, "units and equations", "the file has numbers in SI units")

    def _take_projection(
        self, model: schemas.Projection, entry: Entry, state: dict[str, Any]
    ) -> None:
        sources, targets = ends(model, entry.arrays)
        held = {
            "_synaptic_pre": sources.astype(np.int32),
            "_synaptic_post": targets.astype(np.int32),
            "N_outgoing": _counts(sources, model.native.get("pre_view"), model.pre_size),
            "N_incoming": _counts(targets, model.native.get("post_view"), model.post_size),
            "N": np.array([model.size], np.int32),
        }
        for key, values in _si(entry).items():
            held[key] = native_order(entry.arrays, values)
        state[model.name] = {key: _sized(values) for key, values in held.items()}
        delays = stored_delays(entry)
        pathways = from_schema(model.native.get("pathways", {}))
        for key in dict.fromkeys((*pathways, *delays)):
            one: dict[str, Any] = {"_spikequeue": None}
            queue = pathways.get(key, {}).get("queue")
            if queue is not None:
                queue = checked(queue, model.size, f"{model.name}: {key}.queue")
                python = "width" in queue
                one["_spikequeue"] = python_state(queue, None) if python else cpp_state(queue)
            if key in delays:
                factor = float(parse(model.delay_unit).scale)
                values = delays[key] if factor == 1 else delays[key] * factor
                one["delay"] = _sized(native_order(entry.arrays, values))
            state[f"{model.name}_{key}"] = one
        reason = "the file has numbers in SI units, and no names of groups"
        self._lose(model.name, "units, equations and ends", reason)

    def _take_whole(self, name: str, model: schemas.Snapshot, state: dict[str, Any]) -> None:
        native = model.native
        clocks: dict[str, Any] = from_schema(native.get("clocks", {}))
        for key, facts in clocks.items():
            state[key] = {
                "timestep": _sized(np.array([facts["timestep"]], np.int64)),
                "t": _sized(np.array([facts["t"]])),
                "dt": _sized(np.array([facts["dt"]])),
            }
        recorders: list[str] = from_schema(native.get("recorders", []))
        # Brian 2 asks for a state of each monitor, and leaves it as it is if there is nothing in.
        state |= {key: {} for key in recorders}
        for group in ("objects", "monitors"):
            objects: dict[str, Any] = from_schema(native.get(group, {}))
            for key, arrays in objects.items():
                state[key] = {inner: _sized(values) for inner, values in arrays.items()}
        state["0_t"] = model.time * float(parse(model.time_unit).scale)
        random = native.get("random")
        if isinstance(random, dict):
            state["_random_generator_state"] = self._random(name, random)

    def _random(self, name: str, random: Mapping[str, Value]) -> dict[str, Any]:
        found: dict[str, Any] = {"numpy_state": generator_state(random)}
        for key in BUFFERS:
            facts = random.get(key)
            numbers = plain(facts["numbers"])[0] if isinstance(facts, dict) else None
            if numbers is not None and len(numbers):
                reason = f"{len(numbers)} numbers drawn in advance have no place in the file"
                self._lose(name, f"random state: {key}", reason)
            # An address of this process would be one of anything in another.
            found[f"{key}_buffer_index"] = np.zeros(1, np.int32)
            found[f"{key}_buffer"] = np.zeros(1, np.intp)
        return found


def _si(entry: Entry) -> dict[str, npt.NDArray[Any]]:
    found = {}
    for key, held in stored_variables(entry).items():
        scale = 1.0 if held.unit is None else float(parse(held.unit).scale)
        found[key] = held.values if scale == 1 else held.values * scale
    return found


def _sized(values: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], Any]:
    array = np.ascontiguousarray(values)
    return array, len(array) if array.ndim == 1 else array.shape


def _counts(indices: npt.NDArray[Any], view: Value, size: int) -> npt.NDArray[np.int32]:
    """How many connections each neuron has, up to the last one that may have any."""
    reached = view.get("stop", size) if isinstance(view, dict) else size
    assert isinstance(reached, int)
    return np.bincount(indices, minlength=reached).astype(np.int32)
