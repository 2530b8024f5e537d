"""Everything that can still be read of a damaged archive, in a new one."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from archive import provenance
from archive.container.isolation import PATIENCE, Watch, isolated
from archive.container.salvaged import Salvaged
from archive.container.salvaging import Salvaging
from archive.entry import Loss
from archive.errors import AlreadyExists, ArchiveNotFound, CorruptArchive
from archive.storage import publish, remove_file


def salvage(
    path: Path,
    new: Path,
    on_segment: Callable[[], object] = lambda: None,
    *,
    patience: float = PATIENCE,
) -> Salvaged:
    """Copy all that can be read of a damaged archive into a new one.

    Runs and segments keep their numbers. What cannot be read of one, or is not what was written,
    is a loss, and stands in its annotation ``salvage``. The damaged file is only read, by a
    process that it may end; where it does so, or is silent for `patience` seconds, that place is
    left out. Raises ArchiveNotFound, AlreadyExists, Refused and Busy, and CorruptArchive or
    FormatError if nothing can be read; then there is no new file.
    """
    if not path.exists():
        raise ArchiveNotFound("no such file", path=path)
    if new.exists():
        raise AlreadyExists("the file exists already", path=new, hint="choose another name")
    staged = new.absolute().with_name(f".{uuid.uuid4().hex}.salvage")

    def on_place(place: str) -> None:
        if place.startswith("segment "):
            on_segment()

    arguments = {"path": str(path.absolute()), "new": str(staged), "writer": provenance.writer()}
    try:
        said = isolated(_copy, arguments, path, on_place=on_place, patience=patience)
        publish(staged, new)
    finally:
        for left in staged.parent.glob(f"{staged.name}*"):  # with the log, if that was left too
            remove_file(left)
    losses = tuple(Loss(**loss) for loss in said["losses"])
    return Salvaged(said["runs"], said["segments"], losses, said["snapshots"])


def _copy(arguments: dict[str, Any], watch: Watch) -> dict[str, Any]:
    staged = Path(arguments["new"])
    if staged.exists():  # left by a process that the damaged file has ended
        remove_file(staged)
    watch.at("the file")
    work = Salvaging(Path(arguments["path"]), watch)
    work.copy(staged, arguments["writer"])
    if not (work.runs or work.segments or work.snapshots or work.is_named):
        raise CorruptArchive("neither the experiment nor any run or segment can be read")
    return {
        "runs": work.runs,
        "segments": work.segments,
        "snapshots": work.snapshots,
        "losses": [asdict(loss) for loss in work.losses],
    }
