"""The snapshot that a source has for a writer of network state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import schemas
from archive.entry import Entry, Source
from archive.errors import FormatError


def chosen_snapshot(source: Source, name: str | None, path: Path) -> Entry:
    """The snapshot that a source is, or the one of that name in it, or the only one.

    Raises FormatError as `placed_snapshot`.
    """
    return placed_snapshot(source, name, path)[1]


def placed_snapshot(source: Source, name: str | None, path: Path) -> tuple[str, Entry]:
    """The same with the way to it from the source; nothing if it is the source itself.

    Raises FormatError, with the names that there are, if it has none or several to choose from.
    """
    everything = _snapshots(source.entry(), "")
    found = [(way, each) for way, each in everything if name is None or _name(each) == name]
    if len(found) == 1:
        return found[0]
    if found:
        raise FormatError(
            f"there are {len(found)} snapshots" + (f" called {name!r}" if name else ""),
            path=path,
            hint="export one snapshot, or name it: snapshot="
            + " or ".join(repr(_name(each)) for _, each in found[:5]),
        )
    raise FormatError(
        f"there is no snapshot called {name!r}" if name else "there is no snapshot",
        path=path,
        hint="take one with run.snapshot(network)",
    )


def _snapshots(entry: Entry, way: str) -> Iterator[tuple[str, Entry]]:
    """With the ways that `archive.entry.ways` gives; what is in a snapshot is not touched."""
    if isinstance(entry.model, schemas.Snapshot):
        yield way, entry
    elif isinstance(entry.model, schemas.Experiment | schemas.Run):
        seen: Counter[str] = Counter()
        for part in entry.parts:
            kind = part.model.kind
            seen[kind] += 1
            step = getattr(part.model, "name", None) or f"{kind} {seen[kind]}"
            yield from _snapshots(part, f"{way}/{step}" if way else step)


def _name(entry: Entry) -> str | None:
    return getattr(entry.model, "name", None)
