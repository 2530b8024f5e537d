"""A network that is built on every simulator of PyNN, and what must be true of its snapshots."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import schemas
from archive.entry import Entry
from archive.errors import ContractError
from archive.hooks import snapshots

# times of the clock: moved when a network goes on at another time
MOMENTS = {"lastspike", "lastupdate"}


def network(sim: ModuleType, seed: int = 1, weight: float = 0.02, **setup: Any) -> dict[str, Any]:
    """Four populations, and five projections: heterogeneous, plastic, inhibitory, between views,
    and short-term plastic. Seed and weight change all values, but nobody's connections."""
    from pyNN.parameters import Sequence
    from pyNN.space import Line

    sim.setup(timestep=0.1, min_delay=0.1, **setup)
    rng = np.random.default_rng(seed)
    exc = sim.Population(
        6,
        sim.IF_cond_exp(i_offset=rng.uniform(1.0, 2.0, 6), tau_m=10.0 + seed),
        structure=Line(dx=10.0 * seed),
        initial_values={"v": rng.uniform(-70.0, -60.0, 6)},
        label="exc",
    )
    inh = sim.Population(4, sim.IF_curr_exp(i_offset=1.1), label="inh")
    times = [[1.0 * seed, 5.0], [2.0], [3.0, 9.0, 11.0]]
    sources = sim.Population(
        3, sim.SpikeSourceArray(spike_times=[Sequence(one) for one in times]), label="sources"
    )
    adaptive = sim.Population(2, sim.EIF_cond_exp_isfa_ista(tau_w=100.0 + seed), label="adaptive")
    fraction = 0.0 if sim.__name__ == "pyNN.brian2" else 1.0
    stdp = sim.STDPMechanism(
        timing_dependence=sim.SpikePairRule(tau_plus=15.0 + seed),
        weight_dependence=sim.AdditiveWeightDependence(w_max=weight * 2),
        weight=weight,
        delay=0.5,
        dendritic_delay_fraction=fraction,
    )
    static = sim.StaticSynapse(weight=weight, delay=lambda d: 0.5 + 0.1 * np.round(d / 10.0))
    return {
        "exc": exc,
        "inh": inh,
        "sources": sources,
        "adaptive": adaptive,
        "in": sim.Projection(sources, exc, sim.AllToAllConnector(), static, label="in"),
        "views": sim.Projection(
            exc[1:4],
            exc[np.array([2, 3, 5])],
            sim.AllToAllConnector(allow_self_connections=False),
            stdp,
            label="views",
        ),
        "back": sim.Projection(
            inh,
            exc,
            sim.OneToOneConnector(),
            sim.StaticSynapse(weight=weight / 5, delay=0.2),
            receptor_type="inhibitory",
            label="back",
        ),
        "short": sim.Projection(
            exc,
            inh,
            sim.AllToAllConnector(),
            sim.TsodyksMarkramSynapse(
                weight=weight * 10, delay=1.0, U=0.3 + 0.1 * seed, tau_rec=50.0, tau_facil=20.0
            ),
            label="short",
        ),
    }


def part(snapshot: Entry, name: str) -> Any:
    (found,) = (one for one in snapshot.parts if getattr(one.model, "name", None) == name)
    return found


def array(snapshot: Entry, name: str, key: str) -> npt.NDArray[Any]:
    return np.asarray(part(snapshot, name).arrays[key])


