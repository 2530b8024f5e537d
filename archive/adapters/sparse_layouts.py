"""The elements of a sparse matrix in each of SciPy's formats: row, column and value.

The formats are described in the reference of ``scipy.sparse``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from archive.adapters.npy import Arrays
from archive.errors import FormatError

Elements = tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]


def entries(layout: str, shape: tuple[int, int], arrays: Arrays) -> Elements:
    """Row, column and value of each stored element, (element,).

    Raises FormatError, naming the member, for arrays that make no such matrix.
    """
    if layout in ("csr", "csc"):
        return _compressed(layout, shape, arrays)
    if layout == "coo":
        return _coordinates(arrays)
    if layout == "bsr":
        return _blocks(shape, arrays)
    if layout == "dia":
        return _diagonals(shape, arrays)
    raise FormatError(
        f"the format {layout!r:.40} is not read", hint="convert it: matrix.tocsr()", entry="format"
    )


def _compressed(layout: str, shape: tuple[int, int], arrays: Arrays) -> Elements:
    values = _axes(arrays, "data", 1)
    outer, inner = _pointed(arrays, shape[0] if layout == "csr" else shape[1], len(values))
    return (outer, inner, values) if layout == "csr" else (inner, outer, values)


def _coordinates(arrays: Arrays) -> Elements:
    values = _axes(arrays, "data", 1)
    if "coords" in arrays:
        places = _whole(arrays, "coords", 2)
        if len(places) != 2:
            raise FormatError(f"a matrix of {len(places)} axes is not read", entry="coords")
        rows, columns = places
    else:
        rows, columns = _whole(arrays, "row", 1), _whole(arrays, "col", 1)
    if not len(rows) == len(columns) == len(values):
        raise FormatError(f"{len(rows)} rows and {len(columns)} columns for {len(values)} values")
    return rows, columns, values


def _blocks(shape: tuple[int, int], arrays: Arrays) -> Elements:
    values = _axes(arrays, "data", 3)
    height, width = values.shape[1:]
    if not height or not width or shape[0] % height or shape[1] % width:
        raise FormatError(f"blocks of {height} × {width} in a matrix of {shape}", entry="data")
    outer, inner = _pointed(arrays, shape[0] // height, len(values))
    rows = outer[:, None, None] * height + np.arange(height)[:, None]
    columns = inner[:, None, None] * width + np.arange(width)
    rows, columns = np.broadcast_arrays(rows, columns)
    return _filled(rows.reshape(-1), columns.reshape(-1), values.reshape(-1))


def _diagonals(shape: tuple[int, int], arrays: Arrays) -> Elements:
    values, offsets = _axes(arrays, "data", 2), _whole(arrays, "offsets", 1)
    if len(offsets) != len(values):
        raise FormatError(f"{len(offsets)} offsets for {len(values)} diagonals", entry="offsets")
    if len(offsets) and max(-offsets.min(), offsets.max()) > 2**40:
        raise FormatError("a diagonal lies outside the matrix", entry="offsets")
    columns = np.broadcast_to(np.arange(values.shape[1]), values.shape)
    rows = columns - offsets[:, None]
    inside = (rows >= 0) & (rows < shape[0]) & (columns < shape[1])
    return _filled(rows[inside], columns[inside], values[inside])


def _filled(
    rows: npt.NDArray[Any], columns: npt.NDArray[Any], values: npt.NDArray[Any]
) -> Elements:
    kept = values != 0
    return rows[kept], columns[kept], values[kept]


def _pointed(arrays: Arrays, count: int, stored: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    pointers, indices = _whole(arrays, "indptr", 1), _whole(arrays, "indices", 1)
    if len(indices) != stored:
        raise FormatError(f"{len(indices)} indices for {stored} values", entry="indices")
    if len(pointers) != count + 1 or pointers[0] != 0 or pointers[-1] != stored:
        raise FormatError(
            f"they do not lead through {stored} values in {count} rows", entry="indptr"
        )
    lengths = np.diff(pointers)
    if lengths.min(initial=0) < 0:
        raise FormatError("they do not ascend", entry="indptr")
    return np.repeat(np.arange(count), lengths), indices


def _axes(arrays: Arrays, name: str, axes: int) -> npt.NDArray[Any]:
    if name not in arrays:
        raise FormatError("the matrix lacks it", entry=name)
    if arrays[name].ndim != axes:
        raise FormatError(f"it has {arrays[name].ndim} axes, not {axes}", entry=name)
    return arrays[name]


def _whole(arrays: Arrays, name: str, axes: int) -> npt.NDArray[np.int64]:
    found = _axes(arrays, name, axes)
    if found.dtype.kind not in "iu" and found.size:
        raise FormatError("they are no whole numbers", entry=name)
    if found.size and found.dtype.kind == "u" and found.max() >= 2**63:
        raise FormatError("they are beyond 2**63", entry=name)
    return found.astype(np.int64)
