"""``--option KEY=VALUE``: the options of a format."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from archive.errors import FormatError
from archive.experiment.recording import Recording

TRUTHS = {"true": True, "false": False}
# Given in Python only: who types a command may have copied it from anywhere.
IN_PYTHON_ONLY = ("trust",)
# What is told to the import itself.
_OWN = {
    *inspect.signature(Recording.import_file).parameters,
    *inspect.signature(Recording.import_files).parameters,
}


def reading_options(given: Sequence[str]) -> dict[str, Any]:
    """Options of a reader: truths, numbers, ``none``, and text for all others; quotes make text of
    anything. Refuses what would let a file run code."""
    options: dict[str, Any] = {}
    for key, text in _pairs(given):
        if key.lower() in IN_PYTHON_ONLY:
            raise typer.BadParameter(
                f"{key!r} lets a file run code of its own: it is for Python only, "
                f"exp.import_file(path, {key}=True)",
                param_hint="--option",
            )
        if key == "losses" or key in _OWN:
            raise typer.BadParameter(f"{key!r} is no option of a format", param_hint="--option")
        options[key] = _value(text)
    return options


def _pairs(given: Sequence[str]) -> list[tuple[str, str]]:
    pairs = []
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise typer.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="--option")
        pairs.append((key, value))
    return pairs


def _value(text: str) -> Any:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    if text.lower() in TRUTHS:
        return TRUTHS[text.lower()]
    if text.lower() == "none":
        return None
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def writing_options(given: Sequence[str]) -> dict[str, str | bool]:
    """Options of a writer: truths and text."""
    return {key: TRUTHS.get(value.lower(), value) for key, value in _pairs(given)}


def check_known(options: Mapping[str, Any], verb: Callable[..., Any], path: Path) -> None:
    """Raises FormatError for options that a reader or writer does not know."""
    taken = inspect.signature(verb).parameters.values()
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in taken):
        return
    known = [one.name for one in taken if one.kind is inspect.Parameter.KEYWORD_ONLY]
    for key in options:
        if key not in known:
            raise FormatError(
                f"this format has no option {key!r}",
                path=path,
                hint=f"known are {', '.join(known) or 'none'}",
            )
