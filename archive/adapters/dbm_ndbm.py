"""The old ``ndbm``, as Solaris and the BSDs had it, and ``sdbm``: a ``.pag`` file of blocks.

A block of 1024 bytes begins with the number of its items and the places where they begin, each
of 16 bits; the items, keys and values in turn, lie from its end downwards. The ``.dir`` file says
only where to look for a key, and is not needed.
"""

from __future__ import annotations

from archive.adapters.dbm_files import Pages, Pairs, paired
from archive.errors import FormatError

BLOCK = 1024


def order_of(data: bytes) -> str | None:
    """The byte order in which all blocks are sound; None if they are so in neither."""
    if len(data) % BLOCK:
        return None
    for order in "<>":
        file = Pages(data, order)
        if all(_is_sound(file, start) for start in range(0, len(data), BLOCK)):
            return order
    return None


def pairs(data: bytes) -> Pairs:
    """The pairs of a file. Raises FormatError for damage."""
    order = order_of(data)
    if order is None:
        raise FormatError("a block of the file is not sound")
    file = Pages(data, order)
    for start in range(0, len(data), BLOCK):
        items, end = [], BLOCK
        for offset in _offsets(file, start):
            items.append(file.take(start + offset, end - offset))
            end = offset
        yield from paired(items)


def _offsets(file: Pages, start: int) -> tuple[int, ...]:
    (count,) = file.numbers("H", start)
    return file.numbers(f"{count}H", start + 2)


def _is_sound(file: Pages, start: int) -> bool:
    (count,) = file.numbers("H", start)
    if count % 2 or 2 + 2 * count > BLOCK:
        return False
    end = BLOCK
    for offset in _offsets(file, start):
        if not 2 + 2 * count <= offset <= end:
            return False
        end = offset
    return True
