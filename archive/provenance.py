"""What a process was: gathered once per session, so that each run can refer to it."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

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


def writer() -> str:
    """Name and version of this package, as it is written into files."""
    return f"neuroarchive {_version('neuroarchive')}"


def gather() -> schemas.Provenance:
    """The process as it is now. What the system does not tell is None."""
    return schemas.Provenance(
        captured=datetime.now(UTC),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        platform=platform.platform(),
        host=platform.node() or None,
        user=user(),
        process=os.getpid(),
        argv=tuple(sys.argv),
        working_directory=str(Path.cwd()),
        packages={
            name: _version(name) for module, name in SIMULATION.items() if module in sys.modules
        },
    )


def user() -> str | None:
    """The name of the account, if the system knows it."""
    import getpass  # imported here: it brings the terminal along

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return None


def _version(distribution: str) -> str:
    # imported here: it takes 30 ms, and who only reads never needs it
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return "unknown"
