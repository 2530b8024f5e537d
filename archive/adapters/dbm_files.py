"""The database files below Python's shelves, read without the libraries that wrote them.

Each reader gives pairs of key and value, both bytes. What a file says of places and sizes is
checked against the file; FormatErrors are without a path. `Pages.spend` bounds how much a file
makes of itself: pages that point to one another can name the same bytes again and again.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from archive.errors import FormatError

Pairs = Iterator[tuple[bytes, bytes]]


class Pages:
    """The bytes of a file, read at places that lie in it."""

    def __init__(self, data: bytes, order: str = "<") -> None:
        self.data = data
        self.order = order
        self._left = 4 * len(data) + (1 << 20)

    def numbers(self, form: str, at: int) -> tuple[int, ...]:
        """Integers by their codes of `struct`, in the order of the file."""
        size = struct.calcsize(self.order + form)
        if at < 0 or at + size > len(self.data):
            raise FormatError(f"the file ends before byte {at + size}")
        found: tuple[int, ...] = struct.unpack_from(self.order + form, self.data, at)
        return found

    def take(self, at: int, size: int) -> bytes:
        """Bytes from a place on; all that is taken counts towards the budget."""
        if at < 0 or size < 0 or at + size > len(self.data):
            raise FormatError(f"{size} bytes at byte {at} are not in the file")
        self.spend(size)
        return self.data[at : at + size]

    def spend(self, size: int) -> None:
        """Raise FormatError where a file takes far more out of itself than it has."""
        self._left -= size + 16
        if self._left < 0:
            raise FormatError("the file points to the same bytes again and again")


def paired(items: list[bytes]) -> Pairs:
    """Keys and values that follow one another."""
    if len(items) % 2:
        raise FormatError("a key has no value")
    yield from zip(items[::2], items[1::2], strict=True)
