"""Arrays that are larger than memory: written piece by piece, while their digest is computed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from archive.entry import ArrayLike
from archive.storage import Growing, Transaction

# So many bytes at a time: what was decoded is digested and written while the processor has it.
_PIECE: Final = 1 << 20


class Poured:
    """An array of one axis that goes into a dataset as its pieces are asked for, once."""

    def __init__(
        self,
        transaction: Transaction,
        data: Growing,
        values: ArrayLike,
    ) -> None:
        """The values get the type of the dataset."""
        self._transaction = transaction
        self._data = data
        self._values = values
        self.start = len(data)
        self.shape = values.shape
        self.dtype = data.dtype
        self.lowest: Any = None
        self.highest: Any = None

    def __len__(self) -> int:
        return self.shape[0]

    def pieces(self) -> Iterator[npt.NDArray[Any]]:
        """All values in order, each piece once it is written. Whole chunks, but for the ends, so
        that none is written twice."""
        rows = self._data.chunks[0]
        step = max(1, _PIECE // (rows * self.dtype.itemsize)) * rows
        first = 0
        while first < len(self):
            last = min(len(self), first + step - (self.start + first) % rows)
            piece = np.ascontiguousarray(self._values[first:last], self.dtype)
            if piece.shape != (last - first,):
                raise ValueError(f"{last - first} values were asked for, and {piece.shape} came")
            self._transaction.append(self._data, piece)
            self._note(piece)
            yield piece
            first = last

    def _note(self, piece: npt.NDArray[Any]) -> None:
        low, high = piece.min(), piece.max()
        self.lowest = low if self.lowest is None else min(self.lowest, low)
        self.highest = high if self.highest is None else max(self.highest, high)

    def min(self) -> Any:
        """The least value, once all pieces have been asked for."""
        return self.lowest

    def max(self) -> Any:
        """The greatest value, once all pieces have been asked for."""
        return self.highest
