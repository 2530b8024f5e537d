"""Spike trains and address events as files of AER-DAT 1.0 and 2.0."""

from __future__ import annotations

from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.adapters.aer_header import MICROSECOND
from archive.adapters.aer_index import SUFFIX, index_text
from archive.adapters.aer_loading import RECORDS
from archive.adapters.aer_notes import LIMIT, Notes
from archive.adapters.aer_spikes import ticked
from archive.adapters.event_losses import Found, chosen, others
from archive.adapters.replacing import replacing
from archive.entry import Loss, Source
from archive.errors import FormatError

ROWS = 1 << 17  # events that are in memory at a time
UNITS = ((Fraction(1), "second"), (Fraction(1, 1000), "msecond"), (MICROSECOND, "usecond"))
SHORT = {"second": "s", "msecond": "ms", "usecond": "us"}


def write_aer(
    source: Source,
    path: Path,
    name: str | None,
    version: int,
    dialect: str,
    tick: Fraction | None,
    wrap: bool,
    overwrite: bool,
) -> list[Loss]:
    """Write the spikes, or address events, of one entry; those of all to an index.

    Addresses of spikes are the channels of their trains. `tick` is in seconds, 1 µs if None;
    times become the nearest tick, where Brian's monitor takes the next one. `dialect` "brian" has
    lines as that monitor, which Brian's own reader understands, "jaer" those of jAER. What does
    not fit into 32 bits is an error, or with `wrap` begins anew as jAER's clock does. Raises
    FormatError also if there are several and no `name`.
    """
    found, losses = others(source)
    index = path.suffix.lower() == SUFFIX
    parts = [chosen(found, name, path)] if not index or name is not None else found
    if index and not parts:
        raise FormatError("there are no spikes and no address events", path=path)
    width = len(str(len(parts)))
    targets = [path.with_name(f"{path.stem}.{n:0{width}}.aedat") for n in range(1, len(parts) + 1)]
    with ExitStack() as stack:
        if index:
            listed = stack.enter_context(replacing(path, overwrite=overwrite))
            listed.write_bytes(index_text([target.name for target in targets]))
        for part, target in zip(parts, targets if index else [path], strict=True):
            staged = stack.enter_context(replacing(target, overwrite=overwrite))
            with staged.open("xb") as file:
                losses += _write(part, file, target, version, dialect, tick, wrap)
    kept = {part.way for part in parts}
    return losses + [
        Loss(one.way, one.entry.model.kind, "a file has one set of events")
        for one in found
        if one.way not in kept
    ]


def _write(
    part: Found,
    file: IO[bytes],
    path: Path,
    version: int,
    dialect: str,
    tick: Fraction | None,
    wrap: bool,
) -> list[Loss]:
    model = part.entry.model
    if isinstance(model, schemas.AddressEvents):
        return _write_raw(part, model, file, path, version, dialect, wrap)
    tick = tick or MICROSECOND
    spikes = ticked(part.entry, part.segment, tick, path)
    losses = []
    if spikes.moved:
        reason = f"times are whole ticks, and moved by {spikes.moved:.3g} of one at most"
        losses.append(Loss(part.way, "times", reason))
    if spikes.silent:
        reason = f"there is no place for {spikes.silent} trains without spikes"
        losses.append(Loss(part.way, "size", reason))
    file.write(_header(spikes.notes, part, tick, version, dialect, losses))
    for first in range(0, len(spikes.ticks), ROWS):
        piece = slice(first, first + ROWS)
        _put(file, spikes.addresses[piece], spikes.ticks[piece], version, wrap, path, losses, part)
    return losses


def _write_raw(
    part: Found,
    model: schemas.AddressEvents,
    file: IO[bytes],
    path: Path,
    version: int,
    dialect: str,
    wrap: bool,
) -> list[Loss]:
    losses: list[Loss] = []
    notes = Notes(part.segment, model.population, model.variable, model.coding, raw=True)
    # as the decimal that it is written as: 0.1 ms
    tick = Fraction(repr(model.tick)) * Fraction(schemas.conversion(model.time_unit, "s"))
    file.write(_header(notes, part, tick, version, dialect, losses))
    addresses, ticks = part.entry.arrays["addresses"], part.entry.arrays["ticks"]
    for first in range(0, ticks.shape[0], ROWS):
        piece = slice(first, first + ROWS)
        _put(file, addresses[piece], ticks[piece], version, True, path, losses, part)
    return losses


def _put(
    file: IO[bytes],
    addresses: npt.NDArray[Any],
    ticks: npt.NDArray[Any],
    version: int,
    wrap: bool,
    path: Path,
    losses: list[Loss],
    part: Found,
) -> None:
    record = RECORDS[version]
    limit = int(np.iinfo(record["addresses"]).max)
    if len(addresses) and not 0 <= int(addresses.min()) <= int(addresses.max()) <= limit:
        raise FormatError(
            f"an address is not within 0 to {limit}",
            path=path,
            entry=part.way,
            hint="version=2 has addresses of 32 bits" if version == 1 else None,
        )
    if len(ticks) and not -(1 << 31) <= int(ticks.min()) <= int(ticks.max()) < 1 << 31:
        if not wrap:
            raise FormatError(
                "a time has more ticks than 32 bits hold",
                path=path,
                entry=part.way,
                hint="choose a longer tick, as tick='1 ms', or wrap=True as jAER's clock does",
            )
        field = "ticks" if "ticks" in part.entry.arrays else "times"
        loss = Loss(part.way, field, "beyond 32 bits they begin anew, as a clock that wraps")
        if loss not in losses:
            losses.append(loss)
    made = np.empty(len(ticks), record)
    made["addresses"] = addresses
    made["ticks"] = ticks.astype(np.int64).astype(np.int32)  # the lower bits
    file.write(made.tobytes())


def _header(
    notes: Notes, part: Found, tick: Fraction, version: int, dialect: str, losses: list[Loss]
) -> bytes:
    bits = 16 if version == 1 else 32
    lines = [
        f"#!AER-DAT{version}.0",
        "# This is a raw AE data file - do not edit",
        f"# Data format is int{bits} address, int32 timestamp ({6 if version == 1 else 8} bytes"
        " total), repeated for each event",
        f"# Timestamps tick is {_tick_text(tick, dialect)}",
        "# created with neuroarchive",
    ]
    line = notes.line()
    if len(line) <= LIMIT * 2:
        lines.append(line)
    else:
        losses.append(Loss(part.way, "population", "what is known of it is too long for a header"))
    end = "\n" if dialect == "brian" else "\r\n"
    return "".join(line + end for line in lines).encode()


def _tick_text(tick: Fraction, dialect: str) -> str:
    """As Brian writes it, ``0.1 * msecond``, or as jAER does, ``1 us``."""
    scale, unit = next((one for one in UNITS if tick >= one[0] / 10), UNITS[-1])
    number = repr(float(tick / scale)).removesuffix(".0")
    return f"{number} * {unit}" if dialect == "brian" else f"{number} {SHORT[unit]}"
