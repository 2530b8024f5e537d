"""The record of the program: its files and its repository."""

from __future__ import annotations

import hashlib
import os
import threading
import zlib
from pathlib import Path
from typing import NamedTuple

import schemas
from archive.provenance import repository, sources
from archive.provenance.concealing import concealed_bytes
from archive.provenance.git import State
from archive.provenance.mpi import rank_and_size
from archive.provenance.privacy import Privacy, shown
from archive.provenance.program import Program, program
from archive.provenance.repository import Inquiry, Place

LATE = "git has not answered in time"
NOT_ASKED = "of the processes of MPI only the first asks git"


class Kept(NamedTuple):
    """A record with its digest."""

    digest: str
    model: schemas.Code


class Known:
    """What this process has found out about its program; shared by its runs."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.modules = sources.Modules()
        self.script: sources.File | None = None
        self.unread: str | None = None
        self.inquiry: Inquiry | None = None
        self.last: tuple[object, Kept] | None = None


_known = Known()


def _forget() -> None:
    """In a forked process: no thread of the other one goes on, and its locks may be locked."""
    global _known
    _known = Known()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


class Asked(NamedTuple):
    """The program as it was when a run began."""

    program: Program
    place: Place | None
    inquiry: Inquiry | None


def ask() -> Asked:
    """Look at the program, and begin to ask git, unless its answer is known."""
    known = _known
    with known.lock:
        started = program()
        known.modules.look()
        _look_at_script(known, started)
        place = repository.place_of(_folder(started))
        if place is None or (rank_and_size()[0] or 0) > 0:
            return Asked(started, place, None)
        # files that are imported show a change that the index of git does not
        seen = tuple(_stat(file.path) for file in known.modules.files.values())
        own = () if known.script is None else _stat(known.script.path)
        stamp = (repository.stamp_of(place), own, seen)
        if known.inquiry is None or not known.inquiry.serves(place, stamp):
            known.inquiry = Inquiry(place, stamp)
        return Asked(started, place, known.inquiry)


def _stat(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _look_at_script(known: Known, started: Program) -> None:
    """A script is read once: it goes on as it was, whatever becomes of its file. A notebook is
    read each time."""
    if started.path is None:
        return
    again = started.kind == "notebook" or known.script is None
    if again or known.script is None or known.script.path != started.path:
        known.script = known.unread = None
        try:
            known.script = sources.read(started.path)
        except (OSError, ValueError) as error:
            known.unread = sources.reason(error)


def _folder(started: Program) -> Path:
    """Where the repository is looked for: around the program, unless that is installed."""
    path = started.path
    if path is not None and not sources.is_installed(path):
        return path.parent
    try:
        return Path.cwd()
    except OSError:  # it was removed
        return Path(path.anchor if path is not None else os.sep)


def record(asked: Asked, seconds: float, privacy: Privacy) -> Kept:
    """The record, with what git has said after so many seconds at most."""
    answer = None if asked.inquiry is None else asked.inquiry.answer(seconds)
    known = _known
    with known.lock:
        known.modules.look()
        files = tuple(known.modules.files.items())
        # equal when nothing was found out since, as each of these is made once
        key = (privacy, asked.program, asked.place, answer, known.script, files)
        if known.last is None or known.last[0] != key:
            model = _code(asked, answer, known, privacy)
            known.last = key, Kept(schemas.digest(model), model)
        return known.last[1]


def _code(asked: Asked, answer: State | None, known: Known, privacy: Privacy) -> schemas.Code:
    root = None if asked.place is None else asked.place.root
    missing: dict[str, str] = {}
    script = None
    room = sources.TOTAL_LIMIT
    if known.script is not None:
        script = _source(known.script, known.script.packed, root, privacy)
        room -= len(script.content or b"")
        _note(missing, "script", known.script, script)
        if known.script.modified > sources.BEGAN and asked.program.kind != "notebook":
            missing["script changed"] = "its file was changed after the program had begun"
        if asked.program.kind == "notebook":
            missing["script state"] = "the notebook is as it was saved last"
    elif asked.program.text is not None:
        script = _command(asked.program.text, missing)
    elif known.unread or asked.program.missing:
        missing["script"] = known.unread or str(asked.program.missing)
    modules = {}
    for name, file, packed in sources.within(room, known.modules.files):
        modules[name] = _source(file, packed, root, privacy)
        _note(missing, f"module {name}", file, modules[name])
    for name, why in known.modules.unread.items():
        missing[f"module {name}"] = why
    return schemas.Code(
        program=asked.program.kind,
        script=script,
        modules=modules,
        repository=_repository(asked, answer, missing, privacy),
        missing=missing,
    )


def _note(missing: dict[str, str], what: str, file: sources.File, kept: schemas.Source) -> None:
    if kept.content is None and file.path.suffix in sources.TEXTS:
        missing[f"{what} content"] = "too long to be kept"
    elif file.secrets and kept.content is not None:
        missing[f"{what} secrets"] = f"{file.secrets} in it are replaced by ***"


def _source(
    file: sources.File, packed: bytes | None, root: Path | None, privacy: Privacy
) -> schemas.Source:
    path = file.path
    if root is not None and path.is_relative_to(root):
        path = path.relative_to(root)
    return schemas.Source(
        path=shown(path, privacy), digest=file.digest, size=file.size, content=packed
    )


def _command(text: str, missing: dict[str, str]) -> schemas.Source:
    """What `python -c` was given, as a file called ``-c``."""
    content = text.encode(errors="surrogateescape")
    safe, secrets = concealed_bytes(content)
    if secrets:
        missing["script secrets"] = f"{secrets} in it are replaced by ***"
    return schemas.Source(
        path="-c",
        digest=hashlib.sha256(content).hexdigest(),
        size=len(content),
        content=zlib.compress(safe),
    )


def _repository(
    asked: Asked, answer: State | None, missing: dict[str, str], privacy: Privacy
) -> schemas.Repository | None:
    if asked.place is None:
        missing["repository"] = "the program lies in none"
        return None
    if answer is None:
        answer = repository.read_state(asked.place, LATE if asked.inquiry else NOT_ASKED)
    missing.update(answer.missing)
    return schemas.Repository(
        root=shown(asked.place.root, privacy),
        commit=answer.commit,
        branch=answer.branch,
        remote=None if answer.remote is None else shown(answer.remote, privacy),
        dirty=answer.dirty,
        diff=answer.diff,
        diff_size=answer.diff_size,
        untracked=answer.untracked,
    )
