"""In what two snapshots differ: by digests first, and only then by values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.container import Pooled
from archive.entry import ArrayLike, Entry

CONNECTIONS = ("row_pointers", "columns", "order")
# Fields of models that are no state, or are compared by themselves.
_OF_NO_STATE = ("kind", "name", "description", "annotations", "populations", "projections")
_WHEN = ("time", "time_unit", "taken")


@dataclass(frozen=True, slots=True)
class ArrayDiff:
    """An array that is not the same in both: named like ``exc: v``; how many of how many values
    differ, and by how much at most (in the unit of the first one; NaN where one is a number and
    the other is not; 0 where they differ in bits only), of values of up to `scale`. `reason` says
    why values could not be compared, if so."""

    name: str
    count: int = 0
    size: int = 0
    largest: float = float("nan")
    reason: str | None = None
    scale: float = float("nan")

    def __str__(self) -> str:
        if self.reason is not None:
            return f"{self.name}: {self.reason}"
        return f"{self.name}: {self.count} of {self.size} differ, at most by {self.largest:g}"


@dataclass(frozen=True, slots=True)
class ConnectionDiff:
    """A projection with other connections: how many only the second one, or the first, has.
    Where there are none of either, they are in another order."""

    name: str
    added: int
    removed: int

    def __str__(self) -> str:
        if not self.added and not self.removed:
            return f"{self.name}: the same connections in another order"
        return f"{self.name}: {self.added} connections added, {self.removed} removed"


@dataclass(frozen=True, slots=True)
class FactDiff:
    """A parameter, constant or other fact, named like ``exc: parameters: tau_m``, in both;
    None where one has none."""

    name: str
    first: Any
    second: Any

    def __str__(self) -> str:
        return f"{self.name}: {_short(self.first)}, then {_short(self.second)}"


@dataclass(frozen=True, repr=False, slots=True)
class SnapshotDiff:
    """In what a second snapshot differs from a first one. When each was taken is no difference,
    nor are their names and annotations."""

    only_first: tuple[str, ...] = ()
    only_second: tuple[str, ...] = ()
    connections: tuple[ConnectionDiff, ...] = ()
    arrays: tuple[ArrayDiff, ...] = ()
    facts: tuple[FactDiff, ...] = ()

    @property
    def identical(self) -> bool:
        """Whether both say the same, bit by bit."""
        return not any(
            (self.only_first, self.only_second, self.connections, self.arrays, self.facts)
        )

    def __repr__(self) -> str:
        if self.identical:
            return "<SnapshotDiff: identical>"
        lines = [
            *(f"{name}: only in the first" for name in self.only_first),
            *(f"{name}: only in the second" for name in self.only_second),
            *map(str, (*self.connections, *self.arrays, *self.facts)),
        ]
        return "\n  ".join(["<SnapshotDiff>", *lines])


def difference(first: Entry, second: Entry) -> SnapshotDiff:
    """In what the second of two entries of snapshots differs from the first."""
    one, other = _by_name(first), _by_name(second)
    connections: list[ConnectionDiff] = []
    arrays: list[ArrayDiff] = []
    facts = list(_facts("", first.model, second.model))
    for title in one:
        if title in other:
            left, right = one[title], other[title]
            facts += _facts(f"{left.model.name}: ", left.model, right.model)  # type: ignore[attr-defined]  # parts have names
            found = None
            if isinstance(left.model, schemas.Projection):
                found = _connections(left, right)
                connections += [] if found is None else [found]
            arrays += _arrays(left, right, other_connections=found is not None)
    return SnapshotDiff(
        tuple(title for title in one if title not in other),
        tuple(title for title in other if title not in one),
        tuple(connections),
        tuple(arrays),
        tuple(facts),
    )


def _by_name(snapshot: Entry) -> dict[str, Entry]:
    return {
        f"{part.model.kind} {part.model.name}": part
        for part in snapshot.parts
        if isinstance(part.model, schemas.Population | schemas.Projection)
    }


def _facts(prefix: str, one: schemas.Model, other: schemas.Model) -> Iterator[FactDiff]:
    """Fields in which models differ; of mappings, the keys."""
    leave = {*_OF_NO_STATE, *(_WHEN if isinstance(one, schemas.Snapshot) else ())}
    for field in type(one).model_fields:
        if field in leave:
            continue
        left, right = getattr(one, field), getattr(other, field, None)
        if isinstance(left, dict) and isinstance(right, dict):
            for key in dict.fromkeys([*left, *right]):
                if key not in left or key not in right or not _same(left[key], right[key]):
                    yield FactDiff(f"{prefix}{field}: {key}", left.get(key), right.get(key))
        elif not _same(left, right):
            yield FactDiff(f"{prefix}{field}", left, right)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, tuple):
        return bool(one == other)
    return schemas.identical(one, other)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _equal(one: ArrayLike, other: ArrayLike) -> bool:
    if isinstance(one, Pooled) and isinstance(other, Pooled):
        return one.digest == other.digest
    left, right = np.ascontiguousarray(one), np.ascontiguousarray(other)
    return (left.dtype, left.shape) == (
        right.dtype,
        right.shape,
    ) and left.tobytes() == right.tobytes()


def _connections(one: Entry, other: Entry) -> ConnectionDiff | None:
    """In what the connections of two projections differ; None if they are the same ones in the
    same order."""
    mine, theirs = (
        {name: entry.arrays[name] for name in CONNECTIONS if name in entry.arrays}
        for entry in (one, other)
    )
    same = getattr(one.model, "rows", "") == getattr(other.model, "rows", "")
    same = same and mine.keys() == theirs.keys()
    if same and all(_equal(array, theirs[name]) for name, array in mine.items()):
        return None
    known, counts = np.unique(_ends(one), return_counts=True)
    now, numbers = np.unique(_ends(other), return_counts=True)
    total = int(_matched(known, counts, now, numbers))
    name = getattr(one.model, "name", "")
    return ConnectionDiff(name, int(numbers.sum()) - total, int(counts.sum()) - total)


def _matched(
    known: npt.NDArray[Any],
    counts: npt.NDArray[Any],
    now: npt.NDArray[Any],
    numbers: npt.NDArray[Any],
) -> int:
    """How many connections both have; between two neurons there may be several."""
    _, left, right = np.intersect1d(known, now, assume_unique=True, return_indices=True)
    return int(np.minimum(counts[left], numbers[right]).sum())


def _ends(entry: Entry) -> npt.NDArray[np.complex128]:
    """Pre and post index of each connection, as one number that also other sizes leave as it
    is."""
    pointers = np.asarray(entry.arrays["row_pointers"])
    columns = np.asarray(entry.arrays["columns"])
    rows = np.repeat(np.arange(len(pointers) - 1), np.diff(pointers))
    pre, post = (rows, columns) if getattr(entry.model, "rows", "") == "pre" else (columns, rows)
    return pre + 1j * post


def _arrays(one: Entry, other: Entry, *, other_connections: bool) -> Iterator[ArrayDiff]:
    label = getattr(one.model, "name", "")
    names = [n for n in dict.fromkeys([*one.arrays, *other.arrays]) if n not in CONNECTIONS]
    common: tuple[Any, Any] | None = None
    for name in names:
        title = f"{label}: {name.removeprefix('state:')}"
        left, right = one.arrays.get(name), other.arrays.get(name)
        if left is None or right is None:
            yield ArrayDiff(title, reason=f"only in the {'second' if left is None else 'first'}")
            continue
        if _equal(left, right) and not other_connections:
            continue
        values = np.asarray(left), np.asarray(right)
        if other_connections and len(values[0]) > 1 and len(values[1]) > 1:
            common = _common(one, other) if common is None else common
            if common[0] is None:
                yield ArrayDiff(
                    title, reason="several connections between two neurons; not compared"
                )
                continue
            values = values[0][common[0]], values[1][common[1]]
        found = _difference(title, *values)
        if found is not None:
            yield found


def _common(one: Entry, other: Entry) -> tuple[Any, Any]:
    """Where the connections are that both have; (None, None) where neurons have several."""
    mine, theirs = _ends(one), _ends(other)
    if len(np.unique(mine)) < len(mine) or len(np.unique(theirs)) < len(theirs):
        return None, None
    _, left, right = np.intersect1d(mine, theirs, assume_unique=True, return_indices=True)
    return left, right


def _difference(title: str, left: npt.NDArray[Any], right: npt.NDArray[Any]) -> ArrayDiff | None:
    if left.shape != right.shape:
        shapes = f"shape {left.shape} in the first, {right.shape} in the second"
        return ArrayDiff(title, reason=shapes)
    if left.dtype != right.dtype:
        types = f"dtype {left.dtype} in the first, {right.dtype} in the second"
        return ArrayDiff(title, reason=types)
    size = left.dtype.itemsize
    bits = [np.ascontiguousarray(a).view(np.uint8).reshape(*a.shape, size) for a in (left, right)]
    differs = np.not_equal(*bits).any(axis=-1)
    count = int(differs.sum())
    if not count:
        return None
    largest = _largest(left[differs], right[differs])
    scale = max(_size(left), _size(right))
    return ArrayDiff(title, count, left.size, largest, scale=scale)


def _largest(left: npt.NDArray[Any], right: npt.NDArray[Any]) -> float:
    wide = [values.astype(np.result_type(values.dtype, np.float64)) for values in (left, right)]
    same = (wide[0] == wide[1]) | (np.isnan(wide[0]) & np.isnan(wide[1]))
    with np.errstate(invalid="ignore"):
        return float(np.where(same, 0.0, np.abs(wide[0] - wide[1])).max())


def _size(values: npt.NDArray[Any]) -> float:
    size = np.abs(values.astype(np.result_type(values.dtype, np.float64)))
    return float(np.max(size, where=np.isfinite(size), initial=0.0))
