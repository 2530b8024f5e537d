"""NWB files: ours are valid for pynwb and come back; those that pynwb writes are read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import h5py
import numpy as np
import pytest

import archive
import schemas
from archive.adapters import reader_for
from archive.adapters.nwb import Nwb
from archive.entry import Entry, Loss
from archive.errors import FormatError, MissingPackage
from archive.testing import Given, ReaderSuite, RoundTripSuite, sample

pytest.importorskip("pynwb")
STARTED = datetime(2024, 5, 1, 12, 30, tzinfo=UTC)


class TestWhatWeWrite(RoundTripSuite):
    adapter = Nwb()
    examples = 8  # pynwb takes 100 ms for a file
    mutations = 20


def foreign(folder: Path) -> Path:
    """A file with series, units, trials and electrodes, as pynwb's users write them."""
    from pynwb import NWBHDF5IO, NWBFile, TimeSeries
    from pynwb.behavior import Position, SpatialSeries
    from pynwb.icephys import CurrentClampSeries
    from pynwb.image import ImageSeries

    file = NWBFile(
        session_description="a session",
        identifier="some-id",
        session_start_time=STARTED,
        experimenter=["A. Author"],
        lab="the lab",
    )
    device = file.create_device(name="amplifier", description="a box")
    group = file.create_electrode_group(
        name="shank", description="one", location="V1", device=device
    )
    for number in range(3):
        file.add_electrode(group=group, location="V1", x=float(number))
    electrode = file.create_icephys_electrode(name="pipette", description="one", device=device)
    volts = np.array([-70, -65, 20], np.int16)
    file.add_acquisition(
        CurrentClampSeries(
            name="sweep", data=volts, electrode=electrode, conversion=1e-3, rate=10_000.0, gain=0.2
        )
    )
    file.add_acquisition(
        TimeSeries(
            name="odd",
            data=np.array([[1.0], [3.0], [2.0]]),
            unit="furlongs",
            timestamps=[0.0, 0.3, 0.2],
        )
    )
    file.add_acquisition(
        TimeSeries(name="shifted", data=np.arange(4), unit="volts", offset=0.5, rate=2.0)
    )
    file.add_stimulus(
        ImageSeries(name="film", data=np.ones((2, 4, 3), np.uint8), unit="n.a.", rate=25.0)
    )
    file.add_acquisition(
        ImageSeries(
            name="elsewhere",
            external_file=["a.avi"],
            unit="n.a.",
            rate=1.0,
            format="external",
            num_samples=3,
        )
    )
    place = SpatialSeries(
        name="track", data=np.ones((3, 2)), unit="meters", reference_frame="0", rate=50.0
    )
    module = file.create_processing_module(name="behavior", description="where it was")
    module.add(Position(spatial_series=place))
    file.add_unit_column(name="quality", description="how good")
    for times, quality in (([0.1, 0.2], "good"), ([], "none"), ([0.5], "good")):
        file.add_unit(spike_times=times, obs_intervals=[[0.0, 2.0]], quality=quality)
    file.add_trial_column(name="choice", description="which side")
    file.add_trial(start_time=0.5, stop_time=1.25, choice="left")
    file.add_trial(start_time=1.5, stop_time=2.0, choice="right")
    path = folder / "foreign.nwb"
    with NWBHDF5IO(str(path), "w") as io:
        io.write(file)
    return path


class TestWhatOthersWrite(ReaderSuite):
    adapter = Nwb()
    mutations = 20

    def files(self, folder: Path) -> Iterable[Path]:
        yield foreign(folder)


def parts(entry: Entry) -> dict[str, Entry]:
    return {getattr(part.model, "variable", ""): part for part in entry.parts}


def test_a_file_of_another_program(tmp_path: Path) -> None:
    path = foreign(tmp_path)
    losses: list[Loss] = []
    segment, *tables = Nwb().read(path, losses=losses)
    assert isinstance(segment.model, schemas.Segment)
    assert (segment.model.description, segment.model.recorded) == ("a session", STARTED)
    assert segment.model.annotations["lab"] == "the lab"
    assert segment.model.annotations["devices"] == {"amplifier": {"description": "a box"}}
    found = parts(segment)
    assert sorted(found) == [
        "behavior.Position.track", "film", "odd", "shifted", "spikes", "sweep", "trials",
    ]  # fmt: skip
    sweep = found["sweep"]
    assert isinstance(sweep.model, schemas.Signal)
    assert (sweep.model.unit, sweep.model.time_unit, sweep.model.sampling_period) == (
        "mV", "s", 1e-4,
    )  # fmt: skip
    assert np.asarray(sweep.arrays["values"]).tolist() == [[-70], [-65], [20]]
    assert sweep.arrays["values"].dtype == np.int16
    assert sweep.model.annotations["gain"] == 0.2
    assert np.asarray(found["odd"].arrays["values"]).ravel().tolist() == [1.0, 2.0, 3.0]
    assert np.asarray(found["shifted"].arrays["values"]).ravel().tolist() == [0.5, 1.5, 2.5, 3.5]
    assert found["film"].arrays["values"].shape == (2, 4, 3)
    spikes = found["spikes"]
    assert isinstance(spikes.model, schemas.SpikeTrains)
    assert (spikes.model.size, spikes.model.t_stop) == (3, 2.0)
    assert np.asarray(spikes.arrays["neuron"]).tolist() == [0, 0, 2]
    assert spikes.model.train_annotations == {"quality": ["good", "none", "good"]}
    trials = found["trials"]
    assert np.asarray(trials.arrays["durations"]).tolist() == [0.75, 0.5]
    assert trials.model.model_dump()["array_annotations"]["choice"] == ["left", "right"]
    (electrodes,) = tables
    assert isinstance(electrodes.model, schemas.KeyedValue)
    assert electrodes.model.key == "general/extracellular_ephys/electrodes"
    told = {f"{loss.entry}: {loss.field}" for loss in losses}
    assert {"odd: unit", "odd: timestamps", "elsewhere: object"} <= told


