"""MATLAB 5 files from strangers, to which versions 6 and 7 belong.

SciPy's reader reserves what the file claims, and inflates what it is given; here both stay
within the size of the file and a budget. The format is MathWorks' "MAT-File Format".
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.adapters.bounded import whole
from archive.adapters.mat_found import (
    DEPTH,
    ITEM,
    NO_FIELDS,
    Budget,
    Chars,
    Found,
    Opaque,
    Structs,
    decoded,
    distinct,
    rows_of,
    sparse,
)
from archive.errors import FormatError

_TYPES = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
}  # fmt: skip
_TEXTS = {1: "latin1", 2: "latin1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8",
            15: "u8"}  # fmt: skip
_INT32, _MATRIX, _COMPRESSED, _UTF8 = 5, 14, 15, 16
_CELL, _STRUCT, _OBJECT, _CHAR, _SPARSE, _FUNCTION, _OPAQUE = 1, 2, 3, 4, 5, 16, 17
_SINGLE = 7
_COMPLEX, _LOGICAL = 0x800, 0x200
_DAMAGE = (
    struct.error, zlib.error, ValueError, LookupError, TypeError, OverflowError, MemoryError,
)  # fmt: skip


def is_mat5(start: bytes) -> bool:
    """Whether a file that begins so is one."""
    mark = start[124:128]
    return start[:6] == b"MATLAB" and (
        (mark[2:] == b"IM" and mark[1:2] != b"\x02") or (mark[2:] == b"MI" and mark[:1] != b"\x02")
    )


def mat5_variables(path: Path, limit: int, budget: Budget) -> Iterator[tuple[str, Found]]:
    """The variables of a file of at most `limit` bytes, with their names, one after another.

    Raises FormatError, with the place, for damage, and where the budget does not suffice.
    """
    data = whole(path, limit)
    if not is_mat5(data[:128]):
        raise FormatError("this is no MATLAB 5 file", path=path)
    try:
        yield from _variables(memoryview(data), budget)
    except FormatError as error:
        raise FormatError(error.message, path=path, entry=error.entry, hint=error.hint) from error
    except _DAMAGE as error:
        raise FormatError(f"the file is damaged: {error!r:.200}", path=path) from error


def _variables(data: memoryview, budget: Budget) -> Iterator[tuple[str, Found]]:
    order = "<" if bytes(data[126:128]) == b"IM" else ">"
    at = 128
    while at < len(data):
        kind, body, at = _element(data, at, order, padded=False)
        if kind == _COMPRESSED:
            inflated = _inflated(body, budget)
            kind, body, _ = _element(memoryview(inflated), 0, order)
        if kind != _MATRIX:
            raise FormatError(f"an element of type {kind} stands in place of a variable")
        name, value = _Matrices(order, budget).read(body, 0)
        if name:  # one without is where MATLAB keeps what is in its objects
            yield name, value


def _inflated(body: memoryview, budget: Budget) -> bytes:
    """What an element unpacks to. Nothing is spent on what it does not give."""
    inflater = zlib.decompressobj()
    inflated = inflater.decompress(body, budget.left + 1)
    budget.spend(len(inflated))
    if not inflater.eof:
        raise FormatError("a packed variable is damaged")
    return inflated


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

    def peek(self) -> int:
        """The type of the next element."""
        return _element(self._data, self._at, self._order)[0]

    def next(self) -> tuple[int, memoryview]:
        kind, body, self._at = _element(self._data, self._at, self._order)
        return kind, body

    def numbers(self, count: int | None = None) -> npt.NDArray[Any]:
        kind, body = self.next()
        values: npt.NDArray[Any] = np.frombuffer(body, np.dtype(self._order + _TYPES[kind]))
        if count is not None and len(values) != count:
            raise FormatError(f"an array claims {count} numbers and has {len(values)}")
        return values

    def truths(self, count: int) -> npt.NDArray[np.bool_]:
        """Logical values, a byte each, also where MATLAB calls them doubles."""
        kind, body = self.next()
        dtype = "u1" if len(body) == count else f"{self._order}{_TYPES[kind]}"
        return np.frombuffer(body, dtype).astype(bool)

    def text(self) -> str:
        kind, body = self.next()
        data = bytes(body).rstrip(b"\0")
        return decoded(data, "utf-8" if kind == _UTF8 else "latin-1")

    @property
    def left(self) -> int:
        return len(self._data) - self._at


class _Matrices:
    """Reads matrices of one byte order, within a budget."""

    def __init__(self, order: str, budget: Budget) -> None:
        self._order, self._budget = order, budget

    def read(self, data: memoryview, depth: int) -> tuple[str, Found]:
        self._budget.spend(ITEM)
        if not len(data):
            return "", np.empty((0, 0))
        if depth > DEPTH:
            raise FormatError(f"the file is nested deeper than {DEPTH}")
        elements = _Elements(data, self._order)
        flags, most = map(int, elements.numbers(2))
        kind = flags & 0xFF
        if kind == _OPAQUE:
            name, _, class_name = elements.text(), elements.text(), elements.text()
            return name, Opaque(f"an object of the class {class_name[:80]!r}")
        shape = tuple(np.frombuffer(elements.next()[1], np.dtype(self._order + "i4")).tolist())
        if not 2 <= len(shape) <= 32 or min(shape) < 0:
            raise FormatError(f"an array has the shape {shape!r:.60}")
        name = elements.text()
        if flags & _LOGICAL and most and elements.left and elements.peek() == _INT32:
            kind = _SPARSE  # Octave calls its sparse logical matrices plain ones
        try:
            return name, self._value(elements, kind, flags, shape, depth)
        except FormatError as error:
            where = f"{name}: {error.entry}" if error.entry and name else name or error.entry
            raise FormatError(error.message, entry=where, hint=error.hint) from error.__cause__

    def _value(
        self, elements: _Elements, kind: int, flags: int, shape: tuple[int, ...], depth: int
    ) -> Found:
        count = math.prod(shape)
        if kind == _CHAR:
            return self._text(elements, shape, count)
        if kind in _CLASSES:
            return self._numbers(elements, kind, flags, count).reshape(shape, order="F")
        if kind == _SPARSE:
            rows, starts = elements.numbers(), elements.numbers()
            if flags & _LOGICAL:
                values = elements.truths(len(rows))
            else:
                values = self._parts(elements, None, flags)
            self._budget.spend(8 * (len(rows) + len(starts)))
            return sparse(shape, starts, rows, values)
        if kind == _CELL:
            if count > elements.left // 8:
                raise FormatError(f"a cell claims {count} items and has not as many")
            cells = np.empty(count, object)
            for i in range(count):
                cells[i] = self._inner(elements, depth)
            return cells.reshape(shape, order="F")
        if kind in (_STRUCT, _OBJECT):
            class_name = elements.text() if kind == _OBJECT else None
            return self._structs(elements, shape, count, class_name, depth)
        if kind == _FUNCTION:
            return Opaque("a function handle")
        raise FormatError(f"an array of class {kind} is not known")

    def _numbers(self, elements: _Elements, kind: int, flags: int, count: int) -> npt.NDArray[Any]:
        if count > elements.left:
            raise FormatError(f"an array claims {count} numbers and has not as many")
        target = np.dtype(_CLASSES[kind])
        self._budget.spend(count * target.itemsize * (4 if flags & _COMPLEX else 1))
        values = self._parts(elements, count, flags)
        if flags & _COMPLEX:
            return values.astype(np.complex64) if kind == _SINGLE else values
        values = values.astype(target, copy=False)
        return values.astype(bool) if flags & _LOGICAL else values

    def _parts(self, elements: _Elements, count: int | None, flags: int) -> npt.NDArray[Any]:
        """Real numbers, or complex ones, in this machine's byte order."""
        real = elements.numbers(count)
        native = real.astype(real.dtype.newbyteorder("="), copy=False)
        if not flags & _COMPLEX:
            return native
        whole = np.empty(len(real), np.complex128)
        # one by one: a sum would make nan of infinite parts
        whole.real, whole.imag = real, elements.numbers(len(real))
        return whole

    def _structs(
        self,
        elements: _Elements,
        shape: tuple[int, ...],
        count: int,
        class_name: str | None,
        depth: int,
    ) -> Structs:
        width = int(elements.numbers(1)[0])
        held = bytes(elements.next()[1])
        if width < 1 or len(held) % width:
            raise FormatError("the names of a struct are not sound")
        listed = [held[i : i + width].split(b"\0")[0] for i in range(0, len(held), width)]
        fields = distinct([each.decode("latin-1") for each in listed])
        if count > (elements.left // 8 // len(fields) if fields else NO_FIELDS):
            raise FormatError(f"an array claims {count} structs and has not as many")
        self._budget.spend(ITEM * count)
        items = [{field: self._inner(elements, depth) for field in fields} for _ in range(count)]
        return Structs(shape, fields, items, class_name)

    def _inner(self, elements: _Elements, depth: int) -> Found:
        kind, body = elements.next()
        if kind != _MATRIX:
            raise FormatError(f"an element of type {kind} stands in place of an array")
        return self.read(body, depth + 1)[1]

    def _text(self, elements: _Elements, shape: tuple[int, ...], count: int) -> Chars:
        kind, body = elements.next()
        self._budget.spend(4 * len(body) + ITEM * min(shape[0], len(body) + 1))
        encoding = _TEXTS[kind]
        data = bytes(body)
        if encoding == "utf-8":
            # Dimensions count characters for SciPy, units of UTF-16 for MATLAB, bytes for Octave.
            text = decoded(data, encoding)
            wide = text.encode("utf-16-le", "surrogatepass")
            if len(text) == count:
                data, encoding = text.encode("utf-32-le", "surrogatepass"), "utf-32-le"
            elif len(wide) == 2 * count:
                data, encoding = wide, "utf-16-le"
        elif encoding != "latin1":
            encoding += "-le" if self._order == "<" else "-be"
        width = {"utf-16": 2, "utf-32": 4}.get(encoding[:6], 1)
        if not data:  # as MATLAB 6 wrote a blank
            self._budget.spend(8 * count)
            data = b" ".ljust(width, b"\0") * count
        if len(data) % width or (count == 0 and data):
            raise FormatError(f"a text claims {count} characters and has {len(data)} bytes")
        units = np.frombuffer(data, f"u{width}")
        if units.size != count and encoding.startswith("utf-16") and shape[0] == 1:
            shape = (1, units.size)  # SciPy counts characters, of which some are two units
        if count == 0:
            return Chars([""] * min(shape[0], 1 << 10), shape)
        return rows_of(units, shape, encoding)


def variables(path: Path, limit: int) -> dict[str, Any]:
    """The variables of a file by name, of at most `limit` bytes in all: a struct as a dict, text
    as a list of its rows without the blanks at their ends.

    Raises FormatError for arrays of structs, objects, sparse arrays, and damage.
    """
    found = {}
    for name, value in mat5_variables(path, limit, Budget(limit)):
        try:
            found[name] = _plain(value)
        except FormatError as error:
            raise FormatError(error.message, path=path, entry=name) from error
    return found


def _plain(value: Found) -> Any:
    if isinstance(value, Chars):
        return [row.rstrip(" ") for row in value.rows]
    if isinstance(value, Structs):
        if len(value.items) != 1 or value.class_name is not None:
            raise FormatError("an array of structs, or of objects, is not read")
        return {name: _plain(item) for name, item in value.items[0].items()}
    if not isinstance(value, np.ndarray):
        raise FormatError("a sparse array, or an object, is not read")
    if value.dtype.hasobject:
        cells = np.empty(value.size, object)
        for i, item in enumerate(value.reshape(-1)):
            cells[i] = _plain(item)
        return cells.reshape(value.shape)
    return value
