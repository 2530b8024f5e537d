"""Files of GNU dbm, in its three layouts and either byte order.

The layout is that of the library's ``gdbmdefs.h`` and ``gdbmconst.h``: a header, a directory of
the places of buckets, buckets of a fixed number of slots, and the keys and values where the slots
point. Offsets have 32 or 64 bits.
"""

from __future__ import annotations

from archive.adapters.dbm_files import Pages, Pairs
from archive.errors import FormatError

# The oldest has the offsets that the machine had; the others say of how many bits they are.
_OLD, _32, _64 = 0x13579ACE, 0x13579ACD, 0x13579ACF
_NUMSYNC = {0x13579AD0: _32, 0x13579AD1: _64}
_SMALL = 4  # bytes of a key that stand in the slot
_AVAIL = 6  # entries of free space in a bucket


def layout_of(start: bytes) -> tuple[str, int] | None:
    """Byte order and magic number of a file that begins so; None if it is none of GNU dbm."""
    for order in "<>":
        magic = int.from_bytes(start[:4], "little" if order == "<" else "big")
        magic = _NUMSYNC.get(magic, magic)
        if magic in (_OLD, _32, _64):
            return order, magic
    return None


def pairs(data: bytes) -> Pairs:
    """The pairs of a file. Raises FormatError for damage."""
    layout = layout_of(data)
    if layout is None:
        raise FormatError("this is no file of GNU dbm")
    order, magic = layout
    file = Pages(data, order)
    wide = magic == _64 or (magic == _OLD and _is_wide(file))
    offset = "q" if wide else "i"
    # size of a block, place, size and bits of the directory, size and slots of a bucket
    block, directory, size, bits, bucket, slots = file.numbers(f"i{offset}iiii", 4)
    first, step = _bucket_layout(wide)
    if not (0 < block <= 1 << 26 and 0 < bucket <= 1 << 26 and 0 <= bits < 32):
        raise FormatError("the header of the file is not sound")
    if size <= 0 or directory <= 0 or directory + size > len(data):
        raise FormatError("the directory does not lie in the file")
    if not (slots > 0 and first + slots * step <= bucket):
        raise FormatError(f"a bucket of {bucket} bytes claims {slots} slots")
    width = 8 if wide else 4
    places = file.numbers(f"{size // width}{offset}", directory)
    for place in dict.fromkeys(places):
        yield from _bucket(file, place, slots, offset)


def _bucket_layout(wide: bool) -> tuple[int, int]:
    """Where the slots of a bucket begin, and how long one is."""
    # Count and list of free space, the bits of the hash that the bucket stands for, and a count;
    # a slot has the hash, the beginning of the key, its place, and two sizes.
    return (8 + _AVAIL * 16 + 8, 24) if wide else (4 + _AVAIL * 8 + 8, 20)


def _bucket(file: Pages, place: int, slots: int, offset: str) -> Pairs:
    first, step = _bucket_layout(offset == "q")
    (count,) = file.numbers("i", place + first - 4)
    if not 0 <= count <= slots:
        raise FormatError(f"a bucket claims {count} keys in {slots} slots")
    file.spend(slots * step)  # buckets that lie in one another are walked again and again
    found = 0
    for number in range(slots):
        at = place + first + number * step
        (hashed,) = file.numbers("i", at)
        if hashed == -1:
            continue
        place_of, key_size, size = file.numbers(f"{offset}ii", at + 4 + _SMALL)
        if key_size < 0 or size < 0:
            raise FormatError("a key or value has a size below zero")
        key = file.take(place_of, key_size)
        found += 1
        yield key, file.take(place_of + key_size, size)
    if found != count:
        raise FormatError(f"a bucket has {found} keys and claims {count}")


def _is_wide(file: Pages) -> bool:
    """Of how many bits the offsets of the oldest layout are: the directory takes whole blocks,
    and a bucket's slots fill it."""
    for wide, form in ((True, "iqiiii"), (False, "iiiiii")):
        _, directory, size, bits, bucket, slots = file.numbers(form, 4)
        first, step = _bucket_layout(wide)
        if (
            directory > 0
            and 0 < size == (8 if wide else 4) * (1 << bits if 0 <= bits < 32 else 0)
            and directory + size <= len(file.data)
            and 0 < slots == (bucket - first) // step
        ):
            return wide
    return True
