"""Snapshots of networks in NEST itself."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import schemas
from archive.entry import Entry
from archive.errors import ContractError, FormatError
from archive.hooks import snapshots

pytestmark = pytest.mark.simulator


@pytest.fixture
def nest(require: Callable[[str], ModuleType]) -> Any:
    found: Any = require("nest")
    found.verbosity = found.VerbosityLevel.ERROR
    return found


def network(nest: Any, seed: int = 1, ahead: int = 0) -> dict[str, Any]:
    """Three groups after `ahead` other nodes, with plastic and static synapses between them."""
    nest.ResetKernel()
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.resolution = 0.1
    if ahead:
        nest.Create("iaf_psc_alpha", ahead)
    rng = np.random.default_rng(seed)
    exc = nest.Create("iaf_psc_exp", 6, {"I_e": 376.0 + 50.0 * rng.random(6), "tau_m": 9.0 + seed})
    inh = nest.Create("iaf_cond_exp", 4, {"V_m": list(-70.0 + 5.0 * rng.random(4))})
    source = nest.Create(
        "spike_generator", 2, [{"spike_times": [seed, 5.0, 9.0]}, {"spike_times": [3.0]}]
    )
    weights = rng.uniform(50.0, 60.0, (6, 6))
    nest.Connect(exc, exc, "all_to_all", {"synapse_model": "stdp_synapse", "weight": weights})
    nest.Connect(exc, inh, "all_to_all", {"weight": 2.0 * seed, "delay": 1.5})
    nest.Connect(inh, exc, "all_to_all", {"weight": -20.0})
    nest.Connect(inh, exc[:4], "one_to_one", {"synapse_model": "tsodyks_synapse", "weight": -2.0})
    nest.Connect(source, exc, "all_to_all", {"weight": 400.0 * seed, "delay": 1.0})
    return {"exc": exc, "inh": inh, "source": source}


def part(snapshot: Entry, name: str) -> Any:
    (found,) = (one for one in snapshot.parts if getattr(one.model, "name", None) == name)
    return found


def by_pair(nest: Any, pre: Any, post: Any, model: str, key: str) -> npt.NDArray[Any]:
    """Values of NEST's own connections, sorted by sending and receiving node."""
    found = nest.GetConnections(pre, post, synapse_model=model).get(["source", "target", key])
    order = np.lexsort((found["target"], found["source"]))
    values: npt.NDArray[Any] = np.asarray(found[key])[order]
    return values


def test_what_is_captured(nest: Any) -> None:
    net = network(nest)
    nest.Simulate(20.0)
    taken = snapshots.capture([net])
    model = taken.model
    assert isinstance(model, schemas.Snapshot)
    assert (model.time, model.time_step, model.simulator) == (20.0, 0.1, "nest")
    assert model.native["rng_seed"] == nest.rng_seed
    assert model.populations == ("exc", "inh", "source")
    assert model.projections == (
        "exc→exc",
        "exc→inh",
        "inh→exc (static_synapse)",
        "inh→exc (tsodyks_synapse)",
        "source→exc",
    )
    exc = part(taken, "exc")
    assert exc.model.model == "iaf_psc_exp"
    assert exc.model.parameters["tau_m"] == schemas.Quantity(10.0, "ms")
    assert exc.arrays["state:V_m"].tolist() == list(net["exc"].get("V_m"))
    assert exc.arrays["state:I_e"].tolist() == list(net["exc"].get("I_e"))
    assert exc.model.state_units["I_e"] == "pA"
    times = part(taken, "source").model.native["lists"]["spike_times"]
    assert np.frombuffer(times["values"].data).tolist() == [1.0, 5.0, 9.0, 3.0]
    plastic = part(taken, "exc→exc")
    assert plastic.model.synapse == "stdp_synapse"
    assert plastic.model.weight_unit == "pA"
    assert part(taken, "exc→inh").model.weight_unit == "nS"
    weights = by_pair(nest, net["exc"], net["exc"], "stdp_synapse", "weight")
    pre = np.repeat(np.arange(6), np.diff(plastic.arrays["row_pointers"]))
    order = np.lexsort((plastic.arrays["columns"], pre))
    assert plastic.arrays["weights"][order].tolist() == weights.tolist()
    assert np.ptp(weights) > 5.0


