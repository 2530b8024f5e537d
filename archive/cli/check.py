"""``neuroarchive check``: is everything in an archive as it must be?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from archive.cli.arguments import File, Json, examples
from archive.cli.console import print_json, print_table, progress, say
from archive.cli.tables import counted
from archive.container import Container
from archive.container.check import check as check_container
from archive.container.check_deep import check_deeply
from archive.container.check_report import Report
from archive.errors import CorruptArchive

EPILOG = examples(
    "neuroarchive check fi.nix",
    "neuroarchive check fi.nix --deep",
    "neuroarchive check fi.nix --allowed-signers ~/.ssh/allowed_signers",
    "neuroarchive check fi.nix --json | jq .findings",
)
SHOWN = 50


def check(
    file: File,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every value too, and compare it with its digest.")
    ] = False,
    allowed_signers: Annotated[
        Path | None,
        typer.Option(
            help="File of allowed signers, as OpenSSH has it; one of them must have signed.",
            show_default=False,
        ),
    ] = None,
    files: Annotated[
        bool,
        typer.Option("--files", help="Look for the scripts, modules and inputs of runs, too."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Check an archive, changing nothing.

    NIX's own rules, by nixio; that every document can be read; that every stretch lies inside its
    stream and holds what it says; that the index of queries says what the documents say.

    With --deep, also every value and document by the digests that were written with it, every
    object and chunk of the file, and what NIX is told of each entity.

    Signatures are verified. With --files, the scripts, modules and inputs that runs were made by
    are looked for where they were; those gone or changed are listed, and are no damage.

    Exits with 0 if all is well, with 13 if anything is not.

    --json: file, valid, runs, segments, snapshots (how many were checked), findings (name, what,
    hint), damaged_runs, damaged_segments, damaged_snapshots (their numbers; all others are sound),
    signatures (signer, principal, key, at, good, why, documents, runs, segments, later, with_data),
    gone (what, path, why, run, host), files (how many were recorded).
    """
    report = (_deeply_checked if deep else _checked)(file, allowed_signers, files)
    if as_json:
        damaged = {
            "damaged_runs": report.damaged_runs,
            "damaged_segments": report.damaged_segments,
            "damaged_snapshots": report.damaged_snapshots,
        }
        print_json({"file": file, "valid": report.is_valid(), **asdict(report), **damaged})
    else:
        _print(report, str(file), files)
    if not report.is_valid():
        raise CorruptArchive(
            counted(len(report.findings), "finding"),
            path=file,
            hint="keep a copy of the file as it is; runs and segments without a finding are sound; "
            f"'neuroarchive salvage {file} NEW' copies all that can be read",
        )


def _checked(file: Path, allowed: Path | None, files: bool) -> Report:
    container = Container(file, writable=False)
    try:
        with progress("checking") as bar:
            task = None if bar is None else bar.add_task("", total=len(container.segments))
            return check_container(
                container,
                lambda: None if bar is None or task is None else bar.advance(task),
                allowed=allowed,
                files=files,
            )
    finally:
        container.close()


def _deeply_checked(file: Path, allowed: Path | None, files: bool) -> Report:
    """The same without opening the file in this process, which it might end."""
    with progress("checking") as bar:
        task = None if bar is None else bar.add_task("", total=None)
        return check_deeply(
            file,
            lambda: None if bar is None or task is None else bar.advance(task),
            allowed=allowed,
            files=files,
        )


def _print(report: Report, file: str, files: bool) -> None:
    seen = {
        "run": (report.runs, report.damaged_runs),
        "segment": (report.segments, report.damaged_segments),
        "snapshot": (report.snapshots, report.damaged_snapshots),
    }
    if not report.snapshots:  # most archives have none
        del seen["snapshot"]
    sound = _listed([f"{n - len(bad)} of {counted(n, what)}" for what, (n, bad) in seen.items()])
    sound += " are sound"
    checked = _listed([counted(n, what) for what, (n, _) in seen.items()]) + " checked"
    if report.is_valid():
        say(f"{file}: sound, {checked}", style="green")
        _print_notes(report, files)
        return
    _print_notes(report, files)
    cells = [(found.name, found.what, found.hint) for found in report.findings[:SHOWN]]
    print_table(f"{file}: {sound}", ("name", "what is wrong", "hint"), cells)
    if len(report.findings) > SHOWN:
        say(f"… and {len(report.findings) - SHOWN} more: --json lists all", style="dim")


def _print_notes(report: Report, looked: bool) -> None:
    """What is signed, and what is not there any more."""
    for one in report.signatures:
        who = one.principal or one.signer or "nobody named"
        what = f"all up to {counted(one.runs, 'run')} and {counted(one.segments, 'segment')}"
        said = f"signed by {who} ({one.key}) at {one.at}: {what}; {one.why}"
        if one.good and one.later > 1:  # one is its own
            verb = "is" if one.later == 2 else "are"
            said += f"; {counted(one.later - 1, 'document')} that came later {verb} not covered"
        if one.good and not one.with_data:
            said += "; values are compared with --deep"
        say(said, style="green" if one.good else "yellow")
    if report.gone:
        cells = [
            (one.what, one.path, one.why, f"run {one.run}", one.host or "")
            for one in report.gone[:SHOWN]
        ]
        title = f"{counted(len(report.gone), 'file')} not as recorded, which is no damage"
        print_table(title, ("what", "path", "why", "recorded of", "on"), cells)
        if len(report.gone) > SHOWN:
            say(f"… and {len(report.gone) - SHOWN} more: --json lists all", style="dim")
    elif looked:
        say(
            f"{counted(report.files, 'file')} that runs were made by: all as recorded",
            style="green",
        )
    elif report.files:
        what = f"{counted(report.files, 'file')} that runs were made by"
        say(f"{what}: --files looks whether they are there as recorded", style="dim")


def _listed(texts: list[str]) -> str:
    """One and two; or: one, two and three."""
    return " and ".join(filter(None, (", ".join(texts[:-1]), texts[-1])))
