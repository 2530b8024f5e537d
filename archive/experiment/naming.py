"""Finding things by name, and saying what could have been meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from archive.errors import NotFound
from archive.experiment.display import html_table

Thing = TypeVar("Thing")


def not_found(what: str, name: str, known: Iterable[str]) -> NotFound:
    """The error for a name that is not there, with the nearest ones that are."""
    from difflib import get_close_matches  # 1 ms, and most names are there

    names = [name for name in known if name]
    near = get_close_matches(name, names, n=3, cutoff=0.5) or names[:5]
    if not near:
        return NotFound(f"there is no {what} {name!r}", hint=f"there is no {what} at all")
    listed = ", ".join(repr(n) for n in near)
    return NotFound(f"there is no {what} {name!r}", hint=f"there is {listed}")


class Named(Mapping[str, Thing]):
    """Things of one sort in a segment, by name; a variable alone will do where only one has it."""

    def __init__(self, what: str, things: Mapping[str, Thing]) -> None:
        self._what = what
        self._things = things

    def __getitem__(self, name: str) -> Thing:
        found = self._things.get(name)
        if found is not None:
            return found
        same = [n for n in self._things if n.rsplit("/", 1)[-1] == name]
        if len(same) == 1:
            return self._things[same[0]]
        raise not_found(self._what, name, same or self._things)

    def __contains__(self, name: object) -> bool:
        try:
            self[str(name)]
        except NotFound:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self._things)

    def __len__(self) -> int:
        return len(self._things)

    def __repr__(self) -> str:
        lines = "".join(f"\n  {thing!r}" for thing in self._things.values())
        return f"<{len(self)} {self._what}s>{lines}"

    def _repr_html_(self) -> str:
        rows = [(name, repr(thing)) for name, thing in self._things.items()]
        return html_table(f"{len(self)} {self._what}s", ["name", ""], rows)
