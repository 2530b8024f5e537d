"""Large transactions sync early: no promise is weaker for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import archive
from archive.errors import TransactionError
from archive.storage import Session, early_sync
from archive.storage.files import SystemFiles


class WatchedFiles(SystemFiles):
    """Counts syncs, and fails at one of them."""

    def __init__(self, failing: int | None = None) -> None:
        self.syncs = 0
        self.failing = failing

    def sync(self, descriptor: int, /) -> None:
        self.syncs += 1
        if self.syncs == self.failing:
            raise OSError(5, "Input/output error")
        super().sync(descriptor)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(early_sync, "STEP", 1 << 20)
    file = tmp_path / "e.nix"
    archive.open(file, "x").close()
    return file


def write(session: Session, megabytes: int) -> None:
    """A blob written in pieces, each of which is worth a sync."""
    heap = session.dataset("data_arrays", "blobs")
    with session.transaction() as transaction:
        for _ in range(megabytes):
            transaction.append(heap, np.ones(1 << 20, np.uint8))


def test_the_last_sync_comes_whatever_went_before(path: Path) -> None:
    files = WatchedFiles()
    session = Session(path, writable=True, files=files)
    write(session, 8)
    assert files.syncs >= 4  # one at least was early; then the file, and the log twice
    session.close()


def test_without_commits_nothing_is_synced_early(path: Path) -> None:
    files = WatchedFiles()
    session = Session(path, writable=True, files=files, durability="close")
    write(session, 8)
    assert files.syncs == 0
    session.close()
    assert files.syncs == 4  # the log begins, the file, the commit, the checkpoint


def test_an_error_of_an_early_sync_undoes_the_transaction(path: Path) -> None:
    session = Session(path, writable=True, files=WatchedFiles(failing=1))
    with pytest.raises(TransactionError, match="Input/output error"):
        write(session, 8)
    assert len(session.dataset("data_arrays", "blobs")) == 0
    write(session, 1)  # the session goes on
    session.close()
    with archive.open(path) as exp:
        assert exp.check().is_valid()
