"""Damaged pickles, arrays and shelves: refused by FormatError, or read; nothing worse.

The quick number of damaged copies is that of the suites of `archive.testing`; here it is as large
as an afternoon's patience, by the variable ARCHIVE_FUZZ, 400 for each reader without it.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archive.adapters.npz import Npy, Npz
from archive.adapters.pickles import Pickle
from archive.adapters.shelves import Shelves
from archive.testing import Given, fuzz, sample
from tests.formats.old_files_fuzzed import DATA, Beside

COPIES = int(os.environ.get("ARCHIVE_FUZZ", "400"))
PICKLES = DATA.parent / "pickles"
SINGLE = [
    "bdb_big",
    "bdb_little",
    "gdbm123",
    "ndbm_berkeley.db",
    "sqlite313",
    "sdbm.pag",
    "bsd_big.db",
]


def findings(reader: Any, files: list[Path], copies: int) -> list[str]:
    return [str(found) for found in fuzz(reader, files, range(copies))]


@pytest.mark.parametrize("copies", [60, pytest.param(COPIES, marks=pytest.mark.slow)])
def test_damaged_pickles(copies: int) -> None:
    files = [*PICKLES.glob("*.pkl"), *PICKLES.glob("*/*.pkl"), *PICKLES.glob("*.pickle")]
    assert not findings(Pickle(), files, copies)


@pytest.mark.parametrize("copies", [30, pytest.param(COPIES, marks=pytest.mark.slow)])
def test_damaged_arrays(tmp_path: Path, copies: int) -> None:
    np.savez(tmp_path / "x.npz", a=np.arange(3), objects=np.array([[1], {"b": 2.5}], object))
    Npz().write(Given(sample()), tmp_path / "own.npz", compressed=False)
    np.save(tmp_path / "x.npy", np.array([[1], {"b": 2.5}], object))
    np.save(tmp_path / "y.npy", np.arange(6.0).reshape(2, 3))
    (tmp_path / "z.gz").write_bytes(gzip.compress((tmp_path / "x.npy").read_bytes()))
    assert not findings(Npz(), [tmp_path / "x.npz", tmp_path / "own.npz"], copies)
    assert not findings(Npy(), [tmp_path / name for name in ("x.npy", "y.npy", "z.gz")], copies)


@pytest.mark.parametrize("copies", [60, pytest.param(COPIES, marks=pytest.mark.slow)])
def test_damaged_shelves(copies: int) -> None:
    assert not findings(Shelves(), [DATA / name for name in SINGLE], copies)


@pytest.mark.parametrize("copies", [20, pytest.param(COPIES, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("damaged", "other"),
    [
        ("dumb27.dir", "dumb27.dat"),
        ("dumb312.dat", "dumb312.dir"),
        ("sqlite313_unclosed-wal", "sqlite313_unclosed"),
    ],
)
def test_damaged_files_of_a_shelf(damaged: str, other: str, copies: int) -> None:
    assert not findings(Beside(damaged, other), [DATA / damaged], copies)
