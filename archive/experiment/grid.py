"""The points of a parameter grid, and which of them have no finished run yet."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

import numpy as np

import schemas
from archive import values
from archive.container import Container
from archive.container.documents import BREACHES
from archive.container.layout import OUTCOMES
from archive.errors import ContractError, CorruptArchive
from archive.experiment.sets_of_runs import sets_of_runs
from archive.experiment.value_keys import EMPTY, Path, leaves, number_key, path_text, value_key

POINT_LIMIT: Final = 10_000_000
_FINISHED: Final = OUTCOMES.index("finished")
_HINT: Final = 'as in {"exc.tau_m": [10, 20] * pq.ms, "weight": [0.1, 0.2]}'

Signature = tuple[int, ...]


class Signatures:
    """A number for each value at its place: a point is the sorted numbers of its values, and two
    points are the same exactly if these are."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}

    def number(self, path: Path, key: Hashable) -> int:
        return self._numbers.setdefault((path, key), len(self._numbers))

    def of(self, found: Mapping[str, schemas.Value]) -> Signature:
        """The signature of the values of a set."""
        numbers = [self.number(path, value_key(value)) for path, value in leaves(found)]
        return tuple(sorted(numbers))

    def of_document(self, container: Container, document: Mapping[str, Any]) -> Signature:
        """The same, of a set as it lies in the file; only what is rare is decoded."""
        numbers = [
            self.number(path, _document_key(container, item))
            for path, item in _document_leaves(document, ())
        ]
        return tuple(sorted(numbers))


def _document_leaves(document: Mapping[str, Any], at: Path) -> Iterator[tuple[Path, Any]]:
    for key, item in document.items():
        tag = next((name for name in item if name[:1] == "$"), "") if type(item) is dict else ""
        if type(item) is dict and item and not tag:
            yield from _document_leaves(item, (*at, key))
        elif tag == "$dict" and item[tag]:
            yield from _document_leaves(dict(item[tag]), (*at, key))
        else:
            yield (*at, key), item


def _document_key(container: Container, item: Any) -> Hashable:
    if type(item) is int or type(item) is float:
        return number_key(item, "")
    if type(item) is dict:
        if not item:
            return EMPTY
        measured = item.get("$quantity")
        if measured is not None and type(measured["value"]) in (int, float):
            return number_key(measured["value"], measured["unit"])
    return value_key(container.documents.values({"value": item})["value"])


def finished(container: Container, signatures: Signatures) -> Iterator[Signature]:
    """The signatures of all sets that a finished run of this archive had."""
    finished = container.runs.all()["outcome"] == _FINISHED
    rows = np.unique(sets_of_runs(container)[finished])
    rows = rows[rows >= 0]
    if len(rows):
        places = container.parameter_sets.places()
        chosen = [places[row] for row in rows.tolist()]
        for document in container.documents.read_many(chosen):
            try:
                yield signatures.of_document(container, document.get("values", {}))
            except BREACHES as error:
                raise CorruptArchive(
                    f"a document of a parameter set is not what the contract says ({error})",
                    path=container.path,
                    hint="'neuroarchive check' lists what is damaged",
                ) from error


# -- points --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Axis:
    """A parameter that varies: its place, and its values as given and as the contract has them."""

    path: Path
    given: list[Any]
    kept: list[schemas.Value]


def missing(
    grid: Mapping[str, Any] | Iterable[Mapping[str, Any]],
    base: Mapping[str, Any],
    containers: Iterable[Container],
) -> list[dict[str, Any]]:
    """The points that no finished run of these archives had; see `ParameterSets.missing`."""
    signatures = Signatures()
    base = _copied(base)  # as a plain dict, in which a path of keys is none
    points = (
        _of_grid(grid, base, signatures)
        if isinstance(grid, Mapping)
        else _of_list(grid, base, signatures)
    )
    seen = {done for one in containers for done in finished(one, signatures)}
    found = []
    for signature, point in points:
        if signature not in seen:
            seen.add(signature)
            found.append(point())
    return found


Point = tuple[Signature, Any]


def _of_list(
    points: Iterable[Mapping[str, Any]], base: Mapping[str, Any], signatures: Signatures
) -> Iterator[Point]:
    for number, point in enumerate(points):
        if not isinstance(point, Mapping):
            raise ContractError(
                f"a point is a dict of parameters, not {type(point).__name__}",
                entry=f"point {number}",
                hint="give a list of dicts, or one dict of sequences",
            )
        whole = _merged(base, point)
        kept = values.to_schema_dict(whole, f"point {number}")
        yield signatures.of(kept), lambda whole=whole: whole


