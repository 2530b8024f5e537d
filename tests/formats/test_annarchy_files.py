"""ANNarchy's files are read in every form and version, and never believed."""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import quantities as pq
from hypothesis import HealthCheck, given, settings, strategies as st

import schemas
from archive.adapters import reader_for
from archive.adapters.annarchy import Annarchy
from archive.entry import Entry
from archive.errors import ArchiveError, ArchiveWarning, FormatError
from archive.values import from_schema
from tests.formats.annarchy_examples import (
    SAMPLES,
    VERSIONS,
    assert_same,
    named,
    network,
    objects,
    population,
    projection,
    read,
    save,
)

FILES = sorted(path for path in SAMPLES.rglob("*") if path.suffix != ".md" and path.is_file())


def stem(path: Path) -> str:
    return path.name.partition(".")[0]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", sorted({stem(path) for path in FILES}))
def test_all_forms_say_the_same(version: str, name: str) -> None:
    paths = [path for path in FILES if stem(path) == name and path.parent.name == version]
    first, *rest = (read(path, time_step=1.0) for path in paths)
    for other in rest:
        assert_same(first, other)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_network(version: str) -> None:
    found = read(SAMPLES / version / "full.data", time_step=1 * pq.ms)
    model = found.model
    assert isinstance(model, schemas.Snapshot)
    assert (model.time, model.time_unit, model.time_step) == (100.0, "ms", 1.0)
    assert model.populations == ("exc", "pop1")
    assert model.projections == ("proj0", "ragged", "const", "nudelay")
    exc = named(found, "exc")
    assert isinstance(exc.model, schemas.Population)
    assert (exc.model.size, exc.model.geometry) == (12, (4, 3))
    assert exc.model.parameters["v_thresh"] == 30.0
    assert np.asarray(exc.arrays["state:noise"]).tolist() == [10.0] * 12
    single = named(found, "const")
    assert isinstance(single.model, schemas.Projection)
    assert (single.model.pre_size, single.model.post_size, single.model.size) == (5, 12, 60)
    assert np.asarray(single.arrays["weights"]).tolist() == [1.5]
    assert single.model.receptor == "inh"
    ragged = named(found, "ragged")
    assert np.asarray(ragged.arrays["delays"]).tolist() == [3.0]
    assert isinstance(ragged.model, schemas.Projection)
    assert from_schema(ragged.model.parameters["tau_plus"]) == 20.0
    inner = named(found, "nudelay")
    assert isinstance(inner.model, schemas.Projection)
    assert inner.model.pre == inner.model.post == "exc"
    assert len(np.asarray(inner.arrays["delays"])) == inner.model.size == 36


def test_values_lie_where_the_file_has_them(tmp_path: Path) -> None:
    found = read(save(network(population(), projection()), tmp_path / "a.data"))
    part = named(found, "proj0")
    assert np.asarray(part.arrays["row_pointers"]).tolist() == [0, 0, 1, 1, 3]
    assert np.asarray(part.arrays["columns"]).tolist() == [2, 0, 3]
    assert np.asarray(part.arrays["weights"]).tolist() == [0.5, 1.5, 2.5]
    assert np.asarray(part.arrays["delays"]).tolist() == [1.0]


def test_without_a_time_step_the_time_is_not_made_up() -> None:
    model = read(SAMPLES / "v5.0.4.1" / "full.data").model
    assert isinstance(model, schemas.Snapshot)
    assert (model.time, model.time_step) == (0.0, None)
    assert model.native["time_step"] == 100
    assert "not known" in str(model.annotations["note"])


def test_a_connectivity_in_ms_shows_the_time_step() -> None:
    model = read(SAMPLES / "v5.0.4.1" / "conn_ragged.npz").model
    assert isinstance(model, schemas.Snapshot)
    assert model.time_step == 1.0
    with pytest.raises(FormatError, match=r"shows a time step of 1 ms, not 0\.5"):
        read(SAMPLES / "v5.0.4.1" / "conn_ragged.npz", time_step=0.5)


@pytest.mark.parametrize("name", ["conn_ragged.npz", "conn_nudelay.mat", "conn_ragged.mat"])
def test_delays_in_steps_need_the_time_step(name: str) -> None:
    path = SAMPLES / "v4.8.2.7" / name
    with pytest.raises(FormatError, match=r"(?s)time steps.*hint: give it.*time_step=") as caught:
        read(path)
    assert caught.value.path == str(path)
    (part,) = read(path, time_step=0.5 * pq.ms).parts
    (other,) = read(path, time_step=1.0).parts
    np.testing.assert_array_equal(
        np.asarray(part.arrays["delays"]) * 2, np.asarray(other.arrays["delays"])
    )


