"""A hundred thousand segments: what they cost, in objects and in work, is what ten cost."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import quantities as pq

import archive
from archive.storage.growing import Growing

pytestmark = pytest.mark.slow

GROUP = 1000


def write(path: Path, segments: int) -> Path:
    with archive.open(path, "a", durability="close") as exp, exp.run("sweep") as run:
        for start in range(0, segments, GROUP):
            with exp.transaction():
                for number in range(start, min(start + GROUP, segments)):
                    run.append(
                        {"cell/v": np.full((2, 1), float(number)) * pq.mV},
                        sampling_period=0.1 * pq.ms,
                        annotations={"amplitude": number * pq.pA, "even": number % 2 == 0},
                    )
    return path


def objects(path: Path) -> int:
    names: list[str] = []
    with h5py.File(path) as file:
        file.visit(names.append)
    return len(names)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each read of a dataset asked for."""
    rows: list[int] = []
    read = Growing.read

    def counted(self: Growing, start: int = 0, stop: int | None = None) -> object:
        found = read(self, start, stop)
        rows.append(len(found))
        return found

    monkeypatch.setattr(Growing, "read", counted)
    return rows


def test_a_hundred_thousand_segments(tmp_path: Path, reads: list[int]) -> None:
    few, many = write(tmp_path / "few.nix", 300), write(tmp_path / "many.nix", 100_000)
    assert objects(many) == objects(few)

    reads.clear()
    with archive.open(few) as exp:
        assert len(exp.segments) == 300
        of_few = list(reads)
    reads.clear()
    with archive.open(many) as exp:
        assert len(exp.segments) == 100_000
        assert list(reads) == of_few  # opening looks at no row more

        hits = exp.segments.where("amplitude >= 99.99 nA and even == true")
        assert [segment.index for segment in hits] == list(range(99_990, 100_000, 2))
        segment = exp.segments[77_777]
        assert segment.name == "segment77777"
        assert segment.signals["v"].magnitude.tolist() == [[77_777.0]] * 2
