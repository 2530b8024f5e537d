"""Writes nodes into a MATLAB 5 file, one array in memory at a time.

Text is stored as UTF-16 where it is not plain ASCII, as MATLAB does: of UTF-8 text Octave reads
as many bytes as there are characters and drops the rest.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from archive.adapters.mat_nodes import Cell, Node, Numbers, Struct, StructArray, Texts
from archive.entry import ArrayLike

LIMIT = 2**31 - 1  # bytes that one variable can have
BLOCK = 1 << 24  # bytes turned around at a time
HELD = 1 << 16  # bytes that are written together
EARLY = 1 << 22  # bytes after which the disk is given something to do
FEW = 1 << 6  # names of fields that many structs may have
SHORT = 1 << 8  # characters of a text that may occur many times
TILE = 512  # rows, in turning them

_INT8, _INT32, _UINT32, _MATRIX, _UTF8, _UTF16 = 1, 5, 6, 14, 16, 17
_CELL, _STRUCT, _CHAR, _DOUBLE = 1, 2, 4, 6
_COMPLEX, _LOGICAL = 0x800, 0x200
# By dtype: the class that MATLAB sees, and the type that is stored.
_CLASSES = {
    "f8": (6, 9), "f4": (7, 7), "i1": (8, 1), "u1": (9, 2), "i2": (10, 3), "u2": (11, 4),
    "i4": (12, 5), "u4": (13, 6), "i8": (14, 12), "u8": (15, 13), "b1": (9, 2),
}  # fmt: skip

# Matrices without a name: the empty one, and one number but for its bytes.
_HEAD = struct.Struct("<12I")
_NOTHING = _HEAD.pack(_MATRIX, 48, _UINT32, 8, _DOUBLE, 0, _INT32, 8, 0, 0, _INT8, 0)
_NOTHING += struct.pack("<II", 9, 0)
_ONE = _HEAD.pack(_MATRIX, 56, _UINT32, 8, _DOUBLE, 0, _INT32, 8, 1, 1, _INT8, 0)
_ONE += struct.pack("<II", 9, 8)
_TWO, _NUMBER = struct.Struct("<II"), struct.Struct("<d")
_UNKNOWN = bytes(8)  # type and size, until they are known
_FLOAT = np.dtype(np.float64)


class TooLarge(Exception):
    """A variable has more bytes than the format can count."""


class _Patched:
    """A file in which what was written can be changed: what is at its end without a seek, which
    would cost more than all else of a small array."""

    def __init__(self, file: BinaryIO, begin: Callable[[], None] | None) -> None:
        self._file, self._start = file, file.tell()
        self.held = bytearray()  # what is small is added here, and `flush` called now and then
        self._begin, self._begun = begin, self._start

    def tell(self) -> int:
        return self._start + len(self.held)

    def write(self, data: bytes | memoryview) -> None:
        if len(data) < HELD:
            self.held += data
        if len(self.held) >= HELD or len(data) >= HELD:
            self.flush()
        if len(data) >= HELD:
            self._file.write(data)
            self._start += len(data)
        if self._begin is not None and self._start - self._begun >= EARLY:
            self._begin()
            self._begun = self._start

    def patch(self, at: int, first: int, second: int) -> None:
        """Put two numbers of 32 bits where others were written."""
        if at >= self._start:
            _TWO.pack_into(self.held, at - self._start, first, second)
        else:
            self.flush()
            self._file.seek(at)
            self._file.write(_TWO.pack(first, second))
            self._file.seek(self._start)

    def flush(self) -> None:
        self._file.write(self.held)
        self._start += len(self.held)
        self.held.clear()


class Mat5:
    """A file that is being written; `write` adds one variable."""

    def __init__(self, file: BinaryIO, begin: Callable[[], None] | None = None) -> None:
        """`begin` makes the system begin to write to the disk what the file has so far."""
        self._file = _Patched(file, begin)
        self._start = 0
        created = datetime.now(UTC).strftime("%a %b %d %H:%M:%S %Y")
        text = f"MATLAB 5.0 MAT-file, Platform: neuroarchive, Created on: {created}"
        self._file.write(text.encode("ascii").ljust(116) + bytes(8) + b"\x00\x01IM")

    def write(self, name: str, node: Node) -> None:
        """Add a variable. Raises TooLarge if it does not fit; the file is then of no use."""
        self._start = self._file.tell()
        self._node(node, name)
        self._file.flush()

    def _node(self, node: Node, name: str = "") -> None:
        if isinstance(node, Numbers):
            self._numbers(node, name)
            return
        # The size of a matrix stands before it and is known behind it.
        file = self._file
        start = file.tell() + 8
        file.held += _UNKNOWN
        match node:
            case Struct(fields):
                file.held += _head(_STRUCT, (1, 1), name) + _field_names(tuple(fields))
                self._nodes(fields.values())
            case Texts(items) | Cell(items):
                file.held += _head(_CELL, (len(items), 1), name)
                self._nodes(items)
            case None:
                file.held += _head(_DOUBLE, (0, 0), name) + _element(9, b"")
            case str():
                self._text(node, name)
            case StructArray():
                file.held += _head(_STRUCT, (1, node.count), name)
                file.held += _field_names(tuple(node.fields))
                for element in node.elements:
                    self._nodes(map(element.get, node.fields))
        end = file.tell()
        if end - self._start > LIMIT:
            raise TooLarge
        file.patch(start - 8, _MATRIX, end - start)

    def _nodes(self, nodes: Iterable[Node]) -> None:
        """Matrices without names. Most are small things, which are written as they are."""
        held = self._file.held
        for node in nodes:
            if node is None:
                held += _NOTHING
            elif type(node) is str and len(node) < SHORT and node.isascii():
                held += _short(node)
            elif type(node) is Numbers and _is_one(node.data):
                held += _ONE + _NUMBER.pack(node.data)
            else:
                self._node(node)
            if len(held) >= HELD:
                self._file.flush()
                self._fits(0)

    def _text(self, text: str, name: str) -> None:
        kind, data = _UTF8, text.encode("utf-8")
        length = len(data)
        if not text.isascii():
            kind, data = _UTF16, text.encode("utf-16-le")
            length = len(data) // 2
        self._fits(len(data))
        self._file.held += _head(_CHAR, (1, length) if length else (0, 0), name)
        self._file.write(_element(kind, data))

    def _numbers(self, node: Numbers, name: str) -> None:
        dtype, shape = np.dtype(node.data.dtype), node.shape
        begin, stored, size = _beginning(dtype, shape, name)
        # Before it is read: too much to be written may be too much for the memory.
        self._fits(size)
        values = np.asarray(node.data).reshape(shape)
        self._file.held += begin
        for part in [values.real, values.imag] if dtype.kind == "c" else [values]:
            self._column_major(stored, part)
        self._fits(0)

    def _column_major(self, stored: int, values: npt.NDArray[np.generic]) -> None:
        if values.dtype.str[0] == ">":
            values = values.astype(values.dtype.newbyteorder("<"))
        size = values.nbytes
        if size <= 4:
            self._file.held += _element(stored, values.tobytes(order="F"))
            return
        self._file.held += _TWO.pack(stored, size)
        for block in _columns(values):
            self._file.write(block.data)
        self._file.held += bytes(-size % 8)

    def _fits(self, size: int) -> None:
        if self._file.tell() + size - self._start > LIMIT:
            raise TooLarge


def _element(kind: int, data: bytes) -> bytes:
    if 0 < len(data) <= 4:
        return struct.pack("<HH", kind, len(data)) + data.ljust(4, b"\0")
    return _TWO.pack(kind, len(data)) + data + bytes(-len(data) % 8)


@lru_cache(1 << 10)  # many matrices begin alike
def _head(kind: int, shape: tuple[int, ...], name: str, flags: int = 0) -> bytes:
    padding = bytes(-4 * len(shape) % 8)
    dims = struct.pack(f"<{len(shape)}i", *shape) + padding
    sizes = struct.pack("<6I", _UINT32, 8, kind | flags, 0, _INT32, 4 * len(shape))
    return sizes + dims + _element(_INT8, name.encode("ascii"))


@lru_cache(1 << 10)
def _beginning(dtype: np.dtype[Any], shape: tuple[int, ...], name: str) -> tuple[bytes, int, int]:
    """Of an array: all that stands before its numbers, the type that they are stored as, and how
    many bytes they are."""
    parts = 2 if dtype.kind == "c" else 1
    size = math.prod(shape) * dtype.itemsize // parts  # of the real ones alone
    which = f"{'f' if dtype.kind == 'c' else dtype.kind}{dtype.itemsize // parts}"
    kind, stored = _CLASSES[which]
    head = _head(kind, shape, name, {"c": _COMPLEX, "b": _LOGICAL}.get(dtype.kind, 0))
    each = 8 if 0 < size <= 4 else 8 + size + -size % 8
    # beyond the limit the number means nothing, and nothing is written
    length = (len(head) + parts * each) & 0xFFFFFFFF
    return _TWO.pack(_MATRIX, length) + head, stored, parts * size


def _field_names(names: tuple[str, ...]) -> bytes:
    return _few_names(names) if len(names) < FEW else _few_names.__wrapped__(names)


@lru_cache(1 << 8)
def _few_names(names: tuple[str, ...]) -> bytes:
    width = max(map(len, names), default=0) + 1
    listed = b"".join(name.encode("ascii").ljust(width, b"\0") for name in names)
    return _element(_INT32, struct.pack("<i", width)) + _element(_INT8, listed)


@lru_cache(1 << 10)
def _short(text: str) -> bytes:
    """A matrix of a text of a few ASCII characters."""
    inside = _head(_CHAR, (1, len(text)) if text else (0, 0), "")
    inside += _element(_UTF8, text.encode("ascii"))
    return _TWO.pack(_MATRIX, len(inside)) + inside


def _is_one(data: ArrayLike) -> bool:
    """Whether it is one double, and in memory."""
    return type(data) is np.ndarray and data.ndim == 0 and data.dtype == _FLOAT


def _columns(values: npt.NDArray[np.generic]) -> Iterator[npt.NDArray[np.generic]]:
    """The values column by column, in contiguous blocks of bytes.

    A matrix is turned around in tiles: column after column of it, each value would be fetched
    with the line of memory that it lies in.
    """
    columns = values.T
    if columns.flags.c_contiguous:
        yield columns.reshape(-1).view(np.uint8)
        return
    step = max(1, len(columns) * BLOCK // values.nbytes)
    room = np.empty((min(step, len(columns)), *columns.shape[1:]), values.dtype)
    tile = max(1, TILE // max(1, math.prod(columns.shape[1:-1])))
    for at in range(0, len(columns), step):
        block = room[: len(columns) - at]
        for row in range(0, columns.shape[-1], tile):
            block[..., row : row + tile] = columns[at : at + step, ..., row : row + tile]
        yield block.reshape(-1).view(np.uint8)
