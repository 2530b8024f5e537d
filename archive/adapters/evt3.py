"""EVT 3.0: RAW files of Prophesee's cameras, compressed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from archive.adapters.evt3_words import Evt3Words
from archive.adapters.evt_reading import read_words
from archive.adapters.prophesee_header import is_raw, raw_header
from archive.entry import Entry, Loss


class Evt3:
    """Reads the events as address events of the coding ``prophesee``, and the triggers as events.

    The clock of 24 bits goes on where it wraps, every 17 seconds.
    """

    name: ClassVar[str] = "evt3"
    suffixes: ClassVar[tuple[str, ...]] = (".raw",)
    extra: ClassVar[str | None] = None

    def recognises(self, path: Path, /) -> bool:
        """Whether the header says so."""
        return is_raw(path, "3.0")

    def read(self, path: Path, /, *, losses: list[Loss] | None = None) -> Iterator[Entry]:
        """The segment of a file. Raises FormatError for other files."""
        path = Path(path)
        yield read_words(path, raw_header(path, "3.0", 2), Evt3Words(), losses)
