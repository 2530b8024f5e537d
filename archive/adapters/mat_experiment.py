"""From an experiment's entries to the variables of a MATLAB file.

The entries are gone through twice: once for what must be known before anything is written (how
many, which populations, how large), and once to write them, one segment in memory at a time.
"""

from __future__ import annotations

import marshal
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any

import numpy as np

from archive.adapters.mat_names import matlab_names
from archive.adapters.mat_nodes import Cell, Node, Struct, StructArray
from archive.adapters.mat_types import ORDER, to_text
from archive.adapters.mat_values import Notes, array, named, node, number, struct
from archive.entry import Entry, Source
from archive.errors import FormatError
from schemas.v1.model import Facts, Model
from schemas.v1.parameters import ParameterSet
from schemas.v1.run import Run
from schemas.v1.segment import Part, Segment
from schemas.v1.snapshot import Snapshot
from schemas.v1.unknown import Unknown

ABOUT = (
    "experiment: facts of the whole. runs: each has segments, each of those one struct per "
    "population, and that one per variable. Neurons and channels are counted from index_base, "
    "which is 0: add 1 to use them as indices. Times are in time_unit. Snapshots of the network "
    "are among the others of a run. Names that had to be changed are in the variable names. The "
    "variable types is for neuroarchive, which makes the same values of it again."
)
COUNTED = ("neuron", "channels", "columns", "order")  # arrays of indices
ROOT = "experiment"  # the way to the experiment itself
ALIKE = 1 << 10  # so many models are kept, of those that occur more than once
UNLABELLED = "unlabelled"  # holds what belongs to no population

Key = tuple[str, int]  # a name, and how often it occurred before


@dataclass(slots=True)
class RunPlan:
    """What a run holds."""

    segments: int = 0
    populations: dict[Key, None] = field(default_factory=dict)
    others: list[Entry] = field(default_factory=list)


@dataclass(slots=True)
class Plan:
    """What an experiment holds; `size` is the bytes of all its arrays."""

    runs: list[RunPlan] = field(default_factory=list)
    others: list[Entry] = field(default_factory=list)
    variables: dict[Key, dict[Key, None]] = field(default_factory=dict)
    size: int = 0


def _kind(entry: Entry) -> str:
    return str(getattr(entry.model, "kind", ""))


def _population(part: Part) -> Key:
    return (UNLABELLED, 1) if part.population is None else (part.population, 0)


def _parts(segment: Entry, notes: Notes, name: str) -> Iterator[tuple[Key, Key, Entry]]:
    """The parts of a segment with the keys of their population and variable."""
    seen: Counter[tuple[Key, str]] = Counter()
    seen_kinds: Counter[str] = Counter()
    for entry in segment.parts:
        if not isinstance(entry.model, Part):
            seen_kinds[_kind(entry)] += 1
            inner = _name(entry) or f"{_kind(entry)} {seen_kinds[_kind(entry)]}"
            notes.lost(f"{name}/{inner}", _kind(entry), "no place in a segment for such an entry")
            continue
        population = _population(entry.model)
        variable = entry.model.variable
        yield population, (variable, seen[population, variable]), entry
        seen[population, variable] += 1


def plan(source: Source) -> Plan:
    """Go through all entries, reading no array."""
    found = Plan()
    for run in source.entry().parts:
        if not isinstance(run.model, Run):
            found.others.append(_whole(run, found))
            continue
        this = RunPlan()
        found.runs.append(this)
        for segment in run.parts:
            if not isinstance(segment.model, Segment):
                this.others.append(_whole(segment, found))
                continue
            this.segments += 1
            for population, variable, entry in _parts(segment, Notes(), ""):
                this.populations[population] = None
                found.variables.setdefault(population, {})[variable] = None
                found.size += _bytes(entry)
    return found


def _whole(entry: Entry, found: Plan) -> Entry:
    """An entry that is no run and no segment, with its parts; its arrays are counted."""
    entry = Entry(entry.model, entry.arrays, [_whole(part, found) for part in entry.parts])
    found.size += _bytes(entry)
    return entry


def _bytes(entry: Entry) -> int:
    """Of the arrays of an entry."""
    return sum(
        math.prod(data.shape) * np.dtype(data.dtype).itemsize for data in entry.arrays.values()
    )


