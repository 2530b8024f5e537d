"""Values of the contract from a file of our own writer, which says what MATLAB does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.adapters.mat_found import Chars, Found, Structs
from archive.adapters.mat_types import (
    BYTES,
    DATETIME,
    DICT,
    FOLDED,
    INT,
    LIST,
    NUMBERED,
    default_shape,
    dtype_and_shape,
)
from archive.errors import FormatError
from archive.values import to_schema
from schemas.v1.value import Array, Quantity, Scalar, Value


class OwnValues:
    """Makes values of what a file holds, by the places of `mat_types`. Where that does not fit
    what is there, since somebody changed the file, it is not followed."""

    def __init__(self, types: Mapping[str, Any]) -> None:
        self.types = types

    def value(self, found: Found, place: str) -> Value:
        """The value in a place. Raises FormatError for what no file of ours has."""
        told = self.types.get(place)
        match found:
            case Chars():
                return self._text(found, told, place)
            case Structs():
                return self._struct(found, told, place)
            case np.ndarray():
                if found.dtype.hasobject:
                    return self._items(list(found.reshape(-1, order="F")), told, place)
                return _number(found, told)
        raise FormatError("nothing like it is written here", entry=place)

    def _items(self, items: list[Found], told: object, place: str) -> Value:
        """Of a cell: a list, or an array of texts."""
        values = [self.value(item, f"{place}.{at}") for at, item in enumerate(items, 1)]
        return _texts(values, told) or values

    def _text(self, found: Chars, told: object, place: str) -> Value:
        kind = dtype_and_shape(str(told))
        of_array = kind is not None and kind[1].kind in "USM"
        if told == LIST or len(found.rows) > 1 or of_array:
            # version 7.3 has several texts as rows
            rows: list[Value] = [*texts(found)]
            if not rows and str(told).startswith("scalar"):
                rows = [""]
            return _texts(rows, told) or rows
        text = found.rows[0] if found.rows else ""
        try:
            if told in (DATETIME, FOLDED):
                return datetime.fromisoformat(text).replace(fold=int(told == FOLDED))
            if told == INT:
                return int(text)
        except ValueError:
            pass
        return to_schema(text, place)

    def _struct(self, found: Structs, told: object, place: str) -> Value:
        fields = only(found, place)
        kind = dtype_and_shape(str(told))
        if kind is not None and kind[1].kind == "m" and isinstance(fields.get("value"), np.ndarray):
            return _made(kind, np.asarray(fields["value"]).astype(np.int64).view(kind[1]))
        if told is None and fields.keys() == {"value", "unit"}:
            return self._quantity(fields, place)
        numbered = all(map(NUMBERED.fullmatch, fields))
        if numbered and (told == LIST or (fields and told != DICT and not isinstance(told, dict))):
            return self._items([fields[name] for name in sorted(fields)], told, place)
        names = told if isinstance(told, dict) else {}
        return {
            str(names.get(name, name)): self.value(value, f"{place}.{name}")
            for name, value in fields.items()
        }

    def _quantity(self, fields: Mapping[str, Found], place: str) -> Value:
        value = self.value(fields["value"], f"{place}.value")
        unit = self.value(fields["unit"], f"{place}.unit")
        if isinstance(value, bool) or not isinstance(value, float | int | complex | Array | Scalar):
            return {"value": value, "unit": unit}
        if not isinstance(unit, str):
            return {"value": value, "unit": unit}
        try:
            return Quantity(value, unit)
        except ValueError:
            return {"value": value, "unit": unit}


def texts(found: Found) -> list[str]:
    """Several texts: the rows of a matrix without the blanks that pad them, the items of a cell,
    or the numbered fields of a struct. Raises FormatError."""
    if isinstance(found, Chars):
        rows = found.rows if found.shape[0] else []
        return [row.rstrip(" ") for row in rows] if len(rows) > 1 else list(rows)
    items: list[Any] = []
    if isinstance(found, Structs) and len(found.items) == 1:
        (fields,) = found.items
        if all(map(NUMBERED.fullmatch, fields)):
            items = [fields[name] for name in sorted(fields)]
    elif isinstance(found, np.ndarray) and (found.dtype.hasobject or not found.size):
        items = list(found.reshape(-1))
    if not all(isinstance(item, Chars) and len(item.rows) <= 1 for item in items):
        raise FormatError("it is no list of texts")
    return [item.rows[0] if item.rows else "" for item in items]


def only(found: Found, place: str) -> dict[str, Any]:
    """The fields of a struct. Raises FormatError for what is none."""
    if not isinstance(found, Structs) or len(found.items) != 1:
        raise FormatError("it is no struct", entry=place)
    return found.items[0]


def records(found: Found, place: str) -> Iterator[dict[str, Any]]:
    """The structs of an array of version 5, or in the numbered fields that are in its place in
    version 7.3."""
    if isinstance(found, np.ndarray) and not found.size:
        return
    if not isinstance(found, Structs):
        raise FormatError("it is no array of structs", entry=place)
    if len(found.items) == 1 and all(map(NUMBERED.fullmatch, found.fields)):
        (fields,) = found.items
        yield from (only(fields[name], place) for name in sorted(fields))
    else:
        yield from found.items


def members(found: Found, place: str) -> list[Found]:
    """The items of a cell, or of what is in its place in version 7.3."""
    if isinstance(found, np.ndarray) and (found.dtype.hasobject or not found.size):
        return list(found.reshape(-1))
    fields = only(found, place)
    if not all(map(NUMBERED.fullmatch, fields)):
        raise FormatError("it is no cell", entry=place)
    return [fields[name] for name in sorted(fields)]


def _number(found: npt.NDArray[Any], told: object) -> Value:
    kind = dtype_and_shape(str(told))
    if kind is not None and found.size == np.prod(kind[2], dtype=object):
        if kind[1].kind in "USM" and not found.size:
            return _made(kind, np.empty(0, kind[1]))
        if kind[1].kind in "biufc" and np.can_cast(found.dtype, kind[1], "same_kind"):
            return _made(kind, found.astype(kind[1]))
    if told == BYTES and found.dtype == np.uint8:
        return found.tobytes()
    if told == LIST and not found.size:
        return []
    if found.size != 1:
        if found.shape == (0, 0) and found.dtype == np.float64:
            return None
        return to_schema(found.reshape(default_shape(found.shape)), "value")
    item: Any = found.reshape(-1)[0]
    if told == INT and item == int(item.real):
        return int(item.real)
    return to_schema(item, "value")


def _texts(values: list[Value], told: object) -> Value:
    """Texts as the array, or the one, that they were; None if they were a list."""
    kind = dtype_and_shape(str(told))
    plain = [value for value in values if isinstance(value, str)]
    if kind is None or kind[1].kind not in "USM" or len(plain) < len(values):
        return None
    try:
        if kind[1].kind == "S":
            return _made(kind, np.array([text.encode("latin-1") for text in plain], kind[1]))
        return _made(kind, np.array(plain, kind[1]))
    except ValueError:  # latin-1 and dates that are none
        return None


def _made(
    kind: tuple[str, np.dtype[Any], tuple[int, ...]], values: npt.NDArray[Any]
) -> Array | Scalar | None:
    """An array, or one number, of the values, which lie in MATLAB's shape."""
    word, dtype, shape = kind
    if values.size != np.prod(shape, dtype=object):
        return None
    order = values.reshape(-1, order="F" if values.dtype.kind in "USM" else "C")
    data = order.reshape(shape, order="F" if values.dtype.kind in "USM" else "C").tobytes()
    return Scalar(dtype.str, data) if word == "scalar" else Array(dtype.str, shape, data)
