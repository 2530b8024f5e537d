"""ANNarchy networks by what they look like: which are known, refused, planned. Without ANNarchy."""

from __future__ import annotations

import types
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import schemas
from archive.entry import Entry, Loss
from archive.errors import ContractError, FormatError
from archive.hooks import annarchy_compile, annarchy_hidden, annarchy_synapses
from archive.hooks.annarchy_capture import Dendrites
from archive.hooks.annarchy_network import Attribute, kind_of, live
from archive.hooks.annarchy_plan import Plan
from archive.hooks.annarchy_state import is_state, restore
from archive.hooks.snapshots import capture


def annarchy(kind: str, **fields: Any) -> Any:
    """An object that looks as if ANNarchy had made it."""
    made = type(kind, (), {"__module__": f"ANNarchy.core.{kind}"})()
    made.__dict__.update(fields)
    return made


def network(compiled: bool = True, populations: Any = (), projections: Any = ()) -> Any:
    return annarchy(
        "Network",
        compiled=compiled,
        _get_config={"paradigm": "openmp"}.get,
        get_populations=lambda: list(populations),
        get_projections=lambda: list(projections),
    )


@pytest.mark.parametrize("kind", ["Network", "Population", "PopulationView", "Projection"])
def test_kinds_are_known_by_the_names_of_their_modules(kind: str) -> None:
    assert kind_of(annarchy(kind)) == kind
    assert is_state(annarchy(kind))
    own = type("MyOwn", (type(annarchy(kind)),), {"__module__": "__main__"})
    assert kind_of(own()) == kind
    assert not is_state(type(kind, (), {"__module__": "brian2.core"})())
    assert not is_state(type(kind, (), {"__module__": "ANNarchyOfSomebodyElse.core"})())


def test_the_package_stands_for_its_global_network_and_nothing_else_does() -> None:
    assert kind_of(types.ModuleType("ANNarchy")) == "Network"
    for other in (annarchy("Monitor"), types.ModuleType("ANNarchy.core"), 1.0, None, "Network"):
        assert not is_state(other)


def test_a_network_without_state_is_refused() -> None:
    with pytest.raises(FormatError, match=r"not compiled[^$]*compile\(\)"):
        capture([network(compiled=False)])


def test_two_of_one_name_are_refused() -> None:
    one, other = (annarchy("Population", name="exc") for _ in range(2))
    with pytest.raises(ContractError, match="exc: two populations have this name"):
        capture([network(populations=[one, other])])
    one, other = (annarchy("Projection", name="ee") for _ in range(2))
    with pytest.raises(ContractError, match="ee: two projections have this name"):
        restore(snapshot(), [network(projections=[one, other])])
    same_twice = network(populations=[annarchy("Population", name="exc")] * 2)
    assert list(live([same_twice]).populations) == ["exc"]


def test_views_and_several_networks_are_refused() -> None:
    with pytest.raises(FormatError, match=r"exc: a view has no state[^$]*view\.population"):
        capture([annarchy("PopulationView", name="exc")])
    with pytest.raises(FormatError, match="several networks"):
        capture([network(), network()])


def test_only_snapshots_are_restored() -> None:
    with pytest.raises(FormatError, match="a Population is no snapshot"):
        restore(Entry(schemas.Population(name="exc", size=3)), [network()])


def snapshot() -> Entry:
    return Entry(schemas.Snapshot(time=0.0, simulator="annarchy"))


numbers = st.lists(st.integers(-5, 5), max_size=4)
nested = st.one_of(numbers, st.lists(numbers), st.lists(st.lists(numbers, max_size=3), max_size=3))


@given(nested)
def test_nested_lists_of_one_depth_come_back(value: list[Any]) -> None:
    assert annarchy_hidden.unpacked(annarchy_hidden.packed(value)) == value


@pytest.mark.parametrize("value", [3, [], [[], []], [[[], []], [[], [1, 2]]], [0.5, 1.5]])
def test_hidden_values_come_back(value: Any) -> None:
    assert annarchy_hidden.unpacked(annarchy_hidden.packed(value)) == value


connections = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), max_size=30)


@given(connections, st.sets(st.integers(0, 6)))
def test_connections_by_dendrite(pairs: list[tuple[int, int]], kept: set[int]) -> None:
    pre = np.array([pair[0] for pair in pairs], np.int64)
    post = np.array([pair[1] for pair in pairs], np.int64)
    ours, order = annarchy_synapses.by_dendrite(pre, post, np.array(sorted(kept), np.int64))
    assert set(ours.post_ranks.tolist()) == kept | set(post.tolist())
    assert np.all(np.diff(ours.post_ranks) > 0)
    assert ours.post.tolist() == post[order].tolist()
    assert ours.pre.tolist() == pre[order].tolist()
    lists = annarchy_synapses.rows(ours.pre, ours)
    assert [len(row) for row in lists] == ours.sizes.tolist()
    assert [each for row in lists for each in row] == ours.pre.tolist()


@given(connections.map(lambda pairs: list(dict.fromkeys(pairs))), st.randoms())
def test_values_find_their_connections_in_a_matrix_that_sorts(pairs: Any, random: Any) -> None:
    random.shuffle(pairs)
    pre = np.array([pair[0] for pair in pairs], np.int64)
    post = np.array([pair[1] for pair in pairs], np.int64)
    wanted, order = annarchy_synapses.by_dendrite(pre, post)
    now = Dendrites(
        wanted.post_ranks, wanted.sizes, wanted.pre[np.lexsort((pre[order], post[order]))]
    )
    place = annarchy_synapses._places(wanted, now, "w")
    value = wanted.pre * 100 + wanted.post
    assert value[place].tolist() == (now.pre * 100 + now.post).tolist()


