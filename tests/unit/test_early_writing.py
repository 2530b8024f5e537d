"""Large transactions reach the disk early: no promise is weaker for it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import archive
from archive.errors import TransactionError
from archive.storage import Session, tail
from archive.storage.files import SystemFiles


class WatchedFiles(SystemFiles):
    """Counts syncs and the hints before them, and fails at one sync."""

    def __init__(self, failing: int | None = None) -> None:
        self.syncs = self.hints = 0
        self.reserved: list[tuple[int, int]] = []
        self.failing = failing

    def sync(self, descriptor: int, /) -> None:
        self.syncs += 1
        if self.syncs == self.failing:
            raise OSError(5, "Input/output error")
        super().sync(descriptor)

    def start_writing(self, descriptor: int, /) -> None:
        self.hints += 1
        super().start_writing(descriptor)

    def reserve(self, descriptor: int, offset: int, length: int, /) -> None:
        self.reserved.append((offset, length))
        super().reserve(descriptor, offset, length)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tail, "STEP", 2 << 20)
    file = tmp_path / "e.nix"
    archive.open(file, "x").close()
    return file


def write(session: Session, megabytes: int) -> None:
    """A blob written in pieces."""
    heap = session.dataset("data_arrays", "blobs")
    with session.transaction() as transaction:
        for _ in range(megabytes):
            transaction.append(heap, np.ones(1 << 20, np.uint8))


def test_the_last_sync_comes_whatever_went_before(path: Path) -> None:
    files = WatchedFiles()
    session = Session(path, writable=True, files=files)
    write(session, 8)
    assert files.hints == 4
    assert files.syncs == 3  # the file, and the log twice
    session.close()


def test_without_commits_nothing_is_written_early(path: Path) -> None:
    files = WatchedFiles()
    session = Session(path, writable=True, files=files, durability="close")
    write(session, 8)
    assert files.hints == files.syncs == 0
    session.close()
    assert files.syncs == 4  # the log begins, the file, the commit, the checkpoint


def test_an_error_of_the_sync_undoes_the_transaction(path: Path) -> None:
    session = Session(path, writable=True, files=WatchedFiles(failing=1))
    with pytest.raises(TransactionError, match="Input/output error"):
        write(session, 8)
    assert len(session.dataset("data_arrays", "blobs")) == 0
    write(session, 1)  # the session goes on
    session.close()
    with archive.open(path) as exp:
        assert exp.check().is_valid()


def test_little_more_room_is_reserved_than_has_been_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "STEP", 8 << 20)
    files = WatchedFiles()
    session = Session(path, writable=True, files=files)
    write(session, 1)
    assert sum(length for _, length in files.reserved) < 3 << 20
    write(session, 20)
    assert len(files.reserved) < 16
    assert max(length for _, length in files.reserved) == 8 << 20
    before = [offset for offset, _ in files.reserved]
    assert before == sorted(before)
    session.close()


def test_room_is_given_back_and_never_seen(path: Path) -> None:
    session = Session(path, writable=True)
    write(session, 5)
    assert path.stat().st_size < 6 << 20
    session.close()
    there = path.stat()
    assert there.st_blocks * 512 < there.st_size + (1 << 17)


def test_what_the_system_cannot_do_is_no_error(path: Path) -> None:
    files = SystemFiles()
    reading, writing = os.pipe()
    files.reserve(reading, 0, 4096)
    files.start_writing(writing)
    os.close(reading)
    os.close(writing)
