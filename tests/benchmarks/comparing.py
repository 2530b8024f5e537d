"""Two runs compared: of ten million spikes, and of a recording of many samples."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

import archive
from archive.values import quantity
from tests.benchmarks.measure import Disagreement, Row, interleaved
from tests.benchmarks.spikes import Spikes, spikes


class Size(NamedTuple):
    neurons: int
    spikes: int
    samples: int
    rounds: int


FULL = Size(neurons=100_000, spikes=10_000_000, samples=1_000_000, rounds=5)
QUICK = Size(neurons=100, spikes=2000, samples=2000, rounds=2)
CHANNELS = 10


def measure(folder: Path, *, quick: bool) -> Iterator[Row]:
    size = QUICK if quick else FULL
    yield from trains(folder / "spikes.nix", size)
    yield from samples(folder / "samples.nix", size)


def trains(path: Path, size: Size) -> Iterator[Row]:
    one = spikes(size.neurons, size.spikes)
    moved = one.times.copy()
    middle = size.spikes // 2
    moved[middle] = np.nextafter(moved[middle], np.inf)
    other = np.random.default_rng(6).uniform(0, one.times.max(), size.spikes)
    other = other[np.lexsort((other, one.neuron))]
    with archive.open(path, "x") as exp:
        for name, times in (("a", one.times), ("again", one.times), ("b", moved), ("c", other)):
            with exp.run(name) as run:
                run.append({"cell/spikes": (quantity(times, "ms"), one.neuron)})
    with archive.open(path) as exp:
        found = archive.diff(exp.runs["a"], exp.runs["b"], only="data")
        check_first(found, one, middle)
        takes: dict[str, Callable[[int], float]] = {
            name: partial(seconds, exp, name) for name in ("again", "b", "c")
        }
        taken = interleaved(size.rounds, takes)
    work = f"two runs of {size.spikes} spikes"
    yield Row(f"{work}: the same", "s of processor", taken["again"], limit=0.1)
    yield Row(f"{work}: one moved by a bit", "s of processor", taken["b"], limit=8)
    yield Row(f"{work}: all are others", "s of processor", taken["c"], limit=8)
    path.unlink()


def samples(path: Path, size: Size) -> Iterator[Row]:
    values = np.random.default_rng(5).standard_normal((size.samples, CHANNELS))
    with archive.open(path, "x") as exp:
        for name in "ab":
            if name == "b":
                values[size.samples // 2, 3] += 1e-12
            with exp.run(name) as run:
                run.append({"cell/v": quantity(values, "mV")}, sampling_period=quantity(0.1, "ms"))
    with archive.open(path) as exp:
        taken = interleaved(size.rounds, {"b": partial(seconds, exp, "b")})
    work = f"two recordings of {size.samples} x {CHANNELS} samples, of which one differs"
    yield Row(work, "s of processor", taken["b"], limit=2)
    path.unlink()


def seconds(exp: archive.Experiment, name: str, number: int = 0) -> float:
    """Time of the processor: others may use the machine, too."""
    start = time.process_time()
    found = archive.diff(exp.runs["a"], exp.runs[name], only="data")
    taken = time.process_time() - start
    if found.identical != (name == "again"):
        raise Disagreement(f"{name}: {found.verdict}")
    return taken


def check_first(found: archive.RunDiff, one: Spikes, at: int) -> None:
    """Raise Disagreement unless the spike that was moved is the one that is found."""
    (part,) = found.data.parts if found.data is not None else ()
    wanted = float(one.times[at]), int(one.neuron[at])
    if part.spikes is None or part.spikes.first != wanted:
        raise Disagreement(f"{part.spikes} is not {wanted}")
