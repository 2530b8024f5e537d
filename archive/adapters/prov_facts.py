"""The fields of a model as attributes of W3C PROV, and those that have no place there as losses."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import schemas
from archive.adapters.left_out import said
from archive.adapters.prov_document import Attribute
from archive.adapters.prov_terms import Name, as_json, literal, local
from archive.entry import Loss
from schemas.v1.value import encode

_BYTES = 4096  # more of them are data, for which PROV has no place
NO_DATA = "PROV tells of data, and has none"
# Fields whose names in PROV are those of what they hold one of.
_SINGULAR = {"annotations": "annotation", "values": "parameter", "packages": "package"}


def facts(
    way: str, model: schemas.Model, losses: list[Loss], without: Collection[str] = ()
) -> list[Attribute]:
    """All that a model says but for fields `without`; arrays and long bytes are losses."""
    found: list[Attribute] = []
    for field, value in said(model).items():
        if field not in without:
            for item in _flat((_SINGULAR.get(field, field),), field, value):
                if isinstance(item, str):
                    losses.append(Loss(way, item, NO_DATA))
                else:
                    found.append(item)
    return found


def _flat(steps: tuple[str, ...], field: str, value: Any) -> Iterator[Attribute | str]:
    """The attributes of a value; of what has no place the field it is in, with the way there."""
    match value:
        case schemas.Facts():
            for name, inner in said(value).items():
                yield from _flat((*steps, name), f"{field}.{name}", inner)
        case dict() if value:
            for name, inner in value.items():
                yield from _flat((*steps, name), f"{field}.{name}", inner)
        case schemas.Array():
            yield field
        case schemas.Quantity(value=schemas.Array()):
            yield field
        case schemas.Quantity():
            yield Name("na", local(*steps)), literal(value.value)
            yield Name("na", local("unit", *steps)), literal(value.unit)
        case bytes() if len(value) > _BYTES or steps[-1] in ("content", "diff"):
            yield field
        case tuple():
            yield Name("na", local(*steps)), as_json([*value])
        case list() if _has_data(value):
            yield field
        case list() | dict():
            yield Name("na", local(*steps)), as_json(encode(value))
        case _:
            yield Name("na", local(*steps)), literal(value)


def _has_data(value: Any) -> bool:
    match value:
        case list():
            return any(map(_has_data, value))
        case dict():
            return any(map(_has_data, value.values()))
        case schemas.Quantity():
            return _has_data(value.value)
        case _:
            long = isinstance(value, bytes) and len(value) > _BYTES
            return long or isinstance(value, schemas.Array)
