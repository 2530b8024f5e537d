"""The segment, or the run, that a source has for a format that holds one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import schemas
from archive.adapters.left_out import NO_PLACE, left_out, whole
from archive.entry import Entry, Loss, Source
from archive.errors import FormatError

ROOT = "experiment"  # how losses name the experiment itself
_SHOWN = 5
Found = tuple[str, Entry]


def chosen_run(
    source: Source, name: str | None, path: Path, losses: list[Loss]
) -> tuple[str, Entry]:
    """The run of that name, or the only one, with the way to it; all else is added to the losses.
    A source that is a segment is a run of its own, to which the way is empty.

    Raises FormatError, with the names that there are, if there is none or are several.
    """
    root = source.entry()
    if isinstance(root.model, schemas.Segment):
        return "", Entry(schemas.Run(name="run"), parts=[root])
    if isinstance(root.model, schemas.Run):
        losses += left_out("", root, {"name"}, NO_PLACE)
        return "", root
    placed = list(_placed(root))
    runs = [(way, one) for way, one in placed if isinstance(one.model, schemas.Run)]
    way, run = _only(runs, name, "run", path)
    losses += left_out(ROOT, root, (), NO_PLACE)
    losses += [
        whole(at, one, "the file holds one run")
        for at, one in placed
        if one is not run and at != way
    ]
    return way, run


def chosen_segment(
    source: Source, name: str | None, path: Path, losses: list[Loss]
) -> tuple[str, Entry]:
    """The segment of that name, or of that way, as ``run/segment``, or the only one; as
    `chosen_run`."""
    root = source.entry()
    if isinstance(root.model, schemas.Segment):
        return "", root
    inside = [("", root)] if isinstance(root.model, schemas.Run) else list(_placed(root))
    found: list[Found] = []
    others: list[Found] = []
    runs: list[Found] = []
    for at, one in inside:
        if not isinstance(one.model, schemas.Run):
            others.append((at, one))
            continue
        runs.append((at, one))
        for way, part in _placed(one, at):
            (found if isinstance(part.model, schemas.Segment) else others).append((way, part))
    way, segment = _only(found, name, "segment", path)
    if not isinstance(root.model, schemas.Run):
        losses += left_out(ROOT, root, (), NO_PLACE)
    for at, one in runs:
        if at == way.rpartition("/")[0]:
            losses += left_out(at, one, (), NO_PLACE)
    losses += [
        whole(at, one, "the file holds one segment") for at, one in [*found, *others] if at != way
    ]
    losses += [
        whole(at, one, "the file holds one segment")
        for at, one in runs
        if at != way.rpartition("/")[0]
    ]
    return way, segment


def parts_of(entry: Entry, way: str) -> Iterator[Found]:
    """What lies in an entry, with the ways."""
    return _placed(entry, way)


def _placed(entry: Entry, way: str = "") -> Iterator[Found]:
    # as `archive.entry.ways`, but one level of it: what other runs hold need not be read
    seen: dict[str, int] = {}
    for part in entry.parts:
        kind = part.model.kind
        seen[kind] = seen.get(kind, 0) + 1
        step = _name(part.model) or f"{kind} {seen[kind]}"
        yield (f"{way}/{step}" if way else step), part


def _name(model: schemas.Model) -> str:
    if isinstance(model, schemas.Part):
        return "/".join(filter(None, (model.population, model.variable)))
    if isinstance(model, schemas.KeyedValue):
        return model.key
    return getattr(model, "name", None) or ""


def _only(found: list[Found], name: str | None, what: str, path: Path) -> Found:
    named = [
        (way, one)
        for way, one in found
        if name is None or name in (way, getattr(one.model, "name", None))
    ]
    if len(named) == 1:
        return named[0]
    shown = " or ".join(repr(way) for way, _ in (named or found)[:_SHOWN])
    if named:
        raise FormatError(
            f"there are {len(named)} {what}s" + (f" called {name!r}" if name else ""),
            path=path,
            hint=f"export one, or name it: {what}={shown}",
        )
    raise FormatError(
        f"there is no {what} called {name!r}" if name else f"there is no {what}",
        path=path,
        hint=f"there is {shown}" if shown else None,
    )
