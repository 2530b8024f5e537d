"""From the values of the contract to the cells of a table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from schemas.v1.value import Array, Quantity, Scalar, encode

Cell = str | int | float


def cell(value: Any) -> Cell:
    """One value as it stands in a table, without its unit: numbers in full precision, nothing for
    None, and JSON for what is more than one value."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return value
        case complex():
            return str(value).strip("()")
        case datetime():
            return value.isoformat()
        case Quantity():
            return cell(value.value)
        case Scalar():
            return _scalar(value)
        case Array() if value.dtype[1] in "iub" or _all_finite(value):
            return json.dumps(_numbers(value).tolist())
        case _:
            return json.dumps(encode(value), ensure_ascii=False)


def _scalar(value: Scalar) -> Cell:
    (item,) = np.frombuffer(value.data, value.dtype).tolist() if value.data else ("",)
    return cell(item) if isinstance(item, (bool, int, float, complex, str)) else str(item)


def _all_finite(value: Array) -> bool:
    return value.dtype[1] == "f" and bool(np.isfinite(_numbers(value)).all())


def _numbers(value: Array) -> Any:
    return np.frombuffer(value.data, value.dtype).reshape(value.shape)


def unit_of(value: Any) -> str:
    """The unit of a value; none of what has none."""
    return value.unit if isinstance(value, Quantity) else ""


def flat(values: Mapping[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    """Nested values by their joined names: ``parameters.exc.tau_m``."""
    for name, value in values.items():
        joined = f"{above}.{name}"
        if isinstance(value, dict) and value:
            yield from flat(value, joined)
        else:
            yield joined, value


class Columns:
    """Columns with units. One whose values are all in one unit has it in its heading, ``v [mV]``;
    one with several has a column beside it that says which."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._units: dict[str, set[str]] = {name: set() for name in names}

    def see(self, name: str, unit: str = "") -> None:
        """There is a value of this name and unit."""
        self._units.setdefault(name, set()).add(unit)

    def headings(self) -> list[str]:
        """The first line of the table."""
        found = []
        for name, units in self._units.items():
            if len(units) > 1:
                found += [name, f"{name} unit"]
            else:
                (unit,) = units or {""}
                found.append(f"{name} [{unit}]" if unit else name)
        return found

    def row(self, values: Mapping[str, tuple[Any, str]]) -> list[Cell]:
        """The cells of a line, of values with their units by name."""
        found: list[Cell] = []
        for name, units in self._units.items():
            value, unit = values.get(name, (None, ""))
            found.append(cell(value))
            if len(units) > 1:
                found.append(unit)
        return found
