"""Files of Brian 2's `store`: read without running anything, written for its own `restore`."""

from __future__ import annotations

import gc
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import schemas
from archive.adapters import reader_for, writer_for
from archive.adapters.brian2_store import Brian2Store
from archive.connections import ends, native_order
from archive.entry import Entry
from archive.errors import AlreadyExists, FormatError
from archive.hooks import snapshots
from archive.values import from_schema, to_schema
from tests.simulators.brian2_networks import Given, assert_identical, built

SAMPLE = Path(__file__).parents[1] / "data" / "brian2" / "state.brian2"


def read(path: Path) -> list[Entry]:
    return list(Brian2Store().read(path))


@pytest.fixture
def b2(require: Callable[[str], ModuleType]) -> Iterator[ModuleType]:
    brian2 = require("brian2")
    before = brian2.prefs.codegen.target
    brian2.prefs.codegen.target = "numpy"  # compiling takes minutes
    yield brian2
    brian2.prefs.codegen.target = before
    gc.collect()


def test_a_file_of_brian2() -> None:
    first, second = read(SAMPLE)
    model = first.model
    assert isinstance(model, schemas.Snapshot)
    assert isinstance(second.model, schemas.Snapshot)
    assert (model.name, second.model.name) == ("init", "b")
    assert (model.time, model.time_unit, model.time_step) == (0.02, "s", 1e-4)
    assert (model.populations, model.projections) == (("G",), ("S",))
    assert from_schema(model.native["monitors"])["M"]["v"].shape == (200, 5)
    cells, synapses = first.parts
    assert isinstance(cells.model, schemas.Population)
    assert isinstance(synapses.model, schemas.Projection)
    assert cells.model.size == 5
    assert cells.model.state_units["lastspike"] == "s"
    assert "v" not in cells.model.state_units, "the file does not say a unit"
    assert (synapses.model.pre, synapses.model.size) == ("G", 14)
    assert synapses.model.native["ends"] == "inferred"
    assert "delays" not in synapses.arrays


@pytest.mark.simulator
@pytest.mark.parametrize("name", ["plasticity", "clocks", "summed"])
def test_is_read_as_it_is_captured(b2: ModuleType, name: str, tmp_path: Path) -> None:
    net = built(b2, name)
    net.run(15 * b2.ms)
    path = tmp_path / "net.brian2"
    net.store("one", str(path))
    (entry,) = read(path)
    live = snapshots.capture([net])
    for pair in zip(entry.parts, live.parts, strict=True):
        ours, theirs = pair
        model, other = ours.model, theirs.model
        assert isinstance(model, schemas.Population | schemas.Projection)
        assert isinstance(other, schemas.Population | schemas.Projection)
        assert (model.name, model.size) == (other.name, other.size)
        lacking = {key for key in theirs.arrays if key.endswith(("delays", ".delay"))}
        # that a value shared by all is constant is not in the file
        shared = {f"state:{key}" for key in other.parameters if key not in model.parameters}
        connections = {"row_pointers", "columns", "order"}
        mine, its = (set(one.arrays) - connections for one in (ours, theirs))
        assert mine - shared == its - lacking
        for key in mine - shared:
            one, another = (native_order(held.arrays, held.arrays[key]) for held in pair)
            np.testing.assert_array_equal(one, another)
        assert model.native.get("variables") == other.native.get("variables")
        if isinstance(model, schemas.Projection):
            assert isinstance(other, schemas.Projection)
            for end, other_end in zip(
                ends(model, ours.arrays), ends(other, theirs.arrays), strict=True
            ):
                np.testing.assert_array_equal(end, other_end)
            queues: Any = [
                {key: one.get("queue") for key, one in from_schema(held.native["pathways"]).items()}
                for held in (model, other)
            ]
            assert queues[0].keys() == queues[1].keys()
            for key in queues[0]:
                for fact in ("counts", "synapses"):
                    np.testing.assert_array_equal(queues[0][key][fact], queues[1][key][fact])
    read_model, live_model = entry.model, live.model
    assert isinstance(read_model, schemas.Snapshot)
    assert isinstance(live_model, schemas.Snapshot)
    for fact in ("time", "time_step", "simulator", "populations", "projections"):
        assert getattr(read_model, fact) == getattr(live_model, fact)
    for fact in ("clocks", "random", "recorders", "objects"):
        assert read_model.native[fact] == live_model.native[fact]


@pytest.mark.simulator
def test_what_is_lost_in_a_file(b2: ModuleType, tmp_path: Path) -> None:
    net = built(b2, "noise")
    entry = snapshots.capture([net])
    assert isinstance(entry.model, schemas.Snapshot)
    random: Any = dict(entry.model.native["random"])  # type: ignore[arg-type]
    random["rand"] = to_schema({"numbers": np.full(7, 0.5)}, "drawn")
    fields = {"native": {**entry.model.native, "random": random}, "annotations": {"a": 1}}
    changed = Entry(entry.model.model_copy(update=fields), parts=entry.parts)
    losses = Brian2Store().write(Given(changed), tmp_path / "net.brian2")
    assert {(loss.entry, loss.field) for loss in losses} == {
        ("cells", "units and equations"),
        ("late", "units and equations"),
        ("synapses", "units, equations and ends"),
        ("default", "annotations"),
        ("default", "random state: rand"),
    }
    written = pickle.loads((tmp_path / "net.brian2").read_bytes())["default"]
    assert written["spikes"] == {}, "what monitors have recorded stays as it is"
    assert int(written["_random_generator_state"]["rand_buffer"][0]) == 0, "no address"
    assert written["late"]["rate"][0].dtype == np.float32


