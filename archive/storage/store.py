"""An archive file and its log: what is committed stays, whatever happens.

The protocol, in the order in which it happens, is in docs/explanation/transactions.md; every
step that makes something permanent is in this file and in `Log.append`.
"""

from __future__ import annotations

import contextlib
import os
import weakref
from pathlib import Path

from archive.errors import Busy, CorruptArchive, Refused
from archive.storage.files import Files, read_whole, write_whole
from archive.storage.locking import lock_log, lock_to_read, note_holder, now
from archive.storage.log import CHECKPOINT, PAGE, Log, Record, log_path
from archive.storage.paged_file import PagedFile, sectors

# So many bytes at the end of the file HDF5 may have set aside, and not written.
UNWRITTEN = 1 << 26
# A log of so many bytes is copied into the main file, and begun anew.
LIMIT = 4 << 20


class Store:
    """The writer's hold on an archive: nobody else writes while it is open."""

    def __init__(self, path: Path, files: Files, timeout: float, *, nameless: bool = False) -> None:
        """Recovers what a crash left. Raises OSError as the system does, Busy after `timeout`
        seconds, Refused in a process that has the file open, CorruptArchive if main file and
        log do not belong together. `nameless`: others are not told on which computer this is."""
        self._nameless = nameless
        self.path = path
        self._files = files
        self._pid = os.getpid()
        self._since = now()
        self._main = files.open(path, write=True)
        self._log: Log | None = None
        self._named = False  # whether the log's name is permanent
        self._understood = False  # whether all that the log had is known
        try:
            if any(files.is_named(other._main, path) for other in OPEN):
                raise Busy(
                    "this process has the file open already",
                    path=path,
                    hint="close it first, or use the session that is open",
                )
            descriptor = lock_log(path, files, timeout)
            self._log = Log(log_path(path), files, descriptor)
            if not files.is_named(self._main, path):
                self._open_again(path)
            # against programs that know nothing of our log
            lock_to_read(path, self._main, files, timeout)
            self.file = PagedFile(files, self._main, descriptor)
            self.recovered = self._recover(self._log)
            self._understood = True
            self.note(None)
        except BaseException:
            self.release()
            raise
        OPEN.add(self)

    def _open_again(self, path: Path) -> None:
        """Who had the file has removed it while this process waited. Raises FileNotFoundError
        unless there is a new one."""
        self._files.close(self._main)
        self._main = -1
        # a log with nothing in it is of no use to a file that is gone
        self._understood = self._files.size(self._open_log.descriptor) == 0
        self._main = self._files.open(path, write=True)
        self._understood = False

    def note(self, run: str | None) -> None:
        """Tell others who holds the archive, and what for."""
        note_holder(
            self._open_log.descriptor, self._files, self._since, run, nameless=self._nameless
        )

    @property
    def _open_log(self) -> Log:
        if self._log is None:
            raise Refused("the archive is closed", path=self.path, hint="open it again")
        return self._log

    def _recover(self, log: Log) -> int:
        """Take over what a crash, or a reader in the way of a checkpoint, has left in the log;
        returns how many transactions."""
        records = list(log.read())
        check_bounds(self.path, self._files, self._main, records)
        check_belongs(self.path, self._files, self._main, records)
        for record in records:
            self.file.lay(record)
        if records:
            self._named = True
            self.file.forget_former()
            self.commit(whole=True)
        return sum(1 for record in records if len(record.frames))

    def write_early(self) -> None:
        """Let the disk begin to write while a large transaction goes on."""
        self.file.tail.early = True

    # -- committing ----------------------------------------------------------------------------

    def commit(self, *, whole: bool = False, last: bool = False) -> None:
        """Make permanent what HDF5 has written since the last commit.

        Raises OSError: then nothing of it is, and `roll_back` must follow. With `whole` all that
        is in the log goes to the main file too, unless a reader holds that; with `last` the log
        is not begun anew then.
        """
        log = self._open_log
        if self.file.error is not None:
            raise self.file.error
        pages, replaced = self.file.changes(first=log.number == 0)
        changed = bool(pages) or self.file.resized
        if changed and self.file.wrote_directly:
            self._files.sync(self._main)  # before any record speaks of these bytes
        if changed and not log.salt:
            self._start(log)
        full = whole or log.stop + len(pages) * PAGE > LIMIT
        announced = full and (changed or log.number > 0) and self._lock_main()
        if not (changed or announced):
            return
        try:
            flags = CHECKPOINT if announced else 0
            self.file.committed(log.append(pages, replaced, self.file.end, flags=flags))
            if announced:
                self._checkpoint(log, last=last)
        finally:
            if announced:
                self._unlock_main()

    def _start(self, log: Log) -> None:
        log.start()
        if not self._named:
            self._files.sync_folder(self.path.parent)
            self._named = True

    def roll_back(self) -> None:
        """Back to the last commit; HDF5 must have closed the file."""
        self.file.roll_back()
        with contextlib.suppress(OSError):  # what is behind the end is only in the way
            self._files.truncate(self._main, self.file.bytes_to_keep())
            self.file.tail.cut()

    # -- checkpoints ---------------------------------------------------------------------------

    def _lock_main(self) -> bool:
        """Whether no reader holds the main file; then none can come until it is unlocked."""
        if self._files.lock(self._main, exclusive=True):
            return True
        self._unlock_main()  # what failed may have cost the lock that was held
        return False

    def _unlock_main(self) -> None:
        if not self._files.lock(self._main, exclusive=False):
            raise OSError("another program has taken the lock of the file, and may write to it")

    def _checkpoint(self, log: Log, *, last: bool) -> None:
        """Copy the logged pages into the main file. What fails here is tried again by the next
        commit, by `close` and by a recovery: the pages stay in the log till then."""
        try:
            for offset, content in self.file.logged():
                write_whole(self._files, self._main, content, offset)
            self._files.truncate(self._main, self.file.end)
            self.file.tail.cut()
            self._files.sync(self._main)
        except OSError:
            return
        self.file.begin_log()
        if last:
            log.number = 0
            return
        with contextlib.suppress(OSError):  # then the next commit starts it
            log.start()

    # -- the end -------------------------------------------------------------------------------

    def close(self) -> bool:
        """Commit what closing HDF5's file has written, and leave one plain file.

        Returns False if the log has to stay, since a reader, or an error, is in the way of
        copying it; the next session does it. Raises OSError, and releases the file all the same.
        """
        log = self._open_log
        try:
            self.commit(whole=True, last=True)
            if log.number:
                return False
            self._files.remove(log.path)
            self._files.sync_folder(self.path.parent)
            return True
        finally:
            self.drop()

    def release(self) -> None:
        """Let go of the file as it is, and of a log that has nothing."""
        if self._log is not None and self._understood and self._log.number == 0:
            with contextlib.suppress(OSError):  # it does no harm where it is
                self._files.remove(self._log.path)
        self.drop()

    def remove(self) -> None:
        """Remove file and log for good, and let go of them: nobody has had the file since."""
        try:
            self._files.remove(self.path)
            self._files.remove(self._open_log.path)
            self._files.sync_folder(self.path.parent)
        finally:
            self.drop()

    def drop(self) -> None:
        """Close the files, and with them give up the locks."""
        OPEN.discard(self)
        if self._log is not None:
            self._files.close(self._log.descriptor)
            self._log = None
        if self._main >= 0:
            self._files.close(self._main)
            self._main = -1


