"""The system refuses something, at one operation or from one on, while a session is at work.

As a program it runs many cases, each in the same process, and tells of each: whoever started it
sees a process that has died.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import quantities as pq

import archive
from archive.storage import Session, files
from archive.storage.files import Buffer
from tests.crash.content import Digest, quick
from tests.crash.disk import Disk, all_lost
from tests.crash.proof import NAME, Content, State, Watch, read, scratch
from tests.crash.recording import FailedSync, RecordingFiles, held, lay_out
from tests.crash.sessions import append, append_bulk, base

Refusal = Literal["full", "broken", "unreadable", "short"]
Lasting = Literal["once", "a step", "for good"]

# What a full disk refuses is less than what a broken one does.
REFUSED: dict[Refusal, set[str]] = {
    "full": {"create", "write", "truncate", "sync", "link"},
    "broken": {
        "create", "open", "write", "truncate", "sync", "sync_folder", "link", "remove",
    },
    "unreadable": {"read"},
    "short": {"write"},
}  # fmt: skip
ERRORS: dict[Refusal, int] = {
    "full": errno.ENOSPC,
    "broken": errno.EIO,
    "unreadable": errno.EIO,
}


@dataclass(frozen=True, slots=True)
class Case:
    """From which operation on the system refuses what."""

    session: str
    refusal: Refusal
    lasting: Lasting
    at: int  # counts the operations that can be refused so; -1: none


class FaultyFiles(RecordingFiles):
    """Refuses as a case says. What was refused is not done, or half of it."""

    def __init__(self, folder: Path, case: Case) -> None:
        super().__init__(folder)
        self._case = case
        self._well = False
        self.count = 0
        self.refused: list[str] = []

    @contextmanager
    def well(self) -> Iterator[None]:
        """The test itself reads the archive: nothing is counted or refused."""
        before, self._well = self._well, True
        try:
            yield
        finally:
            self._well = before

    def mend(self) -> None:
        """The fault has gone."""
        self._case = Case(self._case.session, self._case.refusal, self._case.lasting, -1)

    def _refuses(self, operation: str) -> bool:
        case = self._case
        if self._well or operation not in REFUSED[case.refusal]:
            return False
        number, self.count = self.count, self.count + 1
        lasts = case.lasting != "once" and case.at >= 0
        if number == case.at or (lasts and number > case.at):
            self.refused.append(operation)
            return True
        return False

    def _check(self, operation: str) -> None:
        if self._refuses(operation):
            number = ERRORS[self._case.refusal]
            raise OSError(number, os.strerror(number))

    def open(self, path: Path, /, *, write: bool = False, create: bool = False) -> int:
        self._check("create" if create and not path.exists() else "open")
        return super().open(path, write=write, create=create)

    def read(self, descriptor: int, into: bytearray | memoryview, offset: int, /) -> int:
        self._check("read")
        return super().read(descriptor, into, offset)

    def write(self, descriptor: int, data: Buffer, offset: int, /) -> int:
        if self._case.refusal != "short":
            self._check("write")
        elif self._refuses("write"):
            data = memoryview(data).cast("B")[: max(1, len(data) // 2)]
        return super().write(descriptor, data, offset)

    def truncate(self, descriptor: int, length: int, /) -> None:
        self._check("truncate")
        super().truncate(descriptor, length)

    def sync(self, descriptor: int, /) -> None:
        try:
            self._check("sync")
        except OSError:
            with self._lock:
                self.operations.append(FailedSync(self._open[descriptor]))
            raise
        super().sync(descriptor)

    def sync_folder(self, path: Path, /) -> None:
        self._check("sync_folder")
        super().sync_folder(path)

    def link(self, source: Path, target: Path, /) -> None:
        self._check("link")
        super().link(source, target)

    def remove(self, path: Path, /) -> None:
        self._check("remove")
        super().remove(path)


class WellWatch(Watch):
    """Reads the archive though the system refuses it to others."""

    def __init__(self, faulty: FaultyFiles, content: Content) -> None:
        super().__init__(faulty, content, gathers=False)
        self._faulty = faulty

    def _read(self, session: Session) -> Digest:
        with self._faulty.well():
            return quick(session)


class Wrong(Exception):
    """Something is not as it was promised."""


class Subject:
    """A session, step by step, with what it has promised so far."""

    def __init__(self, path: Path, case: Case) -> None:
        self.files = FaultyFiles(path.parent, case)
        self._path = path
        self._case = case
        self._watch = WellWatch(self.files, read(path.parent))
        # What commits were to leave of which nobody knows whether they are there: the record was
        # written, and neither its sync came through nor the one that was to take it back.
        self._unknown: set[Content] = set()
        self._experiment: archive.Experiment | None = None
        self._run: archive.Run | None = None

    @property
    def experiment(self) -> archive.Experiment:
        assert self._experiment is not None
        return self._experiment

    @property
    def run(self) -> archive.Run:
        assert self._run is not None
        return self._run

    # -- the steps -----------------------------------------------------------------------------

    def create(self) -> None:
        self._experiment = archive.open(self._path, "a")
        self._watch.opened(self._experiment)

    open = create

    def begin(self) -> None:
        self._run = self.experiment.run("second", parameters={"tau_m": 20 * pq.ms})

    def small(self) -> None:
        append(self.run, 2)

    def bulk(self) -> None:
        append_bulk(self.run, 3, samples=2_500)

    def annotate(self) -> None:
        self.run.annotate({"quality": "good"})

    def group(self) -> None:
        with self.experiment.transaction():
            append(self.run, 4)
            append(self.run, 5)

    def finish(self) -> None:
        self.run.finish()

    def close(self) -> None:
        self.experiment.close()

    # -- how they go ---------------------------------------------------------------------------

    def go(self) -> None:
        """All steps, as long as there is something to take them on. Raises Wrong."""
        with self._watch.commits():
            for name in SESSIONS[self._case.session]:
                self._step(name, getattr(self, name))
                if self._experiment is None or self._experiment.closed:
                    break
                if name == "begin" and self._run is None:
                    self._step("close", self.close)
                    break
        self._check_file()

    def _step(self, name: str, step: Callable[[], None]) -> None:
        before = len(self.files.refused)
        error = self._error_of(name, step)
        refused = self.files.refused[before:]
        if error is None and not refused:
            return
        if error is not None and "sync" in refused and self._case.lasting != "once":
            self._unknown.add(self._watch.attempt)
        if before == 0:
            if error is not None:
                self._check_error(name, error)
            self._check_power_loss(name)
        if self._case.lasting == "for good":
            return
        self.files.mend()
        if error is None or name == "close":
            return
        if self._experiment is not None and self._experiment.closed:
            if self._case.lasting == "once" or not {"read", "open"} & set(refused):
                raise Wrong(f"{name} has ended the session")
            return  # what the file holds could not be read back
        again = self._error_of(name, step)
        if again is not None:
            raise Wrong(f"{name} cannot be repeated: {again!r}")

    def _error_of(self, name: str, step: Callable[[], None]) -> archive.ArchiveError | None:
        try:
            with files.use(self.files):
                step()
        except archive.ArchiveError as error:
            if not self.files.refused:
                raise Wrong(f"{name} raises without a reason: {error!r}") from error
            return error
        except Exception as error:
            raise Wrong(f"{name} raises {error!r}") from error
        return None

    def _check_error(self, name: str, error: archive.ArchiveError) -> None:
        if name not in ("create", "open", "close") and type(error) is not archive.TransactionError:
            raise Wrong(f"{name} raises {error!r}")
        if self._case.refusal != "short":
            reason = os.strerror(ERRORS[self._case.refusal])
            if reason not in str(error) or not error.path or not error.hint:
                raise Wrong(f"{name} does not say what is wrong: {error}")

    # -- what is there -------------------------------------------------------------------------

    @property
    def _allowed(self) -> set[Content]:
        return {*self._watch.allowed, *(self._unknown - {None})}

    def _check_power_loss(self, name: str) -> None:
        """What was acknowledged is permanent, though a sync may have failed."""
        disk = Disk(self.files.start)
        for operation in self.files.operations:
            disk.do(operation)
        with scratch() as folder:
            for state in (disk.loss().state(all_lost()), held(self._path.parent)):
                lay_out(state, folder)
                found = read(folder)
                if self._experiment is not None and found not in self._allowed:
                    raise Wrong(f"after {name} another content is permanent")

    def _check_file(self) -> None:
        """The next session finds what was promised, and has nothing left to do."""
        folder = self._path.parent
        found = read(folder)
        if self._experiment is not None and found not in self._allowed:
            raise Wrong("a reader finds another content")  # a new one is there, or is not
        if found is None:
            return
        archive.open(self._path, "a").close()
        if read(folder) != found:
            raise Wrong("recovery finds another content")
        if [path.name for path in folder.iterdir() if not path.name.endswith(".new")] != [NAME]:
            raise Wrong(f"left over: {sorted(held(folder))}")


SESSIONS: dict[str, list[str]] = {
    "new": ["create", "close"],
    "appending": [
        "open", "begin", "small", "bulk", "annotate", "group", "small", "finish", "close",
    ],
}  # fmt: skip


def start_of(session: str) -> State:
    """What the folder holds at first."""
    return {} if session == "new" else base()


def wrong(case: Case) -> str:
    """What goes wrong in a case; empty if nothing does."""
    with scratch() as folder:
        lay_out(start_of(case.session), folder)
        try:
            Subject(folder / NAME, case).go()
        except Wrong as complaint:
            return str(complaint)
    return ""


def operations(session: str, refusal: Refusal) -> int:
    """How many operations of a session can be refused so."""
    with scratch() as folder:
        lay_out(start_of(session), folder)
        subject = Subject(folder / NAME, Case(session, refusal, "once", -1))
        subject.go()
        return subject.files.count


def main() -> None:
    """Run the cases that stand in the standard input, one per line; answer each with a line."""
    for line in sys.stdin:
        print(json.dumps(wrong(Case(**json.loads(line)))), flush=True)


if __name__ == "__main__":
    main()
