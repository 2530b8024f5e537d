"""What the tests of files of events have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import schemas
from archive.entry import Entry, Loss

DATA = Path(__file__).resolve().parents[1] / "data/aer"


@dataclass
class Holding:
    """A source of one run, with a segment for each list of parts."""

    segments: Sequence[Sequence[Entry]]
    annotations: dict[str, Any] | None = None

    def entry(self) -> Entry:
        segments = [
            Entry(schemas.Segment(name=f"s{n}", annotations=self.annotations or {}), parts=parts)
            for n, parts in enumerate(self.segments)
        ]
        run = Entry(schemas.Run(name="r"), parts=segments)
        return Entry(schemas.Experiment(id="1", name="e"), parts=[run])


def addresses(
    values: Sequence[int], ticks: Sequence[int], tick: float = 1.0, unit: str = "us", **fields: Any
) -> Entry:
    """Address events of arrays in memory."""
    fields = {"variable": "events", **fields}
    model = schemas.AddressEvents(time_unit=unit, tick=tick, **fields)
    return Entry(model, {"addresses": np.array(values), "ticks": np.array(ticks)})


def spikes(times: Sequence[float], neuron: Sequence[int], size: int, **fields: Any) -> Entry:
    """Spike trains of arrays in memory, sorted."""
    moments, trains = np.array(times, float), np.array(neuron, int)
    order = np.lexsort((moments, trains))
    fields = {"variable": "spikes", "t_stop": max([1.0, *times]), **fields}
    arrays = {"times": moments[order], "neuron": trains[order]}
    if "channels" in fields:
        arrays["channels"] = np.array(fields.pop("channels"), int)
    return Entry(schemas.SpikeTrains(size=size, **fields), arrays)


def read(adapter: Any, path: Path, **options: Any) -> tuple[list[Entry], list[Loss]]:
    """The parts of the only segment of a file, and what was left out."""
    losses: list[Loss] = []
    (segment,) = adapter.read(path, losses=losses, **options)
    return list(segment.parts), losses


def only(adapter: Any, path: Path, **options: Any) -> tuple[Any, dict[str, list[Any]]]:
    """The model and the arrays, as lists, of the only part of a file that has no losses."""
    (part,), losses = read(adapter, path, **options)
    assert losses == []
    return part.model, {name: np.asarray(array).tolist() for name, array in part.arrays.items()}
