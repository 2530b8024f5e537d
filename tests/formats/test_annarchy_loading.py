"""What ANNarchy's own load() does with a file that does not fit a network, and what ours does.

Its load prints and goes on, ignores, takes arrays of any size or stops halfway. Here each such
file is refused as long as nothing is touched, or put in as far as it fits, with a report.
"""

from __future__ import annotations

import copy
import pickle
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import schemas
from archive.errors import ArchiveWarning, ContractError, FormatError
from archive.hooks.restoring import Restoration
from archive.hooks.snapshots import restore
from tests.formats.annarchy_examples import (
    named,
    network,
    objects,
    population,
    projection,
    read,
    save,
)
from tests.typed import of_kind
from tests.unit.annarchy_lookalikes import Network, Population, Projection, connections

PAIRS = [(0, 1), (2, 0), (2, 3)]  # post, pre: those of `file`
OTHERS = [(0, 2), (1, 1)]
STEP = 7  # where the clock of the network stands


@pytest.fixture(autouse=True)
def package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package that the lookalikes stand for."""
    made: Any = ModuleType("ANNarchy")
    made.__release__ = "5.0.4.1"
    monkeypatch.setitem(sys.modules, "ANNarchy", made)


def file() -> dict[str, Any]:
    """What ANNarchy saves of a network like that of `built`."""
    exc, inh = (
        population(name, size, n=np.arange(size), u=0.25) for name, size in (("exc", 4), ("inh", 3))
    )
    p = projection(
        "p", post="inh", target="exc", post_ranks=[0, 2], pre_ranks=objects([1], [0, 3]),
        x=objects([3.0], [4.0, 5.0]), z=[6.0, 7.0], k=8,
    )  # fmt: skip
    del p["tau"]
    p["attributes"].remove("tau")
    p["parameters"] = ["w", "k"]
    return copy.deepcopy(network(exc, inh, p))


def built(pairs: list[tuple[int, int]] = PAIRS, delays: str = "one") -> Network:
    exc, inh = Population("exc", 4), Population("inh", 3)
    p = Projection(exc, inh, delays=delays)
    p.connect(pairs, 1)
    made = Network([exc, inh], [p])
    made.step = STEP
    return made


def state(net: Network) -> bytes:
    held = {each.name: vars(each.cyInstance) for each in net.get_populations()}
    values = {
        name: {key: value for key, value in of.items() if not callable(value)}
        for name, of in held.items()
    }
    (p,) = net.get_projections()
    return pickle.dumps((net.step, values, connections(p), p.cyInstance.held["k"]))


def loaded(item: dict[str, Any], folder: Path, net: Network, **options: Any) -> Restoration:
    path = save(item, folder / "a.data")
    return restore(read(path, time_step=0.5), [net], **options)


def refused(item: dict[str, Any], folder: Path, reason: str, net: Network | None = None) -> None:
    """Strictly, nothing of it is put in."""
    net = built() if net is None else net
    before = state(net)
    with pytest.raises(ContractError, match=reason):
        loaded(item, folder, net)
    assert state(net) == before


def losses(report: Restoration) -> set[tuple[str, str]]:
    return {(each.entry, each.field) for each in report.skipped}


def test_a_file_that_fits(tmp_path: Path) -> None:
    net = built()
    report = loaded(file(), tmp_path, net)
    assert report.complete
    assert net.step == 100
    assert connections(net.get_projections()[0]) == {
        (0, 1): (0.5, 2, 3.0, 6.0), (2, 0): (1.5, 2, 4.0, 7.0), (2, 3): (2.5, 2, 5.0, 7.0),
    }  # fmt: skip
    assert net.get_populations()[0].cyInstance.v == [0.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize("part", ["exc", "p"])
def test_an_attribute_that_the_network_has_not(part: str, tmp_path: Path) -> None:
    item = file()
    item[part]["odd"] = 1.5
    item[part]["attributes"].append("odd")
    refused(item, tmp_path, f"{part}: odd: its (neurons|synapses) have nothing of that name")
    net = built()
    report = loaded(item, tmp_path, net, strict=False)
    assert losses(report) == {(part, "odd")}
    assert connections(net.get_projections()[0])[0, 1] == (0.5, 2, 3.0, 6.0)


@pytest.mark.parametrize(("part", "kind"), [("exc", schemas.Population), ("p", schemas.Projection)])
def test_a_value_that_is_not_among_the_attributes(
    part: str, kind: type[schemas.Population | schemas.Projection], tmp_path: Path
) -> None:
    """It is kept in the snapshot, and the report says that the network has not got it."""
    item = file()
    item[part]["extra"] = 1.5
    found = named(read(save(item, tmp_path / "b.data"), time_step=0.5), part)
    assert of_kind(kind, found).native["unlisted"] == {"extra": 1.5}
    assert losses(loaded(item, tmp_path, built())) == {(part, "extra")}


@pytest.mark.parametrize(("part", "name"), [("exc", "v"), ("exc", "tau"), ("p", "x"), ("p", "w")])
def test_an_attribute_that_is_listed_and_absent(part: str, name: str, tmp_path: Path) -> None:
    """Of a projection without weights, ANNarchy's load stops with a KeyError."""
    item = file()
    del item[part][name]
    net = built()
    kept = connections(net.get_projections()[0]), net.get_populations()[0].cyInstance.v
    with pytest.warns(ArchiveWarning, match=f"{part}: '{name}' is listed and not in the file"):
        refused(item, tmp_path, f"{part}: {name}: not in the snapshot")
    with pytest.warns(ArchiveWarning, match="listed and not in the file"):
        report = loaded(item, tmp_path, net, strict=False)
    assert report.missing == (f"{part}: {name}",)
    where = "wdxz".index(name) if part == "p" else 0
    now = connections(net.get_projections()[0])
    assert (now[0, 1][where] == kept[0][0, 1][where]) is (part == "p")
    assert (net.get_populations()[0].cyInstance.v == kept[1]) is (name == "v")


