"""The one noun that crosses every border: a validated model and the arrays that it describes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

import schemas


@runtime_checkable
class ArrayLike(Protocol):
    """An array that may still lie on disk: slicing or ``np.asarray`` reads it."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    def __getitem__(self, key: Any, /) -> Any: ...
    def __array__(self, dtype: Any = None, /) -> npt.NDArray[Any]: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """A model, the arrays that its docstring names, and what lies inside it.

    `parts` of a Segment are its signals, spike trains, events, epochs and image sequences;
    `parts` of a Run are its segments; of an Experiment its runs. They may be lazy: iterate once.
    """

    model: schemas.Model
    arrays: Mapping[str, ArrayLike] = field(default_factory=dict)
    parts: Iterable[Entry] = ()


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that a format could not carry: which entry, which field, and why."""

    entry: str
    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.entry}: {self.field}: {self.reason}"


class Source(Protocol):
    """What gives entries out, for a writer."""

    def entry(self) -> Entry:
        """The experiment with its runs as parts, and their segments as parts of those."""
        ...


class Sink(Protocol):
    """What takes segments in, from a hook."""

    def put(self, segments: Sequence[Entry], /) -> object: ...


def walk(entry: Entry) -> Iterator[Entry]:
    """The entry and everything inside it, parents before children."""
    yield entry
    for part in entry.parts:
        yield from walk(part)


def steps(entry: Entry) -> Iterator[tuple[str, Entry]]:
    """The parts of the entry, each with its step on the way to it: its name; of what lies in a
    segment the population, if it has one, and the variable, joined by ``/``; of what has no name
    its kind and number, as ``segment 2``."""
    seen: Counter[str] = Counter()
    for part in entry.parts:
        seen[part.model.kind] += 1
        yield _name(part.model) or f"{part.model.kind} {seen[part.model.kind]}", part


def ways(entry: Entry) -> Iterator[tuple[str, Entry]]:
    """Everything inside the entry with the way to it, steps joined by ``/``; parents before
    children."""
    for step, part in steps(entry):
        yield step, part
        for way, inner in ways(part):
            yield f"{step}/{way}", inner


def _name(model: schemas.Model) -> str:
    if isinstance(model, schemas.Part):
        return "/".join(filter(None, (model.population, model.variable)))
    if isinstance(model, schemas.KeyedValue):
        return model.key
    return getattr(model, "name", None) or ""
