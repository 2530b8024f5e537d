"""Snapshots become ANNarchy's files, from which they are read again; what they cannot carry is
said, and what ANNarchy could not load is refused."""

from __future__ import annotations

import gzip
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import quantities as pq
import scipy.io
from hypothesis import given, settings, strategies as st

import schemas
from archive.adapters import writer_for
from archive.adapters.annarchy import Annarchy
from archive.connections import compressed
from archive.entry import Entry, name_of
from archive.errors import AlreadyExists, FormatError
from archive.values import to_schema, to_schema_dict
from tests.formats.annarchy_examples import SAMPLES, Held, assert_same, named, read
from tests.formats.matlab_readers import read_octave
from tests.typed import of_kind

ID, DAY = "0" * 32, datetime(2026, 1, 1, tzinfo=UTC)
FORMS = (".data", ".txt.gz", ".npz", ".mat")


def cells(name: str = "exc", size: int = 4, **fields: Any) -> Entry:
    arrays = {"state:v": np.arange(float(size))}
    return Entry(schemas.Population(name=name, size=size, geometry=(size,), **fields), arrays)


def synapses(
    pre: npt.ArrayLike = (2, 0, 3),
    post: npt.ArrayLike = (1, 3, 3),
    size: int = 4,
    arrays: dict[str, Any] | None = None,
    **fields: Any,
) -> Entry:
    found = compressed(np.asarray(pre, int), np.asarray(post, int), size, size, "p")
    count = len(np.asarray(pre))
    held = {"weights": np.arange(1.0, count + 1), "delays": np.array([1.0]), **(arrays or {})}
    held = {key: found.arranged(np.asarray(values)) for key, values in held.items()}
    model = schemas.Projection(
        **{
            "name": "p", "pre": "exc", "post": "exc", "pre_size": size, "post_size": size,
            "size": count, "rows": found.rows, "receptor": "exc", **fields,
        }
    )  # fmt: skip
    return Entry(model, {**found.arrays(), **held})


def state(*parts: Entry, **fields: Any) -> Entry:
    return Entry(
        schemas.Snapshot(**{"time": 10.0, "time_step": 0.5, "simulator": "annarchy", **fields}),
        parts=parts,
    )


def written(entry: Entry, path: Path, **options: Any) -> list[str]:
    return [str(loss) for loss in Annarchy().write(Held(entry), path, **options)]


@pytest.mark.parametrize("suffix", FORMS)
@pytest.mark.parametrize("connections", ["same", "other"])
@pytest.mark.parametrize("time_step", [1.0, 0.5])
def test_a_network_comes_back(
    suffix: str, connections: str, time_step: float, tmp_path: Path
) -> None:
    whole = read(SAMPLES / "v5.0.4.1" / "full.data", time_step=time_step)
    path = tmp_path / f"a{suffix}"
    assert written(whole, path, connections=connections) == []
    assert_same(whole, read(path))  # our own files say what the time step is
    for part in whole.parts:
        name = name_of(part.model)
        path = tmp_path / f"{name}{suffix}"
        assert written(whole, path, only=name, connections=connections) == []
        (other,) = read(path, sizes={"exc": 12, "pop1": 5}).parts
        assert_same(part, other)


@pytest.mark.parametrize("suffix", FORMS)
def test_a_connectivity_comes_back(suffix: str, tmp_path: Path) -> None:
    whole = read(SAMPLES / "v5.0.4.1" / "full.data", time_step=1.0)
    for name in ("ragged", "const", "nudelay"):
        part, path = named(whole, name), tmp_path / f"{name}{suffix}"
        lost = {loss.split(": ")[1] for loss in written(whole, path, only=name, connectivity=True)}
        assert lost <= {"state:x", "state:y"}
        (other,) = read(path).parts
        for key in ("weights", *({"delays"} & set(other.arrays))):
            np.testing.assert_array_equal(np.asarray(other.arrays[key]), part.arrays[key])


