"""``.npy`` and ``.npz`` files, whose objects are pickles: read, bounded, and not run."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archive.adapters.npy import npy_array, npz_arrays
from archive.adapters.unpickling import Limits
from archive.errors import FormatError
from tests.unit.test_unpickling import ARRAYS, Runs, equal


def saved(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: str(array.dtype)[:20])
def test_npy(array: Any) -> None:
    assert equal(npy_array(saved(array), "x"), array)


def test_npz_with_objects_and_a_stray_option(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    np.savez_compressed(path, a=np.arange(3), b=np.array({"c": [1]}, object))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("allow_pickle.npy", saved(np.array(True)))
    found = npz_arrays(path)
    assert set(found) == {"a", "b"}
    assert found["b"].item() == {"c": [1]}


def test_objects_in_npz_are_not_run(tmp_path: Path) -> None:
    path, mark = tmp_path / "net.npz", tmp_path / "mark"
    np.savez(path, a=np.array(Runs(open, str(mark), "w"), object))
    with pytest.raises(FormatError, match=r"open") as caught:
        npz_arrays(path)
    assert not mark.exists()
    assert caught.value.entry == "a"


def zipped(path: Path, members: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_bombs_and_strange_members(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    zipped(path, {"a.npy": saved(np.zeros(1_000_000))})
    with pytest.raises(FormatError, match="more than"):
        npz_arrays(path, limits=Limits(size=1_000_000))
    zipped(path, {"a.txt": b"hello"})
    with pytest.raises(FormatError, match="no array"):
        npz_arrays(path)
    zipped(path, {"a.npy": saved(np.zeros(9))}, zipfile.ZIP_BZIP2)
    with pytest.raises(FormatError, match="unknown way"):
        npz_arrays(path)
    whole = bytearray(zipped(path, {"a.npy": saved(np.zeros(9))}).read_bytes())
    central = whole.rindex(b"PK\x01\x02")
    whole[central + 24 : central + 28] = struct.pack("<I", 2**31)
    path.write_bytes(whole)
    with pytest.raises(FormatError, match="claims"):
        npz_arrays(path)
    path.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(FormatError, match="damaged"):
        npz_arrays(path)


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}",
        b"{'descr': 'O', 'fortran_order': False, 'shape': (1,)}",
        b"{'descr': [('a', 'O')], 'fortran_order': False, 'shape': (1,)}",
        b"{'descr': __import__('os'), 'fortran_order': False, 'shape': (1,)}",
        b"{'shape': (1,)}",
        b"[" * 5000,
        b"",
    ],
)
def test_hostile_headers(header: bytes) -> None:
    data = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(8)
    with pytest.raises(FormatError):
        npy_array(data, "x")


def test_a_member_that_claims_more_than_the_file_has_is_refused(tmp_path: Path) -> None:
    # Python's zipfile would reserve what a stored member claims.
    path = zipped(tmp_path / "x.npz", {"a.npy": saved(np.zeros(9))}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\x01\x02") + 20
    content[at : at + 4] = (1 << 30).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(FormatError, match="claim more bytes than it has"):
        npz_arrays(path)
