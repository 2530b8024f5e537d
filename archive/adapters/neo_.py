"""Recordings in any format that Neo reads, lazily where Neo can, in a process of its own."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Final

import schemas
from archive.adapters.neo_blocks import Request
from archive.adapters.neo_process import entries_through_neo
from archive.entry import Entry, Loss
from archive.errors import FormatError
from archive.values import to_schema

# Marks at the start of a file that no other format has: place, bytes, reader. From the format
# descriptions of Molecular Devices, Blackrock, Plexon, NeuroExplorer, Neuralynx, Brain Products,
# Micromed, CED, AxoGraph, Intan and BCI2000, as Neo's readers look for them.
MARKS: Final = (
    (0, b"ABF ", "AxonIO"),
    (0, b"ABF2", "AxonIO"),
    (0, b"NEURALEV", "BlackrockIO"),
    (0, b"NEURALSG", "BlackrockIO"),
    (0, b"NEURALCD", "BlackrockIO"),
    (0, b"BREVENTS", "BlackrockIO"),
    (0, b"BRSMPGRP", "BlackrockIO"),
    (0, b"PLEX", "PlexonIO"),
    (0, b"NEX1", "NeuroExplorerIO"),
    (0, b"Brain Vision Data Exchange Header File", "BrainVisionIO"),
    (0, b"BrainVision Data Exchange Header File", "BrainVisionIO"),
    (0, b"* MICROMED  Brain-Quick file *", "MicromedIO"),
    (2, b"(C) CED 87", "Spike2IO"),
    (0, b"axgx", "AxographIO"),
    (0, b"axgd", "AxographIO"),
    (0, b"AxGr", "AxographIO"),
    (0, b"\x02\x27\x91\xc6", "IntanIO"),
    (0, b"\xac\x27\x91\xd6", "IntanIO"),
    (0, b"BCI2000V=", "BCI2000IO"),
)
HEAD = 64

REFUSED: Final = {
    "PickleIO": ("it would run what the file says", "format 'pickle' reads Neo's pickles safely"),
    "NeoMatlabIO": ("it trusts what the file says", "format 'mat' reads Neo's MATLAB files"),
    "NixIO": ("it has an adapter of its own", "format 'neo-nix'"),
    "ExampleIO": ("it makes up what it reads", None),
    "NeuroshareIO": ("it runs a library from elsewhere", "read it with Neo, and append the block"),
    "Plexon2IO": ("it fetches and runs a library", "read it with Neo, and append the block"),
}


class Neo:
    """Reads what Neo reads: ``neo`` by marks in the file, ``neo:AxonIO`` by the reader named."""

    name: ClassVar[str] = "neo"
    suffixes: ClassVar[tuple[str, ...]] = (".abf",)
    extra: ClassVar[str | None] = None

    def __init__(self, reader: str | None = None) -> None:
        self._reader = reader

    def recognises(self, path: Path, /) -> bool:
        """Whether it begins with a mark that only one format has."""
        return _marked(path) is not None

    def variant(self, name: str) -> Neo:
        """The adapter of one class of ``neo.io``.

        Raises FormatError for a name that is none of its readers, or whose reader is not safe.
        """
        if name in REFUSED:
            reason, hint = REFUSED[name]
            raise FormatError(f"the reader {name} of Neo is not used: {reason}", hint=hint)
        known = _readers()
        if name not in known:
            near = difflib.get_close_matches(name, known, 3, 0.5) or sorted(known)
            lower = [one for one in known if one.lower() in (name.lower(), f"{name.lower()}io")]
            raise FormatError(
                f"Neo has no reader {name!r:.60}", hint=f"known are {', '.join(lower or near)}"
            )
        return Neo(name)

    def read(
        self,
        path: Path,
        /,
        *,
        losses: list[Loss] | None = None,
        limit: int | None = None,
        **options: Any,
    ) -> Iterator[Entry]:
        """A run for each block that Neo finds, with its segments.

        `options` go to the constructor of the reader; they are numbers, text, flags, quantities,
        and lists and dicts of these. Reading takes no more than `limit` bytes of memory, and of
        disk for the time being; by default 200 MB and 50 times the size of the file, with those
        beside it that have the same stem. Raises FormatError, and MissingPackage where Neo needs
        a package.
        """
        path = Path(path)
        reader = self._reader or _marked(path)
        if reader is None:
            raise FormatError(
                "no mark in the file says which reader of Neo it needs", path=path, hint=_hint(path)
            )
        given = {
            name: schemas.encode(to_schema(value, f"option {name}"))
            for name, value in options.items()
        }
        request = Request(reader, given, path.stem)
        yield from entries_through_neo(path, request, losses, limit)


def _marked(path: Path) -> str | None:
    """The reader of a file that begins with one of the marks."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        return None
    found = (reader for at, mark, reader in MARKS if head[at : at + len(mark)] == mark)
    return next(found, None)


def _readers() -> list[str]:
    """The names of all readers of Neo, by which they are attributes of neo.io."""
    import neo.io

    return [
        name
        for name, kind in vars(neo.io).items()
        if isinstance(kind, type) and kind in neo.io.iolist and name not in REFUSED
    ]


def _hint(path: Path) -> str:
    """Readers that take files with such a suffix: for people to choose from."""
    import neo.io

    suffix = path.suffix.lower().removeprefix(".")
    taking = [
        name
        for name in _readers()
        if suffix in (ending.lower() for ending in getattr(neo.io, name).extensions)
    ]
    return f"name it, as in format='neo:{taking[0] if taking else 'AxonIO'}'" + (
        f"; of this suffix are {', '.join(taking)}" if len(taking) > 1 else ""
    )
