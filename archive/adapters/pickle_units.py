"""Quantities in pickles: those of ``quantities``, of Brian 1 and of Brian 2, none of them imported
to read one.

The layouts are what ``__reduce__`` of the classes gives. A unit of ``quantities`` is a symbol, and
what it is made of; the symbol counts where the contract has it and it means the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

import schemas
from archive.adapters.pickle_values import (
    Constructor,
    Global,
    PendingArray,
    StandIn,
    array,
    never_called,
)
from archive.errors import ContractError, FormatError
from archive.values import coherent_unit, quantity, unit_text

_CLASSES = (
    "UnitQuantity", "IrreducibleUnit", "UnitMass", "UnitLength", "UnitTime", "UnitCurrent",
    "UnitLuminousIntensity", "UnitSubstance", "UnitTemperature", "UnitInformation",
    "UnitCurrency", "UnitConstant", "Dimensionless",
)  # fmt: skip
_SAME = 1e-9
_DEPTH, _UNITS = 20, 30


class UnitStandIn(StandIn):
    """A unit of ``quantities``: `symbol`, and `definition`, a quantity, a unit or None."""

    is_key = True

    def __init__(
        self,
        name: Any,
        definition: Any = None,
        symbol: Any = None,
        u_symbol: Any = None,
        aliases: Any = (),
        doc: Any = None,
    ) -> None:
        super().__init__(name)
        if not isinstance(name, str) or not isinstance(symbol, (str, type(None))):
            raise FormatError("a unit has no sound name")
        self.symbol = symbol or name
        self.definition = definition

    def build(self, state: Any) -> object:
        """The state says where in a product the symbol stands, no more."""
        return self

    def measured(self) -> Any:
        """One of the unit, as a quantity. Raises FormatError."""
        try:
            return product([(self, 1)])
        except (ArithmeticError, TypeError, ValueError) as error:
            # asked for when the pickle is read, where nobody expects such from a file any more
            text = f"the unit {self.symbol!r:.60} has no sound definition"
            raise FormatError(text) from error


class _Compound(UnitStandIn):
    """A product under one name, such as ``1/cm**2``."""

    def __init__(self, name: Any) -> None:
        super().__init__(name)
        if not name.startswith("("):
            self.symbol = f"({name})"


class _Dimensionality(StandIn):
    """A dict of units and their powers."""


class BareQuantity(StandIn):
    """What a pickle keeps of an object that is a quantity and more, of the class `kind`: the
    `value`. The classes that say nothing else of how they are pickled come out so."""

    def __init__(self, kind: str, value: Any, uncertainty: Any) -> None:
        super().__init__()
        self.kind, self.value, self.uncertainty = kind, value, uncertainty
        self.state = [value, uncertainty]


class PendingQuantity(PendingArray):
    """A quantity, or an object that is one, before its state: that of an array, and the unit."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def build(self, state: Any) -> object:
        if not (isinstance(state, tuple) and len(state) in (6, 7)):
            raise FormatError("a quantity has no sound state")
        _, shape, dtype, fortran, data, *units = state
        made = array(data, dtype, shape, "F" if fortran else "C")
        if not isinstance(units[0], _Dimensionality):
            raise FormatError("a quantity has no unit")
        measured = _times(made, units[0].pairs)
        if self.kind == "Quantity":
            return measured
        return BareQuantity(self.kind, measured, units[1] if len(units) == 2 else None)


def product(powers: Any) -> Any:
    """The quantity that units with their powers make. Raises FormatError."""
    return _times(np.array(1.0), powers)


def _times(numbers: Any, powers: Any, depth: int = 0) -> Any:
    """Numbers with the product of units; where the contract has not the symbol of one, with
    what it is defined as."""
    if depth > _DEPTH:
        raise FormatError("a unit is defined by itself")
    if len(powers) > _UNITS:
        raise FormatError(f"a quantity has a unit of {len(powers)} units")
    texts: list[tuple[str, Any]] = []
    factor = 1.0
    for unit, power in powers:
        if not isinstance(unit, UnitStandIn) or not _is_power(power):
            raise FormatError("a quantity has no sound unit")
        found, scale = _known(unit, depth)
        texts += [(text, inner * power) for text, inner in found]
        factor *= scale ** float(power)
    text = _spelled(texts)
    if not 0 < factor < math.inf:
        raise FormatError(f"the unit {text:.60} is of no size")
    try:
        # One is left out: integers stay such.
        return quantity(numbers if factor == 1.0 else numbers * factor, text)
    except ContractError as error:
        raise FormatError(f"{error.message:.200}") from error


def _is_power(power: Any) -> bool:
    if isinstance(power, bool) or not isinstance(power, (int, float, np.integer, np.floating)):
        return False
    return -99 <= float(power) <= 99


