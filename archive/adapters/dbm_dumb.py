"""Python's own ``dumbdbm``: a text file with keys and places, and a file of values beside it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from archive.adapters.bounded import whole
from archive.adapters.dbm_files import Pages, Pairs
from archive.errors import FormatError

# A line is the text of a key as Python writes it, and in brackets place and size.
_LINE = re.compile(
    rb"""[ub]?(?P<key>'(?:[^'\\\r\n]|\\.)*'|"(?:[^"\\\r\n]|\\.)*"),[ ]?"""
    rb"""\((?P<place>\d{1,18})L?,[ ]?(?P<size>\d{1,18})L?\)"""
)
_MOST = 1 << 28  # bytes of an index


def is_index(start: bytes) -> bool:
    """Whether a file that begins so is an index; an empty one is that of an empty shelf."""
    line = start.partition(b"\n")[0].rstrip(b"\r")
    return not start or _LINE.fullmatch(line) is not None


def pairs(index: Path, values: Path, limit: int) -> Pairs:
    """The pairs of a shelf. Raises FormatError where the two files do not fit each other."""
    text = whole(index, min(limit, _MOST))
    file = Pages(whole(values, limit))
    places: dict[bytes, tuple[int, int]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise FormatError(f"line {number} of the index has no key with place and size")
        # a later line counts more, as for the program that wrote it
        places[_key(match["key"], number)] = int(match["place"]), int(match["size"])
    for key, (place, size) in places.items():
        yield key, file.take(place, size)


def _key(literal: bytes, number: int) -> bytes:
    """The bytes that a literal stands for: of a string of Python 2, or of Python 3, whose
    characters are those bytes."""
    try:
        # nothing but one literal of text matched
        text = ast.literal_eval(literal.decode("latin1"))
        return str(text).encode("latin1")
    except (SyntaxError, ValueError, UnicodeEncodeError) as error:
        raise FormatError(f"line {number} of the index has no sound key") from error
