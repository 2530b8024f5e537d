"""The tree of errors: grouped by what a caller would do about them.

Every one has ``path``, ``entry`` and ``hint`` where known, and is also the matching builtin.
"""

from __future__ import annotations

import os
from typing import ClassVar


class ArchiveError(Exception):
    """Root of all errors that this package raises on purpose."""

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        message: str,
        *,
        path: str | os.PathLike[str] | None = None,
        entry: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = None if path is None else os.fspath(path)
        self.entry = entry
        self.hint = hint

    def __str__(self) -> str:
        where = ": ".join(part for part in (self.path, self.entry) if part)
        text = f"{where}: {self.message}" if where else self.message
        return f"{text}\n  hint: {self.hint}" if self.hint else text


class NotFound(ArchiveError, KeyError):
    """No such run, segment, signal or key."""

    exit_code = 3
    __str__ = ArchiveError.__str__  # KeyError would print the message quoted


class ArchiveNotFound(NotFound, FileNotFoundError):
    """No such file."""

    __str__ = ArchiveError.__str__


class AlreadyExists(ArchiveError, FileExistsError):
    """The name, or the file, is taken."""

    exit_code = 4


class Refused(ArchiveError, PermissionError):
    """The session cannot do that: it is read-only, or closed."""

    exit_code = 5


class Busy(ArchiveError, TimeoutError):
    """Another session holds the archive."""

    exit_code = 6


class ContractError(ArchiveError, ValueError):
    """The entry breaks the contract: wrong shape, unit, name or value."""

    exit_code = 7


class QueryError(ArchiveError, ValueError):
    """The query cannot be understood, or asks for what cannot be compared."""

    exit_code = 8


class VersionError(ArchiveError):
    """The archive was written by a version that this one cannot deal with."""

    exit_code = 9


class FormatError(ArchiveError, ValueError):
    """A foreign file, or object, cannot be read or written."""

    exit_code = 10


class MissingPackage(FormatError, ImportError):
    """An optional package is needed; the hint says how to install it."""

    exit_code = 11


class TransactionError(ArchiveError, OSError):
    """A change failed and was undone; says what to do next."""

    exit_code = 12


class CorruptArchive(ArchiveError):
    """The file is damaged; says what, and what is still readable."""

    exit_code = 13


class ArchiveWarning(UserWarning):
    """Something was kept, but not as it came; or came already lost. The text says which."""