def _spelled(powers: list[tuple[str, Any]]) -> str:
    """As ``quantities`` spells a product; raises FormatError for powers that are not whole."""
    above: list[str] = []
    below: list[str] = []
    for text, power in powers:
        if power != int(power):
            raise FormatError(f"the unit {text:.60} has the power {power}, which is not whole")
        whole = int(power)
        if whole:
            one = text if abs(whole) == 1 else f"{text}**{abs(whole)}"
            (above if whole > 0 else below).append(one)
    if not above and not below:
        return "dimensionless"
    divided = "*".join(below)
    bottom = "" if not below else f"/{divided}" if len(below) == 1 else f"/({divided})"
    return ("*".join(above) or "1") + bottom


def _known(unit: UnitStandIn, depth: int) -> tuple[list[tuple[str, Any]], float]:
    """The symbol, with the factor 1; or the symbols that define it, with their powers and the
    factor."""
    defined = unit.definition
    if isinstance(defined, UnitStandIn):
        defined = _times(np.array(1.0), [(defined, 1)], depth + 1)
    elif isinstance(defined, (int, float)) and not isinstance(defined, bool):
        defined = quantity(np.array(float(defined)), "dimensionless")
    elif defined is not None and not hasattr(defined, "dimensionality"):
        raise FormatError(f"the unit {unit.symbol!r:.60} has no sound definition")
    try:
        here = schemas.parse(unit.symbol)
    except schemas.UnitError as error:
        if defined is None or defined.ndim:
            raise FormatError(f"{error!s:.200}") from None
        return [(f"({unit_text(defined)})", 1)], float(defined.magnitude)
    if defined is not None and not _agrees(here, defined):
        raise FormatError(f"the unit {unit.symbol!r:.60} is defined as what it is not")
    return [(unit.symbol, 1)], 1.0


def _agrees(unit: schemas.Unit, defined: Any) -> bool:
    if defined.ndim:
        return False
    try:
        meant = schemas.parse(unit_text(defined))
    except ContractError:
        return False
    size = float(defined.magnitude) * float(meant.scale)
    return meant.dimension == unit.dimension and math.isclose(
        size, float(unit.scale), rel_tol=_SAME
    )


def _reconstruct_quantity(kind: Any, base: Any, shape: Any, code: Any) -> PendingQuantity:
    if not isinstance(kind, Global):
        raise FormatError("a quantity has no class")
    return PendingQuantity(kind.name)


class _BrianDimension(StandIn):
    """Seven powers, of m, kg, s, A, K, mol and cd. Brian 1 gives them as state, Brian 2 in the
    call."""

    def __init__(self, powers: Any = None) -> None:
        super().__init__()
        self.powers = powers

    def build(self, state: Any) -> object:
        if isinstance(state, tuple) and len(state) == 2:  # slots, as protocol 2 tells them
            state = (state[1] or {}).get("_dims") if isinstance(state[1], dict) else None
        self.powers = state
        return self


def _brian_quantity(value: Any, dimension: Any) -> Any:
    powers = dimension.powers if isinstance(dimension, _BrianDimension) else None
    if not (isinstance(powers, (list, tuple)) and len(powers) == 7 and all(map(_is_power, powers))):
        raise FormatError("a quantity of Brian has no sound dimension")
    if any(power != int(power) for power in powers):
        raise FormatError("a quantity of Brian has a unit with a power that is not whole")
    if not isinstance(value, (int, float, complex, np.ndarray, np.generic)):
        raise FormatError("a quantity of Brian has no sound value")
    numbers = np.asarray(value)
    if numbers.dtype.kind not in "biufc":
        raise FormatError("a quantity of Brian has no sound value")
    return quantity(numbers, coherent_unit(tuple(map(int, powers))))


def _table() -> Mapping[tuple[str, str], Constructor]:
    found: dict[tuple[str, str], Constructor] = {
        ("quantities.quantity", "Quantity"): never_called,
        ("quantities.quantity", "_reconstruct_quantity"): _reconstruct_quantity,
        ("quantities.uncertainquantity", "UncertainQuantity"): never_called,
        ("quantities.dimensionality", "Dimensionality"): _Dimensionality,
        ("quantities.unitquantity", "CompoundUnit"): _Compound,
        ("brian2.units.fundamentalunits", "quantity_with_dimensions"): _brian_quantity,
        ("brian2.units.fundamentalunits", "get_or_create_dimension"): _BrianDimension,
    }
    for name in _CLASSES:
        found["quantities.unitquantity", name] = UnitStandIn
    # Brian 1.4 has its units in the first of these modules, those before in the second.
    for module in ("brian.fundamentalunits", "brian.units"):
        found[module, "quantity_with_dimensions"] = _brian_quantity
        found[module, "Dimension"] = _BrianDimension
    return found


QUANTITIES = _table()
