"""Writes nodes into a MATLAB 5 file, one array in memory at a time.

Text is stored as UTF-16 where it is not plain ASCII, as MATLAB does: of UTF-8 text Octave reads
as many bytes as there are characters and drops the rest.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from archive.adapters.mat_nodes import Cell, Node, Numbers, Struct, StructArray, Texts

LIMIT = 2**31 - 1  # bytes that one variable can have
BLOCK = 1 << 24  # bytes turned around at a time
TILE = 512  # rows, in turning them

_INT8, _INT32, _UINT32, _MATRIX, _UTF8, _UTF16 = 1, 5, 6, 14, 16, 17
_CELL, _STRUCT, _CHAR, _DOUBLE = 1, 2, 4, 6
_COMPLEX, _LOGICAL = 0x800, 0x200
# By dtype: the class that MATLAB sees, and the type that is stored.
_CLASSES = {
    "f8": (6, 9), "f4": (7, 7), "i1": (8, 1), "u1": (9, 2), "i2": (10, 3), "u2": (11, 4),
    "i4": (12, 5), "u4": (13, 6), "i8": (14, 12), "u8": (15, 13), "b1": (9, 2),
}  # fmt: skip


class TooLarge(Exception):
    """A variable has more bytes than the format can count."""


class Mat5:
    """A file that is being written; `write` adds one variable."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._start = 0
        created = datetime.now(UTC).strftime("%a %b %d %H:%M:%S %Y")
        text = f"MATLAB 5.0 MAT-file, Platform: neuroarchive, Created on: {created}"
        file.write(text.encode("ascii").ljust(116) + bytes(8) + b"\x00\x01IM")

    def write(self, name: str, node: Node) -> None:
        """Add a variable. Raises TooLarge if it does not fit; the file is then of no use."""
        self._start = self._file.tell()
        self._node(node, name)

    def _node(self, node: Node, name: str = "") -> None:
        # The size of a matrix stands before it and is known behind it.
        self._file.write(bytes(8))
        start = self._file.tell()
        match node:
            case None:
                self._head(_DOUBLE, (0, 0), name)
                self._element(9, b"")
            case str():
                self._text(node, name)
            case Numbers():
                self._numbers(node, name)
            case Texts(items) | Cell(items):
                self._head(_CELL, (len(items), 1), name)
                for item in items:
                    self._node(item)
            case Struct(fields):
                self._head(_STRUCT, (1, 1), name)
                self._field_names(list(fields))
                for value in fields.values():
                    self._node(value)
            case StructArray():
                self._head(_STRUCT, (1, node.count), name)
                self._field_names(list(node.fields))
                for element in node.elements:
                    for field in node.fields:
                        self._node(element.get(field))
        end = self._file.tell()
        if end - self._start > LIMIT:
            raise TooLarge
        self._file.seek(start - 8)
        self._file.write(struct.pack("<II", _MATRIX, end - start))
        self._file.seek(end)

    def _element(self, kind: int, data: bytes) -> None:
        if 0 < len(data) <= 4:
            self._file.write(struct.pack("<HH", kind, len(data)) + data.ljust(4, b"\0"))
        else:
            self._file.write(struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8))

    def _head(self, kind: int, shape: tuple[int, ...], name: str, flags: int = 0) -> None:
        self._element(_UINT32, struct.pack("<II", kind | flags, 0))
        self._element(_INT32, struct.pack(f"<{len(shape)}i", *shape))
        self._element(_INT8, name.encode("ascii"))

    def _field_names(self, names: list[str]) -> None:
        width = max(map(len, names), default=0) + 1
        self._element(_INT32, struct.pack("<i", width))
        self._element(_INT8, b"".join(name.encode("ascii").ljust(width, b"\0") for name in names))

    def _text(self, text: str, name: str) -> None:
        kind, data = _UTF8, text.encode("utf-8")
        length = len(data)
        if not text.isascii():
            kind, data = _UTF16, text.encode("utf-16-le")
            length = len(data) // 2
        self._fits(len(data))
        self._head(_CHAR, (1, length) if length else (0, 0), name)
        self._element(kind, data)

    def _numbers(self, node: Numbers, name: str) -> None:
        dtype = np.dtype(node.data.dtype)
        # Before it is read: too much to be written may be too much for the memory.
        self._fits(int(np.prod(node.shape, dtype=object)) * dtype.itemsize)
        values = np.asarray(node.data).reshape(node.shape)
        parts = [values.real, values.imag] if dtype.kind == "c" else [values]
        kind, stored = _CLASSES[f"{parts[0].dtype.kind}{parts[0].dtype.itemsize}"]
        flags = {"c": _COMPLEX, "b": _LOGICAL}.get(dtype.kind, 0)
        self._head(kind, node.shape, name, flags)
        for part in parts:
            self._column_major(stored, part)

    def _column_major(self, stored: int, values: npt.NDArray[np.generic]) -> None:
        little = values.astype(values.dtype.newbyteorder("<"), copy=False)
        if values.nbytes <= 4:
            self._element(stored, little.tobytes(order="F"))
            return
        self._file.write(struct.pack("<II", stored, values.nbytes))
        for block in _columns(little):
            self._file.write(block.data)
        self._file.write(bytes(-values.nbytes % 8))

    def _fits(self, size: int) -> None:
        if self._file.tell() + size - self._start > LIMIT:
            raise TooLarge


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
