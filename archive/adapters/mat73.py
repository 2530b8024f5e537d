"""Writes nodes into a MATLAB 7.3 file: HDF5 with MATLAB's attributes, block by block.

Only what MATLAB and Octave both read is used. Octave skips object references, which cells and
arrays of structs need; so their elements are the numbered fields of a plain struct, and texts
are the rows of a padded matrix of characters, unless one of them ends with a blank.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
import numpy.typing as npt

from archive.adapters.mat_nodes import Cell, Node, Numbers, Struct, StructArray, Texts

BLOCK = 1 << 24  # bytes copied at a time
# Without the list of its fields MATLAB takes a struct's members as they are; a long list does
# not fit into an attribute.
FIELDS_LIMIT = 1000

_CLASSES = {"f8": "double", "f4": "single", "c16": "double", "c8": "single", "b1": "logical"}


def _stored(dtype: np.dtype[np.generic]) -> np.dtype[np.generic]:
    """The dtype in the file, with items of the same size."""
    if dtype.kind == "b":
        return np.dtype("u1")
    if dtype.kind == "c":
        part = f"<f{dtype.itemsize // 2}"
        return np.dtype([("real", part), ("imag", part)])
    return dtype.newbyteorder("<")


def _turned(values: npt.NDArray[Any], stored: np.dtype[Any]) -> npt.NDArray[Any]:
    """The values with their dimensions in reverse order, as items of the stored dtype."""
    little = values.dtype.newbyteorder("<")
    return np.ascontiguousarray(values.T, little).view(stored)


# h5py's low level: its high one takes several times as long, and each field of each struct is an
# object of its own with one or two attributes.
_SCALAR = h5py.h5s.create(h5py.h5s.SCALAR)
_FIELD_NAMES = h5py.vlen_dtype(np.dtype("S1"))


def _dataset(group: h5py.Group, name: str, values: npt.NDArray[Any]) -> h5py.h5d.DatasetID:
    space = h5py.h5s.create_simple(values.shape)
    kind = h5py.h5t.py_create(values.dtype)
    made = h5py.h5d.create(group.id, name.encode("ascii"), kind, space)
    made.write(h5py.h5s.ALL, h5py.h5s.ALL, values)
    return made


def _mark(item: h5py.h5g.GroupID | h5py.h5d.DatasetID, **attributes: np.generic) -> None:
    for name, value in attributes.items():
        kind = h5py.h5t.py_create(value.dtype)
        made = h5py.h5a.create(item, name.encode("ascii"), kind, _SCALAR)
        made.write(np.asarray(value))


class Mat73:
    """A file that is being written; `write` adds one variable. A context that closes it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = h5py.File(path, "x", userblock_size=512)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        if error is None:
            created = datetime.now(UTC).strftime("%a %b %d %H:%M:%S %Y")
            text = f"MATLAB 7.3 MAT-file, Platform: neuroarchive, Created on: {created}"
            head = f"{text} HDF5 schema 1.00 .".encode("ascii")
            with self._path.open("rb+") as file:
                file.write(head.ljust(116) + bytes(8) + b"\x00\x02IM")

    def write(self, name: str, node: Node) -> None:
        """Add a variable."""
        self._node(self._file, name, node)

    def _node(self, group: h5py.Group, name: str, node: Node) -> None:
        match node:
            case None:
                self._empty(group, name, "double", (0, 0))
            case str():
                self._characters(group, name, [node])
            case Numbers():
                self._numbers(group, name, node)
            case Texts(texts):
                self._texts(group, name, texts)
            case Cell(items):
                self._numbered(group, name, "item", len(items), items)
            case Struct(fields):
                made = self._struct(group, name, list(fields))
                for field, value in fields.items():
                    self._node(made, field, value)
            case StructArray():
                structs = (
                    Struct({field: element.get(field) for field in node.fields})
                    for element in node.elements
                )
                self._numbered(group, name, node.item, node.count, structs)

    def _struct(self, group: h5py.Group, name: str, fields: list[str]) -> h5py.Group:
        made = group.create_group(name)
        _mark(made.id, MATLAB_class=np.bytes_("struct"))
        if 0 < len(fields) <= FIELDS_LIMIT:
            listed = np.empty(len(fields), dtype=object)
            for at, field in enumerate(fields):
                listed[at] = np.frombuffer(field.encode("ascii"), "S1")
            made.attrs.create("MATLAB_fields", listed, dtype=_FIELD_NAMES)
        return made

    def _numbered(
        self, group: h5py.Group, name: str, item: str, count: int, nodes: Iterable[Node]
    ) -> None:
        # With leading zeros the alphabetical order, which Octave reads in, is that of the items.
        width = len(str(count))
        names = [f"{item}_{number:0{width}}" for number in range(1, count + 1)]
        made = self._struct(group, name, names)
        for field, node in zip(names, nodes, strict=True):
            self._node(made, field, node)

    def _texts(self, group: h5py.Group, name: str, texts: Sequence[str]) -> None:
        longest = max(map(len, texts), default=0)
        wasteful = longest * len(texts) > BLOCK and longest * len(texts) > 8 * sum(map(len, texts))
        # of a matrix the blanks at the end of a row are padding, and one empty row is none at all
        unclear = list(texts) == [""] or (len(texts) > 1 and any(t.endswith(" ") for t in texts))
        if wasteful or unclear:
            self._numbered(group, name, "item", len(texts), texts)
        else:
            self._characters(group, name, texts)

    def _characters(self, group: h5py.Group, name: str, texts: Sequence[str]) -> None:
        rows = [np.frombuffer(text.encode("utf-16-le"), "<u2") for text in texts]
        width = max(map(len, rows), default=0)
        if width == 0:
            self._empty(group, name, "char", (len(rows) if len(rows) > 1 else 0, 0))
            return
        padded = np.full((width, len(rows)), ord(" "), "<u2")
        for column, row in enumerate(rows):
            padded[: len(row), column] = row
        made = _dataset(group, name, padded)
        _mark(made, MATLAB_class=np.bytes_("char"), MATLAB_int_decode=np.int32(2))

    def _empty(
        self, group: h5py.Group, name: str, matlab_class: str, shape: tuple[int, ...]
    ) -> None:
        made = _dataset(group, name, np.array(shape, "<u8"))
        _mark(made, MATLAB_class=np.bytes_(matlab_class), MATLAB_empty=np.uint8(1))

    def _numbers(self, group: h5py.Group, name: str, node: Numbers) -> None:
        dtype = np.dtype(node.data.dtype)
        code = f"{dtype.kind}{dtype.itemsize}"
        matlab_class = _CLASSES.get(code, dtype.name)
        if 0 in node.shape:
            self._empty(group, name, matlab_class, node.shape)
            return
        stored = _stored(dtype)
        flags = {"MATLAB_int_decode": np.int32(1)} if dtype.kind == "b" else {}
        size = math.prod(node.shape) * dtype.itemsize
        if size <= BLOCK or not node.data.shape:
            block = np.asarray(node.data).reshape(node.shape)
            made = _dataset(group, name, _turned(block, stored))
        else:
            dataset = group.create_dataset(name, node.shape[::-1], stored)
            step = max(1, node.shape[0] * BLOCK // size)
            for at in range(0, node.shape[0], step):
                block = np.asarray(node.data[at : at + step]).reshape(-1, *node.shape[1:])
                dataset[..., at : at + step] = _turned(block, stored)
            made = dataset.id
        _mark(made, MATLAB_class=np.bytes_(matlab_class), **flags)