def test_other_connections_than_were_given_are_an_error() -> None:
    ranks, sizes = np.array([0]), np.array([2])
    wanted, now = (Dendrites(ranks, sizes, np.array(pre)) for pre in ([1, 1], [1, 2]))
    with pytest.raises(ContractError, match=r"w: ANNarchy made other[^$]*two connections of one"):
        annarchy_synapses._places(wanted, now, "w")


def test_what_is_no_connections() -> None:
    model = schemas.Projection(name="p", pre="a", post="b", pre_size=3, post_size=2, size=2)
    good = {"row_pointers": np.array([0, 1, 2]), "columns": np.array([2, 0])}
    assert annarchy_synapses.unsound(model, good) is None
    assert annarchy_synapses.unsound(model, good | {"weights": np.zeros(1)}) is None
    for bad in (
        {"row_pointers": np.array([0, 2])},
        {"row_pointers": np.array([1, 1, 2])},
        {"row_pointers": np.array([0, 3, 2])},
        {"row_pointers": np.array([0, 1, 1])},
        {"columns": np.array([2, 0, 1])},
        {"columns": np.array([3, 0])},
        {"columns": np.array([-1, 0])},
        {"weights": np.zeros(3)},
        {"state:x": np.zeros((2, 1))},
    ):
        assert annarchy_synapses.unsound(model, {**good, **bad}) is not None, bad


def attribute(locality: Any = "local", dtype: str = "<f8") -> Attribute:
    return Attribute("v", locality, np.dtype(dtype), True)


@pytest.mark.parametrize(
    ("held", "locality", "dtype"),
    [
        (np.zeros(3), "local", "<f8"),
        (np.array([np.nan, 1.0, np.inf]), "local", "<f8"),
        (np.zeros(3, np.float32), "local", "<f8"),
        (np.array([1, 2, 3]), "local", "<i4"),
        (0.5, "global", "<f8"),
        (True, "global", "|b1"),
    ],
)
def test_values_that_fit(held: Any, locality: str, dtype: str) -> None:
    plan = Plan()
    values = plan.fitted("exc", attribute(locality, dtype), held, 3)
    assert values is not None
    assert values.dtype == np.dtype(dtype)
    assert np.array_equal(values, np.atleast_1d(held), equal_nan=values.dtype.kind == "f")
    assert plan == Plan()


@pytest.mark.parametrize(
    ("held", "locality", "dtype", "put"),
    [
        (np.zeros(4), "local", "<f8", False),
        (np.zeros(0), "local", "<f8", False),
        (np.zeros((3, 1)), "local", "<f8", False),
        (np.zeros(3), "global", "<f8", False),
        (np.array([0.5, 1.0, 2.0]), "local", "<i4", False),
        (np.array([2**40, 0, 0]), "local", "<i4", False),
        (np.array([0.1, 0.2, 0.3]), "local", "<f4", False),
        (np.array(["a", "b", "c"]), "local", "<f8", False),
        (np.array([1.0, 2.0, 3.0]), "local", "<i4", True),
        (np.array([1, 2, 3]), "local", "<f8", True),
        (np.array([1.5]), "local", "<f8", True),
    ],
)
def test_values_that_strict_refuses(held: Any, locality: str, dtype: str, put: bool) -> None:
    plan = Plan()
    values = plan.fitted("exc", attribute(locality, dtype), held, 3)
    assert (values is not None) is put
    assert (len(plan.changed), len(plan.skipped)) == ((1, 0) if put else (0, 1))
    with pytest.raises(ContractError, match="exc: v: "):
        plan.carry_out(strict=True)


def test_strict_touches_nothing() -> None:
    touched: list[str] = []
    plan = Plan()
    plan.put("exc: v", lambda: touched.append("v"))
    plan.change("exc", "geometry", "it was (4,), and is (2, 2)")
    plan.skip("exc", "spikes", "lost")
    plan.miss("exc", "u")
    with pytest.raises(ContractError, match="exc: u: not in the snapshot"):
        plan.carry_out(strict=True)
    assert touched == []
    report = plan.carry_out(strict=False)
    assert touched == ["v"]
    assert (report.restored, report.missing) == (("exc: v",), ("exc: u",))
    assert report.skipped == (Loss("exc", "spikes", "lost"),)
    assert not report.complete


WRAPPER = """#include "ANNarchyCore1.hpp"
NB_MODULE(ANNarchyWrapper1, m) {
    m.def("step", &step);
    nanobind::class_<PopStruct0>(m, "pop0_wrapper").def("clear", &PopStruct0::clear);
}
"""


def test_the_wrapper_is_extended_before_its_end() -> None:
    made = annarchy_compile.opened(
        WRAPPER,
        network(
            populations=[SimpleNamespace(id=0, delayed_variables=["r"])],
            projections=[SimpleNamespace(id=3)],
        ),
    )
    before, inside = made.split(annarchy_compile.MODULE)
    assert before.startswith('#include "ANNarchyCore1.hpp"\n')
    assert "struct Offer_delayed_r<S, std::void_t<" in before
    assert before.count("{") == before.count("}")
    for each in ("offer<PopStruct0>(m);", "offer<ProjStruct3>(m);", '"neuroarchive_set_rng"'):
        assert inside.index("pop0_wrapper") < inside.index(each) < inside.rindex("}")


@pytest.mark.parametrize("text", ["", "void f() {}", WRAPPER.replace("NB_MODULE", "PYBIND11")])
def test_another_wrapper_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match="writes its wrapper otherwise"):
        annarchy_compile.opened(text, network())
