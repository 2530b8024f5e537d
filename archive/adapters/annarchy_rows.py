"""What ANNarchy has for each connection, in all the shapes that its files have it in.

It is a list of rows, one for each receiving neuron of ``post_ranks``: a list of lists, an array
of two axes where all rows are equally long, an array of objects where they are not. A file of
MATLAB has cells for objects, and two axes everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from archive.errors import FormatError

Numbers = npt.NDArray[Any]


class Rows(NamedTuple):
    """Values of all connections, row after row, and how many each row has."""

    values: Numbers
    lengths: npt.NDArray[np.int64]


def numbers(value: Any, where: str, *, whole: bool = False) -> Numbers:
    """A list or array of numbers as an array of one axis; whole numbers stay such.

    Raises FormatError, naming `where`, for anything else, and with `whole` for fractions.
    """
    try:
        found = _flat(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise FormatError("they are no plain numbers", entry=where) from error
    if found.size == 0:
        return found.astype(np.int64 if whole else found.dtype)
    if found.dtype.kind not in "biuf":
        raise FormatError("they are no plain numbers", entry=where)
    if whole:
        exact = found.astype(np.int64) if found.dtype.kind in "biu" else _whole(found)
        if exact is None:
            raise FormatError("they are no whole numbers", entry=where)
        return exact
    return found


def _whole(values: Numbers) -> Numbers | None:
    if not np.isfinite(values).all() or np.abs(values).max() >= 2**53:
        return None
    exact = values.astype(np.int64)
    return exact if np.array_equal(exact, values) else None


def _flat(value: Any) -> Numbers:
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return value.reshape(-1)
    if isinstance(value, np.ndarray):
        value = [_one(item) for item in value.reshape(-1)]
    elif not isinstance(value, (list, tuple)):
        value = [value]
    return np.array(value) if len(value) else np.empty(0)


def _one(item: Any) -> Any:
    """A number in a cell of MATLAB is an array of one element."""
    return item.reshape(-1)[0] if isinstance(item, np.ndarray) and item.size == 1 else item


def is_single(value: Any) -> bool:
    """Whether it is one number: also an array without axes, or with one element in each."""
    if isinstance(value, np.ndarray):
        return value.size == 1 and (not value.dtype.hasobject or is_single(value.reshape(-1)[0]))
    if isinstance(value, (list, tuple)):
        return len(value) == 1 and is_single(value[0])
    return isinstance(value, (bool, int, float, np.number, np.bool_))


def single(value: Any) -> Any:
    """That number, as Python has it."""
    while isinstance(value, (np.ndarray, list, tuple)):
        value = value.reshape(-1)[0] if isinstance(value, np.ndarray) else value[0]
    return value.item() if isinstance(value, np.generic) else value


def rows(value: Any, count: int, where: str, *, whole: bool = False) -> Rows:
    """The rows, of which there are to be `count`. Raises FormatError if there are others."""
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return _matrix(value, count, where, whole)
    listed = _listed(value, count, where)
    if len(listed) != count:
        raise FormatError(f"{len(listed)} rows for {count} neurons", entry=where)
    flat: Any
    if all(isinstance(row, (list, tuple)) for row in listed):
        lengths = np.fromiter(map(len, listed), np.int64, count)
        flat = list(chain.from_iterable(listed))
    else:
        parts = [numbers(row, where, whole=whole) for row in listed]
        lengths = np.fromiter(map(len, parts), np.int64, count)
        # an empty array has no whole numbers, and would make fractions of those of the others
        held = [part for part in parts if len(part)]
        flat = np.concatenate(held) if held else []
    return Rows(numbers(flat, where, whole=whole), lengths)


def _matrix(value: Numbers, count: int, where: str, whole: bool) -> Rows:
    if value.size == 0 and (count == 0 or value.ndim < 2):
        return Rows(numbers(value, where, whole=whole), np.zeros(count, np.int64))
    if value.ndim == 1 and count == 1:
        value = value.reshape(1, -1)
    if value.ndim == 1 and len(value) == count:
        value = value.reshape(count, 1)
    if value.ndim != 2 or value.shape[0] != count:
        raise FormatError(f"an array of {value.shape} for {count} neurons", entry=where)
    return Rows(numbers(value, where, whole=whole), np.full(count, value.shape[1], dtype=np.int64))


def _listed(value: Any, count: int, where: str) -> Sequence[Any]:
    if isinstance(value, (list, tuple)):
        return value
    if not isinstance(value, np.ndarray):
        raise FormatError(f"a {type(value).__name__} in place of rows", entry=where)
    if value.ndim == 2 and value.shape[0] == count and not _holds_rows(value, count):
        return list(value)
    return list(value.reshape(-1))


def _holds_rows(value: npt.NDArray[Any], count: int) -> bool:
    """Of cells (1, count): whether each is a row of its own, not one number of one row."""
    if value.shape[1] != count and value.size != count:
        return False
    return any(np.ndim(item) and np.size(item) != 1 for item in value.reshape(-1))
