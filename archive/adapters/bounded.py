"""Compressed files, read within a budget: a kilobyte can claim, and give, a terabyte."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from archive.adapters.unreadable import unreadable
from archive.errors import FormatError

_STEP = 1 << 22
_MEMBERS = 1 << 20
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError)


def whole(path: Path, limit: int) -> bytes:
    """All bytes of a file, of at most `limit`. Raises FormatError."""
    try:
        with path.open("rb") as file:
            return _within(_read(file, limit), limit, path)
    except OSError as error:
        raise unreadable(path, error) from error


def gunzipped(path: Path, limit: int) -> bytes:
    """What a gzip file holds, of at most `limit` bytes. Raises FormatError."""
    try:
        with gzip.open(path, "rb") as file:
            return _within(_read(file, limit), limit, path)
    except (zlib.error, EOFError) as error:
        raise FormatError(f"the gzip file is damaged: {error}", path=path) from error
    except OSError as error:  # BadGzipFile is one
        raise unreadable(path, error) from error


def _read(file: IO[bytes] | gzip.GzipFile, limit: int) -> bytes:
    """All of a file; if that is more than `limit`, somewhat more than that. In steps, since
    Python reserves at once what it is asked to read."""
    parts, left = [], limit + 1
    while left > 0 and (part := file.read(min(left, _STEP))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def zip_members(path: Path, limit: int) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the members of a zip file, which are `limit` bytes at most in all.

    Raises FormatError for more, before anything is unpacked; for two members of one name, for
    ways of compression that NumPy does not write, and for damage.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            _check_members(infos, limit, path.stat().st_size)
            for info in infos:
                with archive.open(info) as member:
                    # zipfile stops at the size that was declared, and checks the CRC there
                    yield info.filename, member.read()
    except FormatError as error:
        raise FormatError(error.message, path=path, hint=error.hint) from error.__cause__
    except _DAMAGE as error:
        raise FormatError(f"the zip file is damaged: {error!s:.200}", path=path) from error
    except OSError as error:
        raise unreadable(path, error) from error


def _check_members(infos: list[zipfile.ZipInfo], limit: int, size: int) -> None:
    if len(infos) > _MEMBERS:
        raise FormatError(f"a zip file of more than {_MEMBERS} members")
    names = [info.filename for info in infos]
    if len(set(names)) < len(names):
        twice = Counter(names).most_common(1)[0][0]
        raise FormatError(f"two members of the zip file have the name {twice!r:.100}")
    for info in infos:
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise FormatError(f"the member {info.filename!r:.100} is compressed in an unknown way")
        if info.flag_bits & 1:
            raise FormatError(f"the member {info.filename!r:.100} is encrypted")
        # Deflate makes at most 1032 bytes of one.
        if info.file_size > 1100 * info.compress_size + 1100:
            raise FormatError(f"the member {info.filename!r:.100} claims more than it can hold")
    # Python reserves at once what a member claims; and members may share no bytes.
    if sum(info.compress_size for info in infos) > size:
        raise FormatError("the members of the zip file claim more bytes than it has")
    if sum(info.file_size for info in infos) > limit:
        raise FormatError(
            f"the zip file unpacks to more than {limit} bytes",
            hint="give higher limits if you trust it",
        )


def _within(data: bytes, limit: int, path: Path) -> bytes:
    if len(data) > limit:
        raise FormatError(
            f"the file holds more than {limit} bytes",
            path=path,
            hint="give higher limits if you trust it",
        )
    return data


def member_names(path: Path) -> list[str]:
    """The names of the members of a zip file. Raises FormatError."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except _DAMAGE as error:
        raise FormatError(f"the zip file is damaged: {error!s:.200}", path=path) from error
    except OSError as error:
        raise unreadable(path, error) from error
