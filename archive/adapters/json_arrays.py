"""Arrays in JSON: their items in base64, or written out."""

from __future__ import annotations

import json
import math
from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.entry import ArrayLike
from archive.errors import FormatError
from schemas.v1.value import itemsize

TEXT = "text"  # for arrays of Python's texts, which have no dtype of the contract
_BLOCK = 3 << 20  # bytes at a time; of a whole number of characters of base64
_AXES = 32  # as many as NumPy 1 has
_SPARSE = 1 << 26  # bytes of texts, mostly blanks; more are not written out, nor read so


def written(array: ArrayLike, inline: bool) -> Iterator[str]:
    """The JSON text of an array, in pieces; no more than some megabytes of it are read at once.

    Raises FormatError for a dtype that the contract has not.
    """
    dtype = _dtype(array)
    head = {"dtype": dtype, "shape": list(array.shape)}
    yield f"{json.dumps(head)[:-1]}, "
    if dtype == TEXT or (inline and _is_dense(dtype, math.prod(array.shape))):
        yield '"values": ['
        separator = ""
        for block in _blocks(array):
            yield separator + _items(block, dtype)
            separator = ", "
        yield "]}"
    else:
        yield '"data": "'
        left = b""
        for block in _blocks(array):
            data = left + block.astype(dtype, copy=False).tobytes()
            whole = len(data) // 3 * 3
            left = data[whole:]
            yield b64encode(data[:whole]).decode("ascii")
        yield b64encode(left).decode("ascii") + '"}'


def _is_dense(dtype: str, count: int) -> bool:
    """Whether the items written out say about as much as the array takes in memory."""
    return dtype[1] not in "SU" or count * itemsize(dtype) <= _SPARSE


def _dtype(array: ArrayLike) -> str:
    if array.dtype.kind == "O":
        return TEXT
    text = array.dtype.newbyteorder("<").str
    try:
        itemsize(text)
    except ValueError as error:
        raise FormatError(str(error)) from None
    return text


