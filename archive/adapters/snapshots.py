"""The snapshot that a source has for a writer of network state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import schemas
from archive.entry import Entry, Source
from archive.errors import FormatError


def chosen_snapshot(source: Source, name: str | None, path: Path) -> Entry:
    """The snapshot that a source is, or the one of that name in it, or the only one.

    Raises FormatError, with the names that there are, if it has none or several to choose from.
    """
    found = [each for each in _snapshots(source.entry()) if name is None or _name(each) == name]
    if len(found) == 1:
        return found[0]
    if found:
        raise FormatError(
            f"there are {len(found)} snapshots" + (f" called {name!r}" if name else ""),
            path=path,
            hint="export one snapshot, or name it: snapshot="
            + " or ".join(repr(_name(each)) for each in found[:5]),
        )
    raise FormatError(
        f"there is no snapshot called {name!r}" if name else "there is no snapshot",
        path=path,
        hint="take one with run.snapshot(network)",
    )


def _snapshots(entry: Entry) -> Iterator[Entry]:
    if isinstance(entry.model, schemas.Snapshot):
        yield entry
    elif isinstance(entry.model, schemas.Experiment | schemas.Run):
        for part in entry.parts:
            yield from _snapshots(part)


def _name(entry: Entry) -> str | None:
    return getattr(entry.model, "name", None)
