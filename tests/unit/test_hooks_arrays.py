"""Mappings of names to arrays become entries, or are refused with the entry's name and a hint."""

from __future__ import annotations

from typing import Any

import neo
import numpy as np
import numpy.typing as npt
import pytest
import quantities as pq
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp

import schemas
from archive.entry import Entry
from archive.errors import ArchiveError, ArchiveWarning, ContractError, FormatError
from archive.hooks import run_facts, segments_from
from archive.hooks.neo_ import to_neo_segment

MS = 0.1 * pq.ms


def parts_of(named: Any, **options: Any) -> list[Entry]:
    options = {"sampling_period": MS} | options
    (entry,) = segments_from([named], **options)
    return list(entry.parts)


def array(entry: Entry, name: str) -> npt.NDArray[Any]:
    return np.asarray(entry.arrays[name])


@given(
    hnp.arrays(
        st.sampled_from([np.float32, np.float64, np.int8, np.int64, np.uint16, np.bool_]),
        hnp.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=5),
    ),
    st.sampled_from(["mV", "nA", "dimensionless"]),
)
def test_values_keep_dtype_and_unit(values: npt.NDArray[Any], unit: str) -> None:
    (part,) = parts_of({"cell/v": pq.Quantity(values, unit, dtype=values.dtype)})
    model = part.model
    assert isinstance(model, schemas.Signal)
    assert (model.population, model.variable, model.unit) == ("cell", "v", unit)
    assert (model.sampling_period, model.time_unit, model.t_start) == (0.1, "ms", 0.0)
    kept = array(part, "values")
    assert kept.dtype == values.dtype
    np.testing.assert_array_equal(kept, values[:, None] if values.ndim == 1 else values)
    assert array(part, "channels").tolist() == list(range(kept.shape[1]))


def test_start_is_converted_to_the_unit_of_the_period() -> None:
    (part,) = parts_of({"v": np.zeros(3)}, t_start=0.05 * pq.s)
    model = part.model
    assert isinstance(model, schemas.Signal)
    assert (model.population, model.unit, model.t_start) == (None, "dimensionless", 50.0)


@given(
    st.dictionaries(
        st.integers(0, 9), st.lists(st.floats(0, 50), max_size=5).map(sorted), max_size=4
    )
)
def test_spikes_by_neuron(trains: dict[int, list[float]]) -> None:
    (part,) = parts_of({"cell/spikes": {key: np.array(t) * pq.ms for key, t in trains.items()}})
    model = part.model
    assert isinstance(model, schemas.SpikeTrains)
    assert (model.size, model.time_unit) == (len(trains), "ms")
    assert array(part, "channels").tolist() == sorted(trains)
    for number, key in enumerate(sorted(trains)):
        assert array(part, "times")[array(part, "neuron") == number].tolist() == trains[key]
    assert model.t_stop == max([0.0, *(moment for train in trains.values() for moment in train)])


def test_spikes_as_a_pair_in_any_order() -> None:
    times = np.array([3.0, 1.0, 2.0, 4.0], dtype=np.float32)
    (part,) = parts_of(
        {"spikes": (pq.Quantity(times, "ms", dtype=times.dtype), np.array([2, 0, 2, 0]))},
        t_stop=0.01 * pq.s,
    )
    model = part.model
    assert isinstance(model, schemas.SpikeTrains)
    assert (model.size, model.t_stop) == (3, 10.0)
    assert array(part, "times").tolist() == [1.0, 4.0, 2.0, 3.0]
    assert array(part, "times").dtype == np.float32
    assert array(part, "neuron").tolist() == [0, 0, 2, 2]


def test_recording_of_spikes_ends_with_the_signals() -> None:
    signal, spikes = parts_of({"v": np.zeros(500), "spikes": {0: [1.0] * pq.ms}})
    assert isinstance(spikes.model, schemas.SpikeTrains)
    assert spikes.model.t_stop == pytest.approx(50.0)
    assert signal.model.kind == "signal"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint64, np.int8])
def test_pairs_in_any_order_are_sorted_whatever_the_integers(dtype: Any) -> None:
    times, neuron = np.array([3.0, 1.0, 2.0]) * pq.ms, np.array([0, 2, 1], dtype)[::-1]
    (part,) = parts_of({"cell/spikes": (times, neuron)})
    assert array(part, "neuron").tolist() == [0, 1, 2]
    assert array(part, "times").tolist() == [2.0, 3.0, 1.0]


def test_unsorted_train_is_sorted_and_said() -> None:
    with pytest.warns(ArchiveWarning, match="cell/spikes"):
        (part,) = parts_of({"cell/spikes": {5: [3.0, 1.0] * pq.ms}})
    assert array(part, "times").tolist() == [1.0, 3.0]