OPEN: weakref.WeakSet[Store] = weakref.WeakSet()


def _release_in_child() -> None:
    """A forked child must not hold its parent's locks when the parent has died."""
    for store in list(OPEN):
        store.drop()


os.register_at_fork(after_in_child=_release_in_child)


def check_bounds(path: Path, files: Files, main: int, records: list[Record]) -> None:
    """Raise CorruptArchive if records speak of bytes that neither main file nor log can have.

    Digests find accidents; a log that was made to do harm has the right ones.
    """
    count = sum(len(record.frames) for record in records)
    most = files.size(main) + count * PAGE + UNWRITTEN
    for record in records:
        last = int(record.frames["page"].max(initial=0))
        if record.end > most or last * PAGE > most:
            raise CorruptArchive(
                f"the log speaks of byte {max(record.end, last * PAGE)} of the file, which has at "
                f"most {most} with it",
                path=path,
                entry=log_path(path).name,
                hint="do not trust the log: without it the file is what its last checkpoint left",
            )


def check_belongs(path: Path, files: Files, main: int, records: list[Record]) -> None:
    """Raise CorruptArchive if another program has changed the main file since the log was begun.

    The records are within bounds. Once a checkpoint was announced, a crash may have left anything
    where the log has pages.
    """
    if any(record.flags & CHECKPOINT for record in records):
        return
    there = bytearray(PAGE)
    for record in records:
        for frame in record.frames[record.frames["checked"] == 1]:
            page = int(frame["page"])
            got = read_whole(files, main, there, page * PAGE)
            there[got:] = bytes(PAGE - got)
            if sectors(there) != frame["sectors"].tolist():
                raise CorruptArchive(
                    f"another program has changed the file (bytes {page * PAGE} to "
                    f"{(page + 1) * PAGE}) since transactions were committed to its log",
                    path=path,
                    entry=log_path(path).name,
                    hint="keep a copy of both; without the log the file is what the other "
                    "program left, and lacks these transactions",
                )
