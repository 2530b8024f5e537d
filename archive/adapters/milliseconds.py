"""Times that users give to adapters."""

from __future__ import annotations

from typing import Any

from archive.errors import FormatError
from archive.values import to_schema
from schemas.v1.unit import UnitError, conversion
from schemas.v1.value import Quantity


def milliseconds(value: Any, where: str) -> float:
    """A time in ms: a number is one already, a quantity is converted; a text has a number and,
    after a blank, its unit, as from a command line. Raises FormatError for what is no time above
    0."""
    factor = 1.0
    if isinstance(value, str):
        number, _, unit = value.strip().partition(" ")
        factor = milliseconds_in(unit.strip(), where) if unit else 1.0
        try:
            value = float(number)
        except ValueError:
            raise FormatError(f"{number!r:.40} is no number", entry=where) from None
    known = to_schema(value, where)
    if isinstance(known, Quantity):
        factor = milliseconds_in(known.unit, where)
        known = known.value
    if isinstance(known, bool) or not isinstance(known, (int, float)):
        raise FormatError("it is no single time", entry=where)
    found = float(known) * factor
    if not 0 < found < float("inf"):
        raise FormatError(f"a time of {found:g} ms", entry=where)
    return found


def milliseconds_in(unit: str, where: str) -> float:
    """How many ms a unit of time is. Raises FormatError, naming `where`, for another unit."""
    try:
        return float(conversion(unit, "ms"))
    except UnitError as error:
        raise FormatError(str(error), entry=where) from None
