"""The verbs ``import`` and ``formats``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import archive
from tests.unit.cli_archive import run, run_json
from tests.unit.foreign_files import lines as lines, write_lines

pytestmark = pytest.mark.usefixtures("lines")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A folder as they are found: data, other things, folders in it."""
    folder = tmp_path / "old"
    write_lines(folder / "a.lines", "one:1")
    write_lines(folder / "deep" / "er" / "a.lines", "one:2")
    write_lines(folder / "bad.lines", "one:1", "fail")
    (folder / "README").write_text("about\n")
    (folder / "analyse.py").write_text("import os\n")
    write_lines(folder / ".hidden.lines", "one:3")
    write_lines(folder / ".git" / "b.lines", "one:4")
    (folder / "all.list").write_text("a.piece")
    (folder / "a.piece").write_text("A")
    return folder


def names(found: list[dict[str, Any]]) -> list[str]:
    return sorted(Path(one["path"]).name for one in found)


def test_a_folder_is_imported_and_what_fails_is_listed(tmp_path: Path, old: Path) -> None:
    out = tmp_path / "e.nix"
    done = run("import", old, "-o", out, code=10)
    assert "2 files imported as 2 runs" in done.stdout
    assert "1 file imported with another" in done.stdout
    assert "2 files: no known format" in done.stdout
    assert "1 file: failed" in done.stdout
    assert "the disk is on fire" in done.stdout
    assert "1 file could not be imported" in done.output
    found = run_json("import", old, "--recursive", "-o", out, code=10)
    assert names(found["imported"]) == ["a.lines"]
    assert names(found["skipped"]) == ["a.lines", "all.list"]
    assert names(found["unrecognised"]) == ["README", "analyse.py"]
    assert names(found["failed"]) == ["bad.lines"]
    assert names(found["belongs"]) == ["a.piece"]
    with archive.open(out) as exp:
        assert [one.name for one in exp.runs] == ["a", "all", "a (er)"]


