"""Pickles of anybody: real ones of many versions, what comes of them, and what is refused."""

from __future__ import annotations

import collections
import datetime as dt
import gzip
import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import neo
import numpy as np
import pytest
import quantities as pq
from hypothesis import HealthCheck, given, settings

import schemas
from archive.adapters import reader_for
from archive.adapters.pickles import Pickle
from archive.entry import Entry, Loss, walk
from archive.errors import FormatError
from archive.hooks.neo_ import block_entries, segment_entry, to_neo_block
from archive.testing import ReaderSuite
from archive.values import from_schema
from tests.unit.test_neo_ import multiplexed, segments

DATA = Path(__file__).parent.parent / "data"
PROTOCOLS = range(6)


class TestPickle(ReaderSuite):
    adapter = Pickle()

    def files(self, folder: Path) -> Iterable[Path]:
        return sorted((DATA / "pickles").glob("*.pkl"))


def read(path: Path, **options: Any) -> tuple[list[Entry], list[Loss]]:
    losses: list[Loss] = []
    return list(Pickle().read(path, losses=losses, **options)), losses


def keyed(path: Path, **options: Any) -> dict[str, Any]:
    """The values of a file by key."""
    found = {}
    for entry in read(path, **options)[0]:
        assert isinstance(entry.model, schemas.KeyedValue)
        found[entry.model.key] = from_schema(entry.model.value)
    return found


def dumped(path: Path, value: Any, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(value, protocol))
    return path


def assert_same(found: Iterable[Entry], expected: Iterable[Entry]) -> None:
    one, other = ([part for entry in side for part in walk(entry)] for side in (found, expected))
    assert [part.model for part in one] == [part.model for part in other]
    for mine, theirs in zip(one, other, strict=True):
        assert mine.arrays.keys() == theirs.arrays.keys()
        for name, array in mine.arrays.items():
            assert array.dtype == theirs.arrays[name].dtype
            np.testing.assert_array_equal(np.asarray(array), np.asarray(theirs.arrays[name]))


def block_of_neo() -> Any:
    """A block with all that a pickle of Neo keeps."""
    block = neo.Block(name="block", rec_datetime=dt.datetime(2020, 1, 2, 3, 4, 5, 6), size=3)
    for number in range(2):
        segment = neo.Segment(name=f"s{number}", index=number, trial=number, gain=2.5 * pq.mV)
        signal = neo.AnalogSignal(
            np.arange(6.0).reshape(3, 2),
            units=["mV", "uS/cm**2"][number],
            sampling_rate=10 * pq.kHz,
            t_start=1 * pq.ms,
            name="v",
            source_population="exc",
            array_annotations={"channel_index": np.array([4, 7])},
        )
        train = neo.SpikeTrain([1, 2.5] * pq.ms, t_stop=9 * pq.ms, waveforms=np.ones((2, 1, 3)))
        event = neo.Event([1, 2] * pq.s, labels=["a", "b"], array_annotations={"n": [1, 2]})
        epoch = neo.Epoch([1.0] * pq.s, durations=[2.0] * pq.s, labels=["c"], description="text")
        segment.analogsignals.append(signal)
        segment.spiketrains.append(train)
        segment.events.append(event)
        segment.epochs.append(epoch)
        block.segments.append(segment)
    inner = neo.Group(name="inner", objects=[block.segments[0].spiketrains[0]])
    view = neo.ChannelView(block.segments[1].analogsignals[0], index=[1], name="view")
    block.groups.append(neo.Group(name="outer", objects=[inner, view], colour="red"))
    return block


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_blocks_of_neo_are_read_as_neo_reads_them(tmp_path: Path, protocol: int) -> None:
    block = block_of_neo()
    path = dumped(tmp_path / "x.pkl", block, protocol)
    assert reader_for(path).name == "pickle"
    found, losses = read(path)
    assert not losses
    assert_same(found, block_entries(block))


@given(segments())
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_segments_of_neo_come_in(tmp_path: Path, segment: Any) -> None:
    segment.imagesequences.clear()
    found, losses = read(dumped(tmp_path / "x.pkl", segment, 5))
    assert not losses
    assert_same(found, [segment_entry(segment)])


def test_what_a_pickle_of_neo_does_not_keep_is_said(tmp_path: Path) -> None:
    # Neo itself cannot load these: the constructor asks for what is not in the file.
    segment = neo.Segment(name="s")
    images = np.arange(8.0).reshape(2, 2, 2)
    for _ in range(2):
        segment.imagesequences.append(
            neo.ImageSequence(
                images, units="V", frame_duration=1 * pq.ms, spatial_scale=1 * pq.um, name="i"
            )
        )
    found, losses = read(dumped(tmp_path / "x.pkl", segment))
    assert [loss.field for loss in losses] == ["ImageSequence"] * 2
    kept = found[2].model
    assert isinstance(kept, schemas.KeyedValue)
    assert kept.key == "x/ImageSequence-2"
    value = from_schema(kept.value)
    np.testing.assert_array_equal(value, images * pq.V)
    assert value.units == pq.V


