"""Which files a shelf is made of, and the pairs in them, whatever database wrote them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from archive.adapters import dbm_berkeley, dbm_bsd, dbm_dumb, dbm_gnu, dbm_ndbm, dbm_sqlite
from archive.adapters.bounded import whole
from archive.adapters.dbm_files import Pairs
from archive.errors import FormatError

_START = 4096
# Of what a database puts behind the name that a program gave.
_SUFFIXES = (".dat", ".dir", ".bak", ".pag", ".db")
_LOG = "-wal"
_BESIDE_SQLITE = (_LOG, "-shm", "-journal")


class Shelf(NamedTuple):
    """A shelf: the `kind` of database, its `files`, of which the first stands for all, and the
    `name` that the program gave it."""

    kind: str
    files: tuple[Path, ...]
    name: str


def shelf_at(path: Path) -> Shelf | None:
    """The shelf that a file is, or belongs to, by what is in it; None if it is none."""
    try:
        start = _start(path)
    except OSError:
        return _of_stem(path)
    kind = _kind_of(start)
    if kind is None and start.startswith(dbm_sqlite.MAGIC) and _is_in_log(path):
        kind = "sqlite"
    if kind == "sqlite":
        return Shelf(kind, (path, *_existing(path, _BESIDE_SQLITE)), path.name)
    if kind is not None:
        beside = _existing(path.with_suffix(""), (".dir",)) if path.suffix == ".pag" else ()
        return Shelf(kind, (path, *beside), shelf_name(path))
    return _of_stem(path.with_suffix("")) if path.suffix in _SUFFIXES[:4] else None


def _of_stem(stem: Path) -> Shelf | None:
    """The shelf of several files that have this name and suffixes."""
    values, index, blocks = (_with(stem, suffix) for suffix in (".dat", ".dir", ".pag"))
    try:
        if values.is_file() and index.is_file():
            start = _start(index)
            if dbm_dumb.is_index(start) and (start or not values.stat().st_size):
                beside = _existing(stem, (".bak",))
                return Shelf("dumb", (values, index, *beside), stem.name)
        if blocks.is_file() and index.is_file():
            kind = _kind_of(_start(blocks))
            if kind is None:
                with blocks.open("rb") as file:
                    kind = "ndbm" if dbm_ndbm.order_of(file) else None
            if kind is not None:
                return Shelf(kind, (blocks, index), stem.name)
    except OSError:
        return None
    return None


def shelves_in(folder: Path) -> tuple[list[Shelf], list[Path]]:
    """The shelves in a folder by name, and the files and folders that belong to none."""
    found: dict[Path, Shelf] = {}
    claimed: set[Path] = set()
    files = sorted(folder.iterdir())
    for path in files:
        if path in claimed or not path.is_file():
            continue
        shelf = shelf_at(path)
        if shelf is not None:
            found[shelf.files[0]] = shelf
            claimed.update(shelf.files)
    return list(found.values()), [path for path in files if path not in claimed]


def pairs_of(shelf: Shelf, limit: int) -> Iterator[tuple[bytes, bytes]]:
    """All keys and values; files of more than `limit` bytes are refused. Raises FormatError,
    naming the file."""
    first = shelf.files[0]
    try:
        yield from _pairs(shelf, limit)
    except FormatError as error:
        raise FormatError(error.message, path=error.path or first, hint=error.hint) from error


def _pairs(shelf: Shelf, limit: int) -> Pairs:
    first = shelf.files[0]
    if shelf.kind == "dumb":
        return dbm_dumb.pairs(shelf.files[1], first, limit)
    data = whole(first, limit)
    if shelf.kind == "sqlite":
        logs = [whole(path, limit) for path in shelf.files if path.name.endswith(_LOG)]
        return dbm_sqlite.pairs(data, *logs)
    readers = {"berkeley": dbm_berkeley, "bsd": dbm_bsd, "gnu": dbm_gnu, "ndbm": dbm_ndbm}
    made: Pairs = readers[shelf.kind].pairs(data)
    return made


def shelf_name(path: Path) -> str:
    """The name that a program gave a shelf: without what the database put behind it."""
    return path.stem if path.suffix in _SUFFIXES else path.name


def _kind_of(start: bytes) -> str | None:
    if dbm_sqlite.has_table(start):
        return "sqlite"
    if dbm_berkeley.order_of(start):
        return "berkeley"
    if dbm_bsd.order_of(start):
        return "bsd"
    return "gnu" if dbm_gnu.layout_of(start) else None


def _is_in_log(path: Path) -> bool:
    """Whether the table is in the log beside: of a shelf that was not closed all may be there."""
    try:
        with _with(path, _LOG).open("rb") as file:
            return dbm_sqlite.says_table(file.read(4 * _START))
    except OSError:
        return False


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_START)


def _with(stem: Path, suffix: str) -> Path:
    return stem.with_name(stem.name + suffix)


def _existing(stem: Path, suffixes: tuple[str, ...]) -> tuple[Path, ...]:
    return tuple(path for path in (_with(stem, suffix) for suffix in suffixes) if path.is_file())
