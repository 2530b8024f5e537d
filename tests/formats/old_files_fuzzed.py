"""Readers of files that have others beside them, for the fuzzer, which gives one file."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from archive.adapters.shelves import Shelves
from archive.entry import Entry

DATA = Path(__file__).parent.parent / "data" / "shelves"


class Beside:
    """Reads a shelf of which one file is damaged: the other ones are laid beside it."""

    def __init__(self, damaged: str, *others: str) -> None:
        self.damaged, self.others = damaged, others

    def read(self, path: Path, /) -> Iterator[Entry]:
        for other in self.others:
            target = path.with_name(other)
            if not target.exists():
                shutil.copy(DATA / other, target)
        yield from Shelves().read(path.with_name(self.others[0]))
