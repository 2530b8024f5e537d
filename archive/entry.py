"""The one noun that crosses every border: a validated model and the arrays that it describes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
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


@runtime_checkable
class Copied(Source, Protocol):
    """A source that is an archive of its own, in a file."""

    @property
    def path(self) -> Path: ...

    def copy_to(self, path: Path, /) -> bool:
        """Write the archive to a new file; or nothing, and return False, where it is in several
        files. Raises OSError."""
        ...


class Sink(Protocol):
    """What takes segments in, from a hook."""

    def put(self, segments: Sequence[Entry], /) -> object: ...


def walk(entry: Entry) -> Iterator[Entry]:
    """The entry and everything inside it, parents before children."""
    yield entry
    for part in entry.parts:
        yield from walk(part)


def parts_of(entry: Entry, way: str = "") -> Iterator[tuple[str, Entry]]:
    """The parts of the entry with the ways to them; `way` is that to the entry itself.

    A way is made of steps joined by ``/``: the name of each; of what lies in a segment the
    population, if it has one, and the variable, joined alike; of what has no name its kind and
    number, as ``segment 2``.
    """
    seen: Counter[str] = Counter()
    for part in entry.parts:
        seen[part.model.kind] += 1
        step = name_of(part.model) or f"{part.model.kind} {seen[part.model.kind]}"
        yield (f"{way}/{step}" if way else step), part


def ways(entry: Entry, way: str = "") -> Iterator[tuple[str, Entry]]:
    """Everything inside the entry with the ways to it, parents before children."""
    for to, part in parts_of(entry, way):
        yield to, part
        yield from ways(part, to)


def name_of(model: schemas.Model) -> str:
    """What an entry is called on the way to it; empty if it has no name."""
    if isinstance(model, schemas.Part):
        return "/".join(filter(None, (model.population, model.variable)))
    if isinstance(model, schemas.KeyedValue):
        return model.key
    return getattr(model, "name", None) or ""
