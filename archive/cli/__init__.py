"""The command ``neuroarchive``: one module per verb."""

from __future__ import annotations

import sys
import warnings
from typing import Annotated, Any, TextIO

import typer
from typer.core import TyperGroup

from archive import ArchiveError, ArchiveWarning
from archive.cli import (
    check,
    diff,
    export,
    formats,
    import_,
    ls,
    merge,
    parameters,
    plot,
    provenance,
    query,
    recover,
    report,
    rerun,
    salvage,
    show,
    sign,
)
from archive.cli.arguments import examples, help_of
from archive.cli.console import complain
from archive.provenance import writer

VERBS = (
    (ls.ls, ls.EPILOG),
    (show.show, show.EPILOG),
    (query.query, query.EPILOG),
    (parameters.parameters, parameters.EPILOG),
    (diff.diff, diff.EPILOG),
    (import_.import_, import_.EPILOG),
    (export.export, export.EPILOG),
    (formats.formats, formats.EPILOG),
    (check.check, check.EPILOG),
    (sign.sign, sign.EPILOG),
    (salvage.salvage, salvage.EPILOG),
    (recover.recover, recover.EPILOG),
    (plot.plot, plot.EPILOG),
    (report.report, report.EPILOG),
    (merge.merge, merge.EPILOG),
    (provenance.provenance, provenance.EPILOG),
    (rerun.rerun, rerun.EPILOG),
)


class _Verbs(TyperGroup):
    """Ends with the exit code that belongs to an error of ours; others pass through."""

    def invoke(self, ctx: Any) -> Any:
        # what an output cannot print, such as a µ on a terminal in ASCII, must end nothing
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            try:
                return super().invoke(ctx)
            except ArchiveError as error:
                complain("error", str(error), "bold red")
                raise typer.Exit(error.exit_code) from error


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    if issubclass(category, ArchiveWarning):
        complain("warning", str(message), "yellow")
    else:
        text = warnings.formatwarning(message, category, filename, lineno, line)
        (file or sys.stderr).write(text)


app = typer.Typer(
    name="neuroarchive",
    cls=_Verbs,
    help="One HDF5 file in which a whole simulation experiment stays alive.\n\n"
    "Exit codes: 0 done, 1 other errors, 2 wrong usage, 3 not found, 4 exists already, 5 refused, "
    "6 busy, 7 against the contract, 8 bad query, 9 version, 10 format, 11 missing package, "
    "12 failed change, 13 damaged archive.",
    epilog=examples("neuroarchive ls fi.nix", 'neuroarchive query fi.nix "amplitude > 50 pA"'),
    no_args_is_help=True,
    rich_markup_mode="rich",
    # a traceback that hides nothing, and goes into a report as it is
    pretty_exceptions_enable=False,
)
for _verb, _epilog in VERBS:
    _name = _verb.__name__.removesuffix("_")  # `import` is a word of Python
    app.command(_name, help=help_of(_verb), epilog=_epilog)(_verb)


def _version(wanted: bool) -> None:
    if wanted:
        print(writer())
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line with the arguments of the process."""
    app(prog_name="neuroarchive")
