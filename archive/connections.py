"""Connections as compressed rows, in the order that the simulator has them wherever it can stay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

import schemas
from archive.entry import ArrayLike
from archive.errors import ContractError

_PREFIX = 4096

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
    if len(pre) != len(post):
        raise ContractError(f"{len(pre)} pre and {len(post)} post indices", entry=where)
    post_ascends = _ascends(post)
    pre_ascends = not post_ascends and _ascends(pre)
    _check(pre, pre_size, "pre", where, ascends=pre_ascends)
    _check(post, post_size, "post", where, ascends=post_ascends)
    order = None
    rows: Literal["post", "pre"] = "pre" if pre_ascends else "post"
    if not post_ascends and not pre_ascends:
        order = np.argsort(post, kind="stable").astype(np.int64)
        pre, post = pre[order], post[order]
    ends, others, size = (post, pre, post_size) if rows == "post" else (pre, post, pre_size)
    pointers = np.searchsorted(ends, np.arange(size + 1, dtype=ends.dtype)).astype(np.int64)
    other_size = pre_size if rows == "post" else post_size
    index = np.int32 if other_size < 2**31 else np.int64
    return Compressed(rows, pointers, others.astype(index, copy=False), order)


def _check(ends: npt.NDArray[Any], size: int, what: str, where: str, *, ascends: bool) -> None:
    """Refuse an index that no neuron has; of indices that ascend the first and last say it."""
    if not len(ends):
        return
    low, high = (ends[0], ends[-1]) if ascends else (ends.min(), ends.max())
    if not (low >= 0 and high < size):
        wrong = low if low < 0 else high
        raise ContractError(f"there is no {what} neuron {wrong} among {size}", entry=where)


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
    # Most that do not ascend say so at once.
    return all(bool(np.all(piece[1:] >= piece[:-1])) for piece in (values[:_PREFIX], values))
