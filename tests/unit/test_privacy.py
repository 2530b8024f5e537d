"""With strict privacy neither user nor computer nor home folder stand anywhere in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archive
from archive.provenance import chosen, shown
from archive.storage.log import log_path

USER, HOST = "annaquist", "lab-seven"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "homes" / USER
    (home / "work").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr("getpass.getuser", lambda: USER)
    monkeypatch.setattr("platform.node", lambda: HOST)
    monkeypatch.chdir(home / "work")
    return home


def fill(exp: archive.Experiment, home: Path) -> None:
    data = home / "work" / "input.npy"
    np.save(data, np.arange(3.0))
    exp.annotate(good=True)
    exp.parameters.save("base", {"tau": 10})
    run = exp.run(parameters="base")
    run.use(data)
    run.annotate(note="by hand")
    with pytest.raises(ZeroDivisionError), run:
        exec(compile("1 / 0", str(home / "work" / "model.py"), "exec"), {})
    exp.import_file(data)


@pytest.mark.parametrize("by", ["argument", "variable"])
def test_strict(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    path = tmp_path / "e.nix"
    monkeypatch.setattr("sys.argv", [str(home / "run.py"), f"--out={home}/x"])
    if by == "variable":
        monkeypatch.setenv("NEUROARCHIVE_PRIVACY", "strict")
        exp = archive.open(path, "a")
    else:
        exp = archive.open(path, "a", privacy="strict")
    with exp:
        held = log_path(path).read_bytes()
        fill(exp, home)
        with exp.session() as session:
            session["k"] = 1
            assert session.session_name.startswith("session-")
        with exp.computer_session() as one:
            name = one.session_name
            one["k"] = 2
        with exp.computer_session() as one:
            assert one.session_name == name
    with archive.open(path) as exp:
        found: Any = exp.runs[0].provenance
        assert found.process.privacy == "strict"
        assert (found.process.user, found.process.host) == (None, None)
        assert found.process.argv == ("~/run.py", "--out=~/x")
        assert found.process.working_directory == "~/work"
        assert found.inputs[0].path == "~/work/input.npy"
        assert '"~/work/model.py"' in (exp.runs[0].reason or "")
        assert exp.history[0].author is None
    assert b'"a computer"' in held
    for file in tmp_path.rglob("*.nix"):
        assert USER not in file.name
        for word in (USER, HOST):
            assert word.encode() not in file.read_bytes()


def test_normal(tmp_path: Path, home: Path) -> None:
    path = tmp_path / "e.nix"
    with archive.open(path, "a") as exp:
        fill(exp, home)
    with archive.open(path) as exp:
        found: Any = exp.runs[0].provenance
        assert (found.process.user, found.process.host) == (USER, HOST)
        assert found.process.working_directory == str(home / "work")
        assert exp.history[0].author == USER


def test_what_is_asked_for(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen() == "normal"
    for word, meant in (("strict", "strict"), ("on", "strict"), ("normal", "normal")):
        monkeypatch.setenv("NEUROARCHIVE_PRIVACY", word)
        assert chosen() == meant
    assert chosen("strict") == "strict"
    with pytest.raises(archive.ArchiveError, match="privacy 'some' is not known"):
        archive.open(tmp_path / "e.nix", "a", privacy="some")  # type: ignore[arg-type]
    assert shown(f"-I{home}/a:{home}2/b", "strict") == f"-I~/a:{home}2/b"
    assert shown(f"/scratch/{USER}/x/{HOST}", "strict") == "/scratch/***/x/***"
    assert shown("/a\udcff", "normal") == "/a\\xff"
