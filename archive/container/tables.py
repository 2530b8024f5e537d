"""The tables of an archive, opened only if their rows are what layout 1 says."""

from __future__ import annotations

import numpy as np

from archive.container import layout
from archive.storage import Growing, Session


def table_of(session: Session, name: str) -> Growing:
    """The rows of a table. CorruptArchive if it is missing or has other fields."""
    return of_type(session.dataset("data_frames", name), layout.TABLES[name])


def of_type(data: Growing, dtype: np.dtype[np.generic]) -> Growing:
    """The same dataset, if a row of it is one item of that dtype, else CorruptArchive."""
    if data.dtype != dtype or data.row_shape:
        raise data.damaged(f"its rows are {data.dtype} {data.row_shape}, not {dtype}"[:500])
    return data
