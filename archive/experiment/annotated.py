"""What runs and segments have in common: a row, a name, annotations that can change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, ClassVar, Literal

import schemas
from archive import provenance, values
from archive.container import Container
from archive.container.layout import Scope
from archive.hooks.plain import modelled


class Annotated:
    """A row of the archive with a document."""

    _scope: ClassVar[Scope | Literal["experiment"]]

    def __init__(self, container: Container, row: int, name: str | None = None) -> None:
        """`name` where it is known, so that it need not be read."""
        self._container = container
        self._row = row
        self._name = name

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return self._container is other._container and self._row == other._row

    def __hash__(self) -> int:
        return hash((id(self._container), self._scope, self._row))

    @cached_property
    def _document(self) -> dict[str, Any]:
        return self._container.rows(self._scope).document(self._row)

    @property
    def index(self) -> int:
        """Its number among all of its sort in the archive, from 0 in order of creation; those of
        parts come after the archive's own."""
        return self._row + self._container.rows_before.get(self._scope, 0)

    @property
    def name(self) -> str:
        if self._name is None:
            self._name = self._document.get("name") or ""
        return self._name

    @property
    def description(self) -> str | None:
        return self._document.get("description")

    @property
    def annotations(self) -> dict[str, Any]:
        """Facts by name, as they are now; quantities with their unit."""
        current = self._container.rows(self._scope).annotations(self._row)
        return values.from_schema_dict(current)

    def annotate(
        self,
        annotations: Mapping[str, Any] | None = None,
        /,
        *,
        remove: Iterable[str] = (),
        **more: Any,
    ) -> None:
        """Set annotations, and remove others. Who did it, when, and the former values are kept.

        Raises ContractError for a value or name that cannot be kept, Refused in mode 'r'.
        """
        where = f"annotations of {self._scope} {self.name!r}"
        change = modelled(
            schemas.AnnotationChange,
            where,
            annotations=values.to_schema_dict({**(annotations or {}), **more}, where),
            removed=tuple(remove),
            author=provenance.user(self._container.privacy),
            at=datetime.now(UTC),
        )
        self._container.annotate(self._scope, self._row, change)

    @property
    def history(self) -> list[schemas.AnnotationChange]:
        """Every change of annotations, the oldest first."""
        models = self._container.changes(self._scope, self._row)
        return [model for model in models if isinstance(model, schemas.AnnotationChange)]
