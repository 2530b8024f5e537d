"""The proof sees what it is there for: leave out one sync, or one check, and a state is found that
breaks the promise."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain
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

REACH = 30  # operations after which the lack of a sync no longer matters


def roles_in(recording: Recording) -> dict[int, str]:
    return roles(recording.operations, recording.titles)


def first_fault(recording: Recording, moments: range) -> str:
    """What is wrong with the first state that breaks the promise; empty if none does."""
    states: Iterator[Crash] = chain(
        extremes(recording, moments), crashes(recording, 300, "mutations", moments)
    )
    with scratch() as folder:
        found = (complaint(crash, folder, recover=False) for crash in states)
        return next(filter(None, found), "")


def fault_without(recording: Recording, number: int) -> str:
    """What goes wrong when one sync is left out."""
    stop = min(number + REACH, len(recording.operations) + 1)
    return first_fault(recording.without(number), range(number + 1, stop))


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
    """The last of its sort, but for those at the session's end."""
    recording = recorded(kind)
    numbers = [number for number, found in roles_in(recording).items() if found == role]
    assert fault_without(recording, numbers[-2] if role == CHECKPOINT else numbers[-1])


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
    last = len(recording.operations)
    (gone,) = (number for number, role in roles_in(recording).items() if role == LOG_GONE)
    assert first_fault(recording, range(last, last + 1)) == ""
    assert first_fault(recording.without(gone), range(last, last + 1))


def fault_of_checkpoints() -> str:
    with scratch() as folder:
        recording = record("mutated", small_appends, base(), folder, limits=SMALL_LOG)
    return first_fault(recording, range(len(recording.operations) + 1))


def test_a_log_whose_digests_are_not_compared_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_digest", lambda *parts: bytes(log.DIGEST))
    assert fault_of_checkpoints()


def test_a_log_that_keeps_its_salt_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "urandom", bytes)
    assert fault_of_checkpoints()
