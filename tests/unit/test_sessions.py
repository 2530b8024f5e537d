"""Creation of archives and several sessions of one: never half a file, never two writers."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import neo
import numpy as np
import pytest
import quantities as pq

import archive
import schemas
from archive.container.creation import create_container
from archive.container.documents import Documents
from archive.experiment.opening import Mode
from archive.storage import Session, create, nix
from tests.unit import rich_archive
from tests.unit.rich_archive import now, stored_in
from tests.unit.test_storage import CountedFiles, FailingStep

EXPERIMENT = schemas.Experiment(id="1f", name="exp", created=datetime(2024, 5, 1, tzinfo=UTC))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed archive."""
    return rich_archive.write(tmp_path / "exp.nix")


# -- creation ----------------------------------------------------------------------------------


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("step", ["sync", "link", "sync_folder"])
def test_failed_creation_leaves_nothing(tmp_path: Path, step: str) -> None:
    with pytest.raises(archive.TransactionError, match=f"no {step}"):
        create(tmp_path / "new.nix", "exp", lambda _: None, stamp={}, files=CountedFiles(step))
    assert names(tmp_path) == []


@pytest.mark.parametrize("error", [OSError(28, "full"), KeyboardInterrupt()])
def test_creation_interrupted_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    with monkeypatch.context() as patch:
        failing = FailingStep(3, error, after=True)
        patch.setattr(nix, "data_frame", failing.around(nix.data_frame))
        with pytest.raises((archive.TransactionError, KeyboardInterrupt)):
            archive.open(tmp_path / "new.nix", "x")
    assert names(tmp_path) == []
    archive.open(tmp_path / "new.nix", "x").close()
    assert names(tmp_path) == ["new.nix"]


def test_creation_never_takes_the_place_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "taken.nix"
    path.write_text("mine")
    with pytest.raises(archive.AlreadyExists, match="exists already"):
        create_container(path, EXPERIMENT, "test")
    monkeypatch.setattr(Path, "exists", lambda _: False)  # it came between the look and the link
    with pytest.raises(archive.AlreadyExists, match="just now"):
        create_container(path, EXPERIMENT, "test")
    monkeypatch.undo()
    assert path.read_text() == "mine"
    assert names(tmp_path) == ["taken.nix"]


def test_long_names_of_files(tmp_path: Path) -> None:
    archive.open(tmp_path / ("x" * 247 + ".nix"), "x").close()
    assert len(names(tmp_path)) == 1


# -- several sessions --------------------------------------------------------------------------


def test_two_writers_of_one_process(path: Path) -> None:
    with archive.open(path, "a") as held:
        before = time.monotonic()
        with pytest.raises(archive.Busy, match="open already") as caught:
            archive.open(path, "a")
        assert time.monotonic() - before < 5  # to wait would be in vain
        assert caught.value.hint
        assert held.runs[0].name == "all"
    archive.open(path, "a").close()


@pytest.mark.parametrize("first", ["a", "r"])
def test_reader_and_writer_of_one_process(path: Path, first: Mode) -> None:
    second: Mode = "r" if first == "a" else "a"
    with archive.open(path, first) as one, archive.open(path, second) as other:
        writer, reader = (one, other) if first == "a" else (other, one)
        writer.run("more").put([rich_archive.segment(3)])
        assert [run.name for run in reader.runs] == ["all"]
        reader.refresh()
        assert [run.name for run in reader.runs] == ["all", "more"]
        assert len(reader.segments) == len(writer.segments)
        assert now(reader) == now(writer)


def test_two_readers_of_one_process(path: Path) -> None:
    with archive.open(path) as one, archive.open(path) as other:
        one.close()
        assert other.segments[0].signals["cells/v"].magnitude.shape == (24, 3)


@contextmanager
def other_process(path: Path, mode: Mode) -> Iterator[None]:
    """Another process that holds the archive until the block ends."""
    code = (
        "import archive, sys\n"
        "with archive.open(sys.argv[1], sys.argv[2]):\n"
        "    print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path), mode],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(archive.__file__).parent.parent,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        yield
        child.communicate("")


def test_writer_in_another_process(path: Path) -> None:
    content = stored_in(path)
    with other_process(path, "a"):
        archive.open(path).close()
        with pytest.raises(archive.Busy, match=r"process \d+ on .*, since 20") as caught:
            archive.open(path, "a", timeout=0.2)
        assert caught.value.path == str(path)
    archive.open(path, "a").close()
    with other_process(path, "r"):
        archive.open(path).close()
        archive.open(path, "a").close()
    assert stored_in(path) == content


def test_session_refuses_a_missing_part(path: Path) -> None:
    session = Session(path, writable=False)
    try:
        with pytest.raises(archive.CorruptArchive, match="lacks a part") as caught:
            session.dataset("data_arrays", "gone")
        assert caught.value.entry == "data_arrays/gone"
    finally:
        session.close()


def test_run_of_a_failed_transaction_takes_nothing_more(tmp_path: Path) -> None:
    with archive.open(tmp_path / "e.nix", "a") as exp:
        kept = exp.run("kept")
        with suppress(ZeroDivisionError), exp.transaction():
            gone = exp.run("gone")
            raise ZeroDivisionError
        kept.append({"v": np.zeros(3)}, sampling_period=1 * pq.ms)
        other = exp.run("other")  # in the row that the run which is gone had
        with pytest.raises(archive.Refused, match="'gone' was undone"):
            gone.append({"v": np.zeros(3)}, sampling_period=1 * pq.ms)
        assert (len(kept.segments), len(other.segments)) == (1, 0)


def test_facts_of_an_undone_append_are_noted_with_the_next(tmp_path: Path) -> None:
    block = neo.Block()
    block.annotate(simulator="NEST", dt=0.1)
    block.segments.append(neo.Segment())
    with archive.open(tmp_path / "e.nix", "a") as exp:
        run = exp.run("a")
        with suppress(ZeroDivisionError), exp.transaction():
            run.append(block)
            raise ZeroDivisionError
        assert run.annotations == {}
        run.append(block)
        assert run.annotations == {"simulator": "nest", "dt": 0.1 * pq.ms}
        run.annotate(remove=["dt"])
        run.append(block)
        assert run.annotations == {"simulator": "nest"}


def test_a_thousand_annotations_read_each_change_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = 0
    read = Documents.read

    def counted(self: Documents, place: tuple[int, int]) -> dict[str, Any]:
        nonlocal reads
        reads += 1
        return read(self, place)

    with archive.open(tmp_path / "e.nix", "a") as exp:
        run = exp.run("a")
        monkeypatch.setattr(Documents, "read", counted)
        for number in range(50):
            run.annotate(number=number)
        assert reads <= 150
        assert [change.former.get("number") for change in run.history] == [None, *range(49)]


@pytest.mark.parametrize("mode", ["a", "r"])
def test_a_process_may_go_to_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: Mode
) -> None:
    monkeypatch.chdir(tmp_path)
    archive.open("e.nix", "x").close()
    (tmp_path / "other").mkdir()
    with archive.open("e.nix", mode) as exp:
        monkeypatch.chdir(tmp_path / "other")
        if mode == "r":
            with archive.open("../e.nix", "a") as writer:
                writer.run("one").finish()
            exp.refresh()
        else:
            exp.run("one").finish()
        assert len(exp.runs) == 1
    assert list((tmp_path / "other").iterdir()) == []
