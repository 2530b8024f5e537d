"""Connections of a snapshot in rows, one for each receiving neuron, as ANNarchy has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.connections import ends, native_order
from archive.entry import ArrayLike, Entry
from archive.values import from_schema


class Dendrites:
    """Connections by receiving neuron, in ascending order, those with none that ANNarchy keeps
    included."""

    def __init__(self, part: Entry) -> None:
        model = part.model
        assert isinstance(model, schemas.Projection)
        pre, post = ends(model, part.arrays)
        self.count = len(pre)
        self._order = np.argsort(post, kind="stable")
        kept = _ranks(model)
        self.post_ranks = np.unique(np.concatenate([post.astype(np.int64), kept]))
        places = np.searchsorted(self.post_ranks, post)
        self._lengths = np.bincount(places, minlength=len(self.post_ranks))
        self._cuts = np.cumsum(self._lengths)[:-1]
        self._pre = pre[self._order].astype(np.int64)

    @property
    def ragged(self) -> bool:
        """Whether the rows have different lengths."""
        return bool(len(self._lengths) and (self._lengths != self._lengths[0]).any())

    def rows(self, arrays: Mapping[str, ArrayLike], values: npt.NDArray[Any]) -> Any:
        """Values of the connections as ANNarchy has them: a list of lists, or an array of lists."""
        if len(values) == 1 != self.count:
            values = np.repeat(values, self.count)
        return self._split(native_order(arrays, values)[self._order])

    def ranks(self) -> npt.NDArray[Any]:
        """Ranks of the sending neurons, (neurons, connections) or an array of lists."""
        return np.asarray(self._split(self._pre))

    def tuples(self) -> npt.NDArray[Any]:
        """The same as an array of tuples."""
        lists = self._lists(self._pre)
        found = np.empty(len(lists), object)
        for i, row in enumerate(lists):
            found[i] = tuple(row)
        return found

    def semiglobal(self, model: schemas.Projection) -> dict[str, npt.NDArray[Any]]:
        """What the snapshot has for each receiving neuron, by the order of `post_ranks`; of
        another length where it does not fit."""
        held = from_schema(model.native.get("semiglobal", {}))
        place = np.argsort(_ranks(model), kind="stable")
        found = {}
        for name, values in held.items() if isinstance(held, dict) else ():
            given = np.atleast_1d(np.asarray(values))
            fits = len(given) == len(place) == len(self.post_ranks)
            found[name] = given[place] if fits and given.dtype.kind in "biuf" else given[:0]
        return found

    def _lists(self, values: npt.NDArray[Any]) -> list[list[Any]]:
        if not len(self.post_ranks):
            return []
        return [row.tolist() for row in np.split(values, self._cuts)]

    def _split(self, values: npt.NDArray[Any]) -> Any:
        lists = self._lists(values)
        return objects(lists) if self.ragged else lists


def _ranks(model: schemas.Projection) -> npt.NDArray[np.int64]:
    """The receiving neurons that ANNarchy kept a row for, if the snapshot is from there."""
    found = np.atleast_1d(np.asarray(from_schema(model.native.get("post_ranks", []))))
    sound = found.ndim == 1 and found.dtype.kind in "iu"
    if not sound or (len(found) and not 0 <= found.min() <= found.max() < model.post_size):
        return np.empty(0, np.int64)
    return found.astype(np.int64)


def objects(rows: Any) -> npt.NDArray[Any]:
    """An array of objects as NumPy makes it of lists: of two axes where they are equally long."""
    lists = rows.tolist() if isinstance(rows, np.ndarray) else rows
    if len({len(row) for row in lists}) <= 1:
        return np.array(lists, object)
    found = np.empty(len(lists), object)
    for i, row in enumerate(lists):
        found[i] = row
    return found
