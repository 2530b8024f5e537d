"""Foreign files come in whole or not at all, each once, and it is known where they came from."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archive
from archive.adapters.listing import version_of
from archive.container.documents import Documents
from archive.errors import ArchiveWarning, FormatError, Refused
from archive.experiment import source_file
from tests.unit.foreign_files import lines as lines, write_lines

pytestmark = pytest.mark.usefixtures("lines")


def test_a_file_is_a_run(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "old" / "cell 7.lines", "one:1 2 3", "two:4 5")
    os.utime(path, (1_000_000_000, 1_000_000_000.25))
    with archive.open(tmp_path / "e.nix", "x") as exp:
        (run,) = exp.import_file(path)
        assert run.name == "cell 7"
        assert run.outcome == "finished"
        assert run.started is not None
        assert run.started.isoformat() == "2001-09-09T01:46:40.250000+00:00"
        assert [segment.name for segment in run.segments] == ["one", "two"]
        assert np.array_equal(run.segments[0].signals["v"].magnitude, [[1], [2], [3]])
        assert exp.check(deep=True).is_valid()


def test_where_it_came_from_is_kept(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.lines", "one:1", "lose colour", "warn it was strange")
    with archive.open(tmp_path / "e.nix", "x") as exp:
        exp.import_file(path, scale=2.0)
    with archive.open(tmp_path / "e.nix") as exp:
        (source,) = exp.runs["a"].inputs
        assert exp.runs["a"].segments[0].signals["v"].magnitude[0, 0] == 2.0
    assert (source.role, source.path, source.size) == ("imported", str(path), path.stat().st_size)
    assert source.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (source.format, source.package, source.version) == ("lines", "fake_lines", "1.5")
    assert source.options == {"scale": 2.0}
    assert source.modified is not None
    assert source.modified.timestamp() == pytest.approx(path.stat().st_mtime, abs=1e-5)
    assert source.losses == (
        ("a", "colour", "on purpose"),
        ("a.lines", "warning", "it was strange"),
    )


def test_ours_are_named_with_their_version(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text('{"tau": 10.0}')
    with archive.open(tmp_path / "e.nix", "x") as exp:
        (run,) = exp.import_file(tmp_path / "p.json", "json-parameters")
        assert run.parameters == {"tau": 10.0}
        (source,) = run.inputs
    assert (source.package, source.version or "") == ("neuroarchive", version_of("neuroarchive"))


def test_the_same_file_is_imported_once(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.lines", "one:1")
    copy = write_lines(tmp_path / "b.lines", "one:1")
    with archive.open(tmp_path / "e.nix", "x") as exp:
        exp.import_file(path)
        with pytest.warns(ArchiveWarning, match=r"a\.lines was imported before, as 'a'"):
            assert [run.name for run in exp.import_file(path)] == ["a"]
    with archive.open(tmp_path / "e.nix", "a") as exp:
        report = exp.import_files([path, copy])
        assert [one.outcome for one in report.files] == ["skipped", "skipped"]
        assert report.skipped[1].runs == ("a",)
        assert [run.name for run in exp.import_file(path, again=True)] == [f"a ({tmp_path.name})"]
        assert len(exp.import_file(path, scale=3.0)) == 1  # read otherwise, it is another
        assert len(exp.runs) == 3
        path.write_text("LINES\ntwo:2\n")
        assert exp.import_files([path]).imported


def test_one_that_was_undone_is_not_known(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.lines", "one:1")
    with archive.open(tmp_path / "e.nix", "x") as exp:
        with suppress(ZeroDivisionError), exp.transaction():
            exp.import_file(path)
            raise ZeroDivisionError
        assert len(exp.runs) == 0
        assert exp.import_files([path]).imported


@pytest.mark.parametrize("bad", ["fail", "two:fail", "two:no number"])
def test_a_reader_that_fails_midway_leaves_nothing(tmp_path: Path, bad: str) -> None:
    good = write_lines(tmp_path / "good.lines", "one:1")
    path = write_lines(tmp_path / "bad.lines", "one:1 2", bad)
    with archive.open(tmp_path / "e.nix", "x") as exp:
        with pytest.raises(FormatError, match=r"bad\.lines: its reader failed \("):
            exp.import_file(path)
        assert (len(exp.runs), len(exp.segments)) == (0, 0)
        report = exp.import_files([path, good, path])
        assert [one.outcome for one in report.files] == ["failed", "imported"]
        assert (len(exp.runs), len(exp.segments)) == (1, 1)
        assert exp.check().is_valid()


def test_strict_makes_a_loss_a_failure(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.lines", "one:1", "lose colour")
    with archive.open(tmp_path / "e.nix", "x") as exp:
        with pytest.raises(FormatError, match=r"1 facts would be lost: a: colour: on purpose"):
            exp.import_file(path, strict=True)
        assert len(exp.runs) == 0
        assert exp.import_file(path, name="mine")[0].name == "mine"


def test_what_cannot_be_imported_is_listed_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "notes.py").write_text("x = 1\n")
    (tmp_path / "gone.lines").symlink_to(tmp_path / "nowhere")
    with archive.open(tmp_path / "e.nix", "x") as exp:
        report = exp.import_files(
            [tmp_path / "notes.py", tmp_path / "gone.lines", tmp_path / "e.nix", tmp_path]
        )
        with pytest.raises(FormatError, match=r"(?s)notes\.py: no format is known.*name it"):
            exp.import_file(tmp_path / "notes.py")
        with pytest.raises(FormatError, match="there is no format 'nonsense'"):
            exp.import_file(tmp_path / "notes.py", "nonsense")
        with pytest.raises(Refused, match="the archive itself"):
            exp.import_file(tmp_path / "e.nix")
    assert [one.outcome for one in report.files] == [
        "unrecognised",
        "failed",
        "failed",
        "unrecognised",
    ]
    reasons = [one.reason or "" for one in report.files]
    assert "no format is known" in reasons[0]
    assert "No such file" in reasons[1]
    assert "archive itself" in reasons[2]
    assert not report.is_complete()
    assert "nowhere" not in repr(report)
    with archive.open(tmp_path / "e.nix") as exp, pytest.raises(Refused, match="for reading"):
        exp.import_file(tmp_path / "notes.py")


def test_files_that_belong_to_another_come_with_it(tmp_path: Path) -> None:
    (tmp_path / "a.piece").write_text("A")
    (tmp_path / "b.piece").write_text("B")
    index = tmp_path / "all.list"
    index.write_text("a.piece b.piece")
    with archive.open(tmp_path / "e.nix", "x") as exp:
        report = exp.import_files([tmp_path / "a.piece", index, tmp_path / "b.piece"])
        assert [one.outcome for one in report.files] == ["belongs", "imported", "belongs"]
        assert report.files[0].reason == "it belongs to all.list"
        (source,) = exp.runs["all"].inputs
        assert list(source.others) == [str(tmp_path / "a.piece"), str(tmp_path / "b.piece")]
        assert exp.import_files([index]).skipped
        (tmp_path / "b.piece").write_text("C")  # the index is the same, what it lists is not
        assert exp.import_files([index]).imported


def test_a_session_imports_and_knows_what_the_archive_has(tmp_path: Path) -> None:
    first = write_lines(tmp_path / "a.lines", "one:1")
    second = write_lines(tmp_path / "b.lines", "one:2")
    with archive.open(tmp_path / "e.nix", "x") as exp:
        exp.import_file(first)
    with archive.session(tmp_path / "e.nix") as session:
        report = session.import_files([first, second])
        assert [one.outcome for one in report.files] == ["skipped", "imported"]
    with archive.open(tmp_path / "e.nix", "a") as exp:
        assert exp.import_files([second]).skipped  # it lies in the part
        exp.merge()
        assert [one.path for run in exp.runs for one in run.inputs] == [str(first), str(second)]
        assert exp.import_files([first, second]).skipped == exp.import_files([first, second]).files


def test_a_run_of_the_same_name_is_not_taken_for_that_of_another_part(tmp_path: Path) -> None:
    first = write_lines(tmp_path / "x" / "a.lines", "one:1")
    second = write_lines(tmp_path / "y" / "a.lines", "one:2")
    with archive.session(tmp_path / "e.nix") as session:
        session.import_file(first)
    with archive.open(tmp_path / "e.nix", "a") as exp:
        assert len(exp.import_file(second)) == 1
        with pytest.warns(ArchiveWarning, match="imported before"):
            assert len(exp.import_file(first)) == 0
        with pytest.warns(ArchiveWarning, match="imported before"):
            assert len(exp.import_file(second)) == 1


def test_the_digest_is_that_of_what_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_lines(tmp_path / "a.lines", "one:1")
    digest = source_file.file_digest

    def late(path: Path) -> str:
        path.write_text("LINES\ntwo:22\n")
        return digest(path)

    with archive.open(tmp_path / "e.nix", "x") as exp:
        with monkeypatch.context() as patch:
            patch.setattr(source_file, "file_digest", late)
            with pytest.raises(FormatError, match="changed while it was read"):
                exp.import_file(path)
        assert [segment.name for segment in exp.import_file(path)[0].segments] == ["two"]


def test_names_of_sets_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with archive.open(tmp_path / "e.nix", "x") as exp:
        for number in range(20):
            exp.parameters.save(f"set {number}", {"tau": float(number)})
        exp.export(tmp_path / "e.json", "json")
    read: list[int] = []
    all_said = Documents.read_many

    def counted(documents: Documents, places: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
        read.append(len(places))
        return all_said(documents, places)

    with archive.open(tmp_path / "f.nix", "x") as exp:
        monkeypatch.setattr(Documents, "read_many", counted)
        exp.import_file(tmp_path / "e.json", "json")
        assert sum(read) <= 2 * 20
        assert len(exp.parameters.names) == 20
