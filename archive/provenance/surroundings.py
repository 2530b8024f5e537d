"""The machine that a process runs on, and the software there."""

from __future__ import annotations

import platform
import sys

import schemas

# Distributions that a simulation's result may depend on, by the module that shows their use.
SIMULATION = {
    "ANNarchy": "ANNarchy",
    "archive": "neuroarchive",
    "brian2": "brian2",
    "h5py": "h5py",
    "neo": "neo",
    "nest": "nest-simulator",
    "neuron": "neuron",
    "numpy": "numpy",
    "pyNN": "PyNN",
    "quantities": "quantities",
    "scipy": "scipy",
}


def environment() -> schemas.Environment:
    """What it is now; simulators are those that are loaded."""
    return schemas.Environment(
        python=f"{platform.python_implementation()} {platform.python_version()}",
        platform=platform.platform(),
        packages={
            name: distribution_version(name)
            for module, name in SIMULATION.items()
            if module in sys.modules
        },
    )


def distribution_version(distribution: str) -> str:
    # imported here: it takes 30 ms, and who only reads never needs it
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return "unknown"
