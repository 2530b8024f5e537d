"""Parameters of a real ANNarchy network: captured, set, and in files both ways."""

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

ROOT = Path(__file__).resolve().parents[2]
TAKEN = {
    "populations": {"exc": {"tau": 12.0, "gain": 2}, "inh": {"tau": 10.0, "gain": 2}},
    "projections": {"exc_inh": {"eta": 0.03}},
    "network": {},
    "constants": {"mu": 0.7},
}
UNTOUCHED = {"exc.gain": 2, "exc.local": [1.0] * 4, "exc_inh.own": [3.0] * 2}


@pytest.fixture(scope="module")
def found(
    require: Callable[[str], ModuleType],
    require_program: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    """What a program found that built a network: it takes half a minute to compile."""
    require("ANNarchy")
    require_program("cmake")
    require_program("g++")
    # CMake asks the Python of the environment for what it compiles with
    scripts = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{scripts}{os.pathsep}{os.environ.get('PATH', '')}",
        "VIRTUAL_ENV": str(scripts.parent),
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests/simulators/annarchy_parameters_script.py")],
        cwd=tmp_path_factory.mktemp("annarchy"),
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


pytestmark = [pytest.mark.simulator, pytest.mark.slow]


def test_what_is_captured_is_what_is_now(found: dict[str, Any]) -> None:
    assert found["captured"] == TAKEN
    before = {**TAKEN, "constants": {"mu": 0.5}, "projections": {"exc_inh": {"eta": 0.01}}}
    before["populations"] = {name: {"tau": 10.0, "gain": 2} for name in ("exc", "inh")}
    assert found["before"] == before


def test_the_module_stands_for_the_network_without_an_object(found: dict[str, Any]) -> None:
    assert found["module"] == {
        "populations": {"lone": {"tau": 7.0}}, "projections": {}, "network": {},
        "constants": {"nu": 0.25},
    }  # fmt: skip


def test_a_file_that_annarchy_wrote_is_read(found: dict[str, Any]) -> None:
    # of a compiled network it writes the parameters as they were when it was made
    assert found["real"] == {**found["before"], "constants": {"mu": 0.7}}


def test_a_file_that_we_wrote_is_loaded_by_annarchy(found: dict[str, Any]) -> None:
    assert found["losses"] == []
    assert found["network"] == {"r_min": 0.25}
    loaded = {"exc.tau": 33.0, "inh.tau": 44.0, "exc_inh.eta": 0.5, "mu": 0.9}
    assert found["loaded"] == {**UNTOUCHED, **loaded}


def test_a_set_is_applied(found: dict[str, Any]) -> None:
    assert found["applied"] == {
        **UNTOUCHED, "exc.tau": 12.0, "inh.tau": 10.0, "exc_inh.eta": 0.03, "mu": 0.7,
    }  # fmt: skip
    restored, skipped, missing = found["report"]
    assert sorted(restored) == [
        "constants: mu", "exc: gain", "exc: tau", "exc_inh: eta", "inh: gain", "inh: tau",
    ]  # fmt: skip
    assert skipped == missing == []


def test_global_only_means_what_it_means_in_annarchy(found: dict[str, Any]) -> None:
    assert found["global only"] == found["loaded"]
    assert found["missing"] == ["exc: gain", "inh: gain"]
    assert found["skipped"] == [
        "exc: local: it is not global; global_only=False sets it everywhere to this value",
        "exc: nonsense: there is no such parameter",
    ]
    assert found["all"] == {**found["loaded"], "exc.local": [5.0] * 4}
    assert found["skipped of all"] == ["exc: nonsense: there is no such parameter"]
