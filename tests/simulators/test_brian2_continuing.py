"""Networks of Brian 2 that are restored in another process go on bit for bit as those that were
never stopped."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import schemas
from archive.values import from_schema
from tests.simulators import brian2_networks
from tests.simulators.brian2_networks import NETWORKS, assert_identical, load

pytestmark = pytest.mark.simulator

SCRIPT = Path(brian2_networks.__file__)
ROOT = SCRIPT.parents[2]


MODES = ("straight", "stop", "go_on", "from_theirs", "from_ours")


def in_new_processes(
    target: str, folder: Path, names: Sequence[str], modes: Sequence[str] = MODES
) -> None:
    for mode in modes:
        subprocess.run(
            [sys.executable, "-m", "tests.simulators.brian2_networks", mode, target,
             str(folder), *names],
            cwd=ROOT, check=True, timeout=900, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip


def check_continued(folder: Path, name: str, mode: str) -> None:
    assert_identical(load(folder / f"{name}-straight"), load(folder / f"{name}-{mode}"))
    with (
        np.load(folder / f"{name}-straight.npz") as whole,
        np.load(folder / f"{name}-{mode}.npz") as second,
    ):
        later = whole["t"] >= 0.05 - 1e-9
        assert later.sum() > 10, "the test is about spikes"
        for key in ("t", "i"):
            assert whole[key][later].tobytes() == second[key].tobytes()


@pytest.fixture(scope="module")
def interpreted(
    require: Callable[[str], ModuleType], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Where each network was run by each of the ways, on the target numpy."""
    require("brian2")
    folder = tmp_path_factory.mktemp("numpy")
    in_new_processes("numpy", folder, list(NETWORKS))
    return folder


@pytest.mark.slow  # a process for each way: half a minute
@pytest.mark.parametrize("mode", MODES[2:])
@pytest.mark.parametrize("name", NETWORKS)
def test_goes_on_bit_for_bit_in_another_process(interpreted: Path, name: str, mode: str) -> None:
    """From our snapshot; from the file of Brian 2's `store`; Brian 2 from the file we write."""
    stopped = load(interpreted / f"{name}-stop").model
    assert isinstance(stopped, schemas.Snapshot)
    assert (stopped.time, stopped.time_unit) == (0.05, "s")
    check_continued(interpreted, name, mode)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_goes_on_bit_for_bit_when_compiled(
    require: Callable[[str], ModuleType], name: str, tmp_path: Path
) -> None:
    require("brian2")
    in_new_processes("cython", tmp_path, [name], MODES[:3])
    check_continued(tmp_path, name, "go_on")
    stopped = load(tmp_path / f"{name}-stop").model
    assert isinstance(stopped, schemas.Snapshot)
    drawn = from_schema(stopped.native["random"])
    if name == "noise":  # numbers that were drawn in advance are part of the state
        assert 0 < len(drawn["rand"]["numbers"]) < 20_000
        assert 0 < len(drawn["randn"]["numbers"]) < 20_000
