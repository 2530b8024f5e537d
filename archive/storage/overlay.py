"""An archive file as of one commit: the main file, with the pages of the log laid over it.

What h5py's `fileobj` driver calls: `seek`, `readinto` and, in `PagedFile`, `write`, `truncate`
and `flush`. An exception must never travel through HDF5's C code, which it would leave in
disorder: the first one is kept in `error`, and what interrupted a call in `interrupt`.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from archive.storage.files import Files, read_whole
from archive.storage.log import PAGE, Record

_BLOCK = 1 << 20  # bytes that are copied at a time


def pages_within(pages: Mapping[int, object], first: int, stop: int) -> list[int]:
    """Those of the pages that lie in a range."""
    if not pages:
        return []
    if len(pages) < stop - first:
        return [page for page in pages if first <= page < stop]
    return [page for page in range(first, stop) if page in pages]


class Overlay:
    """Reads the file as of the last record that was laid over it. Never writes."""

    def __init__(self, files: Files, main: int, log: int) -> None:
        """`main` and `log` are open descriptors, which stay the caller's."""
        self._files = files
        self._main = main
        self._log = log
        self._logged: dict[int, int] = {}  # page -> where it lies in the log
        self._kept: dict[int, bytearray] = {}  # what committed pages hold, of some of them
        self._dirty: dict[int, bytearray] = {}
        self._position = 0
        self._pid = os.getpid()
        self.end = files.size(main)
        self.error: Exception | None = None
        self.interrupt: BaseException | None = None

    def lay(self, record: Record) -> None:
        """Take over a committed record."""
        places = range(record.data, record.data + len(record.frames) * PAGE, PAGE)
        self._logged.update(zip(record.frames["page"].tolist(), places, strict=True))
        self.end = record.end

    # -- what the driver calls -----------------------------------------------------------------

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = offset if whence == io.SEEK_SET else self.end + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: memoryview) -> int:
        while True:
            try:
                self.fetch(buffer, self._position)
                return len(buffer)
            except Exception as error:
                self.error = self.error or error
                return len(buffer)
            except BaseException as error:  # Ctrl-C: the same bytes can be read again
                self.interrupt = error

    # -- reading -------------------------------------------------------------------------------

    def fetch(self, buffer: memoryview | bytearray, offset: int) -> None:
        """Fill a buffer; bytes that no file has are zero. Raises OSError."""
        view = memoryview(buffer).cast("B")
        first, last = offset // PAGE, (offset + len(view) - 1) // PAGE
        if first == last:
            page = self._dirty.get(first) or self._kept.get(first)
            if page is not None:
                start = offset - first * PAGE
                view[:] = page[start : start + len(view)]
                return
            if first in self._logged:
                at = self._logged[first] + offset - first * PAGE
                read_whole(self._files, self._log, view, at)
                return
        got = read_whole(self._files, self._main, view, offset)
        view[got:] = bytes(len(view) - got)
        for pages in (self._logged, self._dirty):
            for page_number in pages_within(pages, first, last + 1):
                self._lay_page(view, offset, page_number)

    def write_to(self, path: Path) -> None:
        """Write all of it to a new file. Raises OSError, as when there is a file."""
        with path.open("xb") as file:
            for start in range(0, self.end, _BLOCK):
                block = bytearray(min(_BLOCK, self.end - start))
                self.fetch(block, start)
                file.write(block)

    def fetch_each(self, pieces: Sequence[memoryview], offsets: Sequence[int]) -> None:
        """Fill pieces of memory, each from its place on. Raises OSError."""
        laid = bool(self._logged or self._kept or self._dirty)
        for piece, offset in zip(pieces, offsets, strict=True):
            if laid or self._files.read(self._main, piece, offset) < len(piece):
                self.fetch(piece, offset)

    def _lay_page(self, view: memoryview, offset: int, page: int) -> None:
        start, stop = max(offset, page * PAGE), min(offset + len(view), (page + 1) * PAGE)
        target = view[start - offset : stop - offset]
        held = self._dirty.get(page) or self._kept.get(page)
        if held is not None:
            target[:] = held[start - page * PAGE : stop - page * PAGE]
        else:
            read_whole(self._files, self._log, target, self._logged[page] + start - page * PAGE)
