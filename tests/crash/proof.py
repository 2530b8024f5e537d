"""Sessions are recorded with what they promise; states of the disk are held against that."""

from __future__ import annotations

import os
import tempfile
from bisect import bisect_right
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import h5py
import pytest

import archive
from archive.storage import Session, Transaction, files
from tests.crash.content import Digest, quick, thorough
from tests.crash.disk import Chance, Disk, all_kept, all_lost, at_random
from tests.crash.recording import (
    File,
    Operation,
    RecordingFiles,
    Sync,
    SyncFolder,
    described,
    held,
    lay_out,
)

NAME = "exp.nix"
LOG = NAME + "-wal"
Content = Digest | None  # None: there is no archive
State = Mapping[str, bytes]
NO_LIMITS: Mapping[str, int] = {}
ALL = range(1 << 30)  # moments


@contextmanager
def scratch() -> Iterator[Path]:
    """A new folder, in memory where the system has such: states are written by the thousand."""
    memory = Path("/dev/shm")
    parent = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="archive-crash-", dir=parent) as folder:
        yield Path(folder)


# -- recording ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Recording:
    """What a session asked of the operating system, and what it promised when."""

    name: str
    start: State
    operations: Sequence[Operation]
    titles: Mapping[File, str]
    promises: Sequence[tuple[int, frozenset[Content]]]
    thorough: Mapping[Digest, Digest]  # by the quick digest of the same content

    def allowed(self, count: int) -> frozenset[Content]:
        """What the archive may hold if the power goes after so many operations."""
        return self.promises[bisect_right(self.promises, count, key=lambda one: one[0]) - 1][1]

    def disks(self) -> Iterator[tuple[int, Disk]]:
        """The disk before the first operation, and behind each."""
        disk = Disk(self.start)
        yield 0, disk
        for count, operation in enumerate(self.operations, start=1):
            disk.do(operation)
            yield count, disk

    def without(self, number: int) -> Recording:
        """The same session, had it left out the sync of that number."""
        changed = list(self.operations)
        sync = changed[number]
        assert isinstance(sync, Sync | SyncFolder)
        changed[number] = replace(sync, began=0)  # as if nothing had been done by then
        return replace(self, operations=changed)

    def told(self, count: int, last: int = 25) -> str:
        """The operations that came before the power went."""
        first = max(0, count - last)
        lines = [
            f"  {number}: {described(operation, self.titles)}"
            for number, operation in enumerate(self.operations[first:count], start=first)
        ]
        return "\n".join(lines)


class Watch:
    """Notes at every commit of a session what the archive holds from then on."""

    def __init__(self, recorder: RecordingFiles, content: Content, gathers: bool) -> None:
        """With `gathers` (durability "close") nothing is promised before the session's end."""
        self._recorder = recorder
        self._gathers = gathers
        self._in_transaction = False
        self.attempt: Content = None  # what the last transaction was to leave
        self.promises: list[tuple[int, frozenset[Content]]] = [(0, frozenset([content]))]
        self.thorough: dict[Digest, Digest] = {}

    @property
    def allowed(self) -> frozenset[Content]:
        """What the archive may hold now."""
        return self.promises[-1][1]

    def opened(self, experiment: archive.Experiment) -> None:
        """The archive is there, as it was; or it has just been created."""
        content = self._read(experiment._container.session)
        if self.allowed == {None}:
            self.promises[-1] = (0, frozenset([None, content]))
            self._promise(content)
        assert content in self.allowed, "opening has changed what the archive holds"

    def changed(self, content: Content) -> None:
        """Another program has changed the archive, and synced it."""
        self._promise(content)

    def closed(self) -> None:
        """All that was appended is permanent now."""
        if self._gathers:
            self._promise(self._last)

    @contextmanager
    def commits(self) -> Iterator[None]:
        """While this lasts, every transaction of a session is noted."""
        plain = Session.transaction
        watch = self

        @contextmanager
        def transaction(session: Session, *, held: bool = True) -> Iterator[Transaction]:
            if watch._in_transaction:
                with plain(session, held=held) as inner:
                    yield inner
                return
            watch._in_transaction = True
            began, before = len(watch._recorder.operations), watch._read(session)
            watch.attempt = None
            try:
                with plain(session, held=held) as outer:
                    yield outer
                    watch.attempt = watch._read(session)
            except BaseException:
                if not session.closed:  # as it is when not even reading goes on
                    assert watch._read(session) == before, "rolled back, but to another content"
                raise
            finally:
                watch._in_transaction = False
            watch._committed(began, before, watch.attempt)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Session, "transaction", transaction)
            yield

    def _committed(self, began: int, before: Digest, after: Content) -> None:
        self._last = after
        if self._gathers:
            self.promises.append((began, self.allowed | {after}))
        else:
            assert self.allowed == {before}, "the archive has changed outside of transactions"
            self.promises.append((began, frozenset([before, after])))
            self._promise(after)

    def _promise(self, content: Content) -> None:
        self.promises.append((len(self._recorder.operations), frozenset([content])))

    def _read(self, session: Session) -> Digest:
        digest = quick(session)
        if digest not in self.thorough:
            self.thorough[digest] = thorough(session._file)
        return digest


