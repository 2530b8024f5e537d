"""Unit text, against what python-quantities and nixio make of it."""

from __future__ import annotations

import contextlib
import itertools
import time
from fractions import Fraction
from typing import Any

import pytest
import quantities as pq
from nixio.util import units as nix
from quantities.registry import unit_registry

from schemas.v1 import unit
from schemas.v1.unit import UnitError, conversion, factors, is_atomic, nix_unit, parse

BASE = ("m", "kg", "s", "A", "K", "mol", "cd")
PREFIXES = ("", *unit._PREFIXES)
PREFIXED = [
    prefix + symbol
    for prefix, symbol in itertools.product(PREFIXES, unit._PREFIXED)
    if prefix + symbol not in unit._AMBIGUOUS
]
ALONE = list(unit._ALONE)


def known_to_quantities() -> dict[str, Any]:
    """Each unit of quantities under the symbol that it prints, and the names it is parsed by."""
    units = [one for one in vars(pq).values() if isinstance(one, pq.UnitQuantity)]
    known = {one.symbol: one for one in units}
    for symbol in {*PREFIXED, *ALONE} - known.keys():
        try:
            known[symbol] = unit_registry[symbol]
        except (LookupError, SyntaxError):
            continue
    return known


KNOWN = known_to_quantities()


def meaning_in_quantities(one: Any) -> tuple[float, tuple[int, ...]]:
    simplified = pq.Quantity(1.0, one).simplified
    powers = {base.symbol: power for base, power in simplified.dimensionality.items()}
    powers.pop("dimensionless", None)
    powers.pop("rad", None)
    assert powers.keys() <= set(BASE)
    return float(simplified), tuple(powers.get(base, 0) for base in BASE)


@pytest.mark.parametrize("symbol", sorted({*PREFIXED, *ALONE} & KNOWN.keys()))
def test_symbol_means_what_it_means_in_quantities(symbol: str) -> None:
    scale, dimension = meaning_in_quantities(KNOWN[symbol])
    found = parse(symbol)
    assert found.dimension == dimension
    # quantities has older values for eV and mmHg
    assert float(found.scale) == pytest.approx(
        scale, rel=1e-6 if symbol in ("eV", "mmHg") else 1e-12
    )


def test_quantities_knows_most_symbols_that_people_use() -> None:
    used = {"mV", "nA", "pA", "uS", "nS", "pF", "nF", "ms", "um", "ohm", "kHz", "mM", "degC", "%"}
    assert used <= KNOWN.keys()


@pytest.mark.parametrize(
    "made",
    [
        pq.uS / pq.cm**2,
        1 / pq.ms,
        1 / pq.CompoundUnit("um**2"),
        pq.mV * pq.CompoundUnit("1/um**2") ** 2,
        1 / (pq.s * pq.mV),
        pq.kOhm * pq.cm,
        pq.MOhm * pq.m,
        pq.CompoundUnit("uF/cm**2") * pq.mV / pq.ms,
        pq.percent / pq.s,
        pq.Quantity(1, "nA*ms"),
    ],
    ids=lambda made: made.dimensionality.string,
)
def test_text_that_quantities_prints(made: Any) -> None:
    scale, dimension = meaning_in_quantities(made)
    found = parse(made.dimensionality.string)
    assert found.dimension == dimension
    assert float(found.scale) == pytest.approx(scale, rel=1e-12)


@pytest.mark.parametrize("symbol", PREFIXED)
def test_nix_accepts_every_symbol_with_a_prefix(symbol: str) -> None:
    spelled = nix_unit(symbol)
    assert spelled is not None
    assert nix.is_si(spelled)
    assert bool(nix.is_atomic(spelled)) == is_atomic(symbol)


