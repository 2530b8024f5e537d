"""The adapter of SciPy's sparse matrices, as ``scipy.sparse.save_npz`` writes them.

The members of such a file are those of ``scipy.sparse.save_npz``; SciPy itself is not needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

import schemas
from archive.adapters.bounded import member_names
from archive.adapters.left_out import left_out, located
from archive.adapters.models import checked_size, model_of
from archive.adapters.npy import Arrays, npz_arrays
from archive.adapters.replacing import replacing
from archive.adapters.snapshots import placed_snapshot
from archive.adapters.sparse_layouts import entries
from archive.adapters.unpickling import Limits
from archive.connections import compressed, ends, native_order
from archive.entry import Entry, Loss, Source
from archive.errors import ContractError, FormatError


class ScipySparse:
    """Reads matrices in the formats csr, csc, coo, bsr and dia, and writes csr: the weights of
    one projection, with a row for each sending and a column for each receiving neuron."""

    name: ClassVar[str] = "scipy-sparse"
    suffixes: ClassVar[tuple[str, ...]] = (".npz",)
    extra: ClassVar[str | None] = None

    def recognises(self, path: Path, /) -> bool:
        """Whether it is a zip file with the members of a sparse matrix; none of them is read."""
        try:
            return {"format.npy", "shape.npy", "data.npy"} <= set(member_names(path))
        except FormatError:
            return False

    def read(
        self,
        path: Path,
        /,
        *,
        projection: str = "projection",
        pre: str = "pre",
        post: str = "post",
        weight_unit: str | None = None,
        limits: Limits | None = None,
    ) -> Iterator[Entry]:
        """A snapshot at time 0 with one projection of this name, between populations of these.

        Every stored element is a connection, also a 0; of bsr and dia, where 0 fills what is not
        there, only those that are not 0. Two elements at one place are two connections. Raises
        FormatError, with the file, for what is no such matrix.
        """
        path = Path(path)
        arrays = npz_arrays(path, limits=limits)
        try:
            part = _projection(arrays, projection, pre, post, weight_unit)
        except (FormatError, ContractError) as error:
            raise FormatError(error.message, path=path, entry=error.entry, hint=error.hint) from (
                error.__cause__
            )
        model = model_of(schemas.Snapshot, "snapshot", time=0.0, projections=(projection,))
        return iter((Entry(model, parts=[part]),))

    def write(
        self,
        source: Source,
        path: Path,
        /,
        *,
        snapshot: str | None = None,
        projection: str | None = None,
        overwrite: bool = False,
    ) -> list[Loss]:
        """Write the weights of a projection, the only one if none is named, as a csr matrix.

        Delays, other variables, units and names are losses. Raises AlreadyExists if the file
        exists and `overwrite` is False, FormatError if there is no such projection.
        """
        path = Path(path)
        way, found = placed_snapshot(source, snapshot, path)
        part = _chosen(found, projection, path)
        model = part.model
        assert isinstance(model, schemas.Projection)
        losses = _losses(part)
        pre, post = ends(model, part.arrays)
        if "weights" in part.arrays:
            weights = native_order(part.arrays, part.arrays["weights"])
        else:
            weights = np.ones(1, bool)
            losses.append(Loss(model.name, "weights", "there are none; the file has true for each"))
        weights = np.broadcast_to(weights, pre.shape) if len(weights) == 1 else weights
        order = np.lexsort((post, pre))
        pre, post = pre[order], post[order]
        if np.any((pre[1:] == pre[:-1]) & (post[1:] == post[:-1])):
            reason = (
                "several connections between the same two neurons: SciPy adds up what lies at one"
                " place, as soon as it changes the format"
            )
            losses.append(Loss(model.name, "columns", reason))
        index = np.int32 if max(len(pre), model.pre_size, model.post_size) < 2**31 else np.int64
        pointers = np.zeros(model.pre_size + 1, index)
        np.cumsum(np.bincount(pre, minlength=model.pre_size), out=pointers[1:])
        with replacing(path, overwrite=overwrite) as staged, staged.open("xb") as file:
            np.savez_compressed(
                file,
                indices=post.astype(index),
                indptr=pointers,
                format=np.array(b"csr"),
                shape=np.array([model.pre_size, model.post_size]),
                data=weights[order],
            )
        return located(f"{way}/{model.name}".lstrip("/"), losses)


def _projection(arrays: Arrays, name: str, pre: str, post: str, weight_unit: str | None) -> Entry:
    layout, shape = _layout(arrays), _shape(arrays)
    for size, end in zip(shape, (pre, post), strict=True):
        checked_size(size, end)
    rows, columns, values = entries(layout, shape, arrays)
    if values.dtype.kind not in "biuf" or values.dtype.itemsize > 8:
        raise FormatError(f"weights of dtype {values.dtype} are not read", entry="data")
    weights = values if values.dtype.kind == "f" else values.astype(np.float64)
    if values.dtype.kind in "iu" and not np.array_equal(weights.astype(values.dtype), values):
        raise FormatError("whole numbers beyond 2**53 are no weights", entry="data")
    connections = compressed(rows, columns, *shape, name)
    model = model_of(
        schemas.Projection,
        name,
        name=name,
        pre=pre,
        post=post,
        pre_size=shape[0],
        post_size=shape[1],
        size=len(rows),
        rows=connections.rows,
        weight_unit=weight_unit,
    )
    return Entry(model, {**connections.arrays(), "weights": connections.arranged(weights)})


def _layout(arrays: Arrays) -> str:
    found: Any = arrays.get("format", np.empty(0)).reshape(-1).tolist()
    if len(found) != 1 or not isinstance(found[0], (str, bytes)):
        raise FormatError("this is no sparse matrix of SciPy", entry="format")
    return found[0] if isinstance(found[0], str) else found[0].decode("latin1")


def _shape(arrays: Arrays) -> tuple[int, int]:
    found = arrays.get("shape", np.empty(0))
    if found.dtype.kind not in "iu" or found.shape != (2,) or found.min() < 0:
        raise FormatError("it is no matrix of two axes", entry="shape")
    return int(found[0]), int(found[1])


def _chosen(snapshot: Entry, name: str | None, path: Path) -> Entry:
    all_of_them = [part for part in snapshot.parts if isinstance(part.model, schemas.Projection)]
    found = [
        part for part in all_of_them if name is None or getattr(part.model, "name", "") == name
    ]
    if len(found) == 1:
        return found[0]
    names = ", ".join(repr(getattr(part.model, "name", "")) for part in all_of_them[:10])
    raise FormatError(
        f"there is no projection {name!r}" if name else "a matrix is one projection",
        path=path,
        hint=f"name it, projection=...: there are {names or 'none'}",
    )


def _losses(part: Entry) -> list[Loss]:
    assert isinstance(part.model, schemas.Projection)
    carried = {
        "row_pointers", "columns", "order", "weights",
        "pre_size", "post_size", "size", "rows",
    }  # fmt: skip
    return left_out("", part, carried, "a sparse matrix has no place for it")
