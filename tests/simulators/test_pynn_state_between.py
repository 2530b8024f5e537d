"""Snapshots carried from one simulator to another: PyNN on NEURON to PyNN on NEST, and NEST
itself to and from PyNN."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import schemas
from archive.entry import Entry
from archive.errors import ContractError
from archive.hooks import snapshots
from archive.hooks.pynn_state import connection_list
from tests.simulators.pynn_networks import in_order, part

pytestmark = pytest.mark.simulator
Simulators = tuple[ModuleType, ModuleType]


@pytest.fixture
def sims(require: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> Simulators:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    return require("pyNN.neuron"), require("pyNN.nest")


def network(sim: ModuleType, *, plain: bool = False) -> dict[str, Any]:
    """Random weights, delays and positions, from one seed; if `plain`, the same connections all
    with one weight and delay."""
    sim.setup(timestep=0.1, min_delay=0.1)
    rng = np.random.default_rng(4)
    source = sim.Population(
        5, sim.SpikeSourceArray(spike_times=np.arange(2.0, 90.0, 7.0)), label="source"
    )
    exc = sim.Population(8, sim.IF_cond_exp(tau_refrac=2.0, i_offset=0.4), label="exc")
    inh = sim.Population(4, sim.IF_curr_exp(tau_refrac=2.0, i_offset=0.3), label="inh")
    if not plain:
        exc.positions = rng.uniform(0.0, 100.0, (3, 8))
    net = {"source": source, "exc": exc, "inh": inh}
    for name, pre, post, receptor, low in (
        ("in", source, exc, "excitatory", 0.02),
        ("across", exc, inh, "excitatory", 0.3),
        ("back", inh, exc, "inhibitory", 0.01),
    ):
        rows = [
            (i, j, low if plain else low * rng.uniform(1.0, 2.0), 0.5 if plain else delay)
            for i in range(pre.size)
            for j in range(post.size)
            if (i + j) % 3
            for delay in [rng.integers(5, 30) / 10.0]
        ]
        net[name] = sim.Projection(
            pre, post, sim.FromListConnector(rows), receptor_type=receptor, label=name
        )
    exc.record("spikes")
    inh.record("spikes")
    return net


def spikes(net: dict[str, Any]) -> list[npt.NDArray[np.float64]]:
    """The spike times of all recorded cells, in ms."""
    trains = [
        train for name in ("exc", "inh") for train in net[name].get_data().segments[-1].spiketrains
    ]
    return [np.asarray(train.rescale("ms").magnitude) for train in trains]


def difference(
    one: list[npt.NDArray[np.float64]], other: list[npt.NDArray[np.float64]]
) -> tuple[int, float]:
    """By how many spikes all trains differ, and the largest shift of those that both have."""
    counts = sum(abs(len(a) - len(b)) for a, b in zip(one, other, strict=True))
    shifts = [
        float(np.abs(a[: len(b)] - b[: len(a)]).max(initial=0.0))
        for a, b in zip(one, other, strict=True)
    ]
    return counts, max(shifts)


def test_neuron_to_nest(sims: Simulators) -> None:
    neuron, nest = sims
    net = network(neuron)
    neuron.run(100.0)
    on_neuron = spikes(net)
    taken = snapshots.capture(list(net.values()))
    listed = {
        name: in_order(np.array(net[name].get(["weight", "delay"], format="list"), float))
        for name in ("in", "across", "back")
    }
    neuron.end()

    direct = network(nest)
    nest.run(100.0)
    on_nest = spikes(direct)

    carried = network(nest, plain=True)
    report = snapshots.restore(taken, list(carried.values()))
    assert {"in: weights", "across: delays", "back: weights", "exc: positions"} < set(
        report.restored
    )
    assert {f"{loss.entry}: {loss.field}" for loss in report.skipped} == {
        "exc: state",
        "inh: state",
    }
    for name, rows in listed.items():
        got = np.array(carried[name].get(["weight", "delay"], format="list"), float)
        np.testing.assert_allclose(in_order(got), rows, rtol=1e-12)
    np.testing.assert_array_equal(
        carried["exc"].positions.T, np.asarray(part(taken, "exc").arrays["positions"])
    )
    nest.run(100.0)
    assert sum(map(len, on_nest)) > 30
    assert difference(spikes(carried), on_nest) == (0, 0.0)
    # what the two simulators differ by, whoever built the network
    counts, shift = difference(on_neuron, on_nest)
    assert counts <= 2
    assert shift < 2.5
    nest.end()


def test_a_network_is_built_from_a_snapshot(sims: Simulators) -> None:
    """Projections made from a snapshot's connections alone, on the other simulator."""
    neuron, nest = sims
    taken = snapshots.capture(list(network(neuron).values()))
    neuron.end()
    nest.setup(timestep=0.1, min_delay=0.1)
    model = part(taken, "across").model
    exc = nest.Population(model.pre_size, nest.IF_cond_exp(), label="exc")
    inh = nest.Population(model.post_size, nest.IF_curr_exp(), label="inh")
    rows = connection_list(part(taken, "across"))
    made = nest.Projection(exc, inh, nest.FromListConnector(rows), label="across")
    got = np.array(made.get(["weight", "delay"], format="list"), float)
    np.testing.assert_allclose(in_order(got), in_order(np.array(rows)))
    report = snapshots.restore(taken, [made], populations=False, projections=["across"])
    assert report.changed == ()
    assert set(report.restored) == {"across: weights", "across: delays"}
    nest.end()


