"""What PyNN's objects stand for in a snapshot, and how they are found again: on NEURON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import schemas
from archive.entry import Entry
from archive.errors import ContractError, FormatError
from archive.hooks import snapshots
from archive.hooks.pynn_state import connection_list
from tests.simulators.pynn_networks import part

pytestmark = pytest.mark.simulator


@pytest.fixture
def sim(require: Callable[[str], ModuleType]) -> Iterator[Any]:
    found: Any = require("pyNN.neuron")
    found.setup(timestep=0.1, min_delay=0.1)
    yield found
    found.end()


def names(snapshot: Entry) -> tuple[tuple[str, ...], tuple[str, ...]]:
    model = snapshot.model
    assert isinstance(model, schemas.Snapshot)
    return model.populations, model.projections


def two(sim: Any, **labels: str) -> tuple[Any, Any]:
    one = sim.Population(3, sim.IF_cond_exp(), label=labels.get("one", "one"))
    return one, sim.Population(2, sim.IF_cond_exp(), label=labels.get("two", "two"))


def test_a_view_stands_for_its_population(sim: Any) -> None:
    one, _ = two(sim)
    taken = snapshots.capture([one[[2, 0]], one[1:][1:]])
    assert names(taken) == (("one",), ())
    assert part(taken, "one").model.size == 3
    views = part(taken, "one").model.native["views"]
    places = {label: np.frombuffer(held.data, "<i8").tolist() for label, held in views.items()}
    assert sorted(places.values()) == [[0, 2], [2]]


def test_an_assembly_makes_an_entry_for_each_pair(sim: Any) -> None:
    one, second = two(sim)
    both = sim.Assembly(one, second[1:], label="both")
    rows = [(i, j, 0.01 * (1 + i + 4 * j), 0.5) for i in range(4) for j in range(4)]
    made = sim.Projection(both, both, sim.FromListConnector(rows), label="all")
    made.annotate(why="test")
    taken = snapshots.capture([both, made])
    assert names(taken) == (
        ("one", "two"),
        ("all [one→one]", "all [one→two]", "all [two→one]", "all [two→two]"),
    )
    across = part(taken, "all [two→one]")
    assert connection_list(across) == [
        (1, j, pytest.approx(0.01 * (4 + 4 * j)), 0.5) for j in range(3)
    ]
    assert across.model.annotations == {"why": "test"}
    made.set(weight=0.5)
    report = snapshots.restore(taken, [made], populations=False)
    assert report.skipped == ()
    found = made.get(["weight", "delay"], format="list")
    assert sorted((int(i), int(j), w, d) for i, j, w, d in found) == rows


def test_a_network_object(sim: Any) -> None:
    from pyNN.network import Network

    one, second = two(sim)
    made = [
        sim.Projection(one, second, sim.AllToAllConnector(), sim.StaticSynapse(weight=weight))
        for weight in (0.1, 0.2)
    ]
    net = Network(second, one, made[1], made[0])
    taken = snapshots.capture([net])
    assert names(taken) == (("one", "two"), ("one→two", "one→two-2"))
    assert part(taken, "one→two-2").arrays["weights"][0] == pytest.approx(0.2)
    for projection in made:
        projection.set(weight=0.0)
    snapshots.restore(taken, [net])
    assert [p.get("weight", format="list", with_address=False)[0] for p in made] == [0.1, 0.2]


def test_a_projection_brings_its_populations(sim: Any) -> None:
    one, second = two(sim)
    made = sim.Projection(one, second, sim.OneToOneConnector(), sim.StaticSynapse())
    assert names(snapshots.capture([[made]])) == (("one", "two"), ("one→two",))
    assert names(snapshots.capture([made], populations=False)) == ((), ("one→two",))
    assert names(snapshots.capture([made], populations=["two"], projections=False)) == (
        ("two",),
        (),
    )


def test_a_population_without_a_label_is_found_by_its_order(sim: Any) -> None:
    def build(weight: float) -> list[Any]:
        sim.setup(timestep=0.1)
        first = sim.Population(2, sim.IF_cond_exp(tau_m=10.0 + weight))
        second = sim.Population(2, sim.IF_cond_exp(tau_m=20.0 + weight))
        static = sim.StaticSynapse(weight=weight)
        return [
            first,
            second,
            sim.Projection(first, second, sim.AllToAllConnector(), static),
            sim.Projection(second, first, sim.AllToAllConnector(), static),
        ]

    taken = snapshots.capture(build(0.1))
    items = build(0.2)
    assert names(taken)[0][0] != items[0].label
    with pytest.raises(ContractError, match="it has no label of its own"):
        snapshots.restore(taken, items)
    report = snapshots.restore(taken, items, strict=False)
    assert [loss.field for loss in report.changed] == ["label"] * 4
    assert items[0].get("tau_m") == pytest.approx(10.1)
    assert items[1].get("tau_m") == pytest.approx(20.1)
    assert items[3].get("weight", format="list", with_address=False) == [0.1] * 4


def test_two_populations_of_one_label_are_told_apart(sim: Any) -> None:
    one, second = two(sim, one="same", two="same")
    assert names(snapshots.capture([one, second]))[0] == ("same", "same-2")


def test_a_label_that_no_name_can_be(sim: Any) -> None:
    one, second = two(sim, one="layer 2/3", two="x" * 300)
    made = sim.Projection(one, second, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1))
    taken = snapshots.capture([made])
    assert names(taken) == (("layer 2-3", "x" * 200), (made.label.replace("/", "-")[:200],))
    made.set(weight=0.2)
    assert snapshots.restore(taken, [made]).changed == ()
    assert made.get("weight", format="list", with_address=False) == [0.1] * 6


def test_an_empty_projection_and_itself(sim: Any) -> None:
    one, _ = two(sim)
    none = sim.Projection(one, one, sim.FromListConnector([]), label="none")
    taken = snapshots.capture([none])
    found = part(taken, "none")
    assert found.model.size == 0
    assert found.arrays["row_pointers"].tolist() == [0, 0, 0, 0]
    assert found.arrays["weights"].shape == (0,)
    assert snapshots.restore(taken, [none]).changed == ()


def test_several_connections_between_a_pair(sim: Any) -> None:
    one, _ = two(sim)
    rows = [(0, 1, 0.1, 0.5), (0, 1, 0.2, 0.6), (1, 1, 0.3, 0.5)]
    made = sim.Projection(one, one, sim.FromListConnector(rows), label="twice")
    taken = snapshots.capture([made])
    assert sorted(connection_list(part(taken, "twice"))) == rows
    made.set(weight=0.0)
    report = snapshots.restore(taken, [made])
    assert report.skipped == ()
    assert sorted(connection_list(part(snapshots.capture([made]), "twice"))) == rows


def test_time_step_and_what_is_missing(sim: Any) -> None:
    one, second = two(sim)
    made = sim.Projection(one, second, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1))
    taken = snapshots.capture([one])
    sim.setup(timestep=0.05)
    other, more = two(sim)
    made = sim.Projection(other, more, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1))
    report = snapshots.restore(taken, [other, more, made])
    assert report.missing == ("two", "one→two")
    (loss,) = report.skipped
    assert str(loss) == "snapshot: time_step: it is 0.1 ms, and in the network 0.05 ms"


def test_a_network_in_several_processes_is_refused(sim: Any, monkeypatch: Any) -> None:
    one, _ = two(sim)
    monkeypatch.setattr(one._simulator.state, "num_processes", 2)
    with pytest.raises(FormatError, match="spread over 2 processes"):
        snapshots.capture([one])


@pytest.mark.parametrize(
    "kind",
    [
        "IF_cond_alpha",
        "HH_cond_exp",
        "Izhikevich",
        "EIF_cond_exp_isfa_ista",
        "IF_cond_exp_gsfa_grr",
    ],
)
def test_the_state_of_other_cells(sim: Any, kind: str) -> None:
    cells = sim.Population(2, getattr(sim, kind)(i_offset=0.5), label="cells")
    sim.run(12.0)
    taken = snapshots.capture([cells])
    states = {key for key in part(taken, "cells").arrays if key.startswith("state:")}
    wanted = {
        "IF_cond_alpha": {"gsyn_exc", "gsyn_inh"},
        "HH_cond_exp": {"gsyn_exc", "m", "h", "n"},
        "Izhikevich": {"u"},
        "EIF_cond_exp_isfa_ista": {"w", "gsyn_inh"},
        "IF_cond_exp_gsfa_grr": {"g_s", "g_r", "gsyn_exc"},
    }[kind]
    assert {f"state:{name}" for name in {"v", *wanted}} <= states
    sim.setup(timestep=0.1)
    cells = sim.Population(2, getattr(sim, kind)(), label="cells")
    report = snapshots.restore(taken, [cells])
    sim.run(0.0)
    again = part(snapshots.capture([cells]), "cells").arrays
    for key in states:
        np.testing.assert_allclose(again[key], part(taken, "cells").arrays[key], err_msg=key)
    hidden = {loss.field for loss in report.skipped} - {"spikes", "time"}
    assert hidden == ({"gsyn_exc", "gsyn_inh"} if kind == "IF_cond_alpha" else set())
