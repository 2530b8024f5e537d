"""Many small segments, each a transaction of its own, synced when the archive is closed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

import numpy as np

import archive
import schemas
from archive import values
from tests.benchmarks.measure import Disagreement, Row, agree


class Size(NamedTuple):
    segments: int
    rounds: int


class Cost(NamedTuple):
    """What the segments of one archive cost each: CPU time in ms, and bytes over the payload."""

    cpu: list[float]
    overhead: float


FULL = Size(segments=10_000, rounds=3)
QUICK = Size(segments=40, rounds=1)

CHANNELS, SAMPLES, SPIKES = 10, 1000, 10  # spikes per train, a train per channel
PERIOD, END = 0.1, 100.0  # ms

RANDOM = np.random.default_rng(2)
VALUES = RANDOM.standard_normal((SAMPLES, CHANNELS))
TIMES = np.sort(RANDOM.uniform(0, END, (CHANNELS, SPIKES)), axis=1).ravel()
NEURON = np.repeat(np.arange(CHANNELS), SPIKES)
PAYLOAD = VALUES.nbytes + TIMES.nbytes

# Prepares a segment of a run, by its number; what it returns is timed.
Way = Callable[[archive.Run, int], Callable[[], object]]


def measure(folder: Path, *, quick: bool) -> Iterator[Row]:
    size = QUICK if quick else FULL
    part = size.segments // 10
    ways: dict[str, Way] = {"run.append": through_append(), "run.put": through_put()}
    costs: dict[str, list[Cost]] = {name: [] for name in ways}
    for _ in range(size.rounds):
        for name, way in ways.items():
            costs[name].append(append_all(folder / "small.nix", size.segments, way))
            check(folder / "small.nix", size.segments)
    (folder / "small.nix").unlink()
    for name, found in costs.items():
        work = f"{size.segments} small segments through {name}"
        first = tuple(mean(cost.cpu[:part]) for cost in found)
        last = tuple(mean(cost.cpu[-part:]) for cost in found)
        means = tuple(mean(cost.cpu) for cost in found)
        overheads = tuple(cost.overhead for cost in found)
        yield Row(f"{work}: the last {part}", "ms", last, f"the first {part}", first, "cost", 1.2)
        yield Row(f"{work}: CPU each", "ms", means, limit=1.5)
        yield Row(f"{work}: bytes over payload each", "B", overheads, limit=1500)


def append_all(path: Path, segments: int, way: Way) -> Cost:
    path.unlink(missing_ok=True)
    cpu = []
    with archive.open(path, "x", durability="close") as exp, exp.run() as run:
        for number in range(segments):
            append = way(run, number)
            start = time.process_time()
            append()
            cpu.append(1e3 * (time.process_time() - start))
    return Cost(cpu, path.stat().st_size / segments - PAYLOAD)


def facts_of(number: int) -> dict[str, Any]:
    """Ten facts of four types, most of them different in every segment."""
    import quantities as pq

    return {
        "amplitude": 0.01 * number * pq.nA,
        "delay": (number % 50) * pq.ms,
        "temperature": (20.0 + number % 17) * pq.degC,
        "protocol": f"step {number % 7}",
        "cell_type": ("fast", "regular", "bursting")[number % 3],
        "label": f"trial {number}",
        "seed": number,
        "trial": number % 100,
        "gain": number / 3,
        "noise": float(number % 11),
    }


def through_append() -> Way:
    """The way of most users: a mapping of names to quantities."""
    import quantities as pq

    signal, times, period = VALUES * pq.mV, TIMES * pq.ms, PERIOD * pq.ms

    def prepare(run: archive.Run, number: int) -> Callable[[], object]:
        recorded, facts = {"cell/v": signal, "cell/spikes": (times, NEURON)}, facts_of(number)
        return lambda: run.append(recorded, annotations=facts, sampling_period=period)

    return prepare


def through_put() -> Way:
    """Entries that were made before: what the archive alone costs."""
    channels = np.arange(CHANNELS)
    signal = archive.Entry(
        schemas.Signal(population="cell", variable="v", unit="mV", sampling_period=PERIOD),
        {"values": VALUES, "channels": channels},
    )
    spikes = archive.Entry(
        schemas.SpikeTrains(population="cell", variable="spikes", size=CHANNELS, t_stop=END),
        {"times": TIMES, "neuron": NEURON, "channels": channels},
    )

    def prepare(run: archive.Run, number: int) -> Callable[[], object]:
        facts = values.to_schema_dict(facts_of(number), "annotations")
        model = schemas.Segment(name=f"segment{number}", annotations=facts)
        entry = archive.Entry(model, parts=[signal, spikes])
        return lambda: run.put([entry])

    return prepare


def check(path: Path, segments: int) -> None:
    """All segments are there; the last one holds what it was given."""
    with archive.open(path) as exp:
        if len(exp.segments) != segments:
            raise Disagreement(f"{segments} segments went in, {len(exp.segments)} are there")
        last = exp.segments[-1]
        if last.annotations != facts_of(segments - 1):
            raise Disagreement(f"annotations changed: {last.annotations}")
        agree("values", last.signals["cell/v"].magnitude, VALUES)
        agree("times", last.spikes["cell"].times.magnitude, TIMES)
        agree("neuron", last.spikes["cell"].neuron, NEURON)
