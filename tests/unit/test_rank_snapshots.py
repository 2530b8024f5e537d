"""Snapshots that MPI processes left in parts of their own, when the parts are merged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import archive
import schemas
from archive.container import Container
from archive.experiment import rank_snapshots
from archive.experiment.creating import create_archive
from archive.experiment.parts import part_path, rank_name
from archive.experiment.recording import Recording
from tests.unit.network_states import changed, snapshot


def as_of_processes(path: Path) -> None:
    """An archive with a part for each of two processes, which have pieces of a population."""
    archive.open(path, "x").close()
    for rank in range(2):
        part = part_path(path, rank_name(rank))
        part.parent.mkdir(exist_ok=True)
        create_archive(part)
        with Recording(Container(part, writable=True)) as own:
            run = own.run("r", annotations={"mpi_rank": rank})
            model = schemas.Signal(population="exc", variable="v", unit="mV", sampling_period=0.1)
            arrays = {"values": np.full((4, 2), float(rank)), "channels": np.arange(2) * 2 + rank}
            run.put(
                [archive.Entry(schemas.Segment(name="s"), parts=[archive.Entry(model, arrays)])]
            )
            run.snapshot(snapshot(time=float(rank)), name=f"of {rank}")


def test_they_go_to_the_joined_run(tmp_path: Path) -> None:
    path = tmp_path / "e.nix"
    as_of_processes(path)
    with archive.open(path, "a") as exp:
        assert all(one.removed for one in exp.merge())
    with archive.open(path) as exp:
        (run,) = exp.runs
        (segment,) = run.segments
        assert segment.signals["v"].shape == (4, 4)
        assert [(one.name, one.annotations) for one in run.snapshots] == [
            ("of 0", {"taken by": "rank-00000"}),
            ("of 1", {"taken by": "rank-00001"}),
        ]
        assert exp.check(deep=True).findings == ()


def test_parts_stay_if_one_was_not_taken_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "e.nix"
    as_of_processes(path)
    true = rank_snapshots._told

    def wrong(part: Container, row: int, name: str) -> archive.Entry:
        monkeypatch.setattr(rank_snapshots, "_told", true)  # once
        return changed(true(part, row, name), time=99.0)

    monkeypatch.setattr(rank_snapshots, "_told", wrong)
    with archive.open(path, "a") as exp, pytest.raises(archive.CorruptArchive, match="a snapshot"):
        exp.merge()
    assert len(list(path.parent.glob("*.parts/*.nix"))) == 2
