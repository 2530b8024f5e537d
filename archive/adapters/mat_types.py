"""What MATLAB does not tell of a value, and the reader has to know to make the same one again.

In MATLAB a whole number is a double, a vector a matrix, a time text. The variable ``types`` of a
file is a JSON text with an object of places, such as ``runs.1.segments.2.annotations.n``, and for
each what the value there is: one of the words below; ``array`` or ``scalar`` with a dtype (and a
shape); or an object with the original keys of a dict, by the names of its fields. What a reader
takes a value for without being told is not listed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

INT, BYTES, LIST, DICT = "int", "bytes", "list", "dict"
DATETIME, FOLDED = "datetime", "datetime fold"  # the second of two of the same hour
ORDER, SET = "order", "set"  # of the parts of a segment; what else a parameter set has
MOST = 1 << 28  # characters of the text

NUMBERED = re.compile(r"(?:run|segment|item)_\d+")
_TAG = re.compile(r"(array|scalar) ([^ ]+)((?: \d+)*)")


def default_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """The shape that an array of MATLAB's shape is taken to have: a column is a vector."""
    return (shape[0],) if len(shape) == 2 and shape[1] == 1 else tuple(shape)


def in_matlab(shape: Sequence[int]) -> tuple[int, ...]:
    """The shape that MATLAB gives an array of this one."""
    return tuple(shape) + (1,) * (2 - len(shape))


def array_tag(dtype: str, shape: Sequence[int]) -> str:
    """That it is an array."""
    return " ".join(["array", dtype, *map(str, shape)])


def scalar_tag(dtype: str) -> str:
    """That it is one number of a type that Python has not."""
    return f"scalar {dtype}"


def dtype_and_shape(tag: str) -> tuple[str, np.dtype[Any], tuple[int, ...]] | None:
    """ "array" or "scalar", dtype and shape of such a tag; None if it is none."""
    match = _TAG.fullmatch(tag)
    if match is None:
        return None
    try:
        return match[1], np.dtype(match[2]), tuple(map(int, match[3].split()))
    except (TypeError, ValueError):
        return None


def is_self_evident(tag: str, stored: str, shape: Sequence[int]) -> bool:
    """Whether a reader knows an array of the tag by its dtype and shape in MATLAB alone."""
    size = int(np.prod(shape, dtype=object))
    plain = size != 1 and not (tuple(shape) == (0, 0) and stored == "<f8")
    return plain and tag == array_tag(stored, default_shape(shape))


def to_text(types: Mapping[str, Any]) -> str:
    """The content of the variable ``types``."""
    return json.dumps(types, ensure_ascii=True, separators=(",", ":"))


def from_text(text: str) -> dict[str, Any]:
    """The same back; nothing at all for what is no such text."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
