"""``neuroarchive import``: foreign files into an archive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

import archive
from archive.adapters import candidates, reader_for, readers
from archive.cli.arguments import Json, examples
from archive.cli.console import complain, print_json, print_table, progress, say
from archive.cli.file_list import Found, files_of
from archive.cli.options import reading_options
from archive.cli.tables import counted
from archive.errors import FormatError
from archive.experiment.importing import facts_of

EPILOG = examples(
    "neuroarchive import old/run7.mat -o exp.nix",
    "neuroarchive import 'old/**' -o exp.nix",
    "neuroarchive import old --recursive -o exp.nix --json | jq .failed",
    "neuroarchive import rec.abf -o exp.nix --format neo:AxonIO",
)
SHOWN = 20
INTERRUPTED = 130  # as shells have it for Ctrl-C


def import_(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILES...", help="Files, folders, and patterns in quotes.", show_default=False
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="The archive; it is made if there is none.", show_default=False
        ),
    ],
    format: Annotated[
        str | None,
        typer.Option(help="Name of the format; else by what is in a file.", show_default=False),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(help="An option of the format, as KEY=VALUE; repeatable.", show_default=False),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also files that were imported before.")
    ] = False,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Also the folders in folders.")
    ] = False,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="A file of which anything is lost, or of no format, fails."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Take foreign files into an archive, each whole or not at all.

    A file becomes a run, or the runs that it holds. What was imported before is skipped, so that
    the same command goes on where it was interrupted. 'neuroarchive formats' lists the formats.

    Exits with 0 if all files that were named are in the archive, and all others that some format
    knows; with 10 if any failed.

    --json: file, imported, skipped, belongs, unrecognised and failed: path, format, runs, losses
    (entry, field, reason), reason.
    """
    options = reading_options(option or [])
    found = files_of(files, out.absolute(), recursive=recursive, is_one=_is_one(format))
    facts = {}
    if len(found) == 1 and not out.exists():
        facts = facts_of(found[0].path, format, options)
    done: list[archive.ImportedFile] = []
    try:
        with archive.open(out, "a", durability="close", **facts) as experiment:
            _import(experiment, found, format, again, strict, options, done.append)
    except KeyboardInterrupt:
        _print(out, done, as_json)
        left = f"after {len(done)} of {counted(len(found), 'file')}: call it again to go on"
        complain("interrupted", left, "yellow")
        raise typer.Exit(INTERRUPTED) from None
    _print(out, done, as_json)
    named = {one.path.absolute() for one in found if one.named or strict}
    failed = [one for one in done if one.outcome == "failed"]
    failed += [one for one in done if one.outcome == "unrecognised" and one.path in named]
    if failed:
        raise FormatError(
            f"{counted(len(failed), 'file')} could not be imported",
            path=out,
            hint="what was imported is in the archive; call it again for the others",
        )


def _is_one(format: str | None) -> Callable[[Path], bool]:
    """Which folders are imported as files are: what one program wrote."""
    loaded = readers() if format is None else {format: reader_for(Path(), format)}
    taking = {name: one for name, one in loaded.items() if getattr(one, "folders", False)}
    return lambda folder: bool(taking) and bool(candidates(folder, taking))


def _import(
    experiment: archive.Experiment,
    found: Sequence[Found],
    format: str | None,
    again: bool,
    strict: bool,
    options: dict[str, Any],
    note: Callable[[archive.ImportedFile], object],
) -> None:
    with progress("importing") as bar:
        task = None if bar is None else bar.add_task("", total=len(found))

        def passed(one: archive.ImportedFile) -> None:
            note(one)
            if bar is not None and task is not None:
                bar.advance(task)

        experiment.import_files(
            [one.path for one in found],
            format,
            again=again,
            strict=strict,
            progress=passed,
            **options,
        )


def _print(out: Path, done: Sequence[archive.ImportedFile], as_json: bool) -> None:
    of: dict[str, list[archive.ImportedFile]] = {
        key: [] for key in ("imported", "skipped", "belongs", "unrecognised", "failed")
    }
    for one in done:
        of[one.outcome].append(one)
    if as_json:
        print_json({"file": out, **{key: list(map(_facts, ones)) for key, ones in of.items()}})
        return
    runs = sum(len(one.runs) for one in of["imported"])
    say(f"{out}: {counted(len(of['imported']), 'file')} imported as {counted(runs, 'run')}")
    if of["skipped"]:
        say(f"{counted(len(of['skipped']), 'file')} skipped: imported before")
    if of["belongs"]:
        say(f"{counted(len(of['belongs']), 'file')} imported with another that they belong to")
    formats = Counter(one.format or "" for one in of["imported"])
    if len(formats) > 1:
        say(", ".join(f"{count} {name}" for name, count in sorted(formats.items())))
    _print_losses(of["imported"])
    for key in ("unrecognised", "failed"):
        if of[key]:
            title = "no known format" if key == "unrecognised" else "failed"
            say(f"\n{counted(len(of[key]), 'file')}: {title}", style="bold")
            for one in of[key]:
                reason = f": {one.reason}" if key == "failed" else ""
                say(f"  {one.path}{reason}")


def _print_losses(imported: Sequence[archive.ImportedFile]) -> None:
    losses = [(one.path.name, loss) for one in imported for loss in one.losses]
    if not losses:
        return
    shown = [(file, loss.entry, loss.field, loss.reason) for file, loss in losses[:SHOWN]]
    print_table("losses", ("file", "entry", "field", "reason"), shown)
    if len(losses) > SHOWN:
        say(f"… and {len(losses) - SHOWN} more: --json lists all", style="dim")


def _facts(one: archive.ImportedFile) -> dict[str, Any]:
    return {
        "path": one.path,
        "format": one.format,
        "runs": one.runs,
        "losses": [
            {"entry": loss.entry, "field": loss.field, "reason": loss.reason} for loss in one.losses
        ],
        "reason": one.reason,
    }
