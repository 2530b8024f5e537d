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
    ``recognises(path) -> bool``, which `archive.adapters.reader_for` asks: it looks at marks, and
    tries nothing. A reader of all files of a kind, such as any pickle, has ``general = True``: it
    gives way to readers that recognise a file as that of one program. One that takes folders too
    has ``folders = True``; others are shown none. A format that has several kinds, chosen by name
    as ``neo:AxonIO``, has a method ``variant(name)`` that gives the adapter of one. One whose
    files have others beside them, such as those that an index lists, has
    ``covers(path) -> Sequence[Path]``, which names those: none of them is imported by itself, and
    their digests are kept too.

    Options of `read` are given by keyword. A reader that cannot carry all that a file says takes
    the keyword ``losses: list[Loss] | None = None``, and appends to it what it left out."""

    name: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    extra: ClassVar[str | None]

    def read(self, path: Path, /) -> Iterator[Entry]:
        """The entries of a file; their arrays may stay on disk.

        At the top are runs, with their segments, snapshots and parameter set as parts; or
        segments, snapshots, parameter sets and keyed values by themselves, which all belong to
        the one run that the file is then; or a whole experiment, with runs as parts. A run
        without a name, and a keyed value without a session, are called after the file.
        """
        ...


class Writer(Protocol):
    """Writes files of one format. The attributes are those of a Reader; of suffixes the longest
    counts, as ``.prov.json``. One that writes a file with a name by which everybody knows it, such
    as ``CITATION.cff``, may have ``file_names``: such names in lower case, for which it is chosen
    without being named. One that writes folders has ``writes_folders = True``, and is chosen for a
    path that ends with a ``/``. A source that is a whole archive is an `archive.entry.Copied`."""

    name: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    extra: ClassVar[str | None]

    # Each writer has its own options, by keyword; a type checker takes this for "anything".
    def write(self, source: Source, path: Path, /, *args: Any, **options: Any) -> list[Loss]:
        """Write an experiment; what the format could not carry is returned.

        `Loss.entry` names an entry by the way to it from the experiment, ``run/segment`` or
        ``run/segment/population/variable`` (see `archive.entry.ways`), and `Loss.field` a field
        or array of it, or its kind where the entry is lost with all that is in it.
        """
        ...
