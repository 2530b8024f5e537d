"""What a foreign file has and no recording is: values under keys."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import schemas
from archive.adapters.models import model_of
from archive.entry import Entry
from archive.values import to_schema
from schemas.v1.value import Array


def keyed(key: str, values: object, path: Path, unit: str | None = None) -> Entry:
    """A keyed value, as old as the file is. Numbers of an array have the unit, if there is one."""
    value = to_schema(values, key)
    if isinstance(value, Array) and unit not in (None, "", "dimensionless"):
        value = schemas.Quantity(value, str(unit))
    at = written_at(path)
    return Entry(model_of(schemas.KeyedValue, key, key=key, value=value, at=at))


def written_at(path: Path) -> datetime:
    """When a file was written, or the first moment of 1970 where nobody knows: no such file says
    when a value was set, but it was not later."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except (OSError, OverflowError, ValueError):
        return datetime.fromtimestamp(0, UTC)
