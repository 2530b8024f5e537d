"""Between the values of Python, NumPy, quantities and Brian 2 and the values of the contract."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from archive.errors import ContractError
from schemas.v1.unit import Factor, UnitError, factors, parse
from schemas.v1.value import (
    DEPTH_LIMIT,
    Array,
    Quantity,
    Scalar,
    Value,
    check,
    itemsize,
)

if TYPE_CHECKING:
    import quantities as pq

_READY = frozenset((type(None), bool, int, float, complex, bytes, Quantity, Array, Scalar))
_PYTHON_HAS = frozenset(("|b1", "<i8", "<f8", "<c16"))
_BASE_UNITS = ("m", "kg", "s", "A", "K", "mol", "cd")
_COHERENT_UNITS = ("V", "S", "F", "ohm", "C", "N", "Pa", "J", "W", "Wb", "T", "H")


def to_schema(value: object, where: str, depth: int = 0) -> Value:
    """The contract's form of an annotation or parameter value.

    NumPy numbers that Python has too become Python's; other NumPy numbers, arrays and quantities
    keep dtype, shape and unit; tuples become lists. Raises ContractError, naming the place by
    `where`, for everything that the contract cannot hold or that would lose something.
    """
    kind = type(value)
    if kind in _READY:
        return cast("Value", value)
    if kind is str or kind is datetime:
        try:
            return cast("Value", check(value))
        except ValueError as error:
            raise ContractError(str(error), entry=where) from None
    if isinstance(value, np.ndarray):
        return _from_array(value, where)
    if isinstance(value, np.generic):
        return cast("Value", _from_scalar(np.asarray(value), where))
    if depth > DEPTH_LIMIT:
        raise ContractError(
            f"nested deeper than {DEPTH_LIMIT}", entry=where[:80], hint="does it contain itself?"
        )
    if isinstance(value, (list, tuple)):
        return [to_schema(item, f"{where}[{i}]", depth + 1) for i, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {
            _key(key, where): to_schema(item, f"{where}.{key}", depth + 1)
            for key, item in value.items()
        }
    raise ContractError(
        f"{kind.__module__}.{kind.__qualname__} is no annotation value",
        entry=where,
        hint="use None, bool, int, float, complex, str, bytes, datetime, a quantity, an array,"
        " or lists and dicts of these",
    )


def _key(key: object, where: str) -> str:
    if not isinstance(key, str):
        raise ContractError(
            f"the keys of a dict must be text, not {type(key).__name__} {key!r:.40}",
            entry=where,
            hint="use str(key)",
        )
    try:
        return cast("str", check(str(key)))
    except ValueError as error:
        raise ContractError(str(error), entry=where) from None


def _from_array(array: npt.NDArray[Any], where: str) -> Value:
    kind = type(array)
    if kind is not np.ndarray:
        quantities = sys.modules.get("quantities")
        if quantities is not None and isinstance(array, quantities.Quantity):
            return _from_quantity(array, where)
        if kind.__module__.startswith("brian2.") and hasattr(array, "dim"):
            return _from_brian(array, where)
        raise ContractError(
            f"{kind.__module__}.{kind.__qualname__} is more than an array",
            entry=where,
            hint="give numpy.asarray(...) of it; for a masked array, values and mask separately",
        )
    return _to_array(array, where)


def _to_array(array: npt.NDArray[Any], where: str) -> Array:
    dtype = _dtype(array, where)
    return Array(dtype, array.shape, array.astype(dtype, copy=False).tobytes())


def _dtype(array: npt.NDArray[Any], where: str) -> str:
    """The little-endian dtype text that the contract has for the items of an array."""
    if array.dtype.kind == "O":
        raise ContractError(
            "an array of Python objects cannot be stored",
            entry=where,
            hint="give a list, or an array with a dtype such as float or str",
        )
    try:
        return _known_dtype(array.dtype)
    except ValueError as error:
        raise ContractError(str(error), entry=where) from None


@lru_cache(maxsize=1024)
def _known_dtype(dtype: np.dtype[Any]) -> str:
    text = dtype.newbyteorder("<").str
    itemsize(text)
    return text


def _from_scalar(number: npt.NDArray[Any], where: str) -> Any:
    """Of an array without axes: the Python number if that is the same type, else a Scalar."""
    if number.dtype.kind in "US":
        return to_schema(number.item(), where)
    dtype = _dtype(number, where)
    if dtype in _PYTHON_HAS:
        return number.item()
    return Scalar(dtype, number.astype(dtype, copy=False).tobytes())


def _from_quantity(quantity: Any, where: str) -> Quantity:
    quantities = sys.modules["quantities"]
    if type(quantity) is not quantities.Quantity and not isinstance(
        quantity, quantities.UnitQuantity
    ):
        raise ContractError(
            f"{type(quantity).__qualname__} is more than a quantity",
            entry=where,
            hint="give its magnitude with a unit; an uncertainty as a value of its own; append"
            " a neo signal as data",
        )
    try:
        unit = unit_text(quantity)
    except ContractError as error:
        raise ContractError(error.message, entry=where, hint=error.hint) from None
    return _measured(np.asarray(quantity.magnitude), unit, where)


def _measured(magnitude: npt.NDArray[Any], unit: str, where: str) -> Quantity:
    value = _to_array(magnitude, where) if magnitude.ndim else _from_scalar(magnitude, where)
    try:
        return Quantity(value, unit)
    except ValueError as error:
        raise ContractError(str(error), entry=where) from None


def _from_brian(quantity: Any, where: str) -> Quantity:
    """Brian 2 computes in SI base units: the unit is a coherent one, so the number is exact."""
    exponents = quantity.dim._dims
    if any(exponent != int(exponent) for exponent in exponents):
        raise ContractError(
            f"the unit of {quantity!r:.60} has a power that is not whole",
            entry=where,
            hint="give its square, or a plain number",
        )
    unit = coherent_unit(tuple(map(int, exponents)))
    return _measured(np.array(quantity, subok=False), unit, where)


@lru_cache(maxsize=256)
def coherent_unit(dimension: tuple[int, ...]) -> str:
    """The simplest product of SI units without prefix: ``V``, ``S/m**2``, ``1/s``."""
    spellings = [_product(dict(zip(_BASE_UNITS, dimension, strict=True)))]
    for symbol in _COHERENT_UNITS:
        rest = [a - b for a, b in zip(dimension, parse(symbol).dimension, strict=True)]
        spellings.append(_product({symbol: 1} | dict(zip(_BASE_UNITS, rest, strict=True))))
    return min(spellings, key=lambda text: (text.count("*") + text.count("/"), len(text)))


def _product(powers: Mapping[str, int]) -> str:
    def spell(symbol: str, power: int) -> str:
        return symbol if power == 1 else f"{symbol}**{power}"

    above = "*".join(spell(symbol, power) for symbol, power in powers.items() if power > 0)
    below = "".join(f"/{spell(symbol, -power)}" for symbol, power in powers.items() if power < 0)
    return above + below if above else f"1{below}" if below else "dimensionless"


def from_schema(value: Value) -> Any:
    """What `to_schema` was given, or its equal: Quantity becomes a ``quantities.Quantity``, Array
    a writable array, Scalar a NumPy number, all with the dtype, shape and unit they had."""
    if isinstance(value, Quantity):
        return quantity(from_schema(value.value), value.unit)
    if isinstance(value, Array):
        return _array(value.dtype, value.shape, value.data)
    if isinstance(value, Scalar):
        return _array(value.dtype, (), value.data)[()]
    if isinstance(value, list):
        return [from_schema(item) for item in value]
    if isinstance(value, dict):
        return {key: from_schema(item) for key, item in value.items()}
    return value


def _array(dtype: str, shape: tuple[int, ...], data: bytes) -> npt.NDArray[Any]:
    return np.ndarray(shape, dtype, buffer=bytearray(data))


def unit_text(quantity: pq.Quantity) -> str:
    """The unit of a quantity as text. Raises ContractError if the contract has no such unit."""
    units = quantity.dimensionality
    if list(units.values()) == [1]:  # as nearly always; to format a product takes 5 µs
        (unit,) = units
        text: str = unit.symbol
    else:
        text = units.string
    try:
        parse(text)
    except UnitError as error:
        raise ContractError(
            str(error), hint="rescale it to SI units (.rescale('mV'), .simplified)"
        ) from None
    return text


def quantity(values: npt.ArrayLike, unit: str) -> pq.Quantity:
    """Numbers with a unit, their dtype and shape kept; an array is shared, not copied.

    Raises ContractError if `unit` is no unit.
    """
    import quantities

    # The constructor of quantities parses, converts and copies; a view with a dimensionality is
    # what it makes in the end.
    made = np.asarray(values).view(quantities.Quantity)
    made._dimensionality = _dimensionality(unit).copy()
    return made


@lru_cache(maxsize=4096)
def _dimensionality(unit: str) -> Any:
    try:
        parse(unit)
    except UnitError as error:
        raise ContractError(str(error)) from None
    return _unit_object(factors(unit)).dimensionality


def _unit_object(product: tuple[Factor, ...]) -> Any:
    import quantities

    made: Any = quantities.dimensionless
    for factor in product:
        if not factor.inner:
            one = _symbol_object(factor.text)
        else:
            one = _unit_object(factor.inner)
            # quantities writes 1/(s*mV) for two plain units, but (um**2) for a compound one.
            if factor.power > 0 or len(factor.inner) == 1:
                one = quantities.CompoundUnit(factor.text)
        made = made * one**factor.power
    return made


@lru_cache(maxsize=1)
def _known_symbols() -> dict[str, Any]:
    import quantities

    units = vars(quantities).values()
    return {unit.symbol: unit for unit in units if isinstance(unit, quantities.UnitQuantity)}


@lru_cache(maxsize=1024)
def _symbol_object(symbol: str) -> Any:
    """The unit object of one symbol; quantities is taught those that it lacks, such as fA."""
    import quantities
    from quantities.registry import unit_registry

    if symbol in _known_symbols():
        return _known_symbols()[symbol]
    try:
        return unit_registry[symbol]  # other spellings: "l", "Ohm", "hr"
    except LookupError:
        unit = parse(symbol)
        base: Any = quantities.dimensionless
        for name, power in zip(_BASE_UNITS, unit.dimension, strict=True):
            base = base * unit_registry[name] ** power
        return quantities.UnitQuantity(symbol, float(unit.scale) * base, symbol=symbol)


def to_schema_dict(values: Mapping[str, object], where: str) -> dict[str, Value]:
    """All values of a mapping, for the contract; see `to_schema`."""
    return {_key(key, where): to_schema(item, f"{where}: {key}") for key, item in values.items()}


def from_schema_dict(values: Mapping[str, Value]) -> dict[str, Any]:
    """All values of a mapping, for the user; see `from_schema`."""
    return {key: from_schema(value) for key, value in values.items()}
