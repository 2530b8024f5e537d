"""The front door of what can be done about a damaged archive."""

from __future__ import annotations

import os
from pathlib import Path

from archive.container.salvaged import Salvaged


def salvage(path: str | os.PathLike[str], new: str | os.PathLike[str]) -> Salvaged:
    """Copy everything that can be read of a damaged archive into a new one.

    Runs and segments keep their numbers. What cannot be read of one, or is not what was written,
    is among the losses of the result, and stands in its annotation ``salvage``. The damaged file
    is only read, by a process of its own, which it may end or keep for ever; such places are left
    out. Raises ArchiveNotFound, AlreadyExists, Refused and Busy, and CorruptArchive or FormatError
    if nothing can be read; then there is no new file.
    """
    from archive.container.salvage import salvage as salvage_archive

    return salvage_archive(Path(path), Path(new))
