"""A predicate on columns: one bool per row, vectorised.

A comparison is false for the rows that lack the key, and for those whose value cannot be compared
with the constant (text with a number, pA with mV). ``not`` turns that round: ``not x > 5`` holds
where there is no ``x``. If *no* value of the key can be compared, that is an error and not an
empty answer; None is no such value, it equals the constant none and nothing else.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.errors import QueryError
from archive.query.column import Column, Columns
from archive.query.compare import (
    APPLY,
    Incomparable,
    Number,
    in_unit,
    matches,
    nearest,
    pattern,
)
from archive.query.predicate import (
    And,
    Comparison,
    Constant,
    Exists,
    In,
    Like,
    Not,
    Operator,
    Or,
    Predicate,
    write_constant,
)

Mask = npt.NDArray[np.bool_]


def evaluate(predicate: Predicate, columns: Columns) -> Mask:
    """Which rows of a table a predicate holds for: a bool array of shape (rows,).

    Raises QueryError if a key is unknown, or if none of its values can be compared with the
    constant: other unit, no unit, other type. A table without rows gives an empty mask.
    """
    if len(columns) == 0:
        return np.zeros(0, np.bool_)
    return _Evaluation(columns).mask(predicate)


class _Evaluation:
    """One query on one table; the columns of a key are asked for once."""

    def __init__(self, table: Columns) -> None:
        self.table = table
        self.known: dict[str, Sequence[Column]] = {}

    def mask(self, predicate: Predicate) -> Mask:
        """A new array, which the caller may change."""
        match predicate:
            case And():
                return self.reduced(np.logical_and, predicate)
            case Or():
                return self.reduced(np.logical_or, predicate)
            case Not():
                mask = self.mask(predicate.term)
                return np.logical_not(mask, out=mask)
            case Exists():
                return self.present(predicate.key)
            case Comparison():
                return self.compared(predicate.key, predicate.operator, predicate.literal)
            case In():
                return self.member(predicate)
            case Like():
                test = partial(_like, test=pattern(predicate.pattern))
                return self.searched(predicate.key, test)
        raise QueryError(f"{type(predicate).__name__} is no predicate of the query language")

    def reduced(self, join: np.ufunc, combination: And | Or) -> Mask:
        first, *others = combination.terms
        mask = self.mask(first)
        for term in others:
            join(mask, self.mask(term), out=mask)
        return mask

    def member(self, predicate: In) -> Mask:
        key, literals = predicate.key, predicate.literals
        equal = self.nowhere()
        for literal in literals:
            equal |= self.compared(key, "==", literal)
        if not predicate.negated:
            return equal
        if not literals:
            return self.present(key)
        unequal = self.nowhere()
        for literal in literals:
            unequal |= self.compared(key, "!=", literal)
        return np.greater(unequal, equal, out=unequal)

    def compared(self, key: str, sign: Operator, literal: Constant) -> Mask:
        return self.searched(key, partial(_compare, sign=sign, literal=literal))

    def searched(self, key: str, test: Callable[[Column], Mask | None]) -> Mask:
        """Where one of the key's columns passes the test."""
        found: Mask | None = None
        objection: Incomparable | None = None
        for column in self.columns(key):
            try:
                mask = test(column)
            except Incomparable as reason:
                objection = objection or reason
                continue
            if mask is not None:
                mask &= column.present
                found = mask if found is None else np.logical_or(found, mask, out=found)
        if found is None and objection is not None:
            raise QueryError(f"{key!r} {objection.reason}", hint=objection.hint)
        return self.nowhere() if found is None else found

    def present(self, key: str) -> Mask:
        mask = self.nowhere()
        for column in self.columns(key):
            mask |= column.present
        return mask

    def nowhere(self) -> Mask:
        return np.zeros(len(self.table), np.bool_)

    def columns(self, key: str) -> Sequence[Column]:
        if key not in self.known:
            self.known[key] = self.table.columns(key)
        if not self.known[key]:
            raise _unknown(key, self.table.keys())
        return self.known[key]


def _unknown(key: str, keys: Sequence[str]) -> QueryError:
    near = difflib.get_close_matches(key, keys, n=3, cutoff=0.6)
    if near:
        return QueryError(f"no annotation {key!r}; did you mean {' or '.join(map(repr, near))}?")
    some = ", ".join(sorted(keys)[:20])
    return QueryError(f"no annotation {key!r}", hint=f"there are {some}" if some else None)


