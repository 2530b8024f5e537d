"""Pickles of anybody: read through a list of what may be made, so that no code in one is run."""

from __future__ import annotations

import gzip
import io
import pickle
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from archive.adapters.bounded import gunzipped, whole
from archive.adapters.nearest import Keeping
from archive.adapters.neo_building import NeoBuilding
from archive.adapters.neo_found import NeoFound, is_neo
from archive.adapters.pickle_neo import NEO
from archive.adapters.pickle_units import QUANTITIES
from archive.adapters.unpickling import Limits, unpickled_all
from archive.entry import Entry, Loss
from archive.errors import FormatError

GZIP = b"\x1f\x8b"
ALLOWED = {**QUANTITIES, **NEO}
# How a pickle begins: of protocols 2 and up by its number and an instruction or a frame; of 0 and
# 1 by a container with its place in the memo, a class or function, or a plain value and its end.
_MODERN = re.compile(rb"\x80(?:[\x02\x03][\x00-\x7f\x80-\x9f]|[\x04\x05][\x20-\x7f\x80-\x9f])")
_OLD = re.compile(
    rb"\((?:[dlt]?p\d+\n|[tdl]|i[\w.]+\n\w+\n|[IFL]-?[\d.einfa+-]+L?\n|[SV][^\n]*\n|[(cGJKMNUX}\])])"
    rb"|c[A-Za-z_][\w.]*\n[A-Za-z_]\w*\n"
    rb"|[}\])](?:q.|\.)"
    rb"|(?:[IFL]-?[\d.einfa+-]+L?|S['\"][^\n]*['\"]|V[^\n]*)\n(?:p\d+\n)?\."
    rb"|(?:N|K.|M..|J.{4}|G.{8})\.\Z|X.{2}\x00\x00|U.[^\n]*q.\.",
    re.DOTALL,
)


class Pickle:
    """Reads pickles of protocols 0 to 5, of Python 2 and 3, also compressed by gzip.

    Blocks and segments of Neo become segments, a dict with texts as keys a keyed value for each,
    anything else one keyed value that is named after the file.
    """

    name: ClassVar[str] = "pickle"
    suffixes: ClassVar[tuple[str, ...]] = (".pkl", ".pickle", ".pck", ".p")
    extra: ClassVar[str | None] = None
    general: ClassVar[bool] = True

    def recognises(self, path: Path, /) -> bool:
        """Whether it begins as pickles do, and, if it is of an old protocol, ends so."""
        start, last = _ends(Path(path))
        return bool(_MODERN.match(start)) or (last == b"." and bool(_OLD.match(start)))

    def read(
        self,
        path: Path,
        /,
        *,
        encoding: str = "latin1",
        limits: Limits | None = None,
        trust: bool = False,
        losses: list[Loss] | None = None,
    ) -> Iterator[Entry]:
        """What the pickles in a file hold.

        `encoding` is that of the texts of Python 2. Raises FormatError for what would need code
        to be run, naming it; with ``trust=True`` that code is run, in this process, by Python's
        own `pickle`: only for files that you wrote yourself. That is said in what comes out.
        """
        path = Path(path)
        losses = [] if losses is None else losses
        limits = limits or Limits()
        data = whole(path, limits.size)
        if data.startswith(GZIP):
            data = gunzipped(path, limits.size)
        if trust:
            values = _loaded(data, path, encoding)
            losses.append(Loss(path.name, "trust", "the file was read by running what is in it"))
        else:
            values = unpickled_all(data, path, allowed=ALLOWED, encoding=encoding, limits=limits)
        author = f"code in {path.name}, run with trust=True" if trust else None
        keeping = Keeping(path, losses, author)
        found = NeoFound(NeoBuilding(keeping.plain, losses), trusted=trust)
        return iter(_entries(values, stem(path), keeping, found, path))


def _entries(
    values: list[Any], name: str, keeping: Keeping, found: NeoFound, path: Path
) -> list[Entry]:
    made: list[Entry] = []
    for number, value in enumerate(values):
        own = name if len(values) == 1 else f"{name}-{number + 1}"
        if is_neo(value):
            made += found.segments(value, own, path)
        elif len(values) == 1 and isinstance(value, dict) and _has_names(value):
            for key, item in value.items():
                made += (
                    found.segments(item, key, path) if is_neo(item) else [keeping.entry(key, item)]
                )
        else:
            made.append(keeping.entry(own, value))
    made += [keeping.entry(key, value) for key, value in found.bare.items()]
    return made


def _has_names(value: dict[Any, Any]) -> bool:
    return bool(value) and all(type(key) is str for key in value)


def stem(path: Path) -> str:
    """The name of a file without its suffix, and without that before ``.gz``."""
    name = path.name
    while (shorter := Path(name).stem) != name and Path(name).suffix.lower() in _STEMS:
        name = shorter
    return name


_STEMS = (".gz", ".pkl", ".pickle", ".pck", ".p", ".npy", ".npz")


def _ends(path: Path) -> tuple[bytes, bytes]:
    """The beginning of a file and its last byte; of what is in a gzip file the beginning, and a
    full stop as if it were the last."""
    try:
        with path.open("rb") as file:
            start = file.read(4096)
            if start.startswith(GZIP):
                with gzip.open(path) as packed:
                    return packed.read(4096), b"."
            file.seek(-1, 2)
            return start, file.read(1)
    except (OSError, EOFError, zlib.error, ValueError):
        return b"", b""


def _loaded(data: bytes, path: Path, encoding: str) -> list[Any]:
    """What Python makes of the pickles; anything may happen."""
    file, values = io.BytesIO(data), list[Any]()
    try:
        while file.tell() < len(data) or not values:
            values.append(pickle.load(file, encoding=encoding))
    except Exception as error:
        raise FormatError(f"the pickle cannot be loaded: {error!r:.300}", path=path) from error
    return values
