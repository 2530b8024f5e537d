"""MATLAB 5 files are read as SciPy and Octave write them, and within bounds."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from archive.adapters.mat5_reading import variables
from archive.errors import FormatError

VALUES: dict[str, Any] = {
    "text": "a long text",
    "wide": "caf\u00e9 \u03bcV",
    "none": "",
    "rows": np.array(["ab", "cde"]),
    "double": np.arange(6.0).reshape(2, 3),
    "single": np.array([[1.5]], "f4"),
    "deep": np.arange(24, dtype="i8").reshape(2, 3, 4),
    "bytes": np.array([[1, 2, 3]], "u1"),
    "truth": np.array([[True, False]]),
    "complex": np.array([[1 + 2j, 3]]),
    "empty": np.empty((0, 3)),
    "struct": {"a": 1.0, "inner": {"b": "x"}},
}


@pytest.mark.parametrize("packed", [True, False])
def test_values(packed: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    cells = np.empty((1, 2), object)
    cells[0, 0], cells[0, 1] = np.array([[1, 2]]), "x"
    scipy.io.savemat(path, {**VALUES, "cells": cells}, do_compression=packed)
    found = variables(path, 1 << 20)
    assert found["text"] == ["a long text"]
    assert found["wide"] == ["caf\u00e9 \u03bcV"]
    assert found["rows"] == ["ab", "cde"]
    assert found["struct"]["inner"] == {"b": ["x"]}
    assert found["cells"].shape == (1, 2)
    assert found["cells"][0, 0].tolist() == [[1, 2]]
    for name in ("double", "single", "deep", "bytes", "truth", "complex", "empty"):
        np.testing.assert_array_equal(found[name], VALUES[name])
        assert found[name].dtype == VALUES[name].dtype, name


def element(kind: int, data: bytes) -> bytes:
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)


def matrix(kind: int, shape: tuple[int, ...], *rest: bytes) -> bytes:
    head = element(6, struct.pack("<II", kind, 0)) + element(5, struct.pack("<2i", *shape))
    return element(14, head + element(1, b"a") + b"".join(rest))


def nested(depth: int) -> bytes:
    inner = matrix(6, (1, 1), element(9, bytes(8)))
    for _ in range(depth):
        inner = matrix(1, (1, 1), inner)
    return inner


HOSTILE = {
    "numbers": matrix(6, (2**30, 2**30), element(9, bytes(8))),
    "few numbers": matrix(6, (2, 1), element(9, bytes(8))),
    "cells": matrix(1, (2**30, 2**30)),
    "structs": matrix(2, (2**30, 2**30), element(5, struct.pack("<i", 4)), element(1, b"")),
    "negative": matrix(6, (-1, -1), element(9, bytes(8))),
    "characters": matrix(4, (2**30, 2**30), element(16, b"abc")),
    "names": matrix(2, (1, 1), element(5, struct.pack("<i", 0)), element(1, b"abc")),
    "deep": nested(60),
    "sparse": matrix(5, (1, 1)),
    "too early": matrix(6, (1, 1), struct.pack("<II", 9, 2**31)),
    "no variable": element(9, bytes(8)),
    "bomb": element(15, zlib.compress(matrix(6, (1 << 21, 1), element(9, bytes(8 << 21))))),
    "no zlib": element(15, b"abcdefgh"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_claimed_must_be_there(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + HOSTILE[name])
    with pytest.raises(FormatError) as caught:
        variables(path, 1 << 20)
    assert caught.value.path == str(path)
