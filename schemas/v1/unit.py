"""Unit text: a small grammar of what python-quantities writes and NIX can say, with exact scales.

``expression := ["1" "/"] factor (("*" | "/") factor)*``, ``factor := (symbol | "(" expression ")")
[("**" | "^") integer]``. An empty text and ``dimensionless`` are the unit of plain numbers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator

LENGTH_LIMIT = 64
POWER_LIMIT = 30
SCALE_LIMIT = Fraction(10) ** 150  # the ratio of any two units is then a finite float

Dimension = tuple[int, int, int, int, int, int, int]


class UnitError(ValueError):
    """The text is no unit, or two units measure different things."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What a unit means: a value times `scale` is the value in SI base units.

    `dimension` has the exponents of m, kg, s, A, K, mol and cd. `zero` is the zero point of a
    temperature scale in K; it is not 0 for ``degC`` alone.
    """

    scale: Fraction
    dimension: tuple[int, ...]
    zero: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class Factor:
    """A symbol, or the text in a pair of parentheses with its own factors, and the power."""

    text: str
    power: int
    inner: tuple[Factor, ...] = ()


_NONE: Dimension = (0, 0, 0, 0, 0, 0, 0)
_PRESSURE: Dimension = (-1, 1, -2, 0, 0, 0, 0)
_ENERGY: Dimension = (2, 1, -2, 0, 0, 0, 0)

_PREFIXES = {
    "Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1,
    "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21, "y": -24,
}  # fmt: skip

# Symbols that take a prefix: scale in SI base units, dimension.
_PREFIXED: dict[str, tuple[Fraction, Dimension]] = {
    "m": (Fraction(1), (1, 0, 0, 0, 0, 0, 0)),
    "g": (Fraction(1, 1000), (0, 1, 0, 0, 0, 0, 0)),
    "s": (Fraction(1), (0, 0, 1, 0, 0, 0, 0)),
    "A": (Fraction(1), (0, 0, 0, 1, 0, 0, 0)),
    "K": (Fraction(1), (0, 0, 0, 0, 1, 0, 0)),
    "mol": (Fraction(1), (0, 0, 0, 0, 0, 1, 0)),
    "cd": (Fraction(1), (0, 0, 0, 0, 0, 0, 1)),
    "Hz": (Fraction(1), (0, 0, -1, 0, 0, 0, 0)),
    "N": (Fraction(1), (1, 1, -2, 0, 0, 0, 0)),
    "Pa": (Fraction(1), _PRESSURE),
    "J": (Fraction(1), _ENERGY),
    "W": (Fraction(1), (2, 1, -3, 0, 0, 0, 0)),
    "C": (Fraction(1), (0, 0, 1, 1, 0, 0, 0)),
    "V": (Fraction(1), (2, 1, -3, -1, 0, 0, 0)),
    "F": (Fraction(1), (-2, -1, 4, 2, 0, 0, 0)),
    "S": (Fraction(1), (-2, -1, 3, 2, 0, 0, 0)),
    "ohm": (Fraction(1), (2, 1, -3, -2, 0, 0, 0)),
    "Ohm": (Fraction(1), (2, 1, -3, -2, 0, 0, 0)),
    "Wb": (Fraction(1), (2, 1, -2, -1, 0, 0, 0)),
    "T": (Fraction(1), (0, 1, -2, -1, 0, 0, 0)),
    "H": (Fraction(1), (2, 1, -2, -2, 0, 0, 0)),
    "lm": (Fraction(1), (0, 0, 0, 0, 0, 0, 1)),
    "lx": (Fraction(1), (-2, 0, 0, 0, 0, 0, 1)),
    "Bq": (Fraction(1), (0, 0, -1, 0, 0, 0, 0)),
    "Gy": (Fraction(1), (2, 0, -2, 0, 0, 0, 0)),
    "Sv": (Fraction(1), (2, 0, -2, 0, 0, 0, 0)),
    "kat": (Fraction(1), (0, 0, -1, 0, 0, 1, 0)),
    "l": (Fraction(1, 1000), (3, 0, 0, 0, 0, 0, 0)),
    "L": (Fraction(1, 1000), (3, 0, 0, 0, 0, 0, 0)),
    "M": (Fraction(1000), (-3, 0, 0, 0, 0, 1, 0)),
    "rad": (Fraction(1), _NONE),
}

# Symbols that stand alone. The first two are how quantities writes kOhm and MOhm.
_ALONE: dict[str, tuple[Fraction, Dimension]] = {
    "kiloohm": (Fraction(1000), _PREFIXED["ohm"][1]),
    "megaohm": (Fraction(10**6), _PREFIXED["ohm"][1]),
    "dimensionless": (Fraction(1), _NONE),
    "%": (Fraction(1, 100), _NONE),
    "ct": (Fraction(1), _NONE),
    "sr": (Fraction(1), _NONE),
    "deg": (Fraction(math.pi) / 180, _NONE),
    "min": (Fraction(60), _PREFIXED["s"][1]),
    "h": (Fraction(3600), _PREFIXED["s"][1]),
    "hr": (Fraction(3600), _PREFIXED["s"][1]),
    "d": (Fraction(86400), _PREFIXED["s"][1]),
    "week": (Fraction(7 * 86400), _PREFIXED["s"][1]),
    "degC": (Fraction(1), _PREFIXED["K"][1]),
    "angstrom": (Fraction(1, 10**10), _PREFIXED["m"][1]),
    "atm": (Fraction(101325), _PRESSURE),
    "bar": (Fraction(10**5), _PRESSURE),
    "mbar": (Fraction(100), _PRESSURE),
    "mmHg": (Fraction("133.322387415"), _PRESSURE),
    "cal": (Fraction("4.184"), _ENERGY),
    "eV": (Fraction("1.602176634e-19"), _ENERGY),
}

_CELSIUS_ZERO = Fraction("273.15")
_AMBIGUOUS = {"aA": "the abampere (10 A) in quantities and the attoampere in NIX"}

_NIX_SPELLING = {"kiloohm": "kOhm", "megaohm": "MOhm"}
_NIX_LACKS = _ALONE.keys() - {"kiloohm", "megaohm", "dimensionless", "%"}


@lru_cache(maxsize=1024)
def _symbol(name: str) -> tuple[Fraction, Dimension]:
    """Scale and dimension of a symbol. Whole names come first: "cd" is the candela and "min" the
    minute, whatever the prefixes can spell."""
    if name in _AMBIGUOUS:
        raise UnitError(f"{name!r} is ambiguous: {_AMBIGUOUS[name]}; use another prefix")
    whole = _ALONE.get(name) or _PREFIXED.get(name)
    if whole is not None:
        return whole
    for prefix in (name[:1], name[:2]):
        if prefix in _PREFIXES and name[len(prefix) :] in _PREFIXED:
            scale, dimension = _PREFIXED[name[len(prefix) :]]
            return scale * Fraction(10) ** _PREFIXES[prefix], dimension
    raise UnitError(f"no unit has the symbol {name!r}")


_TOKEN = re.compile(r" *(?:(\*\*|[*/^()])|([+-]?[0-9]+)|([A-Za-z%]+))")


def _tokens(text: str) -> list[tuple[str, int, int]]:
    """The tokens of a text with where each starts and ends."""
    found = []
    position, end = 0, len(text.rstrip(" "))
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise UnitError(
                f"{text!r} is no unit: unexpected {text[position:].lstrip(' ')[:1]!r}"
                " (micro is written 'u', ohm 'ohm')"
            )
        group = match.lastindex or 0
        found.append((match[group], match.start(group), match.end(group)))
        position = match.end()
    return found


class _Reader:
    """Reads the tokens of one text from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def fail(self, expected: str) -> UnitError:
        found = repr(self.peek()) if self.peek() else "its end"
        return UnitError(f"{self.text!r} is no unit: expected {expected}, found {found}")

    def expression(self) -> tuple[Factor, ...]:
        factors = []
        if self.peek() == "1":
            self.at += 1
            if self.peek() != "/":
                raise self.fail("'/' after 1")
        else:
            factors.append(self.factor(1))
        while self.peek() in ("*", "/"):
            sign = 1 if self.peek() == "*" else -1
            self.at += 1
            factors.append(self.factor(sign))
        return tuple(factors)

    def factor(self, sign: int) -> Factor:
        name = self.peek()
        inner: tuple[Factor, ...] = ()
        if name == "(":
            self.at += 1
            start = self.tokens[self.at][1] if self.peek() else 0
            inner = self.expression()
            if self.peek() != ")":
                raise self.fail("')'")
            name = self.text[start : self.tokens[self.at - 1][2]]
        elif name.isalpha() or name == "%":
            _symbol(name)
        else:
            raise self.fail("the symbol of a unit")
        self.at += 1
        return Factor(name, sign * self.power(), inner)

    def power(self) -> int:
        if self.peek() not in ("**", "^"):
            return 1
        self.at += 1
        digits = self.peek()
        if not digits.lstrip("+-").isdigit() or abs(int(digits)) > POWER_LIMIT:
            raise self.fail(f"a whole power from -{POWER_LIMIT} to {POWER_LIMIT}")
        self.at += 1
        return int(digits)


