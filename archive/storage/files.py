"""Every call to the operating system that makes a change permanent stands in this file.

The fault injector of the tests takes the place of `SystemFiles`; nothing else in the package
may sync, link, replace or remove.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol


class Files(Protocol):
    """What storage asks of the operating system."""

    def sync(self, path: Path, /) -> None:
        """Make the content of a file permanent."""
        ...

    def sync_folder(self, path: Path, /) -> None:
        """Make the names in a folder permanent."""
        ...

    def link(self, source: Path, target: Path, /) -> None:
        """Give a file a second name; FileExistsError if that is taken."""
        ...

    def remove(self, path: Path, /) -> None:
        """Remove a name."""
        ...


class SystemFiles:
    """The real thing."""

    def sync(self, path: Path, /) -> None:
        descriptor = os.open(path, os.O_RDWR)
        try:
            # fdatasync also writes the length, which is all of the metadata that reading needs;
            # systems without it (macOS, Windows) have fsync.
            getattr(os, "fdatasync", os.fsync)(descriptor)
        finally:
            os.close(descriptor)

    def sync_folder(self, path: Path, /) -> None:
        if os.name == "nt":  # Windows cannot open a folder, and keeps names by itself
            return
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def link(self, source: Path, target: Path, /) -> None:
        os.link(source, target)

    def remove(self, path: Path, /) -> None:
        path.unlink()


SYSTEM = SystemFiles()
