"""Large transactions: the disk begins to write while there is still more to come.

One sync at the end would leave the disk idle first and the processor idle then. Syncing more
often than needed changes no promise: a transaction is permanent after the last sync only.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread

STEP = 8 << 20  # bytes


class EarlySync:
    """The syncs of the main file in one transaction after the other."""

    def __init__(self, sync: Callable[[], None]) -> None:
        self._sync = sync
        self._bytes = 0
        self._thread: Thread | None = None
        self._error: OSError | None = None

    def wrote(self, count: int) -> None:
        """So many more bytes have gone to the file; a sync begins when it is worth one."""
        self._bytes += count
        if self._bytes >= STEP and (self._thread is None or not self._thread.is_alive()):
            self._bytes = 0
            self._thread = Thread(target=self._run, name="neuroarchive early sync")
            self._thread.start()

    def _run(self) -> None:
        try:
            self._sync()
        except OSError as error:
            # Linux tells of a failed write once: the last sync would know nothing of this one.
            self._error = error

    def finish(self) -> None:
        """The sync that makes the bytes permanent. Raises OSError."""
        self.wait()
        error, self._bytes, self._error = self._error, 0, None
        if error is not None:
            raise error
        self._sync()

    def wait(self) -> None:
        """Until no sync goes on."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def forget(self) -> None:
        """The transaction is undone: the next one begins without its errors."""
        self.wait()
        self._bytes, self._error = 0, None
