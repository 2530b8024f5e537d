"""The header of AER-DAT 1.0 and 2.0: lines that begin with ``#``, or none.

Sources: docs.inivation.com (AEDAT 1.0, 2.0), jAER's ``AEFileInputStream``, and what Brian 1.4 and
jAER wrote. Brian takes the line of the tick for Python and runs it; here it is only read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import IO, NamedTuple

from archive.adapters.unreadable import unreadable
from archive.errors import FormatError

MICROSECOND = Fraction(1, 10**6)
# Larger headers than this nobody writes: jAER's, with all preferences of a chip, have some 100 kB.
HEADER_LIMIT = 1 << 24
LINE_LIMIT = 1 << 16

_VERSION = re.compile(r"#!AER-DAT\s*(\d{1,4})(?:\.(\d{1,4}))?\b")
_TICK = re.compile(r"#\s*Timestamps?\s+tick\s*(?:is|:|=)?\s*(.*)", re.IGNORECASE)
_DURATION = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?)\s*\*?\s*([a-zµμ]*)\.?")
_END = re.compile(r"#!?\s*End[ -]Of[ -](?:ASCII[ -])?Header", re.IGNORECASE)
_CONTROL = bytes({*range(32), 127} - {9, 10, 13})  # what no line of text has
# Between these two lines lie preferences as XML, of which not all begin with "#" everywhere.
_PREFERENCES = re.compile(r"#\s*Start of Preferences", re.IGNORECASE)
_NO_MORE = re.compile(r"#?\s*End of Preferences", re.IGNORECASE)
_SECONDS = {
    "": Fraction(1),
    **dict.fromkeys(("s", "sec", "second", "seconds"), Fraction(1)),
    **dict.fromkeys(("ms", "msecond", "mseconds", "msec"), Fraction(1, 10**3)),
    **dict.fromkeys(("millisecond", "milliseconds"), Fraction(1, 10**3)),
    **dict.fromkeys(("us", "µs", "μs", "usecond", "useconds", "usec"), MICROSECOND),
    **dict.fromkeys(("microsecond", "microseconds"), MICROSECOND),
    **dict.fromkeys(("ns", "nsecond", "nseconds", "nsec"), Fraction(1, 10**9)),
    **dict.fromkeys(("nanosecond", "nanoseconds"), Fraction(1, 10**9)),
}


class Header(NamedTuple):
    """What the lines say, and the byte at which events begin."""

    lines: tuple[str, ...]  # without their ends
    version: int  # 1 or 2, by the first line; 1 where it says nothing
    start: int
    tick: Fraction  # in seconds

    @property
    def width(self) -> int:
        """Bytes of an event."""
        return 6 if self.version == 1 else 8


def read_header(path: Path, tick: Fraction | None = None) -> Header:
    """The header of a file, with the tick of 1 µs where it says none, or the one that is given.

    Raises FormatError for other versions, and for a tick that is no time.
    """
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            found = list(_lines(file, path))
    except OSError as error:
        raise unreadable(path, error) from error
    version = _version(found, path)
    start = _start(found, size, 6 if version == 1 else 8)
    lines = tuple(line for line, end in found if end <= start)
    if tick is None:
        said = [match[1].strip() for match in map(_TICK.match, lines) if match is not None]
        tick = duration(said[-1], path) if said else MICROSECOND
    return Header(lines, version, start, tick)


def is_marked(path: Path) -> str | None:
    """The version that the first line of a file gives, as ``2.0``; None without such a line."""
    try:
        with path.open("rb") as file:
            said = _VERSION.match(file.read(64).decode("latin-1"))
    except OSError:
        return None
    return None if said is None else f"{said[1]}.{said[2] or 0}"


def _lines(file: IO[bytes], path: Path) -> Iterator[tuple[str, int]]:
    """The lines of text at the beginning, and where each ends."""
    end, in_preferences = 0, False
    while True:
        raw = file.readline(LINE_LIMIT)
        of_header = raw.startswith(b"#") or in_preferences
        if not of_header or not raw.endswith(b"\n") or raw.translate(None, _CONTROL) != raw:
            return
        end += len(raw)
        if end > HEADER_LIMIT:
            raise FormatError(
                f"its header has more than {HEADER_LIMIT} bytes", path=path, hint="is it a text?"
            )
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        yield line, end
        if _END.match(line):
            return
        in_preferences = in_preferences or bool(_PREFERENCES.match(line))
        in_preferences = in_preferences and not _NO_MORE.match(line)


def _version(lines: list[tuple[str, int]], path: Path) -> int:
    said = _VERSION.match(lines[0][0]) if lines else None
    if said is None:
        return 1
    if int(said[1]) not in (1, 2):
        raise FormatError(
            f"it is AEDAT {said[1]}.{said[2] or 0}, not AER-DAT 1.0 or 2.0",
            path=path,
            hint="choose the format aedat3 or aedat4" if int(said[1]) in (3, 4) else None,
        )
    return int(said[1])


def _start(lines: list[tuple[str, int]], size: int, width: int) -> int:
    """Where events begin. The first of them may look like a line, as 0x23 is ``#``: then what is
    left without the last line is a whole number of events, and with it is not."""
    ends = [0, *(end for _, end in lines)]
    if len(ends) > 1 and (size - ends[-1]) % width:
        last = lines[-1][0]
        strange = not last.isascii() or not re.match(r"#[#!\s<]|#[A-Za-z-]{3}", last)
        if strange and (size - ends[-2]) % width == 0:
            return ends[-2]
    return ends[-1]


def duration(text: str, path: Path) -> Fraction:
    """What a text says of a tick, in seconds: ``1 us``, ``0.1 * msecond``. Raises FormatError."""
    said = _DURATION.fullmatch(text)
    unit = None if said is None else _SECONDS.get(said[2])
    tick = None if said is None or unit is None else Fraction(said[1]) * unit
    if tick is None or not 0 < tick <= 10**6:
        raise FormatError(
            f"it says a tick of {text!r:.60}, which is no time",
            path=path,
            hint="give the right one, in seconds: tick=1e-6",
        )
    return tick