def _merged(base: Mapping[str, Any], point: Mapping[str, Any]) -> dict[str, Any]:
    """The base with the changes of a point, which may be nested."""
    whole = {key: _copied(value) for key, value in base.items()}
    for key, value in point.items():
        old = whole.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        whole[key] = _merged(old, value) if both else _copied(value)  # type: ignore[arg-type]
    return whole


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(item) for key, item in value.items()}
    return value


def _of_grid(
    grid: Mapping[str, Any], base: Mapping[str, Any], signatures: Signatures
) -> Iterator[Point]:
    axes = list(_axes(grid, base))
    _check_apart(axes, base)
    count = math.prod(len(axis.given) for axis in axes)
    if count > POINT_LIMIT:
        raise ContractError(
            f"the grid has {count} points, {POINT_LIMIT} are the most", hint="ask part by part"
        )
    return _points(axes, base, signatures) if count else iter(())


def _points(
    axes: Sequence[_Axis], base: Mapping[str, Any], signatures: Signatures
) -> Iterator[Point]:
    # What all points have in common has its numbers once: the rest is looked up by position.
    first = values.to_schema_dict(_placed(base, axes, (0,) * len(axes)), "grid")
    fixed = [
        signatures.number(path, value_key(value))
        for path, value in leaves(first)
        if not any(path[: len(axis.path)] == axis.path for axis in axes)
    ]
    numbers = [[_numbers_at(axis.path, kept, signatures) for kept in axis.kept] for axis in axes]
    for at in product(*(range(len(axis.given)) for axis in axes)):
        chosen = [number for own, place in zip(numbers, at, strict=True) for number in own[place]]
        signature = tuple(sorted([*fixed, *chosen]))
        yield signature, lambda at=at: _placed(base, axes, at)


def _numbers_at(path: Path, kept: schemas.Value, signatures: Signatures) -> list[int]:
    if isinstance(kept, dict) and kept:
        return [signatures.number(at, value_key(value)) for at, value in leaves(kept, path)]
    return [signatures.number(path, value_key(kept))]


def _placed(base: Mapping[str, Any], axes: Sequence[_Axis], at: Sequence[int]) -> dict[str, Any]:
    """The base with one value of each axis in its place."""
    point: dict[str, Any] = _copied(base)
    for axis, place in zip(axes, at, strict=True):
        inner = point
        for key in axis.path[:-1]:
            inner = inner.setdefault(key, {})
        inner[axis.path[-1]] = axis.given[place]
    return point


def _axes(grid: Mapping[str, Any], base: Mapping[str, Any], at: Path = ()) -> Iterator[_Axis]:
    for key, item in grid.items():
        if not isinstance(key, str):
            raise ContractError(f"the keys of a grid are text, not {key!r:.40}", hint=_HINT)
        path = (*at, *_steps(key, base, at))
        if isinstance(item, Mapping):
            yield from _axes(item, base, path)
            continue
        where = f"grid: {path_text(path)}"
        if isinstance(item, str | bytes) or not hasattr(item, "__iter__") or not _shape(item):
            raise ContractError(
                f"a grid has a sequence of values for each parameter, not {item!r:.40}",
                entry=where,
                hint=f"a single value belongs into a list, or into base; {_HINT}",
            )
        given = list(item)
        yield _Axis(path, given, [values.to_schema(value, where) for value in given])


def _shape(item: Any) -> bool:
    """Whether it has a first axis; a quantity without one has the method, too."""
    return getattr(item, "shape", (1,)) != ()


def _steps(key: str, base: Mapping[str, Any], at: Path) -> Path:
    """The keys of a path joined by dots, unless the base has that very key."""
    there: Any = base
    for step in at:
        there = there.get(step, {}) if isinstance(there, Mapping) else {}
    if isinstance(there, Mapping) and key in there:
        return (key,)
    steps = tuple(key.split("."))
    if not all(steps):
        raise ContractError(f"{key!r} is no path of keys", hint=_HINT)
    return steps


def _check_apart(axes: Sequence[_Axis], base: Mapping[str, Any]) -> None:
    """No parameter may be given twice, nor one inside another; nor inside a single value."""
    paths = [axis.path for axis in axes]
    known = set(paths)
    for path in paths:
        inside = next((path[:n] for n in range(1, len(path)) if path[:n] in known), None)
        if inside is not None or paths.count(path) > 1:
            raise ContractError(
                f"the grid varies {path_text(path)} twice",
                entry=f"grid: {path_text(inside or path)}",
                hint="give each parameter once",
            )
        there: Any = base
        for number, key in enumerate(path):
            if not isinstance(there, Mapping):
                raise ContractError(
                    f"{path_text(path[:number])} is a single value in the base",
                    entry=f"grid: {path_text(path)}",
                    hint="write the path to a value that varies",
                )
            if key not in there:
                break
            there = there[key]
