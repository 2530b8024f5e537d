"""What is otherwise in a process that runs a run again; in any other process nothing is."""

from __future__ import annotations

import os
from pathlib import Path

from archive.experiment.rerun_variable import VARIABLE


def _is_told() -> bool:
    return bool(os.environ.get(VARIABLE))


def archive_path(path: Path, *, writing: bool, new: bool = False) -> Path:
    """The archive to open instead."""
    if not _is_told():
        return path
    from archive.experiment import redirected

    return redirected.archive_path(path, writing=writing, new=new)


def export_path(path: Path) -> Path:
    """The file to write instead."""
    if not _is_told():
        return path
    from archive.experiment import redirected

    return redirected.export_path(path)


def numbered_name() -> str | None:
    """What a run without a name is called; None: as it is anywhere."""
    if not _is_told():
        return None
    from archive.experiment import redirected

    return redirected.numbered_name()


def begins(archive: Path, name: str) -> None:
    """A run is about to begin, which may be the one that is run again."""
    if _is_told():
        from archive.experiment import redirected

        redirected.begins(archive, name)


def restore_named(name: str, generator: object) -> None:
    """A generator is noted, which may have to be set to what it was."""
    if _is_told():
        from archive.experiment import redirected

        redirected.restore_named(name, generator)
