"""Hash files of Berkeley DB, as ``dbhash`` of Python 2 and the ``ndbm`` of many systems write.

Versions 7 to 10 of the hash (libraries 3.3 to 6.2), in either byte order. The layout is that of
the library's ``dbinc/db_page.h``: a first page that describes the file, and pages of a header of
26 bytes, offsets of the items, and the items from the end downwards.
"""

from __future__ import annotations

from archive.adapters.dbm_files import Pages, Pairs, paired
from archive.errors import FormatError

MAGIC = 0x00061561
_AT_MAGIC = 12
_HEADER = 26
_HASH_UNSORTED, _OVERFLOW, _HASH = 2, 7, 13
_KEYDATA, _DUPLICATE, _OFFPAGE, _OFFDUP, _BLOB = 1, 2, 3, 4, 5
_SIZES = tuple(1 << bits for bits in range(9, 17))
_VERSIONS = range(7, 11)


def order_of(start: bytes) -> str | None:
    """The byte order of a hash file that begins so; None if it is none."""
    magic = start[_AT_MAGIC : _AT_MAGIC + 4]
    if magic == MAGIC.to_bytes(4, "little"):
        return "<"
    return ">" if magic == MAGIC.to_bytes(4, "big") else None


def pairs(data: bytes) -> Pairs:
    """The pairs of a hash file. Raises FormatError for damage, encryption and duplicate keys."""
    order = order_of(data)
    if order is None:
        raise FormatError("this is no hash file of Berkeley DB")
    file = Pages(data, order)
    version, size, encrypted, kind, _, _, _, last = file.numbers("IIBBBBII", 16)
    if version not in _VERSIONS:
        raise FormatError(f"a hash file of Berkeley DB of version {version} is not read")
    if encrypted or kind != 8:
        raise FormatError("the file of Berkeley DB is encrypted, or no hash")
    if size not in _SIZES:
        raise FormatError(f"a file of Berkeley DB has pages of {size} bytes")
    if (last + 1) * size > len(data):
        raise FormatError(f"the file ends before its last page, {last}")
    for start in range(size, len(data) - _HEADER + 1, size):
        if data[start + 25] in (_HASH, _HASH_UNSORTED):
            yield from paired(_items(file, start, size))


def _items(file: Pages, start: int, size: int) -> list[bytes]:
    """Keys and values of one page."""
    (count,) = file.numbers("H", start + 20)
    if _HEADER + 2 * count > size:
        raise FormatError(f"a page claims {count} items")
    items, end = [], size
    for offset in file.numbers(f"{count}H", start + _HEADER):
        if not _HEADER + 2 * count <= offset < end:
            raise FormatError("the items of a page lie in one another")
        items.append(_item(file, start + offset, end - offset, size))
        end = offset
    return items


def _item(file: Pages, at: int, length: int, size: int) -> bytes:
    kind = file.data[at] if at < len(file.data) else 0
    if kind == _KEYDATA:
        return file.take(at + 1, length - 1)
    if kind == _OFFPAGE and length >= 12:
        page, total = file.numbers("II", at + 4)
        return _overflow(file, page, total, size)
    if kind in (_DUPLICATE, _OFFDUP):
        raise FormatError("a key has several values, which a shelf has not")
    raise FormatError(f"an item of the kind {kind} is not read")


def _overflow(file: Pages, page: int, total: int, size: int) -> bytes:
    """An item that lies on pages of its own, each of which names the next."""
    if total > len(file.data):
        raise FormatError(f"an item claims {total} bytes")
    parts, found = [], 0
    while found < total:
        start = page * size
        next_page, _, here, _, kind = file.numbers("IHHBB", start + 16)
        if page == 0 or kind != _OVERFLOW or not 0 < here <= size - _HEADER:
            raise FormatError("an item leads to a page that is none of it")
        parts.append(file.take(start + _HEADER, here))
        found += here
        page = next_page
    if found != total:
        raise FormatError(f"an item has {found} bytes and claims {total}")
    return b"".join(parts)
