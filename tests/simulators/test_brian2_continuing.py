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


@pytest.fixture
def b2(require: Callable[[str], ModuleType]) -> ModuleType:
    return require("brian2")


def in_new_processes(target: str, folder: Path, names: Sequence[str]) -> None:
    for mode in ("straight", "stop", "go_on"):
        subprocess.run(
            [sys.executable, "-m", "tests.simulators.brian2_networks", mode, target,
             str(folder), *names],
            cwd=ROOT, check=True, timeout=900, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip


def check_continued(folder: Path, names: Sequence[str]) -> None:
    for name in names:
        straight, continued = (load(folder / f"{name}-{mode}") for mode in ("straight", "go_on"))
        assert_identical(straight, continued)
        stopped = load(folder / f"{name}-stop")
        assert isinstance(stopped.model, schemas.Snapshot)
        assert (stopped.model.time, stopped.model.time_unit) == (0.05, "s")
        with (
            np.load(folder / f"{name}-straight.npz") as whole,
            np.load(folder / f"{name}-go_on.npz") as second,
        ):
            later = whole["t"] >= 0.05 - 1e-9
            assert later.sum() > 10, "the test is about spikes"
            for key in ("t", "i"):
                assert whole[key][later].tobytes() == second[key].tobytes()


@pytest.mark.usefixtures("b2")
def test_goes_on_bit_for_bit_in_another_process(tmp_path: Path) -> None:
    in_new_processes("numpy", tmp_path, list(NETWORKS))
    check_continued(tmp_path, list(NETWORKS))


@pytest.mark.slow
@pytest.mark.usefixtures("b2")
@pytest.mark.parametrize("name", NETWORKS)
def test_goes_on_bit_for_bit_when_compiled(name: str, tmp_path: Path) -> None:
    in_new_processes("cython", tmp_path, [name])
    check_continued(tmp_path, [name])
    stopped = load(tmp_path / f"{name}-stop").model
    assert isinstance(stopped, schemas.Snapshot)
    if name == "noise":  # numbers that were drawn in advance are part of the state
        drawn = from_schema(stopped.native["random"])
        assert 0 < len(drawn["rand"]["numbers"]) < 20_000
        assert 0 < len(drawn["randn"]["numbers"]) < 20_000
