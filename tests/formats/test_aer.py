"""AER files into an archive and out of it."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import archive
import schemas
from archive.adapters import load_aer, reader_for, writer_for
from archive.adapters.aer import Aer, AerHeaderless
from archive.entry import Entry, Loss
from archive.errors import AlreadyExists, ArchiveWarning, FormatError
from archive.values import quantity
from tests.formats.event_files import DATA, Holding, addresses, only, read, spikes
from tests.typed import of_kind

AER = Aer()


def test_files_of_devices_are_kept_bit_by_bit() -> None:
    model, arrays = only(AER, DATA / "v2_unsorted.aedat", decode="dvs128")
    assert (model.time_unit, model.tick, model.coding) == ("us", 1.0, "dvs128")
    assert arrays == {"addresses": [1, 2, 3], "ticks": [100, 50, 200]}


def test_files_of_simulators_are_spike_trains() -> None:
    model, arrays = only(AER, DATA / "monitor_dt0.1ms.aedat")
    assert (model.kind, model.size, model.time_unit) == ("spike-trains", 10, "ms")
    assert arrays["times"][:4] == [0.1, 1.1, 2.2, 3.1]
    assert arrays["channels"] == list(range(10))
    assert only(AER, DATA / "monitor_dt0.1ms.aedat", as_spikes=False)[0].tick == 0.1
    assert only(AER, DATA / "v2_jaer.aedat", as_spikes=True)[1]["channels"] == [2, 5, 300, 32513]


def test_what_is_left_out_is_said() -> None:
    _, losses = read(AER, DATA / "v2_truncated.aedat")
    assert [(loss.entry, loss.field) for loss in losses] == [("v2_truncated", "events")]
    with pytest.warns(ArchiveWarning, match="no whole event"):
        list(AER.read(DATA / "v2_truncated.aedat"))


@pytest.mark.parametrize(
    ("name", "reader"),
    [
        ("v2_jaer.aedat", "aer"),
        ("dvs128_v1.dat", "aer"),
        ("index.aeidx", "aer"),
        ("v1_noheader.dat", "aer-headerless"),
        ("empty.dat", "aer-headerless"),
    ],
)
def test_the_reader_is_found(name: str, reader: str) -> None:
    assert reader_for(DATA / name).name == reader


def test_text_is_no_file_without_header(tmp_path: Path) -> None:
    path = tmp_path / "numbers.dat"
    path.write_text("0.1 2\n0.2 3\n")
    with pytest.raises(FormatError, match="it is a text"):
        list(AerHeaderless().read(path))


def test_an_index_has_a_segment_for_each_file() -> None:
    path = DATA / "index.aeidx"
    names = [of_kind(schemas.Segment, entry).name for entry in AER.read(path)]
    assert names == ["v2_notick", "v1_noheader"]
    assert AER.covers(path) == [DATA / "v2_notick.aedat", DATA / "v1_noheader.dat"]
    assert AER.covers(DATA / "v2_jaer.aedat") == []


@pytest.mark.parametrize("options", [{"decode": "dvs"}, {"tick": "1 parsec"}, {"tick": -1}])
def test_options_that_mean_nothing(options: dict[str, Any]) -> None:
    with pytest.raises(FormatError, match=r"no coding|no time"):
        list(AER.read(DATA / "v2_jaer.aedat", **options))


@pytest.mark.parametrize("tick", ["0.1 ms", 1e-4, quantity(100.0, "us")])
def test_a_tick_that_is_given_counts(tick: object) -> None:
    model, _ = only(AER, DATA / "v2_jaer.aedat", tick=tick)
    assert (model.tick, model.time_unit) == (0.1, "ms")


def test_the_clock_wraps_in_a_long_file(tmp_path: Path) -> None:
    true = np.arange(500_000, dtype=np.int64) * 60_000  # seven times, between and within pieces
    made = np.zeros((len(true), 2), ">u4")
    made[:, 1] = true & 0xFFFFFFFF
    path = tmp_path / "x.aedat"
    path.write_bytes(b"#!AER-DAT2.0\n" + made.tobytes())
    (part,), _ = read(AER, path)
    ticks = part.arrays["ticks"]
    assert ticks.dtype == np.int64
    assert np.array_equal(ticks, true)
    for first in (0, 131_071, 131_072, 299_999):
        assert np.array_equal(ticks[first : first + 7], true[first : first + 7])


# -- out -------------------------------------------------------------------------------------


def written(path: Path, *parts: Entry, **options: Any) -> list[Loss]:
    return AER.write(Holding([parts]), path, **options)


@pytest.mark.parametrize("dialect", ["brian", "jaer"])
@pytest.mark.parametrize("version", [1, 2, "1.0"])
def test_bytes_that_are_written(tmp_path: Path, dialect: str, version: Any) -> None:
    path = tmp_path / "x.aedat"
    part = spikes([0.1, 0.3, 0.2], [0, 0, 1], 3)
    assert written(path, part, dialect=dialect, version=version, tick="0.1 ms") == []
    end = b"\n" if dialect == "brian" else b"\r\n"
    raw = path.read_bytes()
    number, form = (2, ">Ii") if version == 2 else (1, ">Hi")
    assert raw.startswith(b"#!AER-DAT%d.0" % number + end)
    said = b"0.1 * msecond" if dialect == "brian" else b"0.1 ms"
    assert b"# Timestamps tick is " + said + end in raw
    events = [(0, 1), (1, 2), (0, 3)]
    assert raw.endswith(end + b"".join(struct.pack(form, *event) for event in events))
    loaded = load_aer(path)
    assert isinstance(loaded, tuple)
    assert loaded[1].tolist() == [1e-4, 2e-4, 3e-4]


def test_ticks_are_the_nearest(tmp_path: Path) -> None:
    steps = np.arange(2000)
    path = tmp_path / "x.aedat"
    times = steps * 0.1  # of which Brian has 138 a tick late
    assert (np.ceil(times / 0.1) != steps).any()
    assert written(path, spikes(times.tolist(), [0] * 2000, 1), tick="0.1 ms") == []
    assert np.array_equal(only(AER, path, as_spikes=False)[1]["ticks"], steps)


def test_times_between_ticks_are_a_loss(tmp_path: Path) -> None:
    (loss,) = written(tmp_path / "x.aedat", spikes([0.1004], [0], 1))
    assert (loss.entry, loss.field) == ("r/s0/spikes", "times")
    assert "0.4" in loss.reason


def test_ticks_beyond_32_bits(tmp_path: Path) -> None:
    path, part = tmp_path / "x.aedat", spikes([2e6, 2.2e6], [0, 0], 1, t_stop=3e6)
    with pytest.raises(FormatError, match="32 bits"):
        written(path, part)
    assert not path.exists()
    (loss,) = written(path, part, wrap=True)
    assert loss.field == "times"
    assert only(AER, path)[1]["times"] == [2e6, 2.2e6]


@pytest.mark.parametrize(("version", "channel"), [(1, 1 << 16), (2, 1 << 32), (2, -1)])
def test_channels_that_are_no_addresses(tmp_path: Path, version: int, channel: int) -> None:
    part = spikes([0.1], [0], 1, channels=[channel])
    with pytest.raises(FormatError, match="an address is not within"):
        written(tmp_path / "x.aedat", part, version=version)
    assert list(tmp_path.iterdir()) == []


def test_one_of_several_is_named(tmp_path: Path) -> None:
    one, other = (spikes([0.1], [0], 1, population=name) for name in ("exc", "inh"))
    with pytest.raises(FormatError, match="2 sets of events") as caught:
        written(tmp_path / "x.aedat", one, other)
    assert "'r/s0/exc/spikes'" in str(caught.value.hint)
    losses = written(tmp_path / "x.aedat", one, other, entry="inh/spikes")
    assert [(loss.entry, loss.field) for loss in losses] == [("r/s0/exc/spikes", "spike-trains")]
    assert only(AER, tmp_path / "x.aedat")[0].population == "inh"
    with pytest.raises(FormatError, match="no spikes"):
        written(tmp_path / "y.aedat")


def test_what_has_no_place_is_said(tmp_path: Path) -> None:
    signal = schemas.Signal(variable="v", unit="mV", sampling_period=1.0)
    part = spikes([0.1], [0], 1, description="d", annotations={"a": 1})
    source = Holding([[part, Entry(signal, {"values": np.zeros((2, 1))})]], {"b": 2})
    losses = AER.write(source, tmp_path / "x.aedat")
    assert {(loss.entry, loss.field) for loss in losses} == {
        ("r/s0", "annotations"),
        ("r/s0/spikes", "description"),
        ("r/s0/spikes", "annotations"),
        ("r/s0/v", "signal"),
    }


def test_an_index_takes_all(tmp_path: Path) -> None:
    source = Holding([[spikes([0.1], [0], 1)], [addresses([1, 2], [5, 4], coding="davis")]])
    path = tmp_path / "all.aeidx"
    assert AER.write(source, path) == []
    assert path.read_text() == "all.1.aedat\nall.2.aedat\n"
    first, second = AER.read(path)
    names = [of_kind(schemas.Segment, one).name for one in (first, second)]
    assert names == ["s0", "s1"]
    (part,) = second.parts
    assert of_kind(schemas.AddressEvents, part).coding == "davis"
    assert np.asarray(part.arrays["ticks"]).tolist() == [5, 4]
    before = path.read_bytes()
    with pytest.raises(AlreadyExists):
        AER.write(source, path)
    assert path.read_bytes() == before


def test_a_file_of_a_device_goes_out_as_it_came_in(tmp_path: Path) -> None:
    for name, version in (("v2_unsorted.aedat", 2), ("v1_noheader.dat", 1)):
        (segment,) = AER.read(DATA / name)
        path = tmp_path / name
        AER.write(Holding([list(segment.parts)]), path, version=version)
        raw = (DATA / name).read_bytes()
        assert path.read_bytes().endswith(b"\n" + raw[raw.rfind(b"\n", 0, 20) + 1 :][-24:])


@settings(max_examples=60, deadline=None)
@given(
    ticks=st.lists(st.integers(-(2**31), 2**31 - 1), max_size=20),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_address_events_come_back(
    tmp_path_factory: pytest.TempPathFactory, ticks: list[int], seed: int
) -> None:
    values = np.random.default_rng(seed).integers(0, 2**32, len(ticks)).tolist()
    path = tmp_path_factory.mktemp("aer") / "x.aedat"
    assert written(path, addresses(values, ticks, 0.1, "ms", coding="dvs128")) == []
    model, arrays = only(AER, path)
    assert (model.tick, model.time_unit, model.coding) == (0.1, "ms", "dvs128")
    assert arrays["addresses"] == values
    back = np.array(arrays["ticks"], np.int64)
    assert np.array_equal(back.astype(np.int32), ticks)  # where the clock wraps they go on
    assert (np.abs(np.diff(back)) <= 2**31).all()


@settings(max_examples=60, deadline=None)
@given(
    events=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 10**6)), max_size=20),
    unit=st.sampled_from(["s", "ms", "us"]),
)
def test_any_spikes_come_back(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[int, int]], unit: str
) -> None:
    scale = {"s": 1e6, "ms": 1e3, "us": 1.0}[unit]
    times, neuron = [tick / scale for _, tick in events], [train for train, _ in events]
    channels = [9, 2, 70000, 4, 11, 0]
    part = spikes(times, neuron, 6, channels=channels, time_unit=unit, population="exc")
    path = tmp_path_factory.mktemp("aer") / "x.aedat"
    assert written(path, part) == []
    model, arrays = only(AER, path)
    assert (model.size, model.time_unit, model.population) == (6, unit, "exc")
    known = of_kind(schemas.SpikeTrains, part)
    assert (model.t_start, model.t_stop) == (known.t_start, known.t_stop)
    back = [arrays["channels"][train] for train in arrays["neuron"]]
    wanted = sorted((channels[train], time) for train, time in zip(neuron, times, strict=True))
    assert sorted(zip(back, arrays["times"], strict=True)) == wanted


def test_into_an_archive_and_out_again(tmp_path: Path) -> None:
    count = 400_000
    random = np.random.default_rng(1)
    made = np.empty((count, 2), ">u4")
    made[:, 0] = random.integers(0, 2**32, count)
    made[:, 1] = random.integers(0, 2**30, count)
    source = tmp_path / "long.aedat"
    source.write_bytes(b"#!AER-DAT2.0\r\n" + made.tobytes())
    with archive.open(tmp_path / "x.nix", "x") as exp:
        for name in ("a", "b"):  # the second begins within a chunk
            with exp.run(name) as run:
                run.put(list(AER.read(source, decode="davis")))
    with archive.open(tmp_path / "x.nix") as exp:
        assert exp.check(deep=True).is_valid()
        for segment in exp.segments:
            events = segment.address_events["events"]
            assert np.array_equal(events.addresses, made[:, 0])
            assert np.array_equal(events.ticks, made[:, 1])
            assert events.times.dimensionality.string == "us"
            assert (
                events.decoded(events=slice(0, 3))["x"].tolist()
                == (made[:3, 0] >> 12 & 1023).tolist()
            )
        losses = writer_for(tmp_path / "y.aedat").write(
            exp.segments[:1], tmp_path / "y.aedat", entry="events"
        )
        assert {(loss.entry, loss.field) for loss in losses} == {("a/long", "annotations")}
    assert (tmp_path / "y.aedat").read_bytes().endswith(b"\n" + made.tobytes())
