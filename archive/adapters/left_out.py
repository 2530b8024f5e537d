"""What of an entry a writer leaves out, as losses."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from archive.entry import Entry, Loss

NO_PLACE = "the format has no place for it"


def whole(entry: Entry, way: str, reason: str = NO_PLACE) -> Loss:
    """An entry that is lost with all that is in it."""
    return Loss(way, entry.model.kind, reason)


def fields(
    entry: Entry, way: str, carried: Collection[str] = (), reason: str = NO_PLACE
) -> Iterator[Loss]:
    """The fields and arrays of an entry that are not among the `carried`; a field that has its
    default comes back by itself."""
    model = entry.model
    for name, field in type(model).model_fields.items():
        if name == "kind" or name in carried:
            continue
        if field.is_required() or getattr(model, name) != field.get_default(
            call_default_factory=True, validated_data={}
        ):
            yield Loss(way, name, reason)
    extra = [*(model.model_extra or ()), *entry.arrays]
    yield from (Loss(way, name, reason) for name in extra if name not in carried)
