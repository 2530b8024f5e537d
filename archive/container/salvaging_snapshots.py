"""What can be read of the populations and projections of a snapshot."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

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
    """The parts of a snapshot, each with the arrays that can be read. Those that are not what was
    written are kept if the contract allows them; a part that makes no sense without an array that
    cannot be kept is left out."""
    for number, part in enumerate(said):
        try:
            (model,) = container.documents.load_all([part["model"]])
        except ArchiveError as error:
            lose(f"part {number}", error)
            continue
        title, arrays, changed = part_title(model), {}, set()
        for name, (row, digest) in part["arrays"].items():
            try:
                arrays[name] = np.asarray(container.pool.array(row))
                if array_digest({"array": arrays[name]}).decode() != digest:
                    changed.add(name)
                    lose(f"{title}: {name}", "it is not what was written")
            except Exception as error:
                lose(f"{title}: {name}", error)
        sound = {name: values for name, values in arrays.items() if name not in changed}
        fault = _fault(snapshot, Entry(model, arrays))
        if fault is None:
            yield Entry(model, arrays)
        elif changed and _fault(snapshot, Entry(model, sound)) is None:
            lose(title, f"it is kept without what was changed ({fault})")
            yield Entry(model, sound)
        elif (mended := _mended(model, arrays)) and _fault(snapshot, mended) is None:
            lose(title, f"{fault}: such connections are left out")
            yield mended
        else:
            lose(title, fault)


def _mended(model: schemas.Model, arrays: Mapping[str, npt.NDArray[Any]]) -> Entry | None:
    """A projection without the connections that lead to no neuron."""
    if not isinstance(model, schemas.Projection) or not {"row_pointers", "columns"} <= set(arrays):
        return None
    pointers, columns, size = arrays["row_pointers"], arrays["columns"], model.size
    others = model.post_size if model.rows == "pre" else model.pre_size
    if columns.shape != (size,) or len(pointers) < 1 or pointers.min() < 0 or pointers.max() > size:
        return None
    keep = (columns >= 0) & (columns < others)
    before = np.concatenate([[0], np.cumsum(keep)])
    kept = {name: a[keep] if a.shape == (size,) else a for name, a in arrays.items()}
    kept["row_pointers"] = before[pointers]
    if "order" in kept:
        kept["order"] = np.argsort(np.argsort(kept["order"]))
    return Entry(model.model_copy(update={"size": int(keep.sum())}), kept)


def _fault(snapshot: schemas.Snapshot, part: Entry) -> str | None:
    """Why a part cannot be kept."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ArchiveWarning)
            checked(Entry(snapshot.model_copy(update=_NO_NAMES), parts=[part]))
    except ContractError as error:
        return error.message
    return None


_NO_NAMES: dict[str, Any] = {"populations": (), "projections": ()}