ASession = Callable[[Path, Watch], None]


def record(
    name: str,
    session: ASession,
    start: State,
    folder: Path,
    *,
    gathers: bool = False,
    limits: Mapping[str, int] = NO_LIMITS,
) -> Recording:
    """Run a session in a folder that holds what `start` says. `limits` are constants of
    `archive.storage` with other values, so that little data is enough for what they begin."""
    lay_out(start, folder)
    content = read(folder)
    recorder = RecordingFiles(folder)
    watch = Watch(recorder, content, gathers)
    with files.use(recorder), watch.commits(), pytest.MonkeyPatch.context() as patch:
        for constant, value in limits.items():
            patch.setattr(f"archive.storage.{constant}", value)
        session(folder / NAME, watch)
    recording = Recording(
        name, recorder.start, recorder.operations, recorder.titles, watch.promises, watch.thorough
    )
    *_, (_, disk) = recording.disks()
    assert disk.loss().state(all_kept()) == held(folder), "something went past the recording layer"
    return recording


# -- states of the disk ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Crash:
    """What lies on the disk after the power went."""

    recording: Recording
    count: int  # after so many operations
    seed: str
    state: State

    def __str__(self) -> str:
        sizes = ", ".join(f"{name} {len(content)}" for name, content in self.state.items())
        return (
            f"{self.recording.name!r}, power lost after {self.count} of "
            f"{len(self.recording.operations)} operations, seed {self.seed!r}: {sizes}\n"
            f"{self.recording.told(self.count)}"
        )


def extremes(recording: Recording, moments: Container[int] = ALL) -> Iterator[Crash]:
    """Of every moment of a session the two states in which nothing, or everything, is there that
    was not synced. `moments` are the numbers of operations after which the power may go."""
    for count, disk in recording.disks():
        if count not in moments:
            continue
        loss = disk.loss()
        yield Crash(recording, count, "all kept", loss.state(all_kept()))
        if not loss.certain():
            yield Crash(recording, count, "all lost", loss.state(all_lost()))


def crashes(
    recording: Recording, number: int, seed: str, moments: Container[int] = ALL
) -> Iterator[Crash]:
    """So many different states, or all that there are, spread at random over the moments of a
    session: over each of them, if there are enough."""
    random = Random(f"{recording.name} {seed}")
    seen: set[int] = set()
    places = sum(count in moments for count in range(len(recording.operations) + 1))
    barren = 0
    while len(seen) < number and barren < 100:
        share, before = (number - len(seen)) / places, len(seen)
        for count, disk in recording.disks():
            wanted = int(share + random.random()) if count in moments else 0
            loss = disk.loss() if wanted else None
            for _ in range(wanted):
                chance, how = _chance(random)
                assert loss is not None
                state = loss.state(chance)
                key = hash((tuple(state.items()), recording.allowed(count)))
                if key not in seen and len(seen) < number:
                    seen.add(key)
                    yield Crash(recording, count, how, state)
        barren += len(seen) == before


def _chance(random: Random) -> tuple[Chance, str]:
    seed, which = random.getrandbits(32), random.random()
    if which < 0.1:
        return all_lost(), "all lost"
    if which < 0.2:
        return all_kept(), "all kept"
    return at_random(Random(seed)), str(seed)


# -- the promise -------------------------------------------------------------------------------


def read(folder: Path) -> Content:
    """What a reader finds."""
    if not (folder / NAME).exists():
        return None
    with archive.open(folder / NAME) as experiment:
        return quick(experiment._container.session)


def complaint(crash: Crash, folder: Path, *, recover: bool) -> str:
    """What is wrong with a state of the disk; empty if it keeps the promise."""
    lay_out(crash.state, folder)
    try:
        found = read(folder)
    except Exception as error:
        return f"cannot be read: {error!r}"
    if found not in crash.recording.allowed(crash.count):
        return "the archive is gone" if found is None else "a reader finds another content"
    if found is None or not recover:
        return ""
    try:
        return _recover(folder, found, crash.recording.thorough.get(found))
    except Exception as error:
        return f"cannot be recovered: {error!r}"


def _recover(folder: Path, expected: Digest, in_full: Digest | None) -> str:
    path = folder / NAME
    with archive.open(path, "a") as experiment:
        if quick(experiment._container.session) != expected:
            return "a reader and a writer do not find the same"
    once = held(folder)
    if LOG in once:
        return "the log is still there after recovery"
    with h5py.File(path, "r") as file:
        if in_full is not None and thorough(file) != in_full:
            return "recovered, but not all objects are what they were"
    archive.open(path, "a").close()
    if held(folder) != once:
        return "recovering twice is not recovering once"
    return ""