def test_what_is_read_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "again.brian2"
    entries = read(SAMPLE)
    run = Entry(schemas.Run(name="run"), parts=entries)
    losses = writer_for(path, None).write(
        Given(Entry(schemas.Experiment(id="0" * 32, name="experiment"), parts=[run])), path
    )
    assert any(loss.reason == "the file has states of networks only" for loss in losses)
    for one, other in zip(entries, read(path), strict=True):
        assert_identical(one, other)
    with SAMPLE.open("rb") as file, path.open("rb") as written:
        theirs, ours = pickle.load(file), pickle.load(written)
    assert list(ours) == list(theirs)
    for name in theirs:
        assert ours[name].keys() == theirs[name].keys()
        for key, held in theirs[name].items():
            if isinstance(held, dict) and key != "_random_generator_state":
                assert ours[name][key].keys() == held.keys()
    with pytest.raises(AlreadyExists):
        Brian2Store().write(Given(entries[0]), path)
    twice = Entry(schemas.Run(name="run"), parts=[entries[0], entries[0]])
    losses = Brian2Store().write(Given(twice), path, overwrite=True)
    assert "stored as 'init-2'" in " ".join(map(str, losses))
    assert [one.model.name for one in read(path)] == ["init", "init-2"]  # type: ignore[attr-defined]


def test_snapshots_of_others_are_not_written(tmp_path: Path) -> None:
    other = Entry(schemas.Snapshot(time=1.0, simulator="nest"))
    with pytest.raises(FormatError, match="no snapshot of Brian 2"):
        Brian2Store().write(Given(other), tmp_path / "a.brian2")
    run = Entry(schemas.Run(name="run"), parts=[other, read(SAMPLE)[0]])
    losses = Brian2Store().write(Given(run), tmp_path / "a.brian2")
    assert "it is of nest, not of Brian 2" in " ".join(map(str, losses))


def test_is_found_by_what_is_in_it(tmp_path: Path) -> None:
    for protocol in (2, 3, 4, 5):
        path = tmp_path / f"{protocol}.pickle"
        path.write_bytes(pickle.dumps(pickle.loads(SAMPLE.read_bytes()), protocol=protocol))
        assert reader_for(path).name == "brian2"
        assert len(list(reader_for(path).read(path))) == 2
    for number, data in enumerate((b"", b"\x80", b"0_t", pickle.dumps({"default": 1}))):
        path = tmp_path / f"{number}.other"
        path.write_bytes(data)
        assert not Brian2Store().recognises(path)
    assert not Brian2Store().recognises(tmp_path)


class Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def test_nothing_in_a_file_is_run(tmp_path: Path) -> None:
    trace, path = tmp_path / "trace", tmp_path / "evil.brian2"
    path.write_bytes(pickle.dumps({"default": {"0_t": 0.0, "G": Evil(trace)}}))
    with pytest.raises(FormatError, match=r"pathlib"):
        read(path)
    assert not trace.exists()


def damaged(change: Callable[[Any], object]) -> bytes:
    with SAMPLE.open("rb") as file:
        states = pickle.load(file)
    change(states["init"])
    return pickle.dumps(states)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda s: s.pop("0_t"), "no state of a network"),
        (lambda s: s.update(G=3), "not the state of an object"),
        (lambda s: s["G"].update(v=np.zeros(5)), "not an array with its size"),
        (lambda s: s["G"].update(v=(np.array(["a"]), 1)), "not an array with its size"),
        (lambda s: s["S"].update(_synaptic_pre=(np.full(14, 7, np.int32), 14)), "no pre neuron 7"),
        (lambda s: s["S_pre"].update(_spikequeue=(9, [[]])), "queue of events is damaged"),
        (lambda s: s["S_pre"].update(_spikequeue=(0, [[2**40]])), "damaged"),
        (
            lambda s: s["S_pre"].update(_spikequeue=(1e-4, np.full((1, 2), 2**50), (3, 1))),
            "queue of events is damaged",
        ),
        (lambda s: s["_random_generator_state"].update(numpy_state=("PCG64",)), "legacy generator"),
        (lambda s: s["defaultclock"].update(dt=(np.zeros(1), 1)), "time_step"),
        (lambda s: s.update(T_pre={"_spikequeue": None}), "no synapses that this pathway"),
    ],
)
def test_damaged_states_are_refused(
    change: Callable[[Any], object], text: str, tmp_path: Path
) -> None:
    path = tmp_path / "damaged.brian2"
    path.write_bytes(damaged(change))
    with pytest.raises(FormatError, match=text) as caught:
        read(path)
    assert caught.value.path == str(path)


WHOLE = SAMPLE.read_bytes()


@settings(max_examples=150)
@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255), st.booleans())
def test_any_damage_is_an_error_of_the_format_or_none(
    tmp_path_factory: pytest.TempPathFactory, place: int, byte: int, cut: bool
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "state.brian2"
    path.write_bytes(WHOLE[:place] if cut else WHOLE[:place] + bytes([byte]) + WHOLE[place + 1 :])
    try:
        for entry in read(path):
            list(entry.parts)
    except FormatError:
        pass
