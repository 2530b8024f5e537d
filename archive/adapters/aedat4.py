"""AEDAT 4, of DV: read by the package ``aedat``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from archive.adapters.aedat4_sizes import check_sizes
from archive.adapters.aer_header import is_marked
from archive.adapters.event_columns import Column, Decoded
from archive.adapters.event_entries import MICROSECONDS, events_entry, file_segment, moments_entry
from archive.adapters.evt_reading import tell
from archive.adapters.unreadable import check_readable
from archive.entry import Entry, Loss
from archive.errors import FormatError, MissingPackage

TRIGGERS_LIMIT = 1 << 22
SIDE_LIMIT = 1 << 15  # columns or rows of a sensor: they have 15 bits


class Aedat4:
    """Reads events as address events of the coding ``aedat-3``, in microseconds since 1970, and
    triggers as events. Frames and inertial samples are left out."""

    name: ClassVar[str] = "aedat4"
    suffixes: ClassVar[tuple[str, ...]] = (".aedat4",)
    extra: ClassVar[str | None] = "aedat"

    def recognises(self, path: Path, /) -> bool:
        """Whether its first line gives version 4."""
        return is_marked(path) == "4.0"

    def read(self, path: Path, /, *, losses: list[Loss] | None = None) -> Iterator[Entry]:
        """The segment of a file, with an entry for each stream of events. Raises FormatError for
        other files, and MissingPackage without the package."""
        path = Path(path)
        if not self.recognises(path):
            check_readable(path)
            raise FormatError("it is not AEDAT 4", path=path)
        check_sizes(path)
        counts: dict[int, list[int]] = {}
        triggers: dict[int, list[npt.NDArray[Any]]] = {}
        others: Counter[str] = Counter()
        streams: dict[int, Any] = {}
        number = 0
        for packet, known in _packets(path):
            streams = known
            stream = int(packet["stream_id"])
            if "events" in packet:
                counts.setdefault(stream, []).append(len(packet["events"]))
            elif "triggers" in packet:
                triggers.setdefault(stream, []).append(packet["triggers"])
                number += len(packet["triggers"])
                if number > TRIGGERS_LIMIT:
                    raise FormatError("it has more triggers than can be", path=path)
            else:
                others[str(next((key for key in packet if key != "stream_id"), "packet"))] += 1
        facts = _sizes(streams)
        segment = file_segment(path, facts)
        parts = []
        for stream, lengths in sorted(counts.items()):
            found = _Stream(path, stream, lengths)
            name = "events" if len(counts) == 1 else f"events {stream}"
            parts.append(
                events_entry(
                    Column(found, "addresses", np.uint32),
                    Column(found, "ticks", np.int64),
                    MICROSECONDS,
                    "aedat-3",
                    name,
                )
            )
        for stream, tables in sorted(triggers.items()):
            name = "triggers" if len(triggers) == 1 else f"triggers {stream}"
            table = np.concatenate(tables)
            labels = np.array([_label(source) for source in table["source"]], dtype=object)
            parts.append(moments_entry(name, table["t"].astype(np.int64), labels))
        said = [
            Loss(str(segment.name), kind, f"{count} packets of them are left out")
            for kind, count in sorted(others.items())
        ]
        tell(said, losses, path)
        yield Entry(segment, parts=parts)


class _Stream(Decoded):
    """The events of one stream, whose packets come in the order of the file."""

    def __init__(self, path: Path, stream: int, counts: list[int]) -> None:
        self._path = path.absolute()
        self._stream = stream
        self._next = 0
        self._coming: Iterator[npt.NDArray[Any]] = iter(())
        super().__init__(counts)
        self._total = len(counts)

    def decode(self, number: int, name: str) -> npt.NDArray[Any]:
        """See `Decoded`."""
        if number != self._next or not number:
            self._coming, self._next = self._events(), 0
        table = None
        while self._next <= number:
            table = next(self._coming, None)
            if table is None:
                raise FormatError("the file has changed while it was read", path=self._path)
            self._next += 1
        assert table is not None
        if self._next == self._total:
            self._coming, self._next = iter(()), 0  # which lets go of the file
        if name == "ticks":
            return table["t"].astype(np.int64)
        x, y = table["x"].astype(np.uint32), table["y"].astype(np.uint32)
        if len(table) and max(x.max(), y.max()) >= SIDE_LIMIT:
            raise FormatError("a column or row is not within 0 to 32767", path=self._path)
        on = table["on" if "on" in (table.dtype.names or ()) else "p"].astype(np.uint32)
        return x << 17 | y << 2 | (on & 1) << 1 | 1

    def _events(self) -> Iterator[npt.NDArray[Any]]:
        for packet, _ in _packets(self._path):
            if packet["stream_id"] == self._stream and "events" in packet:
                yield packet["events"]


def _packets(path: Path) -> Iterator[tuple[dict[str, Any], dict[int, Any]]]:
    """All packets, and what the streams are. FormatError for damage."""
    try:
        import aedat
    except ImportError as error:
        raise MissingPackage(
            "AEDAT 4 needs the package aedat", path=path, hint="pip install 'neuroarchive[aedat]'"
        ) from error
    try:
        decoder = aedat.Decoder(str(path))
        streams = decoder.id_to_stream()
        for packet in decoder:
            yield packet, streams
    except FormatError:
        raise
    except GeneratorExit:
        raise
    except BaseException as error:
        # what its Rust raises where it gives up is no Exception
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise FormatError(f"it cannot be read: {error!s:.200}", path=path) from error


def _sizes(streams: dict[int, Any]) -> dict[str, Any]:
    sizes = [one for one in streams.values() if one.get("type") == "events"]
    if not sizes:
        return {}
    return {name: int(sizes[0][name]) for name in ("width", "height") if name in sizes[0]}


def _label(source: Any) -> str:
    text = source.decode("utf-8", "replace") if isinstance(source, bytes) else str(source)
    return text.replace("_", " ")
