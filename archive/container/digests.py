"""Digests by which a changed bit is found: of the arrays of a part, and of each document.

XXH3-128: it runs as fast as memory is read, and finds accidents. It is no proof against somebody
who means to deceive (docs/decisions/0010).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import prod
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from xxhash import xxh3_128

from archive.entry import ArrayLike

# What stands for the line before the first.
BEGINNING: Final = b"0" * 32
# Behind the JSON of a line: a tab, the digest, a newline.
TRAILER: Final = 34
_STEP: Final = 1 << 25  # bytes that are read, or made contiguous, at a time


def array_digest(arrays: Mapping[str, ArrayLike], algorithm: Callable[[], Any] = xxh3_128) -> bytes:
    """The digest of the arrays of a part, as they lie in the file: name, dtype, shape and bytes of
    each in turn; texts for labels. Arrays on disk are read a piece at a time, in `pieces` of their
    own if they have such. Another `algorithm` is one of hashlib."""
    state = algorithm()
    for name, array in arrays.items():
        if array.dtype.hasobject:
            content = packed(np.asarray(array).tolist())
            state.update(f"{name} text {array.shape[0]}\n".encode())
            state.update(content)
            continue
        shape = " ".join(map(str, array.shape))
        state.update(f"{name} {array.dtype.str} {shape}\n".encode())
        for piece in _pieces(array):
            state.update(piece.data)
    return bytes(state.hexdigest().encode())


def _pieces(array: ArrayLike) -> Iterable[npt.NDArray[Any]]:
    own = getattr(array, "pieces", None)
    if own is not None:
        yield from own()
        return
    if isinstance(array, np.ndarray) and array.flags.c_contiguous:
        yield array
        return
    rows = array.shape[0]
    size = prod(array.shape) * array.dtype.itemsize
    step = rows if size <= _STEP else max(1, rows * _STEP // size)
    for start in range(0, rows if size else 0, max(1, step)):
        yield np.ascontiguousarray(array[start : start + step])


def packed(texts: Iterable[str]) -> bytes:
    """Texts in UTF-8, each ended by NUL; one inside is the two bytes of modified UTF-8."""
    return b"".join(str(text).encode().replace(b"\0", b"\xc0\x80") + b"\0" for text in texts)


def line_digest(before: bytes, document: bytes, rows: bytes) -> bytes:
    """The digest of a line of the records: over that of the line before it, its document, and the
    rows of tables that came with it."""
    state = xxh3_128(before)
    state.update(document)
    state.update(rows)
    return state.hexdigest().encode()


def line(before: bytes, document: bytes, rows: bytes = b"") -> bytes:
    """A line of the records."""
    return document + b"\t" + line_digest(before, document, rows) + b"\n"
