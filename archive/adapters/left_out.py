"""What of an entry a file has no place for, as losses."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import schemas
from archive.entry import Entry, Loss

NO_PLACE = "the file has no place for it"


def left_out(way: str, entry: Entry, kept: Collection[str], reason: str) -> list[Loss]:
    """Losses of all fields of an entry that say something, and of its arrays, but for `kept`."""
    model = entry.model
    fields = [name for name in said(model) if name not in kept]
    return [Loss(way, name, reason) for name in (*fields, *entry.arrays) if name not in kept]


def said(model: schemas.Facts) -> dict[str, Any]:
    """The fields of a model that differ from their default, those of a newer contract too."""
    found = {}
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        default = field.get_default(call_default_factory=True)
        if name != "kind" and (field.is_required() or value != default):
            found[name] = value
    return found | (model.model_extra or {})


def located(way: str, losses: Iterable[Loss]) -> list[Loss]:
    """Losses of one entry, with the way to it."""
    return [Loss(way, loss.field, loss.reason) for loss in losses]


def whole(way: str, entry: Entry, reason: str) -> Loss:
    """That an entry is lost with all that is in it."""
    return Loss(way, entry.model.kind, reason)
