"""Runs of real simulators, run again from what was recorded of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import archive

pytestmark = pytest.mark.simulator
ROOT = Path(__file__).resolve().parents[2]

PYNN = """
import sys, archive, pyNN.neuron as sim
from pyNN.random import NumpyRNG
seed = int(sys.argv[1])
sim.setup(timestep=0.1)
rng = NumpyRNG(seed=seed or None)
cells = sim.Population(4, sim.IF_cond_exp(i_offset=1.0))
cells.initialize(v=-65.0)
noise = sim.Population(4, sim.SpikeSourceArray(
    spike_times=[sorted(rng.next(5, "uniform", {"low": 1, "high": 40})) for _ in range(4)]))
sim.Projection(noise, cells, sim.OneToOneConnector(), sim.StaticSynapse(weight=0.05, delay=1.0))
cells.record(["spikes", "v"])
with archive.open("fi.nix", "a") as exp, exp.run("sim") as run:
    sim.run(50.0)
    run.append(cells)
"""
BRIAN2 = """
import sys, archive, brian2 as b2
b2.prefs.codegen.target = "numpy"
if sys.argv[1] != "0":
    b2.seed(int(sys.argv[1]))
group = b2.NeuronGroup(5, "dv/dt = (1.1 - v)/(5*ms) + 0.3*xi/(5*ms)**0.5 : 1",
                       threshold="v > 1", reset="v = 0", method="euler")
state, spikes = b2.StateMonitor(group, "v", record=True), b2.SpikeMonitor(group)
network = b2.Network(group, state, spikes)
with archive.open("fi.nix", "a") as exp, exp.run("sim") as run:
    network.run(20 * b2.ms)
    run.append(network)
"""


def made(folder: Path, script: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (folder / "sim.py").write_text(script)
    command = [sys.executable, "sim.py", str(seed)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "fi.nix"


@pytest.mark.parametrize(
    ("module", "script", "seed"),
    [("pyNN.neuron", PYNN, 7), ("brian2", BRIAN2, 7), ("brian2", BRIAN2, 0)],
    ids=["neuron", "brian2", "brian2-not-seeded"],
)
def test_it_is_the_same(
    module: str,
    script: str,
    seed: int,
    tmp_path: Path,
    require: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With its seed, and without one where the generator is the one that was recorded."""
    require(module)
    path = made(tmp_path, script, seed, monkeypatch)
    done = archive.rerun(path, "sim")
    assert done.exit_code == 0
    assert done.data is not None
    assert done.data.data is not None
    assert done.data.data.compared >= 2
    assert done.identical, str(done)


@pytest.mark.parametrize(
    ("module", "script"), [("pyNN.neuron", PYNN), ("brian2", BRIAN2)], ids=["neuron", "brian2"]
)
def test_another_seed_is_a_difference(
    module: str,
    script: str,
    tmp_path: Path,
    require: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The seed comes from a file that has changed since: that is said, and where data part."""
    require(module)
    (tmp_path / "seed").write_text("7")
    text = script.replace("sys.argv[1]", 'open("seed").read()')
    text = text.replace('exp.run("sim") as run:\n', 'exp.run("sim") as run:\n    run.use("seed")\n')
    # what is seeded before the run begins is set to what was recorded as it did
    inside = 'b2.seed(int(open("seed").read())); network.run(20'
    path = made(tmp_path, text.replace("network.run(20", inside), 0, monkeypatch)
    (tmp_path / "seed").write_text("8")
    done = archive.rerun(path, "sim")
    assert any("seed was changed since" in one for one in done.plan.differences)
    assert not done.identical
    assert "first" in str(done)
    assert "ms" in str(done) or " s," in str(done)
