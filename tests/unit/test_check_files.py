"""Files that runs were made by, and that are not what they were: said by a check, no damage."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import archive
import schemas
from archive.cli import app
from archive.container import Container, check_files
from archive.container.check import check
from archive.container.check_report import Report

NOW = datetime(2025, 1, 2, tzinfo=UTC)


def source(path: Path, root: Path | None = None) -> schemas.Source:
    content = path.read_bytes()
    said = str(path if root is None else path.relative_to(root))
    return schemas.Source(path=said, digest=hashlib.sha256(content).hexdigest(), size=len(content))


class Lab:
    """A folder with a script, a module and an input, and an archive of runs made by them."""

    def __init__(self, folder: Path, runs: int = 1, **process: Any) -> None:
        self.script, self.module, self.data, self.more = (
            folder / name for name in ("run.py", "model.py", "in.dat", "in.hdr")
        )
        for path in (self.script, self.module, self.data, self.more):
            path.write_text(f"content of {path.name}")
        code = schemas.Code(
            script=source(self.script, folder),
            modules={"model": source(self.module)},
            repository=schemas.Repository(root=str(folder)),
        )
        facts = {"code": schemas.digest(code), **process}
        record = schemas.Provenance(**facts)
        known = source(self.data)
        given = schemas.Input(
            role="used", path=known.path, size=known.size, digest=known.digest, at=NOW,
            others={str(self.more): source(self.more).digest},
        )  # fmt: skip
        self.path = folder / "a.nix"
        archive.open(self.path, "x").close()
        container = Container(self.path, writable=True, durability="close")
        try:
            for number in range(runs):
                run = schemas.Run(name=f"run {number}")
                records = {schemas.digest(record): record, schemas.digest(code): code}
                container.add_run(run, None, records, (given, schemas.RunEnd(outcome="finished")))
        finally:
            container.close()

    def check(self, **options: Any) -> Report:
        with archive.open(self.path) as exp:
            report = exp.check(**{"files": True, **options})
        assert report.is_valid(), report.findings
        return report


def test_nothing_is_gone(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    for deep in (False, True):
        report = lab.check(deep=deep)
        assert (report.gone, report.files) == ((), 4)


def test_what_is_gone_or_changed_is_said(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.script.write_text("content of RUN.py")
    lab.module.unlink()
    lab.data.write_text("CONTENT OF IN.DAT"[: lab.data.stat().st_size])
    lab.more.write_text("longer than it was")
    plain = {(one.what, Path(one.path).name): one.why for one in lab.check().gone}
    assert plain == {
        ("script", "run.py"): "what is in it has changed",
        ("module", "model.py"): "it is not there",
    }
    deep = {Path(one.path).name: one.why for one in lab.check(deep=True).gone}
    assert deep["in.dat"] == deep["in.hdr"] == "what is in it has changed"
    lab.data.write_text("short")
    lab.more.unlink()
    lab.more.mkdir()
    plain = {(one.what, Path(one.path).name): one.why for one in lab.check().gone}
    assert plain["input", "in.dat"] == "it has 5 bytes, and had 17"
    assert plain["input", "in.hdr"] == "it is no file any more"


def test_files_are_looked_for_when_told_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stranger's archive may name any file."""
    lab = Lab(tmp_path, host="another")
    lab.script.unlink()
    (one,) = lab.check().gone
    assert (one.what, one.why, one.run, one.host) == ("script", "it is not there", 0, "another")
    monkeypatch.setattr(check_files, "_Now", None)
    report = lab.check(files=False)
    assert (report.gone, report.files) == ((), 4)


def test_a_file_of_many_runs_is_asked_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = Lab(tmp_path, runs=50)
    lab.script.unlink()
    asked: list[str] = []
    stat = Path.stat

    def counting(self: Path, **options: Any) -> os.stat_result:
        asked.append(str(self))
        return stat(self, **options)

    container = Container(lab.path, writable=True)
    try:
        size = lab.data.stat().st_size
        other = schemas.Input(role="used", path=str(lab.data), size=size, digest="0e" * 32, at=NOW)
        container.add_change("run", 7, other)
        monkeypatch.setattr(Path, "stat", counting)
        (one,) = check(container, files=True).gone
    finally:
        monkeypatch.undo()
        container.close()
    assert one.run == 0
    assert [asked.count(str(path)) for path in (lab.script, lab.module, lab.data)] == [1, 1, 1]


@pytest.mark.parametrize(
    "path",
    ["relative.py", "//server/share/x", "\\\\server\\x", "/a\0b", "/../../dev/zero", "/dev/tty"],
)
def test_odd_paths_do_no_harm(tmp_path: Path, path: str) -> None:
    lab = Lab(tmp_path)
    container = Container(lab.path, writable=True)
    try:
        given = schemas.Input(role="used", path=path, size=3, digest="0e" * 32, at=NOW)
        container.add_change("run", 0, given)
    finally:
        container.close()
    found = [(one.path, one.why) for one in lab.check(deep=True).gone]
    assert found in ([], [(path, "it is no file any more")])


def test_the_command_line_says_it(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.script.unlink()
    done = CliRunner().invoke(app, ["check", str(lab.path), "--files"])
    assert done.exit_code == 0
    assert "1 file not as recorded" in done.output
    found = json.loads(
        CliRunner().invoke(app, ["check", str(lab.path), "--files", "--json"]).output
    )
    assert found["valid"] is True
    assert [one["what"] for one in found["gone"]] == ["script"]
    lab.script.write_text(f"content of {lab.script.name}")
    done = CliRunner().invoke(app, ["check", str(lab.path), "--files"])
    assert "4 files that runs were made by: all as recorded" in done.output
