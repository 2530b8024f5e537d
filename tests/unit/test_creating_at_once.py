"""Two processes that create one archive at the same time: the first one's is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

import archive
from archive.storage import Transaction, create
from archive.storage.log import log_path


def nothing(transaction: Transaction) -> None:
    pass


def test_the_log_of_who_was_first_stays(tmp_path: Path) -> None:
    path = tmp_path / "e.nix"

    def be_late(transaction: Transaction) -> None:
        archive.open(path, "x").close()
        log_path(path).write_bytes(b"what is committed")

    with pytest.raises(archive.AlreadyExists):
        create(path, "e", be_late, stamp={})
    assert log_path(path).read_bytes() == b"what is committed"
    log_path(path).unlink()


def test_who_was_first_may_be_at_work(tmp_path: Path) -> None:
    path = tmp_path / "e.nix"
    opened: list[archive.Experiment] = []

    def be_late(transaction: Transaction) -> None:
        opened.append(archive.open(path, "x"))

    with pytest.raises(archive.AlreadyExists):
        create(path, "e", be_late, stamp={})
    opened[0].close()


def test_a_log_without_archive_goes(tmp_path: Path) -> None:
    path = tmp_path / "e.nix"
    log_path(path).write_bytes(b"of an archive that was removed")
    create(path, "e", nothing, stamp={})
    assert not log_path(path).exists()