def test_delays_that_are_no_steps_are_refused(tmp_path: Path) -> None:
    path = save(network(population(), projection(delays=1.5)), tmp_path / "a.data")
    assert read(path, time_step=0.5)
    with pytest.raises(FormatError, match="no multiples"):
        read(path, time_step=1.0)
    for right in ("0.5", "0.5 ms", "0.0005 s", 0.5 * pq.ms, 500 * pq.us):
        assert read(path, time_step=right).model == read(path, time_step=0.5).model
    for wrong in (0, -1.0, float("nan"), "1 mV", "one", 1 * pq.mV, True, [1.0, 2.0]):
        with pytest.raises(FormatError):
            read(path, time_step=wrong)


def test_flags_and_names_choose() -> None:
    path = SAMPLES / "v5.0.4.1" / "full.npz"
    choices: tuple[tuple[Any, Any, int], ...] = (
        (True, False, 2), (False, True, 4), (["exc"], (), 1),
        ("exc,pop1", "ragged", 3), ("ex", (), 0),
    )  # fmt: skip
    for populations, projections, count in choices:
        found = read(path, populations=populations, projections=projections)
        assert len(list(found.parts)) == count
    # the size is known although the population itself is not wanted
    assert named(read(path, populations=False), "ragged").model.pre_size == 12  # type: ignore[attr-defined]


def test_sizes_that_are_not_in_the_file() -> None:
    path = SAMPLES / "v5.0.4.1" / "proj_ragged.npz"
    (part,) = read(path).parts
    assert isinstance(part.model, schemas.Projection)
    assert "at least" in str(part.model.native["sizes"])
    (part,) = read(path, sizes={"exc": 20, "pop1": 6}).parts
    assert isinstance(part.model, schemas.Projection)
    assert (part.model.pre_size, part.model.post_size) == (20, 6)
    assert "sizes" not in part.model.native
    with pytest.raises(FormatError, match=r"no pre neuron 1[01] among 3"):
        read(path, sizes={"exc": 3})
    (part,) = read(SAMPLES / "v5.0.4.1" / "conn_const.npz", pre="a", post="b").parts
    assert isinstance(part.model, schemas.Projection)
    assert (part.model.pre, part.model.post) == ("a", "b")


# What other versions write, and what users make.

ROWS = objects([2], [0, 3])
EQUAL = [[2, 1], [0, 3]]
ACCEPTED: dict[str, Any] = {
    "4.6: flat, 0-d": network(
        population(tau=np.array(10.0)), projection(tau=np.array(20.0), delays=np.array(1.0))
    ),
    "before 4.6: no names": {
        key: value for key, value in network(population(), projection()).items()
        if key != "obj_names"
    },
    "w is named twice": network(population(), projection() | {"attributes": ["w", "tau", "w"]}),
    "arrays of arrays": network(
        population(), projection(pre_ranks=objects(np.array([2]), np.array([0, 3])))
    ),
    "lists of lists": network(population(), projection(pre_ranks=[[2], [0, 3]])),
}  # fmt: skip


@pytest.mark.parametrize("name", ACCEPTED)
@pytest.mark.parametrize("suffix", [".data", ".txt.gz", ".anything"])
def test_variants(name: str, suffix: str, tmp_path: Path) -> None:
    plain = read(save(network(population(), projection()), tmp_path / "a.data"))
    found = read(save(ACCEPTED[name], tmp_path / f"b{suffix}"))
    for part in plain.parts:
        other = named(found, part.model.name)  # type: ignore[attr-defined]
        for key, values in part.arrays.items():
            np.testing.assert_array_equal(np.asarray(values), np.asarray(other.arrays[key]))
        assert other.model.parameters == part.model.parameters  # type: ignore[attr-defined]


def test_weights_of_one_row_length(tmp_path: Path) -> None:
    forms = ([[1.0, 2.0], [3.0, 4.0]], np.array([[1.0, 2.0], [3.0, 4.0]]))
    for w in forms:
        item = projection(w=w, pre_ranks=np.array(EQUAL), x=w, g=[7.0, 8.0], z=3.0)
        for suffix in (".data", ".npz", ".mat"):
            part = named(read(save(network(population(), item), tmp_path / f"a{suffix}")), "proj0")
            assert np.asarray(part.arrays["weights"]).tolist() == [1.0, 2.0, 3.0, 4.0]
            assert np.asarray(part.arrays["state:x"]).tolist() == [1.0, 2.0, 3.0, 4.0]
            assert np.asarray(part.arrays["state:z"]).tolist() == [3.0]
            assert isinstance(part.model, schemas.Projection)
            held: Any = from_schema(part.model.native["semiglobal"])
            assert held["g"].tolist() == [7.0, 8.0]


