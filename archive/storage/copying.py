"""Rows from one dataset to another, chunk by chunk of the one that they go to."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

import numpy.typing as npt

from archive.storage.growing import Growing

# So many bytes of whole rows are read and written at a time.
BLOCK = 8 << 20


def copy_rows(source: Growing, start: int, stop: int, target: Growing, at: int) -> None:
    """Copy rows over rows of `target` that exist. Both have one type and row shape.

    Where both are divided alike, chunks are copied as they are.
    """
    chunk = target.chunks[0]
    alike = source.plain and target.plain and source.chunks == target.chunks
    if not alike or (at - start) % chunk:
        _copy_boxes(source, start, stop, target, at)
        return
    # whole chunks, but for rows before the first border and behind the last
    first = min(stop, start + -start % chunk)
    last = max(first, stop - stop % chunk)
    _copy_boxes(source, start, first, target, at)
    _copy_chunks(source, first, last, target, at + first - start)
    _copy_boxes(source, last, stop, target, at + last - start)


def _corners(target: Growing) -> list[tuple[int, ...]]:
    """Where the chunks that lie side by side begin, but for their rows."""
    inner = target.chunks[1:]
    return list(product(*map(range, (0,) * len(inner), target.row_shape, inner)))


def _copy_chunks(source: Growing, start: int, stop: int, target: Growing, at: int) -> None:
    inner = _corners(target)
    rows = range(start, stop, target.chunks[0])
    corners = [(row, *corner) for row in rows for corner in inner]

    def fill(number: int, chunks: npt.NDArray[Any]) -> None:
        for corner, chunk in zip(corners[number : number + len(chunks)], chunks, strict=True):
            source.read_whole(corner, chunk)

    target.write_whole([(row - start + at, *corner) for row, *corner in corners], fill)


def _copy_boxes(source: Growing, start: int, stop: int, target: Growing, at: int) -> None:
    """Where chunks are narrower than a row, each column of chunks is copied by itself: what is
    read then lies as it will lie in the file, and no value is sorted into another order."""
    chunk, *inner = target.chunks
    corners = _corners(target)
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
