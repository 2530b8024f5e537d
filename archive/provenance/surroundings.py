"""The machine that a process runs on, and the software there."""

from __future__ import annotations

import schemas
from archive.provenance import distributions, machine
from archive.provenance.privacy import Privacy
from archive.provenance.simulators import simulators


def environment(privacy: Privacy) -> tuple[schemas.Environment, dict[str, str]]:
    """What it is now, with the simulators that are loaded; and what could not be found out."""
    loaded, missing = simulators(privacy)
    around = schemas.Environment(
        python=machine.python(),
        platform=machine.system(),
        processor=machine.processor(),
        cores=machine.cores(),
        memory=machine.memory(),
        threads=machine.threads(),
        packages=distributions.installed(),
        simulators=loaded,
        variables=machine.variables(privacy),
    )
    return around, missing
