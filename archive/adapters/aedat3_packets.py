"""The packets of AEDAT 3.1: a header of 28 bytes, and events of one kind and length.

Source: docs.inivation.com, "AEDAT 3.1". All numbers are little-endian.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from archive.adapters.aer_header import is_marked
from archive.adapters.event_columns import Decoded, read_into
from archive.errors import FormatError

HEADER = np.dtype(
    [("type", "<i2"), ("source", "<i2")]
    + [(name, "<i4") for name in ("size", "offset", "overflow", "capacity", "number", "valid")]
)
RECORD = np.dtype([("addresses", "<u4"), ("ticks", "<i4")])
SPECIAL, POLARITY, SPIKE = 0, 1, 12
KINDS = {
    2: "frame", 3: "imu6", 4: "imu9", 5: "sample", 6: "ear", 7: "config", 8: "point1d",
    9: "point2d", 10: "point3d", 11: "point4d", 13: "matrix4x4",
}  # fmt: skip
HEADER_LIMIT = 1 << 20
# A block of packets, one behind the other, is decoded at a time.
BLOCK = 1 << 17


class Lines(NamedTuple):
    """The header of a file, and where its packets begin."""

    lines: tuple[str, ...]
    start: int


def read_lines(path: Path) -> Lines:
    """The header. FormatError for other files, and for other formats within the packets."""
    version = is_marked(path)
    if version not in ("3.0", "3.1"):
        what = "no AEDAT file" if version is None else f"AEDAT {version}"
        raise FormatError(f"it is {what}, not AEDAT 3.1", path=path)
    lines: list[str] = []
    start = 0
    with path.open("rb") as file:
        while start < HEADER_LIMIT:
            raw = file.readline(1 << 16)
            if not raw.startswith(b"#") or not raw.endswith(b"\n"):
                break  # as in 3.0, which has no last line
            start += len(raw)
            lines.append(raw.decode("utf-8", "replace").rstrip("\r\n"))
            if lines[-1].startswith("#!END-HEADER"):
                break
    said = [match[1] for line in lines if (match := re.match(r"#\s*Format:\s*(\S+)", line))]
    if said and said[0] != "RAW":
        raise FormatError(
            f"its packets are of the format {said[0]!r:.40}, and only RAW can be read", path=path
        )
    return Lines(tuple(lines), start)


class Packet(NamedTuple):
    """A packet, and the byte where its events begin."""

    type: int
    source: int
    start: int
    overflow: int
    number: int


class Index(NamedTuple):
    """What lies in a file."""

    packets: dict[tuple[int, int], list[Packet]]  # by type and source
    others: dict[int, int]  # number of events of other types
    left: int  # bytes at the end that are no whole packet


def index_packets(path: Path, start: int) -> Index:
    """All packets. FormatError for headers that cannot be."""
    size = path.stat().st_size
    packets: dict[tuple[int, int], list[Packet]] = {}
    others: dict[int, int] = {}
    with path.open("rb") as file:
        while start + HEADER.itemsize <= size:
            file.seek(start)
            said = np.frombuffer(file.read(HEADER.itemsize), HEADER)[0]
            kind, source, width, offset, overflow, capacity, number, valid = said.item()
            fits = 0 <= valid <= number <= max(capacity, number) and width >= 0 and overflow >= 0
            if not fits or kind < 0 or capacity < 0:
                raise FormatError(f"what stands at byte {start} is no packet", path=path)
            length = width * number
            if start + HEADER.itemsize + length > size:
                break
            if kind in (SPECIAL, POLARITY, SPIKE) and number:
                if (width, offset) != (RECORD.itemsize, 4):
                    raise FormatError(
                        f"the packet at byte {start} has events of {width} bytes", path=path
                    )
                found = Packet(kind, source, start + HEADER.itemsize, overflow, number)
                packets.setdefault((kind, source), []).append(found)
            elif number:
                others[kind] = others.get(kind, 0) + number
            start += HEADER.itemsize + length
    return Index(packets, others, size - start)


class Packets(Decoded):
    """The events of packets of one type and source: addresses are their words as they are."""

    def __init__(self, path: Path, packets: list[Packet]) -> None:
        self._path = path.absolute()
        self._blocks = list(_blocks(packets))
        super().__init__([sum(one.number for one in block) for block in self._blocks])
        self.last_overflow = max((one.overflow for one in packets), default=0)

    def decode(self, number: int, name: str) -> npt.NDArray[Any]:
        """See `Decoded`."""
        block = self._blocks[number]
        found = np.empty(sum(one.number for one in block), np.uint32)
        if name == "ticks":
            found = found.view(np.int32) if not self.last_overflow else found.astype(np.int64)
        done = 0
        for one in block:
            events = np.empty(one.number, RECORD)
            read_into(self._path, one.start, events)
            part = found[done : done + one.number]
            part[...] = events[name]
            if name == "ticks" and self.last_overflow:
                part += one.overflow << 31
            done += one.number
        return found


def _blocks(packets: list[Packet]) -> Iterator[list[Packet]]:
    """Packets in groups of some `BLOCK` events; large ones are cut."""
    group: list[Packet] = []
    count = 0
    for packet in packets:
        for first in range(0, packet.number, BLOCK):
            number = min(BLOCK, packet.number - first)
            start = packet.start + first * RECORD.itemsize
            group.append(packet._replace(start=start, number=number))
            count += number
            if count >= BLOCK:
                yield group
                group, count = [], 0
    if group:
        yield group
