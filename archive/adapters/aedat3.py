"""AEDAT 3.1, of cAER and jAER 3: packets of events."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np

from archive.adapters.aedat3_packets import (
    KINDS,
    POLARITY,
    SPECIAL,
    SPIKE,
    Packets,
    index_packets,
    read_lines,
)
from archive.adapters.aedat3_writing import write_aedat3
from archive.adapters.aer_header import is_marked
from archive.adapters.aer_notes import notes_of
from archive.adapters.event_columns import Column
from archive.adapters.event_entries import MICROSECONDS, events_entry, file_segment, moments_entry
from archive.adapters.evt_reading import tell
from archive.entry import Entry, Loss, Source
from archive.errors import FormatError

NAMES = {POLARITY: ("events", "aedat-3"), SPIKE: ("spikes", "aedat-3-spike")}
MOMENTS_LIMIT = 1 << 24
LABELS = {
    0: "timestamp wraps",
    1: "timestamp reset",
    2: "external input rises",
    3: "external input falls",
    4: "external input pulse",
    5: "row only",
    6: "external input 1 rises",
    7: "external input 1 falls",
    8: "external input 1 pulse",
    9: "external input 2 rises",
    10: "external input 2 falls",
    11: "external input 2 pulse",
    12: "external generator rises",
    13: "external generator falls",
    14: "frame start",
    15: "frame end",
    16: "exposure start",
    17: "exposure end",
}


class Aedat3:
    """Reads polarity and spike events as address events, whose addresses are the words as they
    are, and special events as events; writes polarity and spike events."""

    name: ClassVar[str] = "aedat3"
    suffixes: ClassVar[tuple[str, ...]] = (".aedat3",)
    extra: ClassVar[str | None] = None

    def recognises(self, path: Path, /) -> bool:
        """Whether its first line gives version 3."""
        return is_marked(path) in ("3.0", "3.1")

    def read(self, path: Path, /, *, losses: list[Loss] | None = None) -> Iterator[Entry]:
        """The segment of a file, with an entry for each kind and source of events. Raises
        FormatError for other files."""
        path = Path(path)
        lines, start = read_lines(path)
        index = index_packets(path, start)
        notes = notes_of(lines)
        segment = file_segment(path, {"header": "\n".join(lines)}, notes.segment)
        parts = []
        sources = {source for _, source in index.packets}
        for (kind, source), packets in sorted(index.packets.items()):
            found = Packets(path, packets)
            ticks = Column(found, "ticks", np.int64 if found.last_overflow else np.int32)
            addresses = Column(found, "addresses", np.uint32)
            of_source = f" of source {source}" if len(sources) > 1 else ""
            if kind == SPECIAL:
                parts.append(_moments(addresses, ticks, f"special{of_source}", path))
                continue
            variable, coding = NAMES[kind]
            own = notes.variable if len(index.packets) == 1 else None
            population = notes.population if len(index.packets) == 1 else None
            parts.append(
                events_entry(
                    addresses,
                    ticks,
                    MICROSECONDS,
                    coding,
                    own or f"{variable}{of_source}",
                    population=population,
                )
            )
        said = [
            Loss(str(segment.name), KINDS.get(kind, f"type {kind}"), f"{number} of them left out")
            for kind, number in sorted(index.others.items())
        ]
        if index.left:
            reason = f"the last {index.left} bytes are no whole packet"
            said.append(Loss(str(segment.name), "events", reason))
        tell(said, losses, path)
        yield Entry(segment, parts=parts)

    def write(
        self,
        source: Source,
        path: Path,
        /,
        *,
        entry: str | None = None,
        overwrite: bool = False,
    ) -> list[Loss]:
        """Write one set of address events, the only one or the one that `entry` names, as
        polarity events, or spike trains as spike events of neurons with the numbers of their
        channels. Raises FormatError for other addresses than those of cameras and of spikes, and
        for what does not fit into 15 bits of columns and rows and 20 of neurons."""
        return write_aedat3(source, Path(path), entry, overwrite)


def _moments(addresses: Column, ticks: Column, variable: str, path: Path) -> Entry:
    """Special events: what their types mean, and the data of those that have any."""
    if len(addresses) > MOMENTS_LIMIT:
        raise FormatError(f"{len(addresses)} special events are more than can be", path=path)
    words = np.asarray(addresses)
    known, which = np.unique(words, return_inverse=True)
    labels = np.array([_label(int(word)) for word in known], dtype=object)
    return moments_entry(variable, np.asarray(ticks, np.int64), labels[which.reshape(-1)])


def _label(word: int) -> str:
    kind, data = word >> 1 & 0x7F, word >> 8
    label = LABELS.get(kind, f"special {kind}") + (f" ({data})" if data else "")
    return label if word & 1 else f"{label}, invalid"
