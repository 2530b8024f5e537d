"""Long recordings and many runs, to be reported."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

import schemas
from archive.entry import Entry, Loss
from archive.report.html import HtmlReport


def recording(count: int) -> Entry:
    """A segment of so many samples and spikes, of 10,000 neurons, all at random, with one peak."""
    random = np.random.default_rng(1)
    signal = schemas.Signal(population="exc", variable="v", unit="mV", sampling_period=0.1)
    values = random.normal(size=(count, 1)).astype(np.float32)
    values[count * 1_234_567 // 10_000_000, 0] = 1000.0  # one peak, which must be seen
    trains = schemas.SpikeTrains(population="exc", variable="spikes", size=10_000, t_stop=1e6)
    neuron = np.repeat(np.arange(10_000), count // 10_000)
    times = np.sort(random.uniform(0, 1e6, (10_000, count // 10_000)), axis=1).ravel()
    return Entry(
        schemas.Segment(),
        parts=[
            Entry(signal, {"values": values}),
            Entry(trains, {"times": times, "neuron": neuron}),
        ],
    )


@dataclass
class ManyRuns:
    """An experiment of many short runs."""

    count: int
    long_names: bool = False
    """Of letters at random, which do not compress."""

    def entry(self) -> Entry:
        return Entry(schemas.Experiment(id="0" * 32, name="many"), parts=self._runs())

    def report(self, path: Path) -> list[Loss]:
        """As an experiment has it."""
        return HtmlReport().write(self, path)

    def _runs(self) -> Iterator[Entry]:
        began = datetime(2024, 5, 1, tzinfo=UTC)
        random = np.random.default_rng(1)
        process = schemas.Provenance(argv=("sweep.py",), host="node17", user="somebody")
        for number in range(self.count):
            started = began + timedelta(seconds=number)
            values: schemas.Values = {
                "seed": number,
                "tau": float(random.normal()),
                "n": number % 7,
            }
            name = random.bytes(50).hex() if self.long_names else f"run {number:06d}"
            run = schemas.Run(
                name=name, started=started, simulator="nest",
                annotations={"amplitude": schemas.Quantity(0.001 * (number % 1000), "nA")},
            )  # fmt: skip
            end = schemas.RunEnd(ended=started + timedelta(seconds=1), outcome="finished")
            known = (process, schemas.ParameterSet(values=values), end)
            yield Entry(run, parts=[*map(Entry, known), Entry(schemas.Segment())])
