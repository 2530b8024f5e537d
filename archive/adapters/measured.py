"""Parameter values in the terms that JSON and YAML share.

A quantity is ``{"value": 10.0, "unit": "ms"}``, where the value may be nested lists of numbers; an
array ``{"value": [1.0, 2.0], "dtype": "<f8"}``. What has no such form, such as complex numbers,
bytes, NaN in arrays, stands in that of the contract, an object with a key that begins with ``$``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from archive.errors import ContractError, FormatError
from archive.values import from_schema, quantity, to_schema
from schemas.v1.value import DEPTH_LIMIT, Array, Quantity, Scalar, Value, decode, encode

_FIELDS: Final = frozenset(("value", "unit", "dtype"))
_DTYPE = re.compile(r"\|b1|[|][iu]1|<[iu][248]|<f[248]")
_PYTHON_HAS: Final = ("|b1", "<i8", "<f8")


def to_plain(value: Value) -> Any:
    """A value as dicts, lists, text and numbers that JSON can write."""
    if isinstance(value, dict):
        plain = {key: to_plain(item) for key, item in value.items()}
        if _is_measured(value) or any(key.startswith("$") for key in value):
            return {"$dict": [[key, item] for key, item in plain.items()]}
        return plain
    if isinstance(value, list):
        return [to_plain(item) for item in value]
    if isinstance(value, Quantity):
        numbers = _numbers(value.value)
        if numbers is None:
            return encode(value)
        if isinstance(value.value, Array) and numbers["dtype"] == "<f8":
            del numbers["dtype"]  # lists of numbers with a unit are taken for floats
        return {**numbers, "unit": value.unit}
    if isinstance(value, Array | Scalar):
        return _numbers(value) or encode(value)
    return encode(value)


def _is_measured(value: Mapping[str, Any]) -> bool:
    return "value" in value and 1 < len(value) == len(_FIELDS & value.keys())


def _numbers(value: Any) -> dict[str, Any] | None:
    """Value, and the dtype where it cannot be seen from that; None if JSON cannot say it."""
    if isinstance(value, int | float):
        return {"value": value} if np.isfinite(value) else None
    if not isinstance(value, Array | Scalar) or not _DTYPE.fullmatch(value.dtype):
        return None
    numbers = np.asarray(from_schema(value))
    if isinstance(value, Array) and (not value.shape or 0 in value.shape[:-1]):
        return None
    if isinstance(value, Scalar) and value.dtype in _PYTHON_HAS:
        return None  # a plain number would come back as Python's own
    if not np.isfinite(numbers).all():
        return None
    return {"value": numbers.tolist(), "dtype": value.dtype}


def from_plain(plain: Any, where: str = "", depth: int = 0) -> Value:
    """The value that such dicts, lists, text and numbers stand for.

    Raises FormatError that names the place, by the keys that lead to it, for what is no value.
    """
    if depth > DEPTH_LIMIT:
        raise FormatError(f"nested deeper than {DEPTH_LIMIT}", entry=where[:80])
    if isinstance(plain, list):
        return [from_plain(item, f"{where}[{i}]", depth + 1) for i, item in enumerate(plain)]
    if isinstance(plain, dict):
        return _from_dict(plain, where, depth)
    try:
        return to_schema(plain, where)
    except ContractError as error:
        raise FormatError(error.message, entry=where, hint=error.hint) from None


def _from_dict(plain: dict[Any, Any], where: str, depth: int) -> Value:
    for key in plain:
        if not isinstance(key, str):
            raise FormatError(
                f"the keys of parameters must be text, not {type(key).__name__} {key!r:.40}",
                entry=where or "top level",
                hint="write it in quotes",
            )
    tags = [key for key in plain if key.startswith("$")]
    if tags == ["$dict"] == list(plain):
        pairs = plain["$dict"]
        if not (isinstance(pairs, list) and all(map(_is_pair, pairs))):
            raise FormatError("the $dict is no list of pairs", entry=where)
        return {key: from_plain(item, _inside(where, key), depth + 1) for key, item in pairs}
    if tags:
        try:
            found: Value = decode(plain)
        except (ValueError, LookupError, TypeError, ArithmeticError) as error:
            raise FormatError(str(error), entry=where) from None
        return found
    if _is_measured(plain) and _is_numeric(plain["value"]):
        return _measured(plain, where)
    return {key: from_plain(item, _inside(where, key), depth + 1) for key, item in plain.items()}


def _inside(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str)


def _is_numeric(value: Any, depth: int = 0) -> bool:
    """A number, or lists of numbers within lists."""
    if isinstance(value, list):
        return depth < 32 and all(_is_numeric(item, depth + 1) for item in value)
    return isinstance(value, int | float)


def _measured(plain: dict[str, Any], where: str) -> Value:
    try:
        numbers = _typed(plain["value"], plain.get("dtype"))
        if "unit" not in plain:
            return to_schema(numbers, where)
        if not isinstance(plain["unit"], str):
            raise ValueError(f"a unit is text, not {plain['unit']!r:.40}")
        if isinstance(numbers, bool):
            raise ValueError("true and false have no unit")
        if isinstance(numbers, int | float):
            return Quantity(numbers, plain["unit"])
        return to_schema(quantity(numbers, plain["unit"]), where)
    except (ValueError, TypeError, OverflowError) as error:
        said = error.message if isinstance(error, ContractError) else str(error)
        raise FormatError(
            said,
            entry=where,
            hint='a quantity is {"value": 10.0, "unit": "ms"}; micro is written u, as in "uS"',
        ) from None


def _typed(value: Any, dtype: Any) -> Any:
    """The number, or the array, of the dtype."""
    if dtype is None:
        if not isinstance(value, list):
            return value
        made = np.array(value)
        if made.dtype.kind == "i":
            made = made.astype(np.float64)
    else:
        if not (isinstance(dtype, str) and _DTYPE.fullmatch(dtype)):
            raise ValueError(f"{dtype!r:.40} is no dtype such as '<f8'")
        exact = np.array(value, dtype=object)
        made = exact.astype(dtype)
        if made.dtype.kind != "f" and (made.astype(object) != exact).any():
            raise ValueError(f"its values are none of {dtype}")
    if made.dtype.kind not in "biuf":
        raise ValueError("its values are no numbers of one type, or its lists differ in length")
    return made if made.ndim else made[()]
