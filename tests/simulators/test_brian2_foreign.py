"""Weights, delays and connections of other simulators, put into synapses of Brian 2."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import schemas
from archive.connections import compressed
from archive.entry import Entry, Loss
from archive.errors import ContractError
from archive.hooks import snapshots

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


def texts(losses: Sequence[Loss]) -> str:
    return "\n".join(map(str, losses))


def foreign(weights: npt.NDArray[Any], *, unit: str | None, delays: npt.NDArray[Any]) -> Entry:
    """What another simulator would give: other orders, units and names."""
    pre, post = np.array([1, 0, 2, 1]), np.array([2, 1, 0, 0])
    found = compressed(pre, post, 3, 3, "test")
    arrays = {
        **found.arrays(),
        "weights": found.arranged(weights),
        "delays": found.arranged(delays),
    }
    cells = schemas.Population(
        name="cells",
        size=3,
        parameters={"tau_m": 20.0, "kind": "regular"},
        state_units={"v": "mV"},
        native={"model": "iaf"},
    )
    projection = schemas.Projection(
        name="cells → cells", pre="cells", post="cells", pre_size=3, post_size=3, size=4,
        weight_unit=unit, delay_unit="ms",
    )  # fmt: skip
    snapshot = schemas.Snapshot(time=12.0, simulator="nest", time_step=0.1)
    states = {
        "state:v": np.array([-65.0, -64.0, -63.0]),
        "state:g": np.zeros(3),
        "positions": np.zeros((3, 3)),
    }
    return Entry(snapshot, parts=[Entry(cells, states), Entry(projection, arrays)])


def test_from_another_simulator(b2: ModuleType) -> None:
    cells = b2.NeuronGroup(3, "v : volt\nx : 1", threshold="x > 1", reset="", name="cells")
    synapses = b2.Synapses(cells, cells, "weight : siemens", on_pre="x += 1", name="synapses")
    synapses.connect(i=[0, 1, 1, 2], j=[1, 0, 2, 0])
    net = b2.Network(cells, synapses)
    entry = foreign(
        np.array([1.0, 2.0, 3.0, 4.0]), unit="nS", delays=np.array([1.0, 2.0, 3.0, 4.0])
    )
    report = snapshots.restore(entry, [net])
    np.testing.assert_allclose(cells.v_, [-0.065, -0.064, -0.063])
    np.testing.assert_allclose(synapses.weight_, [2e-9, 4e-9, 1e-9, 3e-9])
    np.testing.assert_allclose(synapses.delay_, [2e-3, 4e-3, 1e-3, 3e-3])
    assert not report.changed
    assert report.missing == ("cells: x",)
    skipped = {(loss.entry, loss.field) for loss in report.skipped}
    assert skipped == {("snapshot", "time")} | {
        ("cells", field) for field in ("g", "tau_m", "kind", "native", "positions")
    }
    unknown = foreign(np.ones(4), unit=None, delays=np.ones(1))
    report = snapshots.restore(unknown, [net])
    assert "its unit is not known" in texts(report.skipped)
    np.testing.assert_allclose(synapses.delay_, [1e-3] * 4)


def test_from_another_simulator_with_other_connections(b2: ModuleType) -> None:
    cells = b2.NeuronGroup(3, "x : 1", threshold="x > 1", reset="", name="cells")
    synapses = b2.Synapses(cells, cells, "w : 1", on_pre="x += w", name="synapses")
    synapses.connect(i=[0], j=[0])
    net = b2.Network(cells, synapses)
    entry = foreign(np.array([1.0, 2.0, 3.0, 4.0]), unit=None, delays=np.full(4, 2.0))
    with pytest.raises(ContractError, match="synapses: connections: the 4 of the snapshot"):
        snapshots.restore(entry, [net])
    report = snapshots.restore(entry, [net], strict=False)
    assert "synapses: connections" in texts(report.changed)
    connected = dict(zip(zip(synapses.i, synapses.j, strict=True), synapses.w_, strict=True))
    assert connected == {(1, 2): 1.0, (0, 1): 2.0, (2, 0): 3.0, (1, 0): 4.0}
    net.run(1 * b2.ms)
