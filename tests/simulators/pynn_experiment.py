"""A small experiment that runs on every simulator of PyNN, and what must be true of its entries."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import quantities as pq

import schemas
from archive.entry import Entry
from archive.errors import FormatError
from archive.hooks import run_facts, segments_from
from archive.hooks.neo_ import to_neo_segment
from archive.hooks.neo_io import PyNNIO
from archive.hooks.pynn import PyNNMemory

TIME = 20.0


class Archived(list[Entry]):
    """Takes what a PyNNIO stores, and its late annotations."""

    def __init__(self) -> None:
        super().__init__()
        self.late: dict[int, dict[str, Any]] = {}

    def put(self, entries: list[Entry]) -> list[int]:
        first = len(self)
        self.extend(entries)
        return list(range(first, len(self)))

    def annotate(self, handle: int, facts: Any) -> None:
        self.late.setdefault(handle, {}).update(facts)

    def writer(self) -> PyNNIO:
        return PyNNIO(self.put, self.annotate, "x.nix")


def two_populations(sim: ModuleType, **setup: Any) -> tuple[Any, Any]:
    """Cells that spike within 20 ms, and sources with known spikes, both recorded."""
    sim.setup(timestep=0.1, min_delay=0.1, **setup)
    cells = sim.Population(
        4, sim.IF_cond_exp(i_offset=[0.0, 2.0, 3.0, 4.0], tau_refrac=2.0), label="cells"
    )
    sources = sim.Population(
        2, sim.SpikeSourceArray(spike_times=[[3.0, 7.0], [5.0]]), label="sources"
    )
    cells.record(["v", "spikes"])
    sources.record("spikes")
    return cells, sources


def part(entry: Entry, population: str, variable: str) -> Entry:
    (found,) = (
        one
        for one in entry.parts
        if isinstance(one.model, schemas.Part)
        and (one.model.population, one.model.variable) == (population, variable)
    )
    return found


def array(entry: Entry, name: str) -> npt.NDArray[Any]:
    return np.asarray(entry.arrays[name])


def check_append(sim: ModuleType, **setup: Any) -> None:
    """What is appended is what PyNN gives, and asking for it changes nothing."""
    cells, sources = two_populations(sim, **setup)
    with pytest.raises(FormatError, match="nothing has been recorded"):
        segments_from([cells])
    memory = PyNNMemory()
    for number in range(3):
        sim.run(TIME)
        (entry,) = segments_from([cells, sources], annotations={"amplitude": number * pq.nA})
        memory.note([cells, sources], number)
        truth = cells.get_data().segments[-1]
        v = part(entry, "cells", "v")
        (signal,) = truth.analogsignals
        np.testing.assert_array_equal(array(v, "values"), signal.magnitude)
        assert array(v, "channels").tolist() == [0, 1, 2, 3]
        assert isinstance(v.model, schemas.Signal)
        assert (v.model.unit, v.model.time_unit, v.model.sampling_period) == ("mV", "ms", 0.1)
        spikes = part(entry, "cells", "spikes")
        neuron, times = array(spikes, "neuron"), array(spikes, "times")
        for index, train in enumerate(truth.spiketrains):
            np.testing.assert_array_equal(times[neuron == index], train.magnitude)
        assert len(times) > 3
        given = part(entry, "sources", "spikes")
        assert array(given, "neuron").tolist() == [0, 0, 1]
        np.testing.assert_allclose(array(given, "times"), [3.0, 7.0, 5.0])
        assert "population" in given.model.annotations  # type: ignore[attr-defined]
        back = to_neo_segment(entry)
        assert len(back.spiketrains) == 6
        assert back.spiketrains[5].annotations["source_population"] == "sources"
        assert len(cells.get_data().segments) == number + 1
        assert not memory.pending()
        sim.reset(annotations={"block": number})
        assert memory.pending() == [(number, {"block": number})]
        assert not memory.pending()
    for segment in cells.get_data().segments:
        assert len(segment.analogsignals) == 1  # still there: nothing was emptied
    # After a reset the segment that ended is the current one, with its annotations.
    (ended,) = segments_from([cells])
    assert isinstance(ended.model, schemas.Segment)
    assert ended.model.annotations == {"block": 2}
    facts = run_facts([cells])
    assert facts["simulator"] == sim.simulator.name
    assert facts["dt"] == 0.1 * pq.ms
    sim.end()


def check_views(sim: ModuleType, **setup: Any) -> None:
    """Views and assemblies give their own cells, each once, under the population's label."""
    cells, sources = two_populations(sim, **setup)
    sim.run(TIME)
    (entry,) = segments_from([cells])
    whole, trains = part(entry, "cells", "v"), part(entry, "cells", "spikes")
    for objects in ([cells[1:3]], [cells[1:2] + cells[2:3]], [cells[1:3], cells[2:3]]):
        (some,) = segments_from(objects)
        v, spikes = part(some, "cells", "v"), part(some, "cells", "spikes")
        assert array(v, "channels").tolist() == [1, 2]
        np.testing.assert_array_equal(array(v, "values"), array(whole, "values")[:, 1:3])
        assert array(spikes, "channels").tolist() == [1, 2]
        for here, there in enumerate([1, 2]):
            np.testing.assert_array_equal(
                array(spikes, "times")[array(spikes, "neuron") == here],
                array(trains, "times")[array(trains, "neuron") == there],
            )
    for objects in ([cells + sources], [cells + sources, cells]):
        (both,) = segments_from(objects)
        labels = [(one.model.population, one.model.variable) for one in both.parts]  # type: ignore[attr-defined]
        assert sorted(labels) == [("cells", "spikes"), ("cells", "v"), ("sources", "spikes")]
    sim.end()


