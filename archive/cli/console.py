"""Where the command line writes: results to stdout, all else to stderr; tables, JSON, progress."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.tree import Tree

from archive.cli.drawing import to_ascii
from archive.cli.json_values import to_json

PIPED_WIDTH = 80


def plain(text: str) -> str:
    """Text that a file may have brought, with what would command the terminal made visible."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)


def _cell(text: str) -> str:
    return escape(plain(text))


def stdout() -> Console:
    """The console of results. Made anew each time: tests and pipes change what stdout is."""
    return _console(stderr=False)


def stderr() -> Console:
    """The console of messages and progress."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    # rich would take the width of the terminal that stdin is, though the output goes elsewhere
    piped = not stream.isatty() and "COLUMNS" not in os.environ
    # names may have colons: `:a:` is text, no picture
    width = PIPED_WIDTH if piped else None
    return Console(stderr=stderr, highlight=False, emoji=False, width=width)


def print_json(document: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(to_json(document), allow_nan=False))


def print_table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table on stdout; cells are plain text, and folded rather than cut."""
    table = Table(title=_cell(title), title_justify="left", header_style="bold")
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*map(_cell, row))
    stdout().print(table)


def print_facts(title: str, facts: Iterable[tuple[str, str]]) -> None:
    """A heading, and names with values, one per line."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="cyan", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in facts:
        grid.add_row(_cell(name), _cell(value))
    console = stdout()
    console.print(f"[bold]{_cell(title)}[/bold]")
    console.print(grid)


def print_drawing(title: str, lines: Iterable[str]) -> None:
    """A heading, and lines of a drawing as they are."""
    console = stdout()
    console.print(f"\n[bold]{_cell(title)}[/bold]")
    for line in lines:
        console.print(
            to_ascii(plain(line)) if console.options.ascii_only else plain(line),
            markup=False,
            no_wrap=True,
            crop=False,
        )


def tree_of(title: str, lines: Iterable[tuple[int, str]]) -> Tree:
    """A tree of lines with their depths; without a title, the first line is its root."""
    tree = Tree(_cell(title))
    stack = [tree]
    for number, (depth, text) in enumerate(lines):
        if not title and number == 0:
            tree.label = _cell(text)
            continue
        base = depth if not title else depth + 1
        del stack[base:]
        stack.append(stack[-1].add(_cell(text)))
    return tree


def print_tree(tree: Tree) -> None:
    """A tree on stdout; what a file may have brought is plain text in it."""
    stdout().print(tree)


def say(text: str, style: str = "") -> None:
    """A line on stdout for people; long ones are left to the terminal, as programs may read it."""
    stdout().print(_cell(text), style=style, soft_wrap=True)


def stderr_say(text: str) -> None:
    """The same on stderr, where stdout is for other programs."""
    stderr().print(_cell(text), soft_wrap=True)


def complain(kind: str, text: str, style: str) -> None:
    """``error: ...`` or ``warning: ...`` on stderr; long lines are left to the terminal."""
    stderr().print(f"[{style}]{kind}:[/{style}] {_cell(text)}", soft_wrap=True)


@contextmanager
def progress(what: str) -> Iterator[Progress | None]:
    """A bar on stderr while the block runs; None where stderr is no terminal."""
    console = stderr()
    if not console.is_terminal:
        yield None
        return
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        yield bar