def test_other_connections_without_weights(tmp_path: Path) -> None:
    item = file()
    del item["p"]["w"]
    net = built(OTHERS)
    before = connections(net.get_projections()[0])
    with pytest.warns(ArchiveWarning, match="listed and not in the file"):
        refused(item, tmp_path, "p: connections: they have no weights", built(OTHERS))
    with pytest.warns(ArchiveWarning, match="listed and not in the file"):
        report = loaded(item, tmp_path, net, strict=False)
    assert ("p", "connections") in losses(report)
    assert connections(net.get_projections()[0]) == before


def test_a_part_that_only_one_of_both_has(tmp_path: Path) -> None:
    """ANNarchy ignores it in silence, whichever has it."""
    more = network(*(each for each in file().values() if isinstance(each, dict) and "name" in each),
                   population("third"), projection("q"))  # fmt: skip
    refused(more, tmp_path, "third: population: the network has none of that name")
    refused(more, tmp_path, "q: projection: the network has none of that name")
    report = loaded(more, tmp_path, built(), strict=False)
    assert losses(report) == {("third", "population"), ("q", "projection")}
    fewer = file()
    del fewer["inh"], fewer["p"], fewer["obj_names"]
    refused(fewer, tmp_path, "(?s)inh: population: not in .*p: projection: not in the snapshot")
    assert loaded(fewer, tmp_path, built(), strict=False).missing == (
        "inh: population", "p: projection",
    )  # fmt: skip


@pytest.mark.parametrize("values", [np.zeros(5), np.zeros(3), np.zeros((2, 4)), [1.0, 2.0]])
def test_an_array_of_a_wrong_size(values: Any, tmp_path: Path) -> None:
    """ANNarchy takes it, and computes with a vector of a wrong length."""
    item = file()
    item["exc"]["v"] = values
    with pytest.raises(FormatError, match=r"exc: v: \d values for 4 neurons"):
        loaded(item, tmp_path, built())


