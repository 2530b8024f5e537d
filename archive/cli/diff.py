"""``neuroarchive diff``: in what two runs differ."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

import archive
from archive.cli.arguments import Json, examples, one_of
from archive.cli.console import complain, print_json, say
from archive.cli.tables import counted
from archive.experiment.verdict import worst

EPILOG = examples(
    "neuroarchive diff fi.nix:monday fi.nix:tuesday",
    "neuroarchive diff fi.nix:0 :1",
    "neuroarchive diff mine.nix yours.nix --only data --tolerance 1e-9",
    "neuroarchive diff before.nix after.nix --quiet && echo identical",
)

SAME, DIFFERENT, TROUBLE = 0, 1, 2

Pairs = list[tuple[archive.Run, archive.Run]]


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="FILE or FILE:RUN.", show_default=False)],
    b: Annotated[
        str,
        typer.Argument(
            metavar="B",
            help="FILE or FILE:RUN; :RUN is a run of the first file.",
            show_default=False,
        ),
    ],
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SECTION",
            help="Compare this only; repeatable: parameters, run, provenance (process,"
            " environment, code, generators, inputs), data, snapshots.",
            show_default=False,
        ),
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            help="A share of a recording's largest value: closer ones are the same. 0: bits do"
            " not count.",
            show_default=False,
        ),
    ] = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read all data, and compare it with its digests first.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print nothing: the exit code says it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Say in what two runs differ: parameters, provenance, connectivity and data.

    A run is called FILE:RUN, by its number or name. FILE alone is its only run; of several, the
    one that is called like the run of the other side; and where both sides are files with several
    runs, all of one name are compared. A colon in the name of a file that exists is no separator.

    Of each recording it says the first spike or sample that differs, with time, neuron and values,
    and how much. Only what agrees bit by bit is called identical.

    Exit codes: 0 identical (with --tolerance: or equal within it), 1 different, 2 or more an
    error, as all commands have it, but that other errors are 2 as well.

    --json: verdict, same, only_first and only_second (names of runs), and runs, for each pair:
    first, second (names), verdict, identical, same, verdicts (by section), missing (sections of
    which neither has any), and the sections, with all that was found.
    """
    try:
        with ExitStack() as stack:
            pairs, alone = _pairs(a, b, stack)
            code = _compare(pairs, alone, only or [], tolerance, deep, quiet, as_json)
    except archive.ArchiveError as error:
        if error.exit_code != DIFFERENT:
            raise
        complain("error", str(error), "bold red")
        code = TROUBLE
    raise typer.Exit(code)


def _compare(
    pairs: Pairs,
    alone: tuple[list[str], list[str]],
    only: list[str],
    tolerance: float | None,
    deep: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    found = []
    for number, (one, other) in enumerate(pairs):
        report = archive.diff(one, other, tolerance=tolerance, only=only, deep=deep)
        found.append(report)
        if not quiet and not as_json:
            say(("\n" if number else "") + str(report))
    same = not any(alone) and all(report.same for report in found)
    if as_json and not quiet:
        verdict = "different" if any(alone) else worst(one.verdict for one in found)
        print_json(
            {
                "verdict": verdict,
                "same": same,
                "only_first": alone[0],
                "only_second": alone[1],
                "runs": [report.to_dict() for report in found],
            }
        )
    elif not quiet:
        _say_alone(alone, len(pairs))
    return SAME if same else DIFFERENT


def _say_alone(alone: tuple[list[str], list[str]], compared: int) -> None:
    for which, names in zip(("first", "second"), alone, strict=True):
        for name in names:
            say(f"{name}: only in the {which} file")
    if compared > 1 or any(alone):
        say(f"{counted(compared, 'run')} of one name compared")


def _pairs(a: str, b: str, stack: ExitStack) -> tuple[Pairs, tuple[list[str], list[str]]]:
    """The runs to compare, and the names of those that only one of the files has."""
    if a.startswith(":"):
        raise typer.BadParameter("A needs a file: FILE:RUN")
    file, run = _split(a)
    file_there, run_there = _split(b, file)
    mine = stack.enter_context(archive.open(file))
    same = file == file_there or (file_there.exists() and file.samefile(file_there))
    theirs = mine if same else stack.enter_context(archive.open(file_there))
    if run is None and run_there is None and not len(mine.runs) == len(theirs.runs) == 1:
        return _of_one_name(mine, theirs)
    one = None if run is None else one_of(mine.runs, run)
    other = None if run_there is None else one_of(theirs.runs, run_there)
    one = one or _like(mine, other)
    other = other or _like(theirs, one)
    return [(one, other)], ([], [])


def _split(text: str, first: Path | None = None) -> tuple[Path, str | None]:
    """The file and the run that a text names: the longest file that there is, then the rest."""
    if text.startswith(":") and first is not None:
        return first, text[1:]
    if ":" not in text or Path(text).exists():
        return Path(text), None
    ends = [at for at, character in enumerate(text) if character == ":"]
    for end in reversed(ends):
        if Path(text[:end]).is_file():
            return Path(text[:end]), text[end + 1 :]
    file, _, run = text.rpartition(":")
    return Path(file), run  # there is none: to open it says so


def _like(experiment: archive.Experiment, other: archive.Run | None) -> archive.Run:
    runs = experiment.runs
    return runs[0] if len(runs) == 1 or other is None else runs[other.name]


def _of_one_name(
    mine: archive.Experiment, theirs: archive.Experiment
) -> tuple[Pairs, tuple[list[str], list[str]]]:
    one, other = ({run.name: run for run in e.runs} for e in (mine, theirs))
    pairs = [(run, other[name]) for name, run in one.items() if name in other]
    if not pairs:
        raise archive.NotFound(
            "the files have no runs of one name", path=mine.path, hint="name two: FILE:RUN"
        )
    alone = (
        [name for name in one if name not in other],
        [name for name in other if name not in one],
    )
    return pairs, alone
