"""What a run began with, or went on from: a run or a snapshot that the program names, or a
snapshot whose state a network took on."""

from __future__ import annotations

import hashlib
import json
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

import schemas
from archive.container import Container
from archive.container.snapshots import parts_of
from archive.experiment.annotated import Annotated
from archive.provenance import shown

How = Literal["rerun", "restored", "named"]


class Going(Protocol):
    """A run that may go on in this process."""

    @property
    def goes_on(self) -> bool: ...
    def begin_with(self, parents: Sequence[Origin], /) -> None: ...


@dataclass(frozen=True, slots=True)
class Origin:
    """A parent, and the archive that it lies in."""

    archive: Path
    said: schemas.Parent

    def seen_from(self, container: Container) -> schemas.Parent:
        """As it is noted with a run of that archive."""
        if container.path == self.archive:
            return self.said
        path = shown(self.archive, container.privacy)
        return self.said.model_copy(update={"path": path})

    @property
    def key(self) -> tuple[str, str, int | None, str]:
        """What it is, whenever it was noted."""
        return key_of(self.said)


def key_of(said: schemas.Parent) -> tuple[str, str, int | None, str]:
    """What a parent is, whenever it was noted, and from wherever."""
    return said.experiment, said.run, said.snapshot, said.how


def origin(thing: Annotated, how: How) -> Origin:
    """A run or a snapshot as a parent, as it is now."""
    container, row = thing._container, thing._row
    run, number, digest = row, None, None
    if thing._scope == "snapshot":
        run = int(container.snapshots[row]["run"])
        own = np.flatnonzero(container.snapshots.all()["run"] == run)
        number = int(np.searchsorted(own, row))
        digest = snapshot_digest(container, row)
    else:
        digest = run_digest(container, row)
    said = schemas.Parent(
        how=how,
        experiment=experiment_id(container),
        run=str(container.runs.document(run)["name"]),
        snapshot=number,
        digest=digest,
        at=datetime.now(UTC),
    )
    return Origin(container.path, said)


def experiment_id(container: Container) -> str:
    """By what an archive is known, wherever it lies."""
    return str(container.experiment.document(0).get("id", ""))


def run_digest(container: Container, row: int) -> str:
    """SHA-256 of the document of a run as it began, without its name: that changes where archives
    are merged. Of what was recorded later it says nothing."""
    model = container.documents.load(container.runs.document(row))
    return schemas.digest(model.model_copy(update={"name": "run"}))


def snapshot_digest(container: Container, row: int) -> str:
    """SHA-256 of what the document of a snapshot says, and of the digests of its arrays."""
    document = {k: v for k, v in container.snapshots.document(row).items() if k != "parts"}
    state = hashlib.sha256(schemas.digest(container.documents.load(document)).encode())
    parts = parts_of(container, row)
    for model, part in zip(
        container.documents.load_all([part["model"] for part in parts]), parts, strict=True
    ):
        state.update(schemas.digest(model).encode())
        arrays = {name: digest for name, (_, digest) in part["arrays"].items()}
        state.update(json.dumps(arrays, sort_keys=True).encode())
    return state.hexdigest()


# -- what was restored in this process -------------------------------------------------------

# Parents of the run that begins next, by what they are, and the runs that go on, newest last.
_waiting: dict[tuple[str, str, int | None, str], Origin] = {}
_going: list[weakref.ref[Going]] = []


def goes_on(run: Going) -> None:
    """A run has begun, with what waited for it. From now on it is the one that a restored snapshot
    belongs to."""
    _waiting.clear()
    _newest()
    _going.append(weakref.ref(run))


def _newest() -> Going | None:
    """The run that began last of those that go on."""
    while _going:
        run = _going[-1]()
        if run is not None and run.goes_on:
            return run
        _going.pop()
    return None


def restored(snapshot: Annotated) -> None:
    """A network took on the state of a snapshot: it is a parent of the run that goes on in this
    process, or else of the one that begins next."""
    found = origin(snapshot, "restored")
    run = _newest()
    if run is None:
        _waiting[found.key] = found
    else:
        run.begin_with([found])


def waiting() -> list[Origin]:
    """What was restored since the last run began, for the one that begins now."""
    return list(_waiting.values())
