"""The arrays of snapshots: each different one is stored once, whoever has it.

Arrays lie one behind the other in growing DataArrays, of which there are at most two for each
type of number. One that differs from an array before it in few values is stored as these values.
"""

from __future__ import annotations

from math import prod
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from archive.container import layout
from archive.container.digests import array_digest
from archive.container.documents import Documents
from archive.container.heaps import BYTE
from archive.container.lazy import Stretch
from archive.container.streams import NO_BYTES_ROWS, Streams
from archive.container.tables import table_of
from archive.errors import CorruptArchive
from archive.storage import Growing, Session, Transaction

NONE: Final = -1
# An array of so many bytes has chunks that storage writes past the log, and shares few of them.
_LARGE: Final = layout.CHUNK_FULL
# Shorter arrays are stored whole: their row in the table takes as much as they do.
_LEAST: Final = 1 << 10
# In so many places, of so many values each, it is looked at first whether all has changed.
_PLACES, _PLACE = 16, 256
# Of which so many may differ.
_CHANGED: Final = 0.5


class Pooled:
    """An array in the pool; it is read when it is sliced."""

    def __init__(self, pool: Pool, row: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._pool = pool
        self.row = row
        self.shape = shape
        self.dtype = dtype

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def digest(self) -> str:
        """What the array is known by: equal arrays have equal digests."""
        return self._pool.digest(self.row)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False:
            raise ValueError("an array on disk cannot be had without copying it")
        values = self._pool.read(self.row)
        return values if dtype is None else values.astype(dtype, copy=False)

    def __getitem__(self, key: Any) -> Any:
        whole = self._pool.stretch(self.row)
        return np.asarray(self)[key] if whole is None else whole[key]


class Pool:
    """The table of arrays, and what lies in it."""

    def __init__(self, session: Session, documents: Documents, streams: Streams) -> None:
        self._session = session
        self._names = documents.names
        self._streams = streams
        self._table = table_of(session, "arrays")
        self._rows = np.empty(0, layout.TABLES["arrays"])
        self._by_digest: dict[bytes, int] = {}
        self._pools: dict[int, Growing] = {}
        self._codes: dict[tuple[str, bool], int] | None = None
        # Of each run, the newest arrays by kind and name of their part, and their own name.
        self.latest: dict[int, dict[tuple[str, str, str], int]] = {}

    def __len__(self) -> int:
        return len(self._table)

    def rows(self) -> npt.NDArray[np.void]:
        """The whole table; read once, then only what was added since."""
        known = len(self._rows)
        if known < len(self._table):
            late = self._table.read(known)
            self._rows = np.concatenate([self._rows, late])
            for row, digest in enumerate(late["digest"].tolist(), known):
                self._by_digest.setdefault(digest, row)
        return self._rows

    def row(self, row: int) -> np.void:
        """One row. CorruptArchive if there is none."""
        rows = self.rows()
        if not 0 <= row < len(rows):
            raise self._table.damaged(f"there is no array {row} among {len(rows)}")
        found: np.void = rows[row]
        return found

    def stored_bytes(self, first: int) -> int:
        """How much all arrays from a row on take in the file."""
        rows, size = self.rows()[first:], 0
        for field in ("pool", "where_pool"):
            for code in set(rows[field].tolist()) - {NONE}:
                counts = rows["count"][rows[field] == code]
                size += int(counts.sum()) * self._pool(code).dtype.itemsize
        return size

    def find(self, digest: bytes) -> int | None:
        """The row of the array with a digest."""
        self.rows()
        return self._by_digest.get(digest)

    def digest(self, row: int) -> str:
        """What an array is known by."""
        return str(self.row(row)["digest"].decode("latin-1"))

    # -- in ----------------------------------------------------------------------------------

    def append(
        self, transaction: Transaction, values: npt.NDArray[Any], before: int | None = None
    ) -> int:
        """The row of an array of one or two axes, which is written unless an equal one is there;
        where few of its values differ from those of the array `before`, only these."""
        values = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
        digest = array_digest({"array": values})
        known = self.find(digest)
        if known is not None:
            return known
        changed = None if before is None else self._changed(values, before)
        flat = values.reshape(-1)
        if changed is None or before is None:
            return self.add(transaction, flat, values.shape, digest)
        return self.add(transaction, flat[changed], values.shape, digest, before, changed)

    def add(
        self,
        transaction: Transaction,
        values: npt.NDArray[Any],
        shape: tuple[int, ...],
        digest: bytes,
        base: int = NONE,
        where: npt.NDArray[Any] | None = None,
    ) -> int:
        """A new row: all values of an array, or those `where` it differs from `base`."""
        large = values.nbytes >= _LARGE
        pool, start = self._put(transaction, values, large)
        where_pool, at = (NONE, 0) if where is None else self._put(transaction, where, large)
        columns = shape[1] if len(shape) == 2 else NONE
        place = (pool, start, len(values), shape[0], columns, base, where_pool, at, digest)
        return transaction.append(self._table, np.array([place], layout.TABLES["arrays"]))

    def copy(self, transaction: Transaction, other: Pool, row: int, base: int) -> int:
        """The row of an array of another archive; `base` is the row here of its base."""
        found = other.row(row)
        digest = bytes(found["digest"])
        known = self.find(digest)
        if known is not None:
            return known
        values, where, shape = other.values(row), other.where(row), other.shape(row)
        if where is not None:
            whole = prod(shape) * values.itemsize
            if values.nbytes + where.nbytes > self._left(base, whole):  # its chain is longer here
                base, values, where = NONE, other.read(row).reshape(-1), None
        return self.add(transaction, values, shape, digest, base, where)

    def _put(
        self, transaction: Transaction, values: npt.NDArray[Any], large: bool
    ) -> tuple[int, int]:
        key = (values.dtype.str, large)
        if self._codes is None:
            self._codes = self._known_pools()
        if key not in self._codes:
            self._codes[key] = self._make(transaction, values.dtype, large)
        code = self._codes[key]
        return code, transaction.append(self._pool(code), values)

    def _known_pools(self) -> dict[tuple[str, bool], int]:
        """The pools that there are, by the type of their values and whether of large arrays."""
        rows = self.rows()
        codes = np.unique(np.concatenate([rows["pool"], rows["where_pool"]])).tolist()
        pools = {code: self._pool(code) for code in codes if code != NONE}
        return {
            (pool.dtype.str, pool.chunks[0] * pool.dtype.itemsize >= _LARGE): code
            for code, pool in pools.items()
        }

    def _make(self, transaction: Transaction, dtype: np.dtype[Any], large: bool) -> int:
        name = self._streams.free_name(
            "data_arrays", f"arrays.{dtype.name}" + (".large" if large else "")
        )
        size = _LARGE if large else layout.CHUNK_BYTES
        made = transaction.data_array(
            name,
            "archive.arrays",
            dtype,
            chunks=(max(1, -(-size // dtype.itemsize)),),
            metadata=self._session.section("tables"),
        )
        self._session.remember("data_arrays", name, made)
        return self._names.append(transaction, [name])[0]

    def _changed(self, values: npt.NDArray[Any], before: int) -> npt.NDArray[Any] | None:
        """Where an array differs from one before it; None if it should be stored whole."""
        left = self._left(before, values.nbytes)
        if values.nbytes < _LEAST or not left:
            return None
        if self.shape(before) != values.shape or self._dtype(before) != values.dtype:
            return None
        stretch = self.stretch(before)
        old = self.read(before) if stretch is None else stretch
        if self._looks_changed(values.reshape(-1), old):
            return None
        found = np.flatnonzero(_differs(np.asarray(old).reshape(-1), values.reshape(-1)))
        index = np.dtype("<i4") if values.size < 2**31 else np.dtype("<i8")
        size = len(found) * (index.itemsize + values.itemsize)
        return found.astype(index) if size <= left else None

    def _looks_changed(self, values: npt.NDArray[Any], old: Any) -> bool:
        if len(values) <= _PLACES * _PLACE:
            return False
        differ = 0
        old = old.reshape(-1) if isinstance(old, np.ndarray) else old
        for at in np.linspace(0, len(values) - _PLACE, _PLACES).astype(int).tolist():
            one, other = values[at : at + _PLACE], old[at : at + _PLACE]
            differ += int(np.count_nonzero(_differs(np.asarray(other), one)))
        return differ > _CHANGED * _PLACES * _PLACE

    def _left(self, row: int, size: int) -> float:
        """How many bytes a difference from an array may take: reading it is bounded."""
        left, steps = layout.DELTA_SHARE * size, 0
        while (base := self.base(row)) != NONE:
            found = self.row(row)
            index = self._pool(int(found["where_pool"])).dtype.itemsize
            left -= int(found["count"]) * (self._dtype(row).itemsize + index)
            row, steps = base, steps + 1
        return left if left > 0 and steps < layout.DELTA_STEPS else 0

    # -- out ---------------------------------------------------------------------------------

    def array(self, row: int) -> Pooled:
        """An array, still on disk."""
        return Pooled(self, row, self.shape(row), self._dtype(row))

    def known_array(self, row: int, digest: str) -> Pooled:
        """The same. CorruptArchive if it is not the one of that digest."""
        if self.digest(row) != digest:
            raise self._damaged(row, "it is not the array that a snapshot has")
        return self.array(row)

    def base(self, row: int) -> int:
        """The row of the array that it differs from; -1: it is whole. CorruptArchive unless that
        comes before it."""
        base = int(self.row(row)["base"])
        if not NONE <= base < row:
            raise self._damaged(row, "it does not lead back to a whole one")
        return base

    def shape(self, row: int) -> tuple[int, ...]:
        """The shape of an array. CorruptArchive if it can have none."""
        found = self.row(row)
        length, columns = int(found["rows"]), int(found["columns"])
        if length < 0 or columns < NONE or (columns == 0 and length > NO_BYTES_ROWS):
            raise self._damaged(row, f"it cannot have the shape {length}, {columns}")
        return (length,) if columns == NONE else (length, columns)

    def _dtype(self, row: int) -> np.dtype[Any]:
        return self._pool(int(self.row(row)["pool"])).dtype

    def stretch(self, row: int) -> Stretch | None:
        """An array of one axis that lies in the file as it is; None for any other."""
        found, shape = self.row(row), self.shape(row)
        if found["base"] != NONE or len(shape) != 1:
            return None
        self._require(row, shape)
        return Stretch(self._pool(int(found["pool"])), int(found["start"]), int(found["count"]))

    def read(self, row: int) -> npt.NDArray[Any]:
        """The whole array. CorruptArchive if its pieces do not make one."""
        shape = self.shape(row)
        row, changes = self._lead_back(row)
        self._require(row, shape)
        values = self.values(row).reshape(shape)
        flat = values.reshape(-1)
        for change in reversed(changes):
            where = self.where(change)
            if where is not None and len(where):
                if where.min() < 0 or where.max() >= len(flat):
                    raise self._damaged(change, "it differs where there is nothing")
                flat[where] = self.values(change)
        return values

    def _lead_back(self, row: int) -> tuple[int, list[int]]:
        """The whole array from which an array comes, and the rows that change it, the last
        first. CorruptArchive if there is none."""
        shape, dtype = self.shape(row), self._dtype(row)
        changes: list[int] = []
        while (base := self.base(row)) != NONE:
            if len(changes) >= layout.DELTA_STEPS:
                raise self._damaged(row, "it does not lead back to a whole one")
            if (self.shape(base), self._dtype(base)) != (shape, dtype):
                raise self._damaged(row, "the array that it differs from is of another type")
            changes.append(row)
            row = base
        return row, changes

    def _require(self, row: int, shape: tuple[int, ...]) -> None:
        count = int(self.row(row)["count"])
        if count != prod(shape):
            raise self._damaged(row, f"it has {count} values, and not {prod(shape)}")

    def values(self, row: int) -> npt.NDArray[Any]:
        """The values that are stored of an array."""
        found = self.row(row)
        start = int(found["start"])
        return self._pool(int(found["pool"])).read(start, start + int(found["count"]))

    def where(self, row: int) -> npt.NDArray[Any] | None:
        """Where in its base they go; None for a whole array."""
        found = self.row(row)
        if found["base"] == NONE:
            return None
        at = int(found["where"])
        pool = self._pool(int(found["where_pool"]))
        if pool.dtype.kind != "i":
            raise self._damaged(row, "where it differs are no integers")
        return pool.read(at, at + int(found["count"]))

    def require_inside(self, row: int) -> None:
        """Raises CorruptArchive unless what is stored of an array lies inside its pools, and it
        leads back to a whole one."""
        found = self.row(row)
        count = int(found["count"])
        self._pool(int(found["pool"])).require(int(found["start"]), count)
        if self._lead_back(row)[0] == row:
            self._require(row, self.shape(row))
        else:
            self._pool(int(found["where_pool"])).require(int(found["where"]), count)

    def names(self) -> list[str]:
        """The names of the DataArrays in which arrays lie."""
        rows = self.rows()
        codes = np.unique(np.concatenate([rows["pool"], rows["where_pool"]]))
        return self._names.decode(codes[codes != NONE]) if len(codes) else []

    def _pool(self, code: int) -> Growing:
        found = self._pools.get(code)
        if found is None:
            (name,) = self._names.decode(np.array([code]))
            found = self._session.dataset("data_arrays", name)
            if found.row_shape or found.dtype.kind not in "biufc":
                raise found.damaged(f"its rows are {found.dtype} {found.row_shape}")
            self._pools[code] = found
        return found

    def _damaged(self, row: int, what: str) -> CorruptArchive:
        return self._table.damaged(f"array {row}: {what}")


def _differs(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Where two arrays have other bits: a NaN is equal to itself then, and 0 is not -0."""
    size = one.dtype.itemsize
    if size in (1, 2, 4, 8):
        found: npt.NDArray[np.bool_] = one.view(f"u{size}") != other.view(f"u{size}")
        return found
    bits = [values.view(BYTE).reshape(len(values), size) for values in (one, other)]
    differs: npt.NDArray[np.bool_] = (bits[0] != bits[1]).any(axis=1)
    return differs