def _blocks(array: ArrayLike) -> Iterator[npt.NDArray[Any]]:
    """All items in C order, in arrays with one axis; none if there are none."""
    if not array.shape:
        yield np.asarray(array).reshape(1)
        return
    if not math.prod(array.shape):
        return
    row = math.prod(array.shape[1:]) * max(1, array.dtype.itemsize)
    step = max(1, _BLOCK // row)
    for first in range(0, array.shape[0], step):
        yield np.ascontiguousarray(array[first : first + step]).reshape(-1)


def _items(block: npt.NDArray[Any], dtype: str) -> str:
    """The items of a block, with commas between."""
    items: list[Any]
    if dtype == TEXT:
        items = [_text(item) for item in block.tolist()]
    elif dtype[1] in "biuU":
        items = block.tolist()
    elif dtype[1] == "S":
        items = [item.decode("latin-1") for item in block.tolist()]
    elif dtype[1] in "mM":
        items = block.astype("<i8").tolist()
    elif dtype[1] == "f":
        items = _floats(block)
    else:
        pairs = zip(_floats(block.real), _floats(block.imag), strict=True)
        items = [list(pair) for pair in pairs]
    return json.dumps(items, allow_nan=False)[1:-1]


def _floats(block: npt.NDArray[Any]) -> list[Any]:
    """Numbers; text for what JSON has no number for, or none with so many digits."""
    if block.dtype.itemsize > 8:
        return [str(item) for item in block]
    items: list[float] = block.astype(np.float64).tolist()
    if np.isfinite(block).all():
        return items
    return [item if math.isfinite(item) else repr(item) for item in items]


def _text(item: object) -> str:
    if isinstance(item, bytes):  # what HDF5 gives for its UTF-8
        item = item.decode()
    if not isinstance(item, str):
        raise FormatError(f"an array of {type(item).__name__} objects has no place in JSON")
    return item


def array_of(document: Any) -> npt.NDArray[Any]:
    """The array that `written` wrote. Raises FormatError, or ValueError, for what it does not."""
    if not isinstance(document, dict):
        raise FormatError(f"an array is an object, not {type(document).__name__}")
    unknown = document.keys() - {"dtype", "shape", "data", "values"}
    dtype, shape = document.get("dtype"), document.get("shape")
    if unknown or not isinstance(dtype, str) or not isinstance(shape, list):
        raise FormatError("an array has dtype, shape, and data or values")
    if ("data" in document) == ("values" in document):
        raise FormatError("an array has either data or values")
    if len(shape) > _AXES or any(type(n) is not int or not 0 <= n < 2**63 for n in shape):
        raise FormatError(f"{shape!r:.60} is no shape")
    size = 0 if dtype == TEXT else itemsize(dtype)
    flat = _decoded(document, dtype) if "data" in document else _listed(document["values"], dtype)
    if len(flat) != math.prod(shape):
        raise FormatError(f"the shape {shape!r:.60} has {math.prod(shape)} items, not {len(flat)}")
    if math.prod(filter(None, shape)) * max(1, size) >= 2**63:
        raise FormatError(f"{shape!r:.60} is more than any array can be")
    return flat.reshape(shape)


def _decoded(document: dict[str, Any], dtype: str) -> npt.NDArray[Any]:
    text, size = document.pop("data"), 0 if dtype == TEXT else itemsize(dtype)
    if not isinstance(text, str):
        raise FormatError("data are text in base64")
    if dtype == TEXT:
        raise FormatError("an array of text has values, not data")
    data = bytearray(b64decode(text, validate=True))
    if not size:
        # of items without a byte nobody can tell how many there are, but for the shape
        if data:
            raise FormatError(f"{len(data)} bytes are not items of {dtype}")
        return np.zeros(_count_of_nothing(document["shape"]), dtype)
    if len(data) % size:
        raise FormatError(f"{len(data)} bytes are no whole number of {dtype}")
    return np.frombuffer(data, dtype)


def _count_of_nothing(shape: list[int]) -> int:
    count = math.prod(shape)
    if count > 2**20:
        raise FormatError(f"{count} items without a byte are no array that was recorded")
    return count


def _listed(values: Any, dtype: str) -> npt.NDArray[Any]:
    if not isinstance(values, list):
        raise FormatError("values are a list")
    kind = "O" if dtype == TEXT else dtype[1]
    accepted = _ACCEPTED[kind]
    for item in values:
        if type(item) not in accepted:
            raise FormatError(f"{item!r:.40} is no item of an array of {dtype}")
    if kind != "O" and not _is_dense(dtype, len(values)):
        raise FormatError(f"{len(values)} items of {dtype} are written as data, not as values")
    if kind == "O":
        return np.array([*map(_unicode, values), None], object)[:-1]
    if kind == "U":
        return _fitting(list(map(_unicode, values)), dtype)
    if kind == "S":
        return _fitting([v.encode("latin-1") for v in values], dtype)
    if kind in "mM":
        return np.array(values, "<i8").astype(dtype)
    if kind == "c":
        return _complex(values, dtype)
    if kind == "f":
        return _real(values, dtype)
    try:
        return np.array(values, dtype)
    except OverflowError:
        raise FormatError(f"an integer is beyond what {dtype} holds") from None


def _fitting(values: list[str] | list[bytes], dtype: str) -> npt.NDArray[Any]:
    # before anything is made of them: one long text makes an array of many short ones a huge one
    longest = max(map(len, values), default=0)
    if longest > itemsize(dtype) // (4 if dtype[1] == "U" else 1):
        raise FormatError(f"a text of {longest} characters does not fit into {dtype}")
    return np.array(values, dtype[1]).astype(dtype)


def _real(values: list[Any], dtype: str) -> npt.NDArray[Any]:
    if itemsize(dtype) > 8:
        made = np.empty(len(values), dtype)
        for at, item in enumerate(values):
            made[at] = np.longdouble(_plain(item) if isinstance(item, str) else item)
        return made
    numbers = [_special(item) if isinstance(item, str) else float(item) for item in values]
    with np.errstate(over="ignore"):
        made = np.array(numbers, np.float64).astype(dtype)
    if np.isinf(made).sum() > sum(map(math.isinf, numbers)):
        raise FormatError(f"a number is beyond what {dtype} holds")
    return made


def _special(text: str) -> float:
    if text not in ("nan", "inf", "-inf"):
        raise FormatError(f"{text!r:.40} is no number")
    return float(text)


def _plain(text: str) -> str:
    if len(text) > 60:
        raise FormatError(f"{text!r:.40} is no number of an array")
    return text


def _complex(values: list[Any], dtype: str) -> npt.NDArray[Any]:
    half = f"<f{itemsize(dtype) // 2}"
    for pair in values:
        if len(pair) != 2 or any(type(part) not in _ACCEPTED["f"] for part in pair):
            raise FormatError(f"{pair!r:.60} is no complex number: real and imaginary part are")
    made = np.empty(len(values), dtype)
    made.real = _real([pair[0] for pair in values], half)
    made.imag = _real([pair[1] for pair in values], half)
    return made


def _unicode(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise FormatError(f"{text!r:.40} is no valid Unicode") from None
    return text


_ACCEPTED: dict[str, frozenset[type]] = {
    "b": frozenset((bool,)),
    "i": frozenset((int,)),
    "u": frozenset((int,)),
    "m": frozenset((int,)),
    "M": frozenset((int,)),
    "f": frozenset((int, float, str)),
    "c": frozenset((list,)),
    "U": frozenset((str,)),
    "S": frozenset((str,)),
    "O": frozenset((str,)),
}