def _flat(factors: tuple[Factor, ...], power: int = 1) -> Iterator[tuple[str, int]]:
    for factor in factors:
        if factor.inner:
            yield from _flat(factor.inner, power * factor.power)
        else:
            yield factor.text, power * factor.power


@lru_cache(maxsize=4096)
def factors(text: str) -> tuple[Factor, ...]:
    """The factors of a unit as written, parentheses kept; none for an empty text.

    Raises UnitError if the text is no unit or has more than 64 characters.
    """
    if len(text) > LENGTH_LIMIT:
        raise UnitError(
            f"a unit has at most {LENGTH_LIMIT} characters, {text[:20]!r}... has {len(text)}"
        )
    reader = _Reader(text)
    if not reader.tokens:
        return ()
    found = reader.expression()
    if reader.peek():
        raise reader.fail("'*', '/', '**' or the end")
    return found


@lru_cache(maxsize=4096)
def parse(text: str) -> Unit:
    """What a unit text means. Raises UnitError if it is no unit, or too large to compute with."""
    scale = Fraction(1)
    dimension = [0] * len(_NONE)
    flat = list(_flat(factors(text)))
    for symbol, power in flat:
        if abs(power) > POWER_LIMIT:
            raise UnitError(f"{text!r} is no unit: {symbol} has a power beyond {POWER_LIMIT}")
        factor, exponents = _symbol(symbol)
        scale *= factor**power
        dimension = [
            total + power * exponent for total, exponent in zip(dimension, exponents, strict=True)
        ]
    if not 1 / SCALE_LIMIT <= scale <= SCALE_LIMIT:
        raise UnitError(f"{text!r} is too large or too small to compute with")
    zero = _CELSIUS_ZERO if flat == [("degC", 1)] else Fraction(0)
    return Unit(scale, tuple(dimension), zero)


