"""``neuroarchive rerun``: the recorded program of a run, run again, and what it made compared."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import archive
from archive.cli.arguments import File, Json, examples, one_of
from archive.cli.console import print_json, say, stderr_say
from archive.experiment import rerunning
from archive.experiment.rerun_plan import Plan

EPILOG = examples(
    'neuroarchive rerun fi.nix "f-I curve"',
    'neuroarchive rerun fi.nix "f-I curve" --only-write --folder again',
    'neuroarchive rerun fi.nix "f-I curve" --yes --strict --tolerance 1e-9',
)


def rerun(
    file: File,
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="Its number or name.", show_default=False)
    ],
    folder: Annotated[
        Path | None,
        typer.Option(help="Where to write what was recorded; else a new one.", show_default=False),
    ] = None,
    directory: Annotated[
        Path | None,
        typer.Option(help="Where to run it; else where it was run.", show_default=False),
    ] = None,
    only_write: Annotated[
        bool, typer.Option("--only-write", help="Write all out, and run nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Run it without asking.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Run nothing if anything is not as it was.")
    ] = False,
    tolerance: Annotated[
        float | None,
        typer.Option(
            help="What is the same nonetheless, as a share of the largest value.",
            show_default=False,
        ),
    ] = None,
    alone: Annotated[
        bool, typer.Option("--alone", help="Leave out the runs that were there before.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run the recorded script of a run again, and compare the data.

    What will be run, and what is not as it was, is said first, and you are asked: the script is
    whatever the archive says. It writes to another archive meanwhile; its run is then appended to
    FILE as "RUN rerun 1", with the old one as its parent.

    Exits with 0 if the data are identical, or equal within --tolerance, and with 1 if they differ.

    --json: file, run, folder, command, directory, differences; if it was run also new (name of
    the new run), exit_code, identical, same, data (as "diff --json" says it).
    """
    with archive.open(file, parts=False) as experiment:
        name = one_of(experiment.runs, run).name
    plan = rerunning.plan_of(file, name, folder=folder, directory=directory, alone=alone)
    tell = stderr_say if as_json else say
    _tell(plan, tell)
    said: dict[str, Any] = {
        "file": file,
        "run": name,
        "folder": plan.folder,
        "command": list(plan.command),
        "directory": plan.directory,
        "differences": list(plan.differences),
    }
    if strict:
        rerunning.refuse_differences(plan)
    if only_write:
        if as_json:
            print_json(said)
        return
    if not yes:
        _ask(plan)
    done = rerunning.execute(plan, tolerance=tolerance)
    if as_json:
        data = None if done.data is None else done.data.to_dict()
        print_json(
            said
            | {
                "new": done.name,
                "exit_code": done.exit_code,
                "identical": done.identical,
                "same": done.same,
                "data": data,
            }
        )
    else:
        for line in str(done).splitlines():
            say(line)
    if not done.same:
        raise typer.Exit(1)


def _tell(plan: Plan, tell: Any) -> None:
    tell(f"{plan.folder}: what was recorded of {plan.run!r}")
    tell(f"to be run in {plan.directory}:")
    tell(f"  {shlex.join(plan.command)}")
    for one in plan.differences:
        tell(f"not as it was: {one}")


def _ask(plan: Plan) -> None:
    if not sys.stdin.isatty():
        raise archive.Refused(
            "nobody can be asked whether that shall be run",
            path=plan.archive,
            hint=f"read what lies in {plan.folder}, and give --yes",
        )
    if not typer.confirm("Run it?", default=False, err=True):
        raise archive.Refused("it was not run", path=plan.archive, hint=f"see {plan.folder}")
