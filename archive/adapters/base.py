"""What an adapter is: a small class that reads, or writes, one format of file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Protocol

from archive.entry import Entry, Loss, Source


class Reader(Protocol):
    """Reads files of one format. `suffixes` are lower-case, with their dot; `extra` is the extra
    of neuroarchive whose packages it needs, None if it needs none. A package of an extra is
    imported inside functions, and MissingPackage raised where it is not installed.

    Files that say by marks in them of what format they are have a reader with a method
    ``recognises(path) -> bool``, which `archive.adapters.reader_for` asks. Options of `read` are
    given by keyword."""

    name: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    extra: ClassVar[str | None]

    def read(self, path: Path, /) -> Iterator[Entry]:
        """The entries of a file, parents before children; their arrays may stay on disk."""
        ...


class Writer(Protocol):
    """Writes files of one format. The attributes are those of a Reader."""

    name: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    extra: ClassVar[str | None]

    # Each writer has its own options, by keyword; a type checker takes this for "anything".
    def write(self, source: Source, path: Path, /, *args: Any, **options: Any) -> list[Loss]:
        """Write an experiment; what the format could not carry is returned."""
        ...
