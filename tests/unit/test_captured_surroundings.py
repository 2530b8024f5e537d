"""The machine, its software and the batch job, as a run notes them; and in forked processes."""

from __future__ import annotations

import multiprocessing
import os
import sys
import textwrap
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from subprocess import run as run_process

import numpy as np
import pytest

import archive
from archive.provenance import machine
from archive.provenance.process import Capture

SECRETS = {"AWS_SECRET_ACCESS_KEY": "hunter2hunter2", "GITHUB_TOKEN": "hunter2hunter2"}


def run_of(path: Path) -> archive.RunProvenance:
    with archive.open(path, "a") as exp, exp.run():
        pass
    with archive.open(path) as exp:
        return exp.runs[-1].provenance


def test_variables_of_the_list_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**SECRETS, "PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "2"}.items():
        monkeypatch.setenv(name, value)
    around = run_of(tmp_path / "x.nix").environment
    assert around is not None
    assert around.variables["PYTHONHASHSEED"] == "7"
    assert around.variables.keys() <= set(machine.VARIABLES)
    assert around.threads["OMP_NUM_THREADS"] == "2"
    assert b"hunter2" not in (tmp_path / "x.nix").read_bytes()


def test_the_machine_and_what_is_installed(tmp_path: Path) -> None:
    around = run_of(tmp_path / "x.nix").environment
    assert around is not None
    assert around.python == f"CPython {sys.version.split()[0]}"
    assert around.packages["numpy"] == np.__version__
    assert around.packages["pytest"] == version("pytest")
    assert around.memory is not None
    assert around.memory > 1 << 28
    assert 1 <= (around.cores or 0) <= (os.cpu_count() or 1)


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"SLURM_JOB_ID": "7", "SLURM_PROCID": "3"}, {"SLURM_JOB_ID": "7", "SLURM_PROCID": "3"}),
        ({"PBS_JOBID": "12.server", "PBS_QUEUE": "long"}, {"PBS_JOBID": "12.server"}),
        ({"LSB_JOBID": "5"}, {"LSB_JOBID": "5"}),
        ({"JOB_ID": "9", "SGE_TASK_ID": "2"}, {"JOB_ID": "9", "SGE_TASK_ID": "2"}),
        ({"JOB_ID": "9"}, {}),  # of anything else
    ],
)
def test_jobs_share_an_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], told: dict[str, str]
) -> None:
    alone = run_of(tmp_path / "x.nix").process
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    process = run_of(tmp_path / "x.nix").process
    assert process is not None
    assert alone is not None
    assert told.items() <= process.job.items()
    assert bool(process.job) == bool(told)
    assert (process.environment, process.code) == (alone.environment, alone.code)


def _forked(path: Path) -> int:
    found = run_of(path).process
    assert found is not None
    return found.process or 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_captures_by_itself(tmp_path: Path) -> None:
    Capture("normal")  # git may be being asked right now
    with multiprocessing.get_context("fork").Pool(1) as pool:
        number = pool.apply_async(_forked, (tmp_path / "x.nix",)).get(60)
    assert number not in (0, os.getpid())


RANKS = """
import sys
import archive
from archive.provenance.process import Capture

process = next(iter(Capture("normal").records.values()))
print("rank", process.rank, "of", process.ranks, "mpi4py" in sys.modules)
"""


def test_ranks_are_known_without_mpi4py(
    tmp_path: Path, require_program: Callable[[str], str]
) -> None:
    mpirun = require_program("mpirun")
    (tmp_path / "ranks.py").write_text(textwrap.dedent(RANKS))
    root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    done = run_process(
        [mpirun, "-n", "2", "--oversubscribe", sys.executable, "ranks.py"],
        cwd=tmp_path,
        env={**os.environ, **root, "PYTHONPATH": str(Path(archive.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    said = sorted(line for line in done.stdout.splitlines() if line.startswith("rank"))
    assert said == ["rank 0 of 2 False", "rank 1 of 2 False"]