def check_captured(sim: ModuleType) -> None:
    """A snapshot has what PyNN says of the network."""
    net = network(sim)
    sim.run(20.0)
    taken = snapshots.capture(list(net.values()))
    model = taken.model
    assert isinstance(model, schemas.Snapshot)
    ahead = 0.1 if sim.__name__ == "pyNN.nest" else 0.0  # it simulates one shortest delay more
    assert model.time == pytest.approx(20.0 + ahead)
    assert model.time_step == pytest.approx(0.1)
    assert model.simulator == sim.__name__.removeprefix("pyNN.")
    assert model.populations == ("exc", "inh", "sources", "adaptive")
    assert model.projections == ("in", "views", "back", "short")
    exc = part(taken, "exc")
    assert exc.model.model == "IF_cond_exp"
    assert near(exc.model.parameters["tau_m"], schemas.Quantity(11.0, "ms"))
    np.testing.assert_allclose(exc.arrays["state:i_offset"], net["exc"].get("i_offset"))
    assert exc.model.state_units["i_offset"] == "nA"
    assert exc.model.state_units["v"] == "mV"
    assert np.ptp(exc.arrays["state:v"]) > 1.0
    assert exc.arrays["positions"].tolist() == [[10.0 * i, 0.0, 0.0] for i in range(6)]
    assert exc.model.structure.startswith("Line(dx=10.0")
    times = part(taken, "sources").model.native["sequences"]["spike_times"]
    assert times["values"].unit == "ms"
    check_connections(net, taken)
    views = part(taken, "views").model
    assert views.parameters["timing_dependence"] == "SpikePairRule"
    assert near(views.parameters["tau_plus"], schemas.Quantity(16.0, "ms"))
    assert near(views.parameters["w_max"], schemas.Quantity(0.04, "uS"))
    assert np.ptp(array(taken, "views", "weights")) > 0  # they have learned
    short = part(taken, "short").model
    assert short.parameters["U"] == pytest.approx(0.4)
    assert (short.weight_unit, part(taken, "in").model.weight_unit) == ("nA", "uS")
    np.testing.assert_allclose(array(taken, "short", "weights"), 0.2)
    sim.end()


def check_connections(net: dict[str, Any], taken: Entry) -> None:
    """Ends, weights and delays as PyNN lists them, indices in the full populations."""
    full = {"views": (np.array([1, 2, 3]), np.array([2, 3, 5]))}
    for name in ("in", "views", "back"):
        rows = snapshots_rows(part(taken, name))
        listed = np.array(net[name].get(["weight", "delay"], format="list"), float)
        if name in full:
            for column, places in enumerate(full[name]):
                listed[:, column] = places[listed[:, column].astype(int)]
        np.testing.assert_allclose(in_order(rows), in_order(listed))


def snapshots_rows(entry: Entry) -> npt.NDArray[np.float64]:
    from archive.hooks.pynn_state import connection_list

    return np.array(connection_list(entry), float)


