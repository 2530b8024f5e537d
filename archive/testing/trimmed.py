"""Experiments with no more than one thing in them, for formats that hold no more."""

from __future__ import annotations

from dataclasses import replace

from archive.entry import Entry
from archive.errors import NotFound


def only(experiment: Entry, kind: str) -> Entry:
    """The experiment with no more in it than the first entry of a kind: with the run, and the
    segment or snapshot, that it lies in, and all that is in itself. A projection keeps the
    populations that it connects."""
    if experiment.model.kind == kind:
        return experiment
    found = _cut(experiment, kind)
    if found is None:
        raise NotFound(f"there is no {kind} in it")
    return found


def _cut(entry: Entry, kind: str) -> Entry | None:
    for part in entry.parts:
        if part.model.kind == kind:
            kept = [part]
            if kind == "projection":
                ends = {getattr(part.model, "pre", None), getattr(part.model, "post", None)}
                kept = [one for one in entry.parts if getattr(one.model, "name", None) in ends]
                kept.append(part)
            return _named(replace(entry, parts=kept))
        inside = _cut(part, kind)
        if inside is not None:
            return replace(entry, parts=[inside])
    return None


def _named(entry: Entry) -> Entry:
    """A snapshot names what is in it."""
    if entry.model.kind != "snapshot":
        return entry
    names = {
        f"{kind}s": tuple(
            str(getattr(one.model, "name", "")) for one in entry.parts if one.model.kind == kind
        )
        for kind in ("population", "projection")
    }
    return replace(entry, model=entry.model.model_copy(update=names))
