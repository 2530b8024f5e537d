"""``neuroarchive export``: an archive, or some of its segments, in another format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

import archive
from archive.adapters import Writer, writer_for
from archive.cli.arguments import File, Json, Overwrite, examples, not_the_archive
from archive.cli.console import print_json, print_table, progress, say
from archive.cli.options import check_known, writing_options
from archive.cli.tables import counted
from archive.entry import Copied, Entry, Loss, Source
from archive.errors import FormatError
from archive.experiment.export import is_folder
from archive.experiment.exports import note_export

EPILOG = examples(
    "neuroarchive export fi.nix fi.mat",
    'neuroarchive export fi.nix some.mat --query "amplitude > 50 pA"',
    "neuroarchive export fi.nix fi.mat --overwrite --option version=7.3",
    "neuroarchive export fi.nix crate/ --option license=CC-BY-4.0",
)
SHOWN = 20


def export(
    file: File,
    out: Annotated[
        # text, as a path forgets the "/" at its end
        str,
        typer.Argument(
            metavar="OUT",
            help="The file to write; or a folder: x/.",
            show_default=False,
        ),
    ],
    query: Annotated[
        str | None, typer.Option(help="Only the segments for which this holds.", show_default=False)
    ] = None,
    format: Annotated[
        str | None, typer.Option(help="Name of the format; else by suffix.", show_default=False)
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(help="An option of the format, as KEY=VALUE; repeatable.", show_default=False),
    ] = None,
    overwrite: Overwrite = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with code 10 if anything is lost.")
    ] = False,
    note: Annotated[
        bool,
        typer.Option(
            "--note", help="Note it in the archive, which nobody else may write to meanwhile."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Write an archive in another format.

    The archive is only read, unless --note is given: then each run keeps that, where and with
    which losses it was exported.

    What the format cannot carry is listed as losses; the exit code is 0 all the same, unless
    --strict is given.

    --json: file, out, segments (how many were written), losses (entry, field, reason).
    """
    target = Path(out)
    not_the_archive(target, file)
    writer = writer_for(target, format, folder=is_folder(out))
    with archive.open(file, "a" if note else "r") as experiment:
        chosen = experiment.segments if query is None else experiment.segments.where(query)
        options = _options(option or [], overwrite, target, writer)
        source: Source = experiment if query is None else chosen
        losses = _write(source, len(chosen), target, writer, options)
        count = len(chosen)
        if note:
            runs = experiment.runs if query is None else chosen.exported_runs()
            note_export(runs, target, format or writer.name, options, losses)
    if as_json:
        listed = [
            {"entry": loss.entry, "field": loss.field, "reason": loss.reason} for loss in losses
        ]
        print_json({"file": file, "out": target, "segments": count, "losses": listed})
    else:
        say(f"{target}: {counted(count, 'segment')} written, {len(losses)} lost facts")
        _print_losses(losses)
    if losses and strict:
        raise FormatError(
            f"{len(losses)} facts were lost",
            path=target,
            hint="the file was written without these; leave out --strict to accept that",
        )


def _print_losses(losses: Sequence[Loss]) -> None:
    if not losses:
        return
    shown = [(loss.entry, loss.field, loss.reason) for loss in losses[:SHOWN]]
    print_table("losses", ("entry", "field", "reason"), shown)
    if len(losses) > SHOWN:
        say(f"… and {len(losses) - SHOWN} more: --json lists all", style="dim")


def _options(
    given: Sequence[str], overwrite: bool, out: Path, writer: Writer
) -> dict[str, str | bool]:
    """The options of a format, with those that it does not know refused."""
    options: dict[str, str | bool] = {"overwrite": True} if overwrite else {}
    options |= writing_options(given)
    check_known(options, writer.write, out)
    return options


def _write(
    source: Source, segments: int, out: Path, writer: Writer, options: dict[str, Any]
) -> list[Loss]:
    with progress("exporting") as bar:
        if bar is not None:
            task = bar.add_task("", total=segments)
            watched = _WatchedArchive if isinstance(source, Copied) else _Watched
            source = watched(source, lambda: bar.reset(task), lambda: bar.advance(task))
        return writer.write(source, out, **options)


class _Watched:
    """A source that tells when it is begun, which a writer may do several times, and when a
    segment has been given out."""

    def __init__(
        self, source: Source, begun: Callable[[], None], passed: Callable[[], None]
    ) -> None:
        self._source = source
        self._begun = begun
        self._passed = passed

    def entry(self) -> Entry:
        self._begun()
        experiment = self._source.entry()
        return replace(experiment, parts=(self._run(run) for run in experiment.parts))

    def _run(self, run: Entry) -> Entry:
        return replace(run, parts=self._parts(run))

    def _parts(self, run: Entry) -> Iterator[Entry]:
        for part in run.parts:
            yield part
            if part.model.kind == "segment":
                self._passed()


class _WatchedArchive(_Watched):
    """The same of a source that is an archive of its own."""

    _source: Copied

    @property
    def path(self) -> Path:
        return self._source.path

    def copy_to(self, path: Path) -> bool:
        return self._source.copy_to(path)
