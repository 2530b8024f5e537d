"""ANNarchy itself loads what is written for it, and has then the same network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from archive.adapters.annarchy import Annarchy
from tests.formats.annarchy_examples import assert_same

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = Path(__file__).with_name("annarchy_network.py")

# To compile it takes a minute, or three where others compile too.
pytestmark = [pytest.mark.simulator, pytest.mark.slow]


@pytest.mark.parametrize("time_step", [1.0, 0.5])
def test_annarchy_loads_all_forms(
    time_step: float,
    tmp_path: Path,
    require: Callable[[str], ModuleType],
    require_program: Callable[[str], str],
) -> None:
    require("ANNarchy")
    require_program("cmake")
    # CMake finds the Python of an environment only if that is activated
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "VIRTUAL_ENV": sys.prefix,
        "PYTHONPATH": str(ROOT),
    }
    # below the limit for a test, at which the whole run would end
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(tmp_path), str(time_step)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=290,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    report: dict[str, Any] = json.loads((tmp_path / "report.json").read_text())
    assert {name: found for name, found in report.items() if found} == {}
    assert len(report) >= 6 * 7 + 1 + 3

    first, *rest = (
        list(Annarchy().read(tmp_path / f"theirs{suffix}", time_step=time_step))
        for suffix in (".data", ".txt.gz", ".npz", ".mat")
    )
    for other in rest:
        assert_same(first[0], other[0])
