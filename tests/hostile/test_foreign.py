"""NIX files of strangers: what Neo and nixio would trip over does not reach them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

import archive
from archive.experiment import foreign
from tests.hostile import attacks

EX2 = Path(__file__).parent.parent / "data" / "pynn" / "ex2.nix"
SECONDS = 30.0

pytestmark = pytest.mark.damaged


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    return Path(shutil.copy(EX2, tmp_path / "theirs.nix"))


def some_array(file: h5py.File) -> h5py.Group:
    (block,) = file["data"].values()
    return next(iter(block["data_arrays"].values()))


def unit(file: h5py.File) -> None:
    some_array(file).attrs["unit"] = "mV*9**9**9"


def unit_of_a_dimension(file: h5py.File) -> None:
    some_array(file)["dimensions"]["1"].attrs["unit"] = "ms**9**9**9"


def external_link(file: h5py.File) -> None:
    holder = some_array(file)
    del holder["data"]
    holder["data"] = h5py.ExternalLink("secret.h5", "/data")


def unallocated(file: h5py.File) -> None:
    holder = some_array(file)
    del holder["data"]
    holder.create_dataset("data", shape=(8 << 37, 1), dtype="f8", chunks=(1024, 1))


def soft_link_cycle(file: h5py.File) -> None:
    (block,) = file["data"].values()
    block["metadata"]["sections"]["around"] = h5py.SoftLink(".")


def cycle(file: h5py.File) -> None:
    section = next(iter(file["metadata"].values()))
    section.require_group("sections")["again"] = section


ATTACKS: dict[Callable[[h5py.File], None], str] = {
    unit: "no unit",
    unit_of_a_dimension: "no unit",
    external_link: "another file",
    unallocated: "far fewer are stored",
    soft_link_cycle: "a soft link",
    cycle: "that it lies in",
}


@pytest.mark.parametrize("how", ATTACKS)
def test_refused_before_neo_reads_it(theirs: Path, how: Callable[[h5py.File], None]) -> None:
    attacks.secret(theirs.parent)
    with h5py.File(theirs, "r+") as file:
        how(file)
    began = time.monotonic()
    with pytest.raises(archive.FormatError, match=ATTACKS[how]) as caught:
        archive.open(theirs)
    assert time.monotonic() - began < SECONDS
    assert caught.value.path == str(theirs)
    assert caught.value.hint


@pytest.mark.slow
def test_a_reader_that_hangs_is_ended(theirs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A global heap of zeros, in which HDF5 2.0 searches for ever."""
    content = bytearray(theirs.read_bytes())
    at = content.find(b"GCOL")
    while at >= 0:
        size = int.from_bytes(content[at + 8 : at + 16], "little")
        content[at + 16 : at + size] = bytes(size - 16)
        at = content.find(b"GCOL", at + size)
    theirs.write_bytes(content)
    monkeypatch.setattr(foreign, "SECONDS", 8.0)
    with pytest.raises(archive.FormatError, match="more than 8 s"):
        archive.open(theirs)


def test_a_reader_that_takes_too_much_is_ended(
    theirs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(
        foreign,
        "READER",
        "import sys\nsys.path[:] = sys.argv[4:]\nfrom archive.experiment import foreign\n"
        "import numpy as np\nforeign.inspect = lambda *_: np.ones(1 << 32)\n"
        "foreign.main(*sys.argv[1:4])\n",
    )
    with pytest.raises(archive.FormatError, match=r"emory|allocate"):
        archive.open(theirs)


def test_code_beside_the_file_is_not_run(
    theirs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "neo.py").write_text("raise SystemExit('code of a stranger')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [entry for entry in __import__("sys").path if entry])
    with pytest.warns(archive.ArchiveWarning, match="read-only view"):
        exp = archive.open(theirs)
    with exp:
        assert np.isfinite(exp.segments[0].signals["hh/v"].magnitude).all()
