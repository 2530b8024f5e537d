"""What is found out of a program, run as users run it: as a process of its own."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import archive
import schemas
from archive.provenance import code, sources
from archive.provenance.distributions import installed
from archive.provenance.process import Capture
from tests.unit.git_repositories import NOBODY, git, repository

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import sys
import archive, model
with archive.open(sys.argv[1], "a") as exp, exp.run() as run:
    pass
"""


def start(folder: Path, *arguments: str, text: str | None = None, **variables: str) -> None:
    subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, **NOBODY, "PYTHONPATH": str(ROOT), **variables},
        input=text,
        text=True,
        check=True,
        capture_output=True,
    )


def recorded(path: Path, run: int = -1) -> Any:
    with archive.open(path) as exp:
        return exp.runs[run].provenance


def content(source: schemas.Source | None) -> bytes:
    assert source is not None
    assert source.content is not None
    return zlib.decompress(source.content)


def test_a_script_in_a_repository(tmp_path: Path) -> None:
    root = repository(tmp_path / "lab", run_py=SCRIPT)
    (root / "model.py").write_text("tau = 20\n")
    path = tmp_path / "e.nix"
    start(root, "run.py", str(path), "--password", "hunter2", SLURM_JOB_ID="17", MY_TOKEN="abc")
    found = recorded(path)
    assert found.process.argv == ("run.py", str(path), "--password", "***")
    assert found.process.working_directory == str(root)
    assert found.process.job == {"SLURM_JOB_ID": "17"}
    assert found.code.program == "script"
    assert found.code.script.path == "run.py"
    assert found.code.script.digest == hashlib.sha256(SCRIPT.encode()).hexdigest()
    assert content(found.code.script) == SCRIPT.encode()
    assert {name: one.path for name, one in found.code.modules.items()} == {"model": "model.py"}
    assert content(found.code.modules["model"]) == b"tau = 20\n"
    repo = found.code.repository
    assert (repo.commit, repo.branch) == (git(root, "rev-parse", "HEAD"), "main")
    assert (repo.root, repo.dirty) == (str(root), True)
    assert b"+tau = 20" in zlib.decompress(repo.diff)
    assert found.code.missing == {}
    assert found.environment.packages == installed()
    assert b"hunter2" not in path.read_bytes()
    assert b"MY_TOKEN" not in path.read_bytes()


def test_equal_processes_share_their_records(tmp_path: Path) -> None:
    root = repository(tmp_path / "lab", run_py=SCRIPT)
    path = tmp_path / "e.nix"
    for _ in range(2):
        start(root, "run.py", str(path))
    one, other = (recorded(path, run).process for run in (0, 1))
    assert (one.environment, one.code) == (other.environment, other.code)
    assert one.generators["numpy"] != other.generators["numpy"]  # nobody has seeded them
    (root / "model.py").write_text("tau = 30\n")
    start(root, "run.py", str(path))
    last = recorded(path).process
    assert (last.environment == one.environment, last.code == one.code) == (True, False)


