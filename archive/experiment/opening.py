"""The front door: open an archive, or create one."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from archive.container import Container
from archive.errors import AlreadyExists, ArchiveError, ArchiveWarning
from archive.experiment import redirection
from archive.experiment.creating import create_archive, title
from archive.experiment.experiment import Experiment
from archive.experiment.parts import begin_part, part_path, rank_name
from archive.experiment.ranks import end_together, mpi_rank
from archive.provenance import Privacy
from archive.storage import Durability, Foreign

Mode = Literal["r", "a", "x"]


def open(
    path: str | os.PathLike[str],
    mode: Mode = "r",
    *,
    name: str | None = None,
    description: str | None = None,
    people: Sequence[str] = (),
    durability: Durability = "commit",
    parts: bool = True,
    timeout: float = 10,
    privacy: Privacy | None = None,
) -> Experiment:
    """Open the archive of an experiment.

    Mode ``r`` reads (the default), ``a`` appends and creates the file if there is none, ``x``
    creates it and raises AlreadyExists if there is one. `name` (default: the file's name),
    `description` and `people` are for a new archive. With durability ``commit`` every append is
    on the disk when it returns; with ``close`` appends are grouped for some seconds, which a
    crash may cost, but never more than these. One process at a time may append: others wait up
    to `timeout` seconds, then Busy says who holds the archive. Reading is possible at any time,
    and sees what was committed when the archive was opened, or refreshed.

    In mode ``r`` the parts that other processes wrote beside the archive (see `archive.session`)
    are read as if they were in it, unless `parts` is False; an ArchiveWarning names each that
    cannot be read, or is being written, so that it may have more by now. Under MPI every process
    but the first writes to a part of its own, which is removed when it is closed with no segment
    in it (as when PyNN gathers all data to the first process); and an error that ends one process
    ends all.
    A NIX file that is not an archive is opened in mode ``r`` as what Neo can read in it.
    With privacy ``strict`` nothing that is written names the user or the computer, and the home
    folder in paths is ``~``; None: as the environment variable NEUROARCHIVE_PRIVACY has it.
    Raises ArchiveNotFound, AlreadyExists, Refused, Busy, FormatError, VersionError and
    CorruptArchive.
    """
    file = Path(path).absolute()  # it is the same one wherever the process goes
    if "\0" in str(file):  # C would open the file whose name ends there
        raise ArchiveError("the path of a file cannot contain NUL", path=file, hint="leave it out")
    if mode not in ("r", "a", "x"):
        raise ArchiveError(f"mode {mode!r} is not known", path=file, hint="use 'r', 'a' or 'x'")
    if durability not in ("commit", "close"):
        raise ArchiveError(
            f"durability {durability!r} is not known", path=file, hint="use 'commit' or 'close'"
        )
    if privacy not in (None, "normal", "strict"):
        raise ArchiveError(
            f"privacy {privacy!r} is not known", path=file, hint="use 'normal' or 'strict'"
        )
    file = redirection.archive_path(file, writing=mode != "r", new=mode == "x")
    if mode == "r":
        return _read(file, parts, timeout, privacy)
    rank = mpi_rank()
    end_together()
    if rank:
        return _open_rank(file, rank, mode, durability, timeout, privacy)
    if mode == "x" or not file.exists():
        create_archive(file, name=name, description=description, people=people)
    container = Container(
        file, writable=True, durability=durability, timeout=timeout, privacy=privacy
    )
    return Experiment(container)


def _read(file: Path, parts: bool, timeout: float, privacy: Privacy | None) -> Experiment:
    try:
        container = Container(file, writable=False, timeout=timeout, privacy=privacy)
        return Experiment(container, parts=parts)
    except Foreign as error:
        if error.is_nix:
            return _through_neo(file)
        raise


def _open_rank(
    archive: Path,
    rank: int,
    mode: Mode,
    durability: Durability,
    timeout: float,
    privacy: Privacy | None,
) -> Experiment:
    """The part of an MPI process that is not the first."""
    file = part_path(archive, rank_name(rank))
    is_new = not file.exists()
    if mode == "x" and not is_new:
        raise AlreadyExists(
            "an earlier run left this part",
            path=file,
            hint=f"neuroarchive merge {archive}, or remove it",
        )
    container = begin_part(
        archive, rank_name(rank), timeout=timeout, durability=durability, privacy=privacy
    )
    experiment = Experiment(container, archive=archive)
    if is_new:
        experiment.remove_when_empty()
    return experiment


def _through_neo(file: Path) -> Experiment:
    """What Neo makes of a NIX file, in an archive that exists only while it is open."""
    from tempfile import TemporaryDirectory  # with what it imports, 4 ms that few need

    from archive.experiment.foreign import view_through_neo

    folder = TemporaryDirectory(prefix="neuroarchive-")
    staged = Path(folder.name) / "view.nix"
    try:
        view_through_neo(file, staged, title(file))
        experiment = Experiment(Container(staged, writable=False), parts=False)
    except BaseException:
        folder.cleanup()
        raise
    warnings.warn(
        f"{file} is a NIX file of another program: this is a read-only view of what Neo reads in "
        "it. To keep it: archive.open('new.nix', 'a').run().append(block), with a block of "
        "neo.io.NixIO.",
        ArchiveWarning,
        stacklevel=3,
    )
    experiment.keep_until_closed(folder)
    return experiment
