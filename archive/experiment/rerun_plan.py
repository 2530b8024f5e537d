"""What it takes to run a run again, written into a folder: program, parameters, seeds."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import schemas
from archive.errors import AlreadyExists, FormatError, NotFound
from archive.experiment import redirected
from archive.experiment.joined import run_names
from archive.experiment.redirected import Order
from archive.experiment.rerun_before import aliases, original, siblings, write_before
from archive.experiment.rerun_checks import differences
from archive.experiment.rerun_files import Written, place_of, write_facts
from archive.experiment.rerun_variable import VARIABLE
from archive.experiment.runs import Run

# What the recorded environment may set in the new process: how work is split decides last bits.
_VARIABLES = re.compile(r"[A-Z_]+_NUM_THREADS|PYTHONHASHSEED")


@dataclass(frozen=True)
class Plan:
    """A run that is to be run again, or that was itself run again from `original`. `command` is
    what will be run, in `directory`; `differences` say in what commit, files and environment are
    not as they were."""

    archive: Path
    run: str
    original: str
    folder: Path
    command: tuple[str, ...]
    directory: Path
    variables: Mapping[str, str]
    differences: tuple[str, ...]


def prepare(
    run: Run,
    archive: Path,
    *,
    folder: Path | None = None,
    directory: Path | None = None,
    alone: bool = False,
) -> Plan:
    """Write all that was recorded into a folder, a new one for short-lived things if none is
    given. With `alone`, the script finds none of the runs that were there before.

    Raises NotFound where no program was recorded, AlreadyExists for a folder with something in
    it, FormatError for what was recorded and makes no sense.
    """
    asked, run = run, original(run)
    found = run.provenance
    process, code = found.process, found.code
    if process is None or code is None or code.script is None or code.program == "interactive":
        kind = "was made at a prompt" if code and code.program == "interactive" else "has no script"
        raise NotFound(
            f"the run {run.name!r} {kind}, as far as its provenance says",
            path=archive,
            hint="only what a recorded script made can be run again",
        )
    if code.program not in (None, "script", "module", "command"):
        raise NotFound(
            f"the run {run.name!r} was made by a {code.program}, which cannot be run by itself",
            path=archive,
            hint="run it by hand; 'neuroarchive diff' compares two runs",
        )
    place = _folder(folder)
    written = Written(place, code)
    written.add_modules()
    main = written.add_main() if code.program == "module" else None
    command = ("-P", "-m", main) if main else (str(written.add_script(code.script)),)
    write_facts(run, code, process, place)
    names, wanted = siblings(run, process)
    write_before(run, place / redirected.BEFORE, None if alone else names[0][1])
    Order(
        place,
        archive,
        str(run._container.experiment.document(0).get("id", "")),
        tuple(name for name, _ in names),
        wanted,
        aliases(run),
        tuple(run_names(run._container)),
        {whose: schemas.dump(state) for whose, state in found.generators.items()},
    ).write()
    there = Path(process.working_directory or "").expanduser()
    chosen = directory or (there if there.is_absolute() and there.is_dir() else place)
    return Plan(
        archive=archive,
        run=asked.name,
        original=run.name,
        folder=place,
        command=(sys.executable, *command, *_arguments(process)),
        directory=chosen,
        variables=_variables(found.environment, place_of(code.script, code).parent, place),
        differences=(*differences(found, chosen), *written.notes),
    )


def _folder(wanted: Path | None) -> Path:
    if wanted is None:
        return Path(tempfile.mkdtemp(prefix="neuroarchive-rerun-"))
    folder = wanted.absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise AlreadyExists(
            "there is something in it", path=folder, hint="name a new folder, or an empty one"
        )
    folder.mkdir(parents=True, exist_ok=True)
    return folder


# -- the process -------------------------------------------------------------------------------


def _arguments(process: schemas.Provenance) -> tuple[str, ...]:
    if any("\0" in word for word in process.argv):
        raise FormatError("the recorded command line has a NUL in it")
    return process.argv[1:]


def _variables(
    environment: schemas.Environment | None, beside: Path, folder: Path
) -> dict[str, str]:
    """What the environment of the new process has in addition to that of this one. The recorded
    modules come first, and behind them those that lie beside the script now."""
    recorded = {} if environment is None else environment.variables
    found = {
        name: value
        for name, value in recorded.items()
        if _VARIABLES.fullmatch(name) and "\0" not in value
    }
    places = [str(folder / "modules"), os.environ.get("PYTHONPATH", "")]
    if beside.is_absolute() and beside.is_dir():
        places.append(str(beside))
    found["PYTHONPATH"] = os.pathsep.join(place for place in places if place)
    found[VARIABLE] = str(folder)
    return found
