"""HDF5's global heaps, in which texts of variable length lie, looked at before HDF5 reads them.

HDF5 2.0 walks from object to object of a heap by the sizes that stand there, and never returns from
one that takes no bytes: a free one of size 0, as where zeros were written over it, or one of almost
2**64 bytes, where its sum of head and size is 0 (HDF5 File Format Specification, II and III.E).
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from archive.errors import FormatError

_SIGNATURE = b"GCOL\x01"
_SUPERBLOCK = b"\x89HDF\r\n\x1a\n"
_WIDTH_AT = {0: 14, 1: 14, 2: 10, 3: 10}  # of lengths, in a superblock of each version
_HEAD = 16  # bytes before the objects, and of the head of each; also where lengths have fewer bytes
_LIMIT = 1 << 30  # a larger file is looked through only in its beginning and its end
_ENDS = 1 << 26


def check_heaps(path: Path, *, whole: bool = False) -> int:
    """How many bytes the largest object of all heaps takes. Raises FormatError if HDF5 would not
    return from a heap of the file. With `whole` a file over 1 GB is looked through, too."""
    size = path.stat().st_size
    if not size:
        return 0
    stretches = [(0, size)] if whole or size <= _LIMIT else [(0, _ENDS), (size - _ENDS, size)]
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        walk = _Walk(content, path)
        for begin, end in stretches:
            at = content.find(_SIGNATURE, begin, end)
            while at >= 0:
                walk.through(at)
                at = content.find(_SIGNATURE, at + 1, end)
    return walk.largest


class _Walk:
    """Walks as HDF5 does. Heaps do not lie in each other, so that there are never more objects in
    all than the file has room for."""

    def __init__(self, content: mmap.mmap, path: Path) -> None:
        self._content, self._path = content, path
        self._mask = (1 << 8 * _width(content, path)) - 1
        self._left = 2 * len(content) // _HEAD
        self.largest = 0

    def through(self, at: int) -> None:
        """Go from object to object of the heap that begins there, up to its end."""
        if at + _HEAD > len(self._content):
            return
        (length,) = struct.unpack_from("<Q", self._content, at + 8)
        end = min(at + (length & self._mask), len(self._content))
        at += _HEAD
        while at + _HEAD <= end:
            index, taken = struct.unpack_from("<H6xQ", self._content, at)
            taken &= self._mask
            # the size of what is free is with its head, of an object without, to the next multiple
            # of 8, in the 64 bits that HDF5 has for it
            step = taken if index == 0 else (_HEAD + (taken + 7) % 2**64 // 8 * 8) % 2**64
            if not step:
                raise FormatError(
                    "the file is damaged: a heap of texts has no end", path=self._path
                )
            self._left -= 1
            if self._left < 0:
                raise FormatError("its heaps of texts lie in each other", path=self._path)
            at += step
            if index and at <= end:
                self.largest = max(self.largest, step)


def _width(content: mmap.mmap, path: Path) -> int:
    """How many bytes a length has."""
    at = 0
    while at < len(content) and content[at : at + 8] != _SUPERBLOCK:
        at = 2 * at or 512
    place = _WIDTH_AT.get(content[at + 8]) if at + 8 < len(content) else None
    if place is None or at + place >= len(content):
        return 8  # of what HDF5 does not open
    width = content[at + place]
    if width not in (2, 4, 8):
        raise FormatError(f"its lengths have {width} bytes", path=path)
    return width