@pytest.mark.parametrize("pattern", ["old/**", "old/**/*.lines", "old/deep"])
def test_patterns_in_quotes(
    tmp_path: Path, old: Path, pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (old / "bad.lines").unlink()
    options = ["--recursive"] if pattern == "old/deep" else []
    found = run_json("import", pattern, *options, "-o", old / "e.nix")
    expected = {"old/**": 3, "old/**/*.lines": 2, "old/deep": 1}[pattern]
    assert len(found["imported"]) == expected
    again = run_json("import", pattern, *options, "-o", old / "e.nix")
    assert (len(again["imported"]), len(again["skipped"])) == (0, expected)
    assert not any("e.nix" in one["path"] for one in again["failed"] + again["unrecognised"])


def test_what_is_named_must_come_in(tmp_path: Path, old: Path) -> None:
    out = tmp_path / "e.nix"
    run("import", old / "README", "-o", out, code=10)
    run("import", old / "nowhere", "-o", out, code=3)
    run("import", str(old / "*.nothing"), "-o", out, code=3)
    (old / "bad.lines").unlink()
    run("import", old, "-o", out)
    run("import", old, "-o", out, "--strict", code=10)


def test_a_folder_that_the_system_does_not_show(
    tmp_path: Path, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = Path.iterdir

    def refused(folder: Path) -> Iterator[Path]:
        if folder.name == "er":
            raise PermissionError(13, "Permission denied", str(folder))
        return inside(folder)

    monkeypatch.setattr(Path, "iterdir", refused)
    done = run("import", old, "--recursive", "-o", tmp_path / "e.nix", code=10)
    assert "er: it cannot be looked at: Permission denied" in " ".join(done.output.split())


def test_options_are_given_and_kept(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.lines", "one:1")
    out = tmp_path / "e.nix"
    run("import", path, "-o", out, "--option", "scale=2.5")
    run("import", path, "-o", out)  # read otherwise, it is another
    run("import", path, "-o", out, "--option", "nonsense=1", code=10)
    (tmp_path / "all.list").write_text("")
    run("import", tmp_path, "-o", out, "--option", "scale=4")  # of those that have it
    with archive.open(out) as exp:
        assert [one.options for one in exp.runs[0].inputs] == [{"scale": 2.5}]
        assert [run.name for run in exp.runs][3] == "all"
        assert [run.inputs[0].options for run in exp.runs[1:]] == [{}, {"scale": 4}, {}]
    shown = run("show", out, "--run", "a").stdout
    assert "imported as lines by fake_lines 1.5" in shown
    (source,) = run_json("show", out, "--run", "a")["inputs"]
    assert (source["path"], source["options"]) == (str(path), {"scale": 2.5})


@pytest.mark.parametrize(
    "option",
    ["trust=True", "trust=1", "Trust=1", "losses=1", "paths=1", "progress=1", "self=1", "scale"],
)
def test_what_is_no_option_of_the_command_line(tmp_path: Path, option: str) -> None:
    path = write_lines(tmp_path / "a.lines", "one:1")
    run("import", path, "-o", tmp_path / "e.nix", "--option", option, code=2)
    assert not (tmp_path / "e.nix").exists()


def test_losses_are_shown_and_fail_if_told(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.lines", "one:1", "lose colour")
    done = run("import", path, "-o", tmp_path / "e.nix", "--strict", code=10)
    assert "would be lost" in done.stdout
    assert "colour" in run("import", path, "-o", tmp_path / "e.nix").stdout


def test_formats_are_listed() -> None:
    text = run("formats", env={"COLUMNS": "100"}).stdout
    assert "Lines of numbers, for tests" in text
    assert "fake_lines 1.5" in text
    found = {one["name"]: one for one in run_json("formats")}
    assert found["lines"] == {
        "name": "lines", "reads": True, "writes": False, "suffixes": [".lines"], "extra": None,
        "installed": True, "about": "Lines of numbers, for tests", "package": "fake_lines",
        "version": "1.5", "problem": None,
    }  # fmt: skip
    assert found["yaml-parameters"]["extra"] == "yaml"
    assert found["mat"]["writes"]


# Groups of transactions are permanent after 0.3 s, and not after 5.
QUICK = """
import archive.storage.session
archive.storage.session.GROUP_SECONDS = 0.3
from archive.cli import main
main()
"""


def start(folder: Path, packages: Path, out: Path) -> subprocess.Popen[str]:
    paths = os.pathsep.join([str(packages), str(Path(archive.__file__).parents[1])])
    return subprocess.Popen(
        [sys.executable, "-c", QUICK, "import", str(folder), "-o", str(out), "--json"],
        env=os.environ | {"PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    "end", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_an_import_that_was_ended_goes_on(tmp_path: Path, lines: Path, end: signal.Signals) -> None:
    count = 200
    for number in range(count):
        write_lines(tmp_path / "old" / f"{number:04d}.lines", f"one:{number} 1 2", "two:3")
    out = tmp_path / "e.nix"
    process = start(tmp_path / "old", lines, out)
    log = out.with_name("e.nix-wal")
    deadline = time.monotonic() + 60
    while not (log.exists() and log.stat().st_size > 4096) and time.monotonic() < deadline:
        time.sleep(0.05)  # until something is permanent, of which the end may cost nothing
    process.send_signal(end)
    said, _ = process.communicate(timeout=60)
    with archive.open(out) as exp:
        there = len(exp.runs)
        assert there < count, "it was over before it was ended"
        assert exp.check().is_valid()
    if end is signal.SIGINT:
        assert process.returncode == 130
        assert len(json.loads(said)["imported"]) == there
    process = start(tmp_path / "old", lines, out)
    said, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    found = json.loads(said)
    assert (len(found["skipped"]), len(found["imported"])) == (there, count - there)
    with archive.open(out) as exp:
        assert sorted(one.name for one in exp.runs) == [f"{n:04d}" for n in range(count)]
        assert len(exp.segments) == 2 * count
        assert all(one.outcome == "finished" for one in exp.runs)
        assert exp.check().is_valid()


@pytest.mark.slow
def test_ten_thousand_files(tmp_path: Path) -> None:
    for number in range(10_000):
        write_lines(tmp_path / "old" / f"{number:05d}.lines", f"one:{number} 1 2")
    out = tmp_path / "e.nix"
    found = run_json("import", tmp_path / "old", "-o", out)
    assert len(found["imported"]) == 10_000
    began = time.process_time()
    with archive.open(out, "a") as exp:
        assert exp.import_files([tmp_path / "old" / "00000.lines"]).skipped
    assert time.process_time() - began < 5
