"""One line of a header, a comment to everybody else, with what AER itself has no place for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

MARK = "# neuroarchive: "
LIMIT = 1 << 15  # characters of the line; a longer one is not written


class Notes(NamedTuple):
    """What the line says; nothing of it is needed to read the events."""

    segment: str | None = None
    population: str | None = None
    variable: str | None = None
    coding: str | None = None
    time_unit: str | None = None
    t_start: float | None = None
    t_stop: float | None = None
    silent: tuple[int, ...] = ()  # channels without events
    raw: bool = False  # address events, not spikes

    def line(self) -> str:
        """The line, without its end."""
        said = {key: value for key, value in self._asdict().items() if value not in (None, ())}
        return MARK + json.dumps(said, sort_keys=True)


def notes_of(lines: Sequence[str]) -> Notes:
    """What the line among those of a header says; of a line that makes no sense nothing."""
    for line in lines:
        if line.startswith(MARK):
            try:
                said = json.loads(line.removeprefix(MARK))
            except (ValueError, RecursionError):
                return Notes()
            return _checked(said) if isinstance(said, dict) else Notes()
    return Notes()


def _checked(said: dict[str, Any]) -> Notes:
    found: dict[str, Any] = {}
    for name in ("segment", "population", "variable", "coding", "time_unit"):
        if isinstance(said.get(name), str):
            found[name] = said[name]
    for name in ("t_start", "t_stop"):
        if type(said.get(name)) in (int, float) and abs(said[name]) < 1e300:
            found[name] = float(said[name])
    silent = said.get("silent")
    if isinstance(silent, list) and all(type(n) is int and 0 <= n < 1 << 32 for n in silent):
        found["silent"] = tuple(silent)
    return Notes(**found, raw=said.get("raw") is True)
