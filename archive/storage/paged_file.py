"""The file that HDF5 writes to: nothing that is committed changes in the main file itself.

Bytes behind what was ever committed are free to be written: nobody can see them, as the file's
superblock still says the old end. Large pieces go there directly, so that bulk data are written
once. All else waits as pages in memory, for the log.
"""

from __future__ import annotations

import itertools
import os
import zlib
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import numpy.typing as npt

from archive.storage.files import Files
from archive.storage.log import PAGE, SECTOR, Record
from archive.storage.overlay import Overlay, pages_within
from archive.storage.tail import Tail

# Smaller pieces go into the log: then a commit of little data needs one sync, not two. In a commit
# that needs two anyhow, only still smaller ones wait to be written together.
DIRECT, LITTLE = 1 << 18, 1 << 14
# So many pages of new bytes may wait for the log (1 MB): more are cheaper written once, for one
# sync more.
WAITING = 1 << 8
# So many committed pages stay in memory (8 MB). Nearly every commit changes pages that the one
# before it has changed, and would have to read them from the log.
KEPT = 1 << 11


def sectors(page: bytes | bytearray | memoryview) -> list[int]:
    """The CRC-32 of each sector of a page."""
    return [zlib.crc32(page[at : at + SECTOR]) for at in range(0, PAGE, SECTOR)]


def _runs(pages: Iterable[int]) -> Iterator[list[int]]:
    """Pages that follow one another, 1 MB of them at most, in order."""
    for _, run in itertools.groupby(enumerate(sorted(pages)), lambda item: item[1] - item[0]):
        together = [page for _, page in run]
        yield from (together[at : at + WAITING] for at in range(0, len(together), WAITING))


def _address(data: memoryview | npt.NDArray[np.uint8]) -> int:
    """Where in memory they lie."""
    found: int = np.frombuffer(data, np.uint8).__array_interface__["data"][0]
    return found


