"""The segment, or the run, that a source has for a format that holds one."""

from __future__ import annotations

from pathlib import Path

import schemas
from archive.adapters.left_out import NO_PLACE, left_out, whole
from archive.entry import Entry, Loss, Source, parts_of
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
    placed = list(parts_of(root))
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
    within = [("", root)] if isinstance(root.model, schemas.Run) else list(parts_of(root))
    found: list[Found] = []
    others: list[Found] = []
    runs: list[Found] = []
    for at, one in within:
        if not isinstance(one.model, schemas.Run):
            others.append((at, one))
            continue
        runs.append((at, one))
        for way, part in parts_of(one, at):
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
