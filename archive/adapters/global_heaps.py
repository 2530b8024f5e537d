"""HDF5's global heaps, in which texts of variable length lie, looked at before HDF5 reads them.

HDF5 2.0 walks from object to object of a heap by the sizes that stand there, and never returns from
a free one of size 0, as where zeros were written over it (HDF5 File Format Specification, III.E).
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from archive.errors import FormatError

_SIGNATURE = b"GCOL\x01\x00\x00\x00"
_HEAD = 16  # bytes before the objects, and of the head of each
_LIMIT = 1 << 30  # a larger file is looked through only in its beginning and its end
_ENDS = 1 << 26


def check_heaps(path: Path) -> None:
    """Raises FormatError if HDF5 would not return from a heap of the file."""
    size = path.stat().st_size
    if not size:
        return
    stretches = [(0, size)] if size <= _LIMIT else [(0, _ENDS), (size - _ENDS, size)]
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for begin, end in stretches:
            at = content.find(_SIGNATURE, begin, end)
            while at >= 0:
                if not _ends(content, at, size):
                    raise FormatError("the file is damaged: a heap of texts has no end", path=path)
                at = content.find(_SIGNATURE, at + 1, end)


def _ends(content: mmap.mmap, at: int, size: int) -> bool:
    if at + _HEAD > size:
        return True
    (length,) = struct.unpack_from("<Q", content, at + 8)
    end = min(at + length, size)
    at += _HEAD
    while at + _HEAD <= end:
        index, _, _, taken = struct.unpack_from("<HHIQ", content, at)
        # the size of what is free is with its head, of an object without, to the next multiple of 8
        step = taken if index == 0 else _HEAD + (taken + 7) // 8 * 8
        if not step:
            return False
        at += step
    return True
