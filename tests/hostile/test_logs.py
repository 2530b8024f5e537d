"""Logs beside an archive that were made to do harm: all digests in them are right."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import archive
from archive.storage.files import SystemFiles
from archive.storage.log import FIRST, PAGE, RECORD, RECORD_MAGIC, SECTOR, Log, log_path
from archive.storage.recovery import look, recover
from tests.hostile.limits import budget
from tests.unit import rich_archive

FILES = SystemFiles()

pytestmark = pytest.mark.damaged


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rich_archive.write(tmp_path_factory.mktemp("sound") / "sound.nix")


@pytest.fixture
def victim(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sound, tmp_path / "victim.nix"))


@contextmanager
def written(victim: Path) -> Iterator[Log]:
    """A log with its header."""
    descriptor = FILES.open(log_path(victim), create=True)
    log = Log(log_path(victim), FILES, descriptor)
    log.start()
    try:
        yield log
    finally:
        FILES.close(descriptor)


DOORS: dict[str, Callable[[Path], object]] = {
    "reading": archive.open,
    "writing": lambda path: archive.open(path, "a"),
    "looking": look,
    "recovering": recover,
}


def refused(victim: Path, door: str, kind: type[archive.ArchiveError], says: str) -> None:
    before, names = victim.read_bytes(), sorted(victim.parent.iterdir())
    with budget(), pytest.raises(kind, match=says) as caught:
        DOORS[door](victim)
    assert caught.value.path in (str(victim), str(log_path(victim)))
    assert caught.value.hint
    assert victim.read_bytes() == before
    assert sorted(victim.parent.iterdir()) == names


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("page", [1 << 60, (1 << 64) - 1, 1 << 20])
def test_pages_that_no_file_has(victim: Path, door: str, page: int) -> None:
    with written(victim) as log:
        log.append({page: bytes(PAGE)}, {page: [0] * 8}, victim.stat().st_size)
    refused(victim, door, archive.CorruptArchive, "the log speaks of byte")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("end", [1 << 62, (1 << 64) - 1, 1 << 32])
def test_ends_that_no_file_has(victim: Path, door: str, end: int) -> None:
    with written(victim) as log:
        log.append({0: victim.read_bytes()[:PAGE]}, {}, end)
        log.append({0: victim.read_bytes()[:PAGE]}, {}, victim.stat().st_size)
    refused(victim, door, archive.CorruptArchive, "the log speaks of byte")


def test_what_a_log_may_say(victim: Path) -> None:
    size = victim.stat().st_size
    with written(victim) as log:
        log.append({0: victim.read_bytes()[:PAGE], size // PAGE + 1: bytes(PAGE)}, {}, size)
    with archive.open(victim) as exp:
        assert len(exp.runs)


def claim(log: Log, number: int, pages: int) -> bytes:
    head = RECORD.pack(RECORD_MAGIC, log.salt, number, 1 << 20, pages, 0, log.former)
    return (head + bytes(16)).ljust(SECTOR, b"\0")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("length", [1 << 26, 1 << 40])
def test_more_pages_than_the_log_has(victim: Path, door: str, length: int) -> None:
    with written(victim) as log:
        pages = min((length - FIRST) // (PAGE + 64), (1 << 32) - 1)
        for count in (pages, (1 << 32) - 1):
            FILES.write(log.descriptor, claim(log, 0, count), FIRST)
            FILES.truncate(log.descriptor, length)
            if length > 1 << 30:
                refused(victim, door, archive.CorruptArchive, "the disk keeps few")
                continue
            with budget():
                found = DOORS[door](victim)
            if isinstance(found, archive.Experiment):
                assert len(found.runs)
                found.close()
            if not log_path(victim).exists():  # the record is none: there was nothing to keep
                return


@pytest.mark.parametrize("door", DOORS)
def test_records_inside_of_records(victim: Path, door: str) -> None:
    """Each of 60,000 beginnings says that all the rest of the log is its own."""
    with written(victim) as log:
        count = 60_000
        heads = [
            claim(log, number, (count - number) * SECTOR // (PAGE + 64)) for number in range(count)
        ]
        FILES.write(log.descriptor, b"".join(heads), FIRST)
    refused(victim, door, archive.CorruptArchive, "so is much of what lies behind")


@pytest.mark.parametrize("door", DOORS)
def test_log_that_is_a_link(victim: Path, tmp_path: Path, door: str) -> None:
    """Who writes notes in the log who he is: that must not go into a file of the user's."""
    diary = tmp_path / "diary"
    diary.write_bytes(b"private")
    log_path(victim).symlink_to(diary)
    refused(victim, door, archive.FormatError, "no file but a link")
    assert diary.read_bytes() == b"private"


@pytest.mark.parametrize("door", DOORS)
def test_log_that_leads_to_a_new_file(victim: Path, tmp_path: Path, door: str) -> None:
    log_path(victim).symlink_to(tmp_path / "new")
    refused(victim, door, archive.FormatError, "no file but a link")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("door", DOORS)
def test_log_that_is_a_pipe(victim: Path, door: str) -> None:
    os.mkfifo(log_path(victim))
    refused(victim, door, archive.FormatError, "pipe")


def test_log_that_lies_where_an_archive_is_made(tmp_path: Path) -> None:
    path = tmp_path / "new.nix"
    log_path(path).symlink_to(tmp_path / "diary")
    with pytest.raises(archive.FormatError, match="no file but a link"):
        archive.open(path, "x")
    assert list(tmp_path.iterdir()) == [log_path(path)]
