"""What of an experiment did not come back, and whether that was declared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.entry import ArrayLike, Entry, Loss, name_of, parts_of
from schemas.v1.value import identical

ROOT = "experiment"  # the way to the experiment itself
NOTHING = "nothing"
_SHOWN = 200  # characters of a value


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not as it was: of which entry, in which field or array, and both values.

    `steps` lead to it: the field, and the keys and indices within.
    """

    way: str
    kind: str
    steps: tuple[str, ...]
    wrote: str
    read: str

    @property
    def is_new(self) -> bool:
        """Whether there was nothing."""
        return self.wrote in (NOTHING, "None")

    def __str__(self) -> str:
        return f"{self.way}: {''.join(self.steps)}: wrote {self.wrote}, read {self.read}"


@dataclass(frozen=True, slots=True)
class Placed:
    """An entry with all that is in it in memory, and the way to it."""

    way: str
    entry: Entry
    parts: tuple[Placed, ...]

    @property
    def model(self) -> schemas.Model:
        return self.entry.model

    def walk(self) -> Iterator[Placed]:
        """It and everything inside, parents before children."""
        yield self
        for part in self.parts:
            yield from part.walk()


def placed(entry: Entry, way: str = "") -> Placed:
    """The entry with the ways to all that is in it, as `archive.entry.ways` has them."""
    parts = [placed(part, to) for to, part in parts_of(entry, way)]
    return Placed(way or (ROOT if entry.model.kind == ROOT else ""), entry, tuple(parts))


class Declared:
    """The losses of one writer, by entry."""

    def __init__(self, losses: Sequence[Loss]) -> None:
        self._of: dict[str, set[str]] = defaultdict(set)
        for loss in losses:
            self._of[loss.entry].add(loss.field)

    def whole(self, one: Placed) -> bool:
        """Whether it is declared lost with all that is in it."""
        return one.model.kind in self._of.get(one.way, ())

    def excuse(self, difference: Difference) -> bool:
        """Whether the field, or the item in it, is declared lost."""
        fields = self._of.get(difference.way, set())
        steps = difference.steps
        return any("".join(steps[:end]) in fields for end in range(1, len(steps) + 1))


def differences(
    source: Sequence[Placed], found: Sequence[Placed], declared: Declared
) -> Iterator[Difference]:
    """What of `source` is not in `found` and was not declared lost, and what is new in it."""
    wanted = [one for one in source if not declared.whole(one)]
    pairs, missing, extra = _paired(wanted, found)
    for one in missing:
        yield Difference(one.way, one.model.kind, (one.model.kind,), _shown(one.model), NOTHING)
    spare = [one for one in source if declared.whole(one)]
    for other in extra:
        if any(one.model.kind == other.model.kind for one in spare):
            continue  # some of what was declared lost may be there all the same
        told = _shown(other.model)
        yield Difference(other.way, other.model.kind, (other.model.kind,), NOTHING, told)
    yield from _disordered(pairs, found)
    for one, other in pairs:
        for difference in _within(one, other):
            if not declared.excuse(difference):
                yield difference
        yield from differences(one.parts, other.parts, declared)


def _paired(
    source: Sequence[Placed], found: Sequence[Placed]
) -> tuple[list[tuple[Placed, Placed]], list[Placed], list[Placed]]:
    """Those of one kind and name in their order; then, of one kind, those that are left."""
    pairs: list[tuple[int, Placed, Placed]] = []
    left, right = dict(enumerate(source)), dict(enumerate(found))
    for key in (_kind_and_name, lambda one: one.model.kind):
        free: dict[Hashable, list[int]] = defaultdict(list)
        for at, other in right.items():
            free[key(other)].append(at)
        for at, one in list(left.items()):
            if free[key(one)]:
                pairs.append((at, one, right.pop(free[key(one)].pop(0))))
                del left[at]
    pairs.sort(key=lambda pair: pair[0])
    return [pair[1:] for pair in pairs], [*left.values()], [*right.values()]


def _kind_and_name(one: Placed) -> tuple[str, str]:
    return one.model.kind, name_of(one.model)


def _disordered(
    pairs: Sequence[tuple[Placed, Placed]], found: Sequence[Placed]
) -> Iterator[Difference]:
    """Runs in another order than they were; of segments and all else, too."""
    places = {id(other): at for at, other in enumerate(found)}
    last: dict[str, tuple[int, Placed]] = {}
    for one, other in pairs:
        at, kind = places[id(other)], one.model.kind
        if kind in last and at < last[kind][0]:
            before = last[kind][1]
            yield Difference(one.way, kind, ("its place",), f"after {before.way}", "before it")
        last[kind] = max(last.get(kind, (at, one)), (at, one), key=lambda pair: pair[0])


