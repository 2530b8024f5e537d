"""A query finds the rows that a plain loop over the values finds, or refuses where that does."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

import pytest
from hypothesis import event, given, settings, strategies as st

import schemas
from archive.errors import QueryError
from archive.query.evaluate import evaluate
from archive.query.grammar import parse
from archive.query.predicate import (
    OPERATORS,
    And,
    Comparison,
    Constant,
    Exists,
    In,
    Like,
    Not,
    Or,
    Predicate,
)
from tests.unit.query_table import ABSENT, Table

SCALES = {
    "pA": ("current", Fraction(1, 10**12)),
    "nA": ("current", Fraction(1, 10**9)),
    "mV": ("voltage", Fraction(1, 1000)),
    "ms": ("time", Fraction(1, 1000)),
    "min": ("time", Fraction(60)),
    "dimensionless": ("number", Fraction(1)),
    "%": ("number", Fraction(1, 100)),
}
SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def compared(value: Any, sign: str, literal: Constant) -> bool | None:
    """One value with one constant, None if they cannot be compared."""
    test = SIGNS[sign]
    if literal is None:
        return test(value is None, True)
    if type(value) in (bool, str) or type(literal) in (bool, str):
        return test(value, literal) if type(value) is type(literal) else None
    if isinstance(literal, datetime) or isinstance(value, datetime):
        return test(value, literal) if type(value) is type(literal) else None
    if not isinstance(value, int | float | schemas.Quantity):
        return None
    return numbers_compared(value, sign, literal)


def equal(literal: Constant, value: Any) -> bool | None:
    return compared(value, "==", literal)


def numbers_compared(value: Any, sign: str, literal: Any) -> bool | None:
    test = SIGNS[sign]
    has_unit = isinstance(literal, schemas.Quantity)
    number, unit = (literal.value, literal.unit) if has_unit else (literal, "dimensionless")
    mine, my_unit = value, "dimensionless"
    if isinstance(value, schemas.Quantity):
        mine, my_unit = value.value, value.unit
    if unit == my_unit:
        return test(mine, number)
    (dimension, scale), (my_dimension, my_scale) = SCALES[unit], SCALES[my_unit]
    if dimension != my_dimension or not has_unit:
        return None
    if number != number or abs(number) == float("inf"):
        return test(mine, number)
    exact = Fraction(Decimal(repr(number))) * scale / my_scale
    in_range = abs(exact) <= Fraction(sys.float_info.max)
    return test(mine, float(exact) if isinstance(mine, float) and in_range else exact)


def fits(text: str, pattern: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(fits(text[start:], pattern[1:]) for start in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and fits(text[1:], pattern[1:])


def each(values: Sequence[Any], test: Callable[[Any], bool | None]) -> list[bool | None]:
    """The answer of a test for each row, None where it has none; an error if it never has."""
    answers = [None if value is ABSENT else test(value) for value in values]
    stand = [
        answer
        for value, answer in zip(values, answers, strict=True)
        if value is not ABSENT and value is not None
    ]
    if stand and all(answer is None for answer in answers):
        raise QueryError("nothing can be compared")
    return answers


def expected(predicate: Predicate, rows: dict[str, list[Any]]) -> list[bool]:
    """The mask of a predicate, found the plain way."""
    match predicate:
        case And(terms):
            return [all(row) for row in zip(*(expected(t, rows) for t in terms), strict=True)]
        case Or(terms):
            return [any(row) for row in zip(*(expected(t, rows) for t in terms), strict=True)]
        case Not(term):
            return [not holds for holds in expected(term, rows)]
        case Exists(key):
            return [value is not ABSENT for value in rows[key]]
        case Comparison(key, sign, literal):
            return [a is True for a in each(rows[key], lambda v: compared(v, sign, literal))]
        case Like(key, pattern):
            return [
                a is True
                for a in each(rows[key], lambda v: fits(v, pattern) if type(v) is str else None)
            ]
        case In(key, literals, negated):
            present = [value is not ABSENT for value in rows[key]]
            if not literals:
                return present if negated else [False] * len(present)
            answers = [each(rows[key], partial(equal, literal)) for literal in literals]
            found = [any(row) for row in zip(*answers, strict=True)]
            if not negated:
                return found
            asked = [any(a is not None for a in row) for row in zip(*answers, strict=True)]
            return [a and not f for a, f in zip(asked, found, strict=True)]
    raise AssertionError(predicate)


# Few different values, so that they meet; and those where floats and integers are nearly equal.
numbers = st.sampled_from(
    [0, 1, 2, 100, 300, -1, 2**53, 2**53 + 1, 2**63 - 1, 0.0, -0.0, 0.1, 0.3, 0.5, 1.0, 100.0,
     300.0, 1 / 60, 2.0**53, 2.0**63, float("inf"), float("-inf"), float("nan"), 5e-324, 1e308]
)  # fmt: skip
quantities = st.builds(
    lambda number, unit: schemas.Quantity(value=number, unit=unit),
    numbers,
    st.sampled_from(list(SCALES)),
)
currents = st.builds(
    lambda number, unit: schemas.Quantity(value=number, unit=unit),
    numbers,
    st.sampled_from(["pA", "nA"]),
)
huge = st.sampled_from([10**30, -(10**400), 2**63])
words = st.sampled_from(["", "a", "ab", "b", "A", "a*", "neuron", "é", "nest"])
moments = st.sampled_from([datetime(2025, 1, day, tzinfo=UTC) for day in (1, 2, 3)])
ordered = st.one_of(numbers, numbers, quantities, currents, words, huge, moments)
constants = st.one_of(ordered, ordered, st.booleans(), st.none())
unordered = st.sampled_from([[1], {"a": 1}, b"a", 1j])
mixed = st.one_of(constants, constants, unordered, st.just(ABSENT))
columns = st.sampled_from(
    [mixed, mixed, currents, currents | st.just(ABSENT), numbers, words | st.none(), quantities]
)


@st.composite
def tables(draw: st.DrawFn) -> dict[str, list[Any]]:
    size = draw(st.integers(1, 8))
    rows = {}
    for key in ("a", "run.b"):
        values = draw(st.lists(draw(columns), min_size=size, max_size=size))
        if all(value is ABSENT for value in values):
            values[0] = None  # a key that nothing has is unknown
        rows[key] = values
    return rows


keys = st.sampled_from(["a", "run.b"])
leaves = st.one_of(
    st.builds(Comparison, keys, st.sampled_from(OPERATORS), ordered),
    st.builds(Comparison, keys, st.sampled_from(OPERATORS), currents),
    st.builds(Comparison, keys, st.sampled_from(["==", "!="]), constants),
    st.builds(In, keys, st.lists(constants, max_size=3).map(tuple), st.booleans()),
    st.builds(Exists, keys),
    st.builds(Like, keys, st.sampled_from(["*", "a*", "?", "*e*", "", "a?", "n*n", "*t"])),
)


def branches(inner: st.SearchStrategy[Predicate]) -> st.SearchStrategy[Predicate]:
    terms = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(And, terms), st.builds(Or, terms), st.builds(Not, inner))


@settings(deadline=None)  # a busy machine is no failure
@given(tables(), leaves | st.recursive(leaves, branches, max_leaves=5))
def test_evaluate_agrees_with_a_plain_loop(
    rows: dict[str, list[Any]], predicate: Predicate
) -> None:
    try:
        wanted = expected(predicate, rows)
    except QueryError:
        event("refused")
        with pytest.raises(QueryError):
            evaluate(predicate, Table(rows))
        return
    event("some rows" if any(wanted) else "no row")
    assert evaluate(predicate, Table(rows)).tolist() == wanted
    assert evaluate(parse(str(predicate)), Table(rows)).tolist() == wanted
