"""One neuron's spikes out of ten million, and a segment of many trains as a neo.Segment."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import numpy.typing as npt

import archive
from archive.values import quantity
from tests.benchmarks.measure import Row, agree, interleaved, milliseconds


class Size(NamedTuple):
    neurons: int
    spikes: int
    trains: int
    rounds: int
    neo_rounds: int


FULL = Size(neurons=100_000, spikes=10_000_000, trains=10_000, rounds=15, neo_rounds=3)
QUICK = Size(neurons=200, spikes=5000, trains=50, rounds=2, neo_rounds=1)

END = 1e4  # ms
PER_TRAIN = 100


class Spikes(NamedTuple):
    """Times (spike,) in ms, sorted by neuron, and the neuron of each."""

    times: npt.NDArray[np.float64]
    neuron: npt.NDArray[np.int64]
    size: int

    @property
    def ends(self) -> npt.NDArray[np.int64]:
        """Where the spikes of each neuron end, shape (neuron,)."""
        return np.searchsorted(self.neuron, np.arange(self.size), side="right")


def spikes(neurons: int, count: int) -> Spikes:
    random = np.random.default_rng(5)
    neuron = np.sort(random.integers(0, neurons, count))
    neuron[-1] = neurons - 1
    times = random.uniform(0, END, count)
    return Spikes(times[np.lexsort((times, neuron))], neuron, neurons)


def measure(folder: Path, *, quick: bool) -> Iterator[Row]:
    size = QUICK if quick else FULL
    yield from one_neuron(folder, size)
    yield from whole_segment(folder, size)


def one_neuron(folder: Path, size: Size) -> Iterator[Row]:
    path, peer = folder / "spikes.nix", folder / "spikes.h5"
    data = spikes(size.neurons, size.spikes)
    write(path, data)
    with h5py.File(peer, "x") as file:
        file["times"], file["ends"] = data.times, data.ends
    with archive.open(path) as exp, h5py.File(peer, "r") as file:
        segment = exp.segments[0]
        ours = segment.spikes["cell"]
        agree("one neuron's spikes", ours.train(7).magnitude, raw_train(file, 7))
        takes = {
            "ours": lambda number: milliseconds(partial(ours.train, _neuron(number, size))),
            "asked": lambda number: milliseconds(
                lambda: segment.spikes["cell"].train(_neuron(number, size))
            ),
            "raw": lambda number: milliseconds(partial(raw_train, file, _neuron(number, size))),
        }
        taken = interleaved(size.rounds, takes)
    work = f"one of {size.neurons} neurons, {size.spikes} spikes"
    yield Row(f"{work}: .train(i)", "ms", taken["ours"], limit=5)
    yield Row(f"{work}: seg.spikes[…].train(i)", "ms", taken["asked"], limit=5)
    yield Row(work, "ms", taken["ours"], "h5py, where each one ends", taken["raw"], "cost")
    path.unlink()
    peer.unlink()


def whole_segment(folder: Path, size: Size) -> Iterator[Row]:
    path = folder / "trains.nix"
    data = spikes(size.trains, PER_TRAIN * size.trains)
    write(path, data)
    with archive.open(path) as exp:
        segment = exp.segments[0]
        for ours, theirs in zip(segment.to_neo().spiketrains, neo_trains(data), strict=True):
            agree("a train of to_neo()", ours.magnitude, theirs.magnitude)
        whole = interleaved(size.rounds, {"": lambda _: milliseconds(segment.to_neo)})
        takes = {
            "ours": lambda _: milliseconds(lambda: list(segment.to_neo().spiketrains)),
            "neo": lambda _: milliseconds(partial(neo_trains, data)),
        }
        each = interleaved(size.neo_rounds, takes)
    work = f"seg.to_neo() of {size.trains} trains, {len(data.times)} spikes"
    yield Row(work, "ms", whole[""], limit=20)
    # Neo's list of trains makes its objects when they are first asked for.
    peer = "neo.SpikeTrain of arrays in memory"
    yield Row(f"{work}, and every train of it", "ms", each["ours"], peer, each["neo"], "cost")
    path.unlink()


def _neuron(number: int, size: Size) -> int:
    return (size.neurons // 2 + 7919 * number) % size.neurons


def write(path: Path, data: Spikes) -> None:
    with archive.open(path, "x") as exp, exp.run() as run:
        run.append({"cell/spikes": (quantity(data.times, "ms"), data.neuron)})


def raw_train(file: Any, neuron: int) -> npt.NDArray[np.float64]:
    ends = file["ends"]
    first, last = (ends[neuron - 1], ends[neuron]) if neuron else (0, ends[0])
    found: npt.NDArray[np.float64] = file["times"][first:last]
    return found


def neo_trains(data: Spikes) -> list[Any]:
    """The trains in memory already, each made into Neo's object."""
    import neo

    return [
        neo.SpikeTrain(train, units="ms", t_stop=END)
        for train in np.split(data.times, data.ends[:-1])
    ]
