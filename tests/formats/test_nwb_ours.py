"""NWB files of ours: what pynwb reads in them, and documents that somebody has changed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import schemas
from archive.adapters.nwb import Nwb
from archive.entry import Entry
from archive.errors import FormatError
from archive.testing import Given

pytest.importorskip("pynwb")


def ours(path: Path, *parts: Entry) -> list[str]:
    """A file of ours with one segment; the losses."""
    run = Entry(schemas.Run(name="r"), parts=[Entry(schemas.Segment(), parts=parts)])
    moment = datetime(2024, 5, 1, tzinfo=UTC)
    model = schemas.Experiment(id="1", name="x", created=moment)
    return [str(loss) for loss in Nwb().write(Given(Entry(model, parts=[run])), path)]


def signal(array: Any, **fields: Any) -> Entry:
    fields = {"variable": "v", "unit": "mV", "sampling_period": 0.1, **fields}
    arrays = {"values": np.asarray(array), "channels": np.arange(np.shape(array)[1])}
    return Entry(schemas.Signal(**fields), arrays)


def trains() -> Entry:
    model = schemas.SpikeTrains(variable="spikes", size=3, t_stop=9.0)
    arrays = {"times": [1.0, 2.0], "neuron": [0, 2], "channels": [0, 1, 2]}
    return Entry(model, {name: np.array(array) for name, array in arrays.items()})


def test_a_table_of_segments(tmp_path: Path, require: Any) -> None:
    """The least that says when each was, and with what: numbers of one unit, else text."""
    pynwb = require("pynwb")
    epochs = Entry(
        schemas.Epoch(variable="e", time_unit="s"),
        {
            "times": np.array([0.5]),
            "durations": np.array([3.0]),
            "labels": np.array(["x"], object),
        },
    )
    images = Entry(
        schemas.ImageSequence(variable="i", unit="mV", sampling_period=100.0, time_unit="ms"),
        {"values": np.ones((2, 1, 1), bool)},
    )
    notes: list[dict[str, Any]] = [
        {"amplitude": schemas.Quantity(0.5, "nA"), "big": 2**60, "tags": "a"},
        {"amplitude": schemas.Quantity(1000.0, "pA"), "big": 1, "tags": "b"},
    ]
    segments = [
        Entry(schemas.Segment(annotations=notes[0]), parts=[signal([[1.0]] * 20), images]),
        Entry(schemas.Segment(annotations=notes[1]), parts=[epochs]),
    ]
    runs = [
        Entry(schemas.Run(name=f"r{day}", started=datetime(2024, 5, day, tzinfo=UTC)), parts=parts)
        for day, parts in ((3, segments), (2, []))
    ]
    model = schemas.Experiment(id="1", name="x", created=datetime(2024, 5, 9, tzinfo=UTC))
    path = tmp_path / "a.nwb"
    losses = Nwb().write(Given(Entry(model, parts=runs)), path)
    assert [loss.field for loss in losses] == ["image-sequence"]  # NWB has no images of flags
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        file = io.read()
        table = file.intervals["segments"].to_dataframe()
        assert table["start_time"].tolist() == [0.0, 0.5]
        assert table["stop_time"].tolist() == pytest.approx([0.2, 3.5])
        assert table["amplitude"].tolist() == [0.5, 1.0]
        assert table["big"].tolist() == [str(2**60), "1"]
        assert table["annotation tags"].tolist() == ["a", "b"]
        assert file.session_start_time == datetime(2024, 5, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ("units 0 2", "2 rows of the table of units are for 3 trains"),
        ("units 1 4", "does not have these rows"),
        ("units 0 x", "are no rows"),
        ("series spikes", "there are no series"),
        ("other spikes", "there are no other"),
    ],
)
def test_documents_that_name_what_is_not_there(tmp_path: Path, stored: str, message: str) -> None:
    path = tmp_path / "a.nwb"
    assert ours(path, trains()) == []
    with h5py.File(path, "a") as file:
        file["scratch/neuroarchive/stored"][-1] = stored
    with pytest.raises(FormatError, match=message):
        list(Nwb().read(path))


def test_documents_of_several_lengths(tmp_path: Path) -> None:
    path = tmp_path / "a.nwb"
    ours(path, trains())
    with h5py.File(path, "a") as file:
        table = file["scratch/neuroarchive"]
        rows = table["inside"][:-1]
        del table["inside"]
        table["inside"] = rows
    with pytest.raises(FormatError, match="several lengths"):
        list(Nwb().read(path))


def test_times_that_are_rounded_and_a_rate_beyond_floats(tmp_path: Path) -> None:
    moments = np.array([0.1 + 0.2, 5e-324])
    model = schemas.Event(variable="e", time_unit="ms")
    event = Entry(model, {"times": moments, "labels": np.array(["a\0b", "c"], object)})
    losses = ours(tmp_path / "a.nwb", event, signal([[1.0]], sampling_period=5e-324))
    assert [loss.partition(": ")[2] for loss in losses] == [
        "times: rounded in the last digit: NWB has them in seconds",
        "labels: HDF5 has no text with a zero character in it",
        "signal: its sampling rate is beyond all floats",
    ]


def test_a_way_that_leads_through_a_link_into_another_file(tmp_path: Path) -> None:
    """Of our own files too, whose documents name the groups of their arrays."""
    path, other = tmp_path / "a.nwb", tmp_path / "other.nwb"
    for one in (path, other):
        ours(one, signal([[1.0], [1.0]]))
    with h5py.File(path, "a") as file:
        (name,) = file["acquisition"]
        file["acquisition/away"] = h5py.ExternalLink(str(other), "/acquisition")
        stored = file["scratch/neuroarchive/stored"]
        stored[-1] = f"series away/{name}"
    with pytest.raises(FormatError, match="there are no series 'away/"):
        list(Nwb().read(path))
