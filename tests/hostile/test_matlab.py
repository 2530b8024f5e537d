"""Damaged and hostile MATLAB files: refused with a FormatError, or read; in bounds of time and
memory."""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io

import schemas
from archive.adapters.mat import Mat
from archive.entry import Entry
from archive.errors import FormatError
from tests.formats.matlab_73 import fields, file_73, fill, headed
from tests.formats.matlab_examples import Given, rich_runs
from tests.typed import of_kind

pytestmark = pytest.mark.damaged

THEIRS = Path(scipy.io.__file__).parent / "matlab" / "tests" / "data"
PYNN = Path(__file__).resolve().parent.parent / "data" / "matlab" / "ex2.mat"
REAL = (
    "testcell_7.1_GLNX86.mat", "teststructarr_6.5.1_GLNX86.mat", "testsparse_7.4_GLNX86.mat",
    "testdouble_4.2c_SOL2.mat", "teststring_4.2c_SOL2.mat", "testsparse_4.2c_SOL2.mat",
    "teststringarray_7.4_GLNX86.mat", "testobject_6.1_SOL2.mat", "big_endian.mat",
)  # fmt: skip
SAMPLES = len(REAL) + 5
SECONDS = 2.0


def samples(folder: Path) -> list[Path]:
    found = [THEIRS / name for name in REAL if (THEIRS / name).exists()]
    for version in ("5", "7.3"):
        path = folder / f"own-{version}.mat"
        Mat().write(Given(rich_runs), path, version=version)
        found.append(path)
    packed = folder / "packed.mat"
    scipy.io.savemat(packed, {"a": np.arange(99.0), "s": {"b": ["x", "yz"]}}, do_compression=True)
    return [*found, packed, file_73(folder / "matlab-7.3.mat"), PYNN]


def damaged(data: bytes, number: int) -> bytes:
    """A damaged copy, the same for each number: bytes changed, parts cut out, or put elsewhere."""
    chance = random.Random(number)
    held = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8))):
        at = chance.randrange(len(held))
        way = chance.randrange(5)
        if way == 0:
            held[at] ^= 1 << chance.randrange(8)
        elif way == 1:
            held[at : at + 4] = chance.choice((bytes(4), b"\xff" * 4, b"\xff\xff\xff\x7f"))
        elif way == 2 and len(held) > 200:
            del held[at : at + chance.choice((1, 4, 8, 100))]
        elif way == 3:
            held[at:at] = held[: chance.choice((1, 8, 64))]
        else:
            held[at] = chance.randrange(256)
    return bytes(held)


def exhausted(entries: Any) -> None:
    for entry in entries:
        assert isinstance(entry, Entry)
        for array in entry.arrays.values():
            np.asarray(array)
        exhausted(entry.parts)


def survives(sources: list[Path], first: int, count: int, folder: Path) -> None:
    """Read damaged copies of each file; where it goes wrong, say of which and what."""
    for source in sources:
        data = source.read_bytes()
        path = folder / f"damaged-{source.name}"
        for number in range(first, first + count):
            path.write_bytes(damaged(data, number))
            began = time.process_time()
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    Mat().recognises(path)
                    exhausted(Mat().read(path))
            except FormatError as error:
                if isinstance(error.__cause__, MemoryError):
                    raise AssertionError(f"{source.name} {number}: memory") from error
            except BaseException as error:
                raise AssertionError(f"{source.name} {number}: {error!r}") from error
            took = time.process_time() - began
            assert took < SECONDS, f"{source.name} {number}: {took:.1f} s"


CHILD = """
import sys
sys.path[:] = sys.argv[4:]
from tests.hostile.test_matlab import main
main(*sys.argv[1:4])
"""


def main(listed: str, first: str, count: str) -> None:
    """In a process of its own, of limited memory, that ends where reading does not."""
    sources = [Path(name) for name in json.loads(listed)]
    exhausted(Mat().read(sources[0]))  # imports
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    largest = max(source.stat().st_size for source in sources)
    limit = used + (200 << 20) + 50 * largest
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    survives(sources, int(first), int(count), sources[0].parent)


