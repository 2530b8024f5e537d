"""The demonstration, run as ``make demo`` runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import archive
from archive import demo
from archive.errors import MissingPackage

ROOT = Path(__file__).resolve().parents[2]
PNG = b"\x89PNG\r\n\x1a\n"


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    scripts = Path(sys.executable).parent
    path = os.pathsep.join([str(scripts), os.environ.get("PATH", "")])
    return subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "COLUMNS": "100"},
    )


@pytest.mark.slow
@pytest.mark.simulator
def test_the_demonstration(tmp_path: Path, require: Callable[[str], object]) -> None:
    require("pyNN.neuron")
    require("brian2")
    require("matplotlib")
    (tmp_path / "demo").mkdir()
    for name in ("experiment.nix", "learning.png", "fi.mat"):  # of an earlier demonstration
        (tmp_path / "demo" / name).write_bytes(b"old")
    done = run(tmp_path, sys.executable, "-m", "archive.demo")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    out = done.stdout
    assert "numprocs" not in out
    assert "2 runs, 6 segments" in out
    assert "killed after its snapshot 'trained'" in out
    assert "are those of one that was never stopped, to the last bit" in out
    assert "2 segments where run == 'f-I curve' and amplitude > 50 pA" in out
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]
    made = {path.name for path in (tmp_path / "demo").iterdir()}
    assert made == {"experiment.nix", "f-i-curve.png", "network.png", "learning.png", "fi.mat"}
    for name in ("f-i-curve.png", "network.png", "learning.png"):
        assert (tmp_path / "demo" / name).read_bytes().startswith(PNG)
    check_content(tmp_path / "demo/experiment.nix")
    for line in out.partition("What to try next")[2].splitlines()[1:]:
        if line.strip():
            check_command(tmp_path, line.strip())


def check_content(path: Path) -> None:
    with archive.open(path) as exp:
        steps = exp.segments.where(f"run == '{demo.F_I}'")
        assert [len(step.spikes["cell"]) for step in steps] == [0, 0, 0, 2, 3]
        assert [float(step.annotations["amplitude"]) for step in steps] == list(demo.AMPLITUDES)
        assert all(len(step.signals["v"]) == 1001 for step in steps)
        (second,) = exp.runs[demo.NETWORK].segments
        assert (second.spikes["input"].n, second.spikes["AdExp"].n) == (10, 10)
        assert len(second.spikes["AdExp"]) > 0
        assert {name: part.shape[1] for name, part in second.signals.items()} == {
            "AdExp/v": 2,
            "AdExp/w": 2,
            "AdExp/gsyn_exc": 2,
        }
        v = second.signals["v"].magnitude
        assert -120 < np.min(v) < np.max(v) < 60
        assert exp.runs["stopped"].outcome == "abandoned"
        assert exp.runs["continued"].outcome == exp.runs["whole"].outcome == "finished"
        trained = exp.snapshots["trained"]
        assert trained.projections["synapses"].size == trained.populations["input"].size == 200
        assert len(exp.runs["continued"].segments[-1].spikes["cell"]) > 10


def check_command(folder: Path, line: str) -> None:
    """What the demonstration proposes works."""
    with_python = line.replace("neuroarchive ", f"{sys.executable} -m archive ", 1)
    with_python = with_python.replace("python -c", f"{sys.executable} -c")
    done = run(folder, "sh", "-c", with_python)
    assert done.returncode == 0, f"{line}\n{done.stderr}"
    assert done.stdout


def test_without_pynn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyNN", None)
    monkeypatch.setitem(sys.modules, "pyNN.neuron", None)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingPackage, match="PyNN with NEURON") as caught:
        demo.main()
    assert caught.value.hint == "pip install 'neuroarchive[pynn,brian2,plot]'"
    assert list(tmp_path.iterdir()) == []
