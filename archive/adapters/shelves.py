"""Shelves of Python, and folders of them, as Brian's DataManager keeps them: ``name.data/``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from archive.adapters.nearest import Keeping
from archive.adapters.neo_building import NeoBuilding
from archive.adapters.neo_found import NeoFound, is_neo
from archive.adapters.pickles import ALLOWED
from archive.adapters.shelf_files import Shelf, pairs_of, shelf_at, shelves_in
from archive.adapters.shelf_writing import write_folder, write_shelf
from archive.adapters.unpickling import Limits, unpickled
from archive.entry import Entry, Loss, Source
from archive.errors import FormatError

FOLDER = ".data"


class Shelves:
    """Reads what ``shelve`` of Python 2 and 3 wrote, whatever database it used; each key becomes
    a keyed value, of the session that is called as the shelf is. A folder has one session per
    shelf. Written are shelves that every Python opens."""

    name: ClassVar[str] = "shelve"
    # Written are files with other suffixes than the path, so that none says it is a shelf.
    suffixes: ClassVar[tuple[str, ...]] = ()
    extra: ClassVar[str | None] = None
    folders: ClassVar[bool] = True

    def recognises(self, path: Path, /) -> bool:
        """Whether it is the first file of a shelf, or a folder ``….data`` of nothing but
        shelves."""
        path = Path(path)
        try:
            if path.is_dir():
                if path.suffix != FOLDER:
                    return False
                shelves, others = shelves_in(path)
                return bool(shelves) and not others
            shelf = shelf_at(path)
        except OSError:
            return False
        return shelf is not None and shelf.files[0] == path

    def covers(self, path: Path, /) -> Sequence[Path]:
        """The other files of the shelf, or all files of the folder."""
        path = Path(path)
        if path.is_dir():
            return [file for shelf in shelves_in(path)[0] for file in shelf.files]
        shelf = shelf_at(path)
        return [] if shelf is None else [file for file in shelf.files if file != path]

    def read(
        self,
        path: Path,
        /,
        *,
        encoding: str = "latin1",
        limits: Limits | None = None,
        skip: bool = False,
        losses: list[Loss] | None = None,
    ) -> Iterator[Entry]:
        """A keyed value for each key of each shelf.

        Of a shelf in several files any may be named, or the name without a suffix. `encoding`
        is that of the texts of Python 2. Raises FormatError, naming file and key, for damage, and
        for values that need code to be made; with `skip` those are left out, as losses.
        """
        path = Path(path)
        losses = [] if losses is None else losses
        reading = _Reading(path, encoding, limits or Limits(), skip, losses)
        if not path.is_dir():
            shelf = shelf_at(path)
            if shelf is None:
                raise FormatError("this is no shelf", path=path)
            return iter(reading.entries(shelf))
        shelves, others = shelves_in(path)
        if not shelves:
            raise FormatError("there is no shelf in the folder", path=path)
        losses.extend(Loss(file.name, "file", "it is no shelf") for file in others)
        names = [shelf.name for shelf in shelves]
        if len(set(names)) < len(names):
            raise FormatError("two shelves in the folder have one name", path=path)
        return iter([entry for shelf in shelves for entry in reading.entries(shelf)])

    def write(
        self,
        source: Source,
        path: Path,
        /,
        *,
        session: str | None = None,
        overwrite: bool = False,
    ) -> list[Loss]:
        """Write the keyed values and return what shelves cannot carry: all else.

        To a path ``….data`` a folder is written, of a shelf for each session; else one shelf, of
        the values of one `session`, that ``shelve.open(path)`` finds: its files are the path with
        ``.dat`` and ``.dir``. Raises AlreadyExists if there is one and `overwrite` is False,
        FormatError if there is no value, or several sessions for one shelf.
        """
        path = Path(path)
        if path.suffix == FOLDER:
            return write_folder(source.entry(), path, overwrite)
        return write_shelf(source.entry(), path, session, overwrite)


class _Reading:
    """One reading of shelves."""

    def __init__(
        self, path: Path, encoding: str, limits: Limits, skip: bool, losses: list[Loss]
    ) -> None:
        self._path = path
        self._encoding = encoding
        self._limits = limits
        self._skip = skip
        self._losses = losses

    def entries(self, shelf: Shelf) -> list[Entry]:
        first = shelf.files[0]
        keeping = Keeping(first, self._losses)
        made: list[Entry] = []
        keys: set[str] = set()
        for raw, data in pairs_of(shelf, self._limits.size):
            key = _text(raw)
            if key in keys:
                raise FormatError("a key stands in the shelf twice", path=first, entry=key[:200])
            keys.add(key)
            try:
                made += self._one(key, data, shelf, keeping)
            except FormatError as error:
                if not self._skip:
                    raise FormatError(
                        error.message, path=first, entry=error.entry or key[:200], hint=error.hint
                    ) from error
                self._losses.append(Loss(f"{shelf.name}/{key}"[:200], "value", error.message))
        return made

    def _one(self, key: str, data: bytes, shelf: Shelf, keeping: Keeping) -> list[Entry]:
        value: Any = unpickled(
            data,
            shelf.files[0],
            allowed=ALLOWED,
            encoding=self._encoding,
            limits=self._limits,
        )
        if not is_neo(value):
            return [keeping.entry(key, value, shelf.name)]
        found = NeoFound(NeoBuilding(keeping.plain, self._losses))
        made = found.segments(value, key, shelf.files[0])
        return made + [keeping.entry(k, v, shelf.name) for k, v in found.bare.items()]


def _text(key: bytes) -> str:
    """Keys are text in UTF-8, or what Python 2 had for it."""
    try:
        return key.decode()
    except UnicodeDecodeError:
        return key.decode("latin1")
