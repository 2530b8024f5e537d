"""Predicates made in Python: what they are, what they refuse, how they are written."""

from __future__ import annotations

import operator
from datetime import date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import quantities as pq

import schemas
from archive.errors import QueryError
from archive.query import Where
from archive.query.grammar import parse
from archive.query.predicate import (
    And,
    Comparison,
    Exists,
    In,
    Like,
    Predicate,
)


def q(value: float | int, unit: str) -> schemas.Quantity:
    return schemas.Quantity(value=value, unit=unit)


A, B, C = Comparison("a", "==", 1), Comparison("b", "==", 2), Comparison("c", "==", 3)


def test_what_cannot_be_seen_is_written_as_an_escape() -> None:
    assert str(Where("x") == "a\nb\x07'\u200b") == r"x == 'a\nb\x07\'\u200b'"
    assert str(Where("a`\t") == 1) == r"`a\`\t` == 1"


def test_a_unit_is_written_in_one_way() -> None:
    spaced = Where("x") == q(1, "mV / ms")
    assert str(spaced) == "x == 1 mV/ms"
    assert spaced == parse("x == 1 mV / ms")
    assert (Where("x") == q(1, "")) == parse("x == 1 dimensionless")


def test_deep_trees_in_python_are_refused() -> None:
    predicate: Predicate = A
    for _ in range(99):
        predicate = ~predicate
    assert repr(parse(str(predicate))) == repr(predicate)
    with pytest.raises(QueryError, match="at most 100 deep"):
        operator.invert(predicate)


def test_where_makes_the_same_trees_as_text() -> None:
    half: Any = np.float64(0.5)  # NumPy's stubs promise a bool
    pairs: list[tuple[Predicate, str]] = [
        (Where("amplitude") > 50 * pq.pA, "amplitude > 50.0 pA"),
        (Where("x") == 1, "x == 1"),
        (Where("x") != "a", "x != 'a'"),
        (Where("x") < 1.5, "x < 1.5"),
        (Where("x") <= 3 * pq.mV / pq.ms, "x <= 3.0 mV/ms"),
        (Where("x") >= pq.Quantity(3, "1/s"), "x >= 3 1/s"),
        (Where("x") == None, "x == none"),  # noqa: E711  # the operator makes a predicate
        (Where("x") == True, "x == true"),  # noqa: E712  # the operator makes a predicate
        (Where("x").in_([1, 2 * pq.nA]), "x in (1, 2.0 nA)"),
        (Where("x").not_in({"a"}), "x not in ('a')"),
        (Where("x").exists(), "exists(x)"),
        (Where("name").like("seg*"), "name like 'seg*'"),
        (Where("a b") == 1, "`a b` == 1"),
        (Where("t") > date(2025, 1, 31), "t > datetime('2025-01-31T00:00:00')"),
        ((Where("a") == 1) & (Where("b") == 2) & (Where("c") == 3), "a==1 and b==2 and c==3"),
        ((Where("a") == 1) | (Where("b") == 2) | (Where("c") == 3), "a==1 or b==2 or c==3"),
        (
            ((Where("a") == 1) | (Where("b") == 2)) & ~(Where("c") == 3),
            "(a==1 or b==2) and not c==3",
        ),
        (half < Where("x"), "x > 0.5"),
        (Where("x") == np.int32(5), "x == 5"),
        (Where("x") == 10 * pq.dimensionless, "x == 10.0 dimensionless"),
        (Where("x") > 3 * pq.CompoundUnit("um**2"), "x > 3.0 (um**2)"),
    ]
    for predicate, text in pairs:
        assert repr(predicate) == repr(parse(text)), text


@pytest.mark.parametrize(
    "value",
    [[1], (1,), {1}, object(), 1j, b"a", np.zeros(3), np.array(3.0), [1, 2] * pq.pA, 1j * pq.pA,
     10**1001, "\ud800", pq.inch],
)  # fmt: skip
def test_where_refuses_what_cannot_stand_in_a_query(value: Any) -> None:
    with pytest.raises(QueryError):
        operator.eq(Where("x"), value)


def test_a_quantity_to_the_left_is_refused_and_not_stripped_of_its_unit() -> None:
    with pytest.raises(QueryError, match="put the key first"):
        operator.lt(50 * pq.pA, Where("x"))


def test_truth_of_a_predicate_is_refused_with_advice() -> None:
    with pytest.raises(TypeError, match="& for and"):
        bool(A)
    with pytest.raises(TypeError, match="& for and"):
        _ = A and B
    with pytest.raises(TypeError, match="& for and"):
        _ = 1 < Where("x") < 3
    with pytest.raises(TypeError, match="only a key"):
        not Where("x")
    with pytest.raises(TypeError):
        operator.and_(A, True)


@pytest.mark.parametrize("key", ["", 5, None, "\ud800"])
def test_keys_are_text(key: Any) -> None:
    for make in (Where, Exists, lambda k: Like(k, "*"), lambda k: In(k, ())):
        with pytest.raises(QueryError):
            make(key)


def test_trees_made_by_hand_are_checked() -> None:
    with pytest.raises(QueryError, match="unknown operator"):
        Comparison("x", "~", 1)  # type: ignore[arg-type]  # the mistake that is tested
    with pytest.raises(QueryError, match="no order"):
        Comparison("x", "<", None)
    with pytest.raises(QueryError, match="a pattern is text"):
        Like("x", 5)  # type: ignore[arg-type]  # the mistake that is tested
    with pytest.raises(QueryError, match="two terms or more"):
        And((A,))
    with pytest.raises(QueryError, match="not a list"):
        Where("x").in_("abc")


def test_equal_instants_make_equal_predicates() -> None:
    berlin = datetime(2025, 10, 26, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin"))
    fixed = datetime(2025, 10, 26, 2, 30, tzinfo=timezone(timedelta(hours=1)))
    assert (Where("t") == berlin) == Comparison("t", "==", fixed)
    assert parse(str(Where("t") == berlin)) == Comparison("t", "==", fixed)