@pytest.mark.parametrize(
    ("text", "spelled", "atomic"),
    [
        ("ms", "ms", True),
        ("1/ms", "ms^-1", True),
        ("(um**2)", "um^2", True),
        ("ohm", "Ohm", True),
        ("Mohm", "MOhm", True),
        ("kiloohm", "kOhm", True),
        ("megaohm", "MOhm", True),
        ("%", "%", True),
        ("uS/cm**2", "uS/cm^2", False),
        ("1/s*mV", "mV/s", False),
        ("1/(s*mV)", "s^-1*mV^-1", False),
        ("mV*(1/um**2)**2", "mV/um^4", False),
        ("mV * ms / cm^2", "mV*ms/cm^2", False),
        ("s*s", "s^2", True),
        ("mM", "mmol/l", False),
        ("1/uM", "l/umol", False),
    ],
)
def test_nix_spelling(text: str, spelled: str, atomic: bool) -> None:
    assert nix_unit(text) == spelled
    assert nix.is_si(spelled)
    assert bool(nix.is_atomic(spelled)) == atomic
    assert is_atomic(text) == atomic


@pytest.mark.parametrize("text", ["", "dimensionless", "min", "degC", "eV", "s/s", "mV/min", "sr"])
def test_what_nix_cannot_say(text: str) -> None:
    assert nix_unit(text) is None
    assert not is_atomic(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("mV*9**9**9", "symbol"),
        ("5*mV", "symbol"),
        ("1", "after 1"),
        ("1/1", "symbol"),
        ("m**0.5", "unexpected '.'"),
        ("m**31", "power"),
        ("m**-31", "power"),
        ("m**", "power"),
        ("m**s", "power"),
        ("(m**6)**6", "power"),
        ("Ym**30*Ym**30", "too large"),
        ("ym**30", "too large"),
        ("m**2**2", "found"),
        ("mV mV", "found 'mV'"),
        ("(m", "its end"),
        ("m)", "found ')'"),
        ("()", "found ')'"),
        ("(" * 64, "its end"),
        ("/m", "found '/'"),
        ("m/", "its end"),
        ("**", "found"),
        ("aA", "ambiguous"),
        ("dB", "'dB'"),
        ("foo", "'foo'"),
        ("mmin", "'mmin'"),
        ("mmV", "'mmV'"),
        ("\u00b5m", "written 'u'"),
        ("m\n", "unexpected"),
        ("m\0", "unexpected"),
        ("m**\u00b2", "unexpected"),
        ("__import__('os')", "unexpected"),
        ("m*" * 32 + "m", "64 characters"),
    ],
)
def test_refused(text: str, hint: str) -> None:
    with pytest.raises(UnitError, match=r".") as caught:
        parse(text)
    assert hint in str(caught.value)


@pytest.mark.parametrize("text", ["m**30" + "**30" * 14, "(" * 30 + "m" + ")" * 30, "Ym**30*" * 9])
def test_hostile_text_is_answered_at_once(text: str) -> None:
    start = time.perf_counter()
    with contextlib.suppress(UnitError):
        parse(text)
    assert time.perf_counter() - start < 0.1


def test_conversion_is_exact() -> None:
    assert conversion("nA", "pA") == 1000
    assert conversion("", "%") == 100
    assert conversion("Hz", "1/ms") == Fraction(1, 1000)
    assert conversion("uS/cm**2", "S/m**2") == Fraction(1, 100)
    assert conversion("h", "ms") == 3_600_000
    assert conversion("degC", "degC") == 1


def test_conversion_between_dimensions_names_both() -> None:
    with pytest.raises(UnitError, match="mV cannot be converted to nA: their dimensions differ"):
        conversion("mV", "nA")
    with pytest.raises(UnitError, match="dimensionless cannot be converted to nA"):
        conversion("", "nA")


def test_zero_points_are_no_factor() -> None:
    with pytest.raises(UnitError, match="zero points"):
        conversion("degC", "K")
    assert conversion("degC/s", "K/s") == 1


def test_factors_keep_parentheses() -> None:
    (factor,) = factors("1/(um**2*s)")
    assert (factor.text, factor.power) == ("um**2*s", -1)
    assert [(one.text, one.power) for one in factor.inner] == [("um", 2), ("s", 1)]
