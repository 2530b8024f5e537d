"""More than MATLAB 5 can hold, for real."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import quantities as pq

import archive

pytestmark = pytest.mark.slow

CHANNELS = 300
SAMPLES = 100_000  # in each of ten segments: 2.4 GB


def test_more_than_two_gigabytes_become_version_7_3(tmp_path: Path) -> None:
    file = tmp_path / "large.nix"
    ramp = np.arange(SAMPLES, dtype=float)[:, np.newaxis] + np.arange(CHANNELS)
    with archive.open(file, "a", durability="close") as exp, exp.run("long") as run:
        for number in range(10):
            values = {"cells/v": pq.Quantity(ramp + number, "mV")}
            run.append(values, sampling_period=0.1 * pq.ms)

    target = tmp_path / "large.mat"
    with archive.open(file) as exp:
        with pytest.raises(archive.FormatError, match="2 GB"):
            exp.export(target, version="5")
        assert not target.exists()
        assert exp.export(target) == []

    with h5py.File(target) as written:
        last = written["runs/run_1/segments/segment_10/cells/v"]
        assert last["values"].shape == (CHANNELS, SAMPLES)  # MATLAB counts the axes backwards
        assert (last["values"][7] == ramp[:, 7] + 9).all()
