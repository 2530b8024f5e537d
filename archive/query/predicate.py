"""A query as data: a small immutable tree, made by ``Where`` or by ``parse``.

``str(predicate)`` is text of the query language that parses back to the same tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timezone
from typing import Any, ClassVar, Literal, NoReturn

import numpy as np

import schemas
from archive.errors import QueryError

Constant = None | bool | int | float | str | datetime | schemas.Quantity
Operator = Literal["==", "!=", "<", "<=", ">", ">="]

OPERATORS: tuple[Operator, ...] = ("==", "!=", "<", "<=", ">", ">=")
KEYWORDS = frozenset(
    {"and", "or", "not", "in", "like", "exists", "true", "false", "none", "null", "nan", "inf"}
)
BARE_KEY = re.compile(r"[^\W\d]\w*(?:\.\w+)*")
DEPTH_LIMIT = 100
DIGIT_LIMIT = 1000  # Python itself refuses to read or print integers of 4300 digits


class Predicate:
    """A condition on runs or segments. Combine with ``&``, ``|`` and ``~``."""

    @property
    def inside(self) -> tuple[Predicate, ...]:
        """The predicates that this one is made of."""
        return ()

    def __and__(self, other: object) -> And:
        if not isinstance(other, Predicate):
            return NotImplemented
        return And(_terms(And, self) + _terms(And, other))

    def __or__(self, other: object) -> Or:
        if not isinstance(other, Predicate):
            return NotImplemented
        return Or(_terms(Or, self) + _terms(Or, other))

    def __invert__(self) -> Not:
        return Not(self)

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "a predicate is neither true nor false before it is evaluated: "
            "write & for and, | for or, ~ for not, with parentheses around each comparison; "
            "and two comparisons for a < x < b"
        )


@dataclass(frozen=True)
class Comparison(Predicate):
    """The value of a key compared with a constant."""

    key: str
    operator: Operator
    literal: Constant

    def __post_init__(self) -> None:
        check_key(self.key)
        if self.operator not in OPERATORS:
            raise QueryError(f"unknown operator {self.operator!r}", hint=" ".join(OPERATORS))
        _settle(self, "literal", constant(self.literal))
        if self.operator not in ("==", "!=") and (
            self.literal is None or isinstance(self.literal, bool)
        ):
            raise QueryError(
                f"{write_constant(self.literal)} has no order", hint="compare it by == or !="
            )

    def __str__(self) -> str:
        return f"{write_key(self.key)} {self.operator} {write_constant(self.literal)}"


@dataclass(frozen=True)
class In(Predicate):
    """The value of a key is one of some constants; or, negated, is none of them."""

    key: str
    literals: tuple[Constant, ...]
    negated: bool = False

    def __post_init__(self) -> None:
        check_key(self.key)
        _settle(self, "literals", tuple(constant(literal) for literal in self.literals))

    def __str__(self) -> str:
        verb = "not in" if self.negated else "in"
        literals = ", ".join(write_constant(literal) for literal in self.literals)
        return f"{write_key(self.key)} {verb} ({literals})"


@dataclass(frozen=True)
class Exists(Predicate):
    """The key has a value, be it None."""

    key: str

    def __post_init__(self) -> None:
        check_key(self.key)

    def __str__(self) -> str:
        return f"exists({write_key(self.key)})"


@dataclass(frozen=True)
class Like(Predicate):
    """The text of a key has a pattern: ``*`` for any text, ``?`` for any one character."""

    key: str
    pattern: str

    def __post_init__(self) -> None:
        check_key(self.key)
        if not isinstance(self.pattern, str):
            raise QueryError(f"a pattern is text, not {type(self.pattern).__name__}")
        _check_text(self.pattern)

    def __str__(self) -> str:
        return f"{write_key(self.key)} like {quote(self.pattern)}"


@dataclass(frozen=True)
class _Combination(Predicate):
    """Two or more predicates joined by one word."""

    terms: tuple[Predicate, ...]
    depth: int = field(init=False, repr=False, compare=False)
    word: ClassVar[str]

    def __post_init__(self) -> None:
        if len(self.terms) < 2:
            raise QueryError(f"'{self.word}' joins two terms or more, not {len(self.terms)}")
        _settle(self, "depth", _depth(self))

    @property
    def inside(self) -> tuple[Predicate, ...]:
        return self.terms

    def __str__(self) -> str:
        return f" {self.word} ".join(self._embrace(term) for term in self.terms)

    def _embrace(self, term: Predicate) -> str:
        # Only an `and` inside an `or` reads right without parentheses.
        bare = not isinstance(term, _Combination) or (self.word == "or" and term.word == "and")
        return str(term) if bare else f"({term})"


class And(_Combination):
    """All of the terms hold."""

    word = "and"


class Or(_Combination):
    """At least one of the terms holds."""

    word = "or"


@dataclass(frozen=True)
class Not(Predicate):
    """The term does not hold."""

    term: Predicate
    depth: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _settle(self, "depth", _depth(self))

    @property
    def inside(self) -> tuple[Predicate, ...]:
        return (self.term,)

    def __str__(self) -> str:
        inner = f"({self.term})" if isinstance(self.term, _Combination) else str(self.term)
        return f"not {inner}"


class Where:
    """Makes predicates in Python: ``Where("amplitude") > 50 * pq.pA``.

    The key is what stands in a query (``"amplitude"``, ``"run.simulator"``). The constant is
    None, a bool, a number, text, a date or datetime, or a scalar quantity. ``QueryError`` is
    raised for anything else.
    """

    # NumPy scalars on the left then leave the comparison to this class.
    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]  # `==` makes a predicate, so no dict may use it

    def __init__(self, key: str) -> None:
        check_key(key)
        self.key = key

    def __repr__(self) -> str:
        return f"Where({self.key!r})"

    def __eq__(self, other: object) -> Comparison:  # type: ignore[override]  # a predicate, no bool
        return Comparison(self.key, "==", constant(other))

    def __ne__(self, other: object) -> Comparison:  # type: ignore[override]  # a predicate, no bool
        return Comparison(self.key, "!=", constant(other))

    def __lt__(self, other: object) -> Comparison:
        return Comparison(self.key, "<", constant(other))

    def __le__(self, other: object) -> Comparison:
        return Comparison(self.key, "<=", constant(other))

    def __gt__(self, other: object) -> Comparison:
        return Comparison(self.key, ">", constant(other))

    def __ge__(self, other: object) -> Comparison:
        return Comparison(self.key, ">=", constant(other))

    def __bool__(self) -> NoReturn:
        raise TypeError(f"{self!r} is only a key: compare it, as in {self!r} == True")

    def in_(self, literals: Iterable[object]) -> In:
        """The value is one of these."""
        return In(self.key, _constants(literals))

    def not_in(self, literals: Iterable[object]) -> In:
        """There is a value, and it is none of these."""
        return In(self.key, _constants(literals), negated=True)

    def exists(self) -> Exists:
        """There is a value, be it None."""
        return Exists(self.key)

    def like(self, pattern: str) -> Like:
        """The text has this pattern (``*`` any text, ``?`` any one character)."""
        return Like(self.key, pattern)


def constant(value: object) -> Constant:
    """What a Python object stands for in a query. Raises QueryError if it cannot stand in one."""
    if isinstance(value, schemas.Scalar):
        value = np.frombuffer(value.data, value.dtype)[0]
    if isinstance(value, np.generic):
        value = value.item()
    match value:
        case None | bool():
            return value
        case int():
            if value.bit_length() > DIGIT_LIMIT * 3.32:
                raise QueryError(f"an integer has at most {DIGIT_LIMIT} digits")
            return int(value)
        case float():
            return float(value)
        case str():
            _check_text(value)
            return str(value)
        case datetime():
            return _fixed_zone(value)
        case date():
            return datetime.combine(value, time())
        case schemas.Quantity():
            return quantity(value.value, value.unit)
    measured: Any = value  # a quantity is known by its shape: `quantities` is not imported here
    magnitude = getattr(measured, "magnitude", None)
    if magnitude is not None and np.ndim(magnitude) == 0:
        return quantity(np.asarray(magnitude).item(), measured.dimensionality.string)
    raise QueryError(
        f"a value of type {type(value).__name__} cannot stand in a query",
        hint="use None, a bool, a number, text, a datetime or one scalar quantity; "
        'and put the key first: Where("key") > 50 * pq.pA',
    )


def quantity(number: object, unit: str) -> schemas.Quantity:
    """A number with its unit. Raises QueryError if it is not real, or the unit is none."""
    plain = constant(number)
    if isinstance(plain, bool) or not isinstance(plain, int | float):
        raise QueryError(f"a quantity in a query is one real number, not {type(number).__name__}")
    try:
        found = schemas.Quantity(value=plain, unit=unit)
    except ValueError as error:
        raise QueryError(str(error)) from error
    # Without its spaces a unit is written, and read back, in one way.
    return schemas.Quantity(value=found.value, unit=unit.replace(" ", "") or "dimensionless")


def check_key(key: object) -> str:
    """The key itself, if it is one. Raises QueryError."""
    if not isinstance(key, str) or not key:
        raise QueryError(f"a key is text and not empty, this one is {key!r}")
    _check_text(key)
    return key


def write_key(key: str) -> str:
    """The key as it stands in a query: in backticks unless it is a plain dotted name."""
    if BARE_KEY.fullmatch(key) and key.lower() not in KEYWORDS:
        return key
    return quote(key, "`")


def write_constant(value: Constant) -> str:
    """The constant as it stands in a query."""
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case str():
            return quote(value)
        case datetime():
            return f"datetime({quote(value.isoformat())})"
        case schemas.Quantity():
            return f"{value.value!r} {value.unit}"
        case _:
            return repr(value)


def quote(text: str, mark: str = "'") -> str:
    """The text between marks; what could not be seen or would end it is escaped."""
    escaped = text.replace("\\", "\\\\").replace(mark, f"\\{mark}")
    shown = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in escaped)
    return f"{mark}{''.join(shown)}{mark}"


def _fixed_zone(moment: datetime) -> datetime:
    """The same instant with a plain offset, so that equal instants are equal datetimes."""
    offset = moment.utcoffset()
    return moment.replace(tzinfo=None if offset is None else timezone(offset), fold=0)


def _constants(literals: Iterable[object]) -> tuple[Constant, ...]:
    if isinstance(literals, str | bytes):
        raise QueryError("one text is not a list of constants", hint="write ['a', 'b']")
    return tuple(constant(literal) for literal in literals)


def _check_text(text: str) -> None:
    if any(0xD800 <= ord(c) <= 0xDFFF for c in text):
        raise QueryError(f"text must be valid Unicode (in {text[:60]!r})")


def _settle(node: Predicate, name: str, value: Any) -> None:
    object.__setattr__(node, name, value)  # the one way to set a field of a frozen dataclass


def _depth(node: Predicate) -> int:
    depth = 1 + max(getattr(term, "depth", 1) for term in node.inside)
    if depth > DEPTH_LIMIT:
        raise QueryError(f"a query is nested at most {DEPTH_LIMIT} deep")
    return depth


def _terms(kind: type[_Combination], predicate: Predicate) -> tuple[Predicate, ...]:
    return predicate.inside if isinstance(predicate, kind) else (predicate,)
