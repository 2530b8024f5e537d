"""Annotations that parts add to those of their archive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

import schemas
from archive import provenance
from archive.container import Container
from archive.container.layout import Scope
from archive.experiment.joined import all_annotations


def add_annotations(
    target: Container,
    scope: Scope | Literal["experiment"],
    row: int,
    found: Sequence[Mapping[str, schemas.Value]],
    parts: Sequence[str],
) -> None:
    """Add what parts say to the annotations of a row; nothing that is there is changed."""
    own = target.rows(scope).annotations(row)
    together = all_annotations([own, *found], ["", *parts])
    new = {key: value for key, value in together.items() if key not in own}
    if new:
        change = schemas.AnnotationChange(
            annotations=new, author=provenance.user(target.privacy), at=datetime.now(UTC)
        )
        target.annotate(scope, row, change)
