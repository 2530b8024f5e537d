"""In a process that runs a run again: archives that it opens for writing are others, in a folder
that is thrown away, and generators of random numbers go on from where they were.

The process knows by an environment variable, which names the folder. What it does there is all
decided here: the script itself opens its archives and begins its runs as it always did.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import schemas
from archive.container import Container
from archive.errors import ArchiveError
from archive.experiment.rerun_variable import VARIABLE
from archive.provenance.restoring import restore_generator, restore_generators

ORDER: Final = "rerun.json"
# In the folder: the archive as it was before, those that are written, and which run it is.
BEFORE, WRITTEN, BEGUN, EXPORTS = "before.nix", "archives", "begun.json", "exports"
_NUMBERED = re.compile(r"run \d{4,}")


@dataclass(frozen=True)
class Order:
    """What the process is told. `names` are those of the runs that the first process began, in
    their order; the one that is wanted has one of `aliases`, or is number `wanted` of a process
    and has a name that is none of `known`, as where names tell the time."""

    folder: Path
    archive: Path
    experiment: str
    names: tuple[str, ...]
    wanted: int
    aliases: tuple[str, ...]
    known: tuple[str, ...]
    generators: Mapping[str, dict[str, Any]]

    def write(self) -> None:
        """Leave it in its folder."""
        said = {
            "archive": str(self.archive),
            "experiment": self.experiment,
            "names": self.names,
            "wanted": self.wanted,
            "aliases": self.aliases,
            "known": self.known,
            "generators": dict(self.generators),
        }
        text = json.dumps(said, indent=1)
        (self.folder / ORDER).write_text(text, "utf-8", errors="surrogateescape")

    @classmethod
    def read(cls, folder: Path) -> Order:
        """That of a folder. Raises ArchiveError."""
        try:
            text = (folder / ORDER).read_text("utf-8", errors="surrogateescape")
            said = json.loads(text)
            return cls(
                folder,
                Path(said["archive"]),
                said["experiment"],
                tuple(said["names"]),
                said["wanted"],
                tuple(said["aliases"]),
                tuple(said["known"]),
                said["generators"],
            )
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise ArchiveError(
                f"{VARIABLE} names a folder that tells of no run ({error})",
                path=folder,
                hint=f"'neuroarchive rerun' sets it; unset {VARIABLE} for anything else",
            ) from error

    # -- archives ----------------------------------------------------------------------------

    def place(self, path: Path) -> Path:
        """Where the archive of a path lies in the folder: the same for all of its processes."""
        name = hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:12]
        return self.folder / WRITTEN / name / path.name

    def is_inside(self, path: Path) -> bool:
        return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self.folder))

    def is_own(self, path: Path) -> bool:
        """Whether it is the archive that has the wanted run, or a copy of it."""
        if not path.is_file():
            return path.name == self.archive.name
        with contextlib.suppress(ArchiveError):
            container = Container(path, writable=False)
            try:
                return str(container.experiment.document(0).get("id")) == self.experiment
            finally:
                container.close()
        return False


@cache
def _order(folder: str) -> Order:
    return Order.read(Path(folder))


def order() -> Order | None:
    """What this process is told; None in any other."""
    folder = os.environ.get(VARIABLE)
    return _order(folder) if folder else None


def archive_path(path: Path, *, writing: bool, new: bool = False) -> Path:
    """The archive to open instead: of each that is written to, another one with what was in it
    before the wanted run's process began; of one that is read, that too if it has been written
    to, or has the wanted run."""
    told = order()
    if told is None or told.is_inside(path):
        return path
    place, before = told.place(path), told.folder / BEFORE
    if place.exists():
        return place
    own = told.is_own(path)
    if not writing:
        return before if own else path
    place.parent.mkdir(parents=True, exist_ok=True)
    # an archive of another name that is not there may well be the one that has the wanted run
    source = before if own or not path.exists() else path
    if not new:
        _copy(source, place)
    return place


def _copy(source: Path, place: Path) -> None:
    """All of it at once, as several processes may do so."""
    partial = place.with_name(f".{uuid.uuid4().hex}")
    shutil.copyfile(source, partial)
    with contextlib.suppress(FileExistsError):
        os.link(partial, place)
    partial.unlink()


def export_path(path: Path) -> Path:
    """The file to write instead: what was exported before is not replaced."""
    told = order()
    if told is None or told.is_inside(path):
        return path
    folder = told.folder / EXPORTS
    folder.mkdir(exist_ok=True)
    return folder / path.name


# -- runs --------------------------------------------------------------------------------------


@dataclass
class _Progress:
    """How far this process is."""

    begun: int = 0
    found: bool = False


_progress = _Progress()


def numbered_name() -> str | None:
    """What a run without a name is called now; None: as it is anywhere."""
    told = order()
    if told is None or _progress.begun >= len(told.names):
        return None
    name = told.names[_progress.begun]
    return name if _NUMBERED.fullmatch(name) else None


def begins(archive: Path, name: str) -> None:
    """A run is about to begin. If it is the wanted one, that is noted for who waits for it, and
    generators of random numbers are set to where they were."""
    told = order()
    if told is None:
        return
    number, _progress.begun = _progress.begun, _progress.begun + 1
    is_it = name in told.aliases or (number == told.wanted and name not in told.known)
    if not is_it or _progress.found:
        return
    _progress.found = True
    with (
        contextlib.suppress(FileExistsError),  # of another process
        (told.folder / BEGUN).open("x", encoding="utf-8") as file,
    ):
        json.dump({"archive": str(archive), "run": name}, file)
    states = {whose: schemas.load(said) for whose, said in told.generators.items()}
    restore_generators(states)


def restore_named(name: str, generator: object) -> None:
    """A generator that the wanted run notes under a name, set to what it was when it was noted."""
    told = order()
    if told is not None and _progress.found and name in told.generators:
        restore_generator(name, generator, schemas.load(told.generators[name]))
