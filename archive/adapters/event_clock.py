"""Clocks of 32 bits that wrap, in files whose events are records of one length."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.adapters.event_columns import PIECE, Column, Records, read_into, wrapped_by


def columns(path: Path, start: int, count: int, record: np.dtype[Any]) -> tuple[Column, Column]:
    """The addresses and ticks of records, which begin at a byte: ticks as they are, or of 64 bits
    where their clock wraps."""
    wraps = find_wraps(path, start, count, record)
    records = Records(path, start, count, record, wraps)
    addresses, ticks = (record[name].newbyteorder("=") for name in ("addresses", "ticks"))
    return Column(records, "addresses", addresses), Column(
        records, "ticks", ticks if wraps is None else np.int64
    )


def find_wraps(
    path: Path, start: int, count: int, record: np.dtype[Any]
) -> npt.NDArray[np.int64] | None:
    """By how much the clock had wrapped at the first event of each piece of `PIECE` bytes, shape
    (piece,); None if it never did."""
    rows = PIECE // record.itemsize
    buffer = np.empty(min(rows, max(count, 1)), record)
    found = np.zeros(-(-count // rows), np.int64)
    top = _top_bit(record)
    wraps, before, any_wrap, high = 0, None, False, top is None
    for number, first in enumerate(range(0, count, rows)):
        piece = buffer[: count - first]
        read_into(path, start + first * record.itemsize, piece)
        # while no tick had its highest bit there can be no wrap: looked at without decoding
        high = high or bool(np.bitwise_or.reduce(piece.view(np.uint64)) & top)
        if high:
            at_first, inside, wraps_here = wrapped_by(piece["ticks"], before)
            wraps += at_first
            found[number] = wraps
            wraps += inside
            any_wrap = any_wrap or wraps_here
        before = int(piece["ticks"][-1])
    return found if any_wrap else None


def _top_bit(record: np.dtype[Any]) -> Any:
    """The highest bit of the ticks in a record of eight bytes, taken for one number."""
    if record.itemsize != 8:
        return None
    one = np.zeros(1, record)
    one["ticks"] = np.iinfo(record["ticks"]).min or 1 << 31
    return one.view(np.uint64)[0]