class Variables:
    """The variables of one file, to be written in the order in which they are given."""

    def __init__(self, source: Source, found: Plan) -> None:
        self.notes = Notes()
        self._plan = found
        self._experiment = source.entry()
        self._populations = matlab_names(found.variables, taken=_fields(Segment))
        self._variables: dict[Key, dict[Key, str]] = {}
        self._alike: dict[tuple[type[Model], bytes], tuple[dict[str, Node], dict[str, Any]]] = {}
        for population, variables in found.variables.items():
            name = self._populations[population]
            original = "" if population[1] else population[0]
            self.notes.rename("population", original, name)
            self._variables[population] = named(variables, self.notes, f"variable of {name}")

    def __iter__(self) -> Iterator[tuple[str, Node]]:
        yield "about", Struct({"text": ABOUT, "index_base": number(0)})
        fields = self._model(self._experiment.model, ROOT, "experiment")
        others = self._others(self._plan.others, "", "experiment")
        yield "experiment", Struct(fields | {"others": others})
        yield "runs", self._runs()
        yield "names", self.notes.table()
        yield "types", to_text(self.notes.types)

    def _runs(self) -> StructArray:
        def elements() -> Iterator[Mapping[str, Node]]:
            at = -1
            for run in self._experiment.parts:
                if isinstance(run.model, Run):
                    at += 1
                    yield self._run(run, at)
            if at + 1 != len(self._plan.runs):
                raise _changed("the experiment")

        fields = [*_fields(Run), "segments", "others"]
        return StructArray("run", fields, len(self._plan.runs), elements())

    def _run(self, run: Entry, at: int) -> Mapping[str, Node]:
        entry = str(getattr(run.model, "name", None) or f"run {at + 1}")
        place = f"runs.{at + 1}"
        if at >= len(self._plan.runs):
            raise _changed(entry)
        found = self._plan.runs[at]
        fields = self._model(run.model, entry, place)
        others = []
        chosen = None
        for other in found.others:
            if isinstance(other.model, ParameterSet) and chosen is None:
                chosen = other.model
                inside = f"{entry}/{chosen.name or 'parameter-set 1'}"
                where = f"{place}.parameters"
                values = struct(chosen.values, self.notes, inside, "values", f"{where}.values")
                # the digest, or the name of the set, is nothing that MATLAB's users look for
                digest = getattr(run.model, "parameters", None)
                self.notes.types[where] = {
                    "digest": digest, "name": chosen.name, "description": chosen.description,
                }  # fmt: skip
                fields["parameters"] = values
            else:
                others.append(other)
        segments = StructArray(
            "segment",
            [*_fields(Segment), *(self._populations[key] for key in found.populations)],
            found.segments,
            self._segments(run, found.segments, entry, place),
        )
        return fields | {
            "segments": segments,
            "others": self._others(others, entry, place, chosen is not None),
        }

    def _segments(
        self, run: Entry, count: int, entry: str, place: str
    ) -> Iterator[Mapping[str, Node]]:
        at = 0
        for segment in run.parts:
            if isinstance(segment.model, Segment):
                at += 1
                if at > count:
                    raise _changed(entry)
                way = segment.model.name or f"segment {at}"
                yield self._segment(segment, f"{entry}/{way}", f"{place}.segments.{at}")
        if at != count:
            raise _changed(entry)

    def _segment(self, segment: Entry, entry: str, place: str) -> Mapping[str, Node]:
        populations: dict[str, dict[str, Node]] = {}
        order = []
        for population, variable, part in _parts(segment, self.notes, entry):
            if variable not in self._variables.get(population, ()):
                raise _changed(entry)
            outer = self._populations[population]
            inside = populations.setdefault(outer, {})
            name = self._variables[population][variable]
            assert isinstance(part.model, Part)
            way = "/".join(filter(None, (part.model.population, part.model.variable)))
            inside[name] = self._part(part, f"{entry}/{way}", f"{place}.{outer}.{name}")
            order.append(f"{outer}.{name}")
        fields = self._model(segment.model, entry, place)
        listed = [f"{outer}.{name}" for outer, inside in populations.items() for name in inside]
        if order != listed or order != sorted(order):  # version 7.3 sorts them
            self.notes.types[f"{place}.{ORDER}"] = order
        return fields | {name: Struct(inside) for name, inside in populations.items()}

    def _part(self, part: Entry, entry: str, place: str) -> Struct:
        fields: dict[str, Node] = {"kind": _kind(part)}
        names = _array_names(tuple(part.arrays), type(part.model))
        renamed = {}
        for (name, data), mapped in zip(part.arrays.items(), names, strict=True):
            fields[mapped] = array(data, self.notes, entry, name, f"{place}.{mapped}")
            self.notes.rename("array", name, mapped)
            if mapped != name:
                renamed[mapped] = name
        if renamed:
            self.notes.types[place] = renamed
        if part.arrays:
            # Of times or samples: an empty array is hard to recognise in Octave's version 7.3.
            shape = next(iter(part.arrays.values())).shape
            fields["count"] = number(shape[0] if shape else 1)
        if not part.arrays.keys().isdisjoint(COUNTED):
            fields["index_base"] = number(0)
        if isinstance(part.model, Snapshot):
            fields["parts"] = self._others(list(part.parts), entry, f"{place}.parts")
        return Struct(fields | self._model(part.model, entry, place))

    def _others(self, entries: list[Entry], parent: str, place: str, has_set: bool = False) -> Cell:
        """Entries that are no runs and no segments; `has_set` says that a parameter set of the
        same parent lies elsewhere."""
        made: list[Node] = []
        seen = Counter({"parameter-set": int(has_set)})
        for entry in entries:
            kind = _kind(entry)
            seen[kind] += 1
            way = "/".join(filter(None, (parent, _name(entry) or f"{kind} {seen[kind]}")))
            if isinstance(entry.model, Unknown):
                self.notes.lost(way, kind, "a newer contract has it")
                continue
            made.append(self._part(entry, way, f"{place}.{len(made) + 1}"))
        return Cell(made)

    def _model(self, model: Model, entry: str, place: str) -> dict[str, Node]:
        """The fields of a model. Many parts are alike in all but their arrays, and these are
        translated once."""
        for extra in model.model_extra or ():
            self.notes.lost(entry, extra, "a field of a newer contract")
        values: Any = _values_of(type(model))(model)
        try:
            # in bytes 1, 1.0 and True differ, and so do 0.0 and -0.0; nothing reads them again
            alike = type(model), marshal.dumps(values, 2)
        except ValueError:  # texts, numbers and what holds them have such bytes, all else has not
            return self._translated(model, values, self.notes, entry, place)
        if alike not in self._alike:
            notes = Notes()
            fields = self._translated(model, values, notes, "", "")
            if notes.losses or notes.renamed:  # these say where they were
                return self._translated(model, values, self.notes, entry, place)
            if len(self._alike) >= ALIKE:
                self._alike.clear()
            self._alike[alike] = fields, notes.types
        fields, types = self._alike[alike]
        for inside, tag in types.items():
            self.notes.types[place + inside] = tag
        return fields

    def _translated(
        self, model: Model, values: tuple[object, ...], notes: Notes, entry: str, place: str
    ) -> dict[str, Node]:
        names = _fields(type(model))
        return {
            name: node(_plain(value), notes, entry, name, f"{place}.{name}")
            for name, value in zip(names, values, strict=True)
        }


