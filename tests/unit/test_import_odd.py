"""Readers and files that misbehave, and what keeps where a run came from."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import archive
import schemas
from archive.adapters.listing import formats, has_extra
from archive.entry import Entry
from archive.errors import FormatError, TransactionError
from tests.unit.foreign_files import install, lines as lines, write_lines
from tests.unit.test_import_whole import given as given

Read = Callable[[Path], Iterator[Entry]]


class Lazy:
    """An array on disk that cannot be read to its end."""

    shape, dtype = (10, 1), np.dtype(float)

    def __getitem__(self, key: Any) -> Any:
        raise OSError(5, "Input/output error")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        raise OSError(5, "Input/output error")


SIGNAL = schemas.Signal(variable="v", unit="mV", sampling_period=0.1)


class Odd:
    """A reader that does what it is told."""

    name, suffixes, extra = "odd", (), None

    def __init__(self, does: Read) -> None:
        self._does = does

    def read(self, path: Path, /) -> Iterator[Entry]:
        return self._does(path)


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> Callable[[Read], None]:
    def put(does: Read) -> None:
        reader = Odd(does)
        monkeypatch.setattr("archive.experiment.importing.reader_for", lambda *_, **__: reader)

    return put


def part(values: Any) -> Entry:
    return Entry(schemas.Segment(), parts=[Entry(SIGNAL, {"values": values})])


def broken_array(path: Path) -> Iterator[Entry]:
    yield part(np.ones((4, 1)))
    yield part(Lazy())


def changes_the_file(path: Path) -> Iterator[Entry]:
    yield part(np.ones((4, 1)))
    path.write_text("more than there was")


def against_the_contract(path: Path) -> Iterator[Entry]:
    yield part(np.ones(4))


def no_entry(path: Path) -> Iterator[Entry]:
    careless: Any = "not an entry"
    yield careless


def breaks_models(path: Path) -> Iterator[Entry]:
    name: Any = 3
    yield Entry(schemas.Segment.model_construct(name=name))


def endless_recursion(path: Path) -> Iterator[Entry]:
    yield from endless_recursion(path)


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        (broken_array, "Input/output error"),
        (changes_the_file, "changed while it was read"),
        (against_the_contract, "2 axes are needed"),
        (no_entry, "AttributeError"),
        (breaks_models, "its reader failed"),
        (endless_recursion, "RecursionError"),
    ],
)
def test_whatever_a_reader_does_is_a_failure_of_its_file(
    tmp_path: Path, given: Path, odd: Callable[[Read], None], does: Read, reason: str
) -> None:
    odd(does)
    with archive.open(tmp_path / "e.nix", "x") as exp:
        exp.run("before").finish()
        (failed,) = exp.import_files([given], "odd").failed
        assert reason in (failed.reason or "")
        with pytest.raises(archive.ArchiveError) as caught:
            exp.import_file(given, "odd")
        assert not isinstance(caught.value, TransactionError)
        assert caught.value.path == str(given)
        assert (len(exp.runs), len(exp.segments)) == (1, 0)
        odd(lambda path: iter([part(np.ones((3, 1)))]))
        assert exp.import_files([given], "odd").imported
        assert exp.check().is_valid()


def test_ctrl_c_in_a_reader_leaves_nothing(
    tmp_path: Path, given: Path, odd: Callable[[Read], None]
) -> None:
    def interrupted(path: Path) -> Iterator[Entry]:
        yield part(np.ones((4, 1)))
        raise KeyboardInterrupt

    odd(interrupted)
    with archive.open(tmp_path / "e.nix", "x") as exp:
        with pytest.raises(KeyboardInterrupt):
            exp.import_files([given], "odd")
        assert (len(exp.runs), len(exp.segments)) == (0, 0)


def test_a_system_that_fails_ends_the_import(
    tmp_path: Path, given: Path, odd: Callable[[Read], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    odd(lambda path: iter([part(np.ones((3, 1)))]))

    def full(*_: Any, **__: Any) -> int:
        raise OSError(28, "No space left on device")

    with archive.open(tmp_path / "e.nix", "x") as exp:
        with monkeypatch.context() as patch:
            patch.setattr("archive.container.Container.add_run", full)
            with pytest.raises(TransactionError, match="No space left"):
                exp.import_files([given], "odd")
        assert exp.import_files([given], "odd").imported


def test_entries_are_asked_for_in_order(
    tmp_path: Path, given: Path, odd: Callable[[Read], None]
) -> None:
    """A reader whose parts are read from where it stands is not asked for the next entry before."""
    asked: list[str] = []

    def streaming(path: Path) -> Iterator[Entry]:
        for number in range(3):
            asked.append(f"segment {number}")
            yield Entry(schemas.Segment(), parts=parts(number))

    def parts(number: int) -> Iterator[Entry]:
        asked.append(f"parts {number}")
        yield Entry(SIGNAL, {"values": np.full((2, 1), float(number))})

    odd(streaming)
    with archive.open(tmp_path / "e.nix", "x") as exp:
        (run,) = exp.import_file(given, "odd")
        found = [one.signals["v"].magnitude[0, 0] for one in run.segments]
    assert found == [0.0, 1.0, 2.0]
    assert asked == [f"{what} {n}" for n in range(3) for what in ("segment", "parts")]


FOLDERS = '''
import schemas
from archive.entry import Entry

class Adapter:
    """Folders with a mark."""
    name, suffixes, extra, folders = "marked", (), None, True

    def recognises(self, path, /):
        return (path / "mark").exists()

    def read(self, path, /):
        yield Entry(schemas.ParameterSet(values={"files": len(list(path.iterdir()))}))
'''


def test_a_folder_that_one_program_wrote_is_like_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    install(packages, monkeypatch, "marked", FOLDERS)
    folder = tmp_path / "data" / "run 1"
    folder.mkdir(parents=True)
    (folder / "mark").write_text("")
    (folder / "content").write_text("12345")
    os.utime(folder / "content", (2_000_000_000, 2_000_000_000))
    with archive.open(tmp_path / "e.nix", "x") as exp:
        (run,) = exp.import_file(folder)
        assert (run.name, run.parameters["files"]) == ("run 1", 2)
        assert run.started is not None
        assert (run.inputs[0].size, run.started.year) == (5, 2033)
        assert exp.import_files([folder]).skipped
        (folder / "content").rename(folder / "renamed")
        assert exp.import_files([folder]).imported


def test_where_it_came_from_is_salvaged_and_merged(tmp_path: Path, lines: Path) -> None:
    path = write_lines(tmp_path / "a.lines", "one:1", "lose colour")
    with archive.open(tmp_path / "e.nix", "x") as exp:
        exp.import_file(path, scale=np.arange(5.0)[3])
        inputs = exp.runs[0].inputs
        assert [one.model.kind for one in exp.runs[0].to_entry().parts][:2] == ["run-end", "input"]
    archive.salvage(tmp_path / "e.nix", tmp_path / "saved.nix")
    with archive.open(tmp_path / "all.nix", "x") as exp:
        exp.merge(tmp_path / "e.nix")
        assert exp.import_files([path], scale=np.arange(5.0)[3]).skipped
    for name in ("saved.nix", "all.nix"):
        with archive.open(tmp_path / name) as exp:
            assert exp.runs[0].inputs == inputs
            assert exp.runs[0].outcome == "finished"
            assert exp.check(deep=True).is_valid()


def test_a_file_that_covers_nothing_sensible(
    tmp_path: Path, lines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "all.list"
    index.write_text("missing.piece")
    with archive.open(tmp_path / "e.nix", "x") as exp:
        (failed,) = exp.import_files([index]).failed
        assert "cannot be read" in (failed.reason or "")
        index.write_text("no\0path")
        (failed,) = exp.import_files([index]).failed
        assert "null" in (failed.reason or "")


@pytest.mark.parametrize("name", ["a/b\n", "ü" * 250, " ", "x.pkl.gz"])
def test_names_of_runs_are_legal(
    tmp_path: Path, lines: Path, name: str, given: Path, odd: Callable[[Read], None]
) -> None:
    path = write_lines(tmp_path / name.replace("/", "_")[:120])
    odd(lambda path: iter([part(np.ones((3, 1)))]))
    with archive.open(tmp_path / "e.nix", "x") as exp:
        names = [exp.import_file(path, "odd", again=True)[0].name for _ in range(3)]
        assert len(set(names)) == 3
    assert names[0] == {"a": "a_b_", "ü": "ü" * 120, " ": "file", "x": "x"}[name[0]]


def test_losses_that_name_what_is_no_unicode(
    tmp_path: Path, given: Path, odd: Callable[[Read], None]
) -> None:
    def warns(path: Path) -> Iterator[Entry]:
        warnings.warn("of b\udcff and \ud800", archive.ArchiveWarning, stacklevel=1)
        yield part(np.ones((3, 1)))

    odd(warns)
    with archive.open(tmp_path / "e.nix", "x") as exp:
        (run,) = exp.import_file(given, "odd")
        assert [reason for _, _, reason in run.inputs[0].losses] == ["of b\\udcff and \\ud800"]


def test_a_name_that_is_given_and_taken(tmp_path: Path, lines: Path) -> None:
    path = write_lines(tmp_path / "a.lines", "one:1")
    with archive.open(tmp_path / "e.nix", "x") as exp:
        exp.run("mine").finish()
        assert exp.import_file(path, name="mine")[0].name == "mine (a)"
        with pytest.raises(archive.ContractError, match="must not contain"):
            exp.import_file(path, name="a/b", again=True)


def test_formats_that_cannot_be_used_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, "broken", "import nowhere_to_be_found")
    (found,) = (one for one in formats() if one.name == "broken")
    assert (found.reads, found.writes) == (False, False)
    assert "nowhere_to_be_found" in (found.problem or "")
    assert has_extra("neuroarchive", "no such extra") is None
    assert has_extra("no such package", "yaml") is None


def test_strange_options_name_those_that_there_are(tmp_path: Path, lines: Path) -> None:
    path = write_lines(tmp_path / "a.lines", "one:1")
    with archive.open(tmp_path / "e.nix", "x") as exp:
        with pytest.raises(FormatError, match=r"(?s)no option 'nonsense'.*known are scale, trust"):
            exp.import_file(path, nonsense=1)
        wanted: Sequence[Any] = [{"losses": []}, {"scale": object()}]
        for options in wanted:
            with pytest.raises(archive.ArchiveError):
                exp.import_file(path, **options)
        assert len(exp.runs) == 0