@st.composite
def drawn(draw: st.DrawFn) -> Entry:
    size = draw(st.integers(1, 6))
    ends = draw(
        st.lists(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)), max_size=20)
    )
    pre, post = (np.array([pair[i] for pair in ends], int) for i in (0, 1))
    post = np.sort(post)
    floats = st.floats(allow_nan=True)
    arrays: dict[str, Any] = {
        "weights": np.array([draw(floats) for _ in ends]),
        "state:x": np.array([draw(floats) for _ in ends]),
    }
    if draw(st.booleans()):
        arrays["delays"] = 0.5 * np.array([draw(st.integers(1, 100)) for _ in ends], float)
    ranks = np.unique(np.concatenate([post, [draw(st.integers(0, size - 1))]])).astype(int)
    native = {"post_ranks": ranks, "parameters": ["tau", "w"], "variables": ["x"]}
    fields = {
        "native": to_schema_dict(native, "p"),
        "parameters": {"tau": draw(st.floats(allow_nan=False) | st.integers(-9, 9))},
    }
    listed = to_schema_dict({"parameters": ["tau"], "variables": ["v"]}, "exc")
    population = cells(size=size, native=listed, parameters={"tau": 3.5})
    return state(
        population, synapses(pre, post, size, arrays, **fields),
        populations=("exc",), projections=("p",), native={"net_id": 0, "time_step": 20},
    )  # fmt: skip


@pytest.mark.parametrize("suffix", FORMS)
@settings(max_examples=80)
@given(entry=drawn(), connections=st.sampled_from(["same", "other"]))
def test_any_projection_comes_back(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, entry: Entry, connections: str
) -> None:
    path = tmp_path_factory.mktemp("any") / f"a{suffix}"
    assert written(entry, path, connections=connections) == []
    back = read(path)
    exc = [of_kind(schemas.Population, named(one, "exc")) for one in (entry, back)]
    assert exc[0].parameters == exc[1].parameters
    known, found = named(entry, "p"), named(back, "p")
    for key, values in known.arrays.items():
        held, other = np.asarray(values), np.asarray(found.arrays[key])
        if len(held) != len(other):  # one of one, or all the same
            held = np.broadcast_to(held, other.shape) if len(other) else held[:0]
        np.testing.assert_array_equal(other, held)
    p = [of_kind(schemas.Projection, one) for one in (known, found)]
    assert p[0].parameters == p[1].parameters


def test_only_plain_things_are_pickled(tmp_path: Path) -> None:
    path = tmp_path / "a.data"
    written(state(cells(), synapses()), path)
    names = {"numpy", "builtins"}
    import pickletools

    for code, argument, _ in pickletools.genops(path.read_bytes()):
        if code.name == "GLOBAL":
            assert str(argument).partition(" ")[0].partition(".")[0] in names
    assert set(pickle.loads(path.read_bytes())) >= {"time_step", "net_id", "exc", "p", "obj_names"}
    path = tmp_path / "a.gz"
    written(state(cells()), path)
    assert pickle.loads(gzip.decompress(path.read_bytes()))["exc"]["geometry"] == (4,)


def dumped(entry: Entry, path: Path, **options: Any) -> dict[str, Any]:
    Annarchy().write(Held(entry), path, overwrite=True, **options)
    found: dict[str, Any] = pickle.loads(path.read_bytes())
    return found


def test_delays_are_in_the_form_that_annarchy_takes(tmp_path: Path) -> None:
    """ms for the same connections, steps for others; both at once where a step is 1 ms."""
    path = tmp_path / "a.data"
    uniform = synapses(arrays={"delays": np.array([2.0])})
    assert dumped(state(cells(), uniform), path)["p"]["delays"] == 2.0
    assert dumped(state(cells(), uniform), path, connections="other")["p"]["delays"] == [[4]]
    whole = dumped(state(cells(), uniform, time_step=1.0), path)["p"]["delays"]
    assert (whole, type(whole)) == (2, int)
    seconds = synapses(arrays={"delays": np.array([0.002])}, delay_unit="s")
    assert dumped(state(cells(), seconds), path)["p"]["delays"] == 2.0
    # ANNarchy cannot set delays in rows of different lengths: the connections are made anew
    ragged = dumped(state(cells(), synapses(arrays={"delays": np.array([1.0, 2, 3])})), path)["p"]
    assert [list(row) for row in ragged["delays"]] == [[2], [4, 6]]
    assert [type(row) for row in ragged["pre_ranks"]] == [tuple, tuple]
    # without delays, ANNarchy wants to hear of one step
    arrays = {key: value for key, value in synapses().arrays.items() if key != "delays"}
    none = Entry(synapses().model, arrays)
    assert dumped(state(cells(), none), path)["p"]["delays"] == 0.5
    with pytest.raises(FormatError, match="how long one is"):
        dumped(state(cells(), none, time_step=None), path)
    assert dumped(state(cells(), none, time_step=None), path, time_step=0.1)["p"]["delays"] == 0.1
    assert dumped(state(cells(), uniform, time_step=None), path)["p"]["delays"] == 2.0


