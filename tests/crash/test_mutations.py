"""The proof sees what it is there for: leave out one sync, or one check, and a state is found that
breaks the promise."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from itertools import chain
from multiprocessing.connection import Connection
from pathlib import Path

import h5py
import pytest

from archive.storage import files, log
from archive.storage.files import write_whole
from tests.crash.proof import (
    Crash,
    Recording,
    Watch,
    complaint,
    crashes,
    extremes,
    read,
    record,
    scratch,
)
from tests.crash.sessions import SMALL_LOG, base, recorded, small_appends
from tests.crash.syncs import (
    BULK,
    CHECKPOINT,
    LOG_BEGUN,
    LOG_GONE,
    LOG_NAME,
    NEW_CONTENT,
    NEW_NAME,
    RECORD,
    roles,
)

PATIENCE = 10.0  # seconds for one state
REACH = 30  # operations after which the lack of a sync no longer matters


def roles_in(recording: Recording) -> dict[int, str]:
    return roles(recording.operations, recording.titles)


def states_at(recording: Recording, moments: range) -> Iterator[Crash]:
    return chain(extremes(recording, moments), crashes(recording, 300, "mutations", moments))


def judge(pipe: Connection, folder: Path, mutate: Callable[[], None]) -> None:
    """Says of each state that comes what is wrong with it."""
    mutate()
    while True:
        pipe.send(complaint(pipe.recv(), folder, recover=False))


def nothing() -> None:
    """No mutation of what reads."""


def first_fault(states: Iterator[Crash], mutate: Callable[[], None] = nothing) -> str:
    """What is wrong with the first state that breaks the promise; empty if none does.

    A process of its own looks at them: a damaged file can keep HDF5 busy for ever.
    """
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe()
    with scratch() as folder:
        process = context.Process(target=judge, args=(theirs, folder, mutate))
        process.start()
        theirs.close()
        try:
            for crash in states:
                ours.send(crash)
                wrong = str(ours.recv()) if ours.poll(PATIENCE) else "reading never ends"
                if wrong:
                    return wrong
            return ""
        finally:
            process.kill()
            process.join()


def fault_without(recording: Recording, number: int) -> str:
    """What goes wrong when one sync is left out."""
    stop = min(number + REACH, len(recording.operations) + 1)
    return first_fault(states_at(recording.without(number), range(number + 1, stop)))


@pytest.mark.parametrize(
    ("role", "kind"),
    [
        (NEW_CONTENT, "create"),
        (NEW_NAME, "create"),
        (LOG_NAME, "small appends"),
        (RECORD, "small appends"),
        (BULK, "bulk appends"),
        (CHECKPOINT, "checkpoints"),
        (LOG_BEGUN, "checkpoints"),
    ],
)
def test_a_missing_sync_is_seen(role: str, kind: str) -> None:
    """One of its sort; the first beginning of a log, before any record, has nothing to lose."""
    recording = recorded(kind)
    numbers = [number for number, found in roles_in(recording).items() if found == role]
    assert any(fault_without(recording, number) for number in numbers[1:] or numbers)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["create", "small appends", "bulk appends", "checkpoints"])
def test_every_missing_sync_is_seen(kind: str) -> None:
    recording = recorded(kind)
    unseen = [
        role for number, role in roles_in(recording).items() if not fault_without(recording, number)
    ]
    # Before the first record there is nothing to lose; the log's end is looked at below.
    assert unseen == [LOG_GONE] if kind == "create" else [LOG_BEGUN, LOG_GONE]


def changed_by_another(path: Path, watch: Watch) -> None:
    """A session is closed; then a program that knows nothing of logs changes the archive."""
    small_appends(path, watch)
    with scratch() as folder:
        copy = folder / path.name
        copy.write_bytes(path.read_bytes())
        with h5py.File(copy, "r+") as file:
            (block,) = file["data"].values()
            block["data_arrays/cells.v/data"][-1] = 99.0  # what the log had last
        content = copy.read_bytes()
    system = files.system()
    descriptor = system.open(path, write=True)
    write_whole(system, descriptor, content, 0)
    system.sync(descriptor)
    system.close(descriptor)
    watch.changed(read(path.parent))


def test_a_log_that_comes_back_is_seen() -> None:
    """Its pages would be laid over what another program has written since."""
    with scratch() as folder:
        recording = record("changed by another", changed_by_another, base(), folder)
    end = range(len(recording.operations), len(recording.operations) + 1)
    (gone,) = (number for number, role in roles_in(recording).items() if role == LOG_GONE)
    assert first_fault(states_at(recording, end)) == ""
    assert first_fault(states_at(recording.without(gone), end))


def recorded_now() -> Recording:
    """A session with checkpoints, recorded as the code is mutated at present."""
    with scratch() as folder:
        return record("mutated", small_appends, base(), folder, limits=SMALL_LOG)


def compare_no_digests() -> None:
    log._digest = lambda *parts: bytes(log.DIGEST)


def test_a_log_whose_digests_are_not_compared_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_digest", log._digest)  # is put back after the test
    compare_no_digests()
    assert first_fault(crashes(recorded_now(), 500, "mutations"), compare_no_digests)


def test_a_log_that_keeps_its_salt_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "urandom", bytes)
    recording = recorded_now()
    monkeypatch.undo()
    assert first_fault(crashes(recording, 500, "mutations"))
