"""Layout 1: the names, types and row formats of everything in the container.

`docs/reference/format/layout-1.md` says the same in words. A change of meaning is a layout 2.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import numpy.typing as npt

LAYOUT: Final = 1

Scope = Literal["run", "segment", "parameters", "snapshot"]
SCOPES: Final[tuple[Scope, ...]] = ("run", "segment", "parameters", "snapshot")

# Heaps: bytes in one growing uint8 DataArray each.
RECORDS: Final = "records"  # one document per run, segment, change, stream …, with a digest
BLOBS: Final = "blobs"  # arrays and bytes too long to stand in a document
TEXTS: Final = "texts"  # each text once, UTF-8, ended by NUL; its offset is its code
NAMES: Final = "names"  # the same for names, of which nearly every row has its own
HEAPS: Final = (RECORDS, BLOBS, TEXTS, NAMES)

# Where a document stands in RECORDS: its first byte and its length, the newline not counted.
_DOCUMENT = [("record", "<i8"), ("length", "<i8")]
# The newest change of a run or segment, in the same way; length 0: there is none.
_CHANGE = [("change", "<i8"), ("change_length", "<i8")]

TABLES: Final[dict[str, np.dtype[np.void]]] = {
    "experiment": np.dtype([*_DOCUMENT, *_CHANGE]),  # one row
    "runs": np.dtype(
        [
            *_DOCUMENT,
            *_CHANGE,
            ("started", "<i8"),  # microseconds since 1970, UTC
            ("ended", "<i8"),  # the same; 0: not ended
            ("outcome", "<i8"),  # index in OUTCOMES
            ("parameters", "<i8"),  # row in the table of parameter sets; -1: none
        ]
    ),
    "segments": np.dtype(
        [
            *_DOCUMENT,
            *_CHANGE,
            ("run", "<i8"),  # row in the table of runs
            ("recorded", "<i8"),  # microseconds since 1970, UTC; 0: not known
            ("stretch", "<i8"),  # its first row in the table of stretches
            ("stretches", "<i8"),  # how many follow one another there
            ("t_start", "<f8"),  # earliest and latest time of its parts, ms; NaN: it has none
            ("t_stop", "<f8"),
        ]
    ),
    "stretches": np.dtype(
        [
            ("segment", "<i8"),  # row in the table of segments
            ("stream", "<i8"),  # row in the table of streams
            ("start", "<i8"),  # first row of the stream's arrays, and how many
            ("count", "<i8"),
            ("active_start", "<i8"),  # the same in a spike stream's list of active trains
            ("active_count", "<i8"),
            ("t_start", "<f8"),  # in the stream's time unit
            ("t_stop", "<f8"),
            ("digest", "S32"),  # of its arrays, XXH3-128 in hexadecimal
        ]
    ),
    "streams": np.dtype(_DOCUMENT),
    "parameter sets": np.dtype([*_DOCUMENT, ("digest", "S64")]),
    "parameter names": np.dtype(_DOCUMENT),
    "columns": np.dtype(_DOCUMENT),
    "provenance": np.dtype([*_DOCUMENT, ("digest", "S64")]),
    "values": np.dtype(
        [
            *_DOCUMENT,  # length 0: the key was removed
            ("key", "<i8"),  # code in NAMES
            ("session", "<i8"),  # code in NAMES of the session that set it; -1: the archive itself
        ]
    ),
    "merges": np.dtype(  # what one transaction took over from a part
        [
            *_DOCUMENT,
            ("run", "<i8"),  # first row in the table of runs, and how many
            ("runs", "<i8"),
            ("segment", "<i8"),  # the same in the table of segments
            ("segments", "<i8"),
            ("value", "<i8"),  # the same in the table of values
            ("values", "<i8"),
            ("snapshot", "<i8"),  # the same in the table of snapshots
            ("snapshots", "<i8"),
        ]
    ),
    "snapshots": np.dtype(
        [
            *_DOCUMENT,
            *_CHANGE,
            ("run", "<i8"),  # row in the table of runs
            ("taken", "<i8"),  # microseconds since 1970, UTC; 0: not known
            ("time", "<f8"),  # simulated, ms
            ("array", "<i8"),  # first row in the table of arrays that came with it, and how many
            ("arrays", "<i8"),
        ]
    ),
    "arrays": np.dtype(  # each different array of snapshots once
        [
            ("pool", "<i8"),  # code in NAMES of the DataArray in which its values lie
            ("start", "<i8"),  # the first of them, and how many
            ("count", "<i8"),
            ("rows", "<i8"),  # the shape; columns -1: it has one axis
            ("columns", "<i8"),
            ("base", "<i8"),  # row of the array from which it differs in these values; -1: none
            ("where_pool", "<i8"),  # the same for where in the base they go; -1: it has none
            ("where", "<i8"),
            ("digest", "S32"),  # of the whole array, XXH3-128 in hexadecimal
        ]
    ),
}

# Of a row, where its document is and what may change later; its digest covers all the others.
UNSEALED: Final = ("record", "length", "change", "change_length", "ended", "outcome")

OUTCOMES: Final = ("running", "finished", "failed", "interrupted", "abandoned")

# Rows per chunk. Small: most archives hold few rows, and an unfilled chunk is space lost.
TABLE_CHUNK: Final = 256
COLUMN_CHUNK: Final = 4096
HEAP_CHUNK: Final = 1 << 14

# A chunk of a long recording has CHUNK_FULL bytes, or up to twice as many: storage writes pieces
# of 256 kB past the log. A signal's is as narrow as that allows, but for CHUNK_WIDTH bytes, so
# that one channel over all time need not read many others (figures: docs/decisions/0004).
CHUNK_FULL: Final = 9 << 15
CHUNK_WIDTH: Final = 112  # 14 channels of float64
CHUNK_BYTES: Final = 1 << 16  # the least: tiny segments share a chunk

# An array of a snapshot that differs from one before it in few values is stored as these, as long
# as so much of its bytes, and so many steps, lead back to a whole one (docs/decisions/0013).
DELTA_SHARE: Final = 0.25
DELTA_STEPS: Final = 64

# What stands in a column where a row has no value of that type and unit.
ABSENT_FLOAT: Final = np.array([0x7FF00000000007A2], "<u8").view("<f8")
ABSENT_INT: Final = np.iinfo(np.int64).min
ABSENT_BOOL: Final = -1
ABSENT_TEXT: Final = -1

# Texts longer than this are not indexed by dictionary but compared one by one.
TEXT_LIMIT: Final = 1024
# More columns than this per scope are not made: rarer keys are found by reading the documents.
COLUMN_LIMIT: Final = 512
# Rows whose annotations wait for their columns; the documents of these are read at open.
INDEX_BATCH: Final = 256


def sealed(row: np.void | npt.NDArray[np.void]) -> bytes:
    """What the digest of a row's document covers of the row itself."""
    names = [name for name in row.dtype.names or () if name not in UNSEALED]
    return b"".join(row[name].tobytes() for name in names)
