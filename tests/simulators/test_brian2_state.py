"""The state of Brian 2's networks: what a snapshot says, what is put back, and what does not fit:
refused, or reported."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import schemas
from archive.connections import ends
from archive.entry import Entry, Loss
from archive.errors import ContractError, FormatError
from archive.hooks import brian2_random, snapshots
from archive.states import brian2_queues
from archive.values import from_schema, to_schema
from tests.simulators.brian2_networks import assert_identical, built

pytestmark = pytest.mark.simulator


@pytest.fixture
def b2(require: Callable[[str], ModuleType]) -> Iterator[ModuleType]:
    brian2 = require("brian2")
    before = brian2.prefs.codegen.target
    brian2.prefs.codegen.target = "numpy"  # compiling takes minutes
    brian2.start_scope()
    yield brian2
    brian2.prefs.codegen.target = before
    gc.collect()  # names of objects are taken as long as they are alive


@pytest.fixture
def network(b2: ModuleType) -> Any:
    net = built(b2, "plasticity")
    net.run(20 * b2.ms)
    return net


def part(entry: Entry, name: str) -> Entry:
    return next(one for one in entry.parts if getattr(one.model, "name", None) == name)


def array(entry: Entry, name: str) -> npt.NDArray[Any]:
    return np.asarray(entry.arrays[name])


def texts(losses: Sequence[Loss]) -> str:
    return "\n".join(map(str, losses))


def test_what_a_snapshot_says(b2: ModuleType, network: Any) -> None:
    entry = snapshots.capture([network])
    model = entry.model
    assert isinstance(model, schemas.Snapshot)
    assert (model.time, model.time_step, model.simulator) == (0.02, 1e-4, "brian2")
    assert model.populations == ("cells", "source")
    assert model.projections == ("recurrent", "stdp")
    cells, stdp, recurrent = (part(entry, name) for name in ("cells", "stdp", "recurrent"))
    np.testing.assert_array_equal(array(cells, "state:v"), network["cells"].v_)
    projection, synapses = stdp.model, network["stdp"]
    assert isinstance(projection, schemas.Projection)
    assert (projection.pre, projection.post, projection.size) == ("source", "cells", len(synapses))
    assert (projection.weight_unit, projection.delay_unit) == ("dimensionless", "s")
    assert projection.rows == "pre"
    assert "order" not in stdp.arrays, "Brian 2's own order is kept, nothing is sorted"
    np.testing.assert_array_equal(array(stdp, "weights"), synapses.w_)
    np.testing.assert_array_equal(array(stdp, "delays"), synapses.delay_)
    np.testing.assert_array_equal(array(stdp, "state:post.delay"), synapses.post.delay_)
    np.testing.assert_array_equal(array(stdp, "state:late.delay"), [0.003])
    pre, post = ends(projection, stdp.arrays)
    np.testing.assert_array_equal(pre, synapses.i)
    np.testing.assert_array_equal(post, synapses.j)
    # between parts of groups, and in no order of rows
    whole = recurrent.model
    assert isinstance(whole, schemas.Projection)
    assert (whole.pre, whole.pre_size, whole.post_size) == ("cells", 20, 20)
    assert whole.native["pre_view"] == {"start": 5, "stop": 15}
    pre, post = ends(whole, recurrent.arrays)
    assert (pre - 5).tolist() == [7, 0, 3, 3, 9]
    assert post.tolist() == [1, 7, 2, 2, 0]
    before = array(stdp, "weights").copy()
    network.run(5 * b2.ms)
    np.testing.assert_array_equal(array(stdp, "weights"), before, err_msg="a copy")


def test_units_and_types(b2: ModuleType) -> None:
    net = built(b2, "noise")
    entry = snapshots.capture([net])
    cells, late = part(entry, "cells"), part(entry, "late")
    model = cells.model
    assert isinstance(model, schemas.Population)
    assert model.state_units == {
        "awake": "dimensionless", "common": "S/m**2", "drive": "V", "last_draw": "dimensionless",
        "lastspike": "s", "not_refractory": "dimensionless", "sigma": "dimensionless", "v": "V",
    }  # fmt: skip
    assert model.native["dimensions"] == {"sigma": [2.0, 1.0, -3.5, -1.0, 0.0, 0.0, 0.0]}
    assert from_schema(model.parameters["leak"]).dimensionality.string == "V"
    assert array(cells, "state:awake").dtype == bool
    assert array(cells, "state:last_draw").dtype == np.int32
    assert array(cells, "state:common").shape == (1,)
    assert array(late, "state:rate").dtype == np.float32


def test_restores_what_it_captured(b2: ModuleType, network: Any) -> None:
    entry = snapshots.capture([network])
    network.run(7 * b2.ms)
    network["stdp"].w = 0
    network["stdp"].delay = 1 * b2.ms
    report = snapshots.restore(entry, [network])
    assert report.complete
    assert not report.changed
    assert "stdp: w" in report.restored
    assert "snapshot: random state" in report.restored
    assert_identical(snapshots.capture([network]), entry)
    assert network.t_ == 0.02


def test_strict_refuses_before_it_touches_anything(b2: ModuleType, network: Any) -> None:
    entry = snapshots.capture([network])
    network["cells"].v = 0.123
    cells, stdp = part(entry, "cells"), part(entry, "stdp")
    assert isinstance(cells.model, schemas.Population)
    assert isinstance(stdp.model, schemas.Projection)
    extra = replace(cells, arrays={**cells.arrays, "state:u": array(cells, "state:v")})
    typed = replace(
        cells, arrays={**cells.arrays, "state:v": array(cells, "state:v").astype(np.float32)}
    )
    fewer = {k: v for k, v in cells.arrays.items() if k != "state:ge"}
    sized = replace(cells, model=cells.model.model_copy(update={"size": 21}))
    united = cells.model.model_copy(update={"state_units": {**cells.model.state_units, "v": "V"}})
    reordered = replace(stdp, arrays={**stdp.arrays, "columns": array(stdp, "columns")[::-1]})
    for changed, text in (
        (extra, "cells: u: the network has no variable"),
        (typed, "cells: v: float32 in the snapshot, float64 in the network"),
        (replace(cells, arrays=fewer), "cells: ge: the snapshot does not have it"),
        (sized, "cells: size: 21 in the snapshot, 20"),
        (replace(cells, model=united), "cells: v: V in the snapshot, dimensionless"),
        (reordered, "stdp: connections"),
    ):
        name = getattr(changed.model, "name", "")
        parts = [changed if getattr(p.model, "name", None) == name else p for p in entry.parts]
        with pytest.raises(ContractError, match=text):
            snapshots.restore(replace(entry, parts=parts), [network])
        assert set(network["cells"].v_) == {0.123}


def test_other_connections_are_put_in_unless_strict(b2: ModuleType, network: Any) -> None:
    entry = snapshots.capture([network])
    b2.start_scope()
    del network
    gc.collect()
    other = built(b2, "plasticity")
    stdp = other["stdp"]
    stdp.connect(i=[0, 1], j=[0, 1])
    assert len(stdp) != array(part(entry, "stdp"), "weights").size
    with pytest.raises(ContractError, match="stdp: connections"):
        snapshots.restore(entry, [other])
    report = snapshots.restore(entry, [other], strict=False)
    assert report.complete
    assert "stdp: connections" in texts(report.changed)
    assert_identical(snapshots.capture([other]), entry)
    np.testing.assert_array_equal(
        stdp.N_outgoing_pre, np.bincount(np.asarray(stdp.i), minlength=30)
    )
    other.run(10 * b2.ms)


def test_synapses_that_were_never_connected(b2: ModuleType, network: Any) -> None:
    entry = snapshots.capture([network["stdp"], network["cells"], network["source"]])
    weights = array(part(entry, "stdp"), "weights")
    del network
    gc.collect()
    source = b2.PoissonGroup(30, rates=40 * b2.Hz, name="source")
    cells = b2.NeuronGroup(20, "v : 1", threshold="v > 1", reset="v = 0", name="cells")
    stdp = b2.Synapses(source, cells, "w : 1", on_pre="v_post += w", name="stdp")
    net = b2.Network(source, cells, stdp)
    report = snapshots.restore(entry, [net], populations=False, strict=False)
    assert stdp.w_[:].tolist() == weights.tolist()
    assert {"apre", "apost", "lastupdate"} <= {loss.field for loss in report.skipped}
    net.run(1 * b2.ms)


def test_single_groups_and_parts_of_groups(b2: ModuleType, network: Any) -> None:
    cells = network["cells"]
    piece = cells[5:9]
    entry = snapshots.capture([piece, network["stdp"]])
    assert isinstance(entry.model, schemas.Snapshot)
    assert "random" not in entry.model.native
    assert entry.model.time == 0.02
    view = part(entry, piece.name)
    np.testing.assert_array_equal(array(view, "state:v"), cells.v_[5:9])
    saved = cells.v_[5:9].copy()
    cells.v = 0.25
    report = snapshots.restore(entry, [piece])
    assert report.complete
    assert cells.v_[5:9].tolist() == saved.tolist()
    assert set(cells.v_[9:]) == {0.25}
    with pytest.raises(FormatError, match="one state of its own"):
        snapshots.capture([network, cells])


def test_moments_are_as_long_ago_as_they_were(b2: ModuleType, network: Any) -> None:
    entry = snapshots.capture([network])
    updated = network["stdp"].lastupdate_[:].copy()
    del network
    gc.collect()
    other = built(b2, "plasticity")
    report = snapshots.restore(entry, [other], populations=False)
    assert other.t_ == 0
    np.testing.assert_array_equal(other["stdp"].lastupdate_[:], updated - 0.02)
    assert "stdp: lastupdate: moved by -0.02 s" in texts(report.changed)


def test_another_time_step(b2: ModuleType, network: Any) -> None:
    entry = snapshots.capture([network])
    step = b2.defaultclock.dt
    try:
        b2.defaultclock.dt = 0.2 * b2.ms
        with pytest.raises(ContractError, match=r"time step of defaultclock: 0\.0001 s"):
            snapshots.restore(entry, [network])
        with pytest.raises(ContractError, match=r"queue: its time step is 0\.0001 s"):
            snapshots.restore(entry, [network], populations=False)
        report = snapshots.restore(entry, [network], strict=False)
        assert "time step" in texts(report.changed)
        assert float(b2.defaultclock.dt) == 1e-4
        network.run(1 * b2.ms)
    finally:
        b2.defaultclock.dt = step


def test_what_is_missing_is_reported(b2: ModuleType, network: Any) -> None:
    entry = snapshots.capture([network])

    @b2.network_operation(name="adds")  # type: ignore[untyped-decorator]
    def adds() -> None:
        pass

    network.add(adds)
    report = snapshots.restore(entry, [network])
    assert report.missing == ("adds: what the Python function keeps for itself",)
    network.add(b2.NeuronGroup(2, "u : 1", name="newcomers"))
    with pytest.raises(ContractError, match="newcomers: all: the snapshot does not have it"):
        snapshots.restore(entry, [network])
    assert "newcomers: all" in snapshots.restore(entry, [network], strict=False).missing
    network.remove(network["recurrent"])
    report = snapshots.restore(entry, [network], strict=False)
    assert "recurrent: all: the network has none" in texts(report.skipped)
    with pytest.raises(ContractError, match="nobody: all: the snapshot has none"):
        snapshots.restore(entry, [network], populations=["nobody"])


def magic_steps(b2: Any, duration: float) -> tuple[Any, Any]:
    cells = b2.NeuronGroup(
        4, "dv/dt = (2-v)/(5*ms) + xi*ms**-0.5 : 1", threshold="v>1", reset="v=0",
        method="euler", name="magic_cells", namespace={},
    )  # fmt: skip
    if duration:
        b2.run(duration * b2.ms)
    return cells, snapshots.capture([b2.magic_network])


def test_the_magic_network(b2: ModuleType) -> None:
    b2.seed(3)
    cells, entry = magic_steps(b2, 5)
    assert isinstance(entry.model, schemas.Snapshot)
    assert entry.model.time == 0.005
    assert entry.model.populations == ("magic_cells",)
    b2.run(5 * b2.ms)
    straight = cells.v_[:].copy()
    del cells
    gc.collect()
    b2.seed(99)
    cells, _ = magic_steps(b2, 0)
    report = snapshots.restore(entry, [b2.magic_network])
    assert report.complete
    b2.run(5 * b2.ms)
    assert cells.v_[:].tobytes() == straight.tobytes()
    assert float(b2.magic_network.t) == 0.01


def test_a_standalone_device_is_refused(network: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from brian2.devices.cpp_standalone.device import cpp_standalone_device

    # by its module: the package has an object of the same name
    module = sys.modules["brian2.devices.device"]
    monkeypatch.setattr(module, "get_device", lambda: cpp_standalone_device)
    with pytest.raises(FormatError, match="outside of this program"):
        snapshots.capture([network])


def test_the_python_queue(b2: ModuleType, network: Any) -> None:
    """Brian 2 without its compiled queue: the same events, either way."""
    from brian2.synapses.spikequeue import SpikeQueue

    entry = snapshots.capture([network])
    pathway = network["stdp"].pre
    ahead = pathway.queue._full_state()
    pathway.queue = SpikeQueue(0, 30)
    pathway.queue.currenttime = 17
    snapshots.restore(entry, [network])
    counts = brian2_queues.relative(ahead)["counts"]
    events = brian2_queues.relative(pathway.queue._full_state())
    assert counts.sum() > 5
    assert events["counts"].tolist() == counts.tolist()
    assert events["synapses"].tolist() == brian2_queues.relative(ahead)["synapses"].tolist()
    assert events["step"] == 1e-4
    for count in counts:
        assert len(pathway.queue.peek()) == count
        pathway.queue.advance()


def test_a_damaged_queue_is_refused(network: Any) -> None:
    entry = snapshots.capture([network])
    stdp = part(entry, "stdp")
    assert isinstance(stdp.model, schemas.Projection)
    native = dict(stdp.model.native)
    pathways: Any = dict(native["pathways"])  # type: ignore[arg-type]
    far = to_schema(np.array([10**6]), "")
    one = to_schema(np.array([1]), "")
    pathways["pre"] = {**pathways["pre"], "queue": {"counts": one, "synapses": far}}
    model = stdp.model.model_copy(update={"native": {**native, "pathways": pathways}})
    parts = [replace(stdp, model=model) if p is stdp else p for p in entry.parts]
    with pytest.raises(ContractError, match="to synapse 1000000 of"):
        snapshots.restore(replace(entry, parts=parts), [network])


def test_numbers_drawn_in_advance(b2: ModuleType) -> None:
    """The buffer of compiled code, without compiling: put in, read out, put in over another."""
    from brian2.devices.device import all_devices

    device = all_devices["runtime"]
    before = device.rand_buffer_index.copy()
    try:
        for count in (3, 19_999, 0, 7):
            facts = brian2_random.captured()
            facts["rand"] = {"numbers": np.random.default_rng(count).random(count)}
            held: Any = to_schema(facts, "random")
            brian2_random.restore(held)
            found = brian2_random.captured()["rand"]["numbers"]
            assert found.tobytes() == facts["rand"]["numbers"].tobytes()
            assert int(device.rand_buffer_index[0]) == (20_000 - count if count else 0)
    finally:
        device.rand_buffer_index[:] = before
