"""``neuroarchive recover``: take in what a crash has left in the log."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from archive.cli.arguments import File, Json, examples
from archive.cli.console import print_json, say
from archive.storage.recovery import look, recover as recover_file

EPILOG = examples("neuroarchive recover fi.nix", "neuroarchive recover fi.nix --dry-run")


def recover(
    file: File,
    dry_run: Annotated[bool, typer.Option(help="Only say what would be done.")] = False,
    as_json: Json = False,
) -> None:
    """Say what a crash has left beside an archive, and take it in.

    The next opening for writing does the same by itself, and reading sees it as it is; so this
    is for those who want one plain file, or want to know.

    --json: path, log, transactions, pages, length, torn, held_by, needed.
    """
    found = look(file)
    if as_json:
        print_json({**asdict(found), "needed": found.needed})
    else:
        say(f"{file}: {found}")
    if found.needed and not dry_run:
        recover_file(file)
