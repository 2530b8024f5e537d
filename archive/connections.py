"""Connections as compressed rows, in the order that the simulator has them wherever it can stay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

import schemas
from archive.entry import ArrayLike
from archive.errors import ContractError

Indices = npt.NDArray[np.integer[Any]]


class Compressed(NamedTuple):
    """Where connections lead, as a Projection keeps it."""

    rows: Literal["post", "pre"]
    row_pointers: npt.NDArray[np.int64]
    columns: Indices
    order: npt.NDArray[np.int64] | None  # None: as the simulator has them

    def arranged(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Values of the connections (connection,), from the simulator's order to that of rows."""
        return values if self.order is None or len(values) == 1 else values[self.order]

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays of the connections alone, by their names in a Projection."""
        found: dict[str, npt.NDArray[Any]] = {
            "row_pointers": self.row_pointers,
            "columns": self.columns,
        }
        return found if self.order is None else {**found, "order": self.order}


def compressed(
    pre: npt.NDArray[Any], post: npt.NDArray[Any], pre_size: int, post_size: int, where: str
) -> Compressed:
    """Connections given by the indices of their ends, (connection,) each.

    Connections that a simulator keeps neuron by neuron, of either population, stay in its order.
    Raises ContractError, naming `where`, for an index that no neuron has.
    """
    for what, ends, size in (("pre", pre, pre_size), ("post", post, post_size)):
        if len(ends) and not (ends.min() >= 0 and ends.max() < size):
            wrong = ends.min() if ends.min() < 0 else ends.max()
            raise ContractError(f"there is no {what} neuron {wrong} among {size}", entry=where)
    if len(pre) != len(post):
        raise ContractError(f"{len(pre)} pre and {len(post)} post indices", entry=where)
    order = None
    rows: Literal["post", "pre"] = "post"
    if not _ascends(post):
        if _ascends(pre):
            rows = "pre"
        else:
            order = np.argsort(post, kind="stable").astype(np.int64)
            pre, post = pre[order], post[order]
    ends, others, size = (post, pre, post_size) if rows == "post" else (pre, post, pre_size)
    pointers = np.zeros(size + 1, np.int64)
    np.cumsum(np.bincount(ends, minlength=size), out=pointers[1:])
    other_size = pre_size if rows == "post" else post_size
    index = np.int32 if other_size < 2**31 else np.int64
    return Compressed(rows, pointers, others.astype(index, copy=False), order)


def ends(
    model: schemas.Projection, arrays: Mapping[str, ArrayLike]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The indices of sending and receiving neurons, (connection,), in the simulator's order."""
    pointers, columns = np.asarray(arrays["row_pointers"]), np.asarray(arrays["columns"])
    rows = np.repeat(np.arange(len(pointers) - 1, dtype=columns.dtype), np.diff(pointers))
    rows, columns = native_order(arrays, rows), native_order(arrays, columns)
    return (columns, rows) if model.rows == "post" else (rows, columns)


def native_order(arrays: Mapping[str, ArrayLike], values: ArrayLike) -> npt.NDArray[Any]:
    """Values of the connections of a Projection, in the order that the simulator had them."""
    held = np.asarray(values)
    if "order" not in arrays or len(held) == 1:
        return held
    found = np.empty_like(held)
    found[np.asarray(arrays["order"])] = held
    return found


def _ascends(values: npt.NDArray[Any]) -> bool:
    return bool(np.all(values[1:] >= values[:-1]))
