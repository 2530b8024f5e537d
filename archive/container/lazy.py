"""Arrays that lie on disk and are read when they are sliced."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.container.heaps import TextHeap
from archive.errors import CorruptArchive
from archive.storage import Growing


class Stretch:
    """Some rows of a growing dataset; slicing reads no more than is asked for."""

    def __init__(self, data: Growing, start: int, count: int) -> None:
        """CorruptArchive if there are no such rows."""
        data.require(start, count)
        self._data = data
        self._start = start
        self.shape = (count, *data.row_shape)
        self.dtype: np.dtype[Any] = data.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False:
            raise ValueError("an array on disk cannot be had without copying it")
        values = self._data.read(self._start, self._start + len(self))
        return values if dtype is None else values.astype(dtype, copy=False)

    def damaged(self, what: str) -> CorruptArchive:
        """The error that says so of these rows."""
        return self._data.damaged(what)

    def __getitem__(self, key: Any) -> Any:
        keys = key if isinstance(key, tuple) else (key,)
        simple = len(keys) <= len(self.shape) and all(
            (isinstance(k, slice) and (k.step is None or k.step > 0)) or _is_index(k) for k in keys
        )
        if not simple:
            return np.asarray(self)[key]
        start, count, step, squeeze = [], [], [], []
        for axis, size in enumerate(self.shape):
            k = keys[axis] if axis < len(keys) else slice(None)
            if isinstance(k, slice):
                low, high, stride = k.indices(size)
                start.append(low)
                count.append(max(0, -(-(high - low) // stride)))
                step.append(stride)
            else:
                at = operator.index(k)
                if not -size <= at < size:
                    raise IndexError(f"index {at} is out of bounds for axis {axis} of size {size}")
                start.append(at % size)
                count.append(1)
                step.append(1)
                squeeze.append(axis)
        start[0] += self._start
        box = self._data.read_part(tuple(start), tuple(count), tuple(step))
        values = box.squeeze(tuple(squeeze)) if squeeze else box
        return values[()] if values.ndim == 0 else values


class Neurons:
    """The train of each spike, from the list of active trains and where each one's spikes end."""

    dtype = np.dtype(np.int64)

    def __init__(self, neurons: Stretch, ends: Stretch, count: int, size: int) -> None:
        """The trains of `count` spikes, of `size` trains."""
        self._neurons = neurons
        self._ends = ends
        self._size = size
        self.shape = (count,)

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False:
            raise ValueError("an array on disk cannot be had without copying it")
        # the few before they become many: what is asked for is all that is made
        active = self.active()
        return np.repeat(active if dtype is None else active.astype(dtype), self.counts())

    def __getitem__(self, key: Any) -> Any:
        return np.asarray(self)[key]

    def active(self) -> npt.NDArray[np.int64]:
        """The trains that have spikes, in order. CorruptArchive if there are no such trains."""
        active = np.asarray(self._neurons).astype(np.int64)
        if len(active) and not (active.min() >= 0 and active.max() < self._size):
            what = (
                f"a spike belongs to train {active.min()} or {active.max()} of {self._size} trains"
            )
            raise self._neurons.damaged(what)
        return active

    def counts(self) -> npt.NDArray[np.int64]:
        """How many spikes each of the active trains has. CorruptArchive if they are not all."""
        ends = np.asarray(self._ends)
        last = ends[-1] if len(ends) else 0
        if last != len(self) or (ends[:1] <= 0).any() or (ends[1:] <= ends[:-1]).any():
            raise self._ends.damaged("where the spikes of trains end is not what there is")
        return np.diff(ends, prepend=0)

    def bounds(self, neuron: int) -> tuple[int, int]:
        """First and last (exclusive) spike of one train."""
        active = np.asarray(self._neurons)
        at = int(np.searchsorted(active, neuron))
        if at == len(active) or active[at] != neuron:
            return 0, 0
        first = int(self._ends[at - 1]) if at else 0
        return first, int(self._ends[at])


class Labels:
    """Texts, by their codes."""

    dtype = np.dtype(object)

    def __init__(self, codes: Stretch, texts: TextHeap) -> None:
        self._codes = codes
        self._texts = texts
        self.shape = codes.shape

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False:
            raise ValueError("an array on disk cannot be had without copying it")
        unique, inverse = np.unique(np.asarray(self._codes), return_inverse=True)
        texts = np.array(self._texts.decode(unique) if len(unique) else [], dtype=object)
        values = texts[inverse]
        return values if dtype is None else values.astype(dtype)

    def __getitem__(self, key: Any) -> Any:
        return np.asarray(self)[key]


def _is_index(key: Any) -> bool:
    if isinstance(key, bool | np.bool_):
        return False
    try:
        operator.index(key)
    except TypeError:
        return False
    return True
