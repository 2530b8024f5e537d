"""Index files, ``.aeidx``: the names of other files, a line each, relative to the index itself.

Brian stops at the first empty line, and cannot read one whose lines end as Windows ends them.
"""

from __future__ import annotations

from pathlib import Path

from archive.adapters.unreadable import unreadable
from archive.errors import FormatError

SUFFIX = ".aeidx"
_LIMIT = 1 << 24


def indexed(path: Path) -> list[Path]:
    """The files that an index names. Raises FormatError for one that names another index, or a
    file that is not there."""
    found = []
    for line in _text(path).splitlines():
        name = line.strip()
        if not name:
            break
        if name.lower().endswith(SUFFIX):
            raise FormatError(f"the index names another index, {name!r:.200}", path=path)
        found.append(_part(path, name))
    return found


def index_text(parts: list[str]) -> bytes:
    """An index of files with these names."""
    return "".join(f"{name}\n" for name in parts).encode()


def _part(index: Path, name: str) -> Path:
    try:
        # the second as it was written on Windows, and is read elsewhere
        parts = [index.parent / name, index.parent / name.replace("\\", "/")]
        found = next((part for part in parts if part.is_file()), None)
    except (OSError, ValueError) as error:  # too long, for one
        raise FormatError(f"the index names {name!r:.200}, which is no path", path=index) from error
    if found is None:
        raise FormatError(f"the index names {name!r:.200}, which is not there", path=index)
    return found


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(_LIMIT + 1)
    except OSError as error:
        raise unreadable(path, error) from error
    if len(raw) > _LIMIT or b"\0" in raw:
        raise FormatError("it is no list of files", path=path)
    return raw.decode("utf-8-sig", "surrogateescape")
