"""In what two parameter sets differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import schemas
from archive import values
from archive.experiment.display import html_table, value_text
from archive.experiment.value_keys import Path, leaves, path_text, value_key


@dataclass(frozen=True, slots=True)
class ParameterDiff:
    """What changed from one parameter set to another, by key path (``exc.tau_m``).

    `added` and `removed` have the value; `changed` has the old and the new one; `rewritten` the
    same for values that are equal but for their unit or type, as 10 ms and 0.01 s. It is true if
    there is any difference. Its text is a report of one line each.
    """

    added: dict[str, Any] = field(default_factory=dict)
    removed: dict[str, Any] = field(default_factory=dict)
    changed: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    rewritten: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.rewritten)

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """What happened, to which parameter, and how, in text."""
        for path, value in self.added.items():
            yield "added", path, value_text(value)
        for path, value in self.removed.items():
            yield "removed", path, value_text(value)
        for path, (old, new) in self.changed.items():
            yield (
                "changed",
                path,
                f"{value_text(old)} -> {value_text(new)}{items_differing(old, new)}",
            )
        for path, (old, new) in self.rewritten.items():
            same = f"{_described(old)} -> {_described(new)} (the same value, {_how(old, new)})"
            yield "rewritten", path, same

    def __str__(self) -> str:
        lines = [f"{what} {path}: {how}" for what, path, how in self.rows()]
        return "\n".join(lines) if lines else "no difference"

    def _repr_html_(self) -> str:
        return html_table("Difference of parameters", ["", "parameter", "value"], self.rows())


def difference(old: Mapping[str, schemas.Value], new: Mapping[str, schemas.Value]) -> ParameterDiff:
    """In what the values of two sets differ."""
    before, after = dict(leaves(old)), dict(leaves(new))
    found = ParameterDiff()
    for path, value in after.items():
        if path not in before and not _went_inside(path, value, before):
            found.added[path_text(path)] = values.from_schema(value)
    for path, value in before.items():
        if path not in after:
            if not _went_inside(path, value, after):
                found.removed[path_text(path)] = values.from_schema(value)
        elif not schemas.identical(value, after[path]):
            pair = values.from_schema(value), values.from_schema(after[path])
            same = value_key(value) == value_key(after[path])
            (found.rewritten if same else found.changed)[path_text(path)] = pair
    return found


def _went_inside(path: Path, value: Any, others: Mapping[Path, Any]) -> bool:
    """Whether it is an empty dict that has something in it on the other side."""
    return value == {} and any(other[: len(path)] == path for other in others)


def _described(value: Any) -> str:
    shape = getattr(value, "shape", ())
    return f"{value_text(value)} of {value.dtype}" if shape else value_text(value)


def _unit(value: Any) -> str:
    return str(getattr(value, "dimensionality", "dimensionless"))


def _how(old: Any, new: Any) -> str:
    return "another unit" if _unit(old) != _unit(new) else "another type"


def items_differing(old: Any, new: Any) -> str:
    """How many items of two arrays differ, where that can be said."""
    shapes = getattr(old, "shape", ()), getattr(new, "shape", ())
    if not shapes[0] or shapes[0] != shapes[1] or _unit(old) != _unit(new):
        return ""
    return f", {int(np.sum(np.asarray(old) != np.asarray(new)))} of {np.size(old)} items differ"
