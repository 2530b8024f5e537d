"""The models of entries under the kind that a test expects of them."""

from __future__ import annotations

from typing import TypeVar

import schemas
from archive.entry import Entry

M = TypeVar("M", bound=schemas.Model)


def of_kind(kind: type[M], entry: Entry) -> M:
    """The model of the entry, which must be of that kind."""
    assert isinstance(entry.model, kind), f"a {entry.model.kind} where {kind.__name__} was expected"
    return entry.model
