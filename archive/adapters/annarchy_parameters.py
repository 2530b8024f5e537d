"""The JSON of ANNarchy's ``save_parameters`` and ``load_parameters``, of 4.6 to 5.0.

It has the objects ``populations`` and ``projections``, with the numbers of each by name,
``constants`` (since 4.6.2), and ``network`` with whatever values the user likes.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar, Final

from archive.adapters.json_parameters import JsonParameters, json_of
from archive.adapters.measured import from_plain
from archive.entry import Loss
from archive.errors import ArchiveWarning, FormatError
from archive.values import from_schema
from schemas.v1.parameters import ParameterSet
from schemas.v1.unit import conversion, parse
from schemas.v1.value import DEPTH_LIMIT, Array, Quantity, Scalar, Value

GROUPS: Final = ("populations", "projections", "network", "constants")
_OBJECTS: Final = ("populations", "projections")
_TIME = parse("ms").dimension
SNAPSHOT: Final = "a snapshot keeps arrays: run.snapshot(network)"

BEGINNING: Final = re.compile(rb'\s*\{\s*"populations"\s*:\s*\{')


class AnnarchyParameters(JsonParameters):
    """Reads and writes the files of ANNarchy's ``save_parameters`` and ``load_parameters``."""

    name: ClassVar[str] = "annarchy-parameters"

    def recognises(self, path: Path, /) -> bool:
        """Whether it begins as ANNarchy writes it, with the group of populations."""
        try:
            with path.open("rb") as file:
                return BEGINNING.match(file.read(256)) is not None
        except OSError:
            return False

    def values(self, document: Any, path: Path) -> dict[str, Value]:
        try:
            return read_groups(document)
        except FormatError as error:
            raise FormatError(
                error.message, path=path, entry=error.entry, hint=error.hint
            ) from None

    def format(self, model: ParameterSet) -> tuple[str, list[Loss]]:
        groups, losses = plain_groups(model)
        spoiling = [name for name, value in groups["network"].items() if not _is_float(value)]
        if spoiling:
            warnings.warn(
                f"load_parameters of ANNarchy gives an empty dict for 'network', as"
                f" {spoiling[0]!r} is no number; the file holds all of it",
                ArchiveWarning,
                stacklevel=2,
            )
        # ANNarchy reads it in whatever encoding the system has
        return json_of(groups, ascii=True), losses


def looks_like(found: Any) -> bool:
    """Whether a JSON document is laid out as ANNarchy's are."""
    if not isinstance(found, dict) or not found or not found.keys() <= set(GROUPS):
        return False
    objects = [found[group] for group in _OBJECTS if group in found]
    if not objects or not all(isinstance(group, dict) for group in objects):
        return False
    names = [item for group in objects for item in group.values()]
    leaves = [one for item in names if isinstance(item, dict) for one in item.values()]
    # values with units are ours
    return not any(isinstance(one, dict) for one in [*leaves, *_items(found.get("constants"))])


def _items(group: Any) -> list[Any]:
    return list(group.values()) if isinstance(group, dict) else []


# -- in ------------------------------------------------------------------------------------------


def read_groups(found: Any) -> dict[str, Value]:
    """The values of a parameter set. Raises FormatError for what no such file can have."""
    if not isinstance(found, dict):
        raise FormatError(f"ANNarchy's parameters are an object, not a {type(found).__name__}")
    unknown = [key for key in found if key not in GROUPS]
    if unknown:
        raise FormatError(
            f"ANNarchy has no group {unknown[0]!r:.60}, only {', '.join(GROUPS)}",
            hint="format='json' reads any names",
        )
    for group, items in found.items():
        _require_object(items, group)
        if group == "constants":
            _require_numbers(items, group)
        elif group in _OBJECTS:
            for name, parameters in items.items():
                _require_object(parameters, f"{group}.{name}")
                _require_numbers(parameters, f"{group}.{name}")
    values: dict[str, Value] = {
        group: from_plain(items, group) if group != "network" else _free(items, group)
        for group, items in found.items()
    }
    return values


