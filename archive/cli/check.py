"""``neuroarchive check``: is everything in an archive as it must be?"""

from __future__ import annotations

from dataclasses import asdict

from archive.cli.arguments import File, Json, examples
from archive.cli.console import print_json, print_table, progress, say
from archive.cli.tables import counted
from archive.container import Container
from archive.container.check import Report, check as check_container
from archive.errors import CorruptArchive

EPILOG = examples(
    "neuroarchive check fi.nix",
    "neuroarchive check fi.nix --json | jq .findings",
)
SHOWN = 50


def check(file: File, as_json: Json = False) -> None:
    """Check an archive, changing nothing.

    NIX's own rules, by nixio; that every document can be read; that every stretch lies inside its
    stream and holds what it says; that the index of queries says what the documents say.

    Exits with 0 if all is well, with 13 if anything is not.

    --json: file, valid, runs, segments (how many were checked), findings (name, what, hint).
    """
    container = Container(file, writable=False)
    try:
        report = _checked(container)
    finally:
        container.close()
    if as_json:
        print_json({"file": file, "valid": report.is_valid(), **asdict(report)})
    else:
        _print(report, str(file))
    if not report.is_valid():
        raise CorruptArchive(
            counted(len(report.findings), "finding"),
            path=file,
            hint="keep a copy of the file as it is; runs and segments without a finding are sound",
        )


def _checked(container: Container) -> Report:
    with progress("checking") as bar:
        if bar is None:
            return check_container(container)
        task = bar.add_task("", total=len(container.segments))
        return check_container(container, lambda: bar.advance(task))


def _print(report: Report, file: str) -> None:
    checked = f"{counted(report.runs, 'run')} and {counted(report.segments, 'segment')} checked"
    if report.is_valid():
        say(f"{file}: sound, {checked}", style="green")
        return
    cells = [(found.name, found.what, found.hint) for found in report.findings[:SHOWN]]
    print_table(f"{file}: {checked}", ("name", "what is wrong", "hint"), cells)
    if len(report.findings) > SHOWN:
        say(f"… and {len(report.findings) - SHOWN} more: --json lists all", style="dim")
