"""JSON as people write it, read strictly but for trailing commas."""

from __future__ import annotations

import json
import math
import re
import warnings
from collections import Counter
from pathlib import Path
from typing import Any, NoReturn

from archive.errors import ArchiveWarning, FormatError

# A string, whole or to the end of the text; or a comma before the end of a list or an object.
_STRING_OR_COMMA = re.compile(r'"(?:[^"\\]|\\.)*+"?|,(?=\s*+[}\]])', re.DOTALL)


class _Refused(ValueError):
    """Valid for Python's reader, but not to be taken."""


def parse_json(text: str, path: Path) -> Any:
    """What the text says. A comma before a closing bracket is read over, with a warning.

    Raises FormatError with the line for what is no JSON, and for a key that stands twice in an
    object, NaN, infinities, and numbers beyond what a float or an integer of Python can be.
    """
    try:
        return _parsed(text, path)
    except json.JSONDecodeError as error:
        mended, lines = _without_trailing_commas(text)
        if not lines:
            raise _no_json(error, path) from None
    try:
        found = _parsed(mended, path)
    except json.JSONDecodeError as error:
        raise _no_json(error, path) from None
    named = f"line {lines[0]}" if len(lines) == 1 else f"lines {', '.join(map(str, lines[:10]))}"
    more = f" and {len(lines) - 10} more" if len(lines) > 10 else ""
    warnings.warn(
        f"{path}: no JSON has a comma before a closing bracket, as in {named}{more}; it was"
        " read without",
        ArchiveWarning,
        stacklevel=2,
    )
    return found


def _parsed(text: str, path: Path) -> Any:
    try:
        return json.loads(
            text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float
        )
    except json.JSONDecodeError:
        raise
    except _Refused as error:
        raise FormatError(str(error), path=path) from None
    except RecursionError:
        raise FormatError("it is nested too deeply", path=path) from None
    except ValueError as error:  # an integer of more digits than Python reads
        raise FormatError(f"a number cannot be read: {error}", path=path) from None


def _no_json(error: json.JSONDecodeError, path: Path) -> FormatError:
    return FormatError(
        f"line {error.lineno}, column {error.colno}: this is no JSON ({error.msg})", path=path
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise _Refused(f"the key {twice!r:.60} stands twice in one object; which one is meant?")
    return found


def _constant(name: str) -> NoReturn:
    raise _Refused(f"{name} is no JSON, and no value of a parameter")


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _Refused(f"{text:.40} is beyond the largest number, and would become infinite")
    return number


def _follows_a_value(text: str, at: int) -> bool:
    while at and text[at - 1] in " \t\r\n":
        at -= 1
    return at > 0 and text[at - 1] not in "[{,:"


def _without_trailing_commas(text: str) -> tuple[str, list[int]]:
    """The text with blanks for such commas, and the lines that they stand in."""
    places: list[int] = []

    def replaced(match: re.Match[str]) -> str:
        if match[0] != "," or not _follows_a_value(text, match.start()):
            return match[0]
        places.append(match.start())
        return " "

    mended = _STRING_OR_COMMA.sub(replaced, text)
    lines, line, at = [], 1, 0
    for place in places:
        line += text.count("\n", at, place)
        at = place
        lines.append(line)
    return mended, list(dict.fromkeys(lines))
