"""How large the chunks of a stream are."""

from __future__ import annotations

import numpy as np

from archive.container import layout


def chunk_shape(rows: int, row_shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """A chunk for a stream whose first stretch has this many rows: for long recordings from
    288 to 576 kB and a few channels wide; for short ones a whole number of stretches. So appends
    of equal length do not share chunks."""
    rows = max(1, rows)
    inner = row_shape
    if len(row_shape) == 1:
        width = max(1, max(layout.CHUNK_WIDTH, layout.CHUNK_FULL // rows) // itemsize)
        inner = (-(-row_shape[0] // max(1, row_shape[0] // width)),)
    row_bytes = max(1, int(np.prod(inner, dtype=np.int64))) * itemsize
    full = -(-layout.CHUNK_FULL // row_bytes)
    if rows >= full:
        return (_piece(rows, full), *inner)
    if rows * row_bytes >= layout.CHUNK_BYTES:
        return (rows, *inner)
    least = layout.CHUNK_BYTES if row_shape else layout.HEAP_CHUNK
    return (rows * max(1, least // (rows * row_bytes)), *inner)


def _piece(length: int, least: int) -> int:
    """The length of pieces, from `least` to twice as long, that leave the least of the last one
    over."""
    counts = range(length // least, -(-length // (2 * least)) - 1, -1)
    return -(-length // min(counts, key=lambda count: -length % count))