def test_unsorted_rows_and_their_order(tmp_path: Path) -> None:
    item = projection(post_ranks=[3, 1])
    part = named(read(save(network(population(), item), tmp_path / "a.data")), "proj0")
    assert np.asarray(part.arrays["row_pointers"]).tolist() == [0, 0, 2, 2, 3]
    assert np.asarray(part.arrays["columns"]).tolist() == [0, 3, 2]
    assert np.asarray(part.arrays["weights"]).tolist() == [1.5, 2.5, 0.5]
    assert "order" in part.arrays


@pytest.mark.parametrize("suffix", [".data", ".npz", ".mat"])
def test_empty_projections_and_populations(suffix: str, tmp_path: Path) -> None:
    empty = projection(post_ranks=[], pre_ranks=np.array([]), w=[])
    found = read(save(network(population(), empty), tmp_path / f"a{suffix}"))
    part = named(found, "proj0")
    assert isinstance(part.model, schemas.Projection)
    assert part.model.size == 0
    assert np.asarray(part.arrays["row_pointers"]).tolist() == [0] * 5
    nobody = population(size=0)
    found = read(save(network(nobody), tmp_path / f"b{suffix}"))
    assert np.asarray(named(found, "exc").arrays["state:v"]).size == 0


def test_rows_without_connections_are_kept(tmp_path: Path) -> None:
    item = projection(pre_ranks=objects([], [0, 3]), w=objects([], [1.5, 2.5]))
    part = named(read(save(network(population(), item), tmp_path / "a.data")), "proj0")
    assert isinstance(part.model, schemas.Projection)
    assert from_schema(part.model.native["post_ranks"]).tolist() == [1, 3]


def test_nan_weights_and_values_of_any_type(tmp_path: Path) -> None:
    item = projection(w=objects([np.nan], [np.inf, 2.5]))
    cells = population(n=np.arange(4), on=np.array([True, False, True, False]), k=3)
    found = read(save(network(cells, item), tmp_path / "a.data"))
    assert np.isnan(np.asarray(named(found, "proj0").arrays["weights"])[0])
    exc = named(found, "exc")
    assert np.asarray(exc.arrays["state:n"]).dtype == np.int64
    assert np.asarray(exc.arrays["state:on"]).dtype == np.bool_
    assert np.asarray(exc.arrays["state:k"]).tolist() == [3]


def without(item: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key not in keys}


