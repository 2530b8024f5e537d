"""Large transactions: the disk begins to write while there is still more to come.

One sync at the end would leave the disk idle first and the processor idle then. Syncing more
often than needed changes no promise: a transaction is permanent after the last sync only.
"""

from __future__ import annotations

from pathlib import Path
from threading import Thread

from archive.storage.files import Files

STEP = 8 << 20  # bytes


class EarlySync:
    """The syncs of one transaction."""

    def __init__(self, path: Path, files: Files) -> None:
        self._path = path
        self._files = files
        self._bytes = 0
        self._thread: Thread | None = None
        self._error: OSError | None = None

    def wrote(self, count: int) -> None:
        """So many more bytes have gone to the file; a sync begins when it is worth one."""
        self._bytes += count
        if self._bytes >= STEP and (self._thread is None or not self._thread.is_alive()):
            self._bytes = 0
            self._thread = Thread(target=self._sync, name="neuroarchive early sync")
            self._thread.start()

    def _sync(self) -> None:
        try:
            self._files.sync(self._path)
        except OSError as error:
            # Linux tells of a failed write once: the last sync would know nothing of this one.
            self._error = error

    def finish(self) -> None:
        """The sync that makes the transaction permanent. Raises OSError."""
        self.wait()
        if self._error is not None:
            raise self._error
        self._files.sync(self._path)

    def wait(self) -> None:
        """Until no sync goes on."""
        if self._thread is not None:
            self._thread.join()
