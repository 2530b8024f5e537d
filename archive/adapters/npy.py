"""NumPy's ``.npy`` and ``.npz`` files from strangers, with members that are pickles read as
`unpickled` reads them.

The format is described in ``numpy.lib.format``.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.adapters.bounded import zip_members
from archive.adapters.pickle_values import PendingDtype, arranged, sound_shape
from archive.adapters.unpickling import DAMAGE, Constructor, Limits, unpickled
from archive.errors import FormatError

MAGIC = b"\x93NUMPY"
_HEADER = 1 << 16
# np.savez of NumPy 1 had no option of this name, and took it for an array.
_STRAY = "allow_pickle"

Arrays = dict[str, npt.NDArray[Any]]


def npz_arrays(
    path: Path,
    *,
    allowed: Mapping[tuple[str, str], Constructor] | None = None,
    encoding: str = "ASCII",
    limits: Limits | None = None,
) -> Arrays:
    """The arrays in a ``.npz`` file by name, writable; see `unpickled` for the options.

    A member ``allow_pickle`` that is no more than a stray option of the writer is left out.
    Raises FormatError, naming file and member, for what is no array or does not fit the limits.
    """
    limits = limits or Limits()
    found: Arrays = {}
    for member, data in zip_members(path, limits.size):
        name = member.removesuffix(".npy")
        if name == member or not data.startswith(MAGIC):
            raise FormatError(f"the member {member!r:.100} is no array of NumPy", path=path)
        found[name] = npy_array(
            data, path, member=name, allowed=allowed, encoding=encoding, limits=limits
        )
    if _STRAY in found and len(found) > 1:
        stray = found[_STRAY]
        if stray.shape == () and stray.dtype == bool:
            del found[_STRAY]
    return found


def npy_array(
    data: bytes,
    where: str | Path,
    *,
    member: str | None = None,
    allowed: Mapping[tuple[str, str], Constructor] | None = None,
    encoding: str = "ASCII",
    limits: Limits | None = None,
) -> npt.NDArray[Any]:
    """The array in the bytes of a ``.npy`` file; see `unpickled` for the options."""
    try:
        dtype, shape, order, start = _header(data)
        if not dtype.hasobject:
            return arranged(memoryview(data)[start:], dtype, shape, order)
        value = unpickled(data[start:], where, allowed=allowed, encoding=encoding, limits=limits)
        if not (isinstance(value, np.ndarray) and value.size == math.prod(shape)):
            raise FormatError("the objects are not as many as the header says")
        return value.reshape(shape)
    except FormatError as error:
        text = error.message
        raise FormatError(text, path=where, entry=member, hint=error.hint) from error.__cause__
    except (*DAMAGE, SyntaxError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise FormatError(
            f"the array is damaged ({reason:.200})", path=where, entry=member
        ) from error


def _header(data: bytes) -> tuple[np.dtype[Any], tuple[int, ...], str, int]:
    """dtype, shape, order, and where the data begin."""
    if not data.startswith(MAGIC) or len(data) < 12 or data[6] not in (1, 2, 3):
        raise FormatError("there is no header of NumPy")
    start = 10 if data[6] == 1 else 12
    length = int.from_bytes(data[8:start], "little")
    if length > _HEADER or start + length > len(data):
        raise FormatError("the header of the array is too long")
    text = data[start : start + length].decode("utf-8" if data[6] == 3 else "latin1")
    header = ast.literal_eval(text.strip())  # only literals, and only a few of them
    if not isinstance(header, dict) or set(header) != {"descr", "fortran_order", "shape"}:
        raise FormatError("the header of the array is not sound")
    order = "F" if header["fortran_order"] is True else "C"
    return _dtype(header["descr"]), sound_shape(header["shape"]), order, start + length


def _dtype(descr: Any) -> np.dtype[Any]:
    if isinstance(descr, str):
        return _one(descr)
    if not (isinstance(descr, list) and descr):
        raise FormatError("the header of the array has no sound dtype")
    fields: list[Any] = []
    for field in descr:
        if not (isinstance(field, tuple) and 2 <= len(field) <= 3 and isinstance(field[0], str)):
            raise FormatError("the header of the array has no sound dtype")
        kind = _one(field[1])
        if kind.hasobject:
            raise FormatError("a structured dtype with objects is not read")
        fields.append((field[0], kind, *map(sound_shape, field[2:])))
    return np.dtype(fields)


def _one(text: Any) -> np.dtype[Any]:
    if isinstance(text, str) and text[1:4] in ("M8[", "m8["):
        if len(text) > 12 or not text.endswith("]"):
            raise FormatError(f"the dtype {text!r:.60} is not read")
        return np.dtype(text)
    return PendingDtype(text).dtype
