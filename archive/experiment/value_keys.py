"""By what two parameter values count as the same, whatever unit and type they are written in.

Numbers are compared in SI units, to 40 bits (12 decimal digits): a value that was computed in
another unit differs in the last bits. So 10 ms is 0.01 s, and 10 is 10.0; a bool is no number.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import numpy.typing as npt

import schemas
from archive import values

Path = tuple[str, ...]
BITS: Final = 40
_TOP: Final = 1 << BITS
EMPTY: Final = ("empty dict",)


def leaves(found: Mapping[str, schemas.Value], at: Path = ()) -> Iterator[tuple[Path, Any]]:
    """All values that are no dicts, or empty ones, with the keys that lead to them."""
    for key, value in found.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*at, key))
        else:
            yield (*at, key), value


def path_text(path: Path) -> str:
    """Keys joined by dots; those that have dots themselves, or nothing, in quotes."""
    return ".".join(repr(key) if "." in key or not key else key for key in path)


def value_key(value: schemas.Value) -> Hashable:
    """What is equal for two values exactly if they count as the same."""
    if isinstance(value, schemas.Quantity):
        if isinstance(value.value, schemas.Array):
            return _array_key(value.value, value.unit)
        return number_key(_plain(value.value), value.unit)
    if isinstance(value, bool) or value is None or isinstance(value, str | bytes):
        return type(value).__name__, value
    if isinstance(value, schemas.Array):
        return _array_key(value, "")
    if isinstance(value, schemas.Scalar) and value.dtype[1] not in "biufc":
        return "scalar", value.dtype, value.data
    if isinstance(value, int | float | complex | schemas.Scalar):
        return number_key(_plain(value), "")
    if isinstance(value, datetime):
        zoned = value.astimezone(UTC) if value.tzinfo else value
        return "datetime", zoned.replace(fold=0).isoformat()
    if isinstance(value, list):
        return "list", tuple(map(value_key, value))
    if not value:
        return EMPTY
    return "dict", frozenset((key, value_key(item)) for key, item in value.items())


def same(one: Mapping[str, schemas.Value], other: Mapping[str, schemas.Value]) -> bool:
    """Whether all values count as the same."""
    if schemas.identical(one, other):
        return True
    return {path: value_key(value) for path, value in leaves(one)} == {
        path: value_key(value) for path, value in leaves(other)
    }


def _plain(value: Any) -> int | float | complex:
    plain: Any = values.from_schema(value)
    return plain if isinstance(plain, int | float | complex) else _nearest(plain)


def _nearest(number: Any) -> float | complex:
    return complex(number) if np.iscomplexobj(number) else float(number)


@lru_cache(maxsize=1024)
def _unit(text: str) -> tuple[float, tuple[int, ...], float]:
    """The scale, dimension and zero point of a unit, in SI base units."""
    unit = schemas.parse(text)
    return float(unit.scale), unit.dimension, float(unit.zero)


@lru_cache(maxsize=1 << 16, typed=True)
def number_key(number: int | float | complex, unit: str) -> Hashable:
    """The key of one number with a unit; an empty text is the unit of a plain number."""
    scale, dimension, zero = _unit(unit)
    if isinstance(number, complex) and number.imag:
        parts = (_rounded(number.real * scale + zero), _rounded(number.imag * scale))
        return "number", dimension, parts
    real = number.real
    try:
        return "number", dimension, _rounded(float(real) * scale + zero)
    except OverflowError:  # an integer beyond all floats
        return "integer", dimension, real


def _rounded(number: float) -> Hashable:
    if not math.isfinite(number) or not number:
        return repr(abs(number)) if number == 0 else repr(number)
    mantissa, exponent = math.frexp(number)
    digits = round(mantissa * _TOP)
    if abs(digits) == _TOP:
        return digits >> 1, exponent + 1
    return digits, exponent


def _array_key(array: schemas.Array, unit: str) -> Hashable:
    found: npt.NDArray[Any] = values.from_schema(array)
    kind = found.dtype.kind
    if kind not in "iufc":
        if kind in "US":
            return "array", kind, array.shape, tuple(found.ravel().tolist())
        return "array", array.dtype, array.shape, array.data
    scale, dimension, zero = _unit(unit)
    if kind == "c":
        found = np.stack([found.real, found.imag])
    # of an array without an axis NumPy makes a number, which has no items
    numbers = np.atleast_1d(found).astype(np.float64) * scale + zero
    mantissas, exponents = np.frexp(numbers)
    digits = np.round(mantissas * _TOP) + 0.0  # no negative zero
    over = np.abs(digits) == _TOP
    digits[over] /= 2
    exponents = np.where(np.isfinite(numbers), exponents + over, 0)
    content = digits.tobytes() + exponents.astype(np.int32).tobytes()
    shape = array.shape
    return "array", kind == "c", shape, dimension, blake2b(content, digest_size=16).digest()
