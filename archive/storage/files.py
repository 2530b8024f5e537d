"""Every call to the operating system that touches an archive or its log stands in this file.

The fault injectors of the tests take the place of `SystemFiles`; nothing else in `archive.storage`
may read, write, sync, lock, link or remove.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import c_int, c_int64, c_uint
from pathlib import Path
from typing import Any, Protocol

Buffer = bytes | bytearray | memoryview


class Files(Protocol):
    """What storage asks of the operating system. All calls raise OSError, as `os` does."""

    def open(self, path: Path, /, *, write: bool = False, create: bool = False) -> int:
        """A descriptor; with `create` the file is made if there is none."""
        ...

    def close(self, descriptor: int, /) -> None: ...

    def size(self, descriptor: int, /) -> int:
        """The length of the file in bytes."""
        ...

    def read(self, descriptor: int, into: bytearray | memoryview, offset: int, /) -> int:
        """Fill a buffer from `offset` on; returns how many bytes there were."""
        ...

    def write(self, descriptor: int, data: Buffer, offset: int, /) -> int:
        """Write at `offset`; returns how many bytes were taken, which may be fewer."""
        ...

    def reserve(self, descriptor: int, offset: int, length: int, /) -> None:
        """Have room on the disk for bytes to come. A hint: content and length stay, and it does
        not matter if it fails. `truncate` gives the room back."""
        ...

    def start_writing(self, descriptor: int, /) -> None:
        """Let the disk begin to write what a `sync` will wait for. A hint as well: what fails
        here, the sync tells."""
        ...

    def truncate(self, descriptor: int, length: int, /) -> None:
        """Make the file that long."""
        ...

    def sync(self, descriptor: int, /) -> None:
        """Make content and length permanent."""
        ...

    def sync_folder(self, path: Path, /) -> None:
        """Make the names in a folder permanent."""
        ...

    def lock(self, descriptor: int, /, *, exclusive: bool) -> bool:
        """Take the file's lock, or change the one that is held, without waiting; whether it
        could be had. It goes when the descriptor is closed or the process ends."""
        ...

    def unlock(self, descriptor: int, /) -> None: ...

    def is_named(self, descriptor: int, path: Path, /) -> bool:
        """Whether the open file is still the one of that name."""
        ...

    def link(self, source: Path, target: Path, /) -> None:
        """Give a file a second name; FileExistsError if that is taken."""
        ...

    def remove(self, path: Path, /) -> None:
        """Remove a name."""
        ...


def write_whole(files: Files, descriptor: int, data: Buffer, offset: int) -> None:
    """Write all of it, however many calls that takes. Raises OSError."""
    view = memoryview(data).cast("B")
    while view:
        taken = files.write(descriptor, view, offset)
        if not taken:
            raise OSError(errno.EIO, "the system takes no more bytes")
        view, offset = view[taken:], offset + taken


def read_whole(files: Files, descriptor: int, into: bytearray | memoryview, offset: int) -> int:
    """Fill the buffer as far as the file goes; returns how many bytes there were."""
    view = memoryview(into).cast("B")
    count = 0
    while count < len(view) and (got := files.read(descriptor, view[count:], offset + count)):
        count += got
    return count


def _linux(name: str, *arguments: Any) -> Any:
    """A call of the C library that Python does not offer; None where there is none."""
    found = getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
    if found is not None:
        found.argtypes = arguments
    return found


# Python's `posix_fallocate` makes the file longer and, where the file system cannot reserve,
# writes zeros instead.
_fallocate = _linux("fallocate64", c_int, c_int, c_int64, c_int64)
_KEEP_SIZE = 1
_sync_file_range = _linux("sync_file_range", c_int, c_int64, c_int64, c_uint)
_WRITE = 2  # SYNC_FILE_RANGE_WRITE: begin, and do not wait


class SystemFiles:
    """The real thing, on POSIX systems."""

    def open(self, path: Path, /, *, write: bool = False, create: bool = False) -> int:
        flags = os.O_RDWR if write or create else os.O_RDONLY
        return os.open(path, flags | (os.O_CREAT if create else 0), 0o666)

    def close(self, descriptor: int, /) -> None:
        os.close(descriptor)

    def size(self, descriptor: int, /) -> int:
        return os.fstat(descriptor).st_size

    def read(self, descriptor: int, into: bytearray | memoryview, offset: int, /) -> int:
        return os.preadv(descriptor, [into], offset)

    def write(self, descriptor: int, data: Buffer, offset: int, /) -> int:
        return os.pwrite(descriptor, data, offset)

    def reserve(self, descriptor: int, offset: int, length: int, /) -> None:
        if _fallocate is not None:
            _fallocate(descriptor, _KEEP_SIZE, offset, length)

    def start_writing(self, descriptor: int, /) -> None:
        if _sync_file_range is not None:
            _sync_file_range(descriptor, 0, 0, _WRITE)

    def truncate(self, descriptor: int, length: int, /) -> None:
        os.ftruncate(descriptor, length)

    def sync(self, descriptor: int, /) -> None:
        if hasattr(fcntl, "F_FULLFSYNC"):  # macOS: fsync leaves the data in the disk's own cache
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        else:
            # also writes the length, which is all of the metadata that reading needs
            os.fdatasync(descriptor)

    def sync_folder(self, path: Path, /) -> None:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def lock(self, descriptor: int, /, *, exclusive: bool) -> bool:
        kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def unlock(self, descriptor: int, /) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)

    def is_named(self, descriptor: int, path: Path, /) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), path.stat())
        except FileNotFoundError:
            return False

    def link(self, source: Path, target: Path, /) -> None:
        os.link(source, target)

    def remove(self, path: Path, /) -> None:
        path.unlink()


_current: Files = SystemFiles()


def system() -> Files:
    """What storage calls, unless it is told otherwise."""
    return _current


@contextmanager
def use(files: Files) -> Iterator[None]:
    """Other files for all that this process opens inside, for fault injection."""
    global _current
    former, _current = _current, files
    try:
        yield
    finally:
        _current = former
