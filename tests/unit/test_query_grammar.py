"""The query language: what is read, what is refused and how that is shown."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings, strategies as st

import schemas
from archive.errors import QueryError
from archive.query import Where
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


def q(value: float | int, unit: str) -> schemas.Quantity:
    return schemas.Quantity(value=value, unit=unit)


def literal(text: str) -> Constant:
    found = parse(f"x == {text}")
    assert isinstance(found, Comparison)
    return found.literal


A, B, C = Comparison("a", "==", 1), Comparison("b", "==", 2), Comparison("c", "==", 3)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        (
            "amplitude > 50 pA and simulator == 'neuron'",
            And(
                (Comparison("amplitude", ">", q(50, "pA")), Comparison("simulator", "==", "neuron"))
            ),
        ),
        ("a = 1", A),
        ("a==1or b==2", Or((A, B))),
        ("a == 1 or b == 2 and c == 3", Or((A, And((B, C))))),
        ("(a == 1 or b == 2) and c == 3", And((Or((A, B)), C))),
        ("not a == 1 and b == 2", And((Not(A), B))),
        ("not (a == 1 and b == 2)", Not(And((A, B)))),
        ("NOT a == 1 AND b == 2", And((Not(A), B))),
        ("a == 1 and b == 2 and c == 3", And((A, B, C))),
        ("1 == a", A),
        ("5 < x", Comparison("x", ">", 5)),
        (
            "0.1 nA < amplitude <= 0.2 nA",
            And(
                (
                    Comparison("amplitude", ">", q(0.1, "nA")),
                    Comparison("amplitude", "<=", q(0.2, "nA")),
                )
            ),
        ),
        ("x in (1, 'a', none)", In("x", (1, "a", None))),
        ("x in [1 mV, 2 mV,]", In("x", (q(1, "mV"), q(2, "mV")))),
        ("x in ()", In("x", ())),
        ("x not in [1]", In("x", (1,), negated=True)),
        ("exists(x)", Exists("x")),
        ("exists ( `my key/with odd` )", Exists("my key/with odd")),
        ("name like 'seg*'", Like("name", "seg*")),
        ("parameters.exc.tau_m > 10 ms", Comparison("parameters.exc.tau_m", ">", q(10, "ms"))),
        ("`a\\`b` == 1", Comparison("a`b", "==", 1)),
        ("`and` == 1", Comparison("and", "==", 1)),
        ("größe == 1", Comparison("größe", "==", 1)),
        ("datetime == 1", Comparison("datetime", "==", 1)),
    ],
)
def test_text_becomes_a_tree(text: str, tree: Predicate) -> None:
    assert repr(parse(text)) == repr(tree)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-70", -70),
        ("1e-3", 1e-3),
        (".5", 0.5),
        ("5.", 5.0),
        ("1E+3", 1000.0),
        ("99999999999999999999999", 99999999999999999999999),
        ("inf", math.inf),
        ("-inf", -math.inf),
        ("true", True),
        ("False", False),
        ("None", None),
        ("null", None),
        ("0.1 nA", q(0.1, "nA")),
        ("50pA", q(50, "pA")),
        ("-70 mV", q(-70, "mV")),
        ("5 mV/ms", q(5, "mV/ms")),
        ("5 mV / ms", q(5, "mV/ms")),
        ("3 1/s", q(3, "1/s")),
        ("3/s", q(3, "1/s")),
        ("3 Hz", q(3, "Hz")),
        ("10 um**2", q(10, "um**2")),
        ("10 uS/cm^2", q(10, "uS/cm^2")),
        ("10 (um**2)", q(10, "(um**2)")),
        ("10 s**-1", q(10, "s**-1")),
        ("50 %", q(50, "%")),
        ("5 dimensionless", q(5, "dimensionless")),
        ("'a'", "a"),
        ('"it\'s"', "it's"),
        (r"'it\'s \\ \n \x41 \u00e9 \U0001F9E0'", "it's \\ \n A é 🧠"),
        ("'and or ('", "and or ("),
        ("datetime('2025-01-31')", datetime(2025, 1, 31)),
        ("datetime('2025-01-31T12:00+00:00')", datetime(2025, 1, 31, 12, tzinfo=UTC)),
    ],
)
def test_constants(text: str, value: Constant) -> None:
    found = literal(text)
    assert type(found) is type(value)
    assert found == value


def test_nan_is_a_constant() -> None:
    found = literal("nan")
    assert isinstance(found, float)
    assert math.isnan(found)


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("", 0, "found the end"),
        ("amplitude > > 5", 12, "expected a key, or a constant"),
        ("amplitude >", 11, "found the end"),
        ("amplitude", 9, "write amplitude == true"),
        ("x == 'abc", 5, "the text has no closing '"),
        ('x == "abc', 5, 'the text has no closing "'),
        ("`abc == 1", 0, "the key has no closing `"),
        ("`` == 1", 0, "not empty"),
        ("x == neuron", 2, "x == 'neuron'"),
        ("5 > 3", 2, "two constants"),
        ("x > 5 and", 9, "found the end"),
        ("x > 5 foo", 6, "stands a unit"),
        ("x > 5 6", 6, "'and', 'or' or the end"),
        ("(x > 5", 6, "expected ')'"),
        ("x > 5)", 5, "'and', 'or' or the end"),
        ("x in 5", 5, "expected a list"),
        ("x in (1 2)", 8, "expected ','"),
        ("x in (a)", 6, "text stands in quotes: 'a'"),
        ("x in (,)", 6, "found ,"),
        ("'a' in x", 4, "expected a comparison"),
        ("x like 5", 7, "expected a pattern"),
        ("x not like 'a'", 6, "not (x like"),
        ("exists x", 7, "expected '('"),
        ("exists('x')", 7, "expected a key"),
        ("and == 1", 0, "found and"),
        ("exists(and)", 7, "write `and`"),
        ("x < true", 2, "no order"),
        ("none > x", 5, "no order"),
        ("x & y", 2, "write and"),
        ("x == 1 | y == 2", 7, "write or"),
        ("x == '\\q'", 6, "unknown escape"),
        ("x == 'ab\\xf'", 8, "unknown escape"),
        ("x == '\\U00110000'", 6, "unknown escape"),
        ("x == '\\ud800'", 5, "valid Unicode"),
        ("x > 1e999", 4, "too large or too small"),
        ("x > 1e-999", 4, "too large or too small"),
        ("x > " + "9" * 5000, 4, "at most 1000 digits"),
        ("x > 5 mV**99", 6, "power"),
        ("x > 5 mV*9**9**9", 9, "expected the symbol of a unit"),
        ("x > 5 mV**9**9**9", 11, "'and', 'or' or the end"),
        ("x > 5 m**1.5", 9, "expected a whole power"),
        ("x > 5 " + "s*" * 60 + "s", 6, "at most 64 characters"),
        ("x > 99999999999999999999 mV", 25, "64 bits"),
        ("x == datetime('yesterday')", 14, "'yesterday' is no date"),
        ("x == datetime(5)", 14, "expected a date in quotes"),
        ("__import__('os').system('x')", 16, "unexpected '.'"),
        ("x == __import__('os')", 2, "two keys"),
        ("x.__class__", 11, "expected a comparison"),
        ("x == 5; import os", 6, "unexpected ';'"),
        ("lambda: 0", 6, "unexpected ':'"),
        ("x == {1}", 5, "a list stands in"),
        ("x > 0x10", 5, "unit"),
        ("x > 1_000", 5, "unit"),
        ("x > \u0661", 4, "unexpected"),
        ("x == \0", 5, "unexpected"),
    ],
)
def test_errors_point_at_the_place(text: str, position: int, says: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    shown = caught.value.message.splitlines()
    assert says in str(caught.value)
    caret = shown[-1].index("^") - 2
    window = shown[-2][2:]
    offset = text[: position + 1][-5:].replace("\0", " ")
    assert window[: caret + 1].endswith(offset) or position == len(text)
    if len(text) < 60:
        assert (window, caret) == (text.replace("\0", " "), position)


def test_error_shows_the_line_alone_of_a_query_of_several() -> None:
    with pytest.raises(QueryError) as caught:
        parse("a > 2\nand b > > 3\nor c == 1")
    assert caught.value.message.splitlines()[1:] == ["  and b > > 3", "          ^"]


@pytest.mark.parametrize(
    "text",
    [
        "(" * 101 + "x == 1" + ")" * 101,
        "(" * 9000,
        "not " * 2000 + "x == 1",
        "not (" * 1500 + "x == 1",
        "x == 5 " + "(" * 5000,
        "(x == 1 and " * 700,
    ],
)
def test_deep_nesting_is_refused(text: str) -> None:
    with pytest.raises(QueryError, match="at most 100 deep"):
        parse(text)


def test_what_is_long_but_not_deep_is_read() -> None:
    text = " or ".join(["x == 1"] * 900)
    found = parse(text)
    assert isinstance(found, Or)
    assert len(found.terms) == 900
    assert str(found) == text
    assert parse("(" * 99 + "x == 1" + ")" * 99) == Comparison("x", "==", 1)


def test_parentheses_side_by_side_are_not_deep() -> None:
    found = parse(" or ".join(["(not x == 1 (s))"] * 300))
    assert isinstance(found, Or)
    assert len(found.terms) == 300


def test_an_error_in_a_long_query_shows_its_surroundings_alone() -> None:
    with pytest.raises(QueryError) as caught:
        parse("x == 1 or " * 300 + "oops or " + "x == 1 or " * 300 + "x == 1")
    line, caret = caught.value.message.splitlines()[1:]
    assert len(line) < 130
    assert line[caret.index("^") - 5 :].startswith("oops or")
    assert line.strip().startswith("…")
    assert line.endswith("…")


def test_length_limit() -> None:
    with pytest.raises(QueryError, match="at most 10000 characters"):
        parse("x == '" + "a" * 10_000 + "'")


def test_a_predicate_is_parsed_already() -> None:
    assert parse(A) is A
    with pytest.raises(QueryError, match=r"Where\('x'\)"):
        parse(Where("x"))  # type: ignore[arg-type]  # the mistake that is tested


units = st.sampled_from(
    ["pA", "mV/ms", "1/s", "um**2", "(um**2)", "S/cm**2", "%", "dimensionless", "s**-1", "m^2"]
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
numbers = st.integers() | st.integers(-(10**30), 10**30) | st.floats()
magnitudes = st.integers(-(2**63), 2**63 - 1) | st.floats()
zones = st.none() | st.timezones() | st.just(timezone(timedelta(hours=-3, seconds=7)))
ordered = numbers | texts | st.datetimes(timezones=zones) | st.builds(q, magnitudes, units)
constants = ordered | st.booleans() | st.none()
keys = st.sampled_from(["a", "run.simulator", "and", "Nan", "datetime", "x.2", "é"]) | texts.filter(
    bool
)
leaves = st.one_of(
    st.builds(Comparison, keys, st.sampled_from(["==", "!="]), constants),
    st.builds(Comparison, keys, st.sampled_from(OPERATORS), ordered),
    st.builds(In, keys, st.lists(constants, max_size=4).map(tuple), st.booleans()),
    st.builds(Exists, keys),
    st.builds(Like, keys, texts),
)


def branches(inner: st.SearchStrategy[Predicate]) -> st.SearchStrategy[Predicate]:
    terms = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(And, terms), st.builds(Or, terms), st.builds(Not, inner))


@settings(deadline=None)  # a busy machine is no failure
@given(st.recursive(leaves, branches, max_leaves=12))
def test_written_predicates_are_read_back_the_same(predicate: Predicate) -> None:
    # repr tells 1 from True and 1.0, and nan from other numbers; == does not.
    assert repr(parse(str(predicate))) == repr(predicate)


@settings(deadline=None)  # a busy machine is no failure
@given(st.text() | st.text("abx15.()[]'`\"\\ =<>!notadri*/^%-+,", max_size=40))
def test_any_text_is_read_or_refused_cleanly(text: str) -> None:
    try:
        found = parse(text)
    except QueryError:
        return
    assert repr(parse(str(found))) == repr(found)
