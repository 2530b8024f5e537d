"""Experiments to be written to MATLAB files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from archive.entry import Entry
from schemas.v1.experiment import Experiment
from schemas.v1.parameters import ParameterSet
from schemas.v1.population import Population
from schemas.v1.run import Run
from schemas.v1.segment import (
    Epoch,
    Event,
    ImageSequence,
    IrregularSignal,
    Segment,
    Signal,
    SpikeTrains,
)
from schemas.v1.value import Quantity

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


@dataclass
class Given:
    """A source whose parts can be iterated once, as those of an archive."""

    runs: Callable[[], Iterator[Entry]]

    def entry(self) -> Entry:
        model = Experiment(id="f7", name="f–I µ", people=("Ada", "Grace"), created=NOW)
        return Entry(model, {}, self.runs())


def segment_with(annotations: Mapping[str, Any], *parts: Entry) -> Given:
    def runs() -> Iterator[Entry]:
        segment = Entry(Segment(name="s", annotations=dict(annotations)), {}, iter(parts))
        yield Entry(Run(name="r"), {}, iter([segment]))

    return Given(runs)


def signal(values: Any, **fields: Any) -> Entry:
    model = Signal(**{"population": "cell", "variable": "v", "unit": "mV"} | fields,
                   sampling_period=0.1, t_start=5.0)  # fmt: skip
    return Entry(model, {"values": values, "channels": np.arange(3, 3 + values.shape[1])})


def spikes(times: list[float], neuron: list[int]) -> Entry:
    model = SpikeTrains(population="cell", variable="spikes", size=4, t_stop=100.0)
    arrays = {"times": np.array(times), "neuron": np.array(neuron, np.uint16)}
    return Entry(model, {**arrays, "channels": np.arange(4)})


def rich_runs() -> Iterator[Entry]:
    """Two runs; three segments that differ in what they hold."""
    values = np.arange(12.0).reshape(4, 3)

    def segments() -> Iterator[Entry]:
        yield Entry(ParameterSet(values={"tau_m": Quantity(10.0, "ms"), "N cells": 4}))
        yield Entry(Population(name="cell", size=4))
        yield Entry(Segment(annotations={"amplitude": Quantity(0.5, "nA")}), {}, iter([
            signal(values), spikes([1.5, 2.5, 99.0], [0, 2, 2]),
        ]))  # fmt: skip
        yield Entry(Segment(name="second", recorded=NOW), {}, iter([
            signal(values.astype(np.float32) * -1), spikes([], []),
            signal(values[:0], variable="i", unit="nA"),
        ]))  # fmt: skip

    def others() -> Iterator[Entry]:
        events = {"times": np.array([1.0, 2.0]), "labels": np.array(["on", "öff µ"])}
        yield Entry(Segment(), {}, iter([
            Entry(Event(variable="stim"), events),
            Entry(Epoch(variable="stim"), {**events, "durations": np.array([0.5, 0.25])}),
            Entry(ImageSequence(population="end", variable="2 cams", unit="", sampling_period=1.0),
                  {"values": np.arange(24, dtype=np.uint8).reshape(2, 3, 4)}),
            Entry(IrregularSignal(population="name", variable="v", unit="uS"),
                  {"times": np.array([0.0, 3.5]), "values": np.array([[1 + 2j], [3 - 4j]]),
                   "channels": np.array([0])}),
        ]))  # fmt: skip

    yield Entry(Run(name="f-I curve", started=NOW), {}, segments())
    yield Entry(Run(name="µ 2", annotations={"ok": True}), {}, others())


def annotations_in(tree: Any, version: str) -> Any:
    run = tree["runs"] if version == "5" else tree["runs"]["run_1"]
    segment = run["segments"] if version == "5" else run["segments"]["segment_1"]
    return segment["annotations"]
