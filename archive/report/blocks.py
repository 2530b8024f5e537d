"""Blocks of data inside the page: compressed, in base64, which no text can break out of."""

from __future__ import annotations

import json
import zlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt

AnyArray = npt.NDArray[Any]
_ALIGNED = 8  # as typed arrays of JavaScript have to lie
_AROUND = 80  # bytes of markup around a block, at most


def packed(head: Mapping[str, Any], arrays: Sequence[AnyArray] = ()) -> str:
    """A head and arrays as one text: base64 of zlib of the length of the head (uint32), the head
    in JSON, and the arrays, little-endian, each at a multiple of 8 bytes.

    ``head["arrays"]`` has dtype, offset from the end of the head, and length of each.
    """
    content, places, at = [], [], 0
    for array in arrays:
        data = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes()
        places.append([array.dtype.name, at, array.size])
        padding = -len(data) % _ALIGNED
        content.append(data + bytes(padding))
        at += len(data) + padding
    text = json.dumps({**head, "arrays": places}, allow_nan=False, separators=(",", ":"))
    text += " " * (-(len(text) + 4) % _ALIGNED)
    packing = zlib.compressobj(9)
    raw = [len(text).to_bytes(4, "little"), text.encode("ascii"), *content]
    return b64encode(b"".join(map(packing.compress, raw)) + packing.flush()).decode("ascii")


class Blocks:
    """Writes blocks into the page, and keeps count of the bytes that each share has left."""

    def __init__(self, file: TextIO, shares: Mapping[str, int]) -> None:
        self._file = file
        self._left = dict(shares)

    def left(self, share: str) -> int:
        """How many bytes may still be written of a share."""
        return self._left[share]

    def fits(self, share: str, text: str) -> bool:
        return len(text) + _AROUND <= self._left[share]

    def put(self, share: str, name: str, text: str) -> None:
        """Write a block that is found by its name. `name` is ours, never from an archive."""
        line = f'<script type="text/plain" data-block="{name}">{text}</script>\n'
        self._left[share] -= len(line)
        self._file.write(line)
