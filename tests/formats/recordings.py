"""Small sources of segments for tests of adapters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import schemas
from archive.entry import Entry


@dataclass
class Holding:
    """A source of one entry."""

    root: Entry

    def entry(self) -> Entry:
        return self.root


def signal(values: Any, variable: str = "v", *, channels: Any = None, **fields: Any) -> Entry:
    """A signal of these values (time, channel) or (time,)."""
    held = np.asarray(values)
    held = held.reshape(len(held), -1)
    said = {"unit": "mV", "sampling_period": 0.1, **fields}
    model = schemas.Signal(variable=variable, **said)
    numbered = np.arange(held.shape[1]) if channels is None else np.asarray(channels)
    return Entry(model, {"values": held, "channels": numbered})


def irregular(times: Any, values: Any, variable: str = "v", **fields: Any) -> Entry:
    """A signal with times of its own."""
    held = np.asarray(values)
    held = held.reshape(len(held), -1)
    model = schemas.IrregularSignal(variable=variable, **{"unit": "mV", **fields})
    numbered = np.arange(held.shape[1])
    return Entry(model, {"times": np.asarray(times), "values": held, "channels": numbered})


def spikes(times: Any, neuron: Any, size: int, **fields: Any) -> Entry:
    """Trains of one population, sorted."""
    held, which = np.asarray(times, float), np.asarray(neuron, np.int64)
    order = np.lexsort((held, which))
    said: dict[str, Any] = {"population": "exc", "t_stop": 100.0, **fields}
    model = schemas.SpikeTrains(variable="spikes", size=size, **said)
    return Entry(model, {"times": held[order], "neuron": which[order], "channels": np.arange(size)})


def segment(*parts: Entry, **fields: Any) -> Entry:
    return Entry(schemas.Segment(**fields), parts=list(parts))


def experiment(*segments: Entry, run: str = "run", **fields: Any) -> Holding:
    """An experiment of one run."""
    made = Entry(schemas.Run(name=run, **fields), parts=list(segments))
    return Holding(Entry(schemas.Experiment(id="1", name="all"), parts=[made]))