def _name(entry: Entry) -> str:
    return str(getattr(entry.model, "key", None) or getattr(entry.model, "name", None) or "")


@cache
def _fields(model: type[Model]) -> list[str]:
    return [name for name in model.model_fields if name != "kind"]


@cache
def _values_of(model: type[Model]) -> Callable[[Model], tuple[object, ...]]:
    """What gives the values of these fields."""
    names = _fields(model)
    if len(names) > 1:
        return attrgetter(*names)
    return lambda one: tuple(getattr(one, name) for name in names)


@lru_cache(1 << 8)
def _array_names(arrays: tuple[str, ...], model: type[Model]) -> list[str]:
    """What the arrays of an entry are called."""
    names = matlab_names(((name, 0) for name in arrays), taken=_fields(model))
    return [names[name, 0] for name in arrays]


def _changed(entry: str) -> FormatError:
    return FormatError("it changed while it was written out", entry=entry, hint="export it again")


def _plain(value: Any) -> Any:
    """A field as values alone: what lies in it as a model becomes a dict of what it says."""
    if isinstance(value, Facts):
        return {
            name: _plain(getattr(value, name)) for name in value.model_dump(exclude_defaults=True)
        }
    if isinstance(value, dict) and any(isinstance(one, Facts) for one in value.values()):
        return {key: _plain(one) for key, one in value.items()}
    return value
