"""Units as other programs write them."""

from __future__ import annotations

from schemas.v1.unit import UnitError, conversion, parse

NO_UNIT = "dimensionless"


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


def is_time(unit: str) -> bool:
    """Whether it is a unit of time."""
    try:
        conversion(unit, "ms")
    except UnitError:
        return False
    return True
