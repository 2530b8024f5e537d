"""How values and texts from an archive are shown: as text, of bounded length, nothing invisible."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

import schemas
from archive import values

NAME_LIMIT = 120
TEXT_LIMIT = 400
ITEMS_LIMIT = 12  # of a list
_KEPT = frozenset("\n\t")


def shown(text: str, limit: int = TEXT_LIMIT) -> str:
    """A text with what is invisible or turns its direction made visible, and cut at `limit`
    characters; it says how many are hidden."""
    cut = text[:limit]
    if not cut.isprintable():
        cut = "".join(c if c.isprintable() or c in _KEPT else ascii(c)[1:-1] for c in cut)
    return cut if len(text) <= limit else f"{cut}… ({len(text) - limit:,} more characters)"


def value_shown(value: Any, limit: int = TEXT_LIMIT) -> str:
    """A value of the contract in few characters; an array by its shape, type and unit."""
    if isinstance(value, schemas.Quantity):
        return f"{value_shown(value.value, limit)} {shown(value.unit, NAME_LIMIT)}"
    if isinstance(value, schemas.Array):
        shape = " × ".join(map(str, value.shape)) or "no axis"
        return f"array {shape}, {value.dtype.lstrip('<|')}"
    if isinstance(value, schemas.Scalar):
        return str(values.from_schema(value))
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 4000:
        return f"an integer of {value.bit_length():,} bits"  # Python writes no longer ones
    if isinstance(value, list):
        told = ", ".join(value_shown(one, NAME_LIMIT) for one in value[:ITEMS_LIMIT])
        hidden = len(value) - ITEMS_LIMIT
        return shown(f"[{told}{f', … {hidden:,} more' if hidden > 0 else ''}]", limit)
    if isinstance(value, dict):
        told = ", ".join(
            f"{shown(key, NAME_LIMIT)}: {value_shown(one, NAME_LIMIT)}"
            for key, one in list(value.items())[:ITEMS_LIMIT]
        )
        hidden = len(value) - ITEMS_LIMIT
        return shown(f"{{{told}{f', … {hidden:,} more' if hidden > 0 else ''}}}", limit)
    return shown(str(value), limit)


def number_of(value: Any) -> float | None:
    """By what a value is sorted among numbers: one number, in SI units; None if it is none."""
    scale = 1.0
    if isinstance(value, schemas.Quantity):
        scale, value = float(schemas.parse(value.unit).scale), value.value
    if isinstance(value, schemas.Scalar):
        value = values.from_schema(value)
        if getattr(value, "dtype", None) is None or value.dtype.kind not in "biuf":
            return None
    if isinstance(value, complex | schemas.Array) or not hasattr(value, "__float__"):
        return None
    try:
        number = float(value) * scale
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
