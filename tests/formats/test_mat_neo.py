"""What NeoMatlabIO writes, and what it asks of those who write by hand, is read as segments."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import neo
import numpy as np
import pytest
import quantities as pq
import scipy.io

import schemas
from archive.adapters import reader_for
from archive.adapters.mat import Mat
from archive.entry import Entry, Loss
from archive.errors import FormatError
from archive.hooks.neo_ import block_entries, to_neo_block

PYNN = Path(__file__).resolve().parent.parent / "data" / "matlab"


def recorded() -> neo.Block:
    block = neo.Block(name="b", description="of all", simulator="x")
    random = np.random.default_rng(0)
    for number in range(2):
        moment = datetime(2026, 1, 2, 3, 4, 5, 6)
        segment = neo.Segment(
            name=f"s{number}", rec_datetime=moment, amp=3 * pq.nA, n=3, none=None,
            inner={"a": 1.5, "b": "x"}, several=["ab", "c"],
        )  # fmt: skip
        segment.analogsignals.append(
            neo.AnalogSignal(
                random.normal(size=(5, 2)) * pq.mV,
                sampling_rate=10 * pq.kHz,
                t_start=3 * pq.ms,
                name="v",
                source_population="exc",
            )
        )
        # one sample of three channels, of which Neo itself makes three samples of one
        segment.analogsignals.append(
            neo.AnalogSignal(np.ones((1, 3)) * pq.mV, sampling_rate=1 / pq.ms, name="one")
        )
        segment.irregularlysampledsignals.append(
            neo.IrregularlySampledSignal(
                [1, 2, 5.0] * pq.ms, random.normal(size=(3, 2)) * pq.nA, name="i"
            )
        )
        waves = random.normal(size=(2, 1, 4)) * pq.uV
        segment.spiketrains.append(
            neo.SpikeTrain([1, 2.5] * pq.ms, t_stop=10 * pq.ms, waveforms=waves, name="st")
        )
        segment.spiketrains.append(neo.SpikeTrain([] * pq.ms, t_stop=0.01 * pq.s, name="silent"))
        segment.events.append(neo.Event([1, 2] * pq.ms, labels=["a", "bcd"], name="ev"))
        segment.epochs.append(
            neo.Epoch([1] * pq.ms, durations=[1] * pq.s, labels=["bé"], name="ep")
        )
        block.segments.append(segment)
    signal = block.segments[0].analogsignals[0]
    group = neo.Group(objects=[signal], name="g")
    group.add(neo.ChannelView(signal, [1], name="view"))
    block.groups.append(group)
    return block


def same(one: Entry, other: Entry) -> None:
    assert one.model == other.model
    for name, array in one.arrays.items():
        np.testing.assert_array_equal(np.asarray(array), np.asarray(other.arrays[name]), name)
    for pair in zip(one.parts, other.parts, strict=True):
        same(*pair)


def test_a_block_of_neo_comes_back(tmp_path: Path) -> None:
    path, block = tmp_path / "a.mat", recorded()
    neo.io.NeoMatlabIO(str(path)).write_block(block)
    assert reader_for(path).name == "mat"
    losses: list[Loss] = []
    found = list(Mat().read(path, losses=losses))
    assert losses == []
    for pair in zip(block_entries(block), found, strict=True):
        same(*pair)
    (group,) = to_neo_block(found).groups
    assert (group.name, len(group.analogsignals), group.channelviews[0].index) == ("g", 1, [1])


def test_the_unit_of_images_is_said_to_be_lost(tmp_path: Path) -> None:
    """NeoMatlabIO writes all images as without a unit."""
    path, block = tmp_path / "a.mat", neo.Block()
    block.segments.append(neo.Segment())
    block.segments[0].imagesequences.append(
        neo.ImageSequence(
            np.ones((3, 2, 2)), units=pq.V, sampling_rate=1 * pq.Hz, spatial_scale=1 * pq.um
        )
    )
    neo.io.NeoMatlabIO(str(path)).write_block(block)
    losses: list[Loss] = []
    (segment,) = Mat().read(path, losses=losses)
    (images,) = segment.parts
    assert np.asarray(images.arrays["values"]).shape == (3, 2, 2)
    assert ["unit" in loss.reason for loss in losses] == [True]


def by_hand(**fields: Any) -> dict[str, Any]:
    """As the manual of NeoMatlabIO has it in MATLAB."""
    signal = {
        "signal": np.arange(5.0), "signal_units": "mV", "t_start": 0, "t_start_units": "s",
        "sampling_rate": 100, "sampling_rate_units": "Hz",
    }  # fmt: skip
    train = {
        "times": [1.0, 2.0], "times_units": "ms", "t_start": 0, "t_start_units": "ms",
        "t_stop": 10, "t_stop_units": "ms",
    }  # fmt: skip
    event = {"times": [0, 10], "times_units": "ms", "labels": ["trig0", "tr"]}
    segment = {
        "name": "s", "analogsignals": [signal], "spiketrains": [train], "events": [event], **fields,
    }  # fmt: skip
    return {"name": "by hand", "segments": [segment]}


@pytest.mark.parametrize("oned_as", ["row", "column"])
def test_a_block_that_was_made_in_matlab(oned_as: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    given = {"block": by_hand(mine=1.0), "other": 3.0}
    scipy.io.savemat(path, given, oned_as=oned_as)
    losses: list[Loss] = []
    segment, other = Mat().read(path, losses=losses)
    assert isinstance(other.model, schemas.KeyedValue)
    assert (other.model.key, other.model.value) == ("other", 3.0)
    held = {part.model.kind: part for part in segment.parts}
    assert np.asarray(held["signal"].arrays["values"]).shape == (5, 1)
    assert np.asarray(held["spike-trains"].arrays["times"]).tolist() == [1.0, 2.0]
    assert np.asarray(held["event"].arrays["labels"]).tolist() == ["trig0", "tr"]
    assert [loss.field for loss in losses] == ["block.segments{1}.mine"]


def test_a_segment_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"segment": by_hand()["segments"][0]})
    (segment,) = Mat().read(path)
    assert isinstance(segment.model, schemas.Segment)
    assert segment.model.name == "s"


def test_a_variable_block_of_others_is_a_value(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    for block in (1.0, {"segments": 3.0}, {"segments": [{"a": 1}]}, {"x": 1}):
        scipy.io.savemat(path, {"block": block})
        (entry,) = Mat().read(path)
        assert entry.model.kind == "keyed-value"


SIGNAL = {"signal": [1.0, 2], "signal_units": "mV", "sampling_rate": 1, "sampling_rate_units": "Hz"}
TRAIN = {"times": [1.0], "times_units": "ms", "t_stop": 10, "t_stop_units": "ms"}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"analogsignals": [{**SIGNAL, "signal_units": "mV*9**9**9"}]}, "signal_units"),
        ({"analogsignals": [{**SIGNAL, "sampling_rate": 0}]}, "no rate"),
        ({"analogsignals": [{**SIGNAL, "signal": "text"}]}, "no numbers"),
        ({"analogsignals": [{"signal": [1.0]}]}, "missing"),
        ({"analogsignals": 3.0}, "no cell of structs"),
        ({"analogsignals": [{**SIGNAL, "sampling_rate_units": "mV"}]}, "convert"),
        ({"spiketrains": [{**TRAIN, "t_stop": 0.5}]}, "outside"),
        ({"spiketrains": [{**TRAIN, "t_stop_units": "mV"}]}, "mV"),
        ({"events": [{"times": [1, 2], "times_units": "ms", "labels": ["a"]}]}, "1 labels of 2"),
    ],
)
def test_what_neo_could_not_make_is_refused(
    fields: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"block": by_hand(**fields)})
    with pytest.raises(FormatError, match=reason) as caught:
        list(Mat().read(path))
    assert caught.value.path == str(path)


@pytest.mark.parametrize("key", [np.nan, np.inf, 1j])
def test_numbers_of_objects_that_are_none(key: complex, tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    block = by_hand(neo_id=key)
    scipy.io.savemat(path, {"block": block})  # which nothing refers to
    (segment,) = Mat().read(path)
    assert segment.model.kind == "segment"
    view = {"obj": key, "index": [0]}
    for group in ({"segments": key}, {"channelviews": [view]}):
        scipy.io.savemat(path, {"block": {**block, "groups": [group]}})
        with pytest.raises(FormatError, match="no numbers of objects") as caught:
            list(Mat().read(path))
        assert caught.value.path == str(path)


def test_a_file_of_pynn() -> None:
    """Written by PyNN 0.13 with NEURON."""
    found = list(Mat().read(PYNN / "ex2.mat"))
    assert [getattr(entry.model, "name", "") for entry in found] == [
        f"segment{number:03d}" for number in range(5)
    ]
    (signal,) = found[0].parts
    assert isinstance(signal.model, schemas.Signal)
    assert (signal.model.population, signal.model.unit) == ("hh", "mV")
    assert np.asarray(signal.arrays["values"]).shape == (1001, 1)
