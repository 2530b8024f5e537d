"""Spikes in SONATA files, of all writers known, and ours as libsonata reads them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import schemas
from archive.adapters import reader_for, writer_for
from archive.adapters.sonata import Sonata
from archive.entry import Entry, Loss
from archive.errors import FormatError
from tests.formats import sonata_examples
from tests.formats.recordings import experiment, segment, signal, spikes
from tests.typed import of_kind


def read(path: Path, **options: Any) -> dict[str | None, Entry]:
    (found,) = reader_for(path).read(path, **options)
    assert isinstance(found.model, schemas.Segment)
    return {of_kind(schemas.Part, part).population: part for part in found.parts}


def trains(entry: Entry) -> dict[int, list[float]]:
    """Times by node."""
    channels = np.asarray(entry.arrays["channels"])
    times, neuron = (np.asarray(entry.arrays[name]) for name in ("times", "neuron"))
    return {int(node): times[neuron == n].tolist() for n, node in enumerate(channels)}


EXPECTED = {2: [0.2, 0.7], 3: [0.3, 1.3], 5: [0.1]}


def test_files_of_libsonata(tmp_path: Path) -> None:
    path = tmp_path / "spikes.h5"
    sonata_examples.libsonata_spikes(path)
    found = read(path)
    assert list(found) == ["All", "by id", "empty", "none"]
    for name, entry in found.items():
        model = entry.model
        assert isinstance(model, schemas.SpikeTrains)
        assert (model.variable, model.time_unit) == ("spikes", "ms")
        assert trains(entry) == ({} if name == "empty" else EXPECTED)
    assert of_kind(schemas.SpikeTrains, found["All"]).t_stop == 1.3


def test_files_of_the_allen_institute_and_of_the_first_version(tmp_path: Path) -> None:
    path, losses = tmp_path / "spikes.h5", list[Loss]()
    sonata_examples.allen_spikes(path)
    found = read(path, losses=losses)
    assert trains(found["v1"]) == EXPECTED
    assert losses == []
    sonata_examples.old_spikes(path)
    found = read(path, losses=losses)
    assert trains(found[None]) == EXPECTED
    assert [loss.field for loss in losses] == ["time_unit"]
    assert trains(read(path, population="lgn")["lgn"]) == EXPECTED
    sonata_examples.old_spikes(path, "seconds")
    model = read(path)[None].model
    assert isinstance(model, schemas.SpikeTrains)
    assert model.time_unit == "s"


def test_silent_neurons_are_those_of_the_nodes(tmp_path: Path) -> None:
    path = tmp_path / "spikes.h5"
    sonata_examples.allen_spikes(path)
    found = read(path, sizes={"v1": 7}, t_stop=10.0)["v1"]
    assert isinstance(found.model, schemas.SpikeTrains)
    assert (found.model.size, found.model.t_stop) == (7, 10.0)
    assert trains(found) == {n: EXPECTED.get(n, []) for n in range(7)}
    with pytest.raises(FormatError, match="has the node 5, and v1 5 nodes"):
        read(path, sizes={"v1": 5})
    with pytest.raises(FormatError, match="after t_stop"):
        read(path, t_stop=1.0)
    with h5py.File(path, "a") as file:
        file["nodes/v1/node_type_id"] = np.full(9, 100)
    snapshot, other = Sonata().read(path)
    assert snapshot.model.kind == "snapshot"
    (part,) = other.parts
    assert of_kind(schemas.SpikeTrains, part).size == 9


def test_arrays_stay_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "spikes.h5"
    sonata_examples.allen_spikes(path)
    found = read(path)["v1"]
    assert found.arrays["times"].shape == (5,)
    assert found.arrays["neuron"].dtype == np.dtype(np.int64)
    with h5py.File(path, "a") as file:
        file["spikes/v1/timestamps"][0] = 0.05
    assert np.asarray(found.arrays["times"])[4] == 0.05
    again = read(path)["v1"]
    path.unlink()
    with pytest.raises(FormatError, match="cannot be read as HDF5"):
        np.asarray(again.arrays["times"])


def test_what_is_no_file_of_spikes(tmp_path: Path) -> None:
    path = tmp_path / "spikes.h5"

    def damaged(name: str, values: Any) -> None:
        sonata_examples.allen_spikes(path)
        with h5py.File(path, "a") as file:
            del file[f"spikes/v1/{name}"]
            if values is not None:
                file[f"spikes/v1/{name}"] = values

    for name, values, complaint in (
        ("node_ids", [1, 2], "has 5 times and 2 nodes"),
        ("node_ids", None, "node_ids is missing"),
        ("node_ids", [0, 0, 0, 0, -1], "has nodes that are none"),
        ("node_ids", np.array([2**64 - 1] * 5, np.uint64), "has nodes that are none"),
        ("node_ids", [0.5] * 5, "float64 nodes"),
        ("timestamps", [0, 1, 2, 3, np.nan], "NaN or infinite"),
        ("timestamps", np.zeros((5, 1)), "has the shape"),
        ("timestamps", h5py.SoftLink("/spikes/v1/node_ids"), "is a link to elsewhere"),
    ):
        damaged(name, values)
        with pytest.raises(FormatError, match=complaint) as caught:
            read(path)
        assert caught.value.path == str(path)


def test_libsonata_reads_what_we_write(
    tmp_path: Path, require: Callable[[str], ModuleType]
) -> None:
    libsonata = require("libsonata")
    path = tmp_path / "spikes.h5"
    source = experiment(
        segment(
            spikes([0.5, 0.1, 2.0, 0.3], [1, 1, 0, 2], 4),
            spikes([1e-3, 2e-3], [0, 0], 1, population="inh", time_unit="s", t_stop=1.0),
        )
    )
    losses = writer_for(path, "sonata:spikes").write(source, path)
    told = {(loss.entry, loss.field) for loss in losses}
    assert told >= {
        ("run/segment 1/exc/spikes", "size"), ("run/segment 1/exc/spikes", "t_stop"),
        ("run/segment 1/inh/spikes", "time_unit"),
    }  # fmt: skip
    reader = libsonata.SpikeReader(str(path))
    assert set(reader.get_population_names()) == {"exc", "inh"}
    exc = reader["exc"]
    assert (exc.sorting, exc.time_units) == ("by_id", "ms")
    assert exc.get() == [(0, 2.0), (1, 0.1), (1, 0.5), (2, 0.3)]
    assert exc.get(node_ids=[1]) == [(1, 0.1), (1, 0.5)]
    assert reader["inh"].get() == [(0, 1.0), (0, 2.0)]
    assert trains(read(path)["exc"]) == {0: [2.0], 1: [0.1, 0.5], 2: [0.3]}


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    path = tmp_path / "spikes.h5"
    part = spikes([0.5], [0], 1)
    source = experiment(segment(part, part, signal([1.0]), name="a"), segment(name="b"))
    with pytest.raises(FormatError, match="there are 2 segments"):
        writer_for(path, "sonata:spikes").write(source, path)
    with pytest.raises(FormatError, match="there are no spikes"):
        writer_for(path, "sonata:spikes").write(source, path, segment="b")
    assert not path.exists()
    losses = writer_for(path, "sonata:spikes").write(source, path, segment="a")
    told = [(loss.entry, loss.field) for loss in losses]
    assert ("run/b", "segment") in told
    assert ("run/a/v", "signal") in told
    assert ("run/a/exc/spikes", "spike-trains") in told
    with pytest.raises(FormatError, match="SONATA has no 'x'"):
        Sonata().variant("x")
    with pytest.raises(FormatError, match="neither segments nor variables"):
        Sonata().write(source, path, segment="a", overwrite=True)


@given(
    pairs=st.lists(st.tuples(st.integers(0, 3), st.floats(-10, 1e6)), max_size=12),
    channels=st.lists(st.integers(0, 2**40), min_size=4, max_size=4, unique=True),
)
@settings(max_examples=25)
def test_spikes_come_back_or_are_told_lost(
    tmp_path_factory: pytest.TempPathFactory,
    pairs: list[tuple[int, float]],
    channels: list[int],
) -> None:
    path = tmp_path_factory.mktemp("spikes") / "spikes.h5"
    made = spikes([time for _, time in pairs], [neuron for neuron, _ in pairs], 4, t_stop=1e6)
    one = Entry(made.model, {**made.arrays, "channels": np.array(channels)})
    losses = {loss.field for loss in Sonata("spikes").write(experiment(segment(one)), path)}
    back = read(path)["exc"]
    wanted = {node: times for node, times in trains(one).items() if times}
    assert trains(back) == wanted
    for field in {"size", "t_start", "t_stop"} - losses:
        assert getattr(back.model, field) == getattr(one.model, field)
    for name in {"times", "neuron", "channels"} - losses:
        np.testing.assert_array_equal(np.asarray(back.arrays[name]), np.asarray(one.arrays[name]))


def test_what_else_is_in_the_file_is_told(tmp_path: Path) -> None:
    path, losses = tmp_path / "spikes.h5", list[Loss]()
    sonata_examples.allen_spikes(path)
    with h5py.File(path, "a") as file:
        file["spikes/v1/amplitude"] = np.zeros(5)
        file.create_group("notes")
    read(path, losses=losses)
    assert [(loss.entry, loss.field) for loss in losses] == [
        ("v1", "amplitude"),
        ("notes", "group"),
    ]


def test_a_heap_from_which_hdf5_does_not_return_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "spikes.h5"
    sonata_examples.libsonata_spikes(path)
    content = path.read_bytes()
    at = content.index(b"GCOL") + 16
    path.write_bytes(content[:at] + bytes(4080) + content[at + 4080 :])
    assert Sonata().recognises(path)
    with pytest.raises(FormatError, match="a heap of texts has no end"):
        read(path)
