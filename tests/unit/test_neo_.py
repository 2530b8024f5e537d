"""Neo's segments and blocks become entries, and come back the same."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import neo
import numpy as np
import pytest
import quantities as pq
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp
from neo.core.spiketrainlist import SpikeTrainList

import schemas
from archive.errors import ArchiveWarning, ContractError, FormatError
from archive.hooks.neo_ import block_entries, segment_entry, to_neo_block, to_neo_segment

names = st.none() | st.text("abcäß .-_0", min_size=1, max_size=8)
numbers = st.floats(-1e6, 1e6, allow_nan=False)
facts = st.dictionaries(
    st.sampled_from(["amplitude", "note", "units", "flag"]),
    st.none() | st.booleans() | st.integers(-5, 5) | numbers | st.text(max_size=5)
    | st.builds(lambda x: x * pq.nA, numbers) | st.lists(st.integers(0, 3), max_size=3),
    max_size=3,
)  # fmt: skip
time_units = st.sampled_from([pq.s, pq.ms, pq.us])
rates = st.sampled_from([1 / (0.1 * pq.ms), 20 * pq.kHz, 30000 * pq.Hz, 1 / (3 * pq.us)])
dtypes = st.sampled_from([np.float64, np.float32, np.int16, np.int64, np.complex128, np.bool_])


@st.composite
def signals(draw: st.DrawFn) -> Any:
    shape = (draw(st.integers(0, 4)), draw(st.integers(1, 3)))
    values = draw(hnp.arrays(draw(dtypes), shape))
    signal = neo.AnalogSignal(
        values,
        units=draw(st.sampled_from(["mV", "nA", "dimensionless", "uS/cm**2"])),
        sampling_rate=draw(rates),
        t_start=draw(st.floats(-100, 100)) * draw(time_units),
        name=draw(names),
        description=draw(names),
        file_origin=draw(names),
        array_annotations={"place": np.arange(shape[1]) * pq.um},
    )
    signal.annotations.update(draw(facts))
    return signal


@st.composite
def irregular_signals(draw: st.DrawFn) -> Any:
    times = sorted(draw(st.lists(numbers, max_size=4)))
    values = draw(hnp.arrays(np.float64, (len(times), 2), elements=numbers))
    return neo.IrregularlySampledSignal(
        np.asarray(times, dtype=float) * draw(time_units), values, units="mV", name=draw(names)
    )


@st.composite
def trains(draw: st.DrawFn) -> Any:
    times = np.asarray(sorted(draw(st.lists(st.floats(0, 50), max_size=4))))
    waves = draw(st.booleans())
    train = neo.SpikeTrain(
        times.astype(draw(st.sampled_from([np.float64, np.float32]))),
        units=draw(time_units),
        t_start=draw(st.sampled_from([0.0, -2.5])),
        t_stop=draw(st.sampled_from([51.0, 100.0])),
        name=draw(names),
        sampling_rate=draw(st.sampled_from([1.0 * pq.Hz, 10 * pq.kHz])),
        left_sweep=draw(st.none() | st.just(0.5 * pq.ms)),
        waveforms=np.ones((len(times), 2, 3)) * pq.uV if waves else None,
        array_annotations={"size": np.arange(len(times)) * pq.mV} if draw(st.booleans()) else None,
    )
    train.annotations.update(draw(facts))
    return train


@st.composite
def events(draw: st.DrawFn) -> Any:
    count = draw(st.integers(0, 3))
    times = draw(hnp.arrays(np.float64, count, elements=numbers)) * draw(time_units)
    labels = draw(
        st.sampled_from([[], list(range(count)), ["ä"] * count, np.array(["x"] * count, "U7")])
    )
    if draw(st.booleans()):
        event = neo.Event(times=times, labels=labels, name=draw(names))
    else:
        lengths = np.full(count, 0.1) * draw(time_units)
        event = neo.Epoch(times=times, durations=lengths, labels=labels, name=draw(names))
    event.annotations.update(draw(facts))
    return event


@st.composite
def images(draw: st.DrawFn) -> Any:
    return neo.ImageSequence(
        draw(hnp.arrays(np.uint8, (draw(st.integers(1, 3)), 2, 3))),
        units="dimensionless",
        sampling_rate=draw(rates),
        spatial_scale=draw(st.floats(0.1, 10)) * pq.um,
        t_start=draw(st.floats(0, 10)) * pq.ms,
        name=draw(names),
    )


@st.composite
def segments(draw: st.DrawFn) -> Any:
    segment = neo.Segment(
        name=draw(names | st.just("")),
        description=draw(names),
        file_origin=draw(names),
        rec_datetime=draw(
            st.none() | st.just(datetime(2025, 1, 2, 3, 4, 5, 6, tzinfo=UTC))
            | st.just(datetime(2025, 7, 2, 3, 4, 5, 6))
        ),
        file_datetime=draw(st.none() | st.just(datetime(2024, 1, 2))),
        index=draw(st.none() | st.integers(0, 3)),
    )  # fmt: skip
    segment.annotations.update(draw(facts))
    segment.analogsignals.extend(draw(st.lists(signals(), max_size=3)))
    segment.irregularlysampledsignals.extend(draw(st.lists(irregular_signals(), max_size=2)))
    segment.spiketrains.extend(draw(st.lists(trains(), max_size=4)))
    for event in draw(st.lists(events(), max_size=3)):
        (segment.epochs if isinstance(event, neo.Epoch) else segment.events).append(event)
    segment.imagesequences.extend(draw(st.lists(images(), max_size=1)))
    return segment


def same_value(one: Any, other: Any) -> bool:
    if isinstance(one, pq.Quantity) or isinstance(other, pq.Quantity):
        units = [getattr(value, "dimensionality", None) for value in (one, other)]
        return str(units[0]) == str(units[1]) and np.array_equal(one.magnitude, other.magnitude)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same_value(one[k], other[k]) for k in one)
    if isinstance(one, np.ndarray):
        return bool(np.array_equal(one, other))
    return bool(one == other)


def same_object(one: Any, other: Any) -> None:
    assert type(one) is type(other)
    assert one.dtype == other.dtype
    assert str(one.dimensionality) == str(other.dimensionality)
    np.testing.assert_array_equal(one.magnitude, other.magnitude)
    irregular = isinstance(one, neo.IrregularlySampledSignal)
    if irregular:
        assert same_value(one.times, other.times)
    attributes = {
        "name", "description", "file_origin", "annotations", "array_annotations", "sampling_rate",
        "t_start", "t_stop", "labels", "durations", "waveforms", "left_sweep", "spatial_scale",
    }  # fmt: skip
    for name in sorted(attributes & set(dir(one))):
        if irregular and name in ("t_start", "t_stop", "sampling_rate"):
            continue  # the times say it, and there may be none
        mine, theirs = getattr(one, name), getattr(other, name)
        if name in ("t_start", "t_stop") and mine == theirs:
            continue  # zero in another unit is the same moment
        assert same_value(mine, theirs), (name, mine, theirs)


def same_segment(one: Any, other: Any) -> None:
    for name in ("name", "description", "file_origin", "rec_datetime", "file_datetime", "index"):
        assert getattr(one, name) == getattr(other, name)
    assert same_value(one.annotations, other.annotations)
    for container in (
        "analogsignals", "irregularlysampledsignals", "events", "epochs", "imagesequences",
    ):  # fmt: skip
        assert len(getattr(one, container)) == len(getattr(other, container))
        for mine, theirs in zip(getattr(one, container), getattr(other, container), strict=True):
            same_object(mine, theirs)
            assert theirs.segment is other
    assert len(one.spiketrains) == len(other.spiketrains)
    for mine, theirs in zip(one.spiketrains, other.spiketrains, strict=True):
        if "channel_id" not in mine.annotations:  # Neo's own lists of arrays put it in
            theirs.annotations.pop("channel_id", None)
        same_object(mine, theirs)


@settings(max_examples=60)
@given(segments())
def test_segment_comes_back(segment: Any) -> None:
    same_segment(segment, to_neo_segment(segment_entry(segment)))


@settings(max_examples=30)
@given(segments())
def test_entries_of_trains_are_sorted(segment: Any) -> None:
    entry = segment_entry(segment)
    seen = set()
    for part in entry.parts:
        model = part.model
        assert isinstance(model, schemas.Part)
        key = (isinstance(model, schemas.Signal | schemas.IrregularSignal) or type(model),
               model.population, model.variable)  # fmt: skip
        assert key not in seen
        seen.add(key)
        if isinstance(model, schemas.SpikeTrains):
            neuron, times = np.asarray(part.arrays["neuron"]), np.asarray(part.arrays["times"])
            assert np.array_equal(np.lexsort((times, neuron)), np.arange(len(times)))
            assert len(part.arrays["channels"].__array__()) == model.size


def multiplexed(count: int, each: int) -> Any:
    random = np.random.default_rng(1)
    times = np.sort(random.uniform(0, 1000, count * each))
    ids = random.integers(0, count, count * each) + 13
    segment = neo.Segment(name="many")
    segment.spiketrains = SpikeTrainList.from_spike_time_array(
        times * pq.ms,
        ids,
        np.arange(13, 13 + count),
        t_start=0 * pq.ms,
        t_stop=1000 * pq.ms,
        source_population="p",
        source_index=np.arange(count)[::-1],
    )
    return segment


def test_multiplexed_trains_stay_arrays() -> None:
    segment = multiplexed(50, 20)
    entry = segment_entry(segment)
    assert segment.spiketrains._items is None
    (part,) = entry.parts
    model = part.model
    assert isinstance(model, schemas.SpikeTrains)
    assert model.population == "p"
    assert np.array_equal(part.arrays["channels"].__array__(), np.arange(50)[::-1])
    back = to_neo_segment(entry)
    assert back.spiketrains._items is None
    for mine, theirs in zip(segment.spiketrains, back.spiketrains, strict=True):
        same_object(mine, theirs)


def test_ten_thousand_trains_make_no_objects() -> None:
    entry = segment_entry(multiplexed(10_000, 10))
    best = 1.0
    for _ in range(5):
        start = time.perf_counter()
        back = to_neo_segment(entry)
        best = min(best, time.perf_counter() - start)
    assert back.spiketrains._items is None
    assert best < 0.1  # about 0.002 s; ten thousand objects take seconds


def test_lists_of_two_populations_join() -> None:
    segment = neo.Segment()
    segment.spiketrains.extend([
        neo.SpikeTrain([1.0 * number] * pq.ms, t_stop=9 * pq.ms, source_population=label,
                       source_index=index, channel_id=number)
        for number, (label, index) in enumerate([("a", 0), ("a", 1), ("b", 0)])
    ])  # fmt: skip
    entry = segment_entry(segment)
    assert [part.model.population for part in entry.parts] == ["a", "b"]  # type: ignore[attr-defined]
    kept_order = to_neo_segment(entry).spiketrains
    for mine, theirs in zip(segment.spiketrains, kept_order, strict=True):
        same_object(mine, theirs)


def test_unsorted_train_is_sorted_and_said() -> None:
    segment = neo.Segment(name="s")
    segment.spiketrains.append(
        neo.SpikeTrain([3, 1, 2] * pq.ms, t_stop=5 * pq.ms, array_annotations={"k": [30, 10, 20]})
    )
    with pytest.warns(ArchiveWarning, match="not in order"):
        entry = segment_entry(segment)
    (train,) = to_neo_segment(entry).spiketrains
    assert train.magnitude.tolist() == [1, 2, 3]
    assert train.array_annotations["k"].tolist() == [10, 20, 30]


def test_spike_of_an_unlisted_channel_is_refused() -> None:
    segment = neo.Segment(name="s")
    segment.spiketrains = SpikeTrainList.from_spike_time_array(
        [1.0, 2.0] * pq.ms, np.array([1, 7]), [1, 2], t_stop=3 * pq.ms
    )
    with pytest.raises(FormatError, match="channel 7"):
        segment_entry(segment)


@pytest.mark.parametrize("name", ["a/b", "a\nb", "x" * 300])
def test_names_that_nix_cannot_have_are_refused(name: str) -> None:
    segment = neo.Segment(name="s")
    segment.analogsignals.append(
        neo.AnalogSignal([1.0], units="mV", sampling_rate=1 * pq.kHz, name=name)
    )
    with pytest.raises(ContractError, match="name") as caught:
        segment_entry(segment)
    assert caught.value.entry is not None
    assert caught.value.entry.startswith("s: ")


def test_nan_times_and_absurd_periods_are_refused() -> None:
    for bad in (
        neo.Event([1.0, np.nan] * pq.s, labels=["a", "b"]),
        neo.IrregularlySampledSignal([0.0, np.nan] * pq.s, [1.0, 2.0], units="mV"),
        neo.AnalogSignal([1.0], units="mV", sampling_period=1e9 * pq.s),
        neo.AnalogSignal([1.0], units="mV", sampling_rate=-1 * pq.Hz),
    ):
        segment = neo.Segment(name="s")
        segment.add(bad)
        with pytest.raises(ContractError):
            segment_entry(segment)


def test_reserved_annotation_is_refused() -> None:
    with pytest.raises(FormatError, match="_neo"):
        segment_entry(neo.Segment(_neo=1))


def test_marks_of_nixio_are_dropped() -> None:
    model = segment_entry(neo.Segment(nix_name="neo.segment.1", kept=1)).model
    assert isinstance(model, schemas.Segment)
    assert model.annotations == {"kept": 1}


def test_block_with_groups_and_views_comes_back() -> None:
    block = neo.Block(name="b", description="d", level=3)
    for number in range(2):
        segment = neo.Segment(name=f"s{number}")
        segment.analogsignals.append(
            neo.AnalogSignal(np.zeros((2, 3)), units="mV", sampling_rate=1 * pq.kHz, name="v")
        )
        segment.spiketrains.append(neo.SpikeTrain([1] * pq.s, t_stop=2))
        block.segments.append(segment)
    view = neo.ChannelView(block.segments[1].analogsignals[0], [0, 2], name="outer")
    inner = neo.Group(objects=[block.segments[0].spiketrains[0]], name="unit")
    block.groups.append(neo.Group(objects=[view, inner], name="tetrode", site="CA1"))

    back = to_neo_block(block_entries(block))
    assert (back.name, back.description, back.annotations) == ("b", "d", {"level": 3})
    for mine, theirs in zip(block.segments, back.segments, strict=True):
        theirs.annotations.pop("block", None)
        same_segment(mine, theirs)
    (group,) = back.groups
    assert (group.name, group.annotations) == ("tetrode", {"site": "CA1"})
    assert group.channelviews[0].obj is back.segments[1].analogsignals[0]
    assert group.channelviews[0].index.tolist() == [0, 2]
    assert group.groups[0].spiketrains[0] is back.segments[0].spiketrains[0]


def test_group_of_a_stray_object_is_refused() -> None:
    block = neo.Block()
    block.segments.append(neo.Segment())
    block.groups.append(neo.Group(objects=[neo.SpikeTrain([1] * pq.s, t_stop=2)], name="g"))
    with pytest.raises(FormatError, match="no segment"):
        block_entries(block)
