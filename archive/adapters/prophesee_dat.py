"""DAT: files of Prophesee's cameras with events of eight bytes.

Source: docs.prophesee.ai, "DAT file format".
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np

from archive.adapters.event_clock import columns
from archive.adapters.event_entries import MICROSECONDS, events_entry, file_segment
from archive.adapters.evt_reading import tell
from archive.adapters.prophesee_header import Header, read_header
from archive.adapters.prophesee_triggers import trigger_entries
from archive.entry import Entry, Loss
from archive.errors import FormatError

RECORD = np.dtype([("ticks", "<u4"), ("addresses", "<u4")])
EVENTS, TRIGGERS = (0x00, 0x0C), 0x0E
TRIGGERS_LIMIT = 1 << 24


class PropheseeDat:
    """Reads events (2D, CD) as address events of the coding ``prophesee``, and files of triggers
    as events. The clock of 32 bits goes on where it wraps."""

    name: ClassVar[str] = "prophesee-dat"
    suffixes: ClassVar[tuple[str, ...]] = (".dat",)
    extra: ClassVar[str | None] = None

    def recognises(self, path: Path, /) -> bool:
        """Whether lines with ``%`` come first, and then the type and size of events."""
        try:
            header = read_header(path, 1)
            return header.evt is None and _type(path, header) is not None
        except FormatError:
            return False

    def read(self, path: Path, /, *, losses: list[Loss] | None = None) -> Iterator[Entry]:
        """The segment of a file. Raises FormatError for other files, and other types of events."""
        path = Path(path)
        header = read_header(path, 1)
        found = _type(path, header)
        if found is None:
            raise FormatError("it is no DAT file of events of 8 bytes", path=path)
        kind, start = found
        size = max(0, path.stat().st_size - start)
        count = size // RECORD.itemsize
        segment = file_segment(path, header.facts)
        addresses, ticks = columns(path, start, count, RECORD)
        if kind == TRIGGERS:
            if count > TRIGGERS_LIMIT:
                raise FormatError(f"{count} triggers are more than can be", path=path)
            words = np.asarray(addresses)
            rows = [np.asarray(ticks, np.int64), words >> 8 & 31, words & 1]
            parts = list(trigger_entries(np.stack(rows, axis=1).astype(np.int64)))
        else:
            coding = "prophesee" if (header.version or 2) >= 2 else "prophesee-1"
            parts = [events_entry(addresses, ticks, MICROSECONDS, coding)]
        if size % RECORD.itemsize:
            reason = f"the last {size % RECORD.itemsize} bytes are no whole event"
            tell([Loss(str(segment.name), "events", reason)], losses, path)
        yield Entry(segment, parts=parts)


def _type(path: Path, header: Header) -> tuple[int, int] | None:
    """The type of the events, and where they begin; None if it is no such file."""
    if not header.lines:
        return None
    with path.open("rb") as file:
        file.seek(header.start)
        said = file.read(2)
    if len(said) < 2 or said[1] != RECORD.itemsize or said[0] not in (*EVENTS, TRIGGERS):
        return None
    return said[0], header.start + 2
