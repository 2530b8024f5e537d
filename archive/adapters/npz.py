"""NumPy's files: an experiment as named arrays in a ``.npz``, and anybody's ``.npy`` and ``.npz``.

Files are read without NumPy's own readers: see `archive.adapters.npy`.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from archive.adapters.bounded import gunzipped, member_names, whole
from archive.adapters.entry_documents import entry_of
from archive.adapters.json_text import parse_json
from archive.adapters.nearest import Keeping
from archive.adapters.neo_building import NeoBuilding
from archive.adapters.neo_found import NeoFound, is_neo
from archive.adapters.npy import MAGIC, npy_array, npz_arrays
from archive.adapters.npz_writing import DOCUMENT, FORMAT, NpzWriting, text_array
from archive.adapters.pickles import ALLOWED, GZIP, stem
from archive.adapters.replacing import replacing
from archive.adapters.unpickling import Limits
from archive.entry import Entry, Loss, Source
from archive.errors import FormatError


class Npz:
    """Reads ``.npz`` files, and writes experiments as such.

    What was written here comes back whole. Of other files each array becomes a keyed value;
    arrays of objects are read as pickles are: no code in them is run.
    """

    name: ClassVar[str] = "npz"
    suffixes: ClassVar[tuple[str, ...]] = (".npz",)
    extra: ClassVar[str | None] = None
    general: ClassVar[bool] = True

    def recognises(self, path: Path, /) -> bool:
        """Whether it is a zip file of arrays; none of them is read."""
        try:
            names = member_names(Path(path))
        except FormatError:
            return False
        return bool(names) and all(name.endswith(".npy") for name in names)

    def read(
        self,
        path: Path,
        /,
        *,
        encoding: str = "latin1",
        limits: Limits | None = None,
        losses: list[Loss] | None = None,
    ) -> Iterator[Entry]:
        """The experiment in a file, or a keyed value for each array.

        `encoding` is that of the texts of Python 2. Raises FormatError for damage, for what is
        larger than the limits, and for objects that need code to be made.
        """
        path = Path(path)
        losses = [] if losses is None else losses
        arrays = npz_arrays(path, allowed=ALLOWED, encoding=encoding, limits=limits)
        if DOCUMENT in arrays:
            return iter((_own(arrays, path),))
        return iter(_kept(arrays, path, losses))

    def write(
        self, source: Source, path: Path, /, *, compressed: bool = True, overwrite: bool = False
    ) -> list[Loss]:
        """Write an experiment; nothing is lost.

        Raises AlreadyExists if the file exists and `overwrite` is False, FormatError if an array
        has no place in it or the file cannot be written.
        """
        path = Path(path)
        with replacing(path, overwrite=overwrite) as staged:
            try:
                with NpzWriting(staged, compressed=compressed) as writing:
                    writing.put_all(source.entry())
            except FormatError as error:
                raise FormatError(
                    error.message, path=path, entry=error.entry, hint=error.hint
                ) from error.__cause__
        return []


class Npy:
    """Reads ``.npy`` files, also compressed by gzip, as one keyed value."""

    name: ClassVar[str] = "npy"
    suffixes: ClassVar[tuple[str, ...]] = (".npy",)
    extra: ClassVar[str | None] = None
    general: ClassVar[bool] = True

    def recognises(self, path: Path, /) -> bool:
        """Whether it begins as NumPy's files do."""
        try:
            with Path(path).open("rb") as file:
                start = file.read(len(MAGIC))
            if start.startswith(GZIP):
                with gzip.open(path) as packed:
                    start = packed.read(len(MAGIC))
        except (OSError, EOFError, zlib.error):
            return False
        return start == MAGIC

    def read(
        self,
        path: Path,
        /,
        *,
        encoding: str = "latin1",
        limits: Limits | None = None,
        losses: list[Loss] | None = None,
    ) -> Iterator[Entry]:
        """The array under the name of the file. Raises FormatError as `Npz.read`."""
        path = Path(path)
        limits = limits or Limits()
        data = whole(path, limits.size)
        if data.startswith(GZIP):
            data = gunzipped(path, limits.size)
        array = npy_array(data, path, allowed=ALLOWED, encoding=encoding, limits=limits)
        return iter(_kept({stem(path): array}, path, [] if losses is None else losses))


def _kept(arrays: dict[str, Any], path: Path, losses: list[Loss]) -> list[Entry]:
    keeping = Keeping(path, losses)
    found = NeoFound(NeoBuilding(keeping.plain, losses))
    made: list[Entry] = []
    for name, array in arrays.items():
        value = array.item() if array.dtype.hasobject and array.ndim == 0 else array
        if is_neo(value):
            made += found.segments(value, name, path)
        else:
            made.append(keeping.entry(name, value))
    return made + [keeping.entry(key, value) for key, value in found.bare.items()]


def _own(arrays: dict[str, Any], path: Path) -> Entry:
    document = arrays[DOCUMENT]
    if document.dtype.kind != "S" or document.shape != ():
        raise FormatError(f"the member {DOCUMENT!r} is no document", path=path)
    try:
        text = document.item().decode()
    except UnicodeDecodeError as error:
        raise FormatError(f"the member {DOCUMENT!r} is no text", path=path) from error
    if not text.startswith(FORMAT):
        raise FormatError(f"the member {DOCUMENT!r} is of no version that is known", path=path)

    def take(place: Any) -> Any:
        if isinstance(place, dict):
            return text_array(place, arrays)
        return arrays[place]

    return entry_of(parse_json(text[len(FORMAT) :], path), take, path)
