"""Running a run again: the recorded program in a process of its own, and what it made compared."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Final

import schemas
from archive.container import Container, KeyedValues, ParameterNames
from archive.entry import Entry, Loss
from archive.errors import NotFound, Refused
from archive.experiment import redirected
from archive.experiment.experiment import Experiment
from archive.experiment.filling import Filling
from archive.experiment.opening import open
from archive.experiment.parents import origin
from archive.experiment.rerun_plan import Plan, prepare
from archive.experiment.run_diff import RunDiff, diff
from archive.experiment.runs import Run
from archive.query import Where

OUTPUT: Final = "output.txt"
PATIENCE: Final = 60.0  # s, for whoever writes to the archive
_TAIL: Final = 2000  # bytes of what the program printed


@dataclass(frozen=True)
class Rerun:
    """What became of running a run again. `name` is that of the new run; `data` in what its
    data differ, None where neither run has any; `exit_code` that of the program, which may have
    failed once the run was over."""

    name: str
    plan: Plan
    exit_code: int
    data: RunDiff | None

    @property
    def identical(self) -> bool:
        """Whether all that was recorded is the same, bit by bit."""
        return self.data is None or self.data.identical

    @property
    def same(self) -> bool:
        """The same, or equal within the tolerance that was given."""
        return self.data is None or self.data.same

    def __str__(self) -> str:
        found = f"{self.name}: nothing was recorded, in either run"
        if self.data is not None:
            found = str(self.data)
        if self.exit_code:
            found += f"\nits program ended with exit code {self.exit_code}, see {OUTPUT}"
        return found


def rerun(
    path: str | os.PathLike[str],
    run: str,
    *,
    folder: str | os.PathLike[str] | None = None,
    directory: str | os.PathLike[str] | None = None,
    tolerance: float | None = None,
    strict: bool = False,
    alone: bool = False,
) -> Rerun:
    """Run the recorded program of a run again, and compare what it recorded.

    The program is whatever the archive says: run only what you would run by hand. Script, modules,
    parameters and seeds are written into `folder`, a new one if none is given, and the script is
    run there in a process of its own, in the working directory that it had, or in `directory`.
    The archives that it writes to are others, in that folder; generators of random numbers are
    set to what they were as the run began. Its run is then appended to the archive at `path` as
    ``NAME rerun 1``, with the old one as its parent. With `strict`, it is Refused where commit,
    files, packages or machine are not as they were. `alone` begins with an empty archive even if
    there were runs in it before; see the how-to for what cannot be run again.

    Raises NotFound where no script was recorded, or it did not begin the run.
    """
    plan = plan_of(path, run, folder=folder, directory=directory, alone=alone)
    if strict:
        refuse_differences(plan)
    return execute(plan, tolerance=tolerance)


def plan_of(
    path: str | os.PathLike[str],
    run: str,
    *,
    folder: str | os.PathLike[str] | None = None,
    directory: str | os.PathLike[str] | None = None,
    alone: bool = False,
) -> Plan:
    """Write out what was recorded, and run nothing."""
    file = Path(path).absolute()
    with open(file, parts=False) as experiment:
        return prepare(
            experiment.runs[run],
            file,
            folder=None if folder is None else Path(folder),
            directory=None if directory is None else Path(directory).absolute(),
            alone=alone,
        )


def refuse_differences(plan: Plan) -> None:
    """Raises Refused if anything is not as it was."""
    if plan.differences:
        raise Refused(
            "not all is as it was: " + "; ".join(plan.differences),
            path=plan.archive,
            hint="make it so, or leave out strict",
        )


def execute(plan: Plan, *, tolerance: float | None = None) -> Rerun:
    """Run what was written out, take the new run into the archive, and compare it."""
    with (plan.folder / OUTPUT).open("wb") as output:
        done = subprocess.run(
            plan.command,
            cwd=plan.directory,
            env={**os.environ, **plan.variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    with ExitStack() as stack:
        made = _made(plan, done.returncode, stack)
        with open(plan.archive, "a", timeout=PATIENCE) as experiment:
            name = _take(experiment, plan, made, done.returncode)
            new, old = experiment.runs[name], experiment.runs[plan.run]
            found = _compare(old, new, tolerance)
    shutil.rmtree(plan.folder / redirected.WRITTEN, ignore_errors=True)
    (plan.folder / redirected.BEFORE).unlink(missing_ok=True)
    return Rerun(name, plan, done.returncode, found)


def _made(plan: Plan, code: int, stack: ExitStack) -> Run:
    """The run that the process began, in one of the archives that it wrote."""
    begun = plan.folder / redirected.BEGUN
    if begun.exists():
        said: dict[str, Any] = json.loads(begun.read_text("utf-8"))
        written = stack.enter_context(open(said["archive"], timeout=PATIENCE))
        for made in written.runs.where(Where("name") == said["run"]):
            return made
    raise NotFound(
        f"the program began no run {plan.original!r}; it ended with exit code {code}"
        + _tail(plan.folder / OUTPUT),
        path=plan.folder,
        hint=f"all that it printed is in {OUTPUT} there",
    )


def _tail(path: Path) -> str:
    text = path.read_bytes()[-_TAIL:].decode(errors="replace").strip()
    return f":\n{text}" if text else ""


def _take(experiment: Experiment, plan: Plan, made: Run, code: int) -> str:
    """Append the new run, with its parent, in one transaction; returns its name."""
    container = experiment._container
    name = _free_name(container, plan.original)
    entry = made.to_entry()
    parts = [*entry.parts, Entry(origin(experiment.runs[plan.run], "rerun").said)]
    if made.outcome == "running":
        reason = f"its process ended with exit code {code}"
        end = schemas.RunEnd(ended=datetime.now(UTC), outcome="abandoned", reason=reason)
        parts.append(Entry(end))
    losses: list[Loss] = []
    with experiment.transaction():
        kept = KeyedValues(container), ParameterNames(container)
        filling = Filling(container, *kept, name, "", None, losses)
        filling.take([Entry(entry.model, parts=parts)], name)
    return name


def _free_name(container: Container, name: str) -> str:
    for number in count(1):
        end = f" rerun {number}"
        free = name[: schemas.v1.model.NAME_LIMIT - len(end)] + end
        if container.run_named(free) is None:
            return free
    raise AssertionError("unreachable")


def _compare(old: Run, new: Run, tolerance: float | None) -> RunDiff | None:
    try:
        return diff(old, new, tolerance=tolerance, only=("data", "snapshots"))
    except NotFound:
        return None
