"""Two sets of spike trains compared: which spikes only one has, the earliest of these, and how far
apart they are. Trains are read some at a time, so that cost is linear and memory is bounded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

import schemas
from archive.container import Neurons
from archive.entry import ArrayLike, Entry
from archive.experiment.van_rossum import distance_terms
from archive.experiment.verdict import CLOSE, DIFFERENT, EQUAL, IDENTICAL, ROUNDING, Verdict

BLOCK: Final = 1 << 20  # spikes that are compared at a time
TAU: Final = 10.0  # ms, of the distance of van Rossum

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SpikesDiff:
    """In what the spikes of two sets of trains differ; times in the unit of the first, rates in Hz
    per train.

    `counts` and `rates` are of the first and the second. Of `trains` trains `differing` are not
    the same; `unshared` are the spikes that only the first, or only the second has (as moved ones
    are in both). `largest` is by how much spikes of the same number in the same train are apart at
    most, NaN if some train has another number of them. `distance` is that of van Rossum with a tau
    of 10 ms, over all trains, as a share of what it would be if no two spikes were near each other:
    0 if they are the same, 1 if they have nothing in common.
    """

    counts: tuple[int, int]
    rates: tuple[float, float]
    trains: int
    differing: int
    unshared: tuple[int, int]
    largest: float
    distance: float
    verdict: Verdict
    # time of the earliest spike that one has oftener than the other, and its neuron
    first: tuple[float, int] | None
    first_in: tuple[int, int] | None  # how many spikes the first and the second have there

    @property
    def share(self) -> float:
        """The share of trains that differ."""
        return self.differing / self.trains if self.trains else 0.0


@dataclass(frozen=True, slots=True)
class _Side:
    """Trains that have spikes, by the number that both sides know them by."""

    labels: Ints  # ascending
    ends: Ints
    times: ArrayLike
    factor: float

    def spikes(self, low: int, high: int) -> tuple[Ints, Floats]:
        """Train and time of each spike of the trains from `low` to `high`, the latter excluded."""
        first, last = np.searchsorted(self.labels, (low, high)).tolist()
        start = int(self.ends[first - 1]) if first else 0
        stop = int(self.ends[last - 1]) if last else 0
        counts = np.diff(self.ends[first:last], prepend=start)
        times = np.asarray(self.times[start : max(start, stop)], np.float64)
        if self.factor != 1.0:
            times = times * self.factor
        return np.repeat(self.labels[first:last], counts), times


def compare_spikes(one: Entry, other: Entry, tolerance: float | None) -> SpikesDiff:
    """In what the spikes differ. Trains are matched by their neuron in the population, or by their
    number where a neuron has several of them."""
    names = [_neurons(entry) for entry in (one, other)]
    same = np.array_equal(names[0], names[1])
    apart = not same and all(len(np.unique(n)) == len(n) for n in names)
    known = names if apart else [np.arange(len(n)) for n in names]
    factor = _factor(other, _unit(one))
    sides = _side(one, known[0], 1.0), _side(other, known[1], factor)
    found = _Sums(ROUNDING if factor != 1.0 else 0.0, tolerance, TAU / _factor(one, "ms"))
    for low, high in _borders(*sides):
        found.add(sides[0].spikes(low, high), sides[1].spikes(low, high))
    neurons = None if apart else names[max((0, 1), key=lambda at: len(names[at]))]
    return found.result((one, other), neurons, len(np.union1d(*known)))


def _neurons(entry: Entry) -> Ints:
    return np.asarray(entry.arrays["channels"], np.int64)


def _unit(entry: Entry) -> str:
    return str(getattr(entry.model, "time_unit", "ms"))


def _factor(entry: Entry, unit: str) -> float:
    return float(schemas.conversion(_unit(entry), unit))


def _side(entry: Entry, names: Ints, factor: float) -> _Side:
    neuron = entry.arrays["neuron"]
    if isinstance(neuron, Neurons):
        active, counts = neuron.active(), neuron.counts()
    else:
        active, counts = np.unique(np.asarray(neuron, np.int64), return_counts=True)
    labels, times = names[active], entry.arrays["times"]
    if (labels[1:] <= labels[:-1]).any():  # in another order than that of neurons: all are read
        order = np.argsort(labels)
        by_spike = np.argsort(np.repeat(labels, counts), kind="stable")
        labels, counts, times = labels[order], counts[order], np.asarray(times)[by_spike]
    return _Side(labels, np.cumsum(counts), times, factor)


def _borders(one: _Side, other: _Side) -> Iterator[tuple[int, int]]:
    """Trains from one to another, so many that they have a block of spikes."""
    labels = np.union1d(one.labels, other.labels)
    if not len(labels):
        return
    total = np.zeros(len(labels), np.int64)
    for side in (one, other):
        total[np.searchsorted(labels, side.labels)] += np.diff(side.ends, prepend=0)
    block = np.cumsum(total) // BLOCK
    starts = np.flatnonzero(np.diff(block, prepend=-1))
    stops = [*labels[starts[1:]].tolist(), int(labels[-1]) + 1]
    yield from zip(labels[starts].tolist(), stops, strict=True)


class _Sums:
    def __init__(self, rounding: float, tolerance: float | None, tau: float) -> None:
        self._rounding, self._tolerance, self._tau = rounding, tolerance or 0.0, tau
        self._counts, self._unshared = [0, 0], [0, 0]
        self._differing = 0
        self._terms = [0.0, 0.0]
        self._first: tuple[float, int, tuple[int, int]] | None = None
        self._largest = self._latest = 0.0
        self._recounted = False

    def add(self, one: tuple[Ints, Floats], other: tuple[Ints, Floats]) -> None:
        """Compare the spikes of some trains."""
        for side, (_, times) in enumerate((one, other)):
            self._counts[side] += len(times)
            self._latest = max(self._latest, float(np.abs(times).max(initial=0.0)))
        if np.array_equal(one[0], other[0]):
            self._largest = max(self._largest, float(np.abs(one[1] - other[1]).max(initial=0.0)))
        else:
            self._recounted = True
        # sorted by train, then time: as complex numbers are; two sorted halves take one pass
        key = np.empty(len(one[0]) + len(other[0]), np.complex128)
        for axis, part in enumerate((key.real, key.imag)):
            np.concatenate([one[axis], other[axis]], out=part)
        order = np.argsort(key, kind="stable")
        key, second = key[order], order >= len(one[0])
        train, time = np.ascontiguousarray(key.real), np.ascontiguousarray(key.imag)
        for at, term in enumerate(distance_terms(train, time, second, self._tau)):
            self._terms[at] += term
        starts = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
        in_second = np.add.reduceat(second.astype(np.int64), starts)
        in_first = np.diff(starts, append=len(key)) - in_second
        unlike = np.flatnonzero(in_first != in_second)
        if not len(unlike):
            return
        surplus = in_first[unlike] - in_second[unlike]
        self._unshared[0] += int(surplus[surplus > 0].sum())
        self._unshared[1] -= int(surplus[surplus < 0].sum())
        trains, times = train[starts[unlike]], time[starts[unlike]]
        self._differing += len(np.unique(trains))
        at = int(times.argmin())  # of equal ones that of the first train
        has = int(in_first[unlike[at]]), int(in_second[unlike[at]])
        found = float(times[at]), int(trains[at]), has
        self._first = found if self._first is None else min(self._first, found)

    def result(self, pair: tuple[Entry, Entry], names: Ints | None, trains: int) -> SpikesDiff:
        """`names` are neurons by train, where trains are numbered."""
        first = None
        if self._first is not None:
            time, train, _ = self._first
            first = time, train if names is None else int(names[train])
        rates = [_rate(entry, count) for entry, count in zip(pair, self._counts, strict=True)]
        apart, most = self._terms
        return SpikesDiff(
            (self._counts[0], self._counts[1]),
            (rates[0], rates[1]),
            trains,
            self._differing,
            (self._unshared[0], self._unshared[1]),
            float("nan") if self._recounted else self._largest,
            float(np.sqrt(min(1.0, apart / most))) if most else 0.0,
            self._verdict(pair),
            first,
            None if self._first is None else self._first[2],
        )

    def _verdict(self, pair: tuple[Entry, Entry]) -> Verdict:
        if self._first is None:
            return IDENTICAL
        if self._recounted:
            return DIFFERENT
        if self._largest <= self._latest * self._rounding:
            return EQUAL
        return CLOSE if self._largest <= self._latest * self._tolerance else DIFFERENT


def _rate(entry: Entry, count: int) -> float:
    model: Any = entry.model
    seconds = (model.t_stop - model.t_start) * _factor(entry, "s")
    return count / (model.size * seconds) if model.size and seconds > 0 else float("nan")
