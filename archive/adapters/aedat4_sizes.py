"""Whether the lengths that an AEDAT 4 file gives of its pieces can be.

The package that reads it reserves what a file asks for, and ends the process where that is more
than there is. Source: docs.inivation.com, "AEDAT 4.0", and FlatBuffers' "Internals".
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import IO

from archive.errors import FormatError

START = len(b"#!AER-DAT4.0\r\n")
TABLE_FIELD = 1  # the place of the table of packets, among the fields of the header
HEADER_LIMIT = 1 << 24


def check_sizes(path: Path) -> None:
    """Raises FormatError for pieces that are longer than the file."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            file.seek(START)
            (length,) = struct.unpack("<I", file.read(4))
            start = START + 4 + length
            if start > size or length > HEADER_LIMIT:
                raise FormatError(f"its header is said to have {length} bytes", path=path)
            table = _table(file.read(length))
            end = size if table is None or table < start else min(table, size)
            _check_packets(file, start, end, path)
    except struct.error as error:
        raise FormatError(f"its header is damaged: {error}", path=path) from error
    except OSError as error:
        reason = error.strerror or error
        raise FormatError(f"the file cannot be read: {reason}", path=path) from error


def _check_packets(file: IO[bytes], start: int, end: int, path: Path) -> None:
    while start + 8 <= end:
        file.seek(start)
        _, length = struct.unpack("<ii", file.read(8))
        if not 0 <= length <= end - start - 8:
            raise FormatError(
                f"the packet at byte {start} is said to have {length} bytes", path=path
            )
        start += 8 + length


def _table(header: bytes) -> int | None:
    """Where the table of packets lies, behind them; None if it is not said."""
    (root,) = struct.unpack_from("<I", header)
    (back,) = struct.unpack_from("<i", header, root)
    fields = root - back
    if fields < 0:
        raise struct.error("an offset leads out of it")
    (length,) = struct.unpack_from("<H", header, fields)
    at = 4 + 2 * TABLE_FIELD
    if at + 2 > length:
        return None
    (offset,) = struct.unpack_from("<H", header, fields + at)
    if not offset:
        return None
    found: int = struct.unpack_from("<q", header, root + offset)[0]
    return found if found > 0 else None
