"""Runs of simulators: with the same seed identical, with another one told apart, and where."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import archive

pytestmark = pytest.mark.simulator

PYNN = """
import sys
import archive
import pyNN.neuron as sim

path, *seeds = sys.argv[1:]
for name, seed in zip("ab", map(int, seeds)):
    with archive.open(path, "a") as exp, exp.run(name) as run:
        sim.setup(timestep=0.1)
        rng = sim.NumpyRNG(seed=seed)
        noise = sim.Population(5, sim.SpikeSourcePoisson(rate=200.0), label="noise")
        current = sim.RandomDistribution("uniform", (0, 2), rng=rng)
        cells = sim.Population(4, sim.IF_cond_exp(i_offset=current), label="cells")
        cells.record(["v", "spikes"])
        some = sim.FixedProbabilityConnector(0.6, rng=rng)
        sim.Projection(noise, cells, some, sim.StaticSynapse(weight=0.02))
        sim.run(100.0)
        run.append(cells)
        sim.end()
"""

BRIAN2 = """
import gc
import sys
import archive
import brian2 as b2

b2.prefs.codegen.target = "numpy"

def simulate(run):
    cells = b2.NeuronGroup(
        20, "dv/dt = (1.2 - v) / (10*ms) + 0.3 * xi / sqrt(10*ms) : 1", threshold="v > 1",
        reset="v = 0", method="euler", name="cells",
    )
    spikes = b2.SpikeMonitor(cells, name="spikes")
    trace = b2.StateMonitor(cells, "v", record=[3, 7], name="trace")
    net = b2.Network(cells, spikes, trace)
    run.snapshot(net)
    net.run(50 * b2.ms)
    run.append(net)
    run.snapshot(net)

path, *seeds = sys.argv[1:]
for name, seed in zip("ab", map(int, seeds)):
    b2.seed(seed)
    with archive.open(path, "a") as exp, exp.run(name) as run:
        simulate(run)
    gc.collect()  # names are taken as long as there is the object
"""


def simulate(folder: Path, script: str, *arguments: object) -> None:
    file = folder / "simulation.py"
    file.write_text(script)
    done = subprocess.run(
        [sys.executable, str(file), *map(str, arguments)],
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def first_by_hand(one: Any, other: Any) -> tuple[float, int]:
    """The earliest spike that one alone has, and its neuron."""
    mine, theirs = (
        set(
            zip(
                spikes.times.magnitude.tolist(),
                spikes.channels[spikes.neuron].tolist(),
                strict=True,
            )
        )
        for spikes in (one, other)
    )
    return min(mine ^ theirs)


@pytest.mark.parametrize(
    ("module", "script", "population", "signal"),
    [("pyNN.neuron", PYNN, "cells", "cells/v"), ("brian2", BRIAN2, "cells", "cells/v")],
)
def test_seeds(
    tmp_path: Path,
    require: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    script: str,
    population: str,
    signal: str,
) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    require(module)
    one, other = tmp_path / "one.nix", tmp_path / "other.nix"
    simulate(tmp_path, script, one, 1)
    simulate(tmp_path, script, other, 1, 2)
    with archive.open(one) as mine, archive.open(other) as theirs:
        a, again, b = mine.runs["a"], theirs.runs["a"], theirs.runs["b"]
        same = archive.diff(a, again, only=["data", "environment", "run"], deep=True)
        assert same.identical, str(same)
        if module == "brian2":
            states = archive.diff(a, again, only="snapshots", deep=True)
            assert states.identical, str(states)
        found = archive.diff(a, b)
        assert found.verdicts["data"] == "different"
        assert found.verdicts["environment"] == "identical"
        assert found.data is not None
        parts = {part.name.partition(": ")[2]: part for part in found.data.parts}
        spikes, trace = parts[population], parts[signal]
        assert spikes.spikes is not None
        segments = a.segments[0], b.segments[0]
        trains = [segment.spikes[population] for segment in segments]
        assert len(trains[0]) > 10
        assert spikes.spikes.first == first_by_hand(*trains)
        assert spikes.spikes.counts == (len(trains[0]), len(trains[1]))
        assert 0 < spikes.spikes.distance <= 1
        values = [segment.signals[signal].magnitude for segment in segments]
        at = tuple(np.argwhere(values[0] != values[1])[0].tolist())
        first = trace.first
        assert first is not None
        assert first.index == at
        assert (first.first, first.second) == (values[0][at], values[1][at])
        recorded = segments[0].signals[signal]
        assert first.neuron == recorded.channels[at[1]]
        assert first.time == pytest.approx(recorded.times[at[0]].magnitude)