def _compare(column: Column, *, sign: Operator, literal: Constant) -> Mask | None:
    """Where the column's values, present or not, stand in a relation to the constant.

    None if there is nothing that could be compared with any constant but None.
    """
    by_value = partial(matches, sign=sign, literal=literal)
    if column.kind == "other":
        return _by_value(column, by_value, none_too=literal is None)
    values = _values(column)
    if literal is None:
        return np.full(len(values), sign == "!=")
    match column.kind:
        case "float":
            return _compare_floats(values, sign, in_unit(literal, column.unit))
        case "int":
            return _compare_ints(values, sign, in_unit(literal, column.unit))
        case "bool" if isinstance(literal, bool):
            return _mask(APPLY[sign](values, literal))
        case "text" if isinstance(literal, str) and sign in ("==", "!="):
            code = _texts(column).code(literal)
            if code is None:  # then no row has the text
                return np.full(len(values), sign == "!=")
            return _mask(APPLY[sign](values, code))
        case "text":
            return _by_text(column, by_value)
    raise Incomparable(f"is {column.kind}, {write_constant(literal)} is not")


def _like(column: Column, *, test: Callable[[object], bool]) -> Mask | None:
    if column.kind == "other":
        return _by_value(column, test, none_too=False)
    if column.kind == "text":
        return _by_text(column, test)
    raise Incomparable(f"is {column.kind}, and only text has patterns")


def _compare_floats(values: npt.NDArray[Any], sign: Operator, number: Number) -> Mask:
    below, above = _float_neighbours(nearest(number))
    return _compare_between(values, sign, below, above)


def _compare_ints(values: npt.NDArray[Any], sign: Operator, number: Number) -> Mask:
    if isinstance(number, float) and not math.isfinite(number):
        return _mask(APPLY[sign](values, number))
    return _compare_between(values, sign, math.floor(number), math.ceil(number))


def _compare_between(values: npt.NDArray[Any], sign: Operator, below: Any, above: Any) -> Mask:
    """Compare with a number that has no neighbour of the values' type nearer than these two, and
    is both if it has that type itself."""
    if sign in ("==", "!="):
        # NaN is neither equal to itself nor between two numbers, but a constant all the same.
        if below < above:
            return np.full(len(values), sign == "!=")
        return _mask(APPLY[sign](values, below))
    return _mask(APPLY[sign](values, above if sign in ("<", ">=") else below))


def _float_neighbours(number: Number) -> tuple[float, float]:
    try:
        near = float(number)
    except OverflowError:
        largest = float(np.finfo(np.float64).max)
        return (largest, math.inf) if number > 0 else (-math.inf, -largest)
    if near < number:
        return near, math.nextafter(near, math.inf)
    if near > number:
        return math.nextafter(near, -math.inf), near
    return near, near


def _by_text(column: Column, test: Callable[[object], bool]) -> Mask | None:
    """Where the text passes the test, each different text decoded once."""
    values = _values(column)
    codes = np.unique(values[column.present])
    passed = _tested(_texts(column).decode(codes), test)
    return None if passed is None else np.isin(values, codes[passed])


def _by_value(column: Column, test: Callable[[object], bool], *, none_too: bool) -> Mask | None:
    """Where the value passes the test, value by value; None is asked only if that makes sense."""
    if column.objects is None:
        raise TypeError("a column of kind 'other' needs objects")
    rows = np.flatnonzero(column.present)
    loaded = column.objects.load(rows)
    if not none_too:
        kept = [place for place, value in enumerate(loaded) if value is not None]
        rows, loaded = rows[kept], [loaded[place] for place in kept]
    passed = _tested(loaded, test)
    if passed is None:
        return None
    mask = np.zeros(len(column.present), np.bool_)
    mask[rows] = passed
    return mask


def _tested(values: Sequence[object], test: Callable[[object], bool]) -> Mask | None:
    """Which values pass; None if there are none. Raises Incomparable if none can be tested."""
    passed = np.zeros(len(values), np.bool_)
    objection: Incomparable | None = None
    testable = False
    for place, value in enumerate(values):
        try:
            passed[place] = test(value)
            testable = True
        except Incomparable as reason:
            objection = objection or reason
    if objection is not None and not testable:
        raise objection
    return passed if testable else None


def _values(column: Column) -> npt.NDArray[Any]:
    if column.values is None:
        raise TypeError(f"a column of kind {column.kind!r} needs values")
    return column.values


def _texts(column: Column) -> Any:
    if column.texts is None:
        raise TypeError("a column of kind 'text' needs texts")
    return column.texts


def _mask(result: Any) -> Mask:
    return np.asarray(result, np.bool_)