def test_a_module_a_command_and_the_standard_input(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("")
    (tmp_path / "study.py").write_text(SCRIPT)
    path = tmp_path / "e.nix"
    start(tmp_path, "-m", "study", str(path))
    found = recorded(path).code
    assert (found.program, content(found.script)) == ("module", SCRIPT.encode())
    assert found.missing["repository"]
    start(tmp_path, "-c", SCRIPT, str(path))
    found = recorded(path).code
    assert (found.program, found.script.path) == ("command", "-c")
    assert content(found.script) == SCRIPT.encode()
    assert recorded(path).process.argv == ("-c", str(path))
    start(tmp_path, "-", str(path), text=SCRIPT)
    found = recorded(path).code
    assert (found.program, found.script) == ("interactive", None)
    assert "standard input" in found.missing["script"]


def test_a_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = tmp_path / "fi curve.ipynb"
    notebook.write_text(json.dumps({"cells": []}))

    class Shell:
        kernel = object()
        user_ns: ClassVar[dict[str, str]] = {}

    class IPython:
        @staticmethod
        def get_ipython() -> Shell:
            return Shell()

    monkeypatch.setitem(sys.modules, "IPython", IPython)
    monkeypatch.setattr(code, "_known", code.Known())
    asked = code.ask()
    assert (asked.program.kind, asked.program.path) == ("notebook", None)
    monkeypatch.setenv("JPY_SESSION_NAME", str(notebook))
    assert code.ask().program.path == notebook
    Shell.user_ns["__vsc_ipynb_file__"] = str(notebook)
    monkeypatch.delenv("JPY_SESSION_NAME")
    model = code.record(code.ask(), 0, "normal").model
    assert content(model.script) == notebook.read_bytes()
    assert "saved last" in model.missing["script state"]


def test_secrets_in_sources_are_replaced(tmp_path: Path) -> None:
    secret = "ghp_" + "a1B2" * 9
    text = f"{SCRIPT}# {secret}\n"
    (tmp_path / "model.py").write_text("")
    (tmp_path / "run.py").write_text(text)
    path = tmp_path / "e.nix"
    start(tmp_path, "run.py", str(path))
    found = recorded(path).code
    assert found.script.digest == hashlib.sha256(text.encode()).hexdigest()
    assert content(found.script).decode() == text.replace(secret, "***")
    assert "replaced" in found.missing["script secrets"]


def test_long_sources_have_a_digest_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.py"
    path.write_text(os.urandom(2000).hex())
    whole = sources.read(path)
    assert whole.packed is not None
    names = [name for name, _, kept in sources.within(3000, {"a": whole, "b": whole}) if kept]
    assert names == ["a"]
    monkeypatch.setattr(sources, "FILE_LIMIT", 100)
    assert (sources.read(path).packed, sources.read(path).digest) == (None, whole.digest)
    monkeypatch.setattr(sources, "READ_LIMIT", 100)
    with pytest.raises(ValueError, match="4000 bytes"):
        sources.read(path)


def test_nothing_changed_nothing_new() -> None:
    one, other = Capture("normal"), Capture("normal")
    (process, *rest), (second, *others) = one.records, other.records
    assert rest == others
    assert process != second
    assert one.completed() == {}


def test_generators_of_a_run(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    own = random.Random(3)
    with archive.open(tmp_path / "e.nix", "a") as exp:
        np.random.seed(7)
        before: Any = np.random.get_state()
        state = random.getstate()
        with exp.run() as run:
            run.note_generator("rng", rng)
            run.note_generator("own", own)
            with pytest.raises(archive.ContractError, match="SystemRandom"):
                run.note_generator("no", random.SystemRandom())
            np.random.rand(), random.random(), rng.random()
        found: Any = run.provenance
        with pytest.raises(archive.Refused):
            run.note_generator("rng", rng)
        with exp.run() as run:
            pass
        assert set(run.provenance.generators) == {"numpy"}
    assert set(found.generators) == {"numpy", "random", "rng", "own"}
    key = found.generators["numpy"].state["state"]["key"]
    assert np.array_equal(np.frombuffer(key.data, key.dtype), before[1])
    assert found.generators["rng"].algorithm == "PCG64"
    again: Any = np.random.PCG64()
    again.state = {"bit_generator": "PCG64", **found.generators["rng"].state}
    assert np.random.Generator(again).random() == np.random.default_rng(5).random()
    assert found.process.seeds["rng"] == 5
    kept = found.generators["random"].state
    numbers = np.frombuffer(kept["key"].data, "<u4").tolist()
    assert (kept["version"], (*numbers, kept["position"]), kept["gauss"]) == state


def test_a_run_that_goes_on_elsewhere_has_both(tmp_path: Path) -> None:
    path = tmp_path / "e.nix"
    (tmp_path / "model.py").write_text("")
    start(tmp_path, "-c", SCRIPT, str(path))
    before = recorded(path).process
    with archive.open(path, "a") as exp, exp.run("run 0001", resume=True):
        pass
    after = recorded(path).process
    assert (before.process, after.process) != (after.process, before.process)
    assert after.process == os.getpid()


def test_a_change_of_the_repository_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in NOBODY.items():
        monkeypatch.setenv(name, value)
    root = repository(tmp_path / "lab")
    monkeypatch.chdir(root)
    monkeypatch.setattr(code, "_known", code.Known())
    asked = code.ask()
    first = code.record(asked, 60, "normal").model.repository
    assert code.ask().inquiry is asked.inquiry
    git(root, "commit", "-q", "--allow-empty", "-m", "second")
    time.sleep(0.01)
    second = code.record(code.ask(), 60, "normal").model.repository
    assert first is not None
    assert second is not None
    assert first.commit != second.commit == git(root, "rev-parse", "HEAD")


def test_what_is_strange_ends_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("strange \udcff")

    with archive.open(tmp_path / "e.nix", "a") as exp:
        with monkeypatch.context() as patched:
            patched.setattr(code, "ask", broken)
            with exp.run() as run:
                pass
            process = run.provenance.process
            assert process is not None
            assert "strange" in process.missing["provenance"]
        with monkeypatch.context() as patched:
            patched.setattr("sys.argv", ["a\udcff.py", "--n=\udcfe"])
            with exp.run() as run:
                patched.setattr(code, "record", broken)
        process = run.provenance.process
        assert process is not None
        assert process.argv == ("a\\xff.py", "--n=\\xfe")
        assert run.outcome == "finished"
