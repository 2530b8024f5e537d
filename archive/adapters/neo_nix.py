"""The NIX files of Neo's NixIO, both ways: so that a user of Neo opens what an archive holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from archive.adapters.neo_blocks import Request
from archive.adapters.neo_nix_writing import write_blocks
from archive.adapters.neo_process import entries_through_neo
from archive.adapters.replacing import replacing
from archive.entry import Entry, Loss, Source
from archive.errors import FormatError
from archive.storage.marks import nix_marks


class NeoNix:
    """A block of Neo for each run. Readable with ``neo.io.NixIO(path, mode="ro")``."""

    name: ClassVar[str] = "neo-nix"
    suffixes: ClassVar[tuple[str, ...]] = (".nix", ".h5")
    extra: ClassVar[str | None] = None

    def recognises(self, path: Path, /) -> bool:
        """Whether it is a NIX file with Neo's marks, and none of our archives."""
        marks = nix_marks(path)
        return marks is not None and marks.neo and not marks.archive

    def read(
        self, path: Path, /, *, losses: list[Loss] | None = None, limit: int | None = None
    ) -> Iterator[Entry]:
        """The experiment in a file that was written from one; else a run for each block.

        `limit` is as in `archive.adapters.neo_.Neo.read`. Raises FormatError for what NixIO cannot
        read, and for an archive.
        """
        path = Path(path)
        marks = nix_marks(path)
        if marks is not None and marks.archive:
            raise FormatError(
                "this is an archive already",
                path=path,
                hint=f"neuroarchive merge ARCHIVE {path} appends what is in it to another",
            )
        if marks is None:
            raise FormatError("this is no NIX file", path=path)
        request = Request("NixIO", {}, path.stem)
        yield from entries_through_neo(path, request, losses, limit)

    def write(self, source: Source, path: Path, /, *, overwrite: bool = False) -> list[Loss]:
        """Write an experiment, and return what NixIO could not carry.

        A run at a time is in memory. Raises AlreadyExists if the file exists and `overwrite` is
        False, FormatError if it cannot be written.
        """
        path = Path(path)
        with replacing(path, overwrite=overwrite) as staged:
            return write_blocks(source, staged)
