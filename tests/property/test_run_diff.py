"""Two runs that differ in one place: it is found there, and nothing else is."""

from __future__ import annotations

import tempfile
from copy import deepcopy
from pathlib import Path
from typing import Any

import hypothesis.extra.numpy as npst
import numpy as np
from hypothesis import HealthCheck, given, settings, strategies as st

import archive
import schemas
from archive.entry import Entry
from archive.values import quantity

DTYPES = ("f8", "f4", "i4", "u1", "?", "c16")


@st.composite
def signals(draw: st.DrawFn) -> dict[str, Any]:
    shape = draw(st.tuples(st.integers(1, 20), st.integers(1, 4)))
    values = draw(npst.arrays(draw(st.sampled_from(DTYPES)), shape))
    channels = draw(st.permutations(range(shape[1] + 2)))[: shape[1]]
    return {"values": values, "channels": np.array(channels)}


@st.composite
def spikes(draw: st.DrawFn) -> dict[str, Any]:
    count = draw(st.integers(1, 30))
    neuron = np.sort(draw(npst.arrays("i8", (count,), elements=st.integers(0, 5))))
    times = draw(npst.arrays("f8", (count,), elements=st.floats(0, 100)))
    return {"times": times[np.lexsort((times, neuron))], "neuron": neuron}


@st.composite
def runs(draw: st.DrawFn) -> dict[str, Any]:
    """Parameters, annotations, and segments of a signal, spikes and events each."""
    facts = st.dictionaries(st.sampled_from("abc"), st.integers(0, 9), min_size=1)
    segments = [
        {
            "annotations": draw(facts),
            "v": draw(signals()),
            "spikes": draw(spikes()),
            "labels": draw(st.lists(st.text("xyz", max_size=2), min_size=1, max_size=4)),
        }
        for _ in range(draw(st.integers(1, 3)))
    ]
    parameters = {key: float(value) for key, value in draw(facts).items()}
    return {"parameters": parameters, "annotations": draw(facts), "segments": segments}


def entries(segments: list[dict[str, Any]]) -> list[Entry]:
    def parts(one: dict[str, Any]) -> list[Entry]:
        times = np.arange(len(one["labels"]), dtype=float)
        return [
            Entry(
                schemas.Signal(population="exc", variable="v", unit="mV", sampling_period=0.5),
                one["v"],
            ),
            Entry(
                schemas.SpikeTrains(population="exc", variable="spikes", size=6, t_stop=200.0),
                one["spikes"],
            ),
            Entry(
                schemas.Event(variable="marks"),
                {"times": times, "labels": np.array(one["labels"], object)},
            ),
        ]

    return [
        Entry(schemas.Segment(annotations=one["annotations"]), parts=parts(one)) for one in segments
    ]


def other_value(value: Any) -> Any:
    """A value of the same type that is another one."""
    if value.dtype == bool:
        return not value
    return value.dtype.type(0 if value != 0 else 1)  # NaN differs from 0


@st.composite
def changes(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any], tuple[Any, ...]]:
    """A run, another that differs in one place, and that place."""
    one = draw(runs())
    other = deepcopy(one)
    what = draw(st.sampled_from(["parameters", "run", "segment", "v", "spikes", "labels"]))
    if what in ("parameters", "run"):
        held = other["annotations" if what == "run" else what]
        key = draw(st.sampled_from(sorted(held)))
        held[key] += 1
        return one, other, (what, key)
    number = draw(st.integers(0, len(one["segments"]) - 1))
    segment = other["segments"][number]
    if what == "segment":
        key = draw(st.sampled_from(sorted(segment["annotations"])))
        del segment["annotations"][key]
        return one, other, (what, number, key)
    if what == "labels":
        at = draw(st.integers(0, len(segment["labels"]) - 1))
        segment["labels"][at] += "!"
        return one, other, (what, number, at)
    if what == "v":
        values = segment["v"]["values"]
        item = tuple(draw(st.integers(0, n - 1)) for n in values.shape)
        values[item] = other_value(values[item])
        return one, other, (what, number, *item)
    times, neuron = segment["spikes"]["times"], segment["spikes"]["neuron"]
    at = draw(st.integers(0, len(times) - 1))
    train, time = int(neuron[at]), float(times[at])
    if draw(st.booleans()):  # a spike less, or one that comes later than all others
        kept = np.delete(times, at), np.delete(neuron, at)
    else:
        last = np.flatnonzero(neuron == train)[-1]
        kept = np.insert(np.delete(times, at), last, 150.0), neuron
    segment["spikes"] = dict(zip(("times", "neuron"), kept, strict=True))
    return one, other, (what, number, time, train)


@given(changes(), st.booleans())
@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
def test_one_difference_is_found_where_it_is(
    case: tuple[dict[str, Any], dict[str, Any], tuple[Any, ...]], deep: bool
) -> None:
    one, other, (what, *place) = case
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.nix")
        with archive.open(path, "x", durability="close") as exp:
            for name, spec in (("a", one), ("b", other), ("c", one)):
                values = {key: quantity(value, "ms") for key, value in spec["parameters"].items()}
                with exp.run(name, parameters=values, annotations=spec["annotations"]) as run:
                    run.put(entries(spec["segments"]))
        with archive.open(path) as exp:
            a, b, c = exp.runs
            assert archive.diff(a, c, deep=deep).identical
            found, backwards = archive.diff(a, b, deep=deep), archive.diff(b, a)
    assert found.verdict == backwards.verdict == "different"
    section = what if what in ("parameters", "run") else "data"
    assert {name for name, own in found.verdicts.items() if own != "identical"} == {section}
    assert found.parameters is not None
    assert found.data is not None
    if what == "parameters":
        assert list(found.parameters.changed) == place
        assert len(list(found.parameters.rows())) == 1
        return
    if what == "run":
        assert [fact.name for fact in found.documents["run"]] == [f"annotations.{place[0]}"]
        return
    segment = f"segment{place[0]:03d}"
    if what == "segment":
        assert [fact.name for fact in found.data.segments] == [
            f"segment {segment}: annotations.{place[1]}"
        ]
        assert not found.data.parts
        return
    (part,) = found.data.parts
    assert not found.data.segments
    assert not part.facts
    first = part.first
    assert first is not None
    if what == "labels":
        assert (part.name, first.array, first.index) == (f"{segment}: marks", "labels", (place[1],))
        assert first.second == f"{first.first}!"
        assert first.time == place[1]
    elif what == "v":
        assert (part.name, first.index) == (f"{segment}: exc/v", tuple(place[1:]))
        channels = one["segments"][place[0]]["v"]["channels"]
        assert (first.time, first.neuron) == (place[1] * 0.5, channels[place[2]])
        assert part.arrays[0].differing == 1
    else:
        assert part.name == f"{segment}: exc"
        assert (first.time, first.neuron) == tuple(place[1:])
        assert part.spikes is not None
        assert part.spikes.differing == 1
        assert part.spikes.unshared[0] == 1