def test_a_column_and_another_unit(sims: Simulators) -> None:
    neuron, _ = sims
    neuron.setup()
    cells = neuron.Population(2, neuron.IF_curr_exp(), label="cells")
    short = neuron.TsodyksMarkramSynapse(weight=0.5, delay=1.0, U=0.25)
    made = neuron.Projection(cells, cells, neuron.OneToOneConnector(), short, label="short")
    taken = snapshots.capture([made])
    rows = connection_list(part(taken, "short"), "U", weight_unit="pA")
    assert rows == [(0, 0, 500.0, 1.0, 0.25), (1, 1, 500.0, 1.0, 0.25)]
    connector = neuron.FromListConnector(rows, column_names=("weight", "delay", "U"))
    again = neuron.Projection(cells, cells, connector, short)
    assert again.get("U", format="list", with_address=False) == [0.25, 0.25]
    neuron.end()


def test_nest_to_pynn_and_back(sims: Simulators, require: Callable[[str], Any]) -> None:
    _, sim = sims
    nest = require("nest")
    nest.ResetKernel()
    nest.verbosity = nest.VerbosityLevel.ERROR
    exc = nest.Create("iaf_cond_exp", positions=nest.spatial.grid([3, 1]))
    inh = nest.Create("iaf_cond_exp", 2)
    weights = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    nest.Connect(exc, inh, "all_to_all", {"weight": weights, "delay": 1.5})
    nest.Connect(inh, exc, "all_to_all", {"weight": -weights.T})
    taken = snapshots.capture([{"exc": exc, "inh": inh}])

    sim.setup(timestep=0.1, min_delay=0.1)
    one = sim.Population(3, sim.IF_cond_exp(), label="exc")
    two = sim.Population(2, sim.IF_cond_exp(), label="inh")
    static = sim.StaticSynapse(weight=0.5, delay=0.2)
    every = sim.AllToAllConnector()
    forth = sim.Projection(one, two, every, static)
    back = sim.Projection(two, one, every, static, receptor_type="inhibitory")
    report = snapshots.restore(taken, [one, two, forth, back])
    told = {f"{loss.entry}: {loss.field}" for loss in report.changed}
    assert told == {"exc: positions", "inh→exc: weights"}
    np.testing.assert_allclose(forth.get("weight", format="array"), weights.T * 1e-3)
    np.testing.assert_allclose(forth.get("delay", format="array"), 1.5)
    np.testing.assert_allclose(back.get("weight", format="array"), weights * 1e-3)
    assert np.ptp(one.positions) > 0

    again = snapshots.capture([one, two, forth, back])
    nest.ResetKernel()
    nest.verbosity = nest.VerbosityLevel.ERROR
    exc, inh = nest.Create("iaf_cond_exp", 3), nest.Create("iaf_cond_exp", 2)
    nest.Connect(exc, inh, "all_to_all", {"delay": 1.0})
    nest.Connect(inh, exc, "all_to_all")
    with pytest.raises(ContractError, match="the network has none of this name"):
        snapshots.restore(again, [{"exc": exc}])
    report = snapshots.restore(again, [{"exc": exc, "inh": inh}], strict=False)
    assert {loss.field for loss in report.skipped} == {"status"}
    found = nest.GetConnections(exc, inh).get(["source", "target", "weight", "delay"])
    order = np.lexsort((found["target"], found["source"]))
    np.testing.assert_allclose(np.array(found["weight"])[order], weights.T.ravel())
    assert set(found["delay"]) == {1.5}
    np.testing.assert_allclose(
        sorted(nest.GetConnections(inh, exc).get("weight")), -weights[::-1, ::-1].ravel()
    )