def in_order(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    order: npt.NDArray[np.intp] = np.lexsort((rows[:, 1], rows[:, 0]))
    return np.asarray(rows[order])


def check_restored(sim: ModuleType, hidden: set[str]) -> None:
    """A network built by the same script, with other values, gets those of the snapshot."""
    net = network(sim)
    sim.run(20.0)
    taken = snapshots.capture(list(net.values()))
    other = network(sim, seed=2, weight=0.01)
    report = snapshots.restore(taken, list(other.values()))
    assert {f"{loss.entry}: {loss.field}" for loss in report.skipped} == {
        "snapshot: spikes",
        "snapshot: time",
        *hidden,
    }
    assert report.changed == ()
    assert report.missing == ()
    assert "views: weights" in report.restored
    assert "exc: tau_m" in report.restored
    assert "sources: spike_times" in report.restored
    sim.run(0.0)  # NEURON sets the state when it initialises
    again = snapshots.capture(list(other.values()))
    for one, two in zip(taken.parts, again.parts, strict=True):
        where = str(getattr(one.model, "name", ""))
        assert one.arrays.keys() == two.arrays.keys(), where
        for key in one.arrays:
            if key.removeprefix("state:") in MOMENTS or f"{where}: {key[6:]}" in hidden:
                continue
            if key.startswith("state:tlast") or key in ("state:interval", "state:deltaw"):
                continue
            first, second = np.asarray(one.arrays[key]), np.asarray(two.arrays[key])
            np.testing.assert_allclose(second, first, rtol=1e-9, err_msg=f"{where} {key}")
        for field in ("parameters", "initial_values"):
            assert near(getattr(one.model, field, {}), getattr(two.model, field, {})), where
    np.testing.assert_allclose(other["exc"].get("i_offset"), array(taken, "exc", "state:i_offset"))
    check_connections(other, taken)
    sim.end()


def near(one: Any, two: Any) -> bool:
    """Equal but for the last digits, which a back end computes anew from its own parameters."""
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(near(one[key], two[key]) for key in one)
    if isinstance(one, schemas.Quantity) and isinstance(one.value, float):
        return bool(one.unit == two.unit and np.isclose(one.value, two.value, rtol=1e-12, atol=0))
    return bool(one == two)


def check_continued(sim: ModuleType, tolerance: float) -> None:
    """The network that was restored goes on as the one that was never stopped.

    Its cells get steady currents and no spike is on its way at the snapshot.
    """
    traces: list[npt.NDArray[Any]] = []
    taken: Entry | None = None
    for _ in range(2):
        net = quiet(sim)
        if taken is not None:
            report = snapshots.restore(taken, list(net.values()))
            assert {loss.field for loss in report.skipped} == {"spikes", "time"}
        else:
            sim.run(30.0)
            taken = snapshots.capture(list(net.values()))
        sim.run(30.0)
        (signal,) = net["cells"].get_data().segments[-1].filter(name="v")
        assert isinstance(taken.model, schemas.Snapshot)
        # the sample at time 0 is not of the simulator: PyNN puts the initial value there
        first = 1 + (0 if traces else round(taken.model.time / 0.1))
        traces.append(np.asarray(signal.magnitude)[first:][:290])
    assert np.ptp(traces[0]) > 10.0
    np.testing.assert_allclose(traces[1], traces[0], atol=tolerance)
    sim.end()


def quiet(sim: ModuleType) -> dict[str, Any]:
    sim.setup(timestep=0.1, min_delay=0.1)
    cells = sim.Population(
        3, sim.IF_cond_exp(i_offset=[0.9, 1.0, 0.0], tau_syn_E=8.0), label="cells"
    )
    cells.record("v")
    ring = sim.FromListConnector([(0, 2, 0.03, 0.5), (1, 2, 0.02, 0.5), (2, 0, 0.01, 0.7)])
    return {"cells": cells, "ring": sim.Projection(cells, cells, ring, label="ring")}


def check_mismatches(sim: ModuleType) -> None:
    """Strict refuses before it touches anything; else what fits is put in, and the rest told."""
    net = quiet(sim)
    taken = snapshots.capture(list(net.values()))
    other = quiet(sim)
    less = [(0, 2, 0.5, 0.5), (2, 0, 0.5, 0.5), (2, 2, 0.5, 0.5)]
    other["ring"] = sim.Projection(
        other["cells"], other["cells"], sim.FromListConnector(less), label="ring"
    )
    other["cells"].set(i_offset=0.3)
    with pytest.raises(ContractError, match="ring: connections: 3, in the network 3, and 2 of"):
        snapshots.restore(taken, list(other.values()))
    assert other["cells"].get("i_offset") == pytest.approx(0.3)
    report = snapshots.restore(taken, list(other.values()), strict=False)
    assert [str(loss).split(":")[:2] for loss in report.changed] == [["ring", " connections"]]
    np.testing.assert_allclose(other["cells"].get("i_offset"), [0.9, 1.0, 0.0])
    rows = in_order(np.array(other["ring"].get(["weight"], format="list"), float))
    np.testing.assert_allclose(rows, [[0, 2, 0.03], [2, 0, 0.01], [2, 2, 0.5]])
    sim.setup()
    fewer = sim.Population(2, sim.IF_cond_exp(), label="cells")
    with pytest.raises(ContractError, match="cells: size: 3 neurons, in the network 2"):
        snapshots.restore(taken, [fewer])
    stranger = sim.Population(3, sim.IF_curr_exp(), label="strangers")
    with pytest.raises(ContractError, match="cells: population: the network has none"):
        snapshots.restore(taken, [stranger], projections=False)
    kind = sim.Population(3, sim.IF_curr_exp(), label="cells")
    with pytest.raises(ContractError, match="IF_cond_exp, in the network IF_curr_exp"):
        snapshots.restore(taken, [kind], projections=False)
    told = snapshots.restore(taken, [stranger], projections=False, strict=False)
    assert told.missing == ("strangers",)
    assert [loss.entry for loss in told.skipped] == ["cells"]
    sim.end()