class PagedFile(Overlay):
    """An overlay that can be written to, and committed."""

    def __init__(self, files: Files, main: int, log: int) -> None:
        super().__init__(files, main, log)
        self._new = 0  # how many of the dirty pages are of no committed state
        self._former: dict[
            int, bytes | bytearray
        ] = {}  # what committed pages were before they were dirty
        self._checked: set[int] = set()  # pages whose former sectors the log knows
        self._committed = self.end
        self._free = -1  # the first page that no committed state has had since the checkpoint
        self._in_file = -1  # the first page that the main file itself had not at that time
        self.tail = Tail(files, main)
        self.begin_log()
        self.wrote_directly = False
        self._failed = False
        self._stand_in = (0, -1)  # the address and length of what only shows where bytes would go
        self._places: dict[int, None] = {}

    def begin_log(self) -> None:
        """The main file has all that is committed."""
        self._logged.clear()
        self._checked.clear()
        self._free = self._in_file = -(-self._committed // PAGE)

    def lay(self, record: Record) -> None:
        super().lay(record)
        self._committed = record.end
        self._free = max(self._free, -(-record.end // PAGE))
        self._checked.update(record.frames["page"].tolist())

    def forget_former(self) -> None:
        """What the main file had at the last checkpoint is not known, as after a crash."""
        self._in_file = 0

    @property
    def waiting(self) -> int:
        """How many bytes wait in memory."""
        return len(self._dirty) * PAGE

    # -- what the driver calls -----------------------------------------------------------------

    def write(self, data: memoryview) -> int:
        if len(data) == self._stand_in[1] and _address(data) == self._stand_in[0]:
            self._places[self._position] = None
            self.end = max(self.end, self._position + len(data))
        else:
            self.put(data, self._position)
        return len(data)

    def put(self, data: memoryview, offset: int) -> None:
        """Write bytes. As HDF5 is not told, no error is raised: the first one is kept."""
        # A forked child has a copy of HDF5's memory, but the file is its parent's.
        while os.getpid() == self._pid:
            try:
                self._put(memoryview(data).cast("B"), offset)
                break
            except Exception as error:
                self.error = self.error or error
                if self._failed:
                    break
                self._failed = True
            except BaseException as error:  # Ctrl-C: the same bytes can be put again
                self.interrupt = error

    def truncate(self, length: int) -> None:
        self.end = length

    def flush(self) -> None:
        """HDF5 means it as a hint: only a commit makes anything permanent."""

    # -- writing -------------------------------------------------------------------------------

    def places(self, stand_in: npt.NDArray[np.uint8], ask: Callable[[], None]) -> list[int]:
        """Where HDF5 would write what `ask` makes it write, in that order. Of that, what lies
        in `stand_in` is not written: the caller has to `put` the right bytes there."""
        self._stand_in = (_address(stand_in), stand_in.nbytes)
        self._places.clear()
        try:
            ask()
        finally:
            self._stand_in = (0, -1)
        return list(self._places)

    def _put(self, view: memoryview, offset: int) -> None:
        self.end = max(self.end, offset + len(view))
        before = max(0, min(len(view), self._free * PAGE - offset))  # bytes of committed pages
        new = view[before:]
        if len(new) < (LITTLE if self.wrote_directly else DIRECT):
            self._wait(view, offset)
            return
        if self._failed:
            return  # all will be undone: HDF5 needs to find its metadata again, which are small
        self._wait(view[:before], offset)
        self._write_directly(new, offset + before)
        self._over_waiting(new, offset + before)

    def _over_waiting(self, view: memoryview, offset: int) -> None:
        """What was written directly is newer than the pages that waited there."""
        stop = offset + len(view)
        for page in pages_within(self._dirty, offset // PAGE, -(-stop // PAGE)):
            start, end = max(offset, page * PAGE), min(stop, (page + 1) * PAGE)
            if end - start == PAGE:
                del self._dirty[page]
                self._new -= 1
            else:
                part = slice(start - page * PAGE, end - page * PAGE)
                self._dirty[page][part] = view[start - offset : end - offset]

    def _write_directly(self, view: memoryview, offset: int) -> None:
        self.tail.write(view, offset)
        self.wrote_directly = True

    def _wait(self, view: memoryview, offset: int) -> None:
        """Keep bytes as pages in memory."""
        while view:
            page, start = divmod(offset, PAGE)
            whole = 0 if start else len(view) // PAGE
            if whole and page >= self._free:
                taken = whole * PAGE
                self._wait_new(view[:taken], page)
            elif whole > 4:
                taken = min(whole, self._free - page) * PAGE
                self._wait_changed(view[:taken], page)
            else:
                taken = min(PAGE - start, len(view))
                self._page(page, taken)[start : start + taken] = view[:taken]
            view, offset = view[taken:], offset + taken
        if self._new > WAITING and not self._failed:
            self._spill()

    def _page(self, page: int, overwritten: int) -> bytearray:
        found = self._dirty.get(page)
        if found is not None:
            return found
        former = self._kept.get(page)
        committed = page < self._free
        if former is None:
            former = bytearray(PAGE)
            if committed or overwritten < PAGE:
                self.fetch(former, page * PAGE)
        if committed:
            self._former[page] = former
            former = bytearray(former)
        else:
            self._new += 1
        self._dirty[page] = former
        return former

    def _wait_new(self, view: memoryview, page: int) -> None:
        """Whole pages of no committed state: nothing of them was anything before."""
        for at in range(0, len(view), PAGE):
            self._new += page not in self._dirty
            self._dirty[page] = bytearray(view[at : at + PAGE])
            page += 1

    def _wait_changed(self, view: memoryview, page: int) -> None:
        """HDF5 writes a chunk as a whole when a row of it has changed: keep the pages that did."""
        there = bytearray(len(view))
        self.fetch(there, page * PAGE)
        words = np.frombuffer(view, np.uint64).reshape(-1, PAGE // 8)
        differ = (words != np.frombuffer(there, np.uint64).reshape(words.shape)).any(axis=1)
        for number in np.flatnonzero(differ).tolist():
            part = slice(number * PAGE, (number + 1) * PAGE)
            if page + number not in self._dirty:
                self._former[page + number] = bytes(there[part])
            self._dirty[page + number] = bytearray(view[part])

    def write_out(self) -> None:
        """Write all to the main file, which is not an archive yet. Raises OSError."""
        self._spill()
        self._files.truncate(self._main, self.end)

    def _spill(self) -> None:
        """Write waiting pages to the main file where nothing committed lies."""
        for pages in _runs(page for page in self._dirty if page >= self._free):
            content = b"".join(self._dirty[page] for page in pages)
            self._write_directly(memoryview(content), pages[0] * PAGE)
            for page in pages:
                del self._dirty[page]
        self._new = 0

    # -- committing ----------------------------------------------------------------------------

    def changes(self, *, first: bool) -> tuple[dict[int, bytearray], dict[int, list[int]]]:
        """The pages that a commit must log, and the sectors that they replace in the main file.

        Empty if nothing has changed. The `first` record of a log has the page of the superblock
        in any case: whatever program makes the file longer changes it. Raises OSError.
        """
        pages: dict[int, bytearray] = {}
        replaced: dict[int, list[int]] = {}
        for page in sorted(self._dirty):
            content = self._dirty[page]
            if page * PAGE >= self.end:
                break  # behind a file that became shorter again: what comes there next is new
            if page < self._free:
                former = self._former[page]
                if former == content:
                    continue
                if page < self._in_file and page not in self._checked:
                    replaced[page] = sectors(former)
            pages[page] = content
        if first and pages and 0 not in pages:
            superblock = bytearray(PAGE)
            self.fetch(superblock, 0)
            pages[0], replaced[0] = superblock, sectors(superblock)
        return pages, replaced

    @property
    def resized(self) -> bool:
        """Whether the length differs from the committed one."""
        return self.end != self._committed

    def committed(self, record: Record) -> None:
        """All that waited is in the log."""
        self.lay(record)
        if len(self._kept) + len(self._dirty) > KEPT:
            self._kept.clear()
        self._kept.update({p: page for p, page in self._dirty.items() if p < self._free})
        self._forget()
        self.wrote_directly = False

    def roll_back(self) -> None:
        """Forget everything since the last commit."""
        self._forget()
        self.end = self._committed
        self.wrote_directly = self._failed = False
        self.error = None

    def bytes_to_keep(self) -> int:
        """The length of the main file without what was written behind its committed bytes."""
        return min(self._files.size(self._main), self._free * PAGE)

    def _forget(self) -> None:
        self._dirty.clear()
        self._former.clear()
        self._new = 0

    def logged(self) -> Iterator[tuple[int, bytearray]]:
        """What a checkpoint has to copy, and where to, in order. Raises OSError."""
        for pages in _runs(self._logged):
            content = bytearray(len(pages) * PAGE)
            self.fetch(content, pages[0] * PAGE)
            yield pages[0] * PAGE, content
