"""What lies where in a MATLAB file, which version it has, what is lost, and what is refused."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from archive.adapters import mat, mat5
from archive.adapters.base import Writer
from archive.adapters.mat import Mat
from archive.entry import Entry, Loss
from archive.errors import AlreadyExists, FormatError
from schemas.v1.population import Population
from schemas.v1.run import Run
from schemas.v1.segment import Segment
from schemas.v1.value import Array
from tests.formats.matlab_examples import (
    NOW,
    Given,
    annotations_in,
    rich_runs,
    segment_with,
    signal,
)
from tests.formats.matlab_readers import read_h5py, read_scipy


@pytest.mark.parametrize("version", ["5", "7.3"])
def test_what_a_user_finds(tmp_path: Path, version: str) -> None:
    path = tmp_path / "rich.mat"
    assert Mat().write(Given(rich_runs), path, version=version) == []
    tree = (read_scipy if version == "5" else read_h5py)(path)
    assert tree["experiment"]["name"] == "f–I µ"
    assert tree["experiment"]["people"] == ["Ada", "Grace"]
    assert tree["experiment"]["created"] == "2026-01-02T03:04:05.678901+00:00"
    first, second = tree["runs"] if version == "5" else tree["runs"].values()
    assert (first["name"], second["name"]) == ("f-I curve", "µ 2")
    assert first["parameters"]["tau_m"]["value"] == 10.0
    assert first["parameters"]["tau_m"]["unit"] == "ms"
    assert first["parameters"]["N_cells"] == 4.0
    (population,) = first["others"] if version == "5" else first["others"].values()
    assert (population["kind"], population["size"]) == ("population", 4.0)
    one, two = first["segments"] if version == "5" else first["segments"].values()
    assert one["annotations"]["amplitude"] == {"value": np.array([[0.5]]), "unit": "nA"}
    v = one["cell"]["v"]
    np.testing.assert_array_equal(v["values"], np.arange(12.0).reshape(4, 3))
    assert (v["unit"], v["time_unit"], v["kind"]) == ("mV", "ms", "signal")
    assert (v["sampling_period"], v["t_start"], v["count"]) == (0.1, 5.0, 4.0)
    assert v["channels"].ravel().tolist() == [3, 4, 5]
    assert v["index_base"] == 0
    train = one["cell"]["spikes"]
    assert train["times"].ravel().tolist() == [1.5, 2.5, 99.0]
    assert train["neuron"].ravel().tolist() == [0, 2, 2]
    assert (train["size"], train["t_stop"], train["count"]) == (4.0, 100.0, 3.0)
    assert (two["name"], two["recorded"]) == ("second", NOW.isoformat())
    assert two["cell"]["v"]["values"].dtype == np.float32
    assert two["cell"]["spikes"]["times"].shape == (0, 1)
    assert two["cell"]["spikes"]["count"] == 0
    assert two["cell"]["i"]["values"].shape == (0, 3)
    assert second["annotations"]["ok"].dtype in (bool, np.uint8)
    segment = second["segments"] if version == "5" else second["segments"]["segment_1"]
    stim, again = segment["unlabelled"]["stim"], segment["unlabelled"]["stim_1"]
    assert (stim["kind"], stim["labels"]) == ("event", ["on", "öff µ"])
    assert again["durations"].ravel().tolist() == [0.5, 0.25]
    images = segment["end_"]["x2_cams"]
    np.testing.assert_array_equal(images["values"], np.arange(24).reshape(2, 3, 4))
    assert segment["name_1"]["v"]["values"].ravel().tolist() == [1 + 2j, 3 - 4j]
    assert segment["name_1"]["v"]["unit"] == "uS"
    names = tree["names"]
    assert set(zip(names["where"], names["original"], names["mapped"], strict=True)) == {
        ("population", "", "unlabelled"),
        ("population", "end", "end_"),
        ("population", "name", "name_1"),
        ("variable of unlabelled", "stim", "stim_1"),
        ("variable of end_", "2 cams", "x2_cams"),
        ("values", "N cells", "N_cells"),
    }


def test_nothing_in_it(tmp_path: Path) -> None:
    for version, read in (("5", read_scipy), ("7.3", read_h5py)):
        path = tmp_path / f"{version}.mat"
        assert Mat().write(Given(lambda: iter(())), path, version=version) == []
        assert not read(path)["runs"]
        assert Mat().write(segment_with({}), path, version=version, overwrite=True) == []


def test_numbered_fields_are_in_alphabetical_order(tmp_path: Path) -> None:
    def runs() -> Iterator[Entry]:
        segments = [Entry(Segment(name=f"s{at}")) for at in range(11)]
        yield Entry(Run(name="r"), {}, segments)

    Mat().write(Given(runs), tmp_path / "x.mat", version="7.3")
    segments = read_h5py(tmp_path / "x.mat")["runs"]["run_1"]["segments"]
    assert [segments[name]["name"] for name in sorted(segments)] == [f"s{n}" for n in range(11)]


def test_what_is_lost_is_said(tmp_path: Path) -> None:
    annotations = {
        "huge": 2**64,
        "where": datetime(2026, 7, 1, tzinfo=ZoneInfo("Europe/Berlin")),
        "table": Array("<U1", (1, 2), "ab".encode("utf-32-le")),
        "long": Array("<f16", (1,), np.longdouble(1).tobytes()),
        "labels": ["padded ", "x"],
        "when": Array("<M8[D]", (1,), np.array(["2026-01-02"], "M8[D]").tobytes()),
        "took": Array("<m8[ms]", (1,), np.array([7], "m8[ms]").tobytes()),
    }
    source = segment_with(annotations, Entry(Population(name="p", size=1)))
    losses = Mat().write(source, tmp_path / "5.mat", version="5")
    assert all(isinstance(loss, Loss) for loss in losses)
    assert [(loss.entry, loss.field) for loss in losses] == [
        ("r/s/p", "population"),
        ("r/s", "annotations.huge"),
        ("r/s", "annotations.where"),
        ("r/s", "annotations.table"),
        ("r/s", "annotations.long"),
    ]
    found = annotations_in(read_scipy(tmp_path / "5.mat"), "5")
    assert found["huge"] == str(2**64)
    assert found["where"] == "2026-07-01T00:00:00+02:00"
    assert found["table"] == ["a", "b"]
    assert found["long"].dtype == np.float64
    assert found["labels"] == ["padded ", "x"]
    assert found["when"] == ["2026-01-02"]
    assert (found["took"]["value"], found["took"]["unit"]) == (7, "ms")
    assert Mat().write(source, tmp_path / "7.mat", version="7.3") == losses
    # of a padded matrix the blank could not be told
    found = annotations_in(read_h5py(tmp_path / "7.mat"), "7.3")
    assert found["labels"] == {"item_1": "padded ", "item_2": "x"}


def test_fields_of_a_newer_contract_are_lost_and_named(tmp_path: Path) -> None:
    newer = Segment.model_validate({"colour": "red"}, context={"newer_minor": True})

    def runs() -> Iterator[Entry]:
        yield Entry(Run(name="r"), {}, [Entry(newer)])

    (loss,) = Mat().write(Given(runs), tmp_path / "x.mat")
    assert (loss.entry, loss.field) == ("r/segment 1", "colour")


def is_hdf5(path: Path) -> bool:
    return path.read_bytes()[512:516] == b"\x89HDF"


def test_version_5_unless_a_variable_is_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.mat"
    Mat().write(Given(rich_runs), path)
    assert not is_hdf5(path)
    size = path.stat().st_size
    # Too many bytes of arrays, as is known beforehand; and too many with all else, as turns out.
    for module, limit in ((mat, 100), (mat5, size // 2)):
        with monkeypatch.context() as patch:
            patch.setattr(module, "LIMIT", limit)
            Mat().write(Given(rich_runs), path, overwrite=True)
            assert is_hdf5(path)
            with pytest.raises(FormatError, match=r"(?s)2 GB.*7\.3"):
                Mat().write(Given(rich_runs), tmp_path / "y.mat", version="5")
    assert list(tmp_path.iterdir()) == [path]


def test_two_gigabytes_are_seen_before_they_are_read(tmp_path: Path) -> None:
    huge = np.broadcast_to(np.float64(1), (2**27, 2))
    with pytest.raises(FormatError, match="2 GB"):
        Mat().write(segment_with({}, signal(huge)), tmp_path / "x.mat", version="5")


def test_existing_files_are_kept_unless_told(tmp_path: Path) -> None:
    path = tmp_path / "x.mat"
    path.write_text("mine")
    with pytest.raises(AlreadyExists, match="overwrite=True"):
        Mat().write(Given(rich_runs), path)
    assert path.read_text() == "mine"

    def never() -> Iterator[Entry]:
        raise AssertionError("the experiment was read for nothing")

    with pytest.raises(AlreadyExists):
        Mat().write(Given(never), path)
    Mat().write(Given(rich_runs), path, overwrite=True)
    assert read_scipy(path)["runs"]


class Failing:
    """An array that cannot be read, as from a damaged archive."""

    shape = (2, 2)
    dtype = np.dtype("f8")

    def __getitem__(self, key: object, /) -> Any:
        raise OSError("cannot be read")

    def __array__(self, dtype: object = None, /) -> Any:
        raise OSError("cannot be read")


@pytest.mark.parametrize("version", ["5", "7.3"])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, version: str) -> None:
    path = tmp_path / "x.mat"
    path.write_text("old")
    with pytest.raises(FormatError, match="cannot be read"):
        Mat().write(segment_with({}, signal(Failing())), path, version=version, overwrite=True)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("version", ["5", "7.3"])
def test_an_experiment_that_changes_meanwhile_is_refused(tmp_path: Path, version: str) -> None:
    for before, after in itertools.permutations((0, 1, 2), 2):
        for level in ("runs", "segments"):
            counts = iter((before, after))

            def runs(counts: Iterator[int] = counts, level: str = level) -> Iterator[Entry]:
                count = next(counts)
                inside = [Entry(Segment())] * (count if level == "segments" else 1)
                for _ in range(count if level == "runs" else 1):
                    yield Entry(Run(name="r"), {}, inside)

            source = Given(lambda runs=runs: list(runs()))  # type: ignore[misc, arg-type]
            with pytest.raises(FormatError, match="changed while"):
                Mat().write(source, tmp_path / "x.mat", version=version)


def test_unknown_versions_and_folders(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"(?s)'7'.*5 and 7\.3"):
        Mat().write(Given(rich_runs), tmp_path / "x.mat", version="7")
    with pytest.raises(FormatError, match="cannot be written"):
        Mat().write(Given(rich_runs), tmp_path / "none" / "x.mat")


def test_the_file_has_the_mode_of_others(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    Mat().write(Given(rich_runs), tmp_path / "x.mat")
    assert (tmp_path / "x.mat").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_it_is_a_writer() -> None:
    writer: Writer = Mat()
    assert (writer.name, writer.suffixes, writer.extra) == ("mat", (".mat",), None)
