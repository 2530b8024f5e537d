"""Brian 2's own monitors become entries: numbers as Brian 2 has them, units, channels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import quantities as pq

import schemas
from archive.entry import Entry
from archive.errors import ContractError, FormatError
from archive.hooks import run_facts, segments_from

pytestmark = pytest.mark.simulator

EQUATIONS = """
dv/dt = (10*mV - v)/(5*ms) : volt
slope = (10*mV - v)/(5*ms) : volt/second
g : siemens/meter**2
noise : volt/second**0.5
counter : integer
"""


@pytest.fixture
def b2(require: Callable[[str], ModuleType]) -> Iterator[ModuleType]:
    brian2 = require("brian2")
    before = brian2.prefs.codegen.target
    brian2.prefs.codegen.target = "numpy"  # compiling takes minutes
    brian2.start_scope()
    yield brian2
    brian2.prefs.codegen.target = before


@pytest.fixture
def group(b2: ModuleType) -> Any:
    cells = b2.NeuronGroup(
        5, EQUATIONS, threshold="v > 5*mV", reset="v = 0*mV", name="cells", method="exact"
    )
    cells.v = "i * 1*mV"
    return cells


def array(entry: Entry, name: str) -> npt.NDArray[Any]:
    return np.asarray(entry.arrays[name])


def parts(entry: Entry) -> dict[str, Entry]:
    return {f"{one.model.population}/{one.model.variable}": one for one in entry.parts}  # type: ignore[attr-defined]


def test_network_with_monitors(b2: ModuleType, group: Any) -> None:
    states = b2.StateMonitor(group, ["v", "slope", "g", "counter"], record=[1, 3])
    spikes = b2.SpikeMonitor(group, variables=["slope"])
    rate = b2.PopulationRateMonitor(group)
    network = b2.Network(group, states, spikes, rate)
    network.run(10 * b2.ms)
    (entry,) = segments_from([network], annotations={"drive": 10 * b2.mV})
    found = parts(entry)
    assert sorted(found) == [
        "cells/counter", "cells/g", "cells/rate", "cells/slope", "cells/spikes", "cells/v",
    ]  # fmt: skip
    v = found["cells/v"]
    assert isinstance(v.model, schemas.Signal)
    assert (v.model.unit, v.model.time_unit, v.model.sampling_period) == ("V", "s", 1e-4)
    assert v.model.t_start == 0.0
    assert array(v, "channels").tolist() == [1, 3]
    np.testing.assert_array_equal(array(v, "values"), np.asarray(states.v).T)
    units = {name: one.model.unit for name, one in found.items() if hasattr(one.model, "unit")}
    assert units == {
        "cells/v": "V", "cells/slope": "V/s", "cells/g": "S/m**2",
        "cells/counter": "dimensionless", "cells/rate": "Hz",
    }  # fmt: skip
    assert array(found["cells/counter"], "values").dtype == np.asarray(states.counter).dtype
    np.testing.assert_array_equal(array(found["cells/rate"], "values")[:, 0], rate.rate_)

    trains = found["cells/spikes"]
    assert isinstance(trains.model, schemas.SpikeTrains)
    assert (trains.model.size, trains.model.time_unit) == (5, "s")
    assert trains.model.t_stop == pytest.approx(0.01)
    assert len(spikes.t) > 5
    neuron, times = array(trains, "neuron"), array(trains, "times")
    slopes = trains.model.array_annotations["slope"]
    assert isinstance(slopes, schemas.Quantity)
    assert slopes.unit == "V/s"
    for index, own in spikes.spike_trains().items():
        np.testing.assert_array_equal(times[neuron == index], np.asarray(own))
    assert run_facts([network, states])["dt"] == 1e-4 * pq.s


def test_pause_makes_an_irregular_signal(b2: ModuleType, group: Any) -> None:
    states = b2.StateMonitor(group, "v", record=True)
    network = b2.Network(group, states)
    network.run(1 * b2.ms)
    states.active = False
    network.run(1 * b2.ms)
    states.active = True
    network.run(1 * b2.ms)
    (entry,) = segments_from([states])
    (v,) = entry.parts
    assert isinstance(v.model, schemas.IrregularSignal)
    np.testing.assert_array_equal(array(v, "times"), np.asarray(states.t))
    assert array(v, "values").shape == (20, 5)


def test_entries_are_not_changed_by_running_on(b2: ModuleType, group: Any) -> None:
    states, spikes = b2.StateMonitor(group, "v", record=0), b2.SpikeMonitor(group)
    network = b2.Network(group, states, spikes)
    network.run(5 * b2.ms)
    (entry,) = segments_from([states, spikes])
    before = [array(part, name).copy() for part in entry.parts for name in part.arrays]
    network.run(5 * b2.ms)
    after = [array(part, name) for part in entry.parts for name in part.arrays]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


def test_two_monitors_of_one_variable_are_told_apart(b2: ModuleType, group: Any) -> None:
    monitors = [b2.StateMonitor(group, "v", record=index) for index in (0, 2)]
    b2.Network(group, monitors).run(1 * b2.ms)
    (entry,) = segments_from(monitors)
    assert sorted(parts(entry)) == ["cells/v", "cells/v-2"]


def test_no_spikes_and_no_run(b2: ModuleType, group: Any) -> None:
    group.v = -100 * b2.mV
    spikes = b2.SpikeMonitor(group)
    states = b2.StateMonitor(group, "v", record=True)
    network = b2.Network(group, spikes, states)
    network.run(0 * b2.ms)
    (entry,) = segments_from([network])
    found = parts(entry)
    assert array(found["cells/spikes"], "times").shape == (0,)
    assert array(found["cells/v"], "values").shape == (0, 5)


def test_what_cannot_be_kept_is_refused(b2: ModuleType, group: Any) -> None:
    counts = b2.SpikeMonitor(group, record=False)
    noise = b2.StateMonitor(group, "noise", record=True)
    network = b2.Network(group, counts, noise)
    network.run(1 * b2.ms)
    with pytest.raises(FormatError, match="kept no times"):
        segments_from([counts])
    with pytest.raises(ContractError, match="power"):
        segments_from([noise])
    with pytest.raises(FormatError, match="no monitors"):
        segments_from([b2.Network()])


def test_quantities_of_brian2_in_a_mapping(b2: ModuleType) -> None:
    (entry,) = segments_from(
        [{"v": [1.0, 2.0] * b2.mV, "spikes": {0: [0.1] * b2.ms}}], sampling_period=0.5 * b2.ms
    )
    found = parts(entry)
    v = found["None/v"]
    assert isinstance(v.model, schemas.Signal)
    assert (v.model.unit, v.model.sampling_period, v.model.time_unit) == ("V", 5e-4, "s")
    assert array(v, "values").ravel().tolist() == [0.001, 0.002]
    assert array(found["None/spikes"], "times").tolist() == [1e-4]
