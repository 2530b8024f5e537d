"""The tables of an archive, opened only if their rows are what layout 1 says."""

from __future__ import annotations

import numpy as np

from archive.container import layout
from archive.storage import Growing, Session


def table_of(session: Session, name: str) -> Growing:
    """The rows of a table. CorruptArchive if it is missing or has other fields."""
    return of_type(session.dataset("data_frames", name), layout.TABLES[name])


def require_apart(session: Session, name: str) -> None:
    """Raises CorruptArchive if the documents of a table are together longer than all there are.

    Each row has a document of its own, and so has its newest change. A million rows that share one
    of a megabyte would take hours to read.
    """
    table = table_of(session, name)
    rows = table.read()
    lengths = [field for field in ("length", "change_length") if field in (rows.dtype.names or ())]
    total = sum(rows[field].sum(dtype=np.float64) for field in lengths)
    there = len(session.dataset("data_arrays", layout.RECORDS))
    if total > there:
        raise table.damaged(f"documents of {total:.0f} bytes share the {there} there are")


def of_type(data: Growing, dtype: np.dtype[np.generic]) -> Growing:
    """The same dataset, if a row of it is one item of that dtype, else CorruptArchive."""
    if data.dtype != dtype or data.row_shape:
        raise data.damaged(f"its rows are {data.dtype} {data.row_shape}, not {dtype}"[:500])
    return data
