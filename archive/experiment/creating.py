"""New archives, and new parts of one beside it."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import schemas
from archive import provenance
from archive.container import create_container
from archive.errors import AlreadyExists
from archive.hooks.plain import modelled


def create_archive(
    path: Path,
    *,
    name: str | None = None,
    description: str | None = None,
    people: Sequence[str] = (),
) -> None:
    """A new archive with nothing in it. Raises AlreadyExists."""
    model = modelled(
        schemas.Experiment,
        str(path),
        id=str(uuid.uuid4()),
        name=name or title(path),
        description=description,
        people=tuple(people),
        created=datetime.now(UTC),
    )
    create_container(path, model, provenance.writer())


def ensure_archive(path: Path) -> None:
    """The same, unless it is there; several processes may do so at once."""
    if not path.exists():
        with contextlib.suppress(AlreadyExists):
            create_archive(path)


def title(path: Path) -> str:
    """What an experiment is called after its file."""
    printable = "".join(c if c.isprintable() else "_" for c in path.stem)
    return printable[:200] or "experiment"
