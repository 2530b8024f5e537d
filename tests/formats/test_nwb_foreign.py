"""NWB files of other programs: details that are easily lost, and files that are out for harm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import schemas
from archive.adapters import nwb_arrays, nwb_foreign
from archive.adapters.nwb import Nwb
from archive.entry import Entry, Loss
from archive.errors import FormatError

AWAY = "object: a link into another file, which is not followed"


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., tuple[dict[str, Entry], Entry, list[str]]]:
    """Parts by their variables, the segment, and losses, of a file that a function fills."""

    def reading(fill: Callable[[h5py.File], Any]) -> tuple[dict[str, Entry], Entry, list[str]]:
        path = tmp_path / "small.nwb"
        with h5py.File(path, "w") as file:
            file.attrs["nwb_version"] = "2.9.0"
            file["session_start_time"] = "2024-05-01T12:30:00+00:00"
            fill(file)
        losses: list[Loss] = []
        segment, *_ = Nwb().read(path, losses=losses)
        parts = {getattr(part.model, "variable", ""): part for part in segment.parts}
        return parts, segment, [str(loss) for loss in losses]

    return reading


def series(file: h5py.File, name: str, data: Any, **facts: Any) -> h5py.Group:
    """A series at 10 Hz, with these attributes of its data."""
    held = file.create_group(f"acquisition/{name}")
    held["data"] = data
    held["data"].attrs.update({"unit": "volts", **facts})
    held["starting_time"] = 1.5
    held["starting_time"].attrs["rate"] = 10.0
    return held


def values(entry: Entry, name: str = "values") -> Any:
    return np.asarray(entry.arrays[name]).tolist()


@pytest.mark.parametrize("at_once", [nwb_arrays.AT_ONCE, 0])
def test_channels_with_a_factor_of_their_own(
    read: Any, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(nwb_arrays, "AT_ONCE", at_once)

    def fill(file: h5py.File) -> None:
        raw = np.array([[1, 2], [3, 4]], np.int16)
        held = series(file, "gains", raw, conversion=1e-6, offset=0.0)
        held["channel_conversion"] = [1.0, 3.0]
        held = series(file, "same", raw, conversion=1e-6)
        held["channel_conversion"] = [1.0, 1.0]
        held = series(file, "shifted", raw, conversion=2.0, offset=0.5)
        held["channel_conversion"] = [1.0, 3.0]
        held = series(file, "wrong", raw)
        held["channel_conversion"] = [1.0, 3.0, 5.0]

    parts, _, losses = read(fill)
    assert parts["gains"].model.unit == "uV"
    assert values(parts["gains"]) == [[1.0, 6.0], [3.0, 12.0]]
    gains = parts["gains"].arrays["values"]
    assert np.asarray(gains[1:, 1:]).tolist() == [[12.0]]
    assert gains.dtype == np.float64
    assert parts["same"].arrays["values"].dtype == np.int16
    assert values(parts["shifted"]) == [[2.5, 12.5], [6.5, 24.5]]
    assert values(parts["wrong"]) == [[1, 2], [3, 4]]
    assert losses == ["wrong: channel_conversion: it is not one factor for each channel"]


def test_attributes_of_a_series_are_facts(read: Any) -> None:
    def fill(file: h5py.File) -> None:
        held = series(file, "v", [1.0], resolution=0.5)
        held.attrs.update(
            {
                "filtering": "low",
                "sweep": np.uint32(7),
                "comments": "no comments",
                "namespace": "core",
                "description": "of the soma",
                "odd": np.array([1, 2]),
            }
        )
        series(file, "w", [1.0], resolution=-1.0)

    parts, _, losses = read(fill)
    assert parts["v"].model.annotations == {"filtering": "low", "sweep": 7, "resolution": 0.5}
    assert parts["v"].model.description == "of the soma"
    assert (parts["v"].model.sampling_period, parts["v"].model.t_start) == (0.1, 1.5)
    assert parts["w"].model.annotations == {}
    assert losses == ["v: odd: an attribute that is no text and no number"]


def test_units_of_other_programs(read: Any) -> None:
    def fill(file: h5py.File) -> None:
        units = file.create_group("units")
        units["spike_times"] = [0.3, 0.1, 0.2, 5.0]
        units["spike_times_index"] = np.array([2, 3, 3], np.uint8)
        units["id"] = [7, 5, 9]
        units["electrodes"], units["electrodes_index"] = [0, 1, 2], [1, 2, 3]

    parts, _, losses = read(fill)
    units = parts["spikes"]
    assert values(units, "times") == [0.1, 0.3, 0.2]
    assert values(units, "neuron") == [0, 0, 1]
    assert values(units, "channels") == [7, 5, 9]
    assert (units.model.t_start, units.model.t_stop) == (0.0, 0.3)
    assert losses[0] == "units: spike_times: the last 1 belong to no unit"
    assert [loss.partition(": a column")[0] for loss in losses[1:]] == ["units: electrodes"]


@pytest.mark.parametrize("ends", [[3, 2], [2, 5]])
def test_units_with_a_damaged_index(read: Any, ends: list[int]) -> None:
    def fill(file: h5py.File) -> None:
        units = file.create_group("units")
        units["spike_times"] = [0.1, 0.2, 0.3, 0.4]
        units["spike_times_index"] = ends

    with pytest.raises(FormatError, match="index of spike_times is damaged"):
        read(fill)


def test_tables_of_moments(read: Any) -> None:
    def fill(file: h5py.File) -> None:
        for name, lengths in (("some", [0.5, np.nan]), ("all", [0.5, 0.25])):
            held = file.create_group(f"events/{name}")
            held["timestamp"] = [1.0, 2.0]
            held["duration"] = lengths
            held["annotation"] = ["a", "b"]
        held = file.create_group("intervals/trials")
        held["start_time"], held["stop_time"] = [0.0], [2.0]
        held["id"] = [0]
        held["timeseries"] = np.zeros(1, [("start", "i4"), ("count", "i4")])

    parts, _, losses = read(fill)
    some, every = parts["events.some"], parts["events.all"]
    assert isinstance(some.model, schemas.Event)
    assert "duration" in some.model.array_annotations
    assert isinstance(every.model, schemas.Epoch)
    assert values(every, "durations") == [0.5, 0.25]
    assert values(every, "labels") == ["a", "b"]
    assert [loss.partition(": a column")[0] for loss in losses] == ["trials: timeseries"]


def test_links_within_general_are_told_and_not_followed(read: Any) -> None:
    def fill(file: h5py.File) -> None:
        device = file.create_group("general/devices/amplifier")
        device.attrs["description"] = "a box"
        general = file["general"]
        general["lab"] = "ours"
        general["loop"] = general
        general["device"] = h5py.SoftLink("/general/devices/amplifier")
        general["away"] = h5py.ExternalLink("/etc/passwd", "/")
        file["notes"] = "of nobody"

    _, segment, losses = read(fill)
    facts = segment.model.annotations
    assert facts["devices"] == {"amplifier": {"description": "a box"}}
    assert (facts["lab"], facts["device"]) == ("ours", "/general/devices/amplifier")
    assert losses == [
        "notes: object: it is of a type that an archive has not",
        f"general/away: {AWAY}",
    ]


def test_facts_that_fan_out_are_read_once(read: Any) -> None:
    def fill(file: h5py.File) -> None:
        inner = file.create_group("general")
        for number in range(nwb_foreign.DEPTH - 1):  # a million ways to the last, and one each
            last = inner.create_group(f"{number}")
            inner["again"] = last
            inner = last
        inner["end"] = 1

    _, segment, losses = read(fill)
    assert str(segment.model.annotations).count("'end'") == 1
    assert losses == []


def test_facts_that_lie_too_deep(read: Any) -> None:
    with pytest.raises(FormatError, match="deeper"):
        read(lambda file: file.create_group("general" + "/a" * 30))
    with pytest.raises(FormatError, match="deeper"):
        read(lambda file: file.create_group("processing" + "/a" * 30))


def test_many_objects_that_link_to_one_dataset(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(file: h5py.File) -> None:
        first = series(file, "0", np.zeros(10_000))
        for number in range(1, 20):
            held = file.create_group(f"acquisition/{number}")
            held["data"], held["starting_time"] = first["data"], first["starting_time"]

    assert len(read(fill)[0]) == 20
    monkeypatch.setattr(nwb_arrays, "EXPANSION", 5)
    with pytest.raises(FormatError, match="claims more than the file can hold"):
        read(fill)


def test_a_series_of_one_column_that_stays_in_the_file(
    read: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nwb_arrays, "AT_ONCE", 0)
    parts, _, _ = read(lambda file: series(file, "v", [1.0, 2.0, 3.0]))
    lazy = parts["v"].arrays["values"]
    assert not isinstance(lazy, np.ndarray)
    assert lazy.shape == (3, 1)
    assert np.asarray(lazy[1:]).tolist() == [[2.0], [3.0]]
    assert np.asarray(lazy[1:, 0]).tolist() == [2.0, 3.0]


def test_shared_times_are_followed_within_the_file_alone(read: Any, tmp_path: Path) -> None:
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["times"] = [7.0, 8.0]

    def fill(file: h5py.File) -> None:
        for name in ("a", "b", "c", "d"):
            file[f"acquisition/{name}/data"] = [1.0, 2.0]
            file[f"acquisition/{name}/data"].attrs["unit"] = "volts"
        file["acquisition/a/timestamps"] = [0.0, 2.5]
        file["acquisition/b/timestamps"] = h5py.SoftLink("/acquisition/a/timestamps")
        file["away"] = h5py.ExternalLink(str(other), "/")
        file["acquisition/c/timestamps"] = h5py.SoftLink("/away/times")
        file["acquisition/d/timestamps"] = h5py.ExternalLink(str(other), "/times")

    parts, _, losses = read(fill)
    assert sorted(parts) == ["a", "b"]
    assert values(parts["b"], "times") == [0.0, 2.5]
    assert losses == [
        "c: object: it has neither times nor a sampling rate",
        "d: object: it has neither times nor a sampling rate",
        f"away: {AWAY}",
    ]


def test_values_that_lie_elsewhere_are_refused(read: Any, tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(np.ones(2).tobytes())

    def in_raw(file: h5py.File) -> None:
        held = series(file, "v", [1.0])
        del held["data"]
        held.create_dataset("data", (2,), float, external=[(str(tmp_path / "raw"), 0, 16)])

    def virtual(file: h5py.File) -> None:
        held = series(file, "v", [1.0])
        layout = h5py.VirtualLayout((1,), float)
        layout[:] = h5py.VirtualSource(file.filename, "acquisition/v/data", (1,))
        held.create_virtual_dataset("more", layout)

    with pytest.raises(FormatError, match="its values lie in another file"):
        read(in_raw)
    with pytest.raises(FormatError, match="a virtual dataset"):
        read(virtual)


def test_series_that_an_archive_cannot_hold(read: Any) -> None:
    def fill(file: h5py.File) -> None:
        series(file, "deep", np.ones((1, 1, 1, 1)))
        series(file, "backwards", [1.0])["starting_time"].attrs["rate"] = -1.0
        for name, data in (("film", np.ones((2, 1, 1))), ("short", [1.0])):
            held = series(file, name, data)
            held["timestamps"] = [0.0, 1.0]
        held = file.create_group("acquisition/said")
        held["data"], held["timestamps"] = ["go", "stop"], [0.5, 1.5]
        held = series(file, "wires", np.ones((1, 2)))
        held["electrodes"] = [4, 2]
        held = series(file, "late", [1.0, 2.0])
        held["timestamps"] = [1.0, 0.0]

    parts, _, losses = read(fill)
    assert sorted(parts) == ["late", "said", "wires"]
    assert isinstance(parts["said"].model, schemas.Event)
    assert values(parts["said"], "labels") == ["go", "stop"]
    assert values(parts["wires"], "channels") == [4, 2]
    assert values(parts["late"]) == [[2.0], [1.0]]
    assert losses == [
        "backwards: object: it has neither times nor a sampling rate",
        "deep: object: data of the shape (1, 1, 1, 1)",
        "film: object: data of the shape (2, 1, 1)",
        "late: timestamps: they were not in order, and are sorted now",
        "short: object: 1 samples at 2 times",
    ]
