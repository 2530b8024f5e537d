"""Any projection comes back into a network with any other connections, in every format."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

import schemas
from archive.errors import NotFound
from archive.hooks.snapshots import capture, restore
from tests.unit.annarchy_lookalikes import Network, Population, Projection, connections

PRE, POST = 4, 3
pairs = st.lists(
    st.tuples(st.integers(0, POST - 1), st.integers(0, PRE - 1)), unique=True, max_size=PRE * POST
)


@pytest.fixture(autouse=True, scope="module")
def package() -> Any:
    """The package that a snapshot names the version of."""
    held = sys.modules.get("ANNarchy")
    made: Any = ModuleType("ANNarchy")
    made.__release__ = "5.0.4.1"
    sys.modules["ANNarchy"] = made
    yield
    del sys.modules["ANNarchy"]
    if held is not None:
        sys.modules["ANNarchy"] = held


def network(form: str, delays: str, single: bool, chosen: Any, seed: int) -> Network:
    pre, post = Population("pre", PRE), Population("post", POST)
    made = Projection(pre, post, form, delays, single)
    made.connect(chosen, seed)
    pre.cyInstance.v = np.random.default_rng(seed).random(PRE).tolist()
    pre.cyInstance.n, pre.cyInstance.u = [float(seed)] * PRE, float(seed)
    found = Network([pre, post], [made])
    found.step = seed
    return found


@given(
    pairs,
    pairs,
    st.sampled_from(["lil", "csr", "dense"]),
    st.sampled_from(["lil", "csr", "dense"]),
    st.sampled_from(["none", "one", "many"]),
    st.booleans(),
)
def test_a_network_comes_back(
    one: Any, other: Any, form: str, into: str, delays: str, single: bool
) -> None:
    first, second = network(form, delays, single, one, 1), network(into, delays, single, other, 2)
    snapshot = capture([first])
    report = restore(snapshot, [second])
    assert report.complete
    assert second.step == 1
    (a,), (b,) = first.get_projections(), second.get_projections()
    assert connections(b) == connections(a)
    assert b.cyInstance.held["k"] == a.cyInstance.held["k"]
    if into != "dense":
        assert b.cyInstance.rows == a.cyInstance.rows
    for mine, theirs in zip(first.get_populations(), second.get_populations(), strict=True):
        for name in mine.attributes:
            assert getattr(theirs.cyInstance, name) == getattr(mine.cyInstance, name)
    again = capture([second])
    if form == into:
        for x, y in zip(snapshot.parts, again.parts, strict=True):
            assert x.model == y.model
            assert x.arrays.keys() == y.arrays.keys()
            assert all(
                np.array_equal(np.asarray(x.arrays[k]), np.asarray(y.arrays[k])) for k in x.arrays
            )


@given(pairs, pairs)
def test_attributes_that_a_snapshot_has_not_stay(one: Any, other: Any) -> None:
    """ANNarchy sets them to 0 when the connections change."""
    assume(other)
    first, second = network("lil", "none", False, one, 1), network("lil", "none", False, other, 2)
    (b,) = second.get_projections()
    before = (connections(b), b.cyInstance.held["k"])
    snapshot = capture([first])
    parts: list[Any] = list(snapshot.parts)
    parts[2].arrays.pop("state:x")
    parts[2].model.parameters.pop("k")
    report = restore(snapshot, [second], strict=False)
    assert set(report.missing) == {"p: x", "p: k"}
    assert b.cyInstance.held["k"] == before[1]
    if set(one) == set(other):
        assert {k: v[2] for k, v in connections(b).items()} == {
            k: v[2] for k, v in before[0].items()
        }
    assert connections(b).keys() == connections(first.get_projections()[0]).keys()


@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize("delays", ["none", "one", "many"])
@pytest.mark.parametrize("into_single", [True, False])
@pytest.mark.parametrize("into", ["none", "one", "many"])
def test_no_connections_fit_anywhere(
    delays: str, single: bool, into: str, into_single: bool
) -> None:
    snapshot = capture([network("lil", delays, single, [], 1)])
    # one delay of two steps, or one weight, for connections that could be
    fits = (delays, into) != ("one", "none") and into_single >= single
    second = network("lil", into, into_single, [(0, 1), (2, 3)], 2)
    report = restore(snapshot, [second], strict=fits)
    assert connections(second.get_projections()[0]) == {}
    assert ("p", "connections") in {(each.entry, each.field) for each in report.changed}


def test_arrays_are_copies_and_whole_numbers_are_whole() -> None:
    first = network("lil", "many", False, [(0, 1), (2, 3)], 1)
    snapshot = capture([first])
    parts: list[Any] = list(snapshot.parts)
    first.get_populations()[0].cyInstance.v[0] = 99.0
    assert parts[0].arrays["state:v"][0] != 99.0
    assert parts[0].arrays["state:n"].dtype == np.int32
    assert parts[0].model.parameters == {"tau": 10.0}
    assert parts[0].arrays["state:u"].shape == (1,)
    assert isinstance(parts[2].model, schemas.Projection)
    assert parts[2].arrays["delays"].tolist() == [
        each * 0.5 for row in first.get_projections()[0].cyInstance.delay for each in row
    ]


def test_shared_weights_are_named_and_unknown_names_refused() -> None:
    first = network("lil", "none", False, [(0, 0)], 1)
    snapshot = capture([first])
    first.get_projections()[0]._saveable = False
    assert capture([first]).model.native["not_saved"] == ["p"]  # type: ignore[attr-defined]
    (loss,) = restore(snapshot, [first], strict=False).skipped[:1]
    assert (loss.entry, loss.field) == ("p", "weights")
    with pytest.raises(NotFound, match=r"typo: there is no population[^$]*pre, post"):
        capture([first], populations=["typo"])
