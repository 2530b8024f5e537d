"""SciPy's sparse matrices become projections, and projections matrices."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings, strategies as st

import schemas
from archive.adapters import reader_for
from archive.adapters.scipy_sparse import ScipySparse
from archive.adapters.unpickling import Limits
from archive.connections import compressed, ends, native_order
from archive.entry import Entry
from archive.errors import AlreadyExists, FormatError
from tests.formats.annarchy_examples import Held

LAYOUTS = ("csr", "csc", "coo", "bsr", "dia")
WEIGHTS = np.array([[0.0, 1.5, 0.0, 2.0], [0.0, 0.0, 0.0, 0.0], [3.0, 0.0, np.nan, -1.0]])


def read(path: Path, **options: Any) -> Entry:
    (snapshot,) = ScipySparse().read(path, **options)
    (part,) = snapshot.parts
    return part


def dense(part: Entry) -> np.ndarray[Any, Any]:
    """Of each pair of neurons the sum of the weights."""
    model = part.model
    assert isinstance(model, schemas.Projection)
    pre, post = ends(model, part.arrays)
    found = np.zeros((model.pre_size, model.post_size))
    np.add.at(found, (pre, post), native_order(part.arrays, part.arrays["weights"]))
    return found


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("made", [scipy.sparse.coo_matrix, scipy.sparse.coo_array])
@pytest.mark.parametrize("squeezed", [True, False])
def test_every_layout(layout: str, made: Any, squeezed: bool, tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    scipy.sparse.save_npz(path, made(WEIGHTS).asformat(layout), compressed=squeezed)
    assert reader_for(path).name == "scipy-sparse"
    part = read(path, projection="ff", pre="a", post="b", weight_unit="nS")
    model = part.model
    assert isinstance(model, schemas.Projection)
    assert (model.name, model.pre, model.post, model.weight_unit) == ("ff", "a", "b", "nS")
    assert (model.pre_size, model.post_size, model.size) == (3, 4, 5)
    np.testing.assert_array_equal(dense(part), WEIGHTS)


def test_blocks(tmp_path: Path) -> None:
    blocks = np.kron([[1.0, 0, 2], [0, 3, 0]], [[1, 0], [2, 3]]).astype(np.float64)
    matrix: Any = scipy.sparse.bsr_matrix(blocks)
    assert matrix.blocksize == (2, 2)
    scipy.sparse.save_npz(tmp_path / "w.npz", matrix)
    part = read(tmp_path / "w.npz")
    np.testing.assert_array_equal(dense(part), matrix.toarray())
    assert part.model.size == 9  # type: ignore[attr-defined]


def test_stored_zeros_and_doubles_are_connections(tmp_path: Path) -> None:
    places = np.array([0, 1, 1]), np.array([1, 0, 0])
    matrix = scipy.sparse.coo_matrix((np.array([0.0, 1.0, 2.0]), places), (2, 2))
    scipy.sparse.save_npz(tmp_path / "w.npz", matrix)
    assert read(tmp_path / "w.npz").model.size == 3  # type: ignore[attr-defined]


@pytest.mark.parametrize("dtype", ["f4", "i1", "u8", "i8", "?"])
def test_numbers_of_any_type(dtype: str, tmp_path: Path) -> None:
    matrix = scipy.sparse.csr_matrix(np.eye(3).astype(dtype))
    scipy.sparse.save_npz(tmp_path / "w.npz", matrix)
    weights = np.asarray(read(tmp_path / "w.npz").arrays["weights"])
    assert weights.dtype == (np.float32 if dtype == "f4" else np.float64)
    assert weights.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("values", [[1j], [2**60 + 1]])
def test_numbers_that_are_no_weights(values: list[Any], tmp_path: Path) -> None:
    scipy.sparse.save_npz(tmp_path / "w.npz", scipy.sparse.csr_matrix([values]))
    with pytest.raises(FormatError, match="data"):
        read(tmp_path / "w.npz")


@st.composite
def projections(draw: st.DrawFn) -> Entry:
    sizes = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    places = st.tuples(st.integers(0, sizes[0] - 1), st.integers(0, sizes[1] - 1))
    pairs = draw(st.lists(places, max_size=20))
    pre, post = (np.array([pair[i] for pair in pairs], int) for i in (0, 1))
    weights = np.array([draw(st.integers(-99, 99)) for _ in pairs], float)
    found = compressed(pre, post, *sizes, "p")
    model = schemas.Projection(
        name="p", pre="a", post="b", pre_size=sizes[0], post_size=sizes[1], size=len(pre),
        rows=found.rows, weight_unit="nS",
    )  # fmt: skip
    return Entry(model, {**found.arrays(), "weights": found.arranged(weights)})


def snapshot(*parts: Entry) -> Entry:
    return Entry(schemas.Snapshot(time=0.0), parts=parts)


@settings(max_examples=60)
@given(projections())
def test_scipy_reads_what_is_written(tmp_path_factory: pytest.TempPathFactory, part: Entry) -> None:
    path = tmp_path_factory.mktemp("sparse") / "w.npz"
    losses = ScipySparse().write(Held(snapshot(part)), path)
    assert "weight_unit" in {loss.field for loss in losses}
    matrix = scipy.sparse.load_npz(path)
    assert matrix.format == "csr"
    assert matrix.nnz == part.model.size  # type: ignore[attr-defined]
    np.testing.assert_array_equal(matrix.toarray(), dense(part))
    other = read(path, projection="p", pre="a", post="b")
    np.testing.assert_array_equal(dense(other), dense(part))


def test_losses_and_choices(tmp_path: Path) -> None:
    found = compressed(np.array([0, 0]), np.array([1, 1]), 2, 2, "p")
    arrays = {**found.arrays(), "delays": np.ones(1), "state:x": np.ones(2)}
    fields: dict[str, Any] = {"pre": "a", "post": "b", "pre_size": 2, "post_size": 2, "size": 2}
    part = Entry(schemas.Projection(name="p", **fields), arrays)
    other = Entry(schemas.Projection(name="q", **fields), {**arrays, "weights": np.array([0.5])})
    path, both = tmp_path / "w.npz", Held(snapshot(part, other))
    with pytest.raises(FormatError, match=r"(?s)one projection.*'p', 'q'"):
        ScipySparse().write(both, path)
    lost = {loss.field for loss in ScipySparse().write(both, path, projection="p")}
    assert lost == {"delays", "state:x", "weights", "columns", "name", "pre", "post"}
    assert scipy.sparse.load_npz(path).dtype == bool
    with pytest.raises(AlreadyExists):
        ScipySparse().write(both, path, projection="q")
    ScipySparse().write(both, path, projection="q", overwrite=True)
    assert scipy.sparse.load_npz(path).toarray().tolist() == [[0, 1.0], [0, 0]]
    with pytest.raises(FormatError, match="no projection 'r'"):
        ScipySparse().write(both, path, projection="r")


GOOD: dict[str, Any] = {
    "indices": np.array([1, 0]), "indptr": np.array([0, 1, 2]), "format": np.array(b"csr"),
    "shape": np.array([2, 2]), "data": np.array([1.0, 2.0]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"indices": np.array([1, 2])}, "no post neuron 2"),
        ({"indices": np.array([-1, 0])}, "neuron -1"),
        ({"indices": np.array([1.0, 0.5])}, "no whole numbers"),
        ({"indices": np.array([1])}, "1 indices for 2"),
        ({"indptr": np.array([0, 2, 1])}, "do not lead"),
        ({"indptr": np.array([0, 3, 2])}, "do not ascend"),
        ({"indptr": np.array([0, 2])}, "do not lead"),
        ({"shape": np.array([2**40, 2])}, "population of"),
        ({"shape": np.array([2, 2, 2])}, "two axes"),
        ({"shape": np.array([-2, 2])}, "two axes"),
        ({"format": np.array(b"lil")}, "'lil' is not read"),
        ({"format": np.array([1])}, "no sparse matrix"),
        ({"format": np.array(b"coo"), "row": np.array([0])}, "lacks it"),
        ({"format": np.array(b"bsr")}, "1 axes, not 3"),
        ({"format": np.array(b"dia"), "data": np.ones((1, 2)), "offsets": np.array([2**62])},
         "outside"),
        ({"data": np.array(["a", "b"])}, "dtype"),
    ],
)  # fmt: skip
def test_what_is_no_matrix(changed: dict[str, Any], reason: str, tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    np.savez(path, **{**GOOD, **changed})
    with pytest.raises(FormatError, match=reason) as caught:
        read(path)
    assert caught.value.path == str(path)


def test_pickles_and_bombs(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    np.savez(path, **{**GOOD, "data": np.array([Path("a"), 1], object)})
    with pytest.raises(FormatError, match="not among what is made"):
        read(path)
    np.savez_compressed(path, **{**GOOD, "data": np.zeros(1_000_000)})
    with pytest.raises(FormatError, match="unpacks to more"):
        read(path, limits=Limits(size=1_000_000))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("format.npy", b"")
    assert not ScipySparse().recognises(path)
