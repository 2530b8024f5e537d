"""Annotations before and after their changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import schemas


def annotations_after(
    first: Mapping[str, schemas.Value], changes: Iterable[schemas.Model]
) -> dict[str, schemas.Value]:
    """Annotations after changes, the oldest first."""
    current = dict(first)
    for change in changes:
        if isinstance(change, schemas.AnnotationChange):
            for key in change.removed:
                current.pop(key, None)
            current.update(change.annotations)
    return current


def annotations_before(
    last: Mapping[str, schemas.Value], changes: Sequence[schemas.Model]
) -> dict[str, schemas.Value]:
    """What annotations were before changes, the oldest first, made them what they are."""
    current = dict(last)
    for change in reversed(changes):
        if isinstance(change, schemas.AnnotationChange):
            for key in change.annotations:
                current.pop(key, None)
            current.update(change.former)
    return current
