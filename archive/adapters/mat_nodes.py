"""What a MATLAB file is made of, whatever its version.

A node is None (an empty matrix), text, or one of the classes below. Arrays may still lie on
disk, and the elements of a struct array are made while they are written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from archive.entry import ArrayLike


@dataclass(frozen=True, slots=True)
class Numbers:
    """An array of a dtype that MATLAB has: bool, integers, float32, float64 and their complex."""

    data: ArrayLike

    @property
    def shape(self) -> tuple[int, ...]:
        """At least two-dimensional, as all of MATLAB's: a vector is a column."""
        shape = tuple(self.data.shape)
        return shape + (1,) * (2 - len(shape))


@dataclass(frozen=True, slots=True)
class Texts:
    """A column of texts."""

    texts: Sequence[str]


@dataclass(frozen=True, slots=True)
class Cell:
    """A column of anything."""

    items: Sequence[Node]


@dataclass(frozen=True, slots=True)
class Struct:
    """Values by name; the names are valid in MATLAB."""

    fields: Mapping[str, Node]


@dataclass(frozen=True, slots=True)
class StructArray:
    """`count` structs with the same fields; one that an element lacks is an empty matrix.
    `item` is what one element is called where a format has no arrays of structs."""

    item: str
    fields: Sequence[str]
    count: int
    elements: Iterable[Mapping[str, Node]]


Node = None | str | Numbers | Texts | Cell | Struct | StructArray
