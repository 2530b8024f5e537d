"""The SQLite files of ``dbm.sqlite3``, which Python's shelves are from 3.13 on, read from bytes.

The layout is that of https://www.sqlite.org/fileformat2.html: pages of cells, of which those of a
table's tree have a row number and a record. Only the table ``Dict`` is read, and nothing of what
SQL a file holds is run. What a program that ended early left in the ``-wal`` file beside is taken
as SQLite takes it: up to the last whole transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archive.adapters.dbm_files import Pages, Pairs
from archive.errors import FormatError

MAGIC = b"SQLite format 3\0"
TABLE = "Dict"
_LEAF, _INNER = 13, 5
_DEPTH = 40
_WAL = {0x377F0682: "<", 0x377F0683: ">"}  # by the byte order of its checksums
_ENCODINGS = {0: "utf-8", 1: "utf-8", 2: "utf-16-le", 3: "utf-16-be"}


def has_table(start: bytes) -> bool:
    """Whether a file that begins so is SQLite and speaks of such a table."""
    return start.startswith(MAGIC) and says_table(start)


def says_table(page: bytes) -> bool:
    """Whether the statement that makes the table stands in some bytes."""
    return b"Dict" in page and b"key BLOB" in page


def pairs(data: bytes, wal: bytes = b"") -> Pairs:
    """The pairs of a shelf. Raises FormatError for damage and for other databases."""
    for row in _Database(data, wal).table(TABLE):
        if len(row) != 2 or not all(isinstance(item, bytes) for item in row):
            raise FormatError(f"the table {TABLE} is not that of a shelf")
        yield row[0], row[1]


class _Database:
    """The pages of a file, those of its log before them."""

    def __init__(self, data: bytes, wal: bytes) -> None:
        if not data.startswith(MAGIC) or len(data) < 100:
            raise FormatError("this is no file of SQLite")
        size = int.from_bytes(data[16:18], "big")
        self._size = 65536 if size == 1 else size
        if self._size < 512 or self._size & (self._size - 1):
            raise FormatError(f"a file of SQLite has pages of {size} bytes")
        self._newer = dict(_frames(wal, self._size))
        self._file = Pages(data, ">")
        # what is in the log counts like what is in the file
        self._file.spend(-4 * len(wal))
        self._usable = self._size - data[20]
        if self._usable < 480:
            raise FormatError("a file of SQLite has no space in its pages")
        self._encoding = _ENCODINGS.get(int.from_bytes(self._page(1)[56:60], "big"), "")

    def table(self, name: str) -> Iterator[list[Any]]:
        """The rows of a table."""
        for row in self._rows(1, set(), 0):
            if len(row) == 5 and row[0] == "table" and row[2] == name:
                if not isinstance(row[3], int):
                    raise FormatError(f"the table {name} has no place")
                yield from self._rows(row[3], set(), 0)
                return
        raise FormatError(f"there is no table {name}: this is no shelf")

    def _page(self, number: int) -> bytes:
        if number in self._newer:
            self._file.spend(self._size)
            return self._newer[number]
        return self._file.take((number - 1) * self._size, self._size)

    def _rows(self, number: int, seen: set[int], depth: int) -> Iterator[list[Any]]:
        """The rows below a page of a table's tree, in the order of their numbers."""
        if number in seen or depth > _DEPTH:
            raise FormatError("the pages of a table lead back to themselves")
        seen.add(number)
        page = Pages(self._page(number), ">")
        start = 100 if number == 1 else 0
        kind = page.data[start]
        (count,) = page.numbers("H", start + 3)
        if kind == _INNER:
            places = page.numbers(f"{count}H", start + 12)
            for at in places:
                yield from self._rows(page.numbers("I", at)[0], seen, depth + 1)
            yield from self._rows(page.numbers("I", start + 8)[0], seen, depth + 1)
        elif kind == _LEAF:
            for at in page.numbers(f"{count}H", start + 8):
                yield self._record(self._payload(page, at))
        else:
            raise FormatError(f"a page of a table is of the kind {kind}")

    def _payload(self, page: Pages, at: int) -> bytes:
        """What a cell holds, with what of it lies on pages of its own."""
        size, at = _varint(page.data, at)
        _, at = _varint(page.data, at)
        if size > len(self._file.data) + len(self._newer) * self._size:
            raise FormatError(f"a row claims {size} bytes")
        largest, smallest = self._usable - 35, (self._usable - 12) * 32 // 255 - 23
        if size <= largest:
            return page.take(at, size)
        here = smallest + (size - smallest) % (self._usable - 4)
        here = smallest if here > largest else here
        parts, left = [page.take(at, here)], size - here
        (following,) = page.numbers("I", at + here)
        while left > 0:
            if following == 0:
                raise FormatError("a row ends too early")
            content = Pages(self._page(following), ">")
            (following,) = content.numbers("I", 0)
            parts.append(content.data[4 : 4 + min(left, self._usable - 4)])
            left -= len(parts[-1])
        return b"".join(parts)

    def _record(self, data: bytes) -> list[Any]:
        """The values of a row: numbers that say what they are, and then they."""
        head, at = _varint(data, 0)
        if head > len(data):
            raise FormatError("a row has no sound beginning")
        kinds = []
        while at < head:
            kind, at = _varint(data, at)
            kinds.append(kind)
        values: list[Any] = []
        for kind in kinds:
            size = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)[kind] if kind < 10 else (kind - 12) // 2
            if kind in (10, 11) or at + size > len(data):
                raise FormatError("a row has a value that does not lie in it")
            values.append(self._value(kind, data[at : at + size]))
            at += size
        return values

    def _value(self, kind: int, data: bytes) -> Any:
        if kind == 0:
            return None
        if kind in (8, 9):
            return kind - 8
        if kind < 7:
            return int.from_bytes(data, "big", signed=True)
        if kind == 7:
            return None  # a float, which no table of shelves has
        return data if kind % 2 == 0 else data.decode(self._encoding or "utf-8", "replace")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where it ends."""
    value = 0
    for place in range(9):
        if not 0 <= at + place < len(data):
            raise FormatError("a number lies outside its page")
        byte = data[at + place]
        if place == 8:
            return value << 8 | byte, at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + place + 1
    raise AssertionError


def _frames(wal: bytes, size: int) -> Iterator[tuple[int, bytes]]:
    """The pages in a log, up to the last of its transactions that is whole."""
    if len(wal) < 32:
        return
    order = _WAL.get(int.from_bytes(wal[:4], "big"))
    if order is None or int.from_bytes(wal[8:12], "big") != size:
        return
    salt, total = wal[16:24], _checksum(wal[:24], (0, 0), order)
    if total != _stored(wal[24:32]):
        return
    waiting: list[tuple[int, bytes]] = []
    for start in range(32, len(wal) - size - 23, size + 24):
        head, page = wal[start : start + 24], wal[start + 24 : start + 24 + size]
        total = _checksum(page, _checksum(head[:8], total, order), order)
        if head[8:16] != salt or total != _stored(head[16:24]):
            return
        waiting.append((int.from_bytes(head[:4], "big"), page))
        if head[4:8] != b"\0\0\0\0":  # the transaction ends here
            yield from waiting
            waiting = []


def _stored(data: bytes) -> tuple[int, int]:
    return int.from_bytes(data[:4], "big"), int.from_bytes(data[4:], "big")


def _checksum(data: bytes, total: tuple[int, int], order: str) -> tuple[int, int]:
    one, two = total
    file = Pages(data, order)
    words = file.numbers(f"{len(data) // 4}I", 0)
    for first, second in zip(words[::2], words[1::2], strict=True):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return one, two
