"""The tail of the main file: what is written behind all that is committed, once and directly.

Two hints make that cheap. Room is reserved before the bytes come, so that the system need not find
some for each of them. And of a large transaction the disk begins to write early: one sync at the
end would leave the disk idle first and the processor idle then. Neither changes any promise: a
transaction is permanent after the last sync only, which also tells of what failed before it.
"""

from __future__ import annotations

from archive.storage.files import Files, write_whole

STEP = 8 << 20  # bytes


class Tail:
    """Writes to the main file, transaction after transaction."""

    def __init__(self, files: Files, main: int) -> None:
        self._files = files
        self._main = main
        self.early = False  # whether the disk shall begin before the sync
        self._waiting = 0  # bytes since it last was told to
        self._written = 0  # bytes since the last checkpoint
        self._reserved = 0  # where the room ends that there is

    def write(self, view: memoryview, offset: int) -> None:
        """Raises OSError."""
        self._written += len(view)
        stop = offset + len(view)
        if stop > self._reserved:
            # as much as has been written: little data shall not hold much room
            first = max(offset, self._reserved)
            self._reserved = max(stop, first + min(self._written, STEP))
            self._files.reserve(self._main, first, self._reserved - first)
        write_whole(self._files, self._main, view, offset)
        self._waiting += len(view)
        if self.early and self._waiting >= STEP:
            self._waiting = 0
            self._files.start_writing(self._main)

    def cut(self) -> None:
        """The file was truncated: what was reserved is given back."""
        self._written = self._reserved = 0
