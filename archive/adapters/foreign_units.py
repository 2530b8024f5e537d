"""Units as other programs write them."""

from __future__ import annotations

from schemas.v1.unit import UnitError, conversion, parse

NO_UNIT = "dimensionless"
_TIME_WORDS = {
    "sec": "s", "second": "s", "seconds": "s", "secs": "s",
    "msec": "ms", "msecs": "ms", "millisecond": "ms", "milliseconds": "ms",
    "usec": "us", "usecs": "us", "microsecond": "us", "microseconds": "us",
    "minute": "min", "minutes": "min", "hour": "h", "hours": "h",
}  # fmt: skip


def contract_unit(text: str) -> str | None:
    """The unit as the contract writes it; None if it is none."""
    if not text:
        return NO_UNIT
    for told in (text, text.replace("Â", "").replace("µ", "u").replace("μ", "u")):
        for spelled in (told, told.replace("Ω", "ohm"), told.replace("·", "*")):
            try:
                parse(spelled)
            except UnitError:
                continue
            return spelled
    return None


def time_unit(text: str, *, is_time_for_sure: bool = True) -> str | None:
    """The unit of time that a text is, also as a word; None if it is none. In capital letters, too,
    of what is known to be a time: ``S`` may be siemens."""
    bare = text.strip()
    for told in (bare, bare.lower()) if is_time_for_sure else (bare,):
        unit = _TIME_WORDS.get(told) or contract_unit(told)
        if unit is not None and is_time(unit):
            return unit
    return None


def is_time(unit: str) -> bool:
    """Whether it is a unit of time."""
    try:
        conversion(unit, "ms")
    except UnitError:
        return False
    return True
