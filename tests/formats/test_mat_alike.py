"""MATLAB files of many things that are alike, or nearly: what is kept of one is not taken for
another, and what is written together is what would be written alone."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archive.adapters import mat5, mat_experiment
from archive.adapters.mat import Mat
from archive.adapters.mat5 import Mat5
from archive.adapters.mat_experiment import Variables, plan
from archive.entry import Entry
from archive.storage.files import SystemFiles, use
from schemas.v1.run import Run
from schemas.v1.segment import Segment
from tests.formats.matlab_examples import Given, rich_runs, signal

NEARLY: list[Any] = [
    {"x": 0.0}, {"x": -0.0}, {"x": False}, {"x": 0}, {"x": 1}, {"x": True}, {"x": 1.0}, {"x": "1"},
    {"x": b"1"}, {"x": None}, {"x": []}, {"x": [1]}, {"x": [1, 1.0]}, {}, {"x y": 1}, {"x": 2**60},
    {"x": datetime(2026, 1, 1, tzinfo=UTC)}, {"x": 0.0}, {"x": -0.0}, {"x": False}, {"x": 0},
]  # fmt: skip


def nearly_alike() -> Iterator[Entry]:
    """Segments and signals that differ in an annotation only."""
    for number in range(2):
        segments = []
        for at, noted in enumerate(NEARLY):
            values = np.full((3, 2), at, float)
            part = signal(values, population="cell", variable="v", annotations=noted)
            segments.append(Entry(Segment(annotations=noted), {}, [part]))
        yield Entry(Run(name=f"r{number}"), {}, segments)


@pytest.mark.parametrize("version", ["5", "7.3"])
@pytest.mark.parametrize("kept", [1, 2, 1 << 10])
def test_what_is_nearly_alike_stays_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, kept: int
) -> None:
    monkeypatch.setattr(mat_experiment, "ALIKE", kept)
    path = tmp_path / "a.mat"
    assert Mat().write(Given(nearly_alike), path, version=version) == []
    (found,) = Mat().read(path)
    runs = list(found.parts)
    assert len(runs) == 2
    for run in runs:
        segments = list(run.parts)
        parts = [part for one in segments for part in one.parts]
        assert list(map(noted_of, segments)) == list(map(repr, NEARLY))
        assert list(map(noted_of, parts)) == list(map(repr, NEARLY))
        assert [np.asarray(one.arrays["values"])[0, 0] for one in parts] == list(range(len(NEARLY)))


def noted_of(entry: Entry) -> str:
    return repr(getattr(entry.model, "annotations", None))


def written() -> bytes:
    """A file without the moment at which it was made."""
    file = io.BytesIO()
    source = Given(rich_runs)
    mat = Mat5(file)
    for name, node in Variables(source, plan(source)):
        mat.write(name, node)
    return file.getvalue()[128:]


@pytest.mark.parametrize("held", [8, 64, 200, 1000])
def test_however_much_is_written_together(monkeypatch: pytest.MonkeyPatch, held: int) -> None:
    whole = written()
    monkeypatch.setattr(mat5, "HELD", held)
    monkeypatch.setattr(mat5, "SHORT", held // 8)
    monkeypatch.setattr(mat5, "FEW", held // 60)
    assert written() == whole


class Counting(SystemFiles):
    """Counts how often the disk is given something to do."""

    begun = 0

    def start_writing(self, descriptor: int, /) -> None:
        self.begun += 1
        super().start_writing(descriptor)


def test_the_disk_is_given_something_to_do_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.mat"
    Mat().write(Given(rich_runs), path)
    size = path.stat().st_size
    monkeypatch.setattr(mat5, "HELD", 64)
    monkeypatch.setattr(mat5, "EARLY", size // 5)
    with use(files := Counting()):
        Mat().write(Given(rich_runs), path, overwrite=True)
    assert 3 <= files.begun <= 5
