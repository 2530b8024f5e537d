"""PyNN's text files: read as they are, written as PyNN writes and reads them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import schemas
from archive.adapters import writers
from archive.adapters.pynn_table import read_table
from archive.adapters.pynn_text import PynnText
from archive.connections import compressed, ends, native_order
from archive.entry import Entry
from archive.errors import AlreadyExists, FormatError, NotFound

DATA = Path(__file__).parents[1] / "data" / "pynn"


@dataclass
class Holding:
    """A source of one snapshot."""

    parts: tuple[Entry, ...]

    def entry(self) -> Entry:
        names = [getattr(part.model, "name", "") for part in self.parts]
        return Entry(schemas.Snapshot(time=0.0, projections=tuple(names)), parts=self.parts)


def read(path: Path, **options: Any) -> Any:
    (snapshot,) = PynnText().read(path, **options)
    (entry,) = snapshot.parts
    return entry


def written(folder: Path, *entries: Entry, **options: Any) -> tuple[Path, list[str]]:
    path = folder / "written.txt"
    losses = PynnText().write(Holding(entries), path, overwrite=True, **options)
    return path, [loss.field for loss in losses]


def projection(rows: list[tuple[int, int, float, float]], size: int = 5, **fields: Any) -> Entry:
    table = np.array(rows, float).reshape(-1, 4)
    pre, post = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
    made = compressed(pre, post, size, size, "p")
    model = schemas.Projection(
        name="p",
        pre="a",
        post="b",
        pre_size=size,
        post_size=size,
        size=len(table),
        rows=made.rows,
        **{"weight_unit": "nA", **fields},
    )
    weights, delays = made.arranged(table[:, 2]), made.arranged(table[:, 3])
    return Entry(model, {**made.arrays(), "weights": weights, "delays": delays})


def test_the_sample_of_connections() -> None:
    found = read(DATA / "proj_connections.txt")
    assert found.model.size == 36
    assert (found.model.pre_size, found.model.post_size) == (10, 10)
    assert found.model.rows == "post"
    assert "order" not in found.arrays
    assert found.arrays["columns"][:4].tolist() == [5, 6, 7, 8]
    assert set(found.arrays["weights"]) == {0.05}
    assert set(found.arrays["delays"]) == {0.1}


def test_the_sample_is_written_again_byte_for_byte(tmp_path: Path) -> None:
    path, losses = written(tmp_path, read(DATA / "proj_connections.txt", weight_unit="uS"))
    assert path.read_bytes() == (DATA / "proj_connections.txt").read_bytes()
    assert losses == ["name", "pre", "post", "pre_size", "post_size", "weight_unit"]


def test_the_sample_of_weights_is_the_same_projection() -> None:
    listed, matrix = read(DATA / "proj_connections.txt"), read(DATA / "proj_weights.txt")
    for key in ("row_pointers", "weights"):
        np.testing.assert_array_equal(listed.arrays[key], matrix.arrays[key])
    pointers = matrix.arrays["row_pointers"]
    for first, last in pairwise(pointers):
        ours, theirs = (one.arrays["columns"][first:last] for one in (listed, matrix))
        assert set(ours) == set(theirs)


def test_the_sample_of_positions(tmp_path: Path) -> None:
    found = read(DATA / "positions.txt")
    assert found.model.name == "AdExp neurons"
    assert found.arrays["positions"].tolist() == [[float(i), 0.0, 0.0] for i in range(10)]
    path, losses = written(tmp_path, found, population="AdExp neurons")
    assert path.read_bytes() == (DATA / "positions.txt").read_bytes()
    assert losses == []


ROWS = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.integers(0, 4),
        st.floats(allow_nan=False, allow_infinity=False),
        st.floats(0.0, 1e6),
    ),
    max_size=12,
)


@given(rows=ROWS)
@settings(max_examples=60)
def test_rows_come_back_in_their_order(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, int, float, float]]
) -> None:
    path, _ = written(tmp_path_factory.mktemp("rows"), projection(rows))
    again = read(path, pre="a", post="b", pre_size=5, post_size=5)
    table = np.array(rows, float).reshape(-1, 4)
    assert read_table(path).rows.tolist() == table.tolist()
    pre, post = ends(again.model, again.arrays)
    np.testing.assert_array_equal(pre, table[:, 0])
    np.testing.assert_array_equal(post, table[:, 1])
    for key, column in (("weights", 2), ("delays", 3)):
        got = native_order(again.arrays, again.arrays[key])
        np.testing.assert_array_equal(got, table[:, column])


def test_units_become_those_of_pynn(tmp_path: Path) -> None:
    entry = projection([(0, 1, 250.0, 0.002)], weight_unit="pS", delay_unit="s")
    path, losses = written(tmp_path, entry)
    np.testing.assert_allclose(read_table(path).rows, [[0, 1, 250e-6, 2.0]])
    assert "size" in losses  # PyNN cannot read a single connection
    for unit in ("mol", None):
        _, losses = written(tmp_path, projection([(0, 1, 1.0, 1.0)] * 2, weight_unit=unit))
        assert "weight_unit" in losses


def test_more_columns(tmp_path: Path) -> None:
    bare = projection([(0, 1, 1.0, 1.0), (2, 0, 2.0, 1.0)], parameters={"tau_rec": 100.0})
    entry = Entry(bare.model, {**bare.arrays, "state:U": np.array([0.25, 0.5])})
    path, losses = written(tmp_path, entry, columns=("U", "tau_rec"))
    assert read(path).arrays["state:U"].tolist() == [0.25, 0.5]
    assert read(path).arrays["state:tau_rec"].tolist() == [100.0, 100.0]
    assert "state:U" not in losses
    assert "parameters.tau_rec" not in losses
    _, losses = written(tmp_path, entry)
    assert {"state:U", "parameters.tau_rec"} < set(losses)
    with pytest.raises(FormatError, match="the projection has no p"):
        written(tmp_path, entry, columns=("p",))


def test_a_matrix(tmp_path: Path) -> None:
    entry = projection([(0, 1, 1.0, 1.0), (2, 0, 2.0, 1.0), (2, 0, 3.0, 1.0), (4, 4, 0.0, 1.0)])
    path, losses = written(tmp_path, entry, format="array")
    assert losses.count("weights") == 2
    found = read(path)
    assert found.model.size == 2
    assert (found.model.pre_size, found.model.post_size) == (5, 5)
    assert found.arrays["weights"].tolist() == [5.0, 1.0]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("# columns = ['i', __import__('os').system('x')]\n1 2\n", "a list of quoted names"),
        ("# columns = ['i', 'j'\n1 2\n", "a list of quoted names"),
        ("# columns = ['i', 'j', 'weight', 'delay']\n1 2 3\n1 2\n", "not a table of numbers"),
        ("1 2 x 4\n", "not a table of numbers"),
        ("1.5 2 3 4\n", "column i has what is no index"),
        ("-1 2 3 4\n", "column i has what is no index"),
        ("1 2 3 4 5\n", "5 columns may be anything"),
        ("# columns = ['weight', 'delay']\n1 2\n3 4\n", "do not begin with the indices"),
        ("1e12 2 3 4\n", "there would be 1000000000001 neurons"),
        ("nan 2 3 4\n", "column i has what is no index"),
        ("# population = x\nnan 1 2 3\n", "an index from 0 and three coordinates"),
        ("# population = x\n0 1 2 3\n2 1 2 3\n", "an index from 0 and three coordinates"),
    ],
)
def test_what_is_no_file_of_pynn(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "bad.txt"
    path.write_text(text)
    with pytest.raises(FormatError, match=complaint):
        read(path)


def test_headers_that_pynn_writes(tmp_path: Path) -> None:
    path = tmp_path / "some.txt"
    for header, rows in (
        ("# columns = ('i', \"j\", 'weight', 'delay')", "0 1 0.5 1\n1 0 0.5 1"),
        ("# about = this\n#\n# columns = [ 'i','j' , 'weight', 'delay', ]", "0 1 0.5 1\n1 0 0.5 1"),
        ("# columns = ['i', 'j', 'w', 'e', 'i', 'g', 'h', 't']", "0 1 0.5\n1 0 0.5"),
        ("# columns = weight", "0 0.5\n0.5 0"),
    ):
        path.write_text(f"{header}\n{rows}\n")
        assert read(path).arrays["weights"].tolist() == [0.5, 0.5], header
    path.write_text("# columns = ['i', 'j', 'weight', 'delay']\n")
    assert read(path).model.size == 0


def test_what_to_write_must_be_clear(tmp_path: Path) -> None:
    one = projection([(0, 1, 1.0, 1.0), (1, 0, 1.0, 1.0)])
    with pytest.raises(NotFound, match="there is no projection 'q'"):
        written(tmp_path, one, projection="q")
    with pytest.raises(FormatError, match="a file holds one projection, and there are 2"):
        written(tmp_path, one, one)
    with pytest.raises(NotFound, match="there is no population 'x'"):
        written(tmp_path, one, population="x")
    path, _ = written(tmp_path, one)
    with pytest.raises(AlreadyExists):
        PynnText().write(Holding((one,)), path)
    with pytest.raises(FormatError, match="there are 2 neurons, and a has 1"):
        read(path, pre="a", pre_size=1)


def test_it_is_known_by_its_name_and_its_headers(tmp_path: Path) -> None:
    assert isinstance(writers()["pynn-text"], PynnText)
    for name in ("proj_connections", "proj_weights", "positions"):
        assert PynnText().recognises(DATA / f"{name}.txt")
    assert not PynnText().recognises(DATA / "ex2.nix")
    assert not PynnText().recognises(tmp_path / "nothing.txt")


def test_a_file_is_a_snapshot() -> None:
    (snapshot,) = PynnText().read(DATA / "proj_connections.txt", time_step=0.1)
    assert isinstance(snapshot.model, schemas.Snapshot)
    assert snapshot.model.projections == ("proj_connections",)
    assert (snapshot.model.time, snapshot.model.time_step) == (0.0, 0.1)


@pytest.mark.simulator
def test_pynn_reads_and_writes_the_same(
    tmp_path: Path, require: Callable[[str], ModuleType]
) -> None:
    sim = require("pyNN.neuron")
    sim.setup(timestep=0.1)
    cells = sim.Population(5, sim.IF_curr_exp(), label="cells")
    rows = [(0, 1, 0.5, 1.0), (2, 0, 0.25, 0.7), (4, 3, 1 / 3, 0.2), (1, 1, 0.125, 0.3)]
    path, losses = written(tmp_path, projection(rows))
    assert losses == ["name", "pre", "post", "pre_size", "post_size", "weight_unit"]
    made = sim.Projection(cells, cells, sim.FromFileConnector(str(path)))
    found = made.get(["weight", "delay"], format="list")
    assert sorted(tuple(map(float, row)) for row in found) == sorted(rows)

    made.save("all", str(tmp_path / "theirs.txt"))
    ours = read(tmp_path / "theirs.txt", weight_unit="nA", pre_size=5, post_size=5)
    path, _ = written(tmp_path, ours)
    assert path.read_bytes() == (tmp_path / "theirs.txt").read_bytes()

    made.save("weight", str(tmp_path / "matrix.txt"), format="array")
    matrix = read(tmp_path / "matrix.txt")
    assert matrix.model.size == 4
    np.testing.assert_array_equal(matrix.arrays["weights"], ours.arrays["weights"])
    made.save("weight", str(tmp_path / "one.txt"))
    np.testing.assert_array_equal(
        read(tmp_path / "one.txt").arrays["weights"], ours.arrays["weights"]
    )
    cells.save_positions(str(tmp_path / "cells.txt"))
    np.testing.assert_array_equal(
        read(tmp_path / "cells.txt").arrays["positions"], cells.positions.T
    )
    sim.end()
