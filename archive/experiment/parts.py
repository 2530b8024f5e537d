"""The parts of an archive: complete archives of other processes, in a folder beside it.

``experiment.nix.parts/anna@lab7-3f2a90c1d5e8.nix`` belongs to ``experiment.nix``. The folder says
so, and nothing else: neither a process that begins a part nor one that reads them needs to open
the archive itself, or to ask another process.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import uuid
import warnings
from pathlib import Path

from archive import provenance
from archive.container import Container
from archive.container.merge_notes import progress
from archive.errors import ArchiveError, ArchiveNotFound, ArchiveWarning, Refused
from archive.experiment.creating import ensure_archive
from archive.provenance import Privacy
from archive.storage import Durability

SUFFIX = ".nix"
PATIENCE = 60.0  # s
RANK = re.compile(r"rank-(\d+)")


def folder_of(archive: Path) -> Path:
    """Where the parts of an archive lie."""
    return archive.with_name(f"{archive.name}.parts")


def part_path(archive: Path, name: str) -> Path:
    """The file of a part."""
    return folder_of(archive) / f"{name}{SUFFIX}"


def part_paths(archive: Path) -> dict[str, Path]:
    """The files of all parts by name, in the order of the names."""
    try:
        files = sorted(file.name for file in folder_of(archive).iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    own = [file for file in files if file.endswith(SUFFIX) and not file.startswith(".")]
    return {file.removesuffix(SUFFIX): folder_of(archive) / file for file in own}


def open_parts(archive: Path, main: Container, *, without: str = "") -> dict[str, Container]:
    """All parts that can be read and are not in the archive already, by name; but for one.

    One that is being written, or whose process died, is read up to its last commit. An
    ArchiveWarning names each that may have more by now, and each that has something which is not
    in the archive and cannot be read.
    """
    found = {}
    for name, path in part_paths(archive).items():
        if name == without:
            continue
        try:
            part = Container(path, writable=False)
            merged = progress(main, part)
            if merged == "none":
                from archive.storage.recovery import look

                found[name] = part
                writer = look(path).held_by
                if writer is not None:
                    _warn(path, f"read up to its last commit: it is being written by {writer}")
                continue
            part.close()
            if merged == "some":
                _warn(path, "left out: a merge of it was interrupted; merge it again")
        except ArchiveNotFound:
            continue  # merged and removed just now
        except ArchiveError as error:
            _warn(path, f"left out: it cannot be read ({error.message})")
    return found


def _warn(path: Path, how: str) -> None:
    warnings.warn(f"the part {path.name} is {how}", ArchiveWarning, stacklevel=_OF_THE_USER)


_OF_THE_USER = 6


def begin_part(
    archive: Path,
    name: str,
    *,
    timeout: float,
    durability: Durability = "commit",
    privacy: Privacy | None = None,
) -> Container:
    """The part of that name, open for writing; it is made if there is none.

    Others may look at it for a moment, as soon as it is there. Raises Busy if another process
    still has it after `timeout` seconds, Refused where the folder cannot be made.
    """
    path = part_path(archive, name)
    for last_try in (False, False, True):
        _make_folder(path.parent)
        try:
            ensure_archive(path)
            return Container(
                path, writable=True, timeout=timeout, durability=durability, privacy=privacy
            )
        except ArchiveNotFound:  # who removes the last part removes the folder
            if last_try:
                raise
    raise AssertionError("unreachable")


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise Refused(
            f"the folder of the parts cannot be made ({error.strerror})",
            path=path,
            hint="choose a folder that you may write to",
        ) from error


def session_name(privacy: Privacy) -> str:
    """A name that no other session has: ``anna@lab7-3f2a90c1d5e8``; ``session-3f2a90c1d5e8`` if
    nobody shall be named."""
    who = "session" if privacy == "strict" else computer_name(privacy)
    return f"{who}-{uuid.uuid4().hex[:12]}"


def computer_name(privacy: Privacy) -> str:
    """The user and the machine: ``anna@lab7``; ``computer-`` and digits that only this user on
    this machine can work out, if nobody shall be named."""
    user, host = provenance.user("normal") or "user", provenance.host("normal") or "host"
    if privacy == "strict":
        told = f"{user}@{host} {_machine()}"
        return f"computer-{hashlib.sha256(told.encode()).hexdigest()[:12]}"
    return f"{_plain(user)}@{_plain(host)}"


def _machine() -> str:
    """A number of the machine that others cannot guess."""
    with contextlib.suppress(OSError):
        return Path("/etc/machine-id").read_text("ascii", "replace").strip()
    return str(uuid.getnode())


def _plain(text: str) -> str:
    """As any file system can hold it."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", text)[:60].lstrip(".") or "_"


def rank_name(rank: int) -> str:
    """The name of the part of an MPI process: ``rank-00003``."""
    return f"rank-{rank:05d}"


def rank_of(name: str) -> int | None:
    """The MPI process that a part is of; None for the part of a session."""
    found = RANK.fullmatch(name)
    return None if found is None else int(found[1])


def remove_folder(archive: Path) -> None:
    """Remove the folder of the parts, unless there is something in it."""
    with contextlib.suppress(OSError):
        folder_of(archive).rmdir()
