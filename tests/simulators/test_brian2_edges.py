"""Networks of Brian 2 at the edges: none or one of a thing, synapses onto synapses, other events,
and the way through an archive."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import archive
import schemas
from archive.connections import ends
from archive.entry import Entry
from archive.hooks import snapshots
from tests.simulators.brian2_networks import NETWORKS, assert_identical, built

pytestmark = pytest.mark.simulator


@pytest.fixture(scope="module")
def b2(require: Callable[[str], ModuleType]) -> Iterator[ModuleType]:
    brian2 = require("brian2")
    before = brian2.prefs.codegen.target
    brian2.prefs.codegen.target = "numpy"  # compiling takes minutes
    yield brian2
    brian2.prefs.codegen.target = before
    gc.collect()  # names of objects are taken as long as they are alive


def comes_back(network: Any, change: Callable[[], object]) -> Entry:
    """What was captured is there again after a change."""
    entry = snapshots.capture([network])
    change()
    report = snapshots.restore(entry, [network])
    assert report.complete, report
    assert_identical(snapshots.capture([network]), entry)
    return entry


@pytest.mark.parametrize("name", NETWORKS)
def test_through_an_archive(b2: ModuleType, name: str, tmp_path: Path) -> None:
    net = built(b2, name)
    net.run(15 * b2.ms)
    taken = snapshots.capture([net])
    with archive.open(tmp_path / "a.nix", "x") as exp, exp.run() as run:
        run.snapshot(net, name="half")
    net.run(15 * b2.ms)
    straight = snapshots.capture([net])
    with archive.open(tmp_path / "a.nix") as exp:
        stored = exp.snapshots[0].entry()
        assert isinstance(stored.model, schemas.Snapshot)
        model = stored.model.model_copy(update={"name": None, "taken": None})
        assert_identical(replace(stored, model=model), taken)
        report = exp.snapshots[0].restore(into=net)
        assert report.complete
        assert not report.changed
    net.run(15 * b2.ms)
    assert_identical(snapshots.capture([net]), straight)


def test_the_python_queue_goes_on_too(b2: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where Brian 2 was installed without its compiled queue."""
    from brian2.devices.device import RuntimeDevice
    from brian2.synapses.spikequeue import SpikeQueue

    monkeypatch.setattr(
        RuntimeDevice, "spike_queue", lambda _, *ends, **names: SpikeQueue(*ends, **names)
    )
    net = built(b2, "plasticity")
    assert isinstance(net["stdp"].pre.queue, SpikeQueue)
    net.run(15 * b2.ms)
    entry = snapshots.capture([net])
    net.run(15 * b2.ms)
    straight, spikes = snapshots.capture([net]), net["spikes"].t_[:].tobytes()
    del net
    gc.collect()
    again = built(b2, "plasticity")
    assert snapshots.restore(entry, [again]).complete
    again.run(15 * b2.ms)
    assert_identical(snapshots.capture([again]), straight)
    assert spikes.endswith(again["spikes"].t_[:].tobytes())


@pytest.mark.slow
@settings(max_examples=8)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=12),
    st.booleans(),
)
def test_any_connections_come_back(b2: ModuleType, pairs: list[tuple[int, int]], one: bool) -> None:
    b2.start_scope()
    gc.collect()
    pre = b2.NeuronGroup(4, "", threshold="False", reset="", name="pre")
    post = b2.NeuronGroup(3, "x : 1", name="post")
    kind: dict[str, Any] = {"delay": 1 * b2.ms} if one else {}
    synapses = b2.Synapses(pre, post, "w : volt", on_pre="x_post += 1", name="synapses", **kind)
    if pairs:
        synapses.connect(i=[i for i, _ in pairs], j=[j for _, j in pairs])
        synapses.w = np.arange(len(pairs)) * b2.mV
    else:
        synapses.connect(condition="False")
    net = b2.Network(pre, post, synapses)
    net.run(0.2 * b2.ms)

    def connect_otherwise() -> None:
        synapses.w = 0 * b2.mV
        synapses.x_post = 7

    entry = comes_back(net, connect_otherwise)
    held = next(part for part in entry.parts if part.model.kind == "projection")
    assert isinstance(held.model, schemas.Projection)
    assert list(zip(*ends(held.model, held.arrays), strict=True)) == pairs
    synapses.connect(i=[0], j=[0])
    report = snapshots.restore(entry, [net], strict=False)
    assert [loss.field for loss in report.changed] == ["connections"]
    assert_identical(snapshots.capture([net]), entry)
    net.run(0.2 * b2.ms)


def test_synapses_onto_synapses(b2: ModuleType) -> None:
    b2.start_scope()
    cells = b2.NeuronGroup(3, "x : 1", threshold="x > 1", reset="", name="cells")
    first = b2.Synapses(cells, cells, "w : 1", on_pre="x_post += w", name="first")
    first.connect(i=[0, 1, 2, 2], j=[1, 2, 0, 1])
    second = b2.Synapses(cells, first, "g : 1", on_pre="w_post += g", name="second")
    second.connect(i=[2, 0, 1], j=[3, 0, 2])
    second.g = [1, 2, 3]
    net = b2.Network(cells, first, second)
    net.run(1 * b2.ms)
    entry = comes_back(net, lambda: setattr(second, "g", 0))
    model = next(one.model for one in entry.parts if getattr(one.model, "name", "") == "second")
    assert isinstance(model, schemas.Projection)
    assert (model.post, model.post_size) == ("first", 4)


def test_other_events_one_neuron_and_a_part_in_the_network(b2: ModuleType) -> None:
    b2.start_scope()
    cell = b2.NeuronGroup(
        1, "dx/dt = 1/ms : 1\nshared : 1 (shared)", events={"high": "x > 0.35"}, name="cell"
    )
    cell.run_on_event("high", "x = 0")
    others = b2.NeuronGroup(4, "y : 1", threshold="y > 1", reset="", name="others")
    net = b2.Network(cell, others, others[1:3])
    net.run(0.5 * b2.ms)
    entry = comes_back(net, lambda: setattr(cell, "x", 9))
    assert isinstance(entry.model, schemas.Snapshot)
    assert entry.model.populations == ("cell", "others")
    assert isinstance(entry.model.native["recorders"], list)
    assert len(entry.model.native["recorders"]) == 1


def test_lists_of_spikes(b2: ModuleType) -> None:
    b2.start_scope()
    spikes = b2.SpikeGeneratorGroup(2, [0, 1, 0], [1, 2, 3] * b2.ms, name="spikes")
    monitor = b2.SpikeMonitor(spikes)
    net = b2.Network(spikes, monitor)
    net.run(1.5 * b2.ms)
    entry = snapshots.capture([net])
    spikes.set_spikes([0], [9] * b2.ms)
    with pytest.raises(archive.ContractError, match="spike_time: 3 values in the snapshot, 1"):
        snapshots.restore(entry, [net])
    report = snapshots.restore(entry, [net], strict=False)
    assert {loss.field for loss in report.changed} == {
        "spike_time", "neuron_index", "spike_number", "_timebins",
    }  # fmt: skip
    assert_identical(snapshots.capture([net]), entry)
    net.run(2 * b2.ms)
    assert monitor.i[:].tolist() == [0, 1, 0]
    # in a network that keeps its own time, what is past there is counted anew
    net.t_ = 0.0025
    snapshots.restore(entry, [net], projections=False)
    net.run(2 * b2.ms)
    assert monitor.i[:].tolist() == [0, 1, 0, 0]
