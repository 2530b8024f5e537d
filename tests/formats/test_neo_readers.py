"""Recordings of other programs through the readers of Neo."""

from __future__ import annotations

import os
import random
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import neo.io
import numpy as np
import pytest
import quantities as pq

import schemas
from archive.adapters import reader_for
from archive.adapters.neo_ import Neo
from archive.entry import Entry, Loss, walk
from archive.errors import ArchiveError, FormatError, MissingPackage
from archive.hooks.neo_lazy import LazyValues
from tests.formats import neo_files

AXON = Path(__file__).parent.parent / "data/axon"
ABF2 = AXON / "2018_12_09_pCLAMP11_0001.abf"


def parts(path: Path, format: str | None = None, **options: Any) -> list[Entry]:
    """What lies in the segments of the one run of a file."""
    (run,) = reader_for(path, format).read(path, **options)
    assert isinstance(run.model, schemas.Run)
    assert run.model.name == path.stem
    return [entry for entry in walk(run) if isinstance(entry.model, schemas.Part)]


def values(part: Entry, name: str = "values") -> Any:
    return np.asarray(part.arrays[name])


@pytest.mark.parametrize("path", sorted(AXON.glob("*.abf")), ids=lambda path: path.stem)
def test_abf_is_recognised_and_read_as_neo_reads_it(path: Path) -> None:
    assert reader_for(path).name == "neo"
    (block,) = neo.io.AxonIO(str(path)).read()
    wanted = [signal for segment in block.segments for signal in segment.analogsignals]
    signals = [one for one in parts(path) if one.model.kind == "signal"]
    assert len(signals) == len(wanted) > 0
    for one, signal in zip(signals, wanted, strict=True):
        model = one.model
        assert isinstance(model, schemas.Signal)
        np.testing.assert_array_equal(values(one), signal.magnitude)
        assert values(one).dtype == signal.dtype
        assert model.unit == str(signal.dimensionality)
        assert model.t_start == pytest.approx(float(signal.t_start))
        assert model.sampling_period == pytest.approx(float(1 / signal.sampling_rate))
        piece = one.arrays["values"][7:19]
        np.testing.assert_array_equal(piece, signal.magnitude[7:19])


@pytest.mark.parametrize("path", sorted(AXON.glob("*.abf")), ids=lambda path: path.stem)
def test_blocks_of_a_signal_are_the_whole(path: Path) -> None:
    (block,) = neo.io.AxonIO(str(path)).read(lazy=True)
    proxy = block.segments[-1].analogsignals[0]
    lazy, whole = LazyValues(proxy), proxy.load().magnitude
    assert lazy.dtype == whole.dtype
    steps = [*range(0, len(whole), 777), len(whole)]
    pieces = [lazy[start:stop] for start, stop in pairwise(steps)]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
    np.testing.assert_array_equal(lazy[5:9, 0], whole[5:9, 0])


def test_ten_sweeps_are_ten_segments_with_the_time_of_recording() -> None:
    (run,) = reader_for(ABF2).read(ABF2)
    assert isinstance(run.model, schemas.Run)
    assert run.model.started is not None
    assert run.model.started.year == 2018
    assert len(list(run.parts)) == 10


@pytest.mark.parametrize(
    ("write", "format", "options", "gain", "unit"),
    [
        (neo_files.brainvision, None, {}, 0.5, "uV"),
        (
            neo_files.raw_binary, "neo:RawBinarySignalIO",
            {"sampling_rate": 1000.0, "nb_channel": 2, "dtype": "int16", "signal_gain": 0.5},
            0.5, "dimensionless",
        ),
        (neo_files.neuroscope, "neo:NeuroScopeIO", {}, 20 / 2**16 / 1000 * 1000, "mV"),
    ],
)  # fmt: skip
def test_samples_come_scaled(
    tmp_path: Path, write: Any, format: str | None, options: Any, gain: float, unit: str
) -> None:
    signal = parts(write(tmp_path), format, **options)[0]
    assert isinstance(signal.model, schemas.Signal)
    np.testing.assert_allclose(values(signal), neo_files.scaled(gain), rtol=1e-6)
    assert (signal.model.unit, signal.model.sampling_period) == (unit, 0.001)


def test_markers_of_brainvision_are_events(tmp_path: Path) -> None:
    event = parts(neo_files.brainvision(tmp_path))[1]
    assert event.model.kind == "event"
    assert values(event, "times").tolist() == pytest.approx([0.002])


def test_options_may_have_units(tmp_path: Path) -> None:
    path = neo_files.ascii_signal(tmp_path)
    options = {"sampling_rate": 2 * pq.kHz, "units": "mV", "time_units": "ms"}
    one, other = parts(path, "neo:AsciiSignalIO", **options)
    assert isinstance(one.model, schemas.Signal)
    assert (one.model.unit, one.model.sampling_period) == ("mV", 0.5)
    assert values(one)[:, 0].tolist() == neo_files.SAMPLES[:, 0].tolist()
    assert values(other)[:, 0].tolist() == neo_files.SAMPLES[:, 1].tolist()


def test_options_of_reading_a_segment(tmp_path: Path) -> None:
    """NestIO takes all that says what is what when it reads, not when it is made."""
    path = neo_files.nest(tmp_path)
    options = {"gid_list": [], "t_start": 0 * pq.ms, "t_stop": 4 * pq.ms}
    (spikes,) = parts(path, "neo:NestIO", id_column_gdf=0, time_column_gdf=1, **options)
    assert values(spikes, "times").tolist() == [0.5, 3.0, 1.25]
    assert values(spikes, "neuron").tolist() == [0, 0, 1]


