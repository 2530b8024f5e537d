"""Whether the lengths that an AEDAT 4 file gives of its pieces can be.

The package that reads it reserves what a file asks for, and ends the process where that is more
than there is. Source: docs.inivation.com, "AEDAT 4.0", and FlatBuffers' "Internals".
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import IO

from archive.adapters.unreadable import unreadable
from archive.errors import FormatError

START = len(b"#!AER-DAT4.0\r\n")
TABLE, STREAMS = 1, 2  # among the fields of the header: where packets are listed, and XML
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
            header = file.read(length)
            _check_streams(header)
            table = _table(header)
            end = size if table is None or table < start else min(table, size)
            _check_packets(file, start, end, path)
    except struct.error as error:
        raise FormatError(f"its header is damaged: {error}", path=path) from error
    except OSError as error:
        raise unreadable(path, error) from error


def _check_packets(file: IO[bytes], start: int, end: int, path: Path) -> None:
    while start + 8 <= end:
        file.seek(start)
        _, length = struct.unpack("<ii", file.read(8))
        if not 0 <= length <= end - start - 8:
            raise FormatError(
                f"the packet at byte {start} is said to have {length} bytes", path=path
            )
        start += 8 + length


def _check_streams(header: bytes) -> None:
    """What describes the streams must be a text: the package ends the process where it is none."""
    at = _field(header, STREAMS)
    if at is None:
        return
    at += struct.unpack_from("<I", header, at)[0]
    (length,) = struct.unpack_from("<I", header, at)
    try:
        header[at + 4 : at + 4 + length].decode()
    except UnicodeDecodeError as error:
        raise struct.error("what describes the streams is no text") from error


def _table(header: bytes) -> int | None:
    """Where the list of packets lies, behind them; None if it is not said."""
    at = _field(header, TABLE)
    found: int = -1 if at is None else struct.unpack_from("<q", header, at)[0]
    return found if found > 0 else None


def _field(header: bytes, number: int) -> int | None:
    """Where a field of the header lies in it; None if it has no such field."""
    (root,) = struct.unpack_from("<I", header)
    (back,) = struct.unpack_from("<i", header, root)
    fields = root - back
    if fields < 0:
        raise struct.error("an offset leads out of it")
    (length,) = struct.unpack_from("<H", header, fields)
    at = 4 + 2 * number
    if at + 2 > length:
        return None
    (offset,) = struct.unpack_from("<H", header, fields + at)
    return root + offset if offset else None
