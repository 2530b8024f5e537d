"""Runs that are run again: the recorded script, in a process of its own, sent elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

import archive
from archive.experiment import redirected, rerunning
from archive.experiment.rerun_files import Written
from archive.experiment.rerun_variable import VARIABLE
from tests.unit.cli_archive import make, run as call

ROOT = Path(__file__).resolve().parents[2]
BEGIN = "import archive, numpy as np, quantities as pq, random, sys\n"
RECORD = "run.append({'v': np.random.normal(size=(20, 2)) * pq.mV}, sampling_period=pq.ms)\n"
ONE = f"with archive.open('fi.nix', 'a') as exp, exp.run('one') as run: {RECORD}"


@pytest.fixture(autouse=True)
def search_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def execute(folder: Path, text: str, *arguments: str, name: str = "sim.py") -> Path:
    """Write a script and run it there; returns the archive that it made."""
    (folder / name).write_text(BEGIN + textwrap.dedent(text), "utf-8")
    command = [sys.executable, name, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "fi.nix"


SCRIPT = """
    from drive import current
    with archive.open("fi.nix", "a") as exp:
        for number in range(2):
            with exp.run(parameters={"number": number}) as run:
                run.append({"v": np.random.normal(current(), size=(20, 2)) * pq.mV},
                           sampling_period=pq.ms)
        with exp.run("named") as run:
            rng = np.random.default_rng()
            run.note_generator("mine", rng)
            values = rng.normal(size=(20, 2)) + random.random() + float(sys.argv[1])
            run.append({"v": values * pq.mV}, sampling_period=pq.ms)
            run.export("v.mat", overwrite=True)
