"""One stored value against one constant: the meaning of the operators.

Numbers compare exactly, whatever their types. A constant with a unit is first expressed in the
unit of the value: exactly, taking a float for the decimal number that it prints as, and then, for
a float value, rounded to the nearest float. So 0.3 nA equals 300 pA, stored either way.
"""

from __future__ import annotations

import fnmatch
import math
import operator
import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import schemas
from archive.errors import QueryError
from archive.query.predicate import Constant, Operator, constant, write_constant

Number = int | float | Fraction

APPLY: dict[Operator, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_BASE_UNITS = ("m", "kg", "s", "A", "K", "mol", "cd")


class Incomparable(Exception):
    """The value and the constant have no common ground; `reason` completes "the key …"."""

    def __init__(self, reason: str, hint: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


def in_unit(literal: Constant, unit: str | None) -> Number:
    """The constant as a number in the unit of the values (None for plain numbers).

    Raises Incomparable if it is no number, or one of another dimension.
    """
    if isinstance(literal, bool) or not isinstance(literal, int | float | schemas.Quantity):
        what = f"is a quantity in {unit}" if unit else "is a number"
        raise Incomparable(f"{what}, {write_constant(literal)} is not")
    if not isinstance(literal, schemas.Quantity):
        plain = schemas.parse("dimensionless")
        if unit and schemas.parse(unit) != plain:
            raise Incomparable(
                f"has the unit {unit} (dimension {dimension(unit)}), {literal!r} has none",
                f"write {literal!r} {unit}",
            )
        return literal
    number: Any = literal.value
    try:
        factor = schemas.conversion(literal.unit, unit or "dimensionless")
    except schemas.UnitError as error:
        if unit:
            reason = f"has the unit {unit} (dimension {dimension(unit)})"
            hint = f"write {number!r} {unit}, or a unit of the same dimension"
        else:
            reason, hint = "is a number without a unit", f"write {number!r}"
        there = f"{write_constant(literal)} has the dimension {dimension(literal.unit)}"
        raise Incomparable(f"{reason}, {there}", hint) from error
    if factor == 1 or (isinstance(number, float) and not math.isfinite(number)):
        return number  # type: ignore[no-any-return]  # a Quantity among constants has a real number
    return Fraction(Decimal(repr(number))) * factor


def nearest(number: Number) -> Number:
    """A converted number as the nearest float, if there is one; others as they are."""
    if isinstance(number, Fraction):
        try:
            return float(number)
        except OverflowError:
            return number
    return number


def dimension(unit: str) -> str:
    """The dimension of a unit in SI base units, for messages."""
    exponents = zip(_BASE_UNITS, schemas.parse(unit).dimension, strict=True)
    factors = [name if n == 1 else f"{name}**{n}" for name, n in exponents if n]
    return " ".join(factors) or "none"


def matches(value: object, sign: Operator, literal: Constant) -> bool:
    """Whether a Python value, or one of the contract's, stands in this relation to a constant.

    Every value compares with None by == and !=, numbers and quantities with such, bool with
    bool, text with text, datetimes with datetimes and ISO text. A datetime without a zone is
    compared with the clock of the value, whatever its zone. Raises Incomparable for the rest.
    """
    if literal is None:
        return (value is None) == (sign == "==")
    value = _plain(value)
    if isinstance(value, bool) and isinstance(literal, bool):
        return bool(APPLY[sign](value, literal))
    if isinstance(value, str) and isinstance(literal, str):
        return bool(APPLY[sign](value, literal))
    if isinstance(value, datetime) and isinstance(literal, datetime | str):
        return _compare_moments(value, sign, literal)
    if isinstance(value, str) and isinstance(literal, datetime):
        return _compare_moments(_moment(value, f"holds {value[:60]!r}, which"), sign, literal)
    number, unit = (
        (value.value, value.unit) if isinstance(value, schemas.Quantity) else (value, None)
    )
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise Incomparable(f"is {_kind(number)}, {write_constant(literal)} is not")
    target = in_unit(literal, unit)
    return bool(APPLY[sign](number, nearest(target) if isinstance(number, float) else target))


def pattern(text: str) -> Callable[[object], bool]:
    """A test for text that has a shell-style pattern of ``*`` and ``?`` alone.

    The test raises Incomparable for what is not text.
    """
    found = re.compile(fnmatch.translate(text.replace("[", "[[]"))).match

    def test(value: object) -> bool:
        value = _plain(value)
        if not isinstance(value, str):
            raise Incomparable("is no text, and only text has patterns")
        return found(value) is not None

    return test


def _kind(value: object) -> str:
    """What a value is, for messages."""
    return {str: "text", datetime: "a datetime"}.get(type(value), type(value).__name__)


def _plain(value: object) -> object:
    """The value as a constant would have it; what cannot be a constant as it is."""
    if isinstance(value, int):
        return value  # of any size, unlike a constant
    try:
        return constant(value)
    except QueryError:
        return value


def _moment(text: str, what: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        hint = "write it as '2025-01-31' or '2025-01-31T12:00:00+01:00'"
        raise Incomparable(f"{what} is no ISO date", hint) from error


def _compare_moments(value: datetime, sign: Operator, literal: datetime | str) -> bool:
    if isinstance(literal, str):
        literal = _moment(literal, f"is a datetime, {literal!r}")
    if literal.tzinfo is None:
        value = value.replace(tzinfo=None)
    elif value.tzinfo is None:
        hint = "write the time without its zone"
        raise Incomparable(f"has no time zone, {literal.isoformat()} has one", hint)
    return bool(APPLY[sign](value, literal))