def test_all_values_come_back_though_ids_differ(nest: Any) -> None:
    net = network(nest)
    nest.Simulate(20.0)
    taken = snapshots.capture([net])
    other = network(nest, seed=2, ahead=3)
    assert other["exc"].tolist()[0] == 4
    report = snapshots.restore(taken, [other])
    told = {f"{loss.entry}: {loss.field}" for loss in report.skipped}
    assert "snapshot: buffers" in told
    assert "exc: t_spike" in told
    assert not [one for one in told if "weights" in one or "V_m" in one or "tau_m" in one]
    assert {"exc: V_m", "exc: I_e", "exc→exc: weights", "source: spike_times"} < set(
        report.restored
    )
    again = snapshots.capture([other])
    for one, two in zip(taken.parts, again.parts, strict=True):
        name = getattr(one.model, "name", "")
        assert one.arrays.keys() == two.arrays.keys()
        for key in one.arrays:
            if f"{name}: {key.removeprefix('state:')}" not in told:
                np.testing.assert_allclose(
                    two.arrays[key], one.arrays[key], err_msg=f"{name} {key}"
                )
    nest.Simulate(5.0)  # it runs


def test_it_goes_on(nest: Any) -> None:
    """Neurons with steady currents, of which none is refractory, go on as if never stopped."""
    traces = []
    taken = None
    for _ in range(2):
        nest.ResetKernel()
        nest.verbosity = nest.VerbosityLevel.ERROR
        cells = nest.Create("iaf_psc_exp", 3, {"I_e": [200.0, 300.0, 350.0]})
        if taken is None:
            nest.Simulate(30.0)
            taken = snapshots.capture([cells])
        else:
            snapshots.restore(taken, [nest])
        steps = []
        for _ in range(5):
            nest.Simulate(2.0)
            steps.append(cells.get("V_m"))
        traces.append(steps)
    assert np.ptp(traces[0]) > 1.0
    np.testing.assert_allclose(traces[1], traces[0], rtol=1e-12)


def test_the_whole_kernel_by_models(nest: Any) -> None:
    network(nest)
    nest.Create("iaf_psc_exp", 2)
    nest.Create("spike_recorder")
    model = snapshots.capture([nest]).model
    assert isinstance(model, schemas.Snapshot)
    assert model.populations == (
        "iaf_psc_exp",
        "iaf_cond_exp",
        "spike_generator",
        "iaf_psc_exp-2",
        "spike_recorder",
    )


def test_what_does_not_fit(nest: Any) -> None:
    net = network(nest)
    taken = snapshots.capture([net])
    nest.ResetKernel()
    nest.verbosity = nest.VerbosityLevel.ERROR
    fewer = nest.Create("iaf_psc_exp", 5, {"I_e": 7.0})
    with pytest.raises(ContractError, match=r"exc: size: 6 nodes, in the network 5"):
        snapshots.restore(taken, [{"exc": fewer}])
    other = nest.Create("iaf_psc_alpha", 6)
    with pytest.raises(ContractError, match="iaf_psc_exp, in the network iaf_psc_alpha"):
        snapshots.restore(taken, [{"exc": other}])
    same = nest.Create("iaf_psc_exp", 6)
    nest.Connect(same, same, "one_to_one", {"synapse_model": "stdp_synapse", "weight": 1.0})
    with pytest.raises(ContractError, match="36, in the network 6, and 6 of them the same"):
        snapshots.restore(taken, [{"exc": same}], populations=["exc"], projections=["exc→exc"])
    report = snapshots.restore(taken, [{"exc": same}], projections=["exc→exc"], strict=False)
    assert [loss.field for loss in report.changed] == ["connections"]
    diagonal = part(taken, "exc→exc")
    full = diagonal.arrays["weights"].reshape(6, 6)
    columns = np.argsort(np.asarray(diagonal.arrays["columns"]).reshape(6, 6), axis=1)
    wanted = np.diag(np.take_along_axis(full, columns, axis=1))
    found = by_pair(nest, same, same, "stdp_synapse", "weight")
    np.testing.assert_allclose(found, wanted)


def test_names_are_of_one_model(nest: Any) -> None:
    net = network(nest)
    with pytest.raises(ContractError, match="the nodes of one model"):
        snapshots.capture([{"both": net["exc"] + net["inh"]}])
    with pytest.raises(ContractError, match="the name comes twice"):
        snapshots.capture([{"exc": net["exc"]}, {"exc": net["inh"]}])
    nest.ResetKernel()
    with pytest.raises(FormatError, match="there are no nodes"):
        snapshots.capture([nest])
