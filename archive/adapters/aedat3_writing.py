"""Address events and spikes as a file of AEDAT 3.1."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.adapters.aedat3_packets import HEADER, POLARITY, RECORD, SPIKE
from archive.adapters.aer_header import MICROSECOND
from archive.adapters.aer_notes import Notes
from archive.adapters.aer_spikes import ticked
from archive.adapters.event_losses import Found, chosen, others
from archive.adapters.event_pixels import ROWS, microseconds, microseconds_per_tick, pixels
from archive.adapters.evt2_writing import lost_names
from archive.adapters.replacing import replacing
from archive.entry import Loss, Source
from archive.errors import FormatError

PACKET = 1 << 12  # events
CODINGS = {"aedat-3": POLARITY, "aedat-3-spike": SPIKE}
Piece = tuple[npt.NDArray[Any], npt.NDArray[np.int64]]


def write_aedat3(source: Source, path: Path, name: str | None, overwrite: bool) -> list[Loss]:
    """See `archive.adapters.aedat3.Aedat3.write`."""
    found, losses = others(source)
    part = chosen(found, name, path)
    losses += [
        Loss(one.way, one.entry.model.kind, "a file has one set of events")
        for one in found
        if one.way != part.way
    ]
    kind, pieces = _pieces(part, path, losses)
    model: Any = part.entry.model
    notes = Notes(part.segment, model.population, model.variable)
    head = [
        "#!AER-DAT3.1",
        "#Format: RAW",
        "#Source 1: neuroarchive",
        "#Start-Time: 1970-01-01 00:00:00 (TZ+0000)",
        notes.line(),
        "#!END-HEADER",
    ]
    with replacing(path, overwrite=overwrite) as staged, staged.open("xb") as file:
        file.write("".join(f"{line}\r\n" for line in head).encode())
        for addresses, times in pieces:
            for packet in _packets(kind, addresses, times, path, part.way):
                file.write(packet)
    return losses


def _pieces(part: Found, path: Path, losses: list[Loss]) -> tuple[int, Iterator[Piece]]:
    """The type of the events, and their words and times in µs."""
    model = part.entry.model
    if isinstance(model, schemas.SpikeTrains):
        return SPIKE, _spikes(part, path, losses)
    assert isinstance(model, schemas.AddressEvents)
    losses += [
        loss
        for loss in lost_names(model, part.way, model.coding or "aedat-3")
        if loss.field not in ("population", "variable")
    ]
    if model.coding in CODINGS:
        return CODINGS[model.coding], _words(part, model, path)
    losses += [
        Loss(part.way, field, "addresses are coded as aedat-3; they say the same")
        for field in ("coding", "addresses")
    ]
    return POLARITY, _pixels(part, path)


def _words(part: Found, model: schemas.AddressEvents, path: Path) -> Iterator[Piece]:
    scale = microseconds_per_tick(model, path, part.way)
    addresses, ticks = part.entry.arrays["addresses"], part.entry.arrays["ticks"]
    for first in range(0, ticks.shape[0], ROWS):
        piece = slice(first, first + ROWS)
        yield addresses[piece], microseconds(ticks[piece], scale, path, part.way)


def _pixels(part: Found, path: Path) -> Iterator[Piece]:
    for x, y, on, times in pixels(part, path):
        if max(x.max(), y.max()) >= 1 << 15:
            raise FormatError("a column or row is beyond 32767", path=path, entry=part.way)
        yield x << 17 | y << 2 | on << 1 | 1, times


def _spikes(part: Found, path: Path, losses: list[Loss]) -> Iterator[Piece]:
    spikes = ticked(part.entry, part.segment, MICROSECOND, path)
    addresses = spikes.addresses
    if len(addresses) and not 0 <= addresses.min() <= addresses.max() < 1 << 20:
        raise FormatError("a channel is not within 20 bits", path=path, entry=part.way)
    reason = "it becomes spike events, which say who and when in microseconds"
    losses.append(Loss(part.way, part.entry.model.kind, reason))
    yield addresses << 12 | 1, spikes.ticks


def _packets(
    kind: int, addresses: npt.NDArray[Any], times: npt.NDArray[np.int64], path: Path, way: str
) -> Iterator[bytes]:
    """Packets of events, none of which goes over the wrap of the clock."""
    if len(times) and not (times.min() >= 0 and times.max() < 1 << 62):
        raise FormatError("a time is negative, or beyond 62 bits", path=path, entry=way)
    overflow = times >> 31
    if len(times) and int(overflow.max()) >= 1 << 31:
        raise FormatError("a time is beyond what a packet says", path=path, entry=way)
    borders = np.flatnonzero(np.diff(overflow)) + 1
    for part in np.split(np.arange(len(times)), borders):
        for first in range(0, len(part), PACKET):
            rows = part[first : first + PACKET]
            events = np.empty(len(rows), RECORD)
            events["addresses"] = addresses[rows]
            events["ticks"] = times[rows] & 0x7FFFFFFF
            head = np.zeros(1, HEADER)
            valid = int(np.count_nonzero(events["addresses"] & 1))
            size, now = RECORD.itemsize, int(overflow[rows[0]])
            head[0] = (kind, 1, size, 4, now, len(rows), len(rows), valid)
            yield head.tobytes() + events.tobytes()