def check_io(sim: ModuleType, **setup: Any) -> None:
    """Unchanged scripts: every sample and spike is stored once, whatever is written when."""
    cells, sources = two_populations(sim, **setup)
    stored = Archived()
    io = stored.writer()
    truth = []
    for number in range(3):
        sim.run(TIME / 2)
        cells.write_data(io)
        sim.run(TIME / 2)
        cells.write_data(io)
        cells.write_data(io)
        sources.write_data(io)
        truth.append(cells.get_data().segments[-1])
        sim.reset(annotations={"amplitude": number * pq.nA})
    (cells + sources).write_data(io)
    count = len(stored)
    assert count == 9
    cells.write_data(io)
    (cells + sources).write_data(io)
    assert len(stored) == count
    for segment in truth:
        mine = [entry for entry in stored if entry.model.name == segment.name]  # type: ignore[attr-defined]
        assert len(mine) == 3
        stretches = [part(entry, "cells", "v") for entry in mine[:2]]
        values = np.concatenate([array(one, "values") for one in stretches])
        (signal,) = segment.analogsignals
        np.testing.assert_array_equal(values, signal.magnitude)
        second = stretches[1].model
        assert isinstance(second, schemas.Signal)
        assert second.t_start == pytest.approx(array(stretches[0], "values").shape[0] * 0.1)
        assert mine[1].model.annotations["continues"] is True  # type: ignore[attr-defined]
        found: list[list[float]] = [[] for _ in range(4)]
        for entry in mine[:2]:
            spikes = part(entry, "cells", "spikes")
            pairs = zip(array(spikes, "neuron"), array(spikes, "times"), strict=True)
            for neuron, moment in pairs:
                found[neuron].append(moment)
        assert found == [train.magnitude.tolist() for train in segment.spiketrains]
        given = part(mine[2], "sources", "spikes")
        np.testing.assert_allclose(array(given, "times"), [3.0, 7.0, 5.0])
    assert stored.late == {handle: {"amplitude": (handle // 3) * pq.nA} for handle in range(count)}
    sim.end()
