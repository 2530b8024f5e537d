"""Writes that go to the file in several steps, and runs whose process did not end them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import quantities as pq

import archive
from archive.container import Container


@pytest.mark.parametrize("channels", [1, 100, 300])
def test_every_row_comes_back_from_where_it_was(tmp_path: Path, channels: int) -> None:
    lengths = (1_200_000 // channels, 7, 1_500_000 // channels + 1)  # the last begins in a chunk
    values = [np.arange(n * channels).reshape(n, channels) + 0.5 * n for n in lengths]
    with archive.open(tmp_path / "e.nix", "a") as exp, exp.run("long") as run:
        for each in values:
            run.append({"cell/v": each * pq.mV}, sampling_period=0.1 * pq.ms)
    with archive.open(tmp_path / "e.nix") as exp:
        for segment, each in zip(exp.segments, values, strict=True):
            assert np.array_equal(segment.signals["v"].magnitude, each)


def test_a_run_without_an_end_is_abandoned_by_the_next_writer(tmp_path: Path) -> None:
    path = tmp_path / "e.nix"
    experiment = archive.open(path, "a")
    experiment.run("killed")
    experiment._container.close()  # as the file is left when the process goes
    with archive.open(path) as exp:
        assert exp.runs["killed"].outcome == "running"
    with archive.open(path, "a") as exp:
        exp.run("next")
        assert [run.outcome for run in exp.runs] == ["abandoned", "running"]
        assert "without an end" in str(exp.runs["killed"].reason)
        exp.run("killed", resume=True).append({"v": np.zeros(3)}, sampling_period=1 * pq.ms)
    container = Container(path, writable=False)
    assert [int(outcome) for outcome in container.runs.all()["outcome"]] == [1, 1]
    container.close()
