"""All writing goes through a Transaction: on success it becomes permanent, else it is undone.

What undoing needs is noted before each step: lengths of grown datasets, overwritten rows,
created objects. So a failed append leaves the content that was there before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from archive.storage import nix
from archive.storage.copying import copy_rows
from archive.storage.growing import Growing


class Transaction:
    """The only way to change an archive. Made by `Session.transaction`."""

    def __init__(self, block: h5py.Group, stamp: Mapping[str, str | int]) -> None:
        self._block = block
        self._stamp = stamp
        self._undo: list[Callable[[], None]] = []
        self._grown: set[int] = set()

    def append(self, target: Growing, values: npt.NDArray[Any]) -> int:
        """Add rows at the end; returns the index of the first."""
        start = len(target)
        if id(target) not in self._grown:
            self._grown.add(id(target))
            self._undo.append(lambda: target.resize(start))
        if len(values):
            target.resize(start + len(values))
            target.write(start, values)
        return start

    def copy(self, target: Growing, source: Growing, first: int, last: int) -> int:
        """Add rows of a dataset of the same type and row shape, in another archive; returns the
        index of the first. Raises CorruptArchive where it has no such rows."""
        source.require(first, last - first)
        start = len(target)
        self.extend(target, start + last - first)
        copy_rows(source, first, last, target, start)
        return start

    def extend(self, target: Growing, length: int) -> None:
        """Grow to a length; the new rows hold the dataset's fill value."""
        start = len(target)
        if length > start:
            if id(target) not in self._grown:
                self._grown.add(id(target))
                self._undo.append(lambda: target.resize(start))
            target.resize(length)

    def overwrite(
        self,
        target: Growing,
        row: int,
        values: npt.NDArray[Any],
        former: npt.NDArray[Any] | None = None,
    ) -> None:
        """Change rows that exist; `former` is what they hold, if that has been read already."""
        before = target.read(row, row + len(values)) if former is None else former
        self._undo.append(lambda: target.write(row, before))
        target.write(row, np.asarray(values, target.dtype))

    def data_array(self, name: str, type_: str, dtype: np.dtype[Any], **how: Any) -> Growing:
        """A new DataArray; see `nix.data_array`."""
        self._undo.append(lambda: self._drop("data_arrays", name))
        made = nix.data_array(self._block, name, type_, dtype, **how)
        nix.set_stamp(self._block["data_arrays"][name], self._stamp)
        return made

    def data_frame(self, name: str, type_: str, dtype: np.dtype[Any], **how: Any) -> Growing:
        """A new DataFrame; see `nix.data_frame`."""
        self._undo.append(lambda: self._drop("data_frames", name))
        made = nix.data_frame(self._block, name, type_, dtype, **how)
        nix.set_stamp(self._block["data_frames"][name], self._stamp)
        return made

    def multi_tag(self, name: str, type_: str, **how: Any) -> None:
        """A new MultiTag; see `nix.multi_tag`."""
        self._undo.append(lambda: self._drop("multi_tags", name))
        made = nix.multi_tag(self._block, name, type_, **how)
        nix.set_stamp(made, self._stamp)

    def section(self, name: str, type_: str, properties: dict[str, Any]) -> h5py.Group:
        """A new Section below the Block's own; see `nix.section`."""
        parent = self._block["metadata"]

        def drop() -> None:
            if name in parent.get("sections", ()):
                del parent["sections"][name]

        self._undo.append(drop)
        return nix.subsection(parent, name, type_, properties)

    def join(self, inner: Transaction) -> None:
        """Take over what undoing another transaction needs."""
        self._undo += inner._undo

    def roll_back(self) -> None:
        """Undo every step, the last first."""
        while self._undo:
            self._undo.pop()()

    def _drop(self, kind: str, name: str) -> None:
        if name in self._block[kind]:
            del self._block[kind][name]
