"""How often the disk is asked to make something permanent: what is not counted tends not to be
done, or to be done too often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

import archive
from archive.storage import files
from tests.crash import sessions
from tests.crash.proof import NAME
from tests.crash.recording import RecordingFiles
from tests.crash.sessions import append, append_bulk, reader
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


class Counted:
    """An archive on a recording layer; `of` tells of the syncs of what it calls."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files = RecordingFiles(path.parent)

    @contextmanager
    def used(self) -> Iterator[None]:
        with files.use(self._files):
            yield

    def of(self, action: Callable[[], object]) -> dict[str, int]:
        """The number of syncs by what they are for."""
        before = len(self._files.operations)
        action()
        return Counter(roles(self._files.operations, self._files.titles, before).values())


@pytest.fixture
def counted(tmp_path: Path) -> Iterator[Counted]:
    sessions.write_base(tmp_path / NAME)
    made = Counted(tmp_path / NAME)
    with made.used():
        yield made


def test_creation(tmp_path: Path) -> None:
    counted = Counted(tmp_path / NAME)
    with counted.used():
        made = counted.of(lambda: archive.open(counted.path, "x").close())
    assert made == {NEW_CONTENT: 1, NEW_NAME: 1, LOG_GONE: 1}


def test_small_appends(counted: Counted) -> None:
    with archive.open(counted.path, "a") as experiment:
        run = experiment.run("first", resume=True)
        for number in range(2, 5):
            assert counted.of(partial(append, run, number)) == {RECORD: 1}


def test_the_first_append_makes_the_log(counted: Counted) -> None:
    with archive.open(counted.path, "a") as experiment:
        begun = counted.of(lambda: experiment.run("second"))
        assert begun == {LOG_BEGUN: 1, LOG_NAME: 1, RECORD: 1}


def test_bulk_append(counted: Counted) -> None:
    with archive.open(counted.path, "a") as experiment:
        run = experiment.run("first", resume=True)
        assert counted.of(lambda: append_bulk(run, 2)) == {BULK: 1, RECORD: 1}


def test_a_transaction_of_several_appends(counted: Counted) -> None:
    with archive.open(counted.path, "a") as experiment:
        run = experiment.run("first", resume=True)

        def three() -> None:
            with experiment.transaction():
                for number in range(2, 5):
                    append(run, number)

        assert counted.of(three) == {RECORD: 1}


def test_grouped_until_close(counted: Counted) -> None:
    experiment = archive.open(counted.path, "a", durability="close")
    run = experiment.run("first", resume=True)
    assert counted.of(lambda: append(run, 2)) == {}
    assert counted.of(lambda: append_bulk(run, 3)) == {}
    closed = counted.of(experiment.close)
    assert closed[RECORD] == 1
    assert closed[CHECKPOINT] == closed[LOG_GONE] == 1


def test_a_checkpoint(counted: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    with archive.open(counted.path, "a") as experiment:
        run = experiment.run("first", resume=True)
        append(run, 2)
        monkeypatch.setattr("archive.storage.store.LIMIT", 1)
        made = counted.of(lambda: append(run, 3))
        assert made == {RECORD: 1, CHECKPOINT: 1, LOG_BEGUN: 1}


def test_close(counted: Counted) -> None:
    experiment = archive.open(counted.path, "a")
    run = experiment.run("first", resume=True)
    append(run, 2)
    run.finish()
    # the index that waited, then what is to be copied
    assert counted.of(experiment.close) == {RECORD: 2, CHECKPOINT: 1, LOG_GONE: 1}


def test_close_without_a_change(counted: Counted) -> None:
    experiment = archive.open(counted.path, "a")
    assert counted.of(experiment.close) == {LOG_GONE: 1}


def test_reading(counted: Counted) -> None:
    def read() -> None:
        with archive.open(counted.path) as experiment:
            assert len(experiment.segments) == 2

    assert counted.of(read) == {}


def test_a_reader_costs_no_sync(counted: Counted) -> None:
    with archive.open(counted.path, "a") as experiment:
        run = experiment.run("first", resume=True)
        append(run, 2)
        with reader(counted.path):
            assert counted.of(lambda: append(run, 3)) == {RECORD: 1}
