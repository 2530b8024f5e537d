"""EVT 2.0: RAW files of Prophesee's cameras."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from archive.adapters.evt2_words import Evt2Words
from archive.adapters.evt2_writing import write_evt2
from archive.adapters.evt_reading import read_words
from archive.adapters.prophesee_header import is_raw, raw_header
from archive.entry import Entry, Loss, Source


class Evt2:
    """Reads the events as address events of the coding ``prophesee``, and the triggers as events;
    writes what says x, y and polarity."""

    name: ClassVar[str] = "evt2"
    suffixes: ClassVar[tuple[str, ...]] = (".raw",)
    extra: ClassVar[str | None] = None

    def recognises(self, path: Path, /) -> bool:
        """Whether the header says so."""
        return is_raw(path, "2.0")

    def read(self, path: Path, /, *, losses: list[Loss] | None = None) -> Iterator[Entry]:
        """The segment of a file. Raises FormatError for other files."""
        path = Path(path)
        yield read_words(path, raw_header(path, "2.0", 4), Evt2Words(), losses)

    def write(
        self,
        source: Source,
        path: Path,
        /,
        *,
        entry: str | None = None,
        overwrite: bool = False,
    ) -> list[Loss]:
        """Write one set of address events, the only one or the one that `entry` names. Raises
        FormatError for other addresses than those of cameras, for columns or rows beyond 2047,
        and for times that are no whole microseconds, negative, or beyond 34 bits."""
        return write_evt2(source, Path(path), entry, overwrite)
