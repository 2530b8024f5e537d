"""What a predicate means on a table."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

import schemas
from archive.errors import QueryError
from archive.query import Column, Where
from archive.query.compare import APPLY
from archive.query.evaluate import evaluate
from archive.query.grammar import parse
from archive.query.predicate import OPERATORS, Comparison, Operator, Predicate
from tests.unit.query_table import ABSENT, CountingTexts, Table


def q(value: Any, unit: str) -> schemas.Quantity:
    return schemas.Quantity(value=value, unit=unit)


def answer(query: str | Predicate, values: list[Any]) -> list[int]:
    """The rows of a table with the one key ``x`` that a query finds."""
    mask = evaluate(parse(query), Table({"x": values}))
    assert mask.dtype == np.bool_
    assert mask.shape == (len(values),)
    return [row for row, found in enumerate(mask) if found]


CURRENTS = [q(50.0, "pA"), q(100.0, "pA"), q(0.1, "nA"), q(0.3, "nA"), q(300.0, "pA"), ABSENT]
MIXED = [1, 1.5, True, "a", None, q(1.0, "mV"), [1], ABSENT]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("x == 0.1 nA", [1, 2]),
        ("x == 100 pA", [1, 2]),
        ("x == 0.3 nA", [3, 4]),
        ("x == 300 pA", [3, 4]),
        ("x == 300000 fA", [3, 4]),
        ("x == 0.0003 uA", [3, 4]),
        ("x > 50 pA", [1, 2, 3, 4]),
        ("x >= 50 pA", [0, 1, 2, 3, 4]),
        ("x > 100 pA", [3, 4]),
        ("x < 0.3 nA", [0, 1, 2]),
        ("x != 0.1 nA", [0, 3, 4]),
        ("not x == 0.1 nA", [0, 3, 4, 5]),
        ("50 pA < x <= 100 pA", [1, 2]),
        ("x in (50 pA, 0.3 nA)", [0, 3, 4]),
        ("x not in (50 pA, 0.3 nA)", [1, 2]),
        ("x < inf pA", [0, 1, 2, 3, 4]),
        ("x == nan nA", []),
        ("x == none", []),
        ("x != none", [0, 1, 2, 3, 4]),
        ("exists(x)", [0, 1, 2, 3, 4]),
    ],
)
def test_units(query: str, rows: list[int]) -> None:
    assert answer(query, CURRENTS) == rows


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("x == 1", [0]),
        ("x >= 1", [0, 1]),
        ("x == 1.5", [1]),
        ("x != 1", [1]),
        ("x == true", [2]),
        ("x != false", [2]),
        ("x == false", []),
        ("x == 'a'", [3]),
        ("x != 'b'", [3]),
        ("x like '?'", [3]),
        ("x == none", [4]),
        ("x != none", [0, 1, 2, 3, 5, 6]),
        ("x == 1 mV", [5]),
        ("x == 1000 uV", [5]),
        ("x in (1, 'a', none)", [0, 3, 4]),
        ("x not in (2, 'b')", [0, 1, 3]),
        ("x not in (1, none)", [1, 2, 3, 5, 6]),
        ("x in ()", []),
        ("x not in ()", [0, 1, 2, 3, 4, 5, 6]),
        ("exists(x)", [0, 1, 2, 3, 4, 5, 6]),
        ("not exists(x)", [7]),
        ("x == 1 and not x == 'a'", [0]),
        ("x == 1 or x == 'a' or x == true", [0, 2, 3]),
        ("not (x == 1 or exists(x))", [7]),
    ],
)
def test_rows_of_another_type_do_not_match(query: str, rows: list[int]) -> None:
    assert answer(query, MIXED) == rows


@pytest.mark.parametrize("sign", OPERATORS)
@pytest.mark.parametrize(
    "literal",
    [2**53, 2**53 + 1, float(2**53), 2**53 + 0.0, 2**63, -(2**63) - 1, 10**400, -(10**400), 0, -0.0,
     0.5, -0.5, 1e300, math.inf, -math.inf, math.nan, 5e-324, 2**1024, 2**1024 - 1, 3],
)  # fmt: skip
def test_int_and_float_compare_exactly(sign: Operator, literal: float | int) -> None:
    values = [2**53, 2**53 + 1, 2**53 - 1, 2**63 - 1, -(2**63), 0, 1, -1, 3, 2.0**53, 2.0**53 + 2,
              2.0**63, -(2.0**63), 0.5, -0.0, 1.7976931348623157e308, math.inf, -math.inf,
              math.nan, 5e-324, 10**400, 2**70]  # fmt: skip
    # Python itself compares int and float exactly; this is what it says.
    apply = APPLY[sign]
    expected = [row for row, value in enumerate(values) if apply(value, literal)]
    assert answer(Comparison("x", sign, literal), values) == expected


def test_integer_quantities_compare_exactly() -> None:
    values = [q(300, "pA"), q(301, "pA"), q(2**53 + 1, "pA")]
    assert answer("x == 0.3 nA", values) == [0]
    assert answer("x == 300.0 pA", values) == [0]
    assert answer("x > 0.3005 nA", values) == [1, 2]
    assert answer("x == 0.3005 nA", values) == []
    assert answer("x != 0.3005 nA", values) == [0, 1, 2]
    assert answer(f"x == {2**53 + 1} pA", values) == [2]
    assert answer("x < 1000000000000000000 A", values) == [0, 1, 2]
    assert answer("x > inf pA or x > -inf pA", values) == [0, 1, 2]


def test_without_conversion_nothing_is_rounded() -> None:
    assert answer("x == 1152921504606846976.0 pA", [q(2**60, "pA"), q(2.0**60, "pA")]) == [0, 1]
    assert answer(f"x == {2**53 + 1} pA", [q(2.0**53, "pA"), q(2**53, "pA")]) == []
    assert answer(f"x < {2**53 + 1} pA", [q(2.0**53, "pA"), q(2**53, "pA")]) == [0, 1]


def test_a_unit_that_is_no_power_of_ten() -> None:
    values = [q(1 / 60, "h"), q(1.0, "min"), q(60.0, "s"), q(0.5, "h")]
    assert answer("x == 1 min", values) == [0, 1, 2]
    assert answer("x == 60000 ms", values) == [0, 1, 2]
    assert answer("x > 29 min", values) == [3]


def test_dimensionless_quantities_are_numbers() -> None:
    values = [5, 5.0, q(5.0, "dimensionless"), q(500.0, "%"), "5"]
    assert answer("x == 5 dimensionless", values) == [0, 1, 2, 3]
    assert answer("x == 500 %", values) == [0, 1, 2, 3]
    # A bare 5 may well be meant as 5 %: it does not match what is in %.
    assert answer("x == 5", values) == [0, 1, 2]
    with pytest.raises(QueryError, match="write 5 %"):
        answer("x == 5", values[3:4])


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("x > 50", r"'x' has the unit pA \(dimension A\), 50 has none\n  hint: write 50 pA"),
        ("x in (50 pA, 100)", "100 has none"),
        ("x not in (50 pA, 100)", "100 has none"),
        (
            "x > 50 mV",
            r"unit pA \(dimension A\), 50 mV has the dimension m\*\*2 kg s\*\*-3 A\*\*-1",
        ),
        ("x == 'a'", "'x' is a quantity in pA, 'a' is not"),
        ("x == true", "'x' is a quantity in pA, true is not"),
        ("x like 'a*'", "only text has patterns"),
        ("x == datetime('2025-01-01')", r"datetime\('2025-01-01T00:00:00'\) is not"),
        ("exists(x) and (x > 1 pA or not x > 50)", "50 has none"),
    ],
)
def test_what_no_value_can_be_compared_with_is_an_error(query: str, says: str) -> None:
    # None compares with nothing, so it does not hide the mistake.
    for values in ([q(50.0, "pA")], [q(50.0, "pA"), None, ABSENT]):
        with pytest.raises(QueryError, match=says):
            answer(query, values)


@pytest.mark.parametrize(
    ("query", "values", "says"),
    [
        ("x > 50 pA", [1.5, 2.5], "'x' is a number without a unit"),
        ("x > 50 pA", [1, 2], "'x' is a number without a unit"),
        ("x == 5", ["5"], "'x' is text, 5 is not"),
        ("x == '5'", [5], "'x' is a number, '5' is not"),
        ("x == 1", [True], "'x' is bool, 1 is not"),
        ("x == true", [1], "'x' is a number, true is not"),
        ("x > 'a'", [True], "'x' is bool, 'a' is not"),
        ("x like '*'", [True], "'x' is bool, and only text has patterns"),
        ("x like '*'", [[1]], "only text has patterns"),
        ("x == 5", [[5], None], "'x' is list, 5 is not"),
        ("x == 5", [b"5"], "'x' is bytes, 5 is not"),
        ("x == 5", [5j], "'x' is complex, 5 is not"),
        ("x == 5 mV", [q(5j, "mV")], "'x' is complex, 5 mV is not"),
        ("x > 5 mV", [q(schemas.Array("<f8", (1,), bytes(8)), "mV")], "'x' is Array, 5 mV is not"),
        ("x > 5", [schemas.Array("<f8", (1,), bytes(8))], "'x' is Array, 5 is not"),
        ("x > 5", [schemas.Scalar("<c8", bytes(8))], "'x' is (Scalar|complex), 5 is not"),
        ("x > 'yesterday'", [datetime(2025, 1, 1)], "'yesterday' is no ISO date"),
        ("x > datetime('2025-01-01')", ["a", "b"], "'a', which is no ISO date"),
        (
            "x > datetime('2025-01-01T00:00+00:00')",
            [datetime(2025, 1, 1)],
            "has no time zone",
        ),
    ],
)
def test_other_types_are_an_error_too(query: str, values: list[Any], says: str) -> None:
    with pytest.raises(QueryError, match=says):
        answer(query, values)


def test_none_alone_matches_nothing_without_complaint() -> None:
    assert answer("x > 5 mV", [None, ABSENT]) == []
    assert answer("x != 5", [None, ABSENT]) == []
    assert answer("x like '*'", [None, ABSENT]) == []
    assert answer("x == none", [None, ABSENT]) == [0]
    assert answer("x != none", [None, ABSENT]) == []


def test_text() -> None:
    values = ["neuron", "nest", "Nest", "", "brian2", "a*b", "a[b", "naïve\nline", ABSENT]
    assert answer("x == 'nest'", values) == [1]
    assert answer("x != 'nest'", values) == [0, 2, 3, 4, 5, 6, 7]
    assert answer("x == 'annarchy'", values) == []
    assert answer("x != 'annarchy'", values) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert answer("x == ''", values) == [3]
    assert answer("x < 'b'", values) == [2, 3, 5, 6]
    assert answer("'nest' <= x", values) == [0, 1]
    assert answer("x like 'ne*'", values) == [0, 1]
    assert answer("x like '?est'", values) == [1, 2]
    assert answer("x like '*'", values) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert answer("x like 'a[b'", values) == [6]
    assert answer("x like '[a-z]*'", values) == []
    assert answer("x like 'na*line'", values) == [7]
    assert answer("x like 'nes'", values) == []


def test_a_pattern_cannot_hang() -> None:
    assert answer("x like '" + "*a" * 200 + "b'", ["a" * 5000]) == []


def test_long_text_may_be_kept_elsewhere() -> None:
    class Long(str):
        """Text that the table keeps in an `other` column."""

        __slots__ = ()

    values = [Long("abc"), Long("abd"), None]
    assert answer("x == 'abc'", values) == [0]
    assert answer("x > 'abc'", values) == [1]
    assert answer("x like 'ab?'", values) == [0, 1]


def test_equality_decodes_no_text_and_patterns_each_text_once() -> None:
    texts = CountingTexts(["a", "b"])
    codes = np.array([0, 1000, 0, 1000, -1])
    column = Column("text", codes >= 0, values=codes, texts=texts)

    class OneColumn(Table):
        def columns(self, key: str, /) -> list[Column]:
            return [column]

    table = OneColumn({"x": [None] * 5})
    assert evaluate(parse("x == 'b' or x != 'a'"), table).tolist() == [False, True] * 2 + [False]
    assert texts.decoded == []
    assert evaluate(parse("x like 'b*'"), table).tolist() == [False, True] * 2 + [False]
    assert texts.decoded == [0, 1000]


BERLIN = ZoneInfo("Europe/Berlin")
MOMENTS = [
    datetime(2025, 1, 31, 12, tzinfo=BERLIN),
    datetime(2025, 1, 31, 11, tzinfo=UTC),
    datetime(2025, 2, 1, tzinfo=timezone(timedelta(hours=-5))),
    datetime(2025, 1, 31, 12),
    datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))),
    ABSENT,
]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("x == '2025-01-31T12:00+01:00'", [0, 1]),
        ("x == '2025-01-31 11:00Z'", [0, 1]),
        ("x > '2025-01-31T12:00+01:00'", [2]),
        ("x < '2025-01-31T12:00+01:00'", [4]),
        ("x >= '2025-01-31 12:00'", [0, 2, 3]),
        ("x == '2025-01-31 12:00'", [0, 3]),
        ("x != '2025-01-31 12:00'", [1, 2, 4]),
        ("'2025-01-31' < x < '2025-02-01'", [0, 1, 3]),
        ("x >= datetime('2025-02-01')", [2]),
        ("x in ('2025-02-01', '2025-01-31 12:00')", [0, 2, 3]),
    ],
)
def test_datetimes(query: str, rows: list[int]) -> None:
    assert answer(query, MOMENTS) == rows


def test_datetimes_in_python_and_as_iso_text() -> None:
    assert answer(Where("x") > datetime(2025, 1, 31, 11, tzinfo=UTC), MOMENTS) == [2]
    texts = ["2025-01-31T12:00:00+01:00", "2025-02-01T00:00:00+01:00", "never"]
    assert answer(Where("x") > datetime(2025, 1, 31, 11, tzinfo=UTC), texts) == [1]
    assert answer("x > '2025-01-31'", texts) == [0, 1, 2]  # text with text: as text


def test_an_hour_that_comes_twice() -> None:
    twice = [datetime(2025, 10, 26, 2, 30, fold=fold, tzinfo=BERLIN) for fold in (0, 1)]
    assert answer(Where("x") == twice[0], twice) == [0]
    assert answer(Where("x") == twice[1], twice) == [1]
    assert answer("x > '2025-10-26T02:30+02:00'", twice) == [1]


def test_numbers_that_the_contract_keeps_as_bytes() -> None:
    half = schemas.Scalar("<f4", np.float32(0.5).tobytes())
    values = [half, q(half, "mV"), np.float32(0.5), 0.5, schemas.Scalar("|i1", b"\x05")]
    assert answer("x == 0.5", values) == [0, 2, 3]
    assert answer("x == 500 uV", values) == [1]
    assert answer("x > 4", values) == [4]
    stored = schemas.Scalar("<f8", np.float64(0.3).tobytes())
    assert answer("x == 300 pA", [q(stored, "nA")]) == [0]


def test_several_keys() -> None:
    table = Table(
        {
            "amplitude": [q(0.0, "nA"), q(0.1, "nA"), q(0.2, "nA"), ABSENT],
            "run.simulator": ["neuron", "nest", "neuron", "neuron"],
            "odd key/ö": [1, 2, 3, 4],
        }
    )
    found = evaluate(parse("amplitude > 50 pA and run.simulator == 'neuron'"), table)
    assert found.tolist() == [False, False, True, False]
    found = evaluate(parse("`odd key/ö` > 1 and not amplitude > 0.1 nA"), table)
    assert found.tolist() == [False, True, False, True]


def test_the_mask_is_new_and_the_table_is_left_alone() -> None:
    present = np.array([True, False])
    flags = np.array([True, True])
    column = Column("bool", present, values=flags)

    class OneColumn(Table):
        def columns(self, key: str, /) -> list[Column]:
            return [column]

    table = OneColumn({"x": [True, True]})
    for query in ("x == true", "exists(x)", "not exists(x)", "not x == true", "x != none"):
        mask = evaluate(parse(query), table)
        mask[:] = ~mask
    assert present.tolist() == [True, False]
    assert flags.tolist() == [True, True]


def test_the_columns_of_a_key_are_asked_for_once() -> None:
    table = Table({"x": [1, 2, 3]})
    assert evaluate(parse("1 < x < 3 and x in (1, 2) and exists(x)"), table).tolist() == [
        False,
        True,
        False,
    ]
    assert table.asked == ["x"]


@pytest.mark.parametrize("query", ["ampltude > 5", "exists(ampltude)", "not ampltude like 'a'"])
def test_a_misspelt_key_names_the_nearest(query: str) -> None:
    table = Table({"amplitude": [5], "simulator": ["nest"]})
    with pytest.raises(QueryError, match=r"no annotation 'ampltude'; did you mean 'amplitude'\?"):
        evaluate(parse(query), table)


def test_a_key_like_no_other_lists_what_there_is() -> None:
    with pytest.raises(QueryError, match="no annotation 'zzz'\n  hint: there are a, b"):
        evaluate(parse("zzz > 5"), Table({"b": [5], "a": [5]}))
    with pytest.raises(QueryError, match=r"no annotation 'zzz'$"):
        evaluate(parse("zzz > 5"), Table({"": [ABSENT]}))


def test_an_empty_table_has_no_keys_to_misspell() -> None:
    found = evaluate(parse("anything > 5 mV"), Table({}))
    assert found.dtype == np.bool_
    assert found.shape == (0,)


def test_only_the_predicates_of_the_language_are_evaluated() -> None:
    with pytest.raises(QueryError, match="Predicate is no predicate of the query language"):
        evaluate(Predicate(), Table({"x": [1]}))
