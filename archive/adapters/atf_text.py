"""Axon text files, version 1: what stands in their lines.

``ATF<tab>1.0``; the numbers of header records and of columns; the records, ``"key=value"``; the
titles of the columns, in quotes, with a unit in parentheses; rows of numbers, or of texts in
quotes. Fields are separated by tabs or commas, and text is latin-1 (the Axon Text File format in
Molecular Devices' documentation of their file formats, and files that Clampfit wrote).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.adapters.bounded import whole
from archive.errors import FormatError

MAGIC = b"ATF"
LIMIT = 1 << 32  # bytes of a file
COLUMNS = 1 << 16
RECORDS = 1 << 16
_FIELD = re.compile(r' *"((?:[^"]|"")*)" *')
_WORD = re.compile(r"\s*(\S*)\s*")
_TITLE = re.compile(r"(.*?)\s*\(([^()]*)\)\s*")
_NESTED = re.compile(r"(.*?)\s*\((.*)\)\s*")
_ROWS = 4096  # that become numbers at once
_SHOWN = 40


@dataclass(frozen=True)
class Column:
    """A column of numbers, NaN where a field is empty, or of texts, "" where one is. `empty` is how
    many fields are empty before the last that is not; those after it are left out. `printed` is
    kept of the first column only."""

    title: str
    values: npt.NDArray[np.float64] | list[str]
    empty: int = 0
    printed: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class AtfText:
    """Header records as they stand, each a list of its fields, and the columns."""

    version: str
    records: tuple[tuple[str, ...], ...]
    columns: tuple[Column, ...]
    rows: int


def read_atf(name: str | PathLike[str]) -> npt.NDArray[Any]:
    """The columns of numbers of an ATF file, as Brian's function of this name gives them: (column,
    row), the times first.

    Unlike Brian's it gives all columns, not two, and takes commas, empty fields (NaN) and a single
    row. Columns of text are left out. Raises FormatError as `parsed` does.
    """
    path = Path(name)
    found = parsed(whole(path, LIMIT), path)
    rows = np.full((len(found.columns), found.rows), np.nan)
    kept = [not isinstance(column.values, list) for column in found.columns]
    for row, column in zip(rows, found.columns, strict=True):
        if not isinstance(column.values, list):
            row[: len(column.values)] = column.values
    return rows[kept]


def title_and_unit(title: str) -> tuple[str, str | None]:
    """What a title says besides its unit, and the unit, None if it tells none."""
    match = _TITLE.fullmatch(title) or _NESTED.fullmatch(title)
    return (match[1].strip(), match[2].strip()) if match else (title.strip(), None)


def parsed(content: bytes, path: Path) -> AtfText:
    """What stands in a file. Raises FormatError, naming the line, for what is none or is cut off:
    another version, fewer records or fields than said, numbers and texts in one column."""
    lines = _Lines(content, path)
    first = lines.next("the version").replace(",", "\t").split()
    if len(first) != 2 or first[0] != MAGIC.decode() or not re.fullmatch(r"1(\.\d+)?", first[1]):
        raise lines.fault(f"is not that of an ATF file of version 1: {' '.join(first)!r:.60}")
    records, columns = _sizes(lines)
    held = tuple(_record(lines.next("a header record")) for _ in range(records))
    titles = [text for text, _ in _quoted(lines.next("the titles"))]
    while len(titles) > columns and not titles[-1]:
        titles.pop()
    if len(titles) != columns:
        raise lines.fault(f"has {len(titles)} titles, and there are {columns} columns")
    table = _Table(columns, lines)
    for line in lines:
        table.add(line)
    return AtfText(first[1], held, table.columns(titles), table.rows)


class _Lines:
    """The lines of a file one after the other, with the number of the last that was given."""

    def __init__(self, content: bytes, path: Path) -> None:
        self.path = path
        self.number = 0
        self._lines = iter(content.removeprefix(b"\xef\xbb\xbf").splitlines())

    def next(self, what: str) -> str:
        try:
            line = next(self._lines)
        except StopIteration:
            raise FormatError(
                f"the file ends after line {self.number}, before {what}", path=self.path
            ) from None
        self.number += 1
        return line.decode("latin-1")

    def __iter__(self) -> Iterator[bytes]:
        for line in self._lines:
            self.number += 1
            yield line

    def fault(self, text: str, hint: str | None = None) -> FormatError:
        return FormatError(f"line {self.number} {text}", path=self.path, hint=hint)


def _sizes(lines: _Lines) -> tuple[int, int]:
    words = lines.next("the number of columns").replace(",", " ").split()
    if len(words) != 2 or not all(re.fullmatch(r"[0-9]{1,9}", word) for word in words):
        raise lines.fault(f"does not say how many records and columns: {' '.join(words)!r:.60}")
    records, columns = map(int, words)
    if records > RECORDS or not 0 < columns <= COLUMNS:
        raise lines.fault(f"says {records} records and {columns} columns")
    return records, columns


def _separator(line: str) -> str | None:
    """What separates the fields of a line; None for blanks."""
    bare = _FIELD.sub("", line) if '"' in line else line
    return "\t" if "\t" in bare else "," if "," in bare else None


def _record(line: str) -> tuple[str, ...]:
    """The fields of a header record: the first has its key and value, others are rare."""
    separator, bare = _separator(line), line.strip()
    if separator is None or (separator == "," and not bare.startswith('"')):
        is_quoted = len(bare) > 1 and bare[0] == bare[-1] == '"'
        return (bare[1:-1].replace('""', '"') if is_quoted else bare,)
    return tuple(text for text, _ in _quoted(line, separator))


def _quoted(line: str, separator: str | None = "") -> list[tuple[str, bool]]:
    """The fields of a line, and of each whether it is in quotes."""
    separator = _separator(line) if separator == "" else separator
    found: list[tuple[str, bool]] = []
    at, end = 0, len(line)
    while at <= end:
        match = _FIELD.match(line, at)
        if match is not None and _is_end(line, match.end(), separator):
            found.append((match[1].replace('""', '"'), True))
            at = match.end()
            if separator is not None:
                at += 1
            elif at >= end:
                break
            continue
        if separator is None:
            match = _WORD.match(line, at)
            assert match is not None
            if match[1]:
                found.append((match[1], False))
            at = match.end()
            if at >= end:
                break
            continue
        stop = line.find(separator, at)
        stop = end if stop < 0 else stop
        found.append((line[at:stop].strip(), False))
        at = stop + 1
    return found


def _is_end(line: str, at: int, separator: str | None) -> bool:
    if at >= len(line) or line[at] == separator:
        return True
    return separator is None and line[at - 1 : at + 1].strip() != line[at - 1 : at + 1]


class _Table:
    """The rows, collected column by column."""

    def __init__(self, columns: int, lines: _Lines) -> None:
        self.rows = 0
        self._lines = lines
        self._width = columns
        self._separator: str | None = ""
        self._blocks: list[npt.NDArray[np.float64]] = []
        self._pending: list[list[float]] = []
        self._printed: list[bytes] = []
        self._texts: dict[int, list[str]] = {}
        self._numbered: set[int] = set()  # columns with a number in them
        self._filled = [0] * columns  # the rows up to the last that is not empty
        self._filled_up = 0  # as `_filled`, for all columns at once
        self._empty = [0] * columns  # fields

    def add(self, line: bytes) -> None:
        if not line.strip():
            return
        if self._separator == "":
            self._separator = _separator(line.decode("latin-1"))
        if not self._add_numbers(line):
            self._add_any(line.decode("latin-1"))
        self.rows += 1
        if len(self._pending) == _ROWS:
            self._settle()

    def _add_numbers(self, line: bytes) -> bool:
        """Take a line that has numbers only, and all of them: nearly all lines of nearly all
        files are such."""
        if self._texts or b"_" in line or b'"' in line:
            return False
        separator = None if self._separator is None else self._separator.encode()
        words = line.split(separator)
        if len(words) != self._width:
            return False
        try:
            row = [float(word) for word in words]
        except ValueError:
            return False
        self._pending.append(row)
        self._printed.append(words[0].strip())
        if len(self._numbered) < self._width:
            self._numbered.update(range(self._width))
        self._filled_up = self.rows + 1
        return True

    def _add_any(self, line: str) -> None:
        fields = _quoted(line, self._separator)
        while len(fields) > self._width and fields[-1] == ("", False):
            fields.pop()
        if len(fields) != self._width:
            raise self._lines.fault(
                f"has {len(fields)} fields, and there are {self._width} columns",
                hint="the file is cut off, or damaged",
            )
        row = [self._number(at, text, quoted) for at, (text, quoted) in enumerate(fields)]
        self._pending.append(row)
        self._printed.append(fields[0][0].encode("latin-1", "replace"))

    def _number(self, at: int, text: str, quoted: bool) -> float:
        """The number in a field; NaN if it is empty, or a text, which is kept elsewhere."""
        if text or quoted:
            self._filled[at] = self.rows + 1
        if not text:
            self._empty[at] += not quoted
            if at in self._texts:
                self._texts[at].append("")
            return float("nan")
        number = None
        if (not quoted or at == 0) and "_" not in text and text.isascii():
            try:
                number = float(text)
            except ValueError:
                number = None
        if number is not None and at not in self._texts:
            self._numbered.add(at)
            return number
        if at in self._numbered or (number is not None and not quoted):
            raise self._lines.fault(
                f"has {text[:_SHOWN]!r} in column {at + 1}, which has"
                + (" text in other lines" if number is not None else " numbers in other lines"),
                hint="a decimal comma is none of this format" if "," in text else None,
            )
        self._texts.setdefault(at, [""] * self.rows).append(text)
        return float("nan")

    def _settle(self) -> None:
        if self._pending:
            self._blocks.append(np.array(self._pending, np.float64))
            self._pending = []

    def columns(self, titles: list[str]) -> tuple[Column, ...]:
        self._settle()
        empty = np.empty((0, self._width))
        table = np.concatenate(self._blocks) if self._blocks else empty
        self._blocks = []
        return tuple(self._column(at, title, table) for at, title in enumerate(titles))

    def _column(self, at: int, title: str, table: npt.NDArray[np.float64]) -> Column:
        if at in self._texts:
            return Column(title, self._texts[at])
        filled = max(self._filled[at], self._filled_up)
        values = np.ascontiguousarray(table[:filled, at])
        printed = tuple(self._printed) if at == 0 else ()
        return Column(title, values, self._empty[at] - (self.rows - filled), printed)
