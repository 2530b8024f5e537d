"""The front door: open an archive, or create one."""

from __future__ import annotations

import os
import uuid
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import schemas
from archive import provenance
from archive.container import Container, create_container
from archive.errors import ArchiveError, ArchiveWarning
from archive.experiment.experiment import Experiment
from archive.experiment.foreign import view_through_neo
from archive.experiment.ranks import mpi_rank, part_path
from archive.hooks.plain import modelled
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
    timeout: float = 10,
) -> Experiment:
    """Open the archive of an experiment.

    Mode ``r`` reads (the default), ``a`` appends and creates the file if there is none, ``x``
    creates it and raises AlreadyExists if there is one. `name` (default: the file's name),
    `description` and `people` are for a new archive. With durability ``commit`` every append is
    on the disk when it returns; with ``close`` appends are grouped for some seconds, which a
    crash may cost, but never more than these. One process at a time may append: others wait up
    to `timeout` seconds, then Busy says who holds the archive. Reading is possible at any time,
    and sees what was committed when the archive was opened, or refreshed.

    Under MPI every process but the first writes to a part of its own, ``path.1`` and so on,
    which is removed when it is closed with no segment in it (as when PyNN gathers all data to
    the first process). A NIX file that is not an archive is opened in mode ``r`` as what Neo can
    read in it.
    Raises ArchiveNotFound, AlreadyExists, Refused, Busy, FormatError, VersionError and
    CorruptArchive.
    """
    file = Path(path)
    if "\0" in str(file):  # C would open the file whose name ends there
        raise ArchiveError("the path of a file cannot contain NUL", path=file, hint="leave it out")
    if mode not in ("r", "a", "x"):
        raise ArchiveError(f"mode {mode!r} is not known", path=file, hint="use 'r', 'a' or 'x'")
    if durability not in ("commit", "close"):
        raise ArchiveError(
            f"durability {durability!r} is not known", path=file, hint="use 'commit' or 'close'"
        )
    rank = 0 if mode == "r" else mpi_rank()
    file = part_path(file, rank)
    is_new = mode == "x" or (mode == "a" and not file.exists())
    if is_new:
        create_container(
            file,
            modelled(
                schemas.Experiment,
                str(file),
                id=str(uuid.uuid4()),
                name=name or _name(file),
                description=description,
                people=tuple(people),
                created=datetime.now(UTC),
            ),
            provenance.writer(),
        )
    try:
        experiment = Experiment(
            Container(file, writable=mode != "r", durability=durability, timeout=timeout)
        )
    except Foreign as error:
        if mode == "r" and error.is_nix:
            return _through_neo(file)
        raise
    if rank and is_new:
        experiment.remove_when_empty()
    return experiment


def _name(file: Path) -> str:
    printable = "".join(c if c.isprintable() else "_" for c in file.stem)
    return printable[:200] or "experiment"


def _through_neo(file: Path) -> Experiment:
    """What Neo makes of a NIX file, in an archive that exists only while it is open."""
    from tempfile import TemporaryDirectory  # with what it imports, 4 ms that few need

    folder = TemporaryDirectory(prefix="neuroarchive-")
    staged = Path(folder.name) / "view.nix"
    try:
        view_through_neo(file, staged, _name(file))
        experiment = Experiment(Container(staged, writable=False))
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