def _free(value: Any, where: str, depth: int = 1) -> Value:
    """JSON as it stands: in the free part an object with a unit is the user's own."""
    if depth > DEPTH_LIMIT:
        raise FormatError(f"nested deeper than {DEPTH_LIMIT}", entry=where[:80])
    if isinstance(value, dict):
        return {key: _free(item, f"{where}.{key}", depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_free(item, f"{where}[{i}]", depth + 1) for i, item in enumerate(value)]
    return from_plain(value, where)


def _require_object(value: Any, where: str) -> None:
    if not isinstance(value, dict):
        raise FormatError(f"it is an object with names, not {_kind(value)}", entry=where)


def _require_numbers(parameters: Mapping[str, Any], where: str) -> None:
    for name, value in parameters.items():
        if isinstance(value, list):
            raise FormatError(
                "ANNarchy's parameter files hold no arrays",
                entry=f"{where}.{name}",
                hint=f"{SNAPSHOT}; format='json' reads lists as lists",
            )
        if not isinstance(value, int | float):
            raise FormatError(
                f"a parameter is a number, not {_kind(value)}",
                entry=f"{where}.{name}",
                hint="'network' may hold any values; format='json' reads others too",
            )


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    return "null" if value is None else names.get(type(value), "a number")


# -- out -----------------------------------------------------------------------------------------


def plain_groups(model: ParameterSet) -> tuple[dict[str, dict[str, Any]], list[Loss]]:
    """The four groups of a set with plain numbers, times in ms, and what they could not carry.

    Constants may also stand at the top level. Raises FormatError for arrays.
    """
    losses: list[Loss] = []
    groups: dict[str, dict[str, Any]] = {group: {} for group in GROUPS}
    for name, value in model.values.items():
        if name in GROUPS:
            if not isinstance(value, dict):
                losses.append(Loss(name, "value", "it is no dict with names"))
            elif name == "constants":
                groups[name].update(_numbers(value, name, losses))
            elif name == "network":
                groups[name].update(_json(value, name, losses))
            else:
                groups[name].update(_members(value, name, losses))
        elif isinstance(value, dict):
            reason = "is it a population or a projection? It must stand in one of these groups"
            losses.append(Loss(name, "place", reason))
        else:
            found = _numbers({name: value}, "", losses)
            if name in groups["constants"] or name in _named(model, "constants"):
                losses.append(Loss(name, "value", "there is a constant of this name, too"))
            else:
                groups["constants"].update(found)
    return groups, losses


def _named(model: ParameterSet, group: str) -> Mapping[str, Any]:
    found = model.values.get(group)
    return found if isinstance(found, dict) else {}


def _members(group: dict[str, Value], where: str, losses: list[Loss]) -> dict[str, Any]:
    found = {}
    for name, parameters in group.items():
        if isinstance(parameters, dict):
            found[name] = _numbers(parameters, f"{where}.{name}", losses)
        else:
            losses.append(Loss(f"{where}.{name}", "value", "it is no dict of parameters"))
    return found


def _numbers(
    parameters: Mapping[str, Value], where: str, losses: list[Loss]
) -> dict[str, int | float]:
    found: dict[str, int | float] = {}
    for name, value in parameters.items():
        at = f"{where}.{name}" if where else name
        number = _number(value, at, losses)
        if number is not None:
            found[name] = number
    return found


def _number(value: Value, where: str, losses: list[Loss]) -> int | float | None:
    """A parameter as a plain number; None, and a loss, if it is none."""
    inner = value.value if isinstance(value, Quantity) else value
    if isinstance(inner, Array | list):
        raise FormatError(
            "ANNarchy's parameters are single numbers, this is an array",
            entry=where,
            hint=SNAPSHOT,
        )
    plain = from_schema(inner)
    if isinstance(inner, Scalar) and inner.dtype[1] in "biuf":
        plain = plain.item()
        if not isinstance(plain, int | float):  # a long double
            plain = float(plain)
        losses.append(Loss(where, "dtype", f"{inner.dtype} becomes a number of JSON"))
    if not isinstance(plain, int | float):
        losses.append(Loss(where, "value", f"{type(plain).__name__} is no number"))
        return None
    if not math.isfinite(plain):
        losses.append(Loss(where, "value", f"JSON has no {plain}"))
        return None
    if isinstance(value, Quantity):
        return _without_unit(plain, value.unit, where, losses)
    return plain


def _without_unit(number: Any, unit: str, where: str, losses: list[Loss]) -> int | float:
    """The number that ANNarchy would have: times in ms, all else as it is."""
    written = number
    if parse(unit).dimension == _TIME and conversion(unit, "ms") != 1:
        written = float(Fraction(Decimal(repr(number))) * conversion(unit, "ms"))
    losses.append(Loss(where, "unit", f"{number} {unit} becomes {written}, without a unit"))
    return written  # type: ignore[no-any-return]


def _json(value: dict[str, Value], where: str, losses: list[Loss]) -> dict[str, Any]:
    """The free part: any JSON. What JSON has not is left out, or becomes a plain number."""
    found: dict[str, Any] = {}
    for key, item in value.items():
        kept, plain = _one_json(item, f"{where}.{key}", losses)
        if kept:
            found[key] = plain
    return found


def _one_json(value: Value, where: str, losses: list[Loss]) -> tuple[bool, Any]:
    if value is None or isinstance(value, bool | str):
        return True, value
    if isinstance(value, list):
        items = [_one_json(item, f"{where}[{i}]", losses) for i, item in enumerate(value)]
        return True, [plain if kept else None for kept, plain in items]
    if isinstance(value, dict):
        return True, _json(value, where, losses)
    number = _number(value, where, losses)
    return number is not None, number


def _is_float(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return True