def test_losses(tmp_path: Path) -> None:
    rich = Entry(
        schemas.Population(
            name="exc", size=4, description="cells", model="IF",
            parameters=to_schema_dict({"tau": 10 * pq.ms, "kind": "fast", "n": 3}, "exc"),
            state_units={"v": "mV"}, native={"refractory": [1, 2]}, annotations={"a": 1},
        ),
        {"state:v": np.zeros(4), "positions": np.zeros((4, 3)), "state:z": np.zeros(4, complex)},
    )  # fmt: skip
    entry = state(
        rich, synapses(weight_unit="nS", synapse="STDP", arrays={"delays": np.array([0.7])}),
        name="trained", time=10.2, taken=DAY,
        constants={"k": to_schema(1.0, "k")}, native={"seed": 3},
    )  # fmt: skip
    lost = {tuple(loss.split(": ")[:2]) for loss in written(entry, tmp_path / "a.data")}
    assert lost == {
        ("exc", "description"), ("exc", "model"), ("exc", "annotations"), ("exc", "native"),
        ("exc", "parameters.tau"), ("exc", "parameters.kind"), ("exc", "positions"),
        ("exc", "state:z"), ("exc", "state_units.v"), ("p", "weight_unit"), ("p", "synapse"),
        ("p", "delays"), ("snapshot", "time"), ("snapshot", "name"), ("snapshot", "taken"),
        ("snapshot", "constants"), ("snapshot", "native"),
    }  # fmt: skip
    found = named(read(tmp_path / "a.data"), "exc").model
    assert found.parameters == {"tau": 10.0, "n": 3}  # type: ignore[attr-defined]


def test_names_that_matlab_cannot_have_are_lost_alone(tmp_path: Path) -> None:
    lost = written(state(cells("my cells"), cells("b")), tmp_path / "a.mat")
    assert lost == ["my cells: population: MATLAB cannot have this name"]
    assert set(scipy.io.loadmat(tmp_path / "a.mat")) >= {"b", "obj_names"}


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (state(cells("time_step")), "is taken"),
        (state(cells("p"), synapses()), "is taken"),
        (state(cells(parameters={"size": 1.0})), "cannot have the name 'size'"),
        (state(Entry(synapses().model, {k: v for k, v in synapses().arrays.items()
                                        if k != "weights"})), "no weights"),
        (state(synapses(arrays={"delays": np.array([np.nan])})), "no times"),
        (state(synapses(delay_unit="mV")), "delays"),
        (Entry(schemas.Experiment(id=ID, name="e", created=DAY)),
         "there is no snapshot"),
    ],
)  # fmt: skip
def test_what_annarchy_could_not_load_is_refused(entry: Entry, reason: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=reason):
        written(entry, tmp_path / "a.data")
    assert not list(tmp_path.iterdir())


def test_which_part_and_which_snapshot(tmp_path: Path) -> None:
    path = tmp_path / "a.data"
    with pytest.raises(FormatError, match=r"(?s)no one part 'x'.*exc, p"):
        written(state(cells(), synapses()), path, only="x")
    with pytest.raises(FormatError, match="which projection"):
        written(state(cells()), path, connectivity=True)
    run = Entry(
        schemas.Run(name="r", started=DAY),
        parts=[state(cells(), name="a"), state(cells("inh"), name="b")],
    )
    made = schemas.Experiment(id=ID, name="e", created=DAY)
    experiment = Entry(made, parts=[run])
    with pytest.raises(FormatError, match=r"(?s)2 snapshots.*'a' or 'b'"):
        written(experiment, path)
    written(experiment, path, snapshot="b", projections=False)
    assert [part.model.name for part in read(path).parts] == ["inh"]  # type: ignore[attr-defined]
    with pytest.raises(AlreadyExists):
        written(experiment, path, snapshot="b")
    with pytest.raises(FormatError, match="give 'same' or 'other'"):
        written(experiment, tmp_path / "c", snapshot="b", connections="any")