MASKED: Any = np.ma.masked_invalid([1.0, np.nan])  # type: ignore[no-untyped-call]
BAD: list[tuple[Any, dict[str, Any], str]] = [
    ({"v": np.zeros((2, 2, 2))}, {}, "shape"),
    ({"v": np.zeros(())}, {}, "shape"),
    ({"v": np.zeros(3)}, {"sampling_period": None}, "missing"),
    ({"v": np.zeros(3)}, {"sampling_period": 0.1}, "no time"),
    ({"v": np.zeros(3)}, {"sampling_period": 0.1 * pq.mV}, "no time"),
    ({"v": np.zeros(3)}, {"sampling_period": 0 * pq.ms}, "between samples"),
    ({"v": np.zeros(3)}, {"sampling_period": -1 * pq.ms}, "between samples"),
    ({"v": np.zeros(3)}, {"sampling_period": np.nan * pq.ms}, "between samples"),
    ({"v": np.zeros(3)}, {"sampling_period": 1e9 * pq.s}, "between samples"),
    ({"v": MASKED}, {}, "masked"),
    ({"v": np.array([1, None])}, {}, "dtype object"),
    ({"v": np.array(["a"])}, {}, "dtype"),
    ({"a/b/c": np.zeros(3)}, {}, "'/'"),
    ({"/v": np.zeros(3)}, {}, "empty"),
    ({"a\0": np.zeros(3)}, {}, "x00"),
    ({"a\n": np.zeros(3)}, {}, "n'"),
    ({3: np.zeros(3)}, {}, "no text"),
    ({"spikes": {0: [1.0, np.nan] * pq.ms}}, {}, "nan"),
    ({"spikes": {0: [1.0, np.inf] * pq.ms}}, {}, "inf"),
    ({"spikes": {0: [1.0, 2.0]}}, {}, "times in"),
    ({"spikes": {0: [1.0] * pq.mV}}, {}, "times in"),
    ({"spikes": {"a": [1.0] * pq.ms}}, {}, "no integer"),
    ({"spikes": {0: [1.0] * pq.ms, 1: [1.0] * pq.s}}, {}, "ms and s"),
    ({"spikes": ([1.0, 2.0] * pq.ms, np.array([0]))}, {}, "2 times"),
    ({"spikes": ([1.0] * pq.ms, np.array([-1]))}, {}, "-1"),
    ({"spikes": ([1.0] * pq.ms, np.array([0.5]))}, {}, "dtype"),
    ({"spikes": [1.0] * pq.ms}, {}, "cannot be"),
    ({"spikes": {0: [5.0] * pq.ms}}, {"t_stop": 2 * pq.ms}, "from"),
    ({"spikes": {0: [5.0] * pq.ms}}, {"t_start": 6 * pq.ms}, "from"),
    ({"v": neo.AnalogSignal([1.0], units="mV", sampling_rate=1 * pq.kHz)}, {}, "neo"),
]


@pytest.mark.parametrize(("named", "options", "text"), BAD)
def test_bad_input_is_refused(named: Any, options: dict[str, Any], text: str) -> None:
    with pytest.raises(ArchiveError, match=text) as caught:
        parts_of(named, **options)
    assert caught.value.hint or caught.value.entry


def test_unknown_object_lists_what_is_accepted() -> None:
    with pytest.raises(FormatError, match=r"builtins\.list") as caught:
        segments_from([[1, 2]])
    assert "PyNN Population" in (caught.value.hint or "")
    assert "Brian 2" in (caught.value.hint or "")


def test_several_objects_make_one_segment() -> None:
    segment = neo.Segment(name="trial", depth=2)
    segment.events.append(neo.Event([1.0] * pq.s, labels=["go"], name="cue"))
    (entry,) = segments_from(
        [segment, {"v": np.zeros(2)}, {"v": np.ones(2)}],
        annotations={"amplitude": 1 * pq.nA},
        sampling_period=MS,
    )
    model = entry.model
    assert isinstance(model, schemas.Segment)
    assert model.name == "trial"
    assert model.annotations == {"depth": 2, "amplitude": schemas.Quantity(1.0, "nA")}
    assert [part.model.variable for part in entry.parts] == ["cue", "v", "v-2"]  # type: ignore[attr-defined]
    assert [signal.name for signal in to_neo_segment(entry).analogsignals] == ["v", "v"]


def test_contradicting_annotations_are_refused() -> None:
    with pytest.raises(ContractError, match="depth"):
        segments_from([neo.Segment(depth=1), neo.Segment(depth=2)])
    with pytest.raises(ContractError, match="depth"):
        segments_from([neo.Segment(depth=1)], annotations={"depth": 2})


def test_block_alone_gives_its_segments() -> None:
    block = neo.Block(name="b")
    block.segments.extend([neo.Segment(name="one"), neo.Segment(name="two")])
    entries = segments_from([block], annotations={"day": 1})
    assert [entry.model.name for entry in entries] == ["one", "two"]  # type: ignore[attr-defined]
    with pytest.raises(FormatError, match="2 segments"):
        segments_from([block, neo.Segment()])
    assert run_facts([block]) == {}


def test_empty_segment_is_kept() -> None:
    (entry,) = segments_from([neo.Segment(name="nothing")])
    assert list(entry.parts) == []
