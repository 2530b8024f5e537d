"""Address events of cameras as columns, rows and polarities, a piece at a time, for writers."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import schemas
from archive.adapters.event_losses import Found
from archive.addresses import decoded
from archive.errors import FormatError

ROWS = 1 << 16


class Pixels(NamedTuple):
    """Some events: columns and rows, whether light came (bool), and times in µs."""

    x: npt.NDArray[np.int64]
    y: npt.NDArray[np.int64]
    on: npt.NDArray[np.bool_]
    times: npt.NDArray[np.int64]


def pixels(part: Found, path: Path) -> Iterator[Pixels]:
    """All events in pieces. Raises FormatError for addresses of which it is not known what they
    mean, or that are no pixels, and for times that are no whole microseconds."""
    model = part.entry.model
    assert isinstance(model, schemas.AddressEvents)
    scale = microseconds_per_tick(model, path, part.way)
    addresses, ticks = part.entry.arrays["addresses"], part.entry.arrays["ticks"]
    for first in range(0, ticks.shape[0], ROWS):
        piece = slice(first, first + ROWS)
        fields = decoded(addresses[piece], model.coding) if model.coding else {}
        if not {"x", "y", "polarity"} <= fields.keys():
            raise FormatError(
                f"addresses of the coding {model.coding} are no pixels with a polarity",
                path=path,
                entry=part.way,
                hint="read the file with the one that it has, as decode='dvs128'",
            )
        for other in ("kind", "external"):
            if other in fields and fields[other].any():
                raise FormatError(
                    "some of its events are no changes of light", path=path, entry=part.way
                )
        yield Pixels(
            fields["x"].astype(np.int64),
            fields["y"].astype(np.int64),
            fields["polarity"] > 0,
            microseconds(ticks[piece], scale, path, part.way),
        )


def microseconds_per_tick(model: schemas.AddressEvents, path: Path, way: str) -> int:
    """FormatError unless that is a whole number."""
    tick = Fraction(repr(model.tick)) * Fraction(schemas.conversion(model.time_unit, "us"))
    if tick.denominator != 1 or tick > 10**12:
        raise FormatError(
            f"a tick of {model.tick:g} {model.time_unit} is not a number of microseconds",
            path=path,
            entry=way,
        )
    return int(tick)


def microseconds(
    ticks: npt.NDArray[Any], scale: int, path: Path, way: str
) -> npt.NDArray[np.int64]:
    """Ticks of `scale` µs each in µs. FormatError for more than 64 bits hold."""
    long = np.asarray(ticks).astype(np.int64)
    limit = np.iinfo(np.int64).max // scale
    if len(long) and not -limit <= int(long.min()) <= int(long.max()) <= limit:
        raise FormatError("a time has more microseconds than 64 bits hold", path=path, entry=way)
    return long * scale
