"""What can be read of the populations and projections of a snapshot."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

import schemas
from archive.container.container import Container
from archive.container.digests import array_digest
from archive.container.snapshot_contract import checked, part_title
from archive.entry import Entry
from archive.errors import ArchiveError, ArchiveWarning, ContractError

Lose = Callable[[str, object], None]


def readable_parts(
    container: Container, snapshot: schemas.Snapshot, said: Sequence[dict[str, Any]], lose: Lose
) -> Iterator[Entry]:
    """The parts of a snapshot, each with the arrays that can be read and are what was written;
    without the part, if it makes no sense without those that cannot."""
    for number, part in enumerate(said):
        field = f"part {number}"
        try:
            (model,) = container.documents.load_all([part["model"]])
        except ArchiveError as error:
            lose(field, error)
            continue
        title = part_title(model)
        arrays = {}
        for name, (row, digest) in part["arrays"].items():
            try:
                values = np.asarray(container.pool.known_array(row, digest))
                if array_digest({"array": values}).decode() != digest:
                    raise ContractError("it is not what was written")
                arrays[name] = values
            except Exception as error:
                lose(f"{title}: {name}", error)
        entry = Entry(model, arrays)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ArchiveWarning)
                checked(Entry(snapshot.model_copy(update=_NO_NAMES), parts=[entry]))
        except ContractError as error:
            lose(title, error)
            continue
        yield entry


_NO_NAMES: dict[str, Any] = {"populations": (), "projections": ()}