def _within(one: Placed, other: Placed) -> Iterator[Difference]:
    way, kind = one.way, one.model.kind
    fields = {*type(one.model).model_fields, *type(other.model).model_fields} - {"kind"}
    extra = [*(one.model.model_extra or {}), *(other.model.model_extra or {})]
    for name in [*sorted(fields), *dict.fromkeys(extra)]:
        wrote, read = getattr(one.model, name, None), getattr(other.model, name, None)
        for steps, was, now in _unequal(wrote, read, (name,)):
            yield Difference(way, kind, steps, was, now)
    wrote_arrays, read_arrays = one.entry.arrays, other.entry.arrays
    for name in [*wrote_arrays, *(name for name in read_arrays if name not in wrote_arrays)]:
        if name not in read_arrays:
            wrote = _shown_array(np.asarray(wrote_arrays[name]))
            yield Difference(way, kind, (name,), wrote, NOTHING)
        elif name not in wrote_arrays:
            read = _shown_array(np.asarray(read_arrays[name]))
            yield Difference(way, kind, (name,), NOTHING, read)
        else:
            yield from _unequal_arrays(way, kind, name, wrote_arrays[name], read_arrays[name])


def _unequal(
    wrote: object, read: object, steps: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], str, str]]:
    if isinstance(wrote, dict) and isinstance(read, dict):
        for key in [*wrote, *(key for key in read if key not in wrote)]:
            within = (*steps, f".{key}")
            if key not in read:
                yield within, _shown(wrote[key]), NOTHING
            elif key not in wrote:
                yield within, NOTHING, _shown(read[key])
            else:
                yield from _unequal(wrote[key], read[key], within)
    elif isinstance(wrote, list) and isinstance(read, list) and len(wrote) == len(read):
        for at, (one, other) in enumerate(zip(wrote, read, strict=True)):
            yield from _unequal(one, other, (*steps, f"[{at}]"))
    elif not _same(wrote, read, steps):
        yield steps, _shown(wrote), _shown(read)


def _same(wrote: object, read: object, steps: tuple[str, ...]) -> bool:
    if len(steps) == 1 and isinstance(wrote, datetime) and isinstance(read, datetime):
        # of the fields of models the moment and its offset count, not how the zone is called
        return wrote.isoformat() == read.isoformat()
    return identical(wrote, read)


def _unequal_arrays(
    way: str, kind: str, name: str, wrote: ArrayLike, read: ArrayLike
) -> Iterator[Difference]:
    one, other = np.asarray(wrote), np.asarray(read)
    if _is_text(one) and _is_text(other):
        alike = one.shape == other.shape and one.tolist() == other.tolist()
    elif one.dtype.newbyteorder("<") != other.dtype.newbyteorder("<"):
        yield Difference(
            way, kind, (name,), f"an array of {one.dtype}", f"an array of {other.dtype}"
        )
        return
    else:
        alike = one.shape == other.shape and _bits_equal(one, other)
    if alike:
        return
    if one.shape != other.shape:
        was, now = f"an array of shape {one.shape}", f"an array of shape {other.shape}"
    else:
        was, now = _first_unequal(one, other)
    yield Difference(way, kind, (name,), was, now)


def _is_text(array: npt.NDArray[Any]) -> bool:
    return array.dtype.kind == "U" or (
        array.dtype.kind == "O" and all(isinstance(item, str) for item in array.flat)
    )


def _bits_equal(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    """Equal item by item; all NaN are one, and negative zero is not zero."""
    if one.dtype.kind in "c":
        return _bits_equal(one.real, other.real) and _bits_equal(one.imag, other.imag)
    if one.dtype.kind == "f":
        nan = np.isnan(one)
        if not np.array_equal(nan, np.isnan(other)):
            return False
        return np.array_equal(one[~nan], other[~nan]) and np.array_equal(
            np.signbit(one[~nan]), np.signbit(other[~nan])
        )
    if one.dtype.kind in "mM":
        return np.array_equal(one.astype("i8"), other.astype("i8"))
    return np.array_equal(one, other)


def _first_unequal(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> tuple[str, str]:
    for at in np.ndindex(one.shape):
        a, b = np.array(one[at], one.dtype), np.array(other[at], other.dtype)
        same = a.item() == b.item() if _is_text(one) else _bits_equal(a, b)
        if not same:
            where = f"at {list(at)}" if at else "in it"
            return f"{a.item()!r:.60} {where}", f"{b.item()!r:.60}"
    return _shown_array(one), _shown_array(other)


def _shown_array(array: npt.NDArray[Any]) -> str:
    return f"an array of {array.dtype} {array.shape}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
