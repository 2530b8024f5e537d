"""Address events as a file of EVT 2.0."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.adapters.event_losses import chosen, others
from archive.adapters.event_pixels import Pixels, pixels
from archive.adapters.evt2_words import TIME_HIGH
from archive.adapters.replacing import replacing
from archive.entry import Loss, Source
from archive.errors import FormatError

LIMIT = 1 << 11


def write_evt2(source: Source, path: Path, name: str | None, overwrite: bool) -> list[Loss]:
    """See `archive.adapters.evt2.Evt2.write`."""
    found, losses = others(source, (schemas.AddressEvents,))
    part = chosen(found, name, path)
    high = -1
    with replacing(path, overwrite=overwrite) as staged, staged.open("xb") as file:
        file.write(b"% evt 2.0\n% format EVT2\n% integrator_name neuroarchive\n% end\n")
        for piece in pixels(part, path):
            _check(piece, path, part.way)
            words, high = _words(piece, high)
            file.write(words.astype("<u4").tobytes())
    losses += [
        Loss(one.way, one.entry.model.kind, "a file has one set of events")
        for one in found
        if one.way != part.way
    ]
    return losses + lost_names(part.entry.model, part.way, "prophesee")


def lost_names(model: Any, way: str, coding: str) -> list[Loss]:
    """What a file of pixels does not say of them: how they are called, and were coded."""
    said = {
        "population": model.population is not None,
        "variable": model.variable != "events",
        "coding": model.coding != coding,
        "tick": (model.tick, model.time_unit) != (1.0, "us"),
    }
    reasons = {
        "coding": f"addresses are coded as {coding}; they say the same",
        "tick": "times are in microseconds",
    }
    found = [
        Loss(way, field, reasons.get(field, "a file of pixels has no place for it"))
        for field, is_lost in said.items()
        if is_lost
    ]
    if said["tick"]:
        found += [Loss(way, field, reasons["tick"]) for field in ("time_unit", "ticks")]
    if said["coding"]:
        found.append(Loss(way, "addresses", reasons["coding"]))
    return found


def _check(piece: Pixels, path: Path, way: str) -> None:
    if max(piece.x.max(), piece.y.max()) >= LIMIT:
        raise FormatError("a column or row is beyond 2047", path=path, entry=way)
    if piece.times.min() < 0 or piece.times.max() >= 1 << 34:
        raise FormatError("a time is not within 0 and 2**34 microseconds", path=path, entry=way)


def _words(piece: Pixels, high: int) -> tuple[npt.NDArray[np.uint32], int]:
    """The words, with one of the clock wherever its upper bits change."""
    highs = piece.times >> 6
    events = (
        piece.on.astype(np.uint32) << 28
        | (piece.times & 63).astype(np.uint32) << 22
        | piece.x.astype(np.uint32) << 11
        | piece.y.astype(np.uint32)
    )
    where = np.flatnonzero(np.diff(highs, prepend=high))
    clock = (TIME_HIGH << 28 | highs[where]).astype(np.uint32)
    return np.insert(events, where, clock), int(highs[-1])
