"""`load_aer`, as Brian 1 had it, for files that Brian's own could not read."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.adapters.aer_header import Header, read_header
from archive.adapters.aer_index import SUFFIX, indexed
from archive.adapters.event_columns import PIECE, read_into, unwrapped, wrapped_by
from archive.addresses import ticks_to_times
from archive.errors import ArchiveWarning, FormatError

RECORDS = {
    1: np.dtype([("addresses", ">u2"), ("ticks", ">i4")]),
    2: np.dtype([("addresses", ">u4"), ("ticks", ">i4")]),
}

Loaded = tuple[npt.NDArray[Any], npt.NDArray[np.float64]]


def load_aer(
    path: str | os.PathLike[str], check_sorted: bool = False, reinit_time: bool = False
) -> Loaded | list[Loaded]:
    """The addresses, shape (event,), unsigned as in the file, and the times in seconds of an AER
    file, ``.dat`` or ``.aedat``; of an index, ``.aeidx``, a list with those of each file.

    With `check_sorted`, sorted by time if they are not; with `reinit_time`, the earliest is 0.
    Times go on where the clock of 32 bits wraps. What follows the last whole event is left out
    with an ArchiveWarning. Raises FormatError, which is a ValueError, for other files and where
    all times are negative. Nothing of the header is run.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == SUFFIX:
        return [_loaded(part, check_sorted, reinit_time) for part in indexed(path)]
    return _loaded(path, check_sorted, reinit_time)


def _loaded(path: Path, check_sorted: bool, reinit_time: bool) -> Loaded:
    if path.suffix.lower() not in (".dat", ".aedat"):
        raise FormatError(
            f"an AER file is called .dat or .aedat, and an index {SUFFIX}; this is"
            f" {path.suffix or 'without a suffix'}",
            path=path,
        )
    header = read_header(path)
    left = left_over(path, header)
    if left:
        warnings.warn(f"{path}: {left}", ArchiveWarning, stacklevel=3)
    count = event_count(path, header)
    addresses = np.empty(count, np.uint16 if header.version == 1 else np.uint32)
    seconds = np.empty(count, np.float64)
    # whole numbers until they are sorted and moved, so that times of few ticks stay exact
    per_second = 1.0 if check_sorted or reinit_time else float(header.tick)
    _decode(path, header, addresses, seconds, per_second)
    if check_sorted and (seconds[1:] < seconds[:-1]).any():
        order = np.argsort(seconds, kind="stable")
        addresses, seconds = addresses[order], seconds[order]
    if reinit_time and count:
        seconds -= seconds.min()
    if check_sorted or reinit_time:
        ticks_to_times(seconds, float(header.tick), out=seconds)
    if count and seconds[0] < 0 and seconds.max() < 0:
        raise FormatError(
            "all times are negative", path=path, hint="reinit_time=True counts from the first"
        )
    return addresses, seconds


def event_count(path: Path, header: Header) -> int:
    """How many whole events follow the header."""
    return max(0, path.stat().st_size - header.start) // header.width


def left_over(path: Path, header: Header) -> str | None:
    """What is said of the bytes behind the last whole event; None if there are none."""
    left = max(0, path.stat().st_size - header.start) % header.width
    if not left:
        return None
    return f"the last {left} bytes are no whole event of {header.width} bytes, and are left out"


def _decode(
    path: Path,
    header: Header,
    addresses: npt.NDArray[Any],
    seconds: npt.NDArray[np.float64],
    tick: float,
) -> None:
    """Piece by piece: all of one stays in the processor's cache until it is decoded."""
    record = RECORDS[header.version]
    rows = PIECE // 4 // record.itemsize
    buffer = np.empty(rows, record)
    wraps, before = 0, None
    for first in range(0, len(addresses), rows):
        out = addresses[first : first + rows]
        piece = buffer[: len(out)]
        read_into(path, header.start + first * record.itemsize, piece)
        out[...] = piece["addresses"]
        ticks = piece["ticks"].astype(np.int32)
        lowest, highest = int(ticks.min()), int(ticks.max())
        last = int(ticks[-1])
        near = wraps == 0 and highest - lowest < 1 << 31
        if near and (before is None or abs(int(ticks[0]) - before) < 1 << 31):
            ticks_to_times(ticks, tick, out=seconds[first : first + rows])
        else:
            at_first, inside, _ = wrapped_by(ticks, before)
            wraps += at_first
            long = unwrapped(ticks, wraps)
            ticks_to_times(long, tick, out=seconds[first : first + rows])
            wraps += inside
        before = last
