"""Times that users give to adapters."""

from __future__ import annotations

from typing import Any

from archive.errors import FormatError
from archive.values import to_schema
from schemas.v1.unit import UnitError, conversion
from schemas.v1.value import Quantity


def milliseconds(value: Any, where: str) -> float:
    """A time in ms: a number is one already, a quantity is converted. Raises FormatError for
    what is no time above 0."""
    known = to_schema(value, where)
    factor = 1.0
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
