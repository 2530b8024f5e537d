"""Which stretch of a recording is new: what was stored before is known by length and digest."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.entry import Entry
from archive.hooks.neo_facts import KEPT
from archive.hooks.pynn import rearranged
from archive.values import from_schema


@dataclass(frozen=True, slots=True)
class Stored:
    """How much of one channel or train is stored: its length, digest, and end in time."""

    count: int
    digest: bytes
    stop: float


class Stretches:
    """What was stored of the channels and trains of segments, by the names of these."""

    def __init__(self) -> None:
        self._stored: dict[Hashable, Stored] = {}
        self._variables: dict[str | None, set[str]] = {}
        self._found: dict[Hashable, Stored] = {}

    def fresh(self, entry: Entry) -> tuple[list[Entry], bool]:
        """The parts of a segment, or stretches of them, that are not stored yet, and whether any
        of them continues what is. They count as stored once `keep` is called."""
        name = _name(entry)
        parts: list[Entry] = []
        continues = False
        for part in entry.parts:
            for stretch, goes_on in self._of_part(name, part):
                parts.append(stretch)
                continues |= goes_on
        return parts, continues

    def keep(self, entries: Sequence[Entry]) -> None:
        """What was fresh is stored now."""
        self._stored.update(self._found)
        self._found = {}
        for entry in entries:
            variables = {variable_of(part.model) for part in entry.parts}
            self._variables.setdefault(_name(entry), set()).update(variables)

    def forget(self) -> None:
        """What was fresh was not stored after all."""
        self._found = {}

    def variables(self, name: str | None) -> set[str]:
        """The variables of which something is stored for segments of this name."""
        return self._variables.get(name, set())

    def _of_part(self, name: str | None, part: Entry) -> Iterator[tuple[Entry, bool]]:
        model = part.model
        if isinstance(model, schemas.SpikeTrains):
            yield from self._of_trains(name, part, model)
        elif isinstance(model, schemas.Signal | schemas.IrregularSignal):
            yield from self._of_signal(name, part, model)
        else:
            yield from self._of_whole(name, part)

    def _of_signal(
        self, name: str | None, part: Entry, model: schemas.Signal | schemas.IrregularSignal
    ) -> Iterator[tuple[Entry, bool]]:
        values = np.asarray(part.arrays["values"])
        length = len(values)
        times = part.arrays.get("times")
        start = model.t_start if isinstance(model, schemas.Signal) else 0.0
        columns: dict[int, list[int]] = {}
        for number, identity in enumerate(_identities(part, model)):
            series = np.ascontiguousarray(values[:, number])
            if times is not None:
                series = np.column_stack([np.asarray(times), series])
            key = (name, "signal", variable_of(model), identity, start)
            first = self._compare(key, series, float(length))
            if first is not None:
                columns.setdefault(first, []).append(number)
        for first, numbers in sorted(columns.items()):
            order = np.asarray(numbers, dtype=np.intp)
            whole = part if len(order) == values.shape[1] else rearranged(part, order)
            yield _after(whole, first), first > 0

    def _of_trains(
        self, name: str | None, part: Entry, model: schemas.SpikeTrains
    ) -> Iterator[tuple[Entry, bool]]:
        times = np.asarray(part.arrays["times"])
        bounds = np.searchsorted(np.asarray(part.arrays["neuron"]), np.arange(model.size + 1))
        groups: dict[float | None, list[tuple[int, int]]] = {}
        for number, identity in enumerate(_identities(part, model)):
            key = (name, "spikes", model.variable, identity, model.t_start)
            known = self._known(key)
            series = times[bounds[number] : bounds[number + 1]]
            first = self._compare(key, series, model.t_stop)
            if first is not None:
                stop = known.stop if known is not None and first == known.count else None
                groups.setdefault(stop, []).append((number, first))
        for stop, members in groups.items():
            order = np.asarray([number for number, _ in members], dtype=np.intp)
            some = part if len(order) == model.size else rearranged(part, order)
            if stop is None:
                yield some, False
            else:
                yield _later(some, [first for _, first in members], stop), True

    def _of_whole(self, name: str | None, part: Entry) -> Iterator[tuple[Entry, bool]]:
        model = part.model
        assert isinstance(model, schemas.Part)
        digest = blake2b(digest_size=16)
        for array in sorted(part.arrays):
            digest.update(np.ascontiguousarray(np.asarray(part.arrays[array])).tobytes())
        key = (name, type(model).__name__, variable_of(model), model.population)
        if self._known(key) != (found := Stored(0, digest.digest(), 0.0)):
            self._found[key] = found
            yield part, False

    def _known(self, key: Hashable) -> Stored | None:
        return ChainMap(self._found, self._stored).get(key)

    def _compare(self, key: Hashable, series: npt.NDArray[Any], stop: float) -> int | None:
        """From where on a series is new: 0 if all of it is, None if nothing."""
        known = self._known(key)
        first = 0
        if known is not None and _digest(series[: known.count]) == known.digest:
            first = known.count
            if first == len(series) and stop <= known.stop:
                return None
        self._found[key] = Stored(len(series), _digest(series), stop)
        return first


def _name(entry: Entry) -> str | None:
    model = entry.model
    assert isinstance(model, schemas.Segment)
    return model.name


def variable_of(model: schemas.Model) -> str:
    """The name as PyNN gave it, before parts of one name were told apart."""
    assert isinstance(model, schemas.Part)
    kept = model.annotations.get(KEPT)
    name = kept.get("name") if isinstance(kept, dict) else None
    return name if isinstance(name, str) else model.variable


def _identities(part: Entry, model: schemas.Part) -> list[Hashable]:
    """What tells channels or trains apart in any block: the simulator's ids of the cells, or
    else their places in the population."""
    named = model.array_annotations.get("channel_ids")
    if isinstance(model, schemas.SpikeTrains):
        named = model.train_annotations.get("channel_id")
    if named is not None:
        return list(np.asarray(from_schema(named)).tolist())
    return [(model.population, int(channel)) for channel in np.asarray(part.arrays["channels"])]


def _digest(series: npt.NDArray[Any]) -> bytes:
    return blake2b(np.ascontiguousarray(series).tobytes(), digest_size=16).digest()


def _after(part: Entry, first: int) -> Entry:
    """A signal from its sample number `first` on."""
    if first == 0:
        return part
    model = part.model
    arrays = dict(part.arrays)
    for name in arrays.keys() & {"values", "times"}:
        arrays[name] = np.asarray(arrays[name])[first:]
    if isinstance(model, schemas.Signal):
        start = model.t_start + first * model.sampling_period
        model = model.model_copy(update={"t_start": start})
    return replace(part, model=model, arrays=arrays)


def _later(part: Entry, firsts: Sequence[int], stop: float) -> Entry:
    """Spike trains without their first spikes, as recorded from a moment on."""
    model = part.model
    assert isinstance(model, schemas.SpikeTrains)
    neuron = np.asarray(part.arrays["neuron"])
    bounds = np.searchsorted(neuron, np.arange(model.size))
    number = np.arange(len(neuron)) - bounds[neuron]
    keep = np.flatnonzero(number >= np.asarray(firsts)[neuron])
    arrays = dict(part.arrays)
    for name in arrays.keys() - {"channels"}:
        arrays[name] = np.asarray(arrays[name])[keep]
    start = min([stop, *arrays["times"][:].tolist()]) if len(keep) else stop
    return replace(part, model=model.model_copy(update={"t_start": start}), arrays=arrays)