def fuzzed(sources: list[Path], first: int, count: int) -> None:
    listed = json.dumps([str(source) for source in sources])
    done = subprocess.run(
        [sys.executable, "-c", CHILD, listed, str(first), str(count), *sys.path],
        capture_output=True,
        text=True,
        check=False,
        timeout=60 + 0.5 * count * len(sources),
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.skipif(sys.platform != "linux", reason="only there memory can be limited so")
def test_damaged_files_are_refused_or_read(tmp_path: Path) -> None:
    made = samples(tmp_path)
    copies = [path if path.parent == tmp_path else _copied(path, tmp_path) for path in made]
    fuzzed(copies, 0, 25)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only there memory can be limited so")
@pytest.mark.parametrize("part", range(5))
@pytest.mark.parametrize("number", range(SAMPLES))
def test_five_thousand_damaged_copies_of_each(number: int, part: int, tmp_path: Path) -> None:
    made = samples(tmp_path)
    if number < len(made):
        path = made[number]
        copy = path if path.parent == tmp_path else _copied(path, tmp_path)
        fuzzed([copy], 1000 * (1 + part), 1000)


def _copied(path: Path, folder: Path) -> Path:
    target = folder / path.name
    target.write_bytes(path.read_bytes())
    return target


def around(file: h5py.File) -> None:
    """A cell that contains itself by a reference."""
    cell = file["#refs#"].create_dataset("around", (1, 1), h5py.ref_dtype)
    cell.attrs["MATLAB_class"] = np.bytes_("cell")
    cell[0, 0] = cell.ref
    file["cell"] = file["cells"]
    file["cells"][0, 0] = cell.ref


def elsewhere(file: h5py.File) -> None:
    file["cells"][0, 0] = file["matrix"].ref


def nowhere(file: h5py.File) -> None:
    del file["#refs#/one"]


def linked(file: h5py.File) -> None:
    file["out"] = h5py.ExternalLink("secret.h5", "/data")


def softly(file: h5py.File) -> None:
    file["soft"] = h5py.SoftLink("/matrix")


def circle(file: h5py.File) -> None:
    file["struct/inner/again"] = file["struct"]


def huge(file: h5py.File) -> None:
    made = file.create_dataset("huge", (1 << 40,), "f8", chunks=(1 << 10,))
    made.attrs["MATLAB_class"] = np.bytes_("double")


def tall(file: h5py.File) -> None:
    made = file.create_dataset("tall", data=np.array([1 << 60, 1 << 60], "u8"))
    made.attrs["MATLAB_class"], made.attrs["MATLAB_empty"] = np.bytes_("struct"), np.uint8(1)


def varying(file: h5py.File) -> None:
    del file["matrix"].attrs["MATLAB_class"]
    file["matrix"].attrs["MATLAB_class"] = "double"  # of varying length


def deep(file: h5py.File) -> None:
    group = file
    for _ in range(60):
        group = group.create_group("s")
        group.attrs["MATLAB_class"] = np.bytes_("struct")


ATTACKS: dict[Callable[[h5py.File], None], str] = {
    around: "contains itself",
    elsewhere: "a reference to elsewhere",
    nowhere: "damaged|elsewhere|nothing",
    linked: "another file",
    softly: "a soft link",
    circle: "that it lies in",
    huge: "memory",
    tall: "structs",
    varying: "nothing that MATLAB writes",
    deep: "nested deeper",
}


def other(group: h5py.Group) -> None:
    fields(group, ["b", "inner", "c"])


def fewer(group: h5py.Group) -> None:
    fields(group, ["b", "inner"])


def whole(group: h5py.Group) -> None:
    group.attrs["MATLAB_fields"] = ["b", "inner", "a"]  # texts, not their characters


@pytest.mark.parametrize("way", [other, fewer, whole])
def test_a_list_of_fields_that_is_none_is_not_followed(
    way: Callable[[h5py.Group], None], tmp_path: Path
) -> None:
    path = tmp_path / "a.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        fill(file)
        del file["struct"].attrs["MATLAB_fields"]
        way(file["struct"])
    models = [of_kind(schemas.KeyedValue, one) for one in Mat().read(headed(path))]
    found: dict[str, Any] = {model.key: model.value for model in models}
    assert list(found["struct"]) == ["a", "b", "inner"]


@pytest.mark.parametrize("damage", ["the heap", "the length"])
def test_a_list_of_fields_that_hdf5_cannot_read_is_not_read(damage: str, tmp_path: Path) -> None:
    """It does not return from a heap without an end, and reads beyond one that is too short."""
    path = file_73(tmp_path / "a.mat")
    content = bytearray(path.read_bytes())
    heap = content.index(b"GCOL")
    if damage == "the heap":
        content[heap + 16 : heap + 32] = bytes(16)
    else:
        address = (heap - 512).to_bytes(8, "little")  # behind MATLAB's own header
        at = content.index(address, content.index(b"MATLAB_fields"))
        content[at - 4 : at] = (1 << 30).to_bytes(4, "little")
    path.write_bytes(content)
    exhausted(Mat().read(path))


@pytest.mark.parametrize("attack", ATTACKS)
def test_hostile_files_of_version_73(attack: Callable[[h5py.File], None], tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        fill(file)
        attack(file)
    headed(path)
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["data"] = 1.0
    began = time.monotonic()
    with pytest.raises(FormatError, match=ATTACKS[attack]) as caught:
        exhausted(Mat().read(path))
    assert caught.value.path == str(path)
    assert time.monotonic() - began < 30
