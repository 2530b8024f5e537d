"""Hash files of Berkeley DB 1.85, as ``ndbm`` of macOS and the BSDs writes them, named ``.db``.

The layout is that of ``hash.h``, ``page.h`` and ``hash_bigkey.c`` in the BSDs' libc. A header says
how many buckets there are, and how many pages lie before each doubling of them. A page begins with
the number of its 16-bit entries; two entries are a key and its value, which lie from the end of the
page downwards, or, where the second is below 4, say that a pair goes on elsewhere.
"""

from __future__ import annotations

from collections.abc import Generator

from archive.adapters.dbm_files import Pages, Pairs
from archive.errors import FormatError

MAGIC = 0x00061561
_ORDERS = {1234: "<", 4321: ">"}
_OVERFLOW, _PART_OF_KEY, _KEY, _KEY_AND_DATA, _REAL = 0, 1, 2, 3, 4
_SPARES, _SPLIT = 32, 11


def order_of(start: bytes) -> str | None:
    """The byte order of the pages of such a file that begins so; None if it is none."""
    if len(start) < 12:
        return None
    magic, version, order = Pages(start, ">").numbers("III", 0)
    return _ORDERS.get(order) if magic == MAGIC and version in (1, 2) else None


def pairs(data: bytes) -> Pairs:
    """The pairs of a file. Raises FormatError for damage."""
    order = order_of(data)
    if order is None:
        raise FormatError("this is no hash file of Berkeley DB 1.85")
    yield from _Hash(Pages(data, order)).pairs()


class _Hash:
    """One file: where its pages lie, and what is on them."""

    def __init__(self, file: Pages) -> None:
        self._file = file
        head = Pages(file.data, ">")  # whatever the order of the pages is
        (self._size,) = head.numbers("I", 12)
        (self._last,) = head.numbers("I", 40)
        (self._header,) = head.numbers("I", 60)
        self._spares = head.numbers(f"{_SPARES}I", 68)
        if not 64 <= self._size <= 65536 or self._size & (self._size - 1):
            raise FormatError(f"the file has pages of {self._size} bytes")
        if self._last >= len(file.data) // self._size + 1:
            raise FormatError(f"the file claims {self._last + 1} buckets")

    def pairs(self) -> Pairs:
        for bucket in range(self._last + 1):
            start: int | None = self._place(bucket)
            seen: set[int] = set()
            while start is not None:
                if start in seen:
                    raise FormatError("the pages of a bucket lead back to themselves")
                seen.add(start)
                entries = self._entries(start)
                if len(entries) > 1 and entries[1] in (_PART_OF_KEY, _KEY, _KEY_AND_DATA):
                    pair, start = self._long_pair(start, entries)
                    yield pair
                else:
                    start = yield from self._short_pairs(start, entries)

    def _short_pairs(
        self, start: int, entries: tuple[int, ...]
    ) -> Generator[tuple[bytes, bytes], None, int | None]:
        """The pairs of one page; in the end the page that follows, or None."""
        end = self._size
        for key, value in zip(entries[::2], entries[1::2], strict=False):
            if value == _OVERFLOW:
                return self._overflow(key)
            if value < _REAL or not value <= key <= end:
                raise FormatError("the pairs of a page lie in one another")
            yield self._take(start, key, end), self._take(start, value, key)
            end = value
        return None

    def _long_pair(
        self, start: int, entries: tuple[int, ...]
    ) -> tuple[tuple[bytes, bytes], int | None]:
        """A pair that lies on pages of its own, and the page that follows them."""
        key: list[bytes] = []
        value: list[bytes] = []
        while entries[1] == _PART_OF_KEY:
            key.append(self._take(start, entries[0], self._size))
            start, entries = self._next(entries)
        key.append(self._take(start, entries[0], self._size))
        whole = False
        if entries[1] == _KEY_AND_DATA and len(entries) >= 4:
            value.append(self._take(start, entries[-1], entries[0]))
            # where no byte is free the value goes on
            whole = self._file.numbers("H", start + 2 + 2 * len(entries))[0] != 0
        elif entries[1] != _KEY:
            raise FormatError("a long key has no end")
        while not whole:
            start, entries = self._next(entries)
            value.append(self._take(start, entries[0], self._size))
            whole = entries[1] == _KEY_AND_DATA
        following = self._overflow(entries[-2]) if len(entries) > 2 else None
        return (b"".join(key), b"".join(value)), following

    def _next(self, entries: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
        if len(entries) < 4:
            raise FormatError("a long pair ends too early")
        start = self._overflow(entries[-2])
        found = self._entries(start)
        if len(found) < 2:
            raise FormatError("a long pair leads to an empty page")
        return start, found

    def _entries(self, start: int) -> tuple[int, ...]:
        (count,) = self._file.numbers("H", start)
        if count % 2 or 2 * count + 6 > self._size:
            raise FormatError(f"a page claims {count} entries")
        self._file.spend(2 * count)
        return self._file.numbers(f"{count}H", start + 2)

    def _take(self, start: int, first: int, end: int) -> bytes:
        if not 0 <= first <= end <= self._size:
            raise FormatError("an item does not lie in its page")
        return self._file.take(start + first, end - first)

    def _place(self, bucket: int) -> int:
        """Where a bucket begins: behind the header, the buckets before it, and their spares."""
        spare = self._spares[bucket.bit_length() - 1] if bucket else 0
        return (bucket + self._header + spare) * self._size

    def _overflow(self, address: int) -> int:
        split, number = address >> _SPLIT, address & ((1 << _SPLIT) - 1)
        if split >= _SPARES or not number:
            raise FormatError("a page leads to no other")
        return self._place((1 << split) - 1) + number * self._size
