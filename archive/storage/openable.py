"""What stands in the way of opening an archive file: what it is, and what the system says."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from archive.errors import (
    ArchiveError,
    ArchiveNotFound,
    CorruptArchive,
    FormatError,
    Refused,
    TransactionError,
)
from archive.storage.log import log_path

# A log is read as a whole. It may be so many bytes long, or so many times as long as what the disk
# keeps of it, which may be packed.
FREE = 1 << 26
PACKED = 256
BLOCK = 512  # the unit of st_blocks, on all systems


def require_plain(path: Path) -> None:
    """Raises FormatError if the file, or its log, is not a plain one, and CorruptArchive if the log
    is one large hole.

    To open a pipe would wait for its other end; and whoever follows a log that is a link writes
    into whatever file it names.
    """
    if path.is_dir():
        raise FormatError("this is a folder", path=path, hint="name a file")
    if path.exists() and not path.is_file():
        raise FormatError("this is no file but a device or pipe", path=path, hint="name a file")
    log = log_path(path)
    try:
        found = log.lstat()
    except OSError:
        return  # there is none, or whoever opens it will hear of it
    if not stat.S_ISREG(found.st_mode):
        raise FormatError(
            "its log is no file but a link, folder, device or pipe",
            path=path,
            entry=log.name,
            hint="this library has not made it: look at it, and remove it",
        )
    if found.st_size > FREE + PACKED * found.st_blocks * BLOCK:
        raise CorruptArchive(
            f"its log has {found.st_size} bytes, of which the disk keeps few",
            path=path,
            entry=log.name,
            hint="this library leaves no holes in a log: do not trust it",
        )


@contextmanager
def refusals(path: Path, *, writable: bool) -> Iterator[None]:
    """What the system refuses inside the block, as errors of ours.

    Raises ArchiveNotFound, Refused, and TransactionError for all else.
    """
    try:
        yield
    except ArchiveError:
        raise
    except FileNotFoundError as error:
        raise ArchiveNotFound(
            "no such file", path=path, hint="mode='a' or 'x' creates an archive"
        ) from error
    except PermissionError as error:
        raise Refused(
            f"not permitted ({error.strerror})",
            path=path,
            hint="to write, the folder must be writable too: the log lies beside the file"
            if writable
            else None,
        ) from error
    except OSError as error:
        raise TransactionError(
            f"the system cannot open it ({error})", path=path, hint="see that the disk is sound"
        ) from error