def test_what_neo_would_not_have_made_is_refused(tmp_path: Path) -> None:
    train = neo.SpikeTrain([1, 2] * pq.ms, t_stop=9 * pq.ms)
    train.__dict__["t_stop"] = 9 * pq.kg
    with pytest.raises(FormatError, match="the SpikeTrain '' is not sound"):
        read(dumped(tmp_path / "x.pkl", train))
    signal = neo.AnalogSignal([1, 2] * pq.mV, sampling_rate=1 * pq.kHz)
    signal._t_start = 9 * pq.kg
    with pytest.raises(FormatError, match=r"x\.pkl: .*not sound"):
        read(dumped(tmp_path / "x.pkl", signal))


def test_multiplexed_trains_stay_arrays(tmp_path: Path) -> None:
    segment = multiplexed(5, 4)
    found, _ = read(dumped(tmp_path / "x.pkl", segment))
    assert_same(found, [segment_entry(segment)])


def test_objects_of_neo_alone_lie_in_a_segment(tmp_path: Path) -> None:
    segment = block_of_neo().segments[0]
    signal, train = segment.analogsignals[0], segment.spiketrains[0]
    found, _ = read(dumped(tmp_path / "few.pkl", [signal, train, segment.events[0]]))
    assert [part.model.kind for part in walk(found[0])] == [
        "segment",
        "signal",
        "event",
        "spike-trains",
    ]
    assert getattr(found[0].model, "name", None) == "few"
    found, _ = read(dumped(tmp_path / "x.pkl", {"rates": [1.0], "v": signal, "all": [segment]}))
    assert [entry.model.kind for entry in found] == ["keyed-value", "segment", "segment"]
    with pytest.raises(FormatError, match=r"AnalogSignal of Neo cannot be kept inside"):
        read(dumped(tmp_path / "y.pkl", {"deep": {"v": signal}}))


@pytest.mark.parametrize("path", sorted((DATA / "pickles").glob("neo*.pkl")), ids=lambda p: p.stem)
def test_blocks_of_old_neo_are_read(path: Path) -> None:
    found, losses = read(path)
    said = {loss.field for loss in losses}
    assert said <= {"ImageSequence", "ChannelIndex"}
    entries = [entry for entry in found if isinstance(entry.model, schemas.Segment)]
    block = to_neo_block(entries)
    assert (block.name, block.annotations["tag"]) == ("block", "b")
    assert block.rec_datetime == dt.datetime(2020, 1, 2, 3, 4, 5, 678)
    (group, *_) = block.groups
    assert group.channelviews[0].obj is block.segments[0].analogsignals[0]
    if "ChannelIndex" in said:
        assert list(group.annotations["channel_names"]) == ["c0", "c1"]
        assert group.groups[0].spiketrains[0] is block.segments[0].spiketrains[0]
    for number, segment in enumerate(block.segments):
        assert segment.name == f"segment{number:03d}"
        (signal,) = segment.analogsignals
        values = np.arange(6.0).reshape(3, 2) + number
        np.testing.assert_array_equal(signal.magnitude, values)
        assert signal.units == pq.mV
        assert (signal.sampling_period, signal.t_start) == (0.1 * pq.ms, 1 * pq.ms)
        (irregular,) = segment.irregularlysampledsignals
        assert (irregular.times == [0, 1, 3] * pq.ms).all()
        assert (irregular == [[1], [2], [4]] * pq.nA).all()
        for place, train in enumerate(segment.spiketrains):
            assert (train == [1, 2, 3.5 + place] * pq.ms).all()
            assert (train.t_start, train.t_stop) == (0.5 * pq.ms, 10 * pq.ms)
            assert (train.name, train.annotations["channel_id"]) == (f"t{place}", place + 5)
            assert train.sampling_rate == 10 * pq.kHz
            assert train.left_sweep == 0.2 * pq.ms
            np.testing.assert_array_equal(train.waveforms, np.arange(12.0).reshape(3, 1, 4) * pq.uV)
        (event,), (epoch,) = segment.events, segment.epochs
        assert event.labels.tolist() == ["a", "b"]
        assert event.annotations["q"] == 3 * pq.mV
        assert (epoch.name, epoch.labels.tolist()) == ("ep", ["p", "q"])
        assert (epoch.durations == [0.5, 0.25] * pq.s).all()


