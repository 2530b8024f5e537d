"""PyNN with two MPI processes: no sample lost, none doubled, no process left waiting."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import quantities as pq

import archive

SCRIPT = """
import sys
import pyNN.neuron as sim
import quantities as pq
import archive

how = sys.argv[1]
sim.setup()
cells = sim.Population(4, sim.IF_cond_exp(i_offset=2.0), label="cells")
cells.record(["v", "spikes"])
with archive.open("experiment.nix", "a") as exp, exp.run("sweep") as run:
    for amplitude in (1.0, 2.0):
        sim.run(20.0)
        if how == "append":
            run.append(cells)
        sim.reset(annotations={"amplitude": amplitude * pq.nA})
    if how == "gathered":
        cells.write_data(run.neo_io())
    if how == "apart":
        io = run.neo_io()
        cells.write_data(io, gather=False)
        cells.write_data(io, gather=False)
"""

pytestmark = pytest.mark.simulator


@pytest.fixture
def run_two(
    tmp_path: Path, require: Callable[[str], Any], require_program: Callable[[str], str]
) -> Callable[[str], None]:
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

    def run(how: str) -> None:
        subprocess.run(
            [mpirun, "-n", "2", "--oversubscribe", sys.executable, "script.py", how],
            cwd=tmp_path,
            env=environment,
            check=True,
            timeout=120,
            capture_output=True,
        )

    return run


@pytest.mark.parametrize("how", ["append", "gathered"])
def test_the_first_process_stores_the_cells_of_all(
    run_two: Callable[[str], None], tmp_path: Path, how: str
) -> None:
    run_two(how)
    assert [path.name for path in tmp_path.glob("experiment.nix*")] == ["experiment.nix"]
    with archive.open(tmp_path / "experiment.nix") as exp:
        assert len(exp.segments) == 2
        for segment, amplitude in zip(exp.segments, (1.0, 2.0), strict=True):
            assert segment.annotations["amplitude"] == amplitude * pq.nA
            signal = segment.signals["cells/v"]
            assert signal.shape == (201, 4)
            assert signal.channels.tolist() == [0, 1, 2, 3]
            assert (np.ptp(signal.magnitude, axis=1) == 0).all()  # the cells are alike
            assert segment.spikes["cells"].counts().min() > 0


def test_each_process_writes_a_part_of_its_own(
    run_two: Callable[[str], None], tmp_path: Path
) -> None:
    run_two("apart")
    channels = []
    for rank in range(2):
        with archive.open(tmp_path / f"experiment.nix.{rank}") as part:
            assert part.runs[0].name == "sweep"
            assert len(part.segments) == 2  # written twice, stored once
            channels += part.segments[0].signals["cells/v"].channels.tolist()
    assert sorted(channels) == [0, 1, 2, 3]
    with archive.open(tmp_path / "experiment.nix") as exp:
        assert len(exp.segments) == 0
