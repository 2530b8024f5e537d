"""Two arrays compared item by item, a block at a time: they may exceed memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from archive.entry import ArrayLike
from archive.experiment.verdict import CLOSE, DIFFERENT, EQUAL, IDENTICAL, ROUNDING, Verdict

BLOCK: Final = 8 << 20  # bytes of each array that are read at a time

Columns = tuple[npt.NDArray[Any], npt.NDArray[Any]]
Values = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class ValuesDiff:
    """In what the items of an array of a part differ, in the unit of the first one.

    Of `compared` items `differing` differ in value (by more than is tolerated, where something
    is), `close` are within what is tolerated, and `rewritten` are equal but for their bits, as 0.0
    and -0.0, and two NaN. `first` is the index of the first item of the worst sort, `values` are
    the two there. `largest` and `rms` are the largest difference and the root of the mean square of
    all; items of which one alone is NaN are in neither.
    """

    array: str
    compared: int
    differing: int
    close: int
    rewritten: int
    first: tuple[int, ...] | None
    values: tuple[Any, Any] | None
    largest: float
    rms: float
    unit: str | None = None

    @property
    def verdict(self) -> Verdict:
        """How much all of them differ."""
        if self.differing:
            return DIFFERENT
        return CLOSE if self.close else EQUAL if self.rewritten else IDENTICAL


@dataclass(frozen=True, slots=True)
class Scaling:
    """What makes values of the second comparable: `factor` brings them into the unit of the first;
    differences of up to `tolerance` times the largest value are tolerated."""

    factor: float = 1.0
    tolerance: float | None = None

    @property
    def needs_scale(self) -> bool:
        return self.factor != 1.0 or bool(self.tolerance)


def compare(
    name: str,
    left: ArrayLike,
    right: ArrayLike,
    scaling: Scaling,
    columns: Columns | None = None,
    unit: str | None = None,
) -> ValuesDiff:
    """In what the rows that both arrays have differ; of `columns`, only these of each."""
    if left.dtype.hasobject or right.dtype.hasobject:
        return _texts(name, left, right)
    scale = 0.0
    if scaling.needs_scale:
        for _, one, other in _blocks(left, right, columns):
            scale = max(scale, _largest(one), _largest(_wide(other) * scaling.factor))
    rounded = scale * ROUNDING if scaling.factor != 1.0 else 0.0
    sums = _Sums(rounded, max(rounded, scale * (scaling.tolerance or 0.0)))
    for start, one, other in _blocks(left, right, columns):
        sums.add(start, one, other, scaling.factor)
    return sums.result(name, unit)


def _blocks(
    left: ArrayLike, right: ArrayLike, columns: Columns | None
) -> Iterator[tuple[int, Values, Values]]:
    rows = min(left.shape[0], right.shape[0])
    widest = max(prod(a.shape[1:]) * a.dtype.itemsize for a in (left, right))
    step = max(1, BLOCK // max(1, widest))
    for start in range(0, rows, step):
        stop = min(rows, start + step)
        one, other = np.asarray(left[start:stop]), np.asarray(right[start:stop])
        if columns is not None:
            one, other = one[:, columns[0]], other[:, columns[1]]
        yield start, np.ascontiguousarray(one), np.ascontiguousarray(other)


def _wide(values: Values) -> Values:
    """In a type in which differences neither overflow nor wrap round."""
    return values.astype(np.result_type(values.dtype, np.float64), copy=False)


def _largest(values: Values) -> float:
    size = np.abs(_wide(values))
    return float(np.max(size, where=np.isfinite(size), initial=0.0))


def _unlike(one: Values, other: Values) -> npt.NDArray[np.bool_]:
    """Where the bits differ, of arrays of one type."""
    size = one.dtype.itemsize
    if size in (1, 2, 4, 8):
        unlike: npt.NDArray[np.bool_] = one.view(f"u{size}") != other.view(f"u{size}")
        return unlike
    raw = [a.view(np.uint8).reshape(*a.shape, size) for a in (one, other)]
    return np.asarray((raw[0] != raw[1]).any(axis=-1))


class _Sums:
    """What was found so far; below `rounded` a difference is none, up to `bound` tolerated."""

    def __init__(self, rounded: float, bound: float) -> None:
        self._rounded, self._bound = rounded, bound
        self._compared = self._finite = 0
        self._counts = [0, 0, 0]  # differing, close, rewritten
        self._firsts: list[tuple[tuple[int, ...], tuple[Any, Any]] | None] = [None, None, None]
        self._largest = self._squares = 0.0

    def add(self, start: int, one: Values, other: Values, factor: float) -> None:
        """Compare a block, whose first row is `start`."""
        self._compared += one.size
        same_type = one.dtype == other.dtype and factor == 1.0
        where = _unlike(one, other) if same_type else np.ones(one.shape, bool)
        if not where.any():
            self._finite += one.size
            return
        a, b = one[where], other[where]
        if factor != 1.0:
            b = _wide(b) * factor
        nan = np.isnan(a), np.isnan(b)
        equal = (a == b) | (nan[0] & nan[1])
        with np.errstate(invalid="ignore", over="ignore"):
            apart = np.where(equal, 0.0, np.abs(_wide(a) - _wide(b)))
        lone = nan[0] != nan[1]
        far = lone | (apart > self._bound)
        near = ~far & (apart > self._rounded)
        kept = np.where(lone, 0.0, apart)
        self._largest = max(self._largest, float(kept.max(initial=0.0)))
        with np.errstate(over="ignore"):
            self._squares += float(np.square(kept, dtype=np.float64).sum())
        self._finite += int(one.size - lone.sum())
        # of another type or unit, that is said of all at once
        rest = ~far & ~near & same_type
        places = np.flatnonzero(where)
        for sort, mask in enumerate((far, near, rest)):
            self._note(sort, mask, places, start, one, other)

    def _note(
        self,
        sort: int,
        mask: npt.NDArray[np.bool_],
        places: npt.NDArray[np.intp],
        start: int,
        one: Values,
        other: Values,
    ) -> None:
        count = int(mask.sum())
        self._counts[sort] += count
        if count and self._firsts[sort] is None:
            at = tuple(map(int, np.unravel_index(places[mask.argmax()], one.shape)))
            self._firsts[sort] = (start + at[0], *at[1:]), (one[at].item(), other[at].item())

    def result(self, name: str, unit: str | None) -> ValuesDiff:
        where, there = next((found for found in self._firsts if found is not None), (None, None))
        far, near, rest = self._counts
        rms = float(np.sqrt(self._squares / self._finite)) if self._finite else 0.0
        return ValuesDiff(
            name, self._compared, far, near, rest, where, there, self._largest, rms, unit
        )


def _texts(name: str, left: ArrayLike, right: ArrayLike) -> ValuesDiff:
    rows = min(left.shape[0], right.shape[0])
    one, other = (np.asarray(array)[:rows].tolist() for array in (left, right))
    unlike = [at for at, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1]]
    first = (unlike[0],) if unlike else None
    values = (str(one[unlike[0]]), str(other[unlike[0]])) if unlike else None
    return ValuesDiff(name, rows, len(unlike), 0, 0, first, values, 0.0, 0.0)
