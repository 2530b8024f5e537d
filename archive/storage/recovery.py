"""What a crash has left beside an archive, and taking it in without opening the archive."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from archive.errors import ArchiveNotFound, Refused
from archive.storage import files as files_
from archive.storage.files import Files
from archive.storage.locking import holder
from archive.storage.log import Log, log_path
from archive.storage.openable import require_plain
from archive.storage.store import Store, check_belongs, check_bounds


@dataclass(frozen=True)
class Recovery:
    """What is in the log of an archive.

    `log` is its path, None if there is none; `transactions` are committed in it, with so many
    `pages` of 4096 bytes, and make the file `length` bytes long; `torn` says that one more was
    being written when its process ended, which did not become permanent; `held_by` says who is
    writing to the archive now, so that there is nothing to recover.
    """

    path: Path
    log: Path | None = None
    transactions: int = 0
    pages: int = 0
    length: int = 0
    torn: bool = False
    held_by: str | None = None

    @property
    def needed(self) -> bool:
        """Whether a recovery would change anything."""
        return self.log is not None and self.held_by is None

    def __str__(self) -> str:
        if self.log is None:
            return "nothing to recover: the archive was closed in order"
        if self.held_by is not None:
            return f"nothing to recover: the archive is being written by {self.held_by}"
        torn = "; one that was not committed is given up" if self.torn else ""
        return (
            f"{self.transactions} committed transactions ({self.pages} pages) go from "
            f"{self.log.name} into the file{torn}; then the log is removed"
        )


def look(path: Path, files: Files | None = None) -> Recovery:
    """What a recovery would do. Changes nothing.

    Raises ArchiveNotFound, Refused, and CorruptArchive if the log is damaged, or another program
    has changed the file meanwhile.
    """
    files = files or files_.system()
    main = _open(path, files)
    descriptor = -1
    try:
        try:
            descriptor = files.open(log_path(path))
        except FileNotFoundError:
            return Recovery(path)
        if not files.lock(descriptor, exclusive=False):
            return Recovery(path, log_path(path), held_by=holder(descriptor, files))
        log = Log(log_path(path), files, descriptor)
        records = list(log.read())
        check_bounds(path, files, main, records)
        check_belongs(path, files, main, records)
        committed = [record for record in records if len(record.frames)]
        pages = {page for record in committed for page in record.frames["page"].tolist()}
        end = records[-1].end if records else files.size(main)
        return Recovery(path, log.path, len(committed), len(pages), end, log.torn())
    finally:
        for opened in (main, descriptor):
            if opened >= 0:
                files.close(opened)


def recover(path: Path, files: Files | None = None) -> Recovery:
    """Take into the file what is committed in its log, as the next opening for writing would.

    Returns what has been done. Raises as `look`, Busy if somebody writes to the archive, and
    OSError as the system does.
    """
    files = files or files_.system()
    found = look(path, files)
    if found.needed:
        Store(path, files, timeout=0).close()
    return found


def _open(path: Path, files: Files) -> int:
    require_plain(path)
    try:
        return files.open(path)
    except FileNotFoundError as error:
        raise ArchiveNotFound("no such file", path=path) from error
    except PermissionError as error:
        raise Refused(f"not permitted ({error.strerror})", path=path) from error
