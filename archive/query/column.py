"""What a query is evaluated on: typed columns, one row per run or segment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

Kind = Literal["float", "int", "bool", "text", "other"]


class Texts(Protocol):
    """The dictionary of a text column: codes stand for texts."""

    def code(self, text: str) -> int | None:
        """The code of exactly this text, None if no row has it."""
        ...

    def decode(self, codes: npt.NDArray[np.int64]) -> list[str]:
        """The texts of some codes (each code once is enough)."""
        ...


class Values(Protocol):
    """The values of an ``other`` column: None, datetime, list, dict, array, huge int, bytes …"""

    def load(self, rows: npt.NDArray[np.int64]) -> Sequence[Any]:
        """The Python values of these rows."""
        ...


@dataclass(frozen=True, slots=True)
class Column:
    """All values of one type and unit that one key has. A key whose values differ in type, or
    in unit, has several columns; each row is present in at most one of them.

    `values`, shape (rows,): float64, int64, bool, or int64 codes of `texts`; meaningless where
    `present` is False. For ``other`` there are no `values`: `objects` loads them.
    """

    kind: Kind
    present: npt.NDArray[np.bool_]
    values: npt.NDArray[Any] | None = None
    unit: str | None = None
    texts: Texts | None = None
    objects: Values | None = None


class Columns(Protocol):
    """A table that can be queried."""

    def __len__(self) -> int:
        """Number of rows."""
        ...

    def columns(self, key: str, /) -> Sequence[Column]:
        """The columns of a key as written in the query (``amplitude``, ``run.simulator``,
        ``parameters.tau_m``, ``name``); an empty sequence if nothing has that key."""
        ...

    def keys(self) -> Sequence[str]:
        """All keys that can be asked for, to name the nearest ones."""
        ...
