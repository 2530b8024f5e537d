"""A population as ANNarchy saves it, from the file and into it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.adapters.annarchy_rows import is_single, numbers, single
from archive.adapters.annarchy_texts import EXTRA, attributes, text
from archive.adapters.models import model_of
from archive.entry import Entry
from archive.errors import FormatError
from archive.values import to_schema_dict

_OWN = {"name", "geometry", "size", "attributes", "parameters", "variables", EXTRA}


def population(key: str, item: Mapping[str, Any]) -> Entry:
    """The entry of a population; the file has it under the name `key`."""
    name = text(item["name"], f"{key}: name") if "name" in item else key
    geometry, size = _extent(item, name)
    names, parameter_names, variable_names = attributes(item, name)
    parameters: dict[str, Any] = {}
    arrays: dict[str, npt.NDArray[Any]] = {}
    for each in names:
        value, where = item[each], f"{name}: {each}"
        if is_single(value) and not (np.ndim(value) > 0 and size == 1):
            if each in variable_names:
                arrays[f"state:{each}"] = np.array([single(value)])
            else:
                parameters[each] = single(value)
            continue
        held = numbers(value, where)
        if len(held) != size:
            raise FormatError(
                f"{len(held)} values for {size} neurons",
                entry=where,
                hint="ANNarchy itself would load it, and then have an array of a wrong size",
            )
        arrays[f"state:{each}"] = held
    native: dict[str, Any] = {"parameters": parameter_names, "variables": variable_names}
    unlisted = {each: value for each, value in item.items() if each not in _OWN | set(names)}
    if unlisted:
        native["unlisted"] = plain(unlisted)
    model = model_of(
        schemas.Population,
        name,
        name=name,
        size=size,
        geometry=geometry,
        parameters=to_schema_dict(parameters, name),
        native=to_schema_dict(native, name),
    )
    return Entry(model, arrays)


def _extent(item: Mapping[str, Any], name: str) -> tuple[tuple[int, ...] | None, int]:
    geometry = None
    if "geometry" in item:
        found = numbers(item["geometry"], f"{name}: geometry", whole=True)
        geometry = tuple(map(int, found))
    if "size" in item:
        sizes = numbers(item["size"], f"{name}: size", whole=True)
        if len(sizes) != 1:
            raise FormatError("it is no number", entry=f"{name}: size")
        size = int(sizes[0])
    else:
        size = math.prod(geometry or ())
    if size < 0 or (geometry is not None and math.prod(geometry) != size):
        raise FormatError(f"a geometry of {geometry} for {size} neurons", entry=f"{name}: geometry")
    return geometry, size


def plain(value: Any) -> Any:
    """A value of which the contract can hold all: arrays of objects become lists."""
    if isinstance(value, np.ndarray) and value.dtype.hasobject:
        return plain(value.tolist())
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(map(plain, value), key=repr)
    return value