def test_spike_trains_of_text(tmp_path: Path) -> None:
    (spikes,) = parts(neo_files.ascii_spikes(tmp_path), "neo:AsciiSpikeTrainIO")
    assert values(spikes, "times").tolist() == [0.5, 1.5, 2.25]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("AxonIOO", "AxonIO"), ("axon", "AxonIO"), ("os", "known are"),
        ("PickleIO", "pickle"), ("NeoMatlabIO", "mat"), ("NixIO", "neo-nix"),
        ("ExampleIO", "makes up"), ("Plexon2IO", "library"), ("NeuroshareIO", "library"),
        ("iolist", "known are"), ("__builtins__", "known are"),
    ],
)  # fmt: skip
def test_other_names_are_refused_with_near_ones(name: str, said: str) -> None:
    with pytest.raises(FormatError, match=said):
        reader_for(ABF2, f"neo:{name}")


@pytest.mark.parametrize("option", ["use_cache", "cache_path", "lazy", "nonsense"])
def test_other_options_are_refused(option: str) -> None:
    with pytest.raises(FormatError, match=option):
        parts(ABF2, "neo:AxonIO", **{option: True})


def test_options_that_are_no_plain_values_are_refused() -> None:
    with pytest.raises(ArchiveError, match="signal_gain"):
        list(Neo("RawBinarySignalIO").read(ABF2, signal_gain=print))


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archive.adapters.neo_.find_spec", lambda name: None)
    with pytest.raises(MissingPackage, match="pip install sonpy"):
        list(reader_for(ABF2, "neo:CedIO").read(ABF2))


def test_a_file_without_marks_asks_for_a_reader(tmp_path: Path) -> None:
    path = tmp_path / "x.trc"
    path.write_bytes(b"nothing of note")
    with pytest.raises(FormatError, match="neo:MicromedIO"):
        list(Neo().read(path))


def test_a_reader_that_finds_nothing_is_an_error(tmp_path: Path) -> None:
    """Some readers of Neo give an empty block for any file."""
    path = tmp_path / "x.fet"
    path.write_bytes(b"abc" * 50)
    with pytest.raises(FormatError, match="finds nothing"):
        list(Neo("KlustaKwikIO").read(path))


def test_names_that_no_entry_can_have_are_losses(tmp_path: Path) -> None:
    path = neo_files.brainvision(tmp_path)
    marker = tmp_path / "rec.vmrk"
    marker.write_text(marker.read_text().replace("Stimulus", "Stim/ulus"))
    losses: list[Loss] = []
    (run,) = Neo().read(path, losses=losses)
    names = [getattr(entry.model, "variable", None) for entry in walk(run)]
    assert "Stim_ulus" in names
    assert [(loss.field, "Stim/ulus" in loss.reason) for loss in losses] == [("name", True)]


def test_what_is_read_takes_no_more_than_it_may() -> None:
    with pytest.raises(FormatError, match="more than 1000 bytes"):
        list(Neo().read(ABF2, limit=1000))


@pytest.mark.slow
def test_a_unit_that_computes_for_ever_ends(tmp_path: Path) -> None:
    """quantities computes what stands in a unit."""
    path = neo_files.brainvision(tmp_path)
    path.write_text(path.read_text("utf-8").replace("µV", "9**9**9"), "utf-8")
    with pytest.raises(FormatError, match="took more than 2 s"):
        list(Neo().read(path))


def test_the_folder_of_arrays_goes_with_them(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (run,) = Neo().read(ABF2)
    assert len(list(tmp_path.iterdir())) == 1
    del run
    assert list(tmp_path.iterdir()) == []


def damaged(content: bytes, seed: int) -> bytes:
    chance = random.Random(seed)
    data = bytearray(content)
    for _ in range(chance.choice([1, 4, 30])):
        at = chance.randrange(min(len(data), chance.choice([64, 512, 8192, len(data)])))
        data[at] = chance.choice([0, 0xFF, 0x7F, chance.randrange(256)])
    return bytes(data[: chance.choice([len(data), chance.randrange(len(data))])])


def refused(path: Path) -> str | None:
    """Read all of a file; which one the error names, if there was one."""
    try:
        for run in Neo("AxonIO").read(path):
            for entry in walk(run):
                for array in entry.arrays.values():
                    np.asarray(array)
    except FormatError as error:
        return error.path
    return None


def read_damaged(path: Path, seeds: range) -> None:
    content = path.read_bytes()
    for seed in seeds:
        copy = path.with_name("damaged.abf")
        copy.write_bytes(damaged(content, seed))
        spent = os.times()
        start = time.perf_counter()
        where = refused(copy)
        assert where in (None, str(copy))
        now = os.times()
        used = now.children_user - spent.children_user
        assert used < 8, f"seed {seed}: {used} s"  # Neo's import takes one or more
        assert time.perf_counter() - start < 60


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::archive.ArchiveWarning")
def test_damaged_abf_is_read_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "sound.abf"
    path.write_bytes(ABF2.read_bytes())
    read_damaged(path, range(4))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::archive.ArchiveWarning")
def test_many_damaged_abf_are_read_or_refused(tmp_path: Path) -> None:
    for source in AXON.glob("*.abf"):
        path = tmp_path / "sound.abf"
        path.write_bytes(source.read_bytes())
        read_damaged(path, range(4, 60))