def test_pickles_of_pynn_are_read() -> None:
    path = DATA / "pickles" / "pynn_ex2.pkl"
    with path.open("rb") as file:
        block = pickle.load(file)
    assert_same(read(path)[0], block_entries(block))


@pytest.mark.parametrize("name", ["payload_p0", "payload_p2", "payload_plain_p2"])
def test_pickles_of_brian_1_are_read(name: str) -> None:
    values = keyed(DATA / "pickles" / "brian1" / f"{name}.pkl")
    np.testing.assert_array_equal(values["arr"], np.arange(6.0).reshape(2, 3))
    assert values["iarr"].dtype == np.int32
    assert values["tup"] == [1, 2.5, "x"]
    assert values["cplx"] == 1 + 2j
    assert values["st"] == [1, 2]
    if "plain" not in name:
        assert values["params"]["tau"] == 10 * pq.ms


@pytest.mark.parametrize("name", ["payload_p0", "payload_p2"])
def test_quantities_of_brian_before_1_4_are_read(tmp_path: Path, name: str) -> None:
    data = (DATA / "pickles" / "brian1" / f"{name}.pkl").read_bytes()
    assert b"brian.fundamentalunits\n" in data
    path = tmp_path / "x.pkl"
    path.write_bytes(data.replace(b"brian.fundamentalunits\n", b"brian.units\n"))
    assert keyed(path)["params"]["tau"] == 10 * pq.ms


def test_quantities_of_brian_2_are_read() -> None:
    values = keyed(DATA / "pickles" / "brian2_monitor.pickle")
    assert values["t"].units == pq.s
    assert values["i"].tolist() == [1, 0, 3, 2, 4]


UNITS = [
    pq.mV, pq.nS, pq.um, pq.Hz, pq.dimensionless,
    pq.CompoundUnit("uA/cm**2"), pq.mV / pq.ms, 1 / (pq.s * pq.mV), pq.kg * pq.m**2 / pq.s**3,
    pq.degC, pq.rad, pq.percent, pq.ohm, pq.uF / pq.cm**2,
]  # fmt: skip


@pytest.mark.parametrize("protocol", [0, 2, 5])
@pytest.mark.parametrize("unit", UNITS, ids=str)
def test_quantities_keep_number_and_unit(tmp_path: Path, unit: Any, protocol: int) -> None:
    given = np.array([[1.5, 2]]) * unit
    values = keyed(dumped(tmp_path / "x.pkl", {"q": given, "one": 2.0 * unit, "u": unit}, protocol))
    np.testing.assert_allclose(values["q"].magnitude, given.magnitude, rtol=1e-15)
    assert values["q"].units.simplified == given.units.simplified
    assert values["one"] == 2.0 * unit
    assert (values["u"] / (1.0 * unit)).simplified == 1


def test_integers_with_a_unit_stay_such(tmp_path: Path) -> None:
    values = keyed(dumped(tmp_path / "x.pkl", {"n": pq.Quantity(np.array([1, 2]), "ms")}))
    assert values["n"].dtype == np.int64


def test_units_that_lie_or_are_nobody_s_are_told(tmp_path: Path) -> None:
    path = dumped(tmp_path / "x.pkl", 2 * pq.UnitQuantity("weight", 5 * pq.kg, symbol="xx"))
    path.write_bytes(path.read_bytes().replace(b"xx", b"mV"))
    with pytest.raises(FormatError, match="'mV' is defined as what it is not"):
        read(path)
    own = 2.0 * pq.UnitQuantity("spoon", 15 * pq.mL, symbol="spn")
    value = keyed(dumped(tmp_path / "y.pkl", own))["y"]
    assert value == 30 * pq.mL


@pytest.mark.parametrize("definition", ["I1" + "0" * 400, "Vtext", "F-1.0", "F1e400"])
def test_a_unit_without_a_sound_definition_is_refused(tmp_path: Path, definition: str) -> None:
    path = tmp_path / "x.pkl"
    path.write_text(f"cquantities.unitquantity\nUnitQuantity\n(Vspoon\n{definition}\nVspn\ntR.")
    with pytest.raises(FormatError, match=r"the unit 'spn'|is of no size") as caught:
        read(path)
    assert caught.value.path == str(path)