def test_a_population_of_another_size(tmp_path: Path) -> None:
    item = file()
    item["inh"] |= population("inh", 5, n=np.arange(5), u=0.25)
    refused(item, tmp_path, "inh: size: it has 3 neurons, the snapshot 5")
    net = built()
    assert ("inh", "size") in losses(loaded(item, tmp_path, net, strict=False))
    assert len(net.get_populations()[1].cyInstance.v) == 3


def test_flat_and_shaped_arrays_are_the_same(tmp_path: Path) -> None:
    states = []
    for values in (np.arange(4.0), np.arange(4.0).reshape(2, 2), [0.0, 1.0, 2.0, 3.0]):
        item, net = file(), built()
        item["exc"] |= {"geometry": (2, 2), "v": values}
        report = loaded(item, tmp_path, net)
        assert [(each.entry, each.field) for each in report.changed] == [("exc", "geometry")]
        states.append(state(net))
    assert states[0] == states[1] == states[2]


@pytest.mark.parametrize("part", ["exc", "p"])
@pytest.mark.parametrize("old", ["attributes", "dendrites"])
def test_files_of_old_versions(part: str, old: str, tmp_path: Path) -> None:
    item = file()
    if old == "attributes":
        del item[part][old]
        reason = {"exc": "before 4.2", "p": "before 4.5"}[part]
    else:  # which is what makes a projection
        item[part][old] = []
        reason = {"exc": "before 4.5.3", "p": "before 4.5.3"}[part]
    net = built()
    before = state(net)
    with pytest.raises(FormatError, match=f"(?s){part}: .*{reason}"):
        loaded(item, tmp_path, net)
    assert state(net) == before


def test_one_weight_for_many(tmp_path: Path) -> None:
    item = file()
    item["p"]["w"] = 0.75
    refused(item, tmp_path, "p: w: one value for all became one for each")
    net = built()
    report = loaded(item, tmp_path, net, strict=False)
    assert ("p", "w") in {(each.entry, each.field) for each in report.changed}
    assert {each[0] for each in connections(net.get_projections()[0]).values()} == {0.75}


def test_without_a_time_step_the_clock_stays(tmp_path: Path) -> None:
    item, net = file(), built()
    del item["time_step"]
    report = loaded(item, tmp_path, net)
    assert net.step == STEP
    assert losses(report) == {("network", "time")}
    assert net.get_populations()[0].cyInstance.v == [0.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("delays", "steps"),
    [(1.0, 2), ([[1.5], [1.0, 2.0]], [[3], [2, 4]]), ([[3], [2, 4]], [[3], [2, 4]])],
)
def test_other_connections(delays: Any, steps: Any, tmp_path: Path) -> None:
    """ANNarchy's load stops at delays in ms, a TypeError; whole steps it takes, as here."""
    item = file()
    item["p"]["delays"] = delays
    net = built(OTHERS, "one" if steps == 2 else "many")
    report = loaded(item, tmp_path, net)
    assert {(each.entry, each.field) for each in report.changed} == {("p", "connections")}
    (p,) = net.get_projections()
    assert p.cyInstance.delay == steps
    assert set(connections(p)) == set(PAIRS)


def test_other_connections_without_delays(tmp_path: Path) -> None:
    """ANNarchy makes them one step in silence."""
    item = file()
    del item["p"]["delays"]
    refused(item, tmp_path, "p: delays: the snapshot has none", built(OTHERS))
    net = built(OTHERS)
    report = loaded(item, tmp_path, net, strict=False)
    assert ("p", "delays") in {(each.entry, each.field) for each in report.changed}
    assert net.get_projections()[0].cyInstance.delay == 1


def test_matlab_files_are_loaded_too(tmp_path: Path) -> None:
    """ANNarchy writes them and cannot read them."""
    one, other = built(), built()
    loaded(file(), tmp_path, one)
    path = save(file(), tmp_path / "a.mat")
    restore(read(path, time_step=0.5), [other])
    assert state(one) == state(other)
