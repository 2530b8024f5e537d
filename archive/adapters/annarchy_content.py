"""What ANNarchy's files hold: in each of their forms a dict, as its ``save`` made it."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Any

from archive.adapters.annarchy_matlab import told
from archive.adapters.bounded import gunzipped, member_names, whole
from archive.adapters.mat5_reading import is_mat5, variables
from archive.adapters.npy import npz_arrays
from archive.adapters.unpickling import Limits, unpickled
from archive.errors import FormatError

GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
_START = 4096
# Of a network, a population, a projection and a connectivity: keys that stand near the beginning.
_MARKS = (
    (b"time_step", b"net_id"),
    (b"geometry", b"attributes"),
    (b"target", b"post_ranks"),
    (b"post_ranks", b"pre_ranks"),
    (b"name", b"post_ranks"),
)
_KEYS = (
    {"time_step", "net_id"},
    {"geometry", "size", "attributes"},
    {"post_ranks", "pre_ranks"},
)


def content(path: Path, *, encoding: str, limits: Limits) -> dict[str, Any]:
    """The dict in a file: a pickle, one in gzip, a ``.npz`` or a MATLAB 5 file.

    Which of these it is, is found by its first bytes: the suffix may be any. Raises FormatError.
    """
    start = _start(path)
    if start.startswith(ZIP):
        found: Any = {
            # a whole population, or other object, is the one item of an array without axes
            name: array.item() if array.dtype.hasobject and array.ndim == 0 else array
            for name, array in npz_arrays(path, encoding=encoding, limits=limits).items()
        }
    elif is_mat5(start):
        found = told(variables(path, limits.size))
    else:
        data = (gunzipped if start.startswith(GZIP) else whole)(path, limits.size)
        found = unpickled(data, path, encoding=encoding, limits=limits)
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise FormatError("this is no file of ANNarchy: it holds no dict by names", path=path)
    return found


def recognised(path: Path) -> bool:
    """Whether the beginning of a file, or the names in it, are those that ANNarchy writes."""
    try:
        start = _start(path)
        if start.startswith(ZIP):
            names = {name.removesuffix(".npy") for name in member_names(path)}
            return any(keys <= names for keys in _KEYS)
        if start.startswith(GZIP):
            with gzip.open(path) as file:
                start = file.read(_START)
    except (OSError, EOFError, zlib.error, FormatError):
        return False
    if is_mat5(start):
        return any(all(mark in start for mark in marks) for marks in _MARKS)
    return start[:1] in (b"\x80", b"(", b"}") and any(
        all(mark in start for mark in marks) for marks in _MARKS
    )


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_START)
    except OSError as error:
        reason = error.strerror or error
        raise FormatError(f"the file cannot be read: {reason}", path=path) from error