def test_flags(tmp_path: Path) -> None:
    entry = state(cells(), synapses())
    written(entry, tmp_path / "a.npz", populations=False)
    assert [part.model.kind for part in read(tmp_path / "a.npz").parts] == ["projection"]
    written(entry, tmp_path / "b.npz", populations=["exc"], projections=())
    assert [part.model.kind for part in read(tmp_path / "b.npz").parts] == ["population"]


def test_the_writer_is_found(tmp_path: Path) -> None:
    assert writer_for(tmp_path / "net.data").name == "annarchy"
    with pytest.raises(
        FormatError, match=r"several formats have the suffix .npz: annarchy, npz, scipy"
    ):
        writer_for(tmp_path / "net.npz")


def test_octave_reads_it(tmp_path: Path, require_program: Callable[[str], str]) -> None:
    whole = read(SAMPLES / "v5.0.4.1" / "full.data", time_step=1.0)
    path = tmp_path / "net.mat"
    written(whole, path)
    (found,) = read_octave(require_program("octave-cli"), [path], tmp_path / "dump.m")
    assert np.asarray(found["time_step"]).item() == 100
    exc = np.asarray(named(whole, "exc").arrays["state:v"]).reshape(4, 3)
    np.testing.assert_array_equal(np.asarray(found["exc"]["v"]), exc)
    assert found["nudelay"]["pre"] == "exc"
    weights = np.asarray(named(whole, "nudelay").arrays["weights"]).reshape(12, 3)
    np.testing.assert_array_equal(np.asarray(found["nudelay"]["w"]), weights)


def test_what_a_snapshot_says_wrongly_of_annarchy_is_not_followed(tmp_path: Path) -> None:
    """Only ANNarchy's own snapshots know which rows it had."""
    for ranks in ([9, 1], ["a"], 3.5, [[1, 3]], {"a": 1}):
        native = to_schema_dict({"post_ranks": ranks, "semiglobal": {"z": [1.0]}}, "p")
        item = dumped(state(cells(), synapses(native=native)), tmp_path / "a.data")["p"]
        assert item["post_ranks"] == [1, 3]
        assert "z" not in item
    native = to_schema_dict({"post_ranks": [1, 3], "semiglobal": {"z": [1.0]}}, "p")
    lost = written(state(cells(), synapses(native=native)), tmp_path / "b.data")
    assert lost == ["p: native.semiglobal.z: it has not one number for each receiving neuron"]
    native = to_schema_dict({"post_ranks": [3, 1], "semiglobal": {"z": [1.0, 2.0]}}, "p")
    item = dumped(state(cells(), synapses(native=native)), tmp_path / "a.data")["p"]
    assert item["z"] == [2.0, 1.0]


def test_connections_that_annarchy_would_add_to_others_are_a_loss(tmp_path: Path) -> None:
    part = synapses(native=to_schema_dict({"storage_format": "csr"}, "p"))
    for connections, told in (("same", False), ("other", True)):
        path = tmp_path / connections
        lost = written(state(cells(), part), path, connections=connections)
        assert any("adds them" in loss for loss in lost) == told


@pytest.mark.parametrize("rank", [5_000_000, 1 << 40])
def test_a_rank_alone_makes_no_vast_population(tmp_path: Path, rank: int) -> None:
    path = tmp_path / "a.data"
    projection = {
        "name": "p", "pre": "exc", "post": "inh", "target": "exc", "post_ranks": [0],
        "pre_ranks": [[rank]], "w": [[1.0]], "delays": 1.0,
        "attributes": ["w"], "parameters": [], "variables": ["w"],
    }  # fmt: skip
    path.write_bytes(pickle.dumps(projection))
    with pytest.raises(FormatError, match=f"a population of {rank + 1} neurons"):
        read(path)
