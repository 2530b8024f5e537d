"""Fields of the structs that Neo writes: quantities, texts, times of day, annotations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.adapters.mat_found import Chars, Found, Structs
from archive.adapters.mat_values_reading import Values
from archive.entry import Loss
from archive.errors import ContractError, FormatError
from archive.values import from_schema, quantity

NONE = "Py_None"  # as Neo writes it, of annotations only
_DEPTH = 40


class Fields:
    """The fields of a struct; each is taken once, and what is left in the end is lost."""

    def __init__(self, held: Mapping[str, Found], where: str, losses: list[Loss]) -> None:
        self.where, self.losses = where, losses
        self._held = dict(held)
        self._names = set(held)

    def __contains__(self, name: str) -> bool:
        """Whether the struct had the field, and it was not empty where Neo says that by nothing."""
        return name in self._names

    def take(self, name: str) -> Found:
        """A field. Raises FormatError if there is none."""
        if name not in self._names:
            raise FormatError("it is missing", entry=f"{self.where}.{name}")
        return self._held.pop(name)

    def inside(self, name: str) -> Iterator[Fields]:
        """The structs in a cell."""
        if name in self._held:
            for at, each in enumerate(items(self.take(name)), 1):
                yield Fields(each, f"{self.where}.{name}{{{at}}}", self.losses)

    def in_unit(self, values: npt.NDArray[Any], name: str) -> Any:
        """The values with the unit that the struct says for the field."""
        unit = one_text(self.take(f"{name}_units"), f"{self.where}.{name}_units")
        try:
            return quantity(values, unit)
        except ContractError as error:
            raise FormatError(error.message, entry=f"{self.where}.{name}_units") from None

    def quantity(self, name: str, axes: int) -> Any:
        """A field with its unit, as one number or as a vector."""
        where = f"{self.where}.{name}"
        found = numbers(self.take(name), where)
        if axes == 0:
            if found.size != 1:
                raise FormatError(f"{found.size} numbers in place of one", entry=where)
            return self.in_unit(found.reshape(()), name)
        return self.in_unit(found.reshape(-1), name)

    def lose(self, reason: str) -> None:
        """Note that the struct is not carried."""
        self.losses.append(Loss(self.where.partition(".")[0], self.where, reason))

    def lose_rest(self) -> None:
        """Note the fields that nobody asked for."""
        entry = self.where.partition(".")[0]
        for name in self._held:
            self.losses.append(Loss(entry, f"{self.where}.{name}", "Neo has no such field"))
        self._held = {}


def items(found: Found) -> list[dict[str, Any]]:
    """The structs in a cell, or in an array of structs. Raises FormatError for what is none."""
    if isinstance(found, Structs):
        return found.items
    if isinstance(found, np.ndarray) and not found.size:
        return []
    if isinstance(found, np.ndarray) and found.dtype.hasobject:
        cells = found.reshape(-1, order="F").tolist()
        if all(isinstance(cell, Structs) and len(cell.items) == 1 for cell in cells):
            return [cell.items[0] for cell in cells]
    raise FormatError("it is no cell of structs")


def numbers(found: Found, where: str) -> npt.NDArray[Any]:
    """An array of numbers. Raises FormatError for anything else."""
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "biufc":
        raise FormatError("they are no numbers", entry=where)
    return found


def number(found: Found, where: str) -> float:
    """One finite number. Raises FormatError for anything else."""
    held = numbers(found, where)
    if held.size != 1 or held.dtype.kind == "c" or not np.isfinite(held).all():
        raise FormatError("it is no number", entry=where)
    return float(held.reshape(-1)[0])


def keys(found: Found, where: str) -> list[int]:
    """The numbers that objects have in a file. Raises FormatError for what are none."""
    held = numbers(found, where).reshape(-1)
    if held.dtype.kind == "c" or not np.isfinite(held).all():
        raise FormatError("they are no numbers of objects", entry=where)
    return [int(key) for key in held]


def described(fields: Fields) -> dict[str, str]:
    """What all of Neo's objects have, as far as it is there."""
    return {
        name: one_text(fields.take(name), f"{fields.where}.{name}")
        for name in ("name", "description", "file_origin")
        if name in fields
    }


def one_text(found: Found, where: str) -> str:
    """One text. Raises FormatError for anything else."""
    if not isinstance(found, Chars) or len(found.rows) > 1:
        raise FormatError("it is no text", entry=where)
    return found.rows[0] if found.rows else ""


def text_list(found: Found, where: str) -> list[str]:
    """The rows of a matrix of characters, or the items of a cell, without blanks at the end."""
    if isinstance(found, Chars):
        return [row.rstrip(" ") for row in found.rows]
    if isinstance(found, np.ndarray) and (found.dtype.hasobject or not found.size):
        return [one_text(cell, where).rstrip(" ") for cell in found.reshape(-1, order="F")]
    raise FormatError("it is no list of texts", entry=where)


def moment(found: Found) -> datetime | None:
    """A time of day as Python's ``str`` has it; None for what is none."""
    if not isinstance(found, Chars) or len(found.rows) != 1:
        return None
    try:
        return datetime.fromisoformat(found.rows[0].strip())
    except ValueError:
        return None


def annotations_of(fields: Fields) -> dict[str, Any]:
    """Annotations as Neo has them: rows are vectors, one number is a number."""
    if "annotations" not in fields:
        return {}
    found = fields.take("annotations")
    where = f"{fields.where}.annotations"
    if not isinstance(found, Structs) or len(found.items) != 1:
        if isinstance(found, np.ndarray) and not found.size:
            return {}
        raise FormatError("they are no struct", entry=where)
    return _dict(found.items[0], where, fields.losses, 0)


def _dict(held: Mapping[str, Found], where: str, losses: list[Loss], depth: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in held.items():
        if name.endswith("_units") and name.removesuffix("_units") in held:
            continue
        unit = held.get(f"{name}_units")
        place = f"{where}.{name}"
        if isinstance(unit, Chars) and isinstance(value, np.ndarray):
            made[name] = Fields({name: value, f"{name}_units": unit}, where, losses).quantity(
                name, axes=0 if value.size == 1 else 1
            )
        elif isinstance(value, Structs) and len(value.items) == 1 and depth < _DEPTH:
            made[name] = _dict(value.items[0], place, losses, depth + 1)
        else:
            made[name] = _plain(value, place, losses)
            if unit is not None:
                made[f"{name}_units"] = _plain(unit, f"{place}_units", losses)
    return made


def _plain(found: Found, where: str, losses: list[Loss]) -> Any:
    if isinstance(found, Chars):
        rows = text_list(found, where)
        if found.shape[:1] == (1,):
            return None if found.rows == [NONE] else found.rows[0]
        return rows if rows else ""
    if isinstance(found, np.ndarray) and not found.dtype.hasobject:
        if found.size == 1 and found.ndim == 2:
            return found.reshape(-1)[0].item()
        return found[0] if found.ndim == 2 and found.shape[0] == 1 else found
    return from_schema(Values(where.partition(".")[0], losses).value(found, where))
