"""Tables of annotations as pandas frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archive.errors import MissingPackage
from archive.values import unit_text


def to_frame(table: Sequence[Mapping[str, Any]]) -> Any:
    """A pandas.DataFrame. Where all values of a key are scalar quantities that convert into one
    another, the column holds numbers and its name ends with the unit: ``amplitude [nA]``."""
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingPackage(
            "pandas is not installed", hint="pip install 'neuroarchive[pandas]'"
        ) from error
    keys = dict.fromkeys(key for row in table for key in row)
    columns = dict(_column(key, [row.get(key) for row in table]) for key in keys)
    return pd.DataFrame(columns)


def _column(key: str, values: list[Any]) -> tuple[str, list[Any]]:
    measured = [value for value in values if value is not None]
    if not measured or not all(_is_scalar_quantity(value) for value in measured):
        return key, values
    unit = measured[0].units
    try:
        numbers = [None if v is None else float(v.rescale(unit).magnitude) for v in values]
    except ValueError:  # they differ in dimension
        return key, values
    return f"{key} [{unit_text(unit)}]", numbers


def _is_scalar_quantity(value: Any) -> bool:
    return hasattr(value, "dimensionality") and getattr(value, "shape", None) == ()
