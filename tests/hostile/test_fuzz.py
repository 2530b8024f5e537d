"""Thousands of damaged archives: opening, reading and checking one ends, in errors of ours."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.mutations import Mutations, originals
from tests.hostile.reading import SUMMARY

ROOT = Path(__file__).resolve().parents[2]
BATCH = 250
PIECE = 1000  # files in one slow test, which then ends well before its limit of time

pytestmark = pytest.mark.damaged


def faults(folder: Path, first: int, last: int) -> Iterator[str]:
    """What the damaged copies of these numbers did that they must not."""
    while first < last:
        done = subprocess.run(
            [sys.executable, "-m", "tests.hostile.reading", str(folder), str(first), str(last)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        lines = done.stdout.splitlines()
        yield from (line for line in lines if "raised" in line)
        if done.returncode == 0 and lines[-1].startswith(SUMMARY):
            opened, read = map(int, lines[-1].split()[1:])
            # most damage must get past the first look, or nothing behind it is tried
            if opened < (last - first) // 3:
                yield f"only {opened} of {read} from {first} on could be opened"
            return
        begun = [int(line.split()[0]) for line in lines if line[:1].isdigit()]
        if not begun:
            yield f"nothing was read: {done.stderr}"
            return
        yield f"{begun[-1]} ended the process with {done.returncode}: {done.stderr}"
        first = begun[-1] + 1


def fuzzed(folder: Path, first: int, last: int) -> list[str]:
    originals(folder)
    starts = range(first, last, BATCH)
    return [fault for start in starts for fault in faults(folder, start, min(start + BATCH, last))]


def test_damaged_archives(tmp_path: Path) -> None:
    assert fuzzed(tmp_path, 0, 150) == []


@pytest.mark.slow
@pytest.mark.parametrize("first", range(150, 20_150, PIECE))
def test_twenty_thousand_damaged_archives(tmp_path: Path, first: int) -> None:
    assert fuzzed(tmp_path, first, first + PIECE) == []


def test_the_same_number_is_the_same_damage(tmp_path: Path) -> None:
    paths = originals(tmp_path)
    one, other = Mutations(paths), Mutations(paths)
    contents = [path.read_bytes() for path in paths]
    for number in range(20):
        assert one.make(number) == other.make(number)
    assert sum(one.make(number) in contents for number in range(200)) < 40