def _check(text: str) -> str:
    parse(text)
    return text


UnitText = Annotated[str, AfterValidator(_check)]


@lru_cache(maxsize=4096)
def conversion(source: str, target: str) -> Fraction:
    """The exact number that a value in `source` is multiplied with to be in `target`.

    Raises UnitError if one is no unit, if they measure different things, or if their zero points
    differ (``degC`` and ``K``), which no factor can express.
    """
    one, other = parse(source), parse(target)
    if one.dimension != other.dimension:
        raise UnitError(
            f"{source or 'dimensionless'} cannot be converted to {target or 'dimensionless'}:"
            " their dimensions differ"
        )
    if one.zero != other.zero:
        raise UnitError(f"{source} cannot be converted to {target}: their zero points differ")
    return one.scale / other.scale


def _nix_factors(text: str) -> list[tuple[str, int]] | None:
    """Each symbol once, in NIX's spelling, with its power; None where NIX has no such symbol."""
    powers: dict[str, int] = {}
    for symbol, power in _flat(factors(text)):
        if symbol in _NIX_LACKS:
            return None
        if symbol == "dimensionless":
            continue
        if symbol == "M" or (symbol.endswith("M") and symbol[:-1] in _PREFIXES):
            spelled = [(f"{symbol[:-1]}mol", power), ("l", -power)]
        else:
            spelled = [(_NIX_SPELLING.get(symbol, symbol).replace("ohm", "Ohm"), power)]
        for name, exponent in spelled:
            powers[name] = powers.get(name, 0) + exponent
    return [(name, power) for name, power in powers.items() if power]


@lru_cache(maxsize=4096)
def nix_unit(text: str) -> str | None:
    """The spelling that NIX accepts, such as ``uS/cm^2`` or ``ms^-1``; None if it has none, as
    for plain numbers. Raises UnitError if the text is no unit."""
    parse(text)
    powers = _nix_factors(text)
    if not powers:
        return None
    powers.sort(key=lambda item: item[1] < 0)
    (name, power), *rest = powers
    spelled = name if power == 1 else f"{name}^{power}"
    for name, power in rest:
        if power < 0 and powers[0][1] > 0:
            spelled += f"/{name}" if power == -1 else f"/{name}^{-power}"
        else:
            spelled += f"*{name}" if power == 1 else f"*{name}^{power}"
    return spelled


def is_atomic(text: str) -> bool:
    """Whether NIX can say the unit as one symbol with a power, as it demands of axes."""
    nix = nix_unit(text)
    return nix is not None and "*" not in nix and "/" not in nix
