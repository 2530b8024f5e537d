"""The redo log: records come back, a torn one does not, and what a crash cannot do is found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archive
from archive.storage.files import SystemFiles
from archive.storage.log import PAGE, RECORD, RECORD_MAGIC, SECTOR, Log, Record, log_path
from archive.storage.recovery import look, recover
from tests.unit import rich_archive
from tests.unit.rich_archive import segment, stored_in

FILES = SystemFiles()
PAGES = {0: bytes(PAGE), 7: b"x" * PAGE}


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    path = tmp_path / "f-wal"
    descriptor = FILES.open(path, create=True)
    made = Log(path, FILES, descriptor)
    made.start()
    yield made
    FILES.close(descriptor)


def again(log: Log) -> tuple[Log, list[Record]]:
    """The log as another process reads it."""
    other = Log(log.path, FILES, log.descriptor)
    return other, list(other.read())


def test_records_come_back(log: Log) -> None:
    written = [log.append(PAGES, {7: [1] * 8}, 100 + number) for number in range(3)]
    other, read = again(log)
    assert [record.end for record in read] == [100, 101, 102]
    assert [record.digest for record in read] == [record.digest for record in written]
    assert read[1].frames["page"].tolist() == [0, 7]
    assert read[1].frames["checked"].tolist() == [0, 1]
    assert (other.stop, other.number, other.former) == (log.stop, log.number, log.former)
    content = log.path.read_bytes()
    assert content[read[2].data + PAGE : read[2].stop] == PAGES[7]
    assert not other.torn()
    other.append({}, {}, 5)
    assert len(again(log)[1]) == 4


def test_every_record_begins_in_a_sector_of_its_own(log: Log) -> None:
    for count in range(1, 30):
        record = log.append({page: bytes(PAGE) for page in range(count)}, {}, 1)
        assert record.stop % SECTOR == 0


@pytest.mark.parametrize("at", [0, 20, RECORD.size + 3, 700, PAGE, 2 * PAGE + 500])
def test_torn_last_record_is_passed_over(log: Log, at: int) -> None:
    first = log.append(PAGES, {}, 1)
    log.append(PAGES, {}, 2)
    content = bytearray(log.path.read_bytes())
    content[first.stop + at] ^= 1
    log.path.write_bytes(content)
    other, read = again(log)
    assert [record.end for record in read] == [1]
    assert other.stop == first.stop
    assert other.torn() == (at > 20)  # with its beginning gone, nothing shows that it was one


@pytest.mark.parametrize("length", [1, 400, PAGE])
def test_record_that_was_cut_off(log: Log, length: int) -> None:
    first = log.append(PAGES, {}, 1)
    log.append(PAGES, {}, 2)
    FILES.truncate(log.descriptor, first.stop + length)
    assert len(again(log)[1]) == 1


def test_intact_record_behind_a_damaged_one_is_no_crash(log: Log) -> None:
    for number in range(3):
        log.append(PAGES, {}, number)
    first = again(log)[1][0]
    content = bytearray(log.path.read_bytes())
    content[first.data + 5] ^= 1
    log.path.write_bytes(content)
    with pytest.raises(archive.CorruptArchive, match=r"damaged at byte 4096.*intact") as caught:
        again(log)
    assert caught.value.path == str(log.path)
    unsettled = Log(log.path, FILES, log.descriptor)  # a writer may be at it just now
    assert list(unsettled.read(settled=False)) == []


def test_begun_anew_the_old_records_are_of_no_account(log: Log) -> None:
    for number in range(3):
        log.append(PAGES, {}, number)
    log.start()
    other, read = again(log)
    assert read == []
    assert not other.torn()
    log.append({1: bytes(PAGE)}, {}, 9)  # over the first of them; the others lie behind it still
    assert [record.end for record in again(log)[1]] == [9]


@pytest.mark.parametrize("content", [b"", b"no log", bytes(3 * PAGE), RECORD_MAGIC * 2000])
def test_what_is_no_log_has_no_records(log: Log, content: bytes) -> None:
    log.path.write_bytes(content)
    assert again(log)[1] == []


class Failing(SystemFiles):
    """Refuses to sync, as a disk that fails does."""

    def sync(self, descriptor: int, /) -> None:
        raise OSError(5, "Input/output error")


def test_record_that_could_not_be_synced_is_not_valid(log: Log) -> None:
    log.append(PAGES, {}, 1)
    log.files = Failing()
    with pytest.raises(OSError, match="Input/output"):
        log.append(PAGES, {}, 2)
    assert len(again(log)[1]) == 1
    log.files = FILES
    log.append(PAGES, {}, 3)
    assert [record.end for record in again(log)[1]] == [1, 3]


# -- recovery ----------------------------------------------------------------------------------


@pytest.fixture
def left(tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """An archive that its writer has left without closing it, and what it had committed."""
    path = rich_archive.write(tmp_path / "exp.nix")
    with archive.open(path, "a") as exp:
        run = exp.run("last")
        run.put([segment(3)])
        main, log = path.read_bytes(), log_path(path).read_bytes()
        content = rich_archive.now(exp)
    path.write_bytes(main)
    log_path(path).write_bytes(log)
    return path, content


def test_look_says_what_recover_does(left: tuple[Path, dict[str, Any]]) -> None:
    path, content = left
    found = look(path)
    assert found.needed
    assert found.transactions >= 2
    assert not found.torn
    assert f"{found.transactions} committed transactions ({found.pages} pages)" in str(found)
    with archive.open(path) as exp:  # reading needs no recovery, and does none
        assert rich_archive.now(exp) == content
    assert look(path) == found
    assert recover(path) == found
    assert not log_path(path).exists()
    assert path.stat().st_size == found.length
    bytes_ = path.read_bytes()
    assert not look(path).needed
    assert "nothing to recover" in str(recover(path))
    assert path.read_bytes() == bytes_
    assert stored_in(path) == content


def test_opening_to_write_recovers(left: tuple[Path, dict[str, Any]]) -> None:
    path, content = left
    with archive.open(path, "a") as exp:
        assert exp._container.session.recovered >= 2
        assert rich_archive.now(exp) == content
        exp.run("more").put([segment(1)])
    with archive.open(path) as exp:
        assert [run.name for run in exp.runs][-2:] == ["last", "more"]


def test_archive_that_is_written_to_needs_no_recovery(tmp_path: Path) -> None:
    path = tmp_path / "exp.nix"
    with archive.open(path, "x") as exp:
        exp.run("now on")
        found = look(path)
        assert not found.needed
        assert "being written by process" in str(found)
        assert recover(path) == found
    assert look(path).log is None


@pytest.mark.damaged
def test_file_that_another_program_has_changed(left: tuple[Path, dict[str, Any]]) -> None:
    path, _ = left
    import h5py

    with h5py.File(path, "a") as file:
        file.attrs["mine"] = np.arange(100)
    changed, log = path.read_bytes(), log_path(path).read_bytes()
    for attempt in (look, recover, archive.open, lambda path: archive.open(path, "a")):
        with pytest.raises(archive.CorruptArchive, match="another program has changed") as caught:
            attempt(path)
        assert caught.value.entry == "exp.nix-wal"
        assert caught.value.hint
    assert path.read_bytes() == changed
    assert log_path(path).read_bytes() == log


def test_log_of_an_archive_that_was_removed(
    tmp_path: Path, left: tuple[Path, dict[str, Any]]
) -> None:
    path, _ = left
    path.unlink()
    archive.open(path, "x").close()
    with archive.open(path) as exp:
        assert len(exp.runs) == 0
    assert not log_path(path).exists()


def exists_but_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first look at the path finds nothing: another process creates the archive just then."""
    original = Path.exists
    looked: list[Path] = []

    def exists(self: Path, **how: Any) -> bool:
        if self == path and not looked:
            looked.append(self)
            return False
        return original(self, **how)

    monkeypatch.setattr(Path, "exists", exists)


def test_creation_leaves_the_log_of_another_process(
    left: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, content = left
    log = log_path(path).read_bytes()
    with monkeypatch.context() as patch:
        exists_but_once(path, patch)
        with pytest.raises(archive.AlreadyExists, match="just now"):
            archive.open(path, "x")
    assert log_path(path).read_bytes() == log
    with archive.open(path, "a"), monkeypatch.context() as patch:
        exists_but_once(path, patch)
        with pytest.raises(archive.AlreadyExists, match="just now"):
            archive.open(path, "x")
    assert stored_in(path) == content
