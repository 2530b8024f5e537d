"""In what the surroundings of a recorded run are not as they were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import schemas
from archive.errors import ArchiveError
from archive.experiment.rerun_files import place_of
from archive.experiment.run_provenance import RunProvenance
from archive.experiment.source_file import file_digest
from archive.provenance import repository
from archive.provenance.surroundings import environment

SHOWN: Final = 10  # of packages that differ; the others are counted


def differences(found: RunProvenance, directory: Path) -> Iterator[str]:
    """A line for each; the versions of packages, commit, files and machine."""
    process, code = found.process, found.code
    if process is not None:
        if process.working_directory and str(directory) != process.working_directory:
            yield f"the working directory is {directory}, and was {process.working_directory}"
        if (process.ranks or 1) > 1:
            yield f"there is one process, and MPI had {process.ranks}"
        if any("***" in word for word in process.argv):
            yield "the command line is without what looked like a secret"
    if found.environment is not None:
        yield from _environment(found.environment, environment("normal")[0])
    if code is not None:
        yield from _repository(code.repository)
        if code.script is not None:
            yield from _file("the script", place_of(code.script, code), code.script.digest)
        for name, module in code.modules.items():
            yield from _file(f"the module {name}", place_of(module, code), module.digest)
    for one in found.inputs:
        if one.role == "used":
            yield from _file("the input", Path(one.path).expanduser(), one.digest)


def _environment(then: schemas.Environment, now: schemas.Environment) -> Iterator[str]:
    for what in ("python", "platform", "processor"):
        before, here = getattr(then, what), getattr(now, what)
        if before is not None and here is not None and before != here:
            yield f"{what} is {here}, and was {before}"
    yield from _packages(then.packages, now.packages)


def _packages(then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """Those that there were; more of them do no harm."""
    changed = [
        f"{name} is {now.get(name, 'not installed')}, and was {version}"
        for name, version in sorted(then.items())
        if now.get(name) != version
    ]
    yield from changed[:SHOWN]
    if len(changed) > SHOWN:
        yield f"{len(changed) - SHOWN} more packages are not as they were"


def _repository(then: schemas.Repository | None) -> Iterator[str]:
    if then is None or then.commit is None or then.root is None:
        return
    place = repository.place_of(Path(then.root).expanduser())
    commit = None if place is None else repository.read_state(place, "").commit
    if commit is not None and commit != then.commit:
        yield f"the commit in {then.root} is {commit[:12]}, and was {then.commit[:12]}"
    elif commit is None:
        yield f"the repository {then.root} is not there; its commit was {then.commit[:12]}"


def _file(what: str, path: Path, digest: str) -> Iterator[str]:
    try:
        if not path.exists():
            yield f"{what} {path} is not there any more"
        elif (path.is_file() or path.is_dir()) and file_digest(path) != digest:
            yield f"{what} {path} was changed since"
    except (ArchiveError, OSError, ValueError) as error:
        yield f"{what} {path} cannot be read ({error})"
