"""The first spike that differs, how many trains and spikes do, and how far they are apart."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import archive
import schemas
from archive.entry import Entry
from archive.experiment import spikes_comparison
from archive.experiment.verdict import CLOSE, DIFFERENT, EQUAL
from tests.unit.test_run_diff import compared

Trains = dict[int, list[float]]


def spikes(trains: Trains, size: int = 6, dtype: Any = np.float64, **facts: Any) -> Entry:
    neuron = np.repeat(list(trains), [len(times) for times in trains.values()])
    times = np.array([time for times in trains.values() for time in times], dtype)
    arrays: dict[str, Any] = {"times": times, "neuron": neuron.astype(np.int64)}
    arrays["channels"] = np.asarray(facts.pop("channels", range(size)))
    if "waveforms" in facts:
        arrays["waveforms"] = facts.pop("waveforms")
    facts = {"population": "exc", "t_stop": 100.0, **facts}
    return Entry(schemas.SpikeTrains(variable="spikes", size=size, **facts), arrays)


ONE: Trains = {0: [1.0, 2.0, 30.0], 2: [5.0, 5.0], 5: [80.0]}


def of(
    one: Entry, other: Entry, tolerance: float | None = None
) -> tuple[archive.RunDiff, archive.PartDiff]:
    found, part = compared(one, other, tolerance)
    assert part is not None
    return found, part


@pytest.mark.parametrize(
    ("other", "first", "has", "trains", "unshared"),
    [
        ({**ONE, 0: [1.0, 2.5, 30.0]}, (2.0, 0), (1, 0), 1, (1, 1)),
        ({**ONE, 0: [1.0, 1.5, 30.0]}, (1.5, 0), (0, 1), 1, (1, 1)),
        ({**ONE, 2: [5.0]}, (5.0, 2), (2, 1), 1, (1, 0)),
        ({**ONE, 4: [4.0], 5: []}, (4.0, 4), (0, 1), 2, (1, 1)),
        ({**ONE, 0: [2.0, 30.0], 2: [1.0, 5.0, 5.0]}, (1.0, 0), (1, 0), 2, (1, 1)),
        ({}, (1.0, 0), (1, 0), 3, (6, 0)),
    ],
)
def test_the_first_spike_is_the_earliest_then_that_of_the_first_neuron(
    other: Trains,
    first: tuple[float, int],
    has: tuple[int, int],
    trains: int,
    unshared: tuple[int, int],
) -> None:
    found, part = of(spikes(ONE), spikes(other))
    assert found.verdict == DIFFERENT
    assert part.spikes is not None
    assert part.first is not None
    assert (part.first.time, part.first.neuron) == part.spikes.first == first
    assert (part.first.first, part.first.second) == has
    assert (part.spikes.differing, part.spikes.trains) == (trains, 6)
    assert part.spikes.unshared == unshared
    assert part.spikes.counts == (6, sum(map(len, other.values())))
    assert part.spikes.rates[0] == pytest.approx(10.0)  # 6 spikes, 6 trains, 0.1 s


def test_distance_is_between_none_and_all() -> None:
    _, nothing = of(spikes(ONE), spikes({}))
    _, near = of(spikes(ONE), spikes({**ONE, 5: [80.1]}))
    _, far = of(spikes(ONE), spikes({**ONE, 5: [95.0]}))
    distances = [part.spikes.distance if part.spikes else -1.0 for part in (near, far, nothing)]
    assert 0 < distances[0] < distances[1] < distances[2] == 1
    # one spike of a train of its own, 0.1 ms later; tau is 10 ms: D**2 is 1 - exp(-0.01)
    most = 2 * sum(
        np.exp(-abs(a - b) / 10) / 2 for times in ONE.values() for a in times for b in times
    )
    assert distances[0] == pytest.approx(np.sqrt((1 - np.exp(-0.01)) / most), rel=1e-6)


def test_neurons_are_those_of_the_population() -> None:
    one = spikes({0: [1.0], 1: [7.0]}, 2, channels=[4, 9])
    found, part = of(one, spikes({0: [1.0], 1: [6.0]}, 2, channels=[4, 9]))
    assert part.spikes is not None
    assert part.spikes.first == (6.0, 9)
    # the same neurons in another order, of which one has another spike
    found, part = of(one, spikes({0: [6.5], 1: [1.0]}, 2, channels=[9, 4]))
    assert part.spikes is not None
    assert (part.spikes.first, part.spikes.differing) == ((6.5, 9), 1)
    assert found.verdict == DIFFERENT
    found, part = of(one, spikes({0: [7.0], 1: [8.0]}, 2, channels=[9, 11]))
    assert part.spikes is not None
    assert (part.spikes.first, part.spikes.trains) == ((1.0, 4), 3)


def test_units_and_tolerance() -> None:
    seconds = {train: [time / 1000 for time in times] for train, times in ONE.items()}
    found, part = of(spikes(ONE), spikes(seconds, time_unit="s", t_stop=0.1))
    assert found.verdict == EQUAL
    assert part.notes == ("time_unit: ms -> s, compared in ms",)
    found, _ = of(spikes(ONE), spikes({**ONE, 5: [80.0001]}))
    assert found.verdict == DIFFERENT
    found, part = of(spikes(ONE), spikes({**ONE, 5: [80.0001]}), tolerance=1e-5)
    assert found.verdict == CLOSE
    assert part.spikes is not None
    assert part.spikes.largest == pytest.approx(1e-4)
    found, _ = of(spikes(ONE), spikes({**ONE, 5: [80.0001, 81]}), tolerance=1e-5)
    assert found.verdict == DIFFERENT
    # in seconds a tau of 10 ms is the same
    near = {**ONE, 5: [80.1]}
    slow = {train: [time / 1000 for time in times] for train, times in near.items()}
    _, one = of(spikes(ONE), spikes(near))
    _, other = of(
        spikes(seconds, time_unit="s", t_stop=0.1),
        spikes(slow, time_unit="s", t_stop=0.1),
    )
    assert one.spikes is not None
    assert other.spikes is not None
    assert one.spikes.distance == pytest.approx(other.spikes.distance, rel=1e-9)
    assert one.spikes.rates == pytest.approx(other.spikes.rates)


def test_bits_and_types() -> None:
    zero = {0: [0.0, 1.0]}
    found, part = of(spikes(zero), spikes({0: [-0.0, 1.0]}))
    assert found.verdict == EQUAL
    found, part = of(spikes(ONE), spikes(ONE, dtype=np.float32))
    assert found.verdict == EQUAL
    assert "times: float64 -> float32" in part.notes


def test_waveforms() -> None:
    waves = np.arange(12.0).reshape(6, 1, 2)
    facts: dict[str, Any] = {"waveform_unit": "mV", "sampling_rate": 10.0}
    other = waves.copy()
    other[4, 0, 1] = 0.0
    found, part = of(spikes(ONE, waveforms=waves, **facts), spikes(ONE, waveforms=other, **facts))
    assert found.verdict == DIFFERENT
    assert part.first is not None
    assert (part.first.array, part.first.index) == ("waveforms", (4, 0, 1))
    found, part = of(spikes(ONE, waveforms=waves, **facts), spikes(ONE, **facts))
    assert "waveforms: only in the first" in part.notes


def by_hand(one: Trains, other: Trains) -> tuple[Any, int, tuple[int, int]]:
    mine, theirs = (
        Counter((time, train) for train, times in side.items() for time in times)
        for side in (one, other)
    )
    lost, new = mine - theirs, theirs - mine
    first = min([*lost, *new], default=None)
    trains = {train for _, train in [*lost, *new]}
    return first, len(trains), (lost.total(), new.total())


@pytest.mark.parametrize("seed", range(6))
def test_blocks_of_trains_are_one_population(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(spikes_comparison, "BLOCK", 7)
    rng = np.random.default_rng(seed)

    def trains() -> Trains:
        counts = rng.integers(0, 6, 12)
        times: list[npt.NDArray[Any]] = [np.sort(rng.integers(0, 9, n) / 2) for n in counts]
        return {train: own.tolist() for train, own in enumerate(times) if len(own)}

    one = trains()
    other = dict(sorted({**one, **dict(list(trains().items())[:3])}.items()))
    if one == other:
        return
    _, part = of(spikes(one, 12), spikes(other, 12))
    assert part.spikes is not None
    found = part.spikes
    assert (found.first, found.differing, found.unshared) == by_hand(one, other)
    blocked = found.distance
    monkeypatch.setattr(spikes_comparison, "BLOCK", 1 << 20)
    _, part = of(spikes(one, 12), spikes(other, 12))
    assert part.spikes is not None
    assert part.spikes.distance == pytest.approx(blocked, rel=1e-12)
