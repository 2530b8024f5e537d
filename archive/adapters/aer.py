"""AER-DAT 1.0 and 2.0, the address events of jAER and of Brian 1, and indices of such files."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from archive.adapters.aer_header import Header, duration, is_marked, read_header
from archive.adapters.aer_index import SUFFIX, indexed
from archive.adapters.aer_loading import RECORDS, event_count, left_over
from archive.adapters.aer_notes import notes_of
from archive.adapters.aer_spikes import spike_entry
from archive.adapters.aer_writing import write_aer
from archive.adapters.event_clock import columns
from archive.adapters.event_entries import checked_coding, events_entry, file_segment
from archive.adapters.evt_reading import tell
from archive.entry import Entry, Loss, Source
from archive.errors import FormatError

# More events than this become spike trains only where that is asked for: they must be sorted.
SPIKES_LIMIT = 1 << 22
# Marks of lines that Brian and this package write, and no device.
SIMULATORS = ("created with the Brian simulator", "created with neuroarchive", " * msecond")


class AerHeaderless:
    """Reads files that do not say what they are: events of 6 bytes from the first byte on.

    It is chosen by name, or by the suffix ``.dat`` where no other format knows the file.
    """

    name: ClassVar[str] = "aer-headerless"
    suffixes: ClassVar[tuple[str, ...]] = (".dat",)
    extra: ClassVar[str | None] = None

    def read(
        self,
        path: Path,
        /,
        *,
        decode: str | None = None,
        as_spikes: bool | None = None,
        tick: object = None,
        losses: list[Loss] | None = None,
    ) -> Iterator[Entry]:
        """The segment of a file, or those of the files of an index.

        `decode` says what the bits of an address mean (`archive.addresses.CODINGS`); `as_spikes`
        whether each address becomes a spike train, by default what a simulator wrote, up to
        4 million; `tick` is the duration of a tick, as text with unit or in seconds, if not the
        file's. Raises FormatError for other files.
        """
        path = Path(path)
        coding, given = checked_coding(decode, path), _tick(tick, path)
        found: list[Loss] = []
        for part in indexed(path) if path.suffix.lower() == SUFFIX else [path]:
            header = read_header(part, given)
            self._check(part)
            entry = _segment(part, header, coding, as_spikes, found)
            tell(found, losses, part)
            found.clear()
            yield entry

    def _check(self, path: Path) -> None:
        """Raises FormatError for what cannot be such a file."""


class Aer(AerHeaderless):
    """Reads and writes files of addresses and times, one segment each; of an index the segments
    of all its files.

    What a simulator wrote becomes spike trains, everything else address events, which are kept
    bit by bit in the order of the file and are never all in memory.
    """

    name: ClassVar[str] = "aer"
    suffixes: ClassVar[tuple[str, ...]] = (".aedat", SUFFIX)

    def recognises(self, path: Path, /) -> bool:
        """Whether its first line gives version 1 or 2, or it is called as an index."""
        if path.suffix.lower() == SUFFIX:
            return True
        version = is_marked(path)
        return version is not None and version.split(".")[0] in ("1", "2")

    def _check(self, path: Path) -> None:
        if path.suffix.lower() not in (".dat", ".aedat") and not self.recognises(path):
            raise FormatError(
                "it does not say that it is AER-DAT 1.0 or 2.0",
                path=path,
                hint="the format aer-headerless takes it for events of 6 bytes",
            )

    def covers(self, path: Path, /) -> list[Path]:
        """The other files that belong to an index."""
        return indexed(path) if path.suffix.lower() == SUFFIX else []

    def write(
        self,
        source: Source,
        path: Path,
        /,
        *,
        entry: str | None = None,
        version: float | str = 2,
        dialect: str = "brian",
        tick: object = None,
        wrap: bool = False,
        overwrite: bool = False,
    ) -> list[Loss]:
        """Write spike trains, or address events, and return what was not carried; see
        `archive.adapters.aer_writing.write_aer` for the options. To a path ``.aedat`` one set of
        them, the only one or the one that `entry` names; to ``.aeidx`` all, in files beside it.
        """
        path = Path(path)
        given = _tick(tick, path)
        number = {"1": 1, "1.0": 1, "2": 2, "2.0": 2}.get(str(version))
        if number is None or dialect not in ("brian", "jaer"):
            raise FormatError(
                f"there is no AER-DAT {version} of {dialect!r}",
                path=path,
                hint="version is 1 or 2, and dialect 'brian' or 'jaer'",
            )
        return write_aer(source, path, entry, number, dialect, given, wrap, overwrite)


def _tick(given: object, path: Path) -> Fraction | None:
    if given is None:
        return None
    return duration(str(given), path)


def _segment(
    path: Path, header: Header, coding: str | None, as_spikes: bool | None, losses: list[Loss]
) -> Entry:
    count = event_count(path, header)
    notes = notes_of(header.lines)
    if not header.lines:
        _refuse_text(path)
    facts: dict[str, Any] = {"aer_version": header.version}
    if header.lines:
        facts["header"] = "\n".join(header.lines)
    segment = file_segment(path, facts, notes.segment)
    left = left_over(path, header)
    if left:
        losses.append(Loss(str(segment.name), "events", left))
    if as_spikes is None:
        made = any(mark in line for line in header.lines for mark in SIMULATORS)
        as_spikes = made and not notes.raw and count <= SPIKES_LIMIT
    addresses, ticks = columns(path, header.start, count, RECORDS[header.version])
    if as_spikes:
        part = spike_entry(np.asarray(addresses), np.asarray(ticks), header.tick, notes, path)
    else:
        part = events_entry(addresses, ticks, header.tick, coding or notes.coding, notes.variable)
    return Entry(segment, parts=[part])


def _refuse_text(path: Path) -> None:
    """Numbers as text are not taken for addresses."""
    with path.open("rb") as file:
        raw = file.read(4096)
    if raw and not raw.translate(None, bytes([9, 10, 13, *range(32, 127)])):
        raise FormatError(
            "it is a text, and address events without a header are none",
            path=path,
            hint="name its own format",
        )