VALUES: list[tuple[Any, Any, str | None]] = [
    (3, 3, None),
    ([1, "a", None, True], [1, "a", None, True], None),
    ((1, (2,)), [1, [2]], "tuples"),
    ({3, 1, 2}, [1, 2, 3], "sets"),
    (frozenset("ab"), ["a", "b"], "sets"),
    ({1: "a", "b": 2}, {"1": "a", "b": 2}, "keys"),
    ({(1, 2): "a"}, [[[1, 2], "a"]], "pairs"),
    ({"1": "a", 1: "b"}, [["1", "a"], [1, "b"]], "pairs"),
    (bytearray(b"x"), b"x", "bytearray"),
    (dt.timedelta(seconds=2), 2 * pq.s, "seconds"),
    (dt.date(2020, 1, 2), "2020-01-02", "became text"),
    (dt.datetime(2020, 1, 2, tzinfo=dt.UTC), dt.datetime(2020, 1, 2, tzinfo=dt.UTC), None),
    (collections.OrderedDict(a=1), {"a": 1}, None),
    (2**70, 2**70, None),
    (1 + 2j, 1 + 2j, None),
    (np.array([[1], [2, 3]], dtype=object), [[1], [2, 3]], "objects"),
]


@pytest.mark.parametrize("protocol", [0, 3, 5])
@pytest.mark.parametrize(("given", "expected", "loss"), VALUES, ids=map(str, range(len(VALUES))))
def test_values_become_what_is_nearest(
    tmp_path: Path, given: Any, expected: Any, loss: str | None, protocol: int
) -> None:
    path = dumped(tmp_path / "x.pkl", [given], protocol)
    found, losses = read(path)
    assert isinstance(found[0].model, schemas.KeyedValue)
    assert found[0].model.key == "x"
    assert from_schema(found[0].model.value) == [expected]
    assert (loss is None) == (not losses)
    assert loss is None or any(loss in each.reason for each in losses)


def test_several_pickles_in_one_file_are_all_read(tmp_path: Path) -> None:
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps(1, 2) + pickle.dumps({"a": [2]}, 0) + pickle.dumps("c", 5))
    assert keyed(path) == {"x-1": 1, "x-2": {"a": [2]}, "x-3": "c"}


def test_compressed_pickles_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.pkl.gz"
    path.write_bytes(gzip.compress(pickle.dumps([1, 2])))
    assert reader_for(path).name == "pickle"
    assert keyed(path) == {"x": [1, 2]}


def ran() -> None:
    raise AssertionError("code of a pickle was run")


class Evil:
    def __reduce__(self) -> Any:
        return ran, ()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_code_is_run_unless_trusted(tmp_path: Path, protocol: int) -> None:
    path = dumped(tmp_path / "x.pkl", {"a": Evil()}, protocol)
    with pytest.raises(FormatError, match=r"test_pickles.ran.*not among"):
        read(path)
    with pytest.raises(FormatError, match="code of a pickle was run"):
        read(path, trust=True)


@pytest.mark.parametrize("trust", [False, True])
def test_an_empty_file_is_no_pickle(tmp_path: Path, trust: bool) -> None:
    (tmp_path / "x.pkl").touch()
    with pytest.raises(FormatError, match=r"x\.pkl"):
        read(tmp_path / "x.pkl", trust=trust)


class Own(dict[str, int]):
    pass


def test_what_was_trusted_is_marked(tmp_path: Path) -> None:
    path = dumped(tmp_path / "x.pkl", {"a": Own(b=1), "block": block_of_neo()})
    with pytest.raises(FormatError, match="Own"):
        read(path)
    found, losses = read(path, trust=True)
    assert [loss.field for loss in losses] == ["trust"]
    value, segment = found[0].model, found[1].model
    assert isinstance(value, schemas.KeyedValue)
    assert isinstance(segment, schemas.Segment)
    assert from_schema(value.value) == {"b": 1}
    assert value.author == "code in x.pkl, run with trust=True"
    assert segment.annotations["read_by_running_the_file"] is True


def test_what_is_no_pickle_is_not_recognised(tmp_path: Path) -> None:
    pickle_reader = Pickle()
    texts = [
        b"",
        b"(see below).\n",
        b"# x\n1 2 3\n",
        b"{}",
        b"[1, 2]",
        b"PK\x03\x04",
        b"I am.",
        b"c",
    ]
    for text in texts:
        path = tmp_path / "x"
        path.write_bytes(text)
        assert not pickle_reader.recognises(path), text
    for protocol in PROTOCOLS:
        for value in ({}, {"a": 1}, [], [1], (), (1,), 1, 1.5, "a", b"a", None, True, np.ones(2)):
            assert pickle_reader.recognises(dumped(tmp_path / "x", value, protocol)), (
                value,
                protocol,
            )
    for path in (DATA / "annarchy").rglob("*.data"):
        assert reader_for(path).name == "annarchy"
    for path in (DATA / "brian2").glob("*.brian2"):
        assert reader_for(path).name == "brian2"
