"""Networks of the real ANNarchy, stopped and gone on with in another process."""

from __future__ import annotations

import fcntl
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import numpy as np
import pytest

import schemas
from archive.entry import Entry
from archive.hooks.restoring import Restoration
from archive.values import from_schema

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.simulator, pytest.mark.slow]

Results = dict[str, Any]


def script(which: str, what: str, folder: Path) -> Results:
    """What a process of `annarchy_networks.py` finds, or has found."""
    result = folder / f"{which}-{what}.result"
    if result.exists():
        return cast("Results", pickle.loads(result.read_bytes()))
    # ANNarchy's build looks for Python where the virtual environment says
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "VIRTUAL_ENV": sys.prefix,
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
    }
    command = [sys.executable, str(Path(__file__).with_name("annarchy_networks.py"))]
    done = subprocess.run(
        [*command, which, what, str(folder)],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return cast("Results", pickle.loads(result.read_bytes()))


def processes(
    which: str,
    factory: pytest.TempPathFactory,
    require: Callable[[str], ModuleType],
    require_program: Callable[[str], str],
) -> tuple[Results, Results]:
    require("ANNarchy")
    require_program("cmake")
    require_program("g++")
    # workers of pytest-xdist share a folder one up, so that only the first of them compiles
    shared = factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else None
    folder = (shared or factory.getbasetemp()) / f"annarchy-{which}"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return script(which, "run", folder), script(which, "resume", folder)


@pytest.fixture(scope="module")
def rich(
    tmp_path_factory: pytest.TempPathFactory,
    require: Callable[[str], ModuleType],
    require_program: Callable[[str], str],
) -> tuple[Results, Results]:
    """A network compiled so that it shows all, and the process that resumed it."""
    return processes("rich", tmp_path_factory, require, require_program)


@pytest.fixture(scope="module")
def plain(
    tmp_path_factory: pytest.TempPathFactory,
    require: Callable[[str], ModuleType],
    require_program: Callable[[str], str],
) -> tuple[Results, Results]:
    """A network compiled by ANNarchy alone, and the process that resumed it."""
    return processes("plain", tmp_path_factory, require, require_program)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return np.array_equal(one, other, equal_nan=isinstance(one, float))


def differing(one: Results, other: Results) -> set[str]:
    assert one.keys() == other.keys()
    return {name for name in one if not same(one[name], other[name])}


def part(snapshot: Entry, name: str) -> Entry:
    return next(each for each in snapshot.parts if getattr(each.model, "name", None) == name)


def losses(report: Restoration) -> set[tuple[str, str]]:
    return {(each.entry, each.field) for each in report.skipped}


def test_a_network_that_shows_all_goes_on_as_if_it_had_never_stopped(
    rich: tuple[Results, Results],
) -> None:
    run, resumed = rich
    # the process that went on had drawn other connections, weights and delays
    first = differing(run["at first"], resumed["at first"])
    assert {"lists.connections", "compressed.connections", "lists.delay", "view.w"} <= first
    assert differing(run["stopped"], resumed["restored"]) == set()
    assert differing(run["end"], resumed["end"]) == set()
    assert differing(run["end"], resumed["end again"]) == set()
    assert differing(run["stopped"], run["end"]) >= {"one.v", "two.v", "lists.w", "compressed.w"}
    report: Restoration = resumed["report"]
    assert report.complete
    assert {each.entry for each in report.changed} == {"lists", "compressed", "input"}


def test_what_is_hidden_was_worth_keeping(rich: tuple[Results, Results]) -> None:
    snapshot: Entry = rich[0]["snapshot"]

    def hidden(name: str) -> Any:
        native = part(snapshot, name).model.native  # type: ignore[attr-defined]
        return from_schema(native["hidden"])

    assert hidden("one")["refractory_remaining"]["values"].max() > 0
    assert len(hidden("one")["_delayed_spike"]["values"]) > 0
    assert len(hidden("lists")["_delayed_spikes"]["values"]) > 0
    assert hidden("lists")["_last_event"]["values"].max() > 0
    assert hidden("played")["_t"] == 44
    assert len(np.unique(hidden("slow")["_delayed_r"]["values"])) > 1


def test_a_file_of_annarchy_in_a_network_that_has_run_further(
    rich: tuple[Results, Results],
) -> None:
    run, resumed = rich
    report: Restoration = resumed["from a file"]
    assert differing(run["stopped"], resumed["after the file"]) == set()
    assert {each for each in losses(report) if each[0] in ("one", "lists", "played", "slow")} == {
        ("one", "spikes"),
        ("one", "refractoriness"),
        ("one", "mean rate"),
        ("lists", "last events"),
        ("lists", "delayed spikes"),
        ("played", "spikes"),
        ("played", "clock of the input"),
        ("slow", "delayed rates"),
    }
    assert ("network", "random generators") in losses(report)
    assert report.missing == ("constants: drive",)
    assert ("one", "count") in {(each.entry, each.field) for each in report.changed}
    # nothing of what came later is left: traces would grow, not fade, since a later event
    after: Entry = resumed["hidden after it"]

    def hidden(name: str, member: str) -> Any:
        native = part(after, name).model.native  # type: ignore[attr-defined]
        return from_schema(native["hidden"])[member]["values"]

    assert set(hidden("lists", "_last_event").tolist()) == {-10000}
    assert set(hidden("compressed", "_last_event").tolist()) == {-10000}
    assert hidden("one", "refractory_remaining").max() == 0
    assert len(hidden("one", "_delayed_spike")) == len(hidden("lists", "_delayed_spikes")) == 0


def test_types_and_places_of_attributes(rich: tuple[Results, Results]) -> None:
    snapshot: Entry = rich[0]["snapshot"]
    model = snapshot.model
    assert isinstance(model, schemas.Snapshot)
    assert (model.simulator, model.time, model.time_step) == ("annarchy", 22.0, 0.5)
    assert model.constants == {"drive": 20.0}
    assert model.native["step"] == 44
    assert model.native["net_id"] == 1

    one = part(snapshot, "one")
    assert isinstance(one.model, schemas.Population)
    assert one.model.geometry == (2, 3)
    assert one.model.parameters == {"Vr": -70.0, "flag": True}
    assert {name: (each.dtype.str, each.shape) for name, each in one.arrays.items()} == {
        **{f"state:{name}": ("<f8", (6,)) for name in ("tau", "v", "g_exc", "r")},
        **{f"state:{name}": ("<i4", (6,)) for name in ("n", "count")},
        "state:u": ("<f8", (1,)),
    }
    lists = part(snapshot, "lists")
    assert isinstance(lists.model, schemas.Projection)
    assert lists.model.parameters == {"tau": 20.0, "k": 2}
    assert type(lists.model.parameters["k"]) is int
    assert from_schema(lists.model.native["semiglobal"])["z"].shape == (4,)
    assert (lists.model.receptor, lists.model.delay_unit) == ("exc", "ms")
    n = lists.model.size
    assert {each.shape for name, each in lists.arrays.items() if name.startswith("state")} == {(n,)}
    delays = np.asarray(lists.arrays["delays"])
    assert same(delays, np.concatenate(rich[0]["stopped"]["lists.delay"]))
    assert len(np.unique(delays)) > 1
    for name, delay in (("compressed", 2.0), ("alike", 3.0), ("itself", 0.5), ("rates", 4.0)):
        assert np.asarray(part(snapshot, name).arrays["delays"]).tolist() == [delay]
    assert np.asarray(part(snapshot, "alike").arrays["weights"]).tolist() == [1.0]


def test_connections_of_views_and_onto_itself(rich: tuple[Results, Results]) -> None:
    snapshot: Entry = rich[0]["snapshot"]
    view, itself = part(snapshot, "view"), part(snapshot, "itself")
    assert isinstance(view.model, schemas.Projection)
    assert isinstance(itself.model, schemas.Projection)
    assert (view.model.pre, view.model.pre_size, view.model.post_size) == ("one", 6, 6)
    assert set(np.asarray(view.arrays["columns"]).tolist()) == {1, 2, 3}
    assert from_schema(view.model.native["pre_view"]).tolist() == [1, 2, 3]
    assert (itself.model.pre, itself.model.post, itself.model.size) == ("two", "two", 12)
    assert itself.model.native["storage_format"] == "dense"


def test_a_network_of_annarchy_alone(plain: tuple[Results, Results]) -> None:
    run, resumed = plain
    assert {"learns.connections", "alike.connections"} <= differing(
        run["at first"], resumed["at first"]
    )
    assert differing(run["stopped"], resumed["restored"]) == set()
    # what nobody can read is said, and nothing else goes on otherwise
    report: Restoration = resumed["report"]
    assert losses(report) == {("b", "delayed rates"), ("fires", "spikes")}
    assert not report.complete
    for end in ("end", "end again"):
        assert differing(run["end"], resumed[end]) == {"c.r", "hears.v"}
    assert {"learns.w", "a.r", "b.r", "fires.v"} <= differing(run["stopped"], run["end"])
    tau = part(run["snapshot"], "b").model.parameters  # type: ignore[attr-defined]
    assert tau == {"tau": 12.0}
    assert resumed["restored"]["b.tau"] == 12.0


def test_empty_ragged_and_single(plain: tuple[Results, Results]) -> None:
    snapshot: Entry = plain[0]["snapshot"]
    empty, nobody = part(snapshot, "empty"), part(snapshot, "nobody")
    assert np.asarray(empty.arrays["row_pointers"]).tolist() == [0] * 5
    assert {np.asarray(empty.arrays[name]).shape for name in ("columns", "weights")} == {(0,)}
    assert np.asarray(nobody.arrays["state:r"]).shape == (0,)
    ragged = part(snapshot, "same pair")
    assert np.asarray(ragged.arrays["row_pointers"]).tolist() == [0, 3, 3, 4, 4, 6]
    assert np.asarray(ragged.arrays["columns"]).tolist() == [0, 1, 2, 3, 1, 2]
    assert np.asarray(ragged.arrays["weights"]).tolist() == [0.1, 0.1, 0.1, 0.2, 0.3, 0.3]
    single: Entry = plain[0]["single"]
    assert isinstance(single.model, schemas.Snapshot)
    assert (single.model.populations, single.model.projections) == (("b",), ("learns",))


def test_parts_of_a_network(plain: tuple[Results, Results]) -> None:
    run, resumed = plain
    parts = resumed["parts"]
    after = parts["after it"]
    assert same(after["learns.w"], run["stopped"]["learns.w"])
    assert after["a.r"] == [7.0] * 4  # the others, and the clock, are left alone
    assert parts["clock"] == (44, 44)
    assert {each.partition(":")[0] for each in parts["one projection"].restored} == {"learns"}
    assert differing(run["stopped"], parts["after them"]) == set()
    names = {each.partition(":")[0] for each in parts["populations"].restored}
    assert names == {"network", "a", "b", "c", "nobody", "fires", "hears"}
    names = {each.partition(":")[0] for each in parts["chosen"].restored}
    assert names == {"network", "a", "learns"}


def test_a_snapshot_of_another_simulator(plain: tuple[Results, Results]) -> None:
    run, resumed = plain
    report: Restoration = resumed["parts"]["foreign"]
    after = resumed["parts"]["after foreign"]
    assert set(report.restored) == {
        f"later: {each}" for each in ("connections", "weights", "delays")
    }
    assert losses(report) == {("network", "time"), ("later", "x"), ("later", "tau")}
    assert same(after["later.connections"], ([0, 1, 2], [1, 1, 1], [2, 2, 0]))
    assert after["later.delay"] == [[9.0], [4.0], [2.0]]  # 9.4 ms is no whole number of steps
    changed = {(each.entry, each.field) for each in report.changed}
    assert changed == {("later", each) for each in ("delays", "connections", "weights")}
    assert after["later.w"] == 0.5
    assert differing(run["stopped"], after) == {"later.connections", "later.delay", "later.w"}


def test_connections_that_were_pruned(plain: tuple[Results, Results]) -> None:
    parts = plain[1]["parts"]
    pruned = part(parts["pruned"], "learns")
    assert np.asarray(pruned.arrays["row_pointers"]).tolist() == [0, 2, 2, 2, 3, 3]
    assert same(parts["pruned content"]["learns.connections"], ([0, 1, 3], [2, 0, 1], [0, 1, 2]))
    assert differing(parts["pruned content"], parts["after pruned"]) == set()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("too long", "b: r: it has 6 values, not 5"),
        ("too short", "b: r: it has 4 values, not 5"),
        ("one for all", "b: r: one value for all"),
        ("shaped", "b: r: it has (5, 1) values, not 5"),
        ("unknown", "b: other: its neurons have nothing of that name"),
        ("unknown of synapses", "learns: other: its synapses have nothing of that name"),
        ("one weight for many", "learns: w: one value for all became one for each"),
        ("a part of another", "stranger: population: the network has none of that name"),
        ("integers", "b: r: they were int64, and are float64"),
        ("missing", "b: r: not in the snapshot"),
        ("size", "b: size: it has 5 neurons, the snapshot 6"),
        ("weights", "learns: connections: weights has the shape"),
        ("no weights", "learns: w: not in the snapshot"),
        ("ranks", "learns: connections: a column is no neuron"),
        ("pointers", "learns: connections: the row pointers do not ascend"),
        ("delays of none", "learns: delays: it was made without delays"),
        ("many weights", "alike: w: it has 10 values, not 1"),
        ("end", "learns: post: it is b, in the snapshot a"),
        ("target", "learns: target: it is exc, in the snapshot inh"),
        ("time step", "network: time_step: it was 0.5 ms, and is 1.0 ms"),
        ("no population", "a: population: not in the snapshot"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_touched(
    plain: tuple[Results, Results], name: str, reason: str
) -> None:
    message, untouched = plain[1]["bad"][name]
    assert reason in message
    assert untouched
    lax: Restoration = plain[1]["bad"]["lax"][name]
    said = [*map(str, lax.skipped), *map(str, lax.changed), *lax.missing]
    entry, _, _ = reason.partition(": ")
    assert any(each.startswith(entry) for each in said)
    assert "c: r" in lax.restored  # and what fits is put in


def test_what_fits_though_it_looks_otherwise(plain: tuple[Results, Results]) -> None:
    bad = plain[1]["bad"]
    (geometry,) = bad["geometry"].changed
    assert str(geometry) == "a: geometry: it was (4,), and is (2, 2)"
    report, weights = bad["nan"]
    assert "learns: weights" in report.restored
    assert np.isnan(np.concatenate(weights)).all()
    report, before, after = bad["no clock"]
    assert before == after > 0
    assert ("network", "time") in losses(report)
