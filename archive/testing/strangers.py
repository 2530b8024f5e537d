"""Files that are not of a format: nothing, noise, and other formats' files."""

from __future__ import annotations

import atexit
import contextlib
import random
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from archive.adapters import writers
from archive.errors import ArchiveError
from archive.testing.sample import sample
from archive.testing.sources import Given
from archive.testing.trimmed import only

_PLAIN = {
    "empty": b"",
    "zeros": bytes(4096),
    "one byte": b"{",
    "text": "nothing in particular, größer µ\n".encode() * 20,
    "numbers": b"0.1 0.2 0.3\n" * 50,
    "table.csv": b"a,b\r\n1,2\r\n",
    "null.json": b"null",
    "object.json": b'{"name": "x", "values": [1, 2, 3]}',
    "list.json": b"[1, 2, 3]",
    "page.html": b"<!DOCTYPE html><html></html>",
    "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(99),
    "archive.zip": b"PK\x05\x06" + bytes(18),
    "pickle": b"\x80\x04N.",
    "sqlite": b"SQLite format 3\0" + bytes(4080),
    "hdf5": b"\x89HDF\r\n\x1a\n" + bytes(504),
    "array.npy": b"\x93NUMPY\x01\0v\0{'descr': '<f8', 'fortran_order': False, 'shape': (0,), }"
    + b" " * 59
    + b"\n",
    "gzip": b"\x1f\x8b\x08\0" + bytes(20),
}
_OF = {"array.npy": "npy", "pickle": "pickle"}  # which of them are of a format, all the same


def strangers(folder: Path, reader: Any) -> Iterator[Path]:
    """Files that are not of the format of a reader, written one by one: those of all other
    adapters that can write among them, unless it reads all files of a kind."""
    for name, content in _PLAIN.items():
        if _OF.get(name) == reader.name:
            continue
        path = folder / name
        path.write_bytes(content)
        yield path
    for number in range(5):
        path = folder / f"noise {number}"
        path.write_bytes(random.Random(number).randbytes(64 << (2 * number)))
        yield path
    if not getattr(reader, "folders", False):
        yield folder
    yield folder / "missing"
    if getattr(reader, "general", False):
        return
    for name, writer in writers().items():
        if name == reader.name:
            continue
        written = _written(name, type(writer))
        if written is not None:
            shutil.copytree(written.parent, folder, dirs_exist_ok=True)
            yield folder / written.name


@cache
def _written(name: str, kind_of_writer: type[Any]) -> Path | None:
    """What a writer makes of the sample, in a folder with nothing else: once in a process, as
    many readers are shown it. None if it writes nothing of it."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    writer = kind_of_writer()
    for kind in ("experiment", "parameter-set", "snapshot", "projection", "population"):
        path = folder / f"{name} {kind}{(*writer.suffixes, '')[0]}"
        # one that cannot write this writes another
        with contextlib.suppress(ArchiveError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            writer.write(Given(only(sample(), kind)), path)
            return path
    return None
