"""A file that an archive takes in: its size, time and digest, and those of what belongs to it.

A folder that one program wrote is like a file: its bytes are those of all files in it, its digest
is over their names and digests, in order.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Self

from archive.container.rows import EPOCH
from archive.errors import FormatError

# A file of so many bytes is digested while it is read, if nothing else asks for its digest.
LARGE = 8 << 20
_STEP = 1 << 20


class SourceFile:
    """One file, as it was when it was first looked at."""

    def __init__(self, path: Path, others: Sequence[Path] = ()) -> None:
        """Raises FormatError for a file that cannot be looked at, or is none."""
        self.path = path.absolute()
        self.others = tuple(other.absolute() for other in others)
        self._before = [_state(one) for one in (self.path, *self.others)]
        self._digesting: Future[str] | None = None
        self._thread: ThreadPoolExecutor | None = None

    @property
    def size(self) -> int:
        """Its bytes."""
        return sum(size for _, size, _ in self._before[0])

    @property
    def modified(self) -> datetime | None:
        """When it was changed last, UTC; None for a moment that Python has not."""
        try:
            newest = max(changed for _, _, changed in self._before[0])
            return EPOCH + timedelta(microseconds=newest // 1000)
        except OverflowError:
            return None

    def begin_digest(self) -> None:
        """Compute the digest of a large file beside what is going on."""
        if self.size >= LARGE and self._digesting is None and "digest" not in self.__dict__:
            self._thread = ThreadPoolExecutor(1)
            self._digesting = self._thread.submit(file_digest, self.path)

    @cached_property
    def digest(self) -> str:
        """SHA-256, in hexadecimal. Raises FormatError for what cannot be read."""
        return file_digest(self.path) if self._digesting is None else self._digesting.result()

    @cached_property
    def other_digests(self) -> dict[Path, str]:
        """The same of each file that belongs to it, by its path."""
        return {other: file_digest(other) for other in self.others}

    def check_unchanged(self) -> None:
        """Raises FormatError if somebody wrote to it meanwhile."""
        if [_state(one) for one in (self.path, *self.others)] != self._before:
            raise FormatError(
                "the file was changed while it was read",
                path=self.path,
                hint="import it once nothing writes to it any more",
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread is not None:
            self._thread.shutdown(wait=True, cancel_futures=True)


def file_digest(path: Path) -> str:
    """SHA-256 of a file or folder, in hexadecimal. Raises FormatError."""
    state = hashlib.sha256()
    try:
        if path.is_dir():
            for inner in _inside(path):
                name = str(inner.relative_to(path)).encode(errors="surrogateescape")
                state.update(b"%s\0%s\n" % (name, file_digest(inner).encode()))
            return state.hexdigest()
        with path.open("rb", buffering=0) as file:
            while piece := file.read(_STEP):
                state.update(piece)
    except OSError as error:
        raise _unreadable(path, error) from error
    return state.hexdigest()


def _inside(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _state(path: Path) -> list[tuple[str, int, int]]:
    """Name, size and time of the file, or of those in the folder."""
    try:
        found = path.stat()
        if stat.S_ISREG(found.st_mode):
            return [("", found.st_size, found.st_mtime_ns)]
        if stat.S_ISDIR(found.st_mode):
            inside = [(str(one), one.stat()) for one in _inside(path)]
            return [(name, one.st_size, one.st_mtime_ns) for name, one in inside] or [
                ("", 0, found.st_mtime_ns)
            ]
    except (OSError, ValueError) as error:  # ValueError: what its index names may be no path
        raise _unreadable(path, error) from error
    raise FormatError("it is neither a file nor a folder", path=path)


def _unreadable(path: Path, error: OSError | ValueError) -> FormatError:
    reason = getattr(error, "strerror", None) or error
    return FormatError(f"the file cannot be read: {reason}", path=path)