"""


def test_what_is_not_seeded_is_the_same_again(tmp_path: Path) -> None:
    """Unnamed runs and named ones, of NumPy's generator, Python's and one that was noted, with a
    module beside the script that has changed since."""
    (tmp_path / "drive.py").write_text("def current():\n    return 5.0\n")
    path = execute(tmp_path, SCRIPT, "0.5")
    before = (tmp_path / "v.mat").read_bytes()
    (tmp_path / "drive.py").write_text("def current():\n    return 6.0\n")
    (tmp_path / "sim.py").write_text("raise SystemExit(1)")
    for name in ("run 0002", "named"):
        done = archive.rerun(path, name, folder=tmp_path / f"again {name}")
        assert done.identical, str(done)
        assert done.name == f"{name} rerun 1"
        assert done.exit_code == 0
        assert any("drive.py was changed since" in one for one in done.plan.differences)
    folder = done.plan.folder
    assert "return 5.0" in (folder / "modules/drive.py").read_text()
    assert not (folder / redirected.WRITTEN).exists()
    assert (tmp_path / "v.mat").read_bytes() == before
    with archive.open(path) as exp:
        assert [run.name for run in exp.runs] == [
            "run 0001", "run 0002", "named", "run 0002 rerun 1", "named rerun 1",
        ]  # fmt: skip
        (parent,) = exp.runs["named rerun 1"].provenance.parents
        assert (parent.how, parent.run, parent.path) == ("rerun", "named", None)
        assert exp.runs["run 0002 rerun 1"].parameters == {"number": 1}
        (exported,) = exp.runs["named rerun 1"].provenance.exports
        assert Path(exported.path).is_relative_to(folder)
        assert exp.check().is_valid()
    again = archive.rerun(path, "named rerun 1")  # is run from what the first was run from
    assert again.identical
    assert again.name == "named rerun 2"


def test_a_difference_is_found(tmp_path: Path) -> None:
    path = execute(
        tmp_path,
        """
        with archive.open("fi.nix", "a") as exp, exp.run("one") as run:
            v = np.zeros((20, 2))
            v[7, 1] = np.random.default_rng().normal() * 1e-6 + 1
            run.append({"v": v * pq.mV}, sampling_period=pq.ms)
        """,
    )
    done = archive.rerun(path, "one")
    assert not done.identical
    assert not done.same
    assert "first at 7.0 ms, neuron 1" in str(done)
    assert archive.rerun(path, "one", tolerance=1e-3).same
    call("rerun", path, "one", "--yes", code=1)
    call("rerun", path, "one", "--yes", "--tolerance", "1e-3")


def test_the_archive_is_what_it_was(tmp_path: Path) -> None:
    """A script that goes on from a run of another one, finds what was there, and works through
    what is left to do; the archive has another name by now."""
    first = """
        with archive.open("fi.nix", "x", name="f-I") as exp:
            exp.parameters.save("small", {"a": 1})
            with exp.run("base") as run:
                run.append({"v": np.ones((5, 1)) * pq.mV}, sampling_period=pq.ms)
    """
    second = """
        with archive.open("fi.nix", "a") as exp:
            assert [run.name for run in exp.runs] == ["base"], exp.runs
            base = exp.runs["base"]
            v = base.segments[0].signals["v"][:]
            for name in ("a", "b"):
                if name not in [run.name for run in exp.runs]:
                    with exp.run(name, parameters="small", parent=base) as run:
                        run.append({"v": v * 2}, sampling_period=pq.ms)
        with archive.open("fi.nix") as exp:
            assert len(exp.runs) == 3
    """
    execute(tmp_path, first)
    path = execute(tmp_path, second, name="more.py")
    path = path.rename(tmp_path / "moved.nix")
    done = archive.rerun(path, "b")
    assert (done.identical, done.exit_code) == (True, 0)
    with archive.open(path) as exp:
        parents = exp.runs["b rerun 1"].provenance.parents
        assert [(one.how, one.run) for one in parents] == [("named", "base"), ("rerun", "b")]
        assert "began with run 'base'" in str(exp.lineage("b rerun 1"))
    assert not (tmp_path / "fi.nix").exists()
    with pytest.raises(archive.NotFound, match="AssertionError"):
        archive.rerun(path, "b", alone=True)


def test_sessions_and_processes(tmp_path: Path) -> None:
    execute(
        tmp_path,
        """
        import multiprocessing

        def work(number):
            with archive.session("fi.nix") as session, session.run(f"part {number}") as run:
                run.append({"v": [[number]] * pq.mV}, sampling_period=pq.ms)

        if __name__ == "__main__":
            with multiprocessing.get_context("spawn").Pool(2) as pool:
                pool.map(work, range(2))
            with archive.session("fi.nix") as session, session.run("main") as run:
                run.append({"v": np.random.normal(size=(5, 1)) * pq.mV}, sampling_period=pq.ms)
        """,
    )
    with archive.open(tmp_path / "fi.nix", "a") as exp:
        exp.merge()
    done = archive.rerun(tmp_path / "fi.nix", "main")
    assert done.identical
    assert not (tmp_path / "fi.nix.parts").exists()


def test_a_script_that_fails(tmp_path: Path) -> None:
    text = """
        with archive.open("fi.nix", "a") as exp, exp.run("one") as run:
            run.append({"v": np.ones((5, 1)) * pq.mV}, sampling_period=pq.ms)
            if "fail" in (exp.path.parent / "how").read_text():
                raise ZeroDivisionError
    """
    (tmp_path / "how").write_text("well")
    path = execute(tmp_path, text.replace("exp.path.parent", "__import__('pathlib').Path()"))
    (tmp_path / "how").write_text("fail")
    done = archive.rerun(path, "one")
    assert done.identical
    assert done.exit_code == 1
    assert "exit code 1" in str(done)
    with archive.open(path) as exp:
        assert exp.runs["one rerun 1"].outcome == "failed"
    (tmp_path / "how").unlink()


def test_what_cannot_be_run_again(tmp_path: Path) -> None:
    path = make(tmp_path / "fi.nix")
    with archive.open(path, "a") as exp:
        exp.import_file(_atf(tmp_path / "x.atf"), name="imported")
    for name, why in (("imported", "has no script"), ("nobody", "no run")):
        with pytest.raises(archive.NotFound, match=why):
            archive.rerun(path, name)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    with pytest.raises(archive.AlreadyExists):
        rerunning.plan_of(path, "broken", folder=tmp_path / "full")


def _atf(path: Path) -> Path:
    path.write_text('ATF\t1.0\n0\t2\n"Time (ms)"\t"v (mV)"\n0\t1\n1\t2\n')
    return path


def test_the_command_asks(tmp_path: Path) -> None:
    path = execute(
        tmp_path, f"with archive.open('fi.nix', 'a') as e, e.run('one') as run: {RECORD}"
    )
    out = call("rerun", path, "one", "--only-write", "--folder", tmp_path / "w").stdout
    assert "sim.py" in out
    assert (tmp_path / "w/script/sim.py").read_text().startswith("import archive")
    assert json.loads((tmp_path / "w/process.json").read_text())["argv"] == ["sim.py"]
    call("rerun", path, "one", code=5)  # nobody is there to be asked
    (tmp_path / "sim.py").unlink()
    call("rerun", path, "one", "--yes", "--strict", code=5)
    with archive.open(path) as exp:
        assert len(exp.runs) == 1


def test_a_stranger_cannot_write_outside(tmp_path: Path) -> None:
    path = execute(
        tmp_path, f"with archive.open('fi.nix', 'a') as e, e.run('one') as run: {RECORD}"
    )
    with archive.open(path) as exp:
        run = exp.runs["one"]
        code = run.provenance.code
        assert code is not None
        assert code.script is not None
        evil = code.script.model_copy(update={"path": "/etc/../../\x1b[31mx\0.py"})
        names = ("..evil", "/etc/evil", "a/b", "good", "archive.x", "con\n")
        modules = dict.fromkeys(names, evil)
        written = Written(tmp_path, code.model_copy(update={"script": evil, "modules": modules}))
        written.add_modules()
        script = written.add_script(evil)
    assert script.parent == tmp_path / "script"
    assert script.name.isascii()
    assert "\x1b" not in script.name
    assert [one.name for one in (tmp_path / "modules").rglob("*")] == ["good.py"]


def test_a_variable_that_names_nothing(tmp_path: Path) -> None:
    code = "import archive; archive.open('x.nix', 'a')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, VARIABLE: str(tmp_path / "nothing")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "unset NEUROARCHIVE_RERUN" in done.stderr
    assert not (tmp_path / "x.nix").exists()


def test_the_order_comes_back(tmp_path: Path) -> None:
    facts: dict[str, Any] = {"numpy": {"kind": "generator", "algorithm": "MT19937"}}
    made = redirected.Order(
        tmp_path, tmp_path / "f.nix", "id", ("a", "b"), 1, ("b",), ("a",), facts
    )
    made.write()
    assert redirected.Order.read(tmp_path) == made
