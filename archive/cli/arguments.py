"""Arguments and options that several commands have."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from archive import Refused
from archive.experiment.views import View

Item = TypeVar("Item")

File = Annotated[Path, typer.Argument(metavar="FILE", help="The archive.", show_default=False)]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document, for other programs to read.")
]
Limit = Annotated[
    int | None,
    typer.Option(
        min=0, help="How many to show; a table shows 100 unless told, JSON all.", show_default=False
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")]

JSON_VALUES = (
    'In JSON, a quantity is {"value": 0.1, "unit": "nA"}, a moment is text in ISO 8601, an array a '
    'list, a complex number {"real", "imag"}, bytes {"base64"}; NaN is "nan", infinity "inf".'
)


def examples(*commands: str) -> str:
    """The end of a command's help: each example on a line of its own."""
    return "\n\n".join(["Examples:", *(f"  {command}" for command in commands)])


def help_of(command: Callable[..., None]) -> str:
    """The help of a command: its docstring, each paragraph on one line, and how values look."""
    paragraphs = (inspect.getdoc(command) or "").split("\n\n")
    return "\n\n".join([*(" ".join(one.split()) for one in paragraphs), JSON_VALUES])


def one_of(view: View[Item], wanted: str) -> Item:
    """A run or segment by number, or else by name. Raises NotFound."""
    if wanted.isdecimal() and int(wanted) < len(view):
        return view[int(wanted)]
    return view[wanted]


def not_the_archive(target: Path, archive: Path) -> None:
    """Raises Refused where a file to be written is the archive itself."""
    if target.exists() and target.samefile(archive):
        raise Refused(
            "that is the archive itself, which this would replace",
            path=target,
            hint="choose another name for the new file",
        )
