"""Rows from one dataset to another, chunk by chunk of the one that they go to."""

from __future__ import annotations

from itertools import product
from math import prod

from archive.storage.growing import Growing

# So many bytes of whole rows are read and written at a time.
BLOCK = 8 << 20


def copy_rows(source: Growing, start: int, stop: int, target: Growing, at: int) -> None:
    """Copy rows over rows of `target` that exist. Both have one type and row shape.

    Where chunks are narrower than a row, each column of chunks is copied by itself: what is read
    then lies as it will lie in the file, and no value is sorted into another order.
    """
    chunk, *inner = target.chunks
    corners = list(product(*map(range, (0,) * len(inner), target.row_shape, inner)))
    chunk_bytes = prod(target.chunks) * target.dtype.itemsize
    step = chunk * max(1, BLOCK // chunk_bytes) if len(corners) == 1 else chunk
    while start < stop:
        # up to a border between chunks of the target
        count = min(stop - start, step - at % step)
        for corner in corners:
            ends = zip(corner, inner, target.row_shape, strict=True)
            width = (min(size, length - first) for first, size, length in ends)
            values = source.read_part((start, *corner), (count, *width), source.single)
            target.write_part((at, *corner), values)
        start, at = start + count, at + count