def test_what_we_write_is_valid(tmp_path: Path, require: Any) -> None:
    pynwb: ModuleType = require("pynwb")
    path = tmp_path / "all.nwb"
    losses = Nwb().write(Given(sample()), path)
    assert pynwb.validate(path=str(path)) == []
    assert {loss.field for loss in losses} >= {"snapshot"}
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        file = io.read()
        assert file.units is not None
        assert "segments" in file.intervals


def test_units_and_facts_as_pynwb_reads_them(tmp_path: Path, require: Any) -> None:
    pynwb: ModuleType = require("pynwb")
    path = tmp_path / "net.nwb"
    spikes = Entry(
        schemas.SpikeTrains(population="exc", variable="spikes", size=3, t_stop=50.0),
        {
            "times": np.array([1.0, 20.0, 5.0]),
            "neuron": np.array([0, 0, 2]),
            "channels": np.array([4, 5, 6]),
        },
    )
    voltage = Entry(
        schemas.Signal(population="exc", variable="v", unit="mV", sampling_period=0.1),
        {"values": np.array([[-65.0, -64.0]]), "channels": np.array([4, 6])},
    )
    with archive.open(tmp_path / "net.nix", "x") as experiment:
        with experiment.run("first", annotations={"rule": "stdp"}) as run:
            for amplitude in (0.5, 1.0):
                model = schemas.Segment(
                    annotations={"amplitude": schemas.Quantity(amplitude, "nA"), "n": 1}
                )
                run.put([Entry(model, parts=[spikes, voltage])])
        assert experiment.export(path) == []
    assert pynwb.validate(path=str(path)) == []
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        file = io.read()
        units = file.units.to_dataframe()
        assert units["spike_times"][0].tolist() == [0.001, 0.02]
        assert units["obs_intervals"][1].tolist() == [[0.0, 0.05]]
        assert units["channel"].tolist() == [4, 5, 6] * 2
        assert units["segment"].tolist() == ["segment000"] * 3 + ["segment001"] * 3
        table = file.intervals["segments"].to_dataframe()
        assert table["amplitude"].tolist() == [0.5, 1.0]
        assert table["rule"].tolist() == ["stdp", "stdp"]
        assert table["stop_time"].tolist() == [0.05, 0.05]
        series = file.acquisition["first segment000 exc v"]
        assert (series.unit, series.conversion, series.rate) == ("volts", 1e-3, 10_000.0)
        assert series.data[()].tolist() == [[-65.0, -64.0]]
    (back,) = reader_for(path).read(path)
    (run_entry,) = back.parts
    segments = [part for part in run_entry.parts if isinstance(part.model, schemas.Segment)]
    again = parts(segments[1])["v"]
    assert again.model == voltage.model
    assert np.asarray(again.arrays["channels"]).tolist() == [4, 6]


def test_large_signals_are_written_and_read_in_blocks(tmp_path: Path, require: Any) -> None:
    require("pynwb")
    path = tmp_path / "large.nwb"
    values = np.arange(9_000_000, dtype=float).reshape(-1, 3)
    signal = Entry(
        schemas.Signal(variable="v", unit="mV", sampling_period=0.1),
        {"values": values, "channels": np.arange(3)},
    )
    run = Entry(schemas.Run(name="r"), parts=[Entry(schemas.Segment(), parts=[signal])])
    experiment = Entry(schemas.Experiment(id="1", name="x", created=STARTED), parts=[run])
    assert Nwb().write(Given(experiment), path) == []
    (back,) = Nwb().read(path)
    (again,) = next(iter(next(iter(back.parts)).parts)).parts
    lazy = again.arrays["values"]
    assert not isinstance(lazy, np.ndarray)
    assert lazy.shape == values.shape
    assert np.array_equal(lazy[5:7], values[5:7])
    assert np.array_equal(lazy[5:7, 1:], values[5:7, 1:])
    assert np.array_equal(lazy[-1], values[-1])
    assert np.array_equal(np.asarray(lazy), values)


def test_version_1_and_links_to_other_files(tmp_path: Path) -> None:
    old = tmp_path / "old.nwb"
    with h5py.File(old, "w") as file:
        file["nwb_version"] = "NWB-1.0.6"
    with pytest.raises(FormatError, match="NWB 1"):
        list(Nwb().read(old))
    path = foreign(tmp_path)
    with h5py.File(path, "a") as file:
        file["acquisition/away"] = h5py.ExternalLink("/etc/passwd", "/")
    losses: list[Loss] = []
    list(Nwb().read(path, losses=losses))
    assert [str(loss) for loss in losses if "away" in loss.entry] == [
        "acquisition/away: object: a link into another file, which is not followed"
    ]


def test_without_pynwb_it_is_read_and_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = foreign(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "pynwb", None)
    assert len(list(Nwb().read(path))) == 2
    with pytest.raises(MissingPackage, match="neuroarchive\\[nwb\\]"):
        Nwb().write(Given(sample()), tmp_path / "no.nwb")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["foreign.nwb"]


def test_a_damaged_document_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.nwb"
    Nwb().write(Given(sample()), path)
    with h5py.File(path, "a") as file:
        file["scratch/neuroarchive/document"][0] = '{"kind": "run", "name": "no experiment"}'
    with pytest.raises(FormatError, match="no experiment"):
        list(Nwb().read(path))
    with h5py.File(path, "a") as file:
        file["scratch/neuroarchive/inside"][1] = 7
    with pytest.raises(FormatError, match="cannot lie in row 7"):
        list(Nwb().read(path))
