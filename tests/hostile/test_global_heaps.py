"""Heaps of texts from which HDF5 does not return are found before it reads them, and in bounded
time."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from archive.adapters import global_heaps
from archive.adapters.global_heaps import check_heaps
from archive.errors import FormatError

pytestmark = pytest.mark.damaged

# of the superblock they are 0, 2 and 3
VERSIONS = (h5py.h5f.LIBVER_EARLIEST, h5py.h5f.LIBVER_V18, h5py.h5f.LIBVER_LATEST)


def texts(
    path: Path, width: int = 8, userblock: int = 0, version: int = h5py.h5f.LIBVER_V18
) -> bytearray:
    """The content of a file with texts of 5 and 3 bytes, and with lengths of that width."""
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_libver_bounds(version, h5py.h5f.LIBVER_LATEST)
    made = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    made.set_sizes(8, width)
    made.set_userblock(userblock)
    with h5py.File(h5py.h5f.create(bytes(path), h5py.h5f.ACC_TRUNC, made, access)) as file:
        file.attrs["text"] = "hello"
        file.attrs["texts"] = np.array(["a", "bcd"], object)
    return bytearray(path.read_bytes())


@pytest.mark.parametrize("width", [2, 4, 8])
@pytest.mark.parametrize("userblock", [0, 1024])
@pytest.mark.parametrize("version", VERSIONS)
def test_sound_heaps_are_passed(width: int, userblock: int, version: int, tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    texts(path, width, userblock, version)
    assert check_heaps(path) == 24  # of the head and the five bytes


@pytest.mark.parametrize(
    ("index", "taken", "width"),
    [
        (0, 0, 8),
        (1, 2**64 - 16, 8),  # its sum with the head is none in 64 bits
        (1, 2**64 - 20, 8),
        (0, 1 << 32, 4),  # of which the upper half is padding
        (0, 1 << 16, 2),
    ],
)
@pytest.mark.parametrize("reserved", [0, 7])
@pytest.mark.parametrize("version", VERSIONS)
def test_objects_that_take_no_bytes(
    index: int, taken: int, width: int, reserved: int, version: int, tmp_path: Path
) -> None:
    path = tmp_path / "a.h5"
    content = texts(path, width, 512, version)
    at = content.index(b"GCOL")
    content[at + 5] = reserved  # HDF5 does not look at it
    struct.pack_into("<HHIQ", content, at + 16, index, 1, 0, taken)
    path.write_bytes(content)
    with pytest.raises(FormatError, match="a heap of texts has no end") as caught:
        check_heaps(path)
    assert caught.value.path == str(path)


def test_heaps_in_each_other_take_no_time(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    unit = struct.pack("<5s3xQHHIQ", b"GCOL\x01", 1 << 40, 1, 1, 0, 16)
    path.write_bytes(bytes(texts(path)) + unit * (1 << 15))
    began = time.process_time()
    with pytest.raises(FormatError, match="in each other"):
        check_heaps(path)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(("version", "at"), [*zip(VERSIONS, (14, 10, 10), strict=True)])
def test_lengths_of_other_widths_are_refused(version: int, at: int, tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    content = texts(path, version=version)
    assert content[at] == 8
    content[at] = 16
    path.write_bytes(content)
    with pytest.raises(FormatError, match="lengths have 16 bytes"):
        check_heaps(path)


def test_a_large_file_is_looked_through_as_far_as_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.h5"
    content = texts(path)
    at = content.index(b"GCOL") + 16
    content[at : at + 16] = bytes(16)
    path.write_bytes(content + bytes(1 << 16))
    monkeypatch.setattr(global_heaps, "_LIMIT", 1)
    monkeypatch.setattr(global_heaps, "_ENDS", 512)
    check_heaps(path)
    with pytest.raises(FormatError, match="no end"):
        check_heaps(path, whole=True)
