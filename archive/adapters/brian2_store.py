"""The files of Brian 2's `store`: read without running anything, and written for its `restore`.

A file is a pickle of ``{name of the state: {object: {variable: (array, size)}}}``; see
``brian2.core.network.Network.store``. It has numbers in SI units and does not say which. It has
neither equations, nor between which groups synapses lead, nor delays, nor the numbers that
compiled code has drawn in advance.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from archive.adapters.brian2_store_reading import snapshot_of
from archive.adapters.brian2_store_writing import States
from archive.adapters.replacing import replacing
from archive.adapters.unpickling import DAMAGE, unpickled
from archive.entry import Entry, Loss, Source
from archive.errors import ArchiveError, FormatError

# The text "0_t" as protocols from 4 on write it, and as those before.
_MARKS = (b"\x8c\x030_t", b"X\x03\x00\x00\x000_t")


class Brian2Store:
    """Reads and writes the files of ``Network.store(name, filename)``, a snapshot per name.

    What is written has the delays too, which Brian 2's `restore` takes.
    """

    name: ClassVar[str] = "brian2"
    suffixes: ClassVar[tuple[str, ...]] = (".brian2",)
    extra: ClassVar[str | None] = None

    def recognises(self, path: Path, /) -> bool:
        """Whether it is a pickle with the key that each stored state has for its time, which no
        object can be named. Nothing is made of it."""
        try:
            with path.open("rb") as file:
                if file.read(1) != b"\x80":
                    return False
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
                    return any(held.find(mark) >= 0 for mark in _MARKS)
        except OSError:
            return False

    def read(self, path: Path, /) -> Iterator[Entry]:
        """One snapshot for each name under which a state was stored, with its name.

        Raises FormatError for every other file, and for what may not be in such a file: nothing
        of it is run.
        """
        path = Path(path)
        states = unpickled(path, path)
        if not isinstance(states, dict) or not states:
            raise FormatError("the pickle is no dict of stored states", path=path)
        for name, state in states.items():
            try:
                yield snapshot_of(name, state)
            except FormatError as error:
                raise FormatError(error.message, path=path, entry=error.entry) from error
            except (ArchiveError, *DAMAGE) as error:
                raise FormatError(
                    f"the stored state {name!r:.60} is damaged: {error}", path=path
                ) from error

    def write(self, source: Source, path: Path, /, *, overwrite: bool = False) -> list[Loss]:
        """Write every snapshot of Brian 2 under its name, or ``default``; return what is lost.

        Raises AlreadyExists if the file exists and `overwrite` is False, FormatError if there is
        no snapshot of Brian 2, or the file cannot be written.
        """
        path = Path(path)
        states = States()
        states.take(source.entry())
        if not states.made:
            raise FormatError(
                "there is no snapshot of Brian 2 to write",
                path=path,
                hint="take one: run.snapshot(network)",
            )
        with replacing(path, overwrite=overwrite) as staged:
            staged.write_bytes(states.pickled())
        return states.losses
