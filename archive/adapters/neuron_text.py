"""Vectors that NEURON writes as text, and what Brian's ``read_neuron_dat`` makes of such a file.

Its clipboard writes ``label:<text>``, the number of rows, and rows of a time and a value; when it
reads, both lines before the rows may be missing (``clipboard_save`` and ``clipboard_retrieve`` in
NEURON's ``stdlib.hoc``). ``Vector.printf`` writes one value a line and an empty line, or, with a
format that ends no line, all values in one (``ivocvect.cpp``). ``Matrix.fprint`` writes the numbers
of rows and columns, and the rows (``ocmatrix.cpp``, ``matrix.cpp``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.adapters.bounded import whole
from archive.errors import FormatError

LABEL = b"label:"
LIMIT = 1 << 32  # bytes of a file
_COUNT = re.compile(rb"\s*[0-9]{1,18}\s*")
_SIZES = re.compile(rb"([0-9]{1,18}) ([0-9]{1,18})\s*")
_SHOWN = 40  # characters of a line that a message quotes
_ROWS = 4096  # that become an array at once: a list of numbers takes several times their memory


@dataclass
class _Section:
    """Lines that belong together, without an empty one between them: line `first` and those after
    it."""

    label: str | None = None
    first: int = 0
    lines: list[bytes] = field(default_factory=list)
    is_closed: bool = False  # by an empty line, as Vector.printf does

    def __bool__(self) -> bool:
        return bool(self.lines) or self.label is not None

    def add(self, number: int, line: bytes) -> None:
        if not self.lines:
            self.first = number
        self.lines.append(line)


@dataclass(frozen=True)
class Table:
    """One vector, or several of one length. `rows` is (row, column); `times` are the first column
    as it is written, for whoever must know how precisely; `form` is "clipboard" or "matrix"."""

    label: str | None
    rows: npt.NDArray[np.float64]
    form: str
    line: int
    times: list[bytes] = field(default_factory=list, repr=False)


def read_neuron_dat(name: str | PathLike[str], *, count: bool | None = None) -> npt.NDArray[Any]:
    """The columns of a vector file of NEURON, as Brian's function of this name gives them: (column,
    row), the times first; (row,) where there is one column.

    Unlike Brian's, which leaves out the first two lines whatever they are, it loses no row of a
    file without a label or a number of rows. `count` says whether a number that stands alone
    before the rows is their number; by default that is seen, or FormatError raised where it cannot
    be. Raises FormatError too for vectors of several lengths, and as `tables` does.
    """
    path = Path(name)
    found = tables(whole(path, LIMIT), path, count=count)
    lengths = {len(one.rows) for one in found}
    if len(lengths) > 1:
        other = next(one for one in found if len(one.rows) != len(found[0].rows))
        raise FormatError(
            f"the vectors differ in length: {len(found[0].rows)}, and {len(other.rows)} from line"
            f" {other.line} on",
            path=path,
            hint="the format 'neuron' takes them one by one",
        )
    columns = np.concatenate([one.rows for one in found], axis=1).T
    return columns[0] if len(columns) == 1 else columns


def tables(content: bytes, path: Path, *, count: bool | None = None) -> list[Table]:
    """All vectors of a text. A label, or an empty line, begins the next.

    Raises FormatError, naming the line, for anything but numbers, for rows of different lengths,
    and for rows that are not as many as is said.
    """
    if b"\0" in content[:4096]:
        raise FormatError("it is no text", path=path, hint="if it is of Vector.vwrite, name it so")
    found: list[Table] = []
    section = _Section()
    number = 0
    for number, line in enumerate(content.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith(LABEL):
            if section:
                found.append(_table(section, path, count, number))
            label = stripped[len(LABEL) :].decode("utf-8", "replace").strip()
            section = _Section(label, number)
        elif stripped:
            section.add(number, line)
        elif section.lines:
            section.is_closed = True
            found.append(_table(section, path, count, number))
            section = _Section()
    if section:
        found.append(_table(section, path, count, number + 1))
    if not found:
        raise FormatError("there are no numbers in it", path=path)
    return found


def _table(section: _Section, path: Path, count: bool | None, end: int) -> Table:
    """`end` is the line after the section."""
    first, lines, label = section.first, section.lines, section.label
    sizes = _SIZES.fullmatch(lines[0]) if lines and label is None else None
    if sizes and count is not False:
        rows, columns = int(sizes[1]), int(sizes[2])
        width = len(lines[1].split()) if len(lines) > 1 else columns
        if width == columns and (rows == len(lines) - 1 or columns != 2):
            _check_count(rows, section, path, end)
            values = _rows(lines[1:], first + 1, path) if rows else np.empty((0, columns))
            return Table(None, values, "matrix", first)
    start = first
    if lines and count is not False and _COUNT.fullmatch(lines[0]):
        if _says_count(section, path, count):
            _check_count(int(lines[0]), section, path, end)
            lines, start = lines[1:], first + 1
    elif count is True:
        raise FormatError(f"line {first} does not say how many rows there are", path=path)
    values = _rows(lines, start, path)
    if len(lines) == 1 and values.shape[1] > 2 and label is None:
        values = values.T  # Vector.printf with a format that ends no line
    times = [line.split(None, 1)[0] for line in lines] if values.shape[1] > 1 else []
    return Table(label, values, "clipboard", first, times)


def _says_count(section: _Section, path: Path, count: bool | None) -> bool:
    """Whether the number that stands alone in the first line is that of the rows."""
    others = len(section.lines) - 1
    if count or section.label is not None or (others and len(section.lines[1].split()) > 1):
        return True
    if others and not section.is_closed and int(section.lines[0]) == others:
        raise FormatError(
            f"line {section.first} may be the first value, or say how many there are",
            path=path,
            hint="give count=True or count=False",
        )
    return False


def _check_count(said: int, section: _Section, path: Path, end: int) -> None:
    there = len(section.lines) - 1
    if said == there:
        return
    at = section.first + 1 + said if said < there else end
    raise FormatError(
        f"line {section.first} says {said} rows, and there are {there} (line {at})",
        path=path,
        hint="it is cut off, or has something after its end; if that line is a value, give"
        " count=False",
    )


def _rows(lines: list[bytes], first: int, path: Path) -> npt.NDArray[np.float64]:
    """The numbers of the lines (row, column); `first` is the number of the first line."""
    width = len(lines[0].split()) if lines else 1
    blocks = []
    for begin in range(0, len(lines), _ROWS):
        block = []
        for number, line in enumerate(lines[begin : begin + _ROWS], first + begin):
            try:
                row = [float(word) for word in line.split()]
            except ValueError:
                raise _no_numbers(number, line, path) from None
            if b"_" in line:  # which Python takes between digits
                raise _no_numbers(number, line, path)
            if len(row) != width:
                raise FormatError(
                    f"line {number} has {len(row)} numbers, those before it {width}", path=path
                )
            block.append(row)
        blocks.append(np.array(block, np.float64))
    return np.concatenate(blocks) if blocks else np.empty((0, width))


def _no_numbers(number: int, line: bytes, path: Path) -> FormatError:
    shown = line.strip()[:_SHOWN].decode("utf-8", "replace")
    return FormatError(f"line {number} has what is no number: {shown!r}", path=path)


def decreases(times: npt.NDArray[np.float64]) -> int | None:
    """The first row whose time is none, or less than that before it; None if there is none."""
    bad = ~np.isfinite(times)
    if len(times) > 1:
        bad[1:] |= times[1:] < times[:-1]
    return int(np.argmax(bad)) if bad.any() else None
