"""A reader's hold on an archive: the last committed state, which stays as it is.

The reader keeps a shared lock of the main file: till it is gone the writer puts off checkpoints,
and goes on in the log.
"""

from __future__ import annotations

import errno
from pathlib import Path

from archive.storage.files import Files
from archive.storage.locking import lock_to_read
from archive.storage.log import Log, Record, log_path
from archive.storage.overlay import Overlay
from archive.storage.store import check_belongs, check_bounds


class Snapshot:
    """What is committed when it is made. Nothing is ever written."""

    def __init__(self, path: Path, files: Files, timeout: float) -> None:
        """Raises OSError as the system does, Busy while another program locks the file for
        longer than `timeout` seconds, CorruptArchive if main file and log do not belong
        together."""
        self.path = path
        self._files = files
        self._log = -1
        self.file: Overlay | None = None  # None: the main file has all
        self._main = files.open(path)
        try:
            lock_to_read(path, self._main, files, timeout)
            records = self._records()
            self.pages = Overlay(files, self._main, self._log)
            for record in records:
                self.pages.lay(record)
            self.file = self.pages if records else None
        except BaseException:
            self.close()
            raise

    def _records(self) -> list[Record]:
        try:
            self._log = self._files.open(log_path(self.path))
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENAMETOOLONG):
                return []
            raise
        log = Log(log_path(self.path), self._files, self._log)
        # no writer at work: what he left must belong together
        left = self._files.lock(self._log, exclusive=False)
        try:
            records = list(log.read(settled=left))
            check_bounds(self.path, self._files, self._main, records)
            if left:
                check_belongs(self.path, self._files, self._main, records)
        finally:
            if left:
                self._files.unlock(self._log)
        return records

    def close(self) -> None:
        """Let go of the file."""
        for descriptor in (self._log, self._main):
            if descriptor >= 0:
                self._files.close(descriptor)
        self._log = self._main = -1
