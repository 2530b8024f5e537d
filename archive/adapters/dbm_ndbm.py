"""The old ``ndbm``, as Solaris and the BSDs had it, and ``sdbm``: a ``.pag`` file of blocks.

A block of 1024 bytes begins with the number of its items and the places where they begin, each
of 16 bits; the items, keys and values in turn, lie from its end downwards. The ``.dir`` file says
only where to look for a key, and is not needed.
"""

from __future__ import annotations

from io import BytesIO
from typing import IO

from archive.adapters.dbm_files import Pages, Pairs, paired
from archive.errors import FormatError

BLOCK = 1024


def order_of(file: IO[bytes]) -> str | None:
    """The byte order in which all blocks are sound; None if they are so in neither, or there are
    none. Of the file no more than a block is in memory."""
    orders = "<>"
    some = False
    while orders and (block := file.read(BLOCK)):
        some = True
        orders = "".join(order for order in orders if _is_sound(Pages(block, order)))
    return orders[0] if some and orders else None


def pairs(data: bytes) -> Pairs:
    """The pairs of a file. Raises FormatError for damage."""
    order = order_of(BytesIO(data)) if data else "<"
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


def _is_sound(block: Pages) -> bool:
    if len(block.data) != BLOCK:
        return False
    (count,) = block.numbers("H", 0)
    if count % 2 or 2 + 2 * count > BLOCK:
        return False
    end = BLOCK
    for offset in _offsets(block, 0):
        if not 2 + 2 * count <= offset <= end:
            return False
        end = offset
    return True