REFUSED: dict[str, tuple[Any, str]] = {
    "wrong size": (network(population(v=np.zeros(5))), "exc: v: 5 values for 4 neurons"),
    "wrong shape": (network(population(v=np.zeros((2, 3)))), "6 values for 4"),
    "geometry": (network(population() | {"geometry": (2, 3)}), r"geometry of \(2, 3\) for 4"),
    "no size": (network(population() | {"size": "many"}), "size"),
    "huge": (network(population(tau=1.0) | {"size": 10**9, "geometry": (10**9,)}), "10{9}|values"),
    "text": (network(population(v="high")), "no plain numbers"),
    "objects": (network(population(v=objects(1, "a", 2, 3))), "no plain numbers"),
    "row too short": (network(population(), projection(w=objects([0.5], [1.5]))), "row 1"),
    "row too many": (network(population(), projection(w=objects([0.5], [1, 2], [3]))), "3 rows"),
    "x too long": (network(population(), projection(x=objects([0.5], [1, 2, 3]))), "proj0: x"),
    "no rank": (network(population(), projection(pre_ranks=objects([2], [0, 4]))), "neuron 4"),
    "negative": (network(population(), projection(pre_ranks=objects([-1], [0, 3]))), "neuron -1"),
    "no post": (network(population(), projection(post_ranks=[1, 9])), "neuron 9"),
    "empty post": (
        network(population(), projection(post_ranks=[9, 1], pre_ranks=objects([], [0]),
                                         w=objects([], [1.0]))), "receiving neuron"),
    "ranks": (network(population(), projection(pre_ranks=objects([0.5], [0, 3]))), "whole"),
    "no ranks": (network(population(), projection(pre_ranks=None)), "pre_ranks"),
    "huge rank": (network(projection(pre_ranks=objects([2**40], [0, 3]))), "population of"),
    "delays": (network(population(), projection(delays=[[1.0], [2.0]])), "row 1"),
    "delay in steps": (network(population(), projection(delays=3)), "time_step="),
    "delay NaN": (network(population(), projection(delays=float("nan"))), "no times"),
    "delay text": (network(population(), projection(delays="long")), "delays"),
    "dendrites": (network(population(), projection() | {"dendrites": []}), "before 4.5.3"),
    "old": (network(population(), projection() | {"number_of_synapses": 3}), "before 4.5.3"),
    "older": (network(population(), without(projection(), "attributes")), "before 4.5"),
    "oldest": (network(without(population(), "attributes")), "before 4.2"),
    "name": (network(population("a/b")), "must not contain"),
    "stranger": (network(population(), {"name": "x", "pre_ranks": 3} | {"attributes": []}), "x"),
    "a dict": ({"a": 1}, "no file of ANNarchy"),
    "a dict of dicts": (network({"name": "what"}), "neither a population nor"),
    "steps": (network(population(), time_step=1.5), "no number of steps"),
    "steps in words": (network(population(), time_step="one"), "no number"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("suffix", [".data", ".npz"])
def test_what_annarchy_would_swallow_is_refused(name: str, suffix: str, tmp_path: Path) -> None:
    item, reason = REFUSED[name]
    path = save(item, tmp_path / f"a{suffix}")
    with pytest.raises(FormatError, match=reason) as caught:
        read(path)
    assert caught.value.path == str(path)


def test_a_list_is_no_network(tmp_path: Path) -> None:
    path = tmp_path / "a.data"
    path.write_bytes(b"\x80\x04].")
    with pytest.raises(FormatError, match="holds no dict"):
        read(path)


def test_what_came_already_lost_is_said(tmp_path: Path) -> None:
    item = population() | {"attributes": ["tau", "v", "gone"]}
    with pytest.warns(ArchiveWarning, match="'gone' is listed and not in the file"):
        read(save(network(item), tmp_path / "a.data"))
    twice = network(population()) | {"obj_names": {"populations": ["exc", "exc"]}}
    with pytest.warns(ArchiveWarning, match="2 populations have this name"):
        read(save(twice, tmp_path / "a.data"))
    both = network(projection("exc")) | {"obj_names": {"populations": ["exc"], "projections": []}}
    with pytest.warns(ArchiveWarning, match="the population was not saved"):
        read(save(both, tmp_path / "a.data"))
    gone = network() | {"obj_names": {"populations": ["exc"], "projections": []}}
    with pytest.warns(ArchiveWarning, match="does not have it"):
        read(save(gone, tmp_path / "a.data"))
    with pytest.warns(ArchiveWarning, match="'mine' is no population"):
        read(save(network(population(), mine=3), tmp_path / "a.data"))


def test_what_is_not_among_the_attributes_is_kept(tmp_path: Path) -> None:
    item = population() | {"extra": [1, 2]}
    part = named(read(save(network(item), tmp_path / "a.data")), "exc")
    assert isinstance(part.model, schemas.Population)
    assert part.model.native["unlisted"] == {"extra": [1, 2]}


# Finding the reader


def test_the_reader_is_found_by_what_is_in_the_file(tmp_path: Path) -> None:
    for path in FILES:
        assert reader_for(path).name == "annarchy", path
    other = save(network(population(), projection()), tmp_path / "without-suffix")
    assert reader_for(other).name == "annarchy"
    for content in (b"", b"hello", b"PK\x03\x04", b"\x1f\x8b", b"MATLAB"):
        other.write_bytes(content)
        with pytest.raises(FormatError, match="no format is known"):
            reader_for(other)
    other.write_bytes(b"\x80\x04].")
    assert reader_for(other).name == "pickle"


# Damage

BROKEN = [path for path in FILES if path.parent.name == "v5.0.4.1"]


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.name)
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damage_is_an_error_of_ours(path: Path, data: st.DataObject, tmp_path: Path) -> None:
    """Hundreds of mutations over all files: nothing else is raised, and soon."""
    whole = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(whole) - 1))
        if data.draw(st.booleans()):
            whole[at] = data.draw(st.integers(0, 255))
        else:
            del whole[at : at + data.draw(st.integers(1, 8))]
    broken = tmp_path / path.name
    broken.write_bytes(whole)
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ArchiveWarning)
        try:
            Annarchy().recognises(broken)
            found: Entry = read(broken, time_step=1.0)
            assert isinstance(found.model, schemas.Snapshot)
        except ArchiveError:
            pass
    assert time.process_time() - start < 2
