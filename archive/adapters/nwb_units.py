"""Units and times as NWB has them: seconds, and values with a factor to a unit without prefix."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.v1.unit import UnitError, conversion, parse

# Most units are free text in NWB, but these have the spelling that its own types prescribe.
SPELLED: Final[Mapping[str, str]] = {
    "V": "volts",
    "A": "amperes",
    "S": "siemens",
    "ohm": "ohms",
    "F": "farads",
    "s": "seconds",
    "Hz": "hertz",
    "m": "meters",
    "degC": "degrees Celsius",
    "dimensionless": "n.a.",
}
_READ: Final[Mapping[str, str]] = {
    **{name.lower(): unit for unit, name in SPELLED.items()},
    **{name.rstrip("s"): unit for unit, name in SPELLED.items() if name.endswith("s")},
    "ampere": "A", "amps": "A", "metres": "m", "metre": "m", "celsius": "degC", "msec": "ms",
    "milliseconds": "ms", "millivolts": "mV", "microvolts": "uV", "picoamperes": "pA",
    "nanoamperes": "nA", "hertz": "Hz", "percent": "dimensionless", "unknown": "dimensionless",
    "none": "dimensionless", "": "dimensionless", "unit": "dimensionless", "a.u.": "dimensionless",
    "au": "dimensionless", "arbitrary": "dimensionless", "no unit": "dimensionless",
}  # fmt: skip
_PREFIXED = re.compile(r"(?P<prefix>[fpnumkMGT])?(?P<base>V|A|S|F|s|Hz|m)")
_PREFIX: Final = {-15: "f", -12: "p", -9: "n", -6: "u", -3: "m", 3: "k", 6: "M", 9: "G", 12: "T"}


def to_nwb(unit: str) -> tuple[str, float]:
    """The unit as NWB spells it, and the factor to it; units with several symbols stay as they
    are, with the factor 1."""
    found = _PREFIXED.fullmatch(unit)
    if found is None:
        return SPELLED.get(unit, unit or "n.a."), 1.0
    return SPELLED[found["base"]], float(conversion(unit, found["base"]))


def from_nwb(text: str, factor: float) -> tuple[str, float] | None:
    """The unit of an archive for NWB's, and the factor that is left: 1 where a prefix says it.
    None where the text is no unit that is known."""
    text = text.strip()
    unit = _READ.get(text.lower(), text)
    try:
        parse(unit)
    except UnitError:
        return None
    if factor == 1.0 or unit not in SPELLED:
        return unit, factor
    for power, prefix in _PREFIX.items():
        # the factor may be a product of floats: 1e-3 or 0.0010000000000000002
        if abs(factor / 10.0**power - 1) < 1e-12 and unit not in ("degC", "dimensionless", "ohm"):
            return prefix + unit, 1.0
    return unit, factor


def in_seconds(times: npt.NDArray[Any], unit: str) -> npt.NDArray[np.float64]:
    """Times in seconds."""
    return _scaled(np.asarray(times, np.float64), conversion(unit, "s"))


def from_seconds(times: npt.NDArray[Any], unit: str) -> npt.NDArray[np.float64]:
    """Times that are in seconds, in a unit."""
    return _scaled(np.asarray(times, np.float64), conversion("s", unit))


def _scaled(times: npt.NDArray[np.float64], factor: Fraction) -> npt.NDArray[np.float64]:
    # one rounding, not two: a float of 1/1000 is not exact, and 1000 is
    with np.errstate(over="ignore"):  # infinite, which is seen where it matters
        scaled = times * float(factor.numerator) if factor.numerator != 1 else times
        return scaled / float(factor.denominator) if factor.denominator != 1 else scaled
