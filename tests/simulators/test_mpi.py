"""PyNN with several MPI processes: no sample lost, none doubled, no process left waiting."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import quantities as pq

import archive
from archive.experiment.parts import part_paths

SCRIPT = """
import sys
import pyNN.neuron as sim
import quantities as pq
import archive

how = sys.argv[1]
rank = sim.setup()
cells = sim.Population(5, sim.IF_cond_exp(), label="cells")
cells.set(i_offset=[0.0, 2.0, 3.0, 0.5, 4.0])
sources = sim.Population(3, sim.SpikeSourceArray(spike_times=[[3.0], [], [5.0, 7.0]]), label="in")
cells.record(["v", "spikes"])
sources.record("spikes")
with archive.open("experiment.nix", "a") as exp, exp.run("sweep") as run:
    io = run.neo_io()
    for amplitude in (1.0, 2.0):
        sim.run(20.0)
        if how == "append":
            run.append(cells, sources)
        if how == "one fails" and rank == 1:
            raise RuntimeError("no more")
        if how == "one leaves" and rank == 1:
            sys.exit("no more")
        if how == "the first fails":
            run.append(cells, annotations={"bad": object()})
        sim.reset(annotations={"amplitude": amplitude * pq.nA})
    if how == "gathered":
        cells.write_data(io)
        sources.write_data(io)
    if how == "apart":
        cells.write_data(io, gather=False)
        sources.write_data(io, gather=False)
        cells.write_data(io, gather=False)
"""

pytestmark = pytest.mark.simulator

Start = Callable[[str, int], "subprocess.CompletedProcess[str]"]


@pytest.fixture
def start(
    tmp_path: Path, require: Callable[[str], Any], require_program: Callable[[str], str]
) -> Start:
    require("mpi4py")
    require("pyNN.neuron")
    mpirun = require_program("mpirun")
    (tmp_path / "script.py").write_text(SCRIPT)
    environment = {
        **os.environ,
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "PYTHONPATH": str(Path(archive.__file__).parents[1]),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }

    def run(how: str, processes: int) -> subprocess.CompletedProcess[str]:
        count = str(processes)
        return subprocess.run(
            [mpirun, "-n", count, "--oversubscribe", sys.executable, "script.py", how],
            cwd=tmp_path,
            env=environment,
            check=False,
            timeout=180,
            capture_output=True,
            text=True,
        )

    return run


def contents(path: Path) -> list[dict[str, Any]]:
    """What the segments of an archive say, part by part, as plain values."""
    found = []
    with archive.open(path) as exp:
        for segment in exp.segments:
            entry = segment.data_entry()
            facts = dict(segment.annotations)
            parts = {
                (part.model.population, part.model.variable): (  # type: ignore[attr-defined]
                    part.model.model_dump(exclude={"description"}),
                    {name: np.asarray(array).tolist() for name, array in part.arrays.items()},
                )
                for part in entry.parts
            }
            found.append({"name": segment.name, "facts": facts, "parts": parts})
    return found


def is_as_serial(found: dict[str, Any], serial: dict[str, Any]) -> None:
    assert found["name"] == serial["name"]
    assert found["facts"] == serial["facts"]
    assert found["parts"].keys() == serial["parts"].keys()
    for key, (model, arrays) in serial["parts"].items():
        assert found["parts"][key][1] == arrays, key
        assert found["parts"][key][0] == model, key


@pytest.mark.parametrize("processes", [2, pytest.param(4, marks=pytest.mark.slow)])
@pytest.mark.parametrize("how", ["append", "gathered", "apart"])
def test_the_archive_is_as_that_of_one_process(
    start: Start, tmp_path: Path, how: str, processes: int
) -> None:
    path = tmp_path / "experiment.nix"
    serial = start(how, 1)
    assert serial.returncode == 0, serial.stderr
    expected = contents(path)
    path.unlink()
    done = start(how, processes)
    assert done.returncode == 0, done.stderr
    if how == "apart":
        names = [f"rank-{rank:05d}" for rank in range(processes)]
        assert list(part_paths(path)) == names
        with archive.open(path, "a") as exp:
            assert len(exp.segments) == 0
            assert all(merged.removed for merged in exp.merge())
            assert exp.merge() == []
            assert exp.check().is_valid()
    assert [one.name for one in tmp_path.glob("experiment.nix*")] == ["experiment.nix"]
    found = contents(path)
    assert len(found) == len(expected) > 0
    for one, other in zip(found, expected, strict=True):
        is_as_serial(one, other)


@pytest.mark.parametrize("how", ["one fails", "one leaves", "the first fails"])
def test_no_process_waits_for_one_that_failed(start: Start, tmp_path: Path, how: str) -> None:
    begin = time.monotonic()
    done = start(how, 2)
    assert done.returncode != 0
    assert "no more" in done.stderr or "bad" in done.stderr
    assert time.monotonic() - begin < 120
    with archive.open(tmp_path / "experiment.nix", parts=False) as exp:
        assert exp.runs[0].name == "sweep"


def test_parts_are_kept_while_one_of_them_is_busy(start: Start, tmp_path: Path) -> None:
    assert start("apart", 2).returncode == 0
    path = tmp_path / "experiment.nix"
    with archive.open(path, "a") as exp:
        with archive.open(part_paths(path)["rank-00001"], "a"):
            left = exp.merge()
        assert len(exp.segments) == 0
        assert [one.left is not None for one in left] == [True, True]
        exp.merge()
        assert len(exp.segments) > 0
    assert np.isclose(exp_amplitude(path), 1.0)


def exp_amplitude(path: Path) -> float:
    with archive.open(path) as exp:
        return float(exp.segments[0].annotations["amplitude"].rescale(pq.nA))
