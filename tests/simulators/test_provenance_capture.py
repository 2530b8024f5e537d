"""What is told of simulators that a program has loaded, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.simulator

ROOT = Path(__file__).resolve().parents[2]
REPORT = """
import json, sys
sys.path.insert(0, sys.argv[1])
import schemas
from archive.provenance.process import Capture
{program}
capture = Capture("normal")
process = next(iter(capture.records.values()))
around = capture.records[process.environment]
found = [schemas.dump(around)["simulators"], dict(process.seeds), process.missing]
print("\\n" + json.dumps(found))
"""


def told(program: str, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The simulators and the seeds."""
    done = subprocess.run(
        [sys.executable, "-c", REPORT.format(program=program), str(ROOT)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    simulators, seeds, missing = json.loads(done.stdout.splitlines()[-1])
    assert missing == {}
    return simulators, seeds


def test_brian2(tmp_path: Path, require: Callable[[str], ModuleType]) -> None:
    version = require("brian2").__version__
    simulators, seeds = told(
        "import brian2; brian2.prefs.codegen.target = 'numpy'; brian2.seed(5)", tmp_path
    )
    assert simulators["brian2"]["version"] == version
    assert simulators["brian2"]["backend"] == "runtime"
    assert simulators["brian2"]["build"]["target"] == "numpy"
    assert simulators["brian2"]["build"]["preferences"] == {"codegen.target": "numpy"}
    assert "brian2" not in seeds  # NumPy's generator has it
    simulators, seeds = told(
        "import brian2; brian2.set_device('cpp_standalone', build_on_run=False); brian2.seed(5)",
        tmp_path,
    )
    assert simulators["brian2"]["backend"] == "cpp_standalone"
    assert seeds["brian2"] == [5]


def test_nest(tmp_path: Path, require: Callable[[str], ModuleType]) -> None:
    require("nest")
    simulators, seeds = told(
        "import nest; nest.SetKernelStatus({'rng_seed': 17, 'rng_type': 'Philox_64'})", tmp_path
    )
    build = simulators["nest"]["build"]
    assert simulators["nest"]["version"]
    assert (build["rng_type"], build["threads"]) == ("Philox_64", 1)
    assert build["threads_model"]
    assert seeds["nest"] == 17


def test_neuron_and_pynn(tmp_path: Path, require: Callable[[str], ModuleType]) -> None:
    require("neuron")
    require("pyNN.neuron")
    simulators, seeds = told(
        "import pyNN.neuron as sim; sim.setup()\n"
        "from neuron import h; h.Random().Random123_globalindex(3); h.CVode().active(True)",
        tmp_path,
    )
    assert "VERSION" in simulators["neuron"]["build"]["nrnversion"]
    assert simulators["neuron"]["build"]["variable_time_step"] is True
    assert simulators["pynn"]["backend"] == "neuron"
    assert seeds["neuron"] == {"Random123_globalindex": 3}
    assert seeds["pynn"] == {"native_rng_baseseed": 0}


def test_annarchy(tmp_path: Path, require: Callable[[str], ModuleType]) -> None:
    require("ANNarchy")
    simulators, seeds = told("import ANNarchy; ANNarchy.setup(seed=9, num_threads=1)", tmp_path)
    build = simulators["annarchy"]["build"]
    assert simulators["annarchy"]["version"]
    assert simulators["annarchy"]["backend"] == build["paradigm"] == "openmp"
    assert build["precision"] == "double"
    assert seeds["annarchy"]["0"] == 9


def test_a_generator_of_pynn(require: Callable[[str], ModuleType]) -> None:
    from archive.provenance import generators

    state, seed = generators.named("weights", require("pyNN.random").NumpyRNG(seed=5))
    assert (state.algorithm, seed) == ("MT19937", 5)
