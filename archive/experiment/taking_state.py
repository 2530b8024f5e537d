"""From what the user gives to the entry of a snapshot, with its name and annotations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import schemas
from archive import values
from archive.entry import Entry
from archive.errors import ContractError
from archive.hooks import snapshots as hooks
from archive.hooks.plain import modelled
from archive.hooks.restoring import is_chosen


def snapshot_of(
    objects: Sequence[Any],
    *,
    name: str | None,
    populations: hooks.Choice,
    projections: hooks.Choice,
    annotations: Mapping[str, Any] | None,
) -> Entry:
    """The snapshot of live objects, or the one that was given; see `Run.snapshot`."""
    if len(objects) == 1 and isinstance(objects[0], Entry):
        taken = _some(objects[0], populations, projections)
        at = {}
    else:
        taken = hooks.capture(objects, populations=populations, projections=projections)
        at = {"taken": datetime.now(UTC)}
    model = taken.model
    if not isinstance(model, schemas.Snapshot):
        raise ContractError(f"a {model.kind} is not a snapshot", entry=model.kind)
    where = f"snapshot {name or model.name!r}"
    own = values.to_schema_dict(annotations or {}, f"annotations of {where}")
    fields: dict[str, Any] = {field: getattr(model, field) for field in type(model).model_fields}
    fields |= {"annotations": {**model.annotations, **own}}
    fields |= {} if name is None else {"name": name}
    if fields["taken"] is None:
        fields |= at
    return Entry(modelled(schemas.Snapshot, where, **fields), taken.arrays, taken.parts)


def _some(snapshot: Entry, populations: hooks.Choice, projections: hooks.Choice) -> Entry:
    """The populations and projections of an entry that are asked for."""
    if populations is True and projections is True:
        return snapshot
    choice = {"population": populations, "projection": projections}
    parts = [
        part
        for part in snapshot.parts
        if is_chosen(getattr(part.model, "name", ""), choice.get(part.model.kind, True))
    ]
    update: dict[str, Any] = {
        f"{kind}s": tuple(
            part.model.name  # type: ignore[attr-defined]  # parts of a snapshot have names
            for part in parts
            if part.model.kind == kind
        )
        for kind in choice
    }
    return Entry(snapshot.model.model_copy(update=update), snapshot.arrays, parts)
