"""SONATA files: what we write is read by libsonata, and what other writers lay out is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import schemas
from archive.adapters import sonata_network
from archive.adapters.sonata import Sonata
from archive.connections import compressed, ends, native_order
from archive.entry import Entry, Loss
from archive.errors import AlreadyExists, FormatError
from tests.formats.sonata_examples import allen_network


@dataclass
class Holding:
    """A source of one snapshot."""

    parts: tuple[Entry, ...]

    def entry(self) -> Entry:
        return Entry(schemas.Snapshot(time=0.0), parts=self.parts)


def network(rows: list[tuple[int, int, float, float]]) -> tuple[Entry, ...]:
    """Two populations of 4 and 3, and the connections between them."""
    table = np.array(rows, float).reshape(-1, 4)
    pre, post = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
    made = compressed(pre, post, 4, 3, "exc→inh")
    exc = schemas.Population(
        name="exc",
        size=4,
        model="IF_cond_exp",
        parameters={"tau_m": schemas.Quantity(15.0, "ms"), "rule": "text"},
        state_units={"v": "mV"},
    )
    inh = schemas.Population(name="inh", size=3, position_unit="mm")
    projection = schemas.Projection(
        name="exc→inh",
        pre="exc",
        post="inh",
        pre_size=4,
        post_size=3,
        size=len(rows),
        rows=made.rows,
        weight_unit="uS",
        delay_unit="s",
        synapse="STDPMechanism",
        parameters={"U": 0.5},
        state_units={"trace": "mV"},
    )
    arrays = {
        **made.arrays(),
        "weights": made.arranged(table[:, 2]),
        "delays": made.arranged(table[:, 3] * 1e-3),
        "state:trace": made.arranged(np.arange(len(rows), dtype=float)),
    }
    return (
        Entry(exc, {"positions": np.arange(12.0).reshape(4, 3), "state:v": -np.arange(4.0)}),
        Entry(inh, {"positions": np.array([[0.1, 0.0], [0.2, 0.0], [0.3, 0.5]])}),
        Entry(projection, arrays),
    )


ROWS = [(0, 1, 0.5, 1.5), (3, 0, 0.25, 0.7), (0, 1, 0.75, 2.0), (2, 2, 0.1, 0.1), (0, 0, 0.2, 0.3)]


def written(folder: Path, rows: list[tuple[int, int, float, float]]) -> tuple[Path, list[str]]:
    path = folder / "network.h5"
    losses = Sonata().write(Holding(network(rows)), path, overwrite=True)
    return path, [f"{loss.entry}: {loss.field}" for loss in losses]


def read(path: Path, **options: Any) -> dict[str, Any]:
    (snapshot,) = Sonata().read(path, **options)
    return {getattr(part.model, "name", ""): part for part in snapshot.parts}


def test_what_comes_back(tmp_path: Path) -> None:
    path, losses = written(tmp_path, ROWS)
    assert losses == [
        "exc: parameters.rule",
        *("inh: position_unit", "inh: positions"),
        *("exc→inh: synapse", "exc→inh: delay_unit", "exc→inh: delays"),
    ]
    found = read(path)
    exc, inh, made = found["exc"], found["inh"], found["exc→inh"]
    assert (exc.model.size, exc.model.model) == (4, "IF_cond_exp")
    assert exc.model.parameters == {"tau_m": schemas.Quantity(15.0, "ms")}
    assert exc.arrays["state:v"].tolist() == [0.0, -1.0, -2.0, -3.0]
    assert exc.model.state_units == {"v": "mV"}
    assert exc.arrays["positions"].tolist() == np.arange(12.0).reshape(4, 3).tolist()
    np.testing.assert_allclose(inh.arrays["positions"], [[100, 0], [200, 0], [300, 500]])
    assert (made.model.pre, made.model.post, made.model.weight_unit) == ("exc", "inh", "uS")
    assert made.model.parameters == {"U": 0.5}
    check_rows(made, ROWS)
    assert native_order(made.arrays, made.arrays["state:trace"]).tolist() == [0, 1, 2, 3, 4]


def check_rows(made: Entry, rows: list[tuple[int, int, float, float]]) -> None:
    assert isinstance(made.model, schemas.Projection)
    table = np.array(rows, float).reshape(-1, 4)
    pre, post = ends(made.model, made.arrays)
    np.testing.assert_array_equal(pre, table[:, 0])
    np.testing.assert_array_equal(post, table[:, 1])
    weights = native_order(made.arrays, made.arrays["weights"])
    np.testing.assert_array_equal(weights, table[:, 2])
    delays = native_order(made.arrays, made.arrays["delays"])
    np.testing.assert_allclose(delays, table[:, 3], atol=1e-300)  # in s and back


ANY_ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 2), st.floats(-1e9, 1e9), st.floats(0.0, 1e3)),
    max_size=12,
)


@given(rows=ANY_ROWS)
@settings(max_examples=20)
def test_rows_come_back_in_their_order_and_libsonata_finds_them(
    tmp_path_factory: pytest.TempPathFactory,
    require: Callable[[str], ModuleType],
    rows: list[tuple[int, int, float, float]],
) -> None:
    libsonata = require("libsonata")
    path, _ = written(tmp_path_factory.mktemp("rows"), rows)
    check_rows(read(path)["exc→inh"], rows)
    edges = libsonata.EdgeStorage(str(path)).open_population("exc→inh")
    assert edges.size == len(rows)
    for node in range(3):
        found = edges.afferent_edges([node]).flatten().tolist()
        assert found == [n for n, row in enumerate(rows) if row[1] == node]
    for node in range(4):
        found = edges.efferent_edges([node]).flatten().tolist()
        assert found == [n for n, row in enumerate(rows) if row[0] == node]


def test_libsonata_reads_what_we_write(
    tmp_path: Path, require: Callable[[str], ModuleType]
) -> None:
    libsonata = require("libsonata")
    path, _ = written(tmp_path, ROWS)
    nodes = libsonata.NodeStorage(str(path))
    assert nodes.population_names == {"exc", "inh"}
    exc = nodes.open_population("exc")
    assert exc.size == 4
    assert exc.get_attribute("x", exc.select_all()).tolist() == [0.0, 3.0, 6.0, 9.0]
    names = exc.get_attribute("model_template", exc.select_all())
    assert list(names) == ["IF_cond_exp"] * 4
    assert exc.dynamics_attribute_names == {"tau_m", "v"}
    every = exc.get_dynamics_attribute("v", exc.select_all())
    assert every.tolist() == [0.0, -1.0, -2.0, -3.0]
    edges = libsonata.EdgeStorage(str(path)).open_population("exc→inh")
    assert (edges.source, edges.target) == ("exc", "inh")
    every = edges.select_all()
    assert edges.source_nodes(every).tolist() == [row[0] for row in ROWS]
    assert edges.target_nodes(every).tolist() == [row[1] for row in ROWS]
    assert edges.get_attribute("syn_weight", every).tolist() == [row[2] for row in ROWS]
    np.testing.assert_allclose(edges.get_attribute("delay", every), [row[3] for row in ROWS])


def test_a_file_of_anallen_network(tmp_path: Path) -> None:
    path = tmp_path / "theirs.h5"
    allen_network(path)
    assert Sonata().recognises(path)
    found = read(path)
    assert found["v1"].arrays["state:tuning_angle"].tolist() == [30.0, 10.0, 20.0]
    assert found["v1"].model.parameters == {"ei": "e"}
    made = found["v1_to_v1"]
    assert (made.model.pre_size, made.model.post_size, made.model.weight_unit) == (3, 3, None)
    pre, post = ends(made.model, made.arrays)
    assert (pre.tolist(), post.tolist()) == ([2, 0], [1, 1])
    assert native_order(made.arrays, made.arrays["weights"]).tolist() == [0.25, 0.5]
    assert native_order(made.arrays, made.arrays["state:nsyns"]).tolist() == [7, 3]
    assert "delays" not in made.arrays


def test_what_is_no_file_of_sonata(tmp_path: Path) -> None:
    path = tmp_path / "bad.h5"
    path.write_text("text")
    assert not Sonata().recognises(path)
    with pytest.raises(FormatError, match="cannot be read as HDF5"):
        read(path)
    with h5py.File(path, "w"):
        pass
    with pytest.raises(FormatError, match="neither nodes nor edges"):
        read(path)
    allen_network(path)
    with h5py.File(path, "a") as file:
        file["nodes/v1/node_group_id"][1] = 1
    with pytest.raises(FormatError, match="in several groups"):
        read(path)
    allen_network(path)
    with h5py.File(path, "a") as file:
        del file["edges/v1_to_v1/0/nsyns"]
        file["edges/v1_to_v1/0/nsyns"] = h5py.ExternalLink("/etc/passwd", "/x")
    with pytest.raises(FormatError, match="is a link to elsewhere"):
        read(path)
    allen_network(path)
    with h5py.File(path, "a") as file:
        del file["nodes/v1/node_type_id"]
        file["nodes/v1"].create_dataset("node_type_id", (10**12,), "i8", chunks=(1000,))
    with pytest.raises(FormatError, match="claims more than the file can hold"):
        read(path)
    for name, value, complaint in (
        ("source_node_id", 2**40, "there is no node 1099511627776"),
        ("source_node_id", 2**64 - 1, "has nodes that are none"),
        ("edge_group_index", -1, "edge_group_index is not that of 2"),
        ("edge_group_index", 9, "is too short"),
    ):
        allen_network(path)
        with h5py.File(path, "a") as file:
            file[f"edges/v1_to_v1/{name}"][1] = value
        with pytest.raises(FormatError, match=complaint):
            read(path)
    for told in ("parsec", np.bytes_("parsec")):
        allen_network(path)
        with h5py.File(path, "a") as file:
            file["nodes/v1/0/tuning_angle"].attrs["units"] = told
        with pytest.raises(FormatError, match="parsec"):
            read(path)
    allen_network(path)
    with h5py.File(path, "a") as file:
        del file["edges/v1_to_v1/source_node_id"]
        file["edges/v1_to_v1/source_node_id"] = [0.5, np.nan]
    with pytest.raises(FormatError, match="has nodes that are none"):
        read(path)


@pytest.mark.parametrize("place", [2, -1, 2**31])
def test_a_model_that_is_not_in_the_library(place: int, tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    allen_network(path)
    with h5py.File(path, "a") as file:
        file["nodes/v1/0/model_template"] = [place] * 3
        file["nodes/v1/0/@library/model_template"] = ["a", "b"]
    with pytest.raises(FormatError, match="has no model_template") as caught:
        read(path)
    assert caught.value.path == str(path)


def test_what_of_a_network_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    allen_network(path)
    with h5py.File(path, "a") as file:
        inside = file["nodes/v1/0"]
        inside["model_template"] = [0, 1, 0]
        inside["@library/model_template"] = ["a", "b"]
        inside["layer"] = np.array(["L1", "L2", "L1"], h5py.string_dtype())
        file["edges/v1_to_v1/0/phase"] = np.array([1j, 2j])
    losses: list[Loss] = []
    read(path, losses=losses)
    assert {(loss.entry, loss.field) for loss in losses} == {
        ("v1", "node_type_id"), ("v1", "model_template"), ("v1", "layer"),
        ("v1_to_v1", "edge_type_id"), ("v1_to_v1", "phase"),
    }  # fmt: skip


def test_few_edges_ask_for_no_vast_populations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One does, as of a file without nodes; several do not."""
    monkeypatch.setattr(sonata_network, "NODE_LIMIT", 1000)
    path = tmp_path / "a.h5"
    for count in (1, 2):
        with h5py.File(path, "w") as file:
            for number in range(count):
                for side in ("source", "target"):
                    file[f"edges/{number}/{side}_node_id"] = [999]
        if count == 1:
            assert read(path)["0"].model.pre_size == 1000
        else:
            with pytest.raises(FormatError, match="there is no node 999"):
                read(path)


def test_what_to_write_must_be_clear(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with pytest.raises(FormatError, match="no population and no projection"):
        Sonata().write(Holding(()), path)
    twice = network(ROWS)[:1] * 2
    with pytest.raises(FormatError, match="several have one name"):
        Sonata().write(Holding(twice), path)
    assert not path.exists()
    Sonata().write(Holding(network(ROWS)), path)
    with pytest.raises(AlreadyExists):
        Sonata().write(Holding(network(ROWS)), path)
