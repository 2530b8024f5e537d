"""MATLAB 5 files from strangers as nested values: structs are dicts, cells arrays of objects.

SciPy's reader reserves what the file claims, and inflates what it is given; here both stay
within the size of the file and a budget. The format is MathWorks' "MAT-File Format".
"""

from __future__ import annotations

import math
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.adapters.bounded import whole
from archive.errors import FormatError

_TYPES = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
}  # fmt: skip
_TEXTS = {16: "utf-8", 17: "utf-16", 18: "utf-32", 2: "latin1", 4: "utf-16"}
_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8",
            15: "u8"}  # fmt: skip
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _CHAR = 1, 2, 4
_COMPLEX, _LOGICAL = 0x800, 0x200
_DEPTH = 50


def is_mat5(start: bytes) -> bool:
    """Whether a file that begins so is one."""
    return start[:6] == b"MATLAB" and start[126:128] in (b"IM", b"MI")


def variables(path: Path, limit: int) -> dict[str, Any]:
    """The variables of a file by name, of at most `limit` bytes in all.

    A struct is a dict, a cell an array of objects, text a list of its rows without the blanks
    at their ends. Raises FormatError for arrays of structs, objects, sparse arrays, and damage.
    """
    data = whole(path, limit)
    if not is_mat5(data):
        raise FormatError("this is no MATLAB 5 file", path=path)
    try:
        return _variables(data, limit)
    except FormatError as error:
        raise FormatError(error.message, path=path, entry=error.entry, hint=error.hint) from error
    except (struct.error, zlib.error, ValueError, KeyError, TypeError, OverflowError) as error:
        raise FormatError(f"the file is damaged: {error!r:.200}", path=path) from error


def _variables(data: bytes, limit: int) -> dict[str, Any]:
    order = "<" if data[126:128] == b"IM" else ">"
    found: dict[str, Any] = {}
    at, left = 128, limit
    while at < len(data):
        kind, body, at = _element(memoryview(data), at, order, padded=False)
        if kind == _COMPRESSED:
            inflated = zlib.decompressobj().decompress(body, left + 1)
            left -= len(inflated)
            if left < 0:
                raise FormatError(f"the file unpacks to more than {limit} bytes")
            kind, body, _ = _element(memoryview(inflated), 0, order)
        if kind != _MATRIX:
            raise FormatError(f"an element of type {kind} stands in place of a variable")
        name, value = _matrix(body, order, 0)
        found[name] = value
    return found


def _element(
    data: memoryview, at: int, order: str, *, padded: bool = True
) -> tuple[int, memoryview, int]:
    """Type and content of an element, and where the next one begins."""
    kind, size = struct.unpack_from(order + "II", data, at)
    if kind >> 16:  # up to four bytes lie in the tag itself
        start, size, kind, end = at + 4, kind >> 16, kind & 0xFFFF, at + 8
        if size > 4:
            raise FormatError("a small element has more than four bytes")
    else:
        start = at + 8
        end = start + size
        if padded and kind != _COMPRESSED:
            end += -size % 8
    if start + size > len(data):
        raise FormatError("the file ends too early")
    return kind, data[start : start + size], end


class _Elements:
    """The elements of a matrix, one after another."""

    def __init__(self, data: memoryview, order: str) -> None:
        self._data, self._order, self._at = data, order, 0

    def next(self) -> tuple[int, memoryview]:
        kind, body, self._at = _element(self._data, self._at, self._order)
        return kind, body

    def numbers(self, count: int) -> npt.NDArray[Any]:
        kind, body = self.next()
        values = np.frombuffer(body, np.dtype(_TYPES[kind]).newbyteorder(self._order))  # type: ignore[arg-type]
        if len(values) != count:
            raise FormatError(f"an array claims {count} numbers and has {len(values)}")
        return values

    @property
    def left(self) -> int:
        return len(self._data) - self._at


def _matrix(data: memoryview, order: str, depth: int) -> tuple[str, Any]:
    if not len(data):
        return "", np.empty((0, 0))
    if depth > _DEPTH:
        raise FormatError(f"the file is nested deeper than {_DEPTH}")
    elements = _Elements(data, order)
    flags = int(elements.numbers(2)[0])
    shape = tuple(np.frombuffer(elements.next()[1], np.dtype(order + "i4")).tolist())
    if not 2 <= len(shape) <= 32 or min(shape) < 0:
        raise FormatError(f"an array has the shape {shape!r:.60}")
    name = bytes(elements.next()[1]).rstrip(b"\0").decode("ascii")
    kind, count = flags & 0xFF, math.prod(shape)
    try:
        return name, _value(elements, kind, flags, shape, count, order, depth)
    except FormatError as error:
        where = f"{name}: {error.entry}" if error.entry and name else name or error.entry
        raise FormatError(error.message, entry=where, hint=error.hint) from error.__cause__


def _value(
    elements: _Elements,
    kind: int,
    flags: int,
    shape: tuple[int, ...],
    count: int,
    order: str,
    depth: int,
) -> Any:
    if kind == _CHAR:
        return _text(elements, shape, count, order)
    if kind in _CLASSES:
        if count > elements.left:
            raise FormatError(f"an array claims {count} numbers and has not as many")
        values = elements.numbers(count).astype(_CLASSES[kind])
        if flags & _COMPLEX:
            values = values + 1j * elements.numbers(count)
        if flags & _LOGICAL:
            values = values.astype(bool)
        return values.reshape(shape, order="F")
    if kind == _CELL:
        if count > elements.left // 8:
            raise FormatError(f"a cell claims {count} items and has not as many")
        cells = np.empty(count, object)
        for i in range(count):
            cells[i] = _inner(elements, order, depth)
        return cells.reshape(shape, order="F")
    if kind == _STRUCT:
        if count != 1:
            raise FormatError("an array of structs is not read")
        width = int(elements.numbers(1)[0])
        held = bytes(elements.next()[1])
        if width < 1 or len(held) % width:
            raise FormatError("the names of a struct are not sound")
        names = [held[i : i + width].split(b"\0")[0] for i in range(0, len(held), width)]
        return {each.decode("ascii"): _inner(elements, order, depth) for each in names}
    raise FormatError(f"an array of class {kind} is not read")


def _inner(elements: _Elements, order: str, depth: int) -> Any:
    kind, body = elements.next()
    if kind != _MATRIX:
        raise FormatError(f"an element of type {kind} stands in place of an array")
    return _matrix(body, order, depth + 1)[1]


def _text(elements: _Elements, shape: tuple[int, ...], count: int, order: str) -> list[str]:
    kind, body = elements.next()
    encoding = _TEXTS[kind]
    if encoding in ("utf-16", "utf-32"):
        encoding += "-le" if order == "<" else "-be"
    text = bytes(body).decode(encoding)
    if len(text) != count or len(shape) != 2:
        if shape[0] == 1 and len(shape) == 2:
            return [text]
        raise FormatError(f"a text claims {count} characters and has {len(text)}")
    if count == 0:
        return [""] * min(shape[0], 1)
    # column by column: the first characters of all rows come first
    return [text[row :: shape[0]].rstrip(" ") for row in range(shape[0])]
