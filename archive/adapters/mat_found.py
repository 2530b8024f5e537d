"""What a MATLAB file of any version turns out to hold, before it is known whose file it is.

Numbers and logical values are arrays with two axes or more, as MATLAB has them; cells are such
arrays of objects; everything else is one of the classes below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.errors import FormatError

DEPTH = 50  # of cells and structs in each other
# What Python needs for the smallest array, struct or text, which a file has in a few bytes.
ITEM = 300
NO_FIELDS = 1 << 20  # the most structs without a field, which take no bytes


@dataclass(slots=True)
class Chars:
    """A matrix of characters as its rows, with the blanks that pad them."""

    rows: list[str]
    shape: tuple[int, ...]


@dataclass(slots=True)
class Structs:
    """An array of structs with the same fields, column by column. Objects of MATLAB's old classes
    are structs of a class with a name."""

    shape: tuple[int, ...]
    fields: list[str]
    items: list[dict[str, Any]]
    class_name: str | None = None


@dataclass(slots=True)
class Sparse:
    """A sparse matrix (rows, columns) by columns: where each begins, the rows, and the values."""

    shape: tuple[int, int]
    starts: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    values: npt.NDArray[Any]


@dataclass(slots=True)
class Opaque:
    """Something that only MATLAB can read: `what` it is, as "an object of the class string"."""

    what: str


Found = npt.NDArray[Any] | Chars | Structs | Sparse | Opaque


class Budget:
    """What may still be taken into memory. A file of some kilobytes can claim, and unpack to,
    gigabytes; so each array is asked for first."""

    def __init__(self, limit: int) -> None:
        self._limit = self.left = limit

    def spend(self, size: int) -> None:
        """Take so many bytes. Raises FormatError if they are more than is left."""
        self.left -= size
        if self.left < 0:
            raise FormatError(
                f"the file takes more than {self._limit} bytes of memory",
                hint="give higher limits if you trust it",
            )


def sparse(
    shape: Sequence[int],
    starts: npt.NDArray[Any],
    rows: npt.NDArray[Any],
    values: npt.NDArray[Any],
) -> Sparse:
    """A sparse matrix of what a file says; places beyond its last are left out. Raises
    FormatError if that is no matrix."""
    if len(shape) != 2 or min(shape) < 0:
        raise FormatError("a sparse matrix has two axes")
    height, width = shape
    begins = np.asarray(starts).astype(np.int64).reshape(-1)
    if len(begins) != width + 1 or begins[0] != 0 or (np.diff(begins) < 0).any():
        raise FormatError("the columns of a sparse matrix are not sound")
    count = int(begins[-1])
    if count > len(rows) or count > len(values):
        raise FormatError(f"a sparse matrix claims {count} values and has not as many")
    places = np.asarray(rows)[:count].astype(np.int64)
    if count and not 0 <= places.min() <= places.max() < height:
        raise FormatError("a value of a sparse matrix is in none of its rows")
    return Sparse((height, width), begins, places, np.asarray(values)[:count])


def rows_of(units: npt.NDArray[Any], shape: tuple[int, ...], encoding: str) -> Chars:
    """Text of code units that lie column by column."""
    if len(shape) < 2 or units.size != np.prod(shape, dtype=object):
        raise FormatError(f"a text of the shape {shape!r:.60} has {units.size} characters")
    # all but the second axis are rows, in MATLAB's order
    table = np.moveaxis(units.reshape(shape, order="F"), 1, -1)
    flat = table.reshape((-1, shape[1]), order="F")
    texts = [decoded(np.ascontiguousarray(row).tobytes(), encoding) for row in flat]
    return Chars(texts, shape)


def decoded(data: bytes, encoding: str) -> str:
    """Text; halves of pairs of UTF-16 stay as they are, and what is no UTF-8 is latin-1."""
    try:
        return data.decode(encoding, "surrogatepass")
    except UnicodeDecodeError:
        if encoding == "utf-8":
            return data.decode("latin-1")
        raise FormatError("a text is not in the encoding that it says") from None


def distinct(names: list[str]) -> list[str]:
    """The names of fields; one that is there twice, which MATLAB cannot make, has a number."""
    found: dict[str, None] = {}
    for name in names:
        number, free = 1, name
        while free in found:
            number += 1
            free = f"{name}_{number}"
        found[free] = None
    return list(found)
