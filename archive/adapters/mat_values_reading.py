"""From what a MATLAB file holds to values of the contract."""

from __future__ import annotations

from typing import Any

import numpy as np

from archive.adapters.mat_found import Chars, Found, Opaque, Sparse, Structs
from archive.entry import Loss
from archive.errors import ContractError
from archive.values import to_schema
from schemas.v1.value import Value

_ROWS = 1 << 20


class Values:
    """Makes values of one variable; what cannot be one is noted in `losses`."""

    def __init__(self, variable: str, losses: list[Loss]) -> None:
        self._variable, self._losses = variable, losses

    def lose(self, where: str, reason: str) -> None:
        """Note that the value in a place is not carried, or not as it is."""
        self._losses.append(Loss(self._variable, where, reason))

    def value(self, found: Found, where: str) -> Value:
        """The value; None, and a loss, for what only MATLAB can read.

        Numbers keep the shape that they have there, of two axes or more, except that one number
        is a number. Text is text, of several rows a list. Cells, and arrays of structs, are lists
        if they are rows or columns, and otherwise lists of lists.
        """
        match found:
            case Chars(rows, shape):
                return self._text(rows, shape, where)
            case Opaque(what):
                self.lose(where, f"{what}, which only MATLAB can read")
                return None
            case Sparse():
                return _rows(found)
            case Structs():
                return self._structs(found, where)
        if found.dtype.hasobject:
            items = np.empty(found.size, object)
            for i, item in enumerate(found.reshape(-1, order="F")):
                items[i] = self.value(item, f"{where}{{{i + 1}}}")
            return _listed(items.reshape(found.shape, order="F"))
        return to_schema(found.reshape(()) if found.size == 1 and found.ndim == 2 else found, where)

    def _text(self, rows: list[str], shape: tuple[int, ...], where: str) -> Value:
        if len(shape) > 2:
            self.lose(where, f"the shape {shape} of a text: it is a list of rows")
        try:
            held = [to_schema(row, where) for row in rows]
        except ContractError as error:
            self.lose(where, error.message)
            return None
        if len(shape) == 2 and (shape[0] == 1 or not held):
            return held[0] if held else ""
        return held

    def _structs(self, found: Structs, where: str) -> Value:
        if found.class_name is not None:
            self.lose(
                where, f"that it is an object of the class {found.class_name!r}: it is a dict"
            )
        items = np.empty(len(found.items), object)
        for i, item in enumerate(found.items):
            place = where if len(items) == 1 else f"{where}({i + 1})"
            items[i] = {
                field: self.value(value, f"{place}.{field}") for field, value in item.items()
            }
        if len(items) == 1:
            only: Value = items[0]
            return only
        if not len(items) and found.fields:
            self.lose(where, f"the fields of no structs at all: {', '.join(found.fields)}"[:200])
        return _listed(items.reshape(found.shape, order="F") if len(items) else items)


def _listed(items: Any) -> Value:
    """Rows and columns as a list, everything else as lists of lists."""
    plain = items.ndim == 2 and (items.size == 0 or 1 in items.shape)
    listed: Value = (items.reshape(-1) if plain else items).tolist()
    return listed


def _rows(found: Sparse) -> Value:
    """A sparse matrix by its rows, as the connections of a snapshot are held; by its columns if it
    has far more rows than values."""
    height, width = found.shape
    facts = {"shape": [height, width], "values": found.values}
    if height > 16 * (len(found.values) + width) + _ROWS:
        by_columns = {"column_pointers": found.starts, "rows": found.rows}
        return to_schema({"sparse": "csc", **facts, **by_columns}, "sparse")
    columns = np.repeat(np.arange(width), np.diff(found.starts))
    order = np.argsort(found.rows, kind="stable")
    counts = np.bincount(found.rows, minlength=height)
    pointers = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    by_rows = {"row_pointers": pointers, "columns": columns[order].astype(np.int64)}
    facts["values"] = found.values[order]
    return to_schema({"sparse": "csr", **facts, **by_rows}, "sparse")
