"""Vectors that NEURON writes as bytes: ``Vector.vwrite``, and ``Vector.fwrite`` without any mark.

``vwrite`` writes ``int32 n, int32 type`` and the elements: type 5 int32; 4 float64; 3 float32; 2
the float64 `scale` and `minimum`, and uint16 of which each divided by `scale` and added to
`minimum` is the value; 1 the same with int8, to which 128 is added first. A type that is none of
these tells that the bytes are in the other order (NEURON's ``ivocvect.cpp``). ``fread`` takes other
types.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from archive.errors import FormatError

HEADER = 8
ELEMENTS = {1: "i1", 2: "u2", 3: "f4", 4: "f8", 5: "i4"}
SCALED = {1: 128.0, 2: 0.0}  # types with a scale and a minimum, and what is added first
RAW = {1: "i1", 2: "u2", 3: "f4", 4: "f8", 5: "i2"}  # what Vector.fread takes


def _header(head: bytes) -> tuple[str, int, int] | None:
    """Order of bytes, number of elements and type; None if it is no header."""
    for order in "<>":
        count, kind = struct.unpack(f"{order}ii", head)
        if kind in ELEMENTS and count >= 0:
            return order, count, kind
    return None


def _length(count: int, kind: int) -> int:
    """Bytes after a header."""
    return count * np.dtype(ELEMENTS[kind]).itemsize + (16 if kind in SCALED else 0)


def looks_written(file: BinaryIO, size: int) -> bool:
    """Whether headers of vectors, each where the one before it says, lead to the end of the file
    of `size` bytes. Nothing else of it is read."""
    at = vectors = 0
    while at + HEADER <= size:
        file.seek(at)
        found = _header(file.read(HEADER))
        if found is None:
            return False
        at += HEADER + _length(*found[1:])
        vectors += 1
        if vectors == 64 and at <= size:  # enough to tell, of many short ones
            return True
    return at == size and vectors > 0


def vectors(content: bytes, path: Path) -> Iterator[npt.NDArray[Any]]:
    """The vectors of ``vwrite``, as float64, or the type that has the same numbers. Raises
    FormatError, naming the byte, for what is none, and for what is cut off."""
    at = 0
    if not content:
        raise FormatError("the file is empty", path=path)
    while at < len(content):
        head = content[at : at + HEADER]
        found = _header(head) if len(head) == HEADER else None
        if found is None:
            raise FormatError(f"no vector begins at byte {at}", path=path)
        order, count, kind = found
        begin, at = at + HEADER, at + HEADER + _length(count, kind)
        if at > len(content):
            raise FormatError(
                f"the vector at byte {begin - HEADER} has {count} elements of type {kind}, and"
                f" the file ends before them",
                path=path,
            )
        yield _elements(content, begin, order, count, kind, path)


def _elements(
    content: bytes, begin: int, order: str, count: int, kind: int, path: Path
) -> npt.NDArray[Any]:
    scale, minimum = 1.0, 0.0
    if kind in SCALED:
        scale, minimum = struct.unpack_from(f"{order}dd", content, begin)
        begin += 16
    held = np.frombuffer(content, np.dtype(order + ELEMENTS[kind]), count, begin)
    if kind not in SCALED:
        return held.astype(held.dtype.newbyteorder("="))
    if not (np.isfinite(scale) and scale != 0 and np.isfinite(minimum)):
        raise FormatError(
            f"the vector at byte {begin - 16 - HEADER} has the scale {scale:g} and the minimum"
            f" {minimum:g}",
            path=path,
        )
    with np.errstate(over="ignore"):
        return (held.astype(np.float64) + SCALED[kind]) / scale + minimum


def raw(content: bytes, path: Path, kind: int = 4, order: str = "<") -> npt.NDArray[Any]:
    """All elements of ``fwrite``, which says neither number nor type: `kind` is that of
    ``Vector.fread``, 4 being float64. Raises FormatError if the bytes are no whole number."""
    if kind not in RAW:
        raise FormatError(f"there is no type {kind}", path=path, hint="it is from 1 to 5")
    if order not in "<>" or len(order) != 1:
        raise FormatError(f"the order of bytes is no {order!r}", path=path, hint="'<' or '>'")
    dtype = np.dtype(order + RAW[kind])
    if len(content) % dtype.itemsize:
        raise FormatError(
            f"{len(content)} bytes are no whole number of {dtype.itemsize} each", path=path
        )
    held = np.frombuffer(content, dtype)
    return held.astype(dtype.newbyteorder("="))
