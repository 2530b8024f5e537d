"""The header of Prophesee's files: lines that begin with ``%``.

Source: docs.prophesee.ai, "RAW file format" and "DAT file format".
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from archive.adapters.unreadable import unreadable
from archive.errors import FormatError

LIMIT = 1 << 16
LINE_LIMIT = 1 << 12
_CONTROL = bytes({*range(32), 127} - {9, 10, 13})
_EVT = re.compile(r"%\s*(?:evt\s+(\d+(?:\.\d+)?)|format\s+EVT(\d+(?:\.\d+)?))", re.IGNORECASE)
_SIZE = re.compile(r"(?:%\s*|[; ])(height|width)[ =](\d{1,5})\b", re.IGNORECASE)
_GEOMETRY = re.compile(r"%\s*geometry\s+(\d{1,5})x(\d{1,5})", re.IGNORECASE)
_END = re.compile(r"%\s*end\s*$", re.IGNORECASE)
_VERSION = re.compile(r"%\s*version\s+(\d{1,3})", re.IGNORECASE)


class Header(NamedTuple):
    """What the lines say, and the byte at which what follows begins."""

    lines: tuple[str, ...]
    start: int
    evt: str | None  # "2.0", "3.0"; None: not RAW

    @property
    def facts(self) -> dict[str, str | int]:
        """What is kept of it: all lines, and the size of the sensor if they say it."""
        found: dict[str, str | int] = {}
        for line in self.lines:
            geometry = _GEOMETRY.match(line)
            if geometry is not None:
                found |= {"width": int(geometry[1]), "height": int(geometry[2])}
            found |= {name.lower(): int(value) for name, value in _SIZE.findall(line)}
        return {**found, "header": "\n".join(self.lines)} if self.lines else found

    @property
    def version(self) -> int | None:
        """The version of a DAT file."""
        said = [match for match in map(_VERSION.match, self.lines) if match is not None]
        return int(said[0][1]) if said else None


def read_header(path: Path, width: int) -> Header:
    """The header of a file with words of `width` bytes behind it. Raises FormatError if the file
    cannot be read."""
    try:
        with path.open("rb") as file:
            raw = file.read(LIMIT)
            size = path.stat().st_size
    except OSError as error:
        raise unreadable(path, error) from error
    lines: list[str] = []
    ends = [0]
    while raw.startswith(b"%", ends[-1]):
        end = raw.find(b"\n", ends[-1], ends[-1] + LINE_LIMIT) + 1
        line = raw[ends[-1] : end]
        if not end or line.translate(None, _CONTROL) != line:
            break
        lines.append(line.decode("utf-8", "replace").rstrip())
        ends.append(end)
        if _END.match(lines[-1]):
            break
    # the first word may look like a line, as 0x25 is "%"
    unlike = bool(lines) and not re.match(r"%\s*[A-Za-z]", lines[-1])
    if unlike and (size - ends[-1]) % width and (size - ends[-2]) % width == 0:
        del lines[-1], ends[-1]
    said = [match for match in map(_EVT.match, lines) if match is not None]
    evt = None
    if said:
        number = said[0][1] or said[0][2]
        evt = number if "." in number else f"{number}.0"
    return Header(tuple(lines), ends[-1], evt)


def raw_header(path: Path, evt: str, width: int) -> Header:
    """The header of a RAW file. FormatError if it is of another version, or none."""
    header = read_header(path, width)
    if header.evt != evt:
        what = f"EVT {header.evt}" if header.evt else "none of Prophesee's RAW files"
        raise FormatError(f"it is {what}, not EVT {evt}", path=path)
    return header


def is_raw(path: Path, evt: str) -> bool:
    """Whether the header says this version of EVT."""
    try:
        return read_header(path, 2).evt == evt
    except FormatError:
        return False
