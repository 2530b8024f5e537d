"""Tables of numbers as PyNN writes them: header lines ``# name = value``, then rows of numbers.

PyNN evaluates the values of its headers as Python; here they are a list of quoted words, or text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from archive.errors import FormatError

_HEADER = re.compile(r"#\s*(\w+)\s*=\s*(.*?)\s*")
_WORD = re.compile(r"""\s*(?:'([^'\\]*)'|"([^"\\]*)")\s*(?:,|$)""")


@dataclass(frozen=True, slots=True)
class Table:
    """What a file says: `facts` are the headers, `rows` the numbers (row, column)."""

    facts: dict[str, str | tuple[str, ...]]
    rows: npt.NDArray[np.float64]


def read_table(path: Path) -> Table:
    """The table in a file. Raises FormatError where a header or a number cannot be read."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"the file cannot be read: {error}", path=path) from error
    facts: dict[str, str | tuple[str, ...]] = {}
    numbers: list[str] = []
    for count, line in enumerate(lines, 1):
        if line.startswith("#"):
            found = _HEADER.fullmatch(line)
            if found is not None:
                is_list = found[1] == "columns"
                facts[found[1]] = _value(found[2], path, count) if is_list else found[2]
        elif line.strip():
            numbers.append(line)
    if not numbers:
        return Table(facts, np.empty((0, 0)))
    try:
        rows = np.loadtxt(numbers, np.float64, comments=None, ndmin=2)
    except ValueError as error:
        reason = str(error).partition(";")[0]
        raise FormatError(f"not a table of numbers: {reason}", path=path) from error
    return Table(facts, rows)


def _value(text: str, path: Path, line: int) -> str | tuple[str, ...]:
    if text[:1] not in "[(" or not text:
        return text
    closing = {"[": "]", "(": ")"}[text[0]]
    inside, words, place = text[1:-1], [], 0
    while text.endswith(closing) and place < len(inside):
        found = _WORD.match(inside, place)
        if found is None:
            break
        words.append(found[1] if found[1] is not None else found[2])
        place = found.end()
    if not text.endswith(closing) or place < len(inside.rstrip()):
        raise FormatError(
            f"line {line}: a list of quoted names was expected, not {text:.60}", path=path
        )
    return tuple(words)


def write_table(path: Path, facts: dict[str, str | tuple[str, ...]], rows: npt.ArrayLike) -> None:
    """Write a table as PyNN does, to the last byte: numbers with 19 digits, between tabs."""
    with path.open("x", encoding="utf-8", newline="\n") as file:
        for name, value in facts.items():
            told = value if isinstance(value, str) else repr(list(value))
            file.write(f"# {name} = {told}\n")
        np.savetxt(file, np.asarray(rows, np.float64), delimiter="\t")
