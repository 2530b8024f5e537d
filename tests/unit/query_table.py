"""A table in memory that can be queried, built from plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

import schemas
from archive.query.column import Column, Kind

ABSENT: Final = object()
_DTYPES: dict[Kind, Any] = {
    "float": np.float64,
    "int": np.int64,
    "bool": np.bool_,
    "text": np.int64,
}
_REST: dict[Kind, Any] = {"float": 50.0, "int": 5, "bool": True, "text": -1}


class CountingTexts:
    """A dictionary of texts that remembers what it had to decode."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = list(dict.fromkeys(texts))
        self.decoded: list[int] = []

    def code(self, text: str) -> int | None:
        # Far from 0, 1, 2 …, as codes that are places in a file.
        return 1000 * self.texts.index(text) if text in self.texts else None

    def decode(self, codes: npt.NDArray[np.int64]) -> list[str]:
        self.decoded += codes.tolist()
        return [self.texts[code // 1000] for code in codes.tolist()]


class LoadedValues:
    """The values of an ``other`` column."""

    def __init__(self, values: Sequence[Any]) -> None:
        self.values = values

    def load(self, rows: npt.NDArray[np.int64]) -> list[Any]:
        return [self.values[row] for row in rows.tolist()]


@dataclass
class Table:
    """Rows of values by key; `ABSENT` where a row lacks the key."""

    rows: Mapping[str, Sequence[Any]]
    asked: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return max((len(values) for values in self.rows.values()), default=0)

    def keys(self) -> list[str]:
        return list(self.rows)

    def columns(self, key: str, /) -> list[Column]:
        self.asked.append(key)
        values = self.rows.get(key, ())
        slots = dict.fromkeys(_slot(value) for value in values if value is not ABSENT)
        return [_column(kind, unit, values) for kind, unit in slots]


def _slot(value: Any) -> tuple[Kind, str | None]:
    kinds: dict[type, Kind] = {bool: "bool", float: "float", str: "text"}
    if isinstance(value, schemas.Quantity) and type(value.value) is float:
        return "float", value.unit
    if isinstance(value, schemas.Quantity) and type(value.value) is int:
        return ("int" if abs(value.value) < 2**63 else "other"), value.unit
    if type(value) is int and -(2**63) <= value < 2**63:
        return "int", None
    return kinds.get(type(value), "other"), None


def _column(kind: Kind, unit: str | None, values: Sequence[Any]) -> Column:
    mine = [value is not ABSENT and _slot(value) == (kind, unit) for value in values]
    present = np.array(mine, np.bool_)
    if kind == "other":
        return Column(kind, present, unit=None, objects=LoadedValues(values))
    texts = CountingTexts([v for v, here in zip(values, mine, strict=True) if here])
    stored = []
    for value, here in zip(values, mine, strict=True):
        number = value.value if isinstance(value, schemas.Quantity) else value
        if not here:
            number = _REST[kind]  # meaningless, and chosen so that it would often match
        elif kind == "text":
            number = texts.code(value)
        stored.append(number)
    return Column(
        kind,
        present,
        values=np.array(stored, _DTYPES[kind]),
        unit=unit,
        texts=texts if kind == "text" else None,
    )
