"""The process that a run is in, and the records of what it depends on."""

from __future__ import annotations

import getpass
import os
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import schemas
from archive.provenance.surroundings import distribution_version, environment

# Records by digest, with that of the process first.
Records = Mapping[str, schemas.Model]


def writer() -> str:
    """Name and version of this package, as it is written into files."""
    return f"neuroarchive {distribution_version('neuroarchive')}"


def user() -> str | None:
    """The name of the account, if the system knows it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return None


def begun() -> Records:
    """The records of a run that begins now. What the system does not tell is None."""
    around = environment()
    others = {schemas.digest(around): around}
    process = schemas.Provenance(
        captured=datetime.now(UTC),
        process=os.getpid(),
        argv=tuple(sys.argv),
        working_directory=str(Path.cwd()),
        host=platform.node() or None,
        user=user(),
        environment=schemas.digest(around),
    )
    return {schemas.digest(process): process, **others}


def completed(records: Records) -> Records:
    """The same at the end of the run, if more is known by then; else none."""
    (_, process), *_ = records.items()
    around = environment()
    digest = schemas.digest(around)
    if not isinstance(process, schemas.Provenance) or digest == process.environment:
        return {}
    process = process.model_copy(update={"environment": digest})
    return {schemas.digest(process): process, digest: around}