def foreign(weight_unit: str | None, receptor: str | None = None) -> Entry:
    """A snapshot as another simulator may have it: rows of senders, one delay for all, in s."""
    projection = schemas.Projection(
        name="syn",
        pre="a",
        post="b",
        pre_size=2,
        post_size=3,
        size=3,
        rows="pre",
        receptor=receptor,
        synapse="Hebb",
        weight_unit=weight_unit,
        delay_unit="s",
    )
    arrays = {
        "row_pointers": np.array([0, 2, 3]),
        "columns": np.array([2, 0, 1]),
        "order": np.array([1, 0, 2]),
        "weights": np.array([3.0, 1.0, 2.0]),
        "delays": np.array([0.002]),
        "state:trace": np.ones(3),
    }
    cells = schemas.Population(name="a", size=2, model="LIF", position_unit="mm")
    model = schemas.Snapshot(
        time=1.0, time_unit="s", time_step=1e-4, simulator="annarchy", projections=("syn",)
    )
    parts = [
        Entry(cells, {"positions": np.array([[0.1, 0.2], [0.3, 0.4]]), "state:r": np.ones(2)}),
        Entry(projection, arrays),
    ]
    return Entry(model, parts=parts)


@pytest.mark.parametrize(("unit", "scale"), [("nS", 1e-3), (None, 1.0), ("pA", None)])
def test_any_simulator_to_pynn(sims: Simulators, unit: str | None, scale: float | None) -> None:
    sim, _ = sims
    sim.setup(timestep=0.1, min_delay=0.1)
    a = sim.Population(2, sim.IF_cond_exp(), label="a")
    b = sim.Population(3, sim.IF_cond_exp(), label="b")
    rows = [(0, 0, 0.5, 1.0), (0, 2, 0.5, 1.0), (1, 1, 0.5, 1.0)]
    made = sim.Projection(a, b, sim.FromListConnector(rows), label="mine")
    report = snapshots.restore(foreign(unit), [a, b, made])
    skipped = {f"{loss.entry}: {loss.field}" for loss in report.skipped}
    wanted = {"a: model", "syn: synapse"} | ({"syn: weights"} if scale is None else set())
    assert skipped == wanted
    told = {f"{loss.entry}: {loss.field}" for loss in report.changed}
    assert told == {"syn: label"} | ({"syn: weights"} if unit is None else set())
    assert report.missing == ("b",)
    got = in_order(np.array(made.get(["weight", "delay"], format="list"), float))
    weights = [0.5, 0.5, 0.5] if scale is None else [scale * one for one in (1.0, 3.0, 2.0)]
    np.testing.assert_allclose(got[:, 2], weights)
    np.testing.assert_allclose(got[:, 3], 2.0)
    np.testing.assert_allclose(a.positions.T, [[100.0, 200.0, 0.0], [300.0, 400.0, 0.0]])
    sim.end()
