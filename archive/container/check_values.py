"""Whether the tables of values, merges and names of parameter sets are as layout 1 has them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import schemas
from archive.container.container import Container
from archive.container.heaps import TextHeap
from archive.container.merge_notes import TABLES, merges
from archive.container.tables import table_of
from archive.errors import ArchiveError


def value_faults(container: Container) -> Iterator[tuple[str, str]]:
    """What is wrong with each value: its row, and the fault."""
    names = container.documents.names
    for row, found in enumerate(table_of(container.session, "values").read()):
        name = f"value {row}"
        try:
            key, session = (_text(names, int(found[field])) for field in ("key", "session"))
            if not found["length"]:
                continue
            place = (int(found["record"]), int(found["length"]))
            model = container.documents.load(container.documents.read(place))
        except (ArchiveError, ValueError, IndexError) as error:
            yield name, f"it cannot be read ({error})"
            continue
        if not isinstance(model, schemas.KeyedValue):
            yield name, f"its document is that of a {model.kind}"
        elif (model.key, model.session) != (key, session):
            yield name, "its key or session is not that of its document"


def name_faults(container: Container) -> Iterator[tuple[str, str]]:
    """What is wrong with each name of a parameter set: its row, and the fault."""
    known: dict[str, str] = {}
    for row, found in enumerate(table_of(container.session, "parameter names").read()):
        name = f"parameter name {row}"
        try:
            place = (int(found["record"]), int(found["length"]))
            model = container.documents.load(container.documents.read(place))
        except (ArchiveError, ValueError) as error:
            yield name, f"it cannot be read ({error})"
            continue
        if not isinstance(model, schemas.ParameterName):
            yield name, f"its document is that of a {model.kind}"
            continue
        if container.parameter_sets.find(model.parameters) is None:
            yield name, f"the parameter set called {model.name!r} is missing"
        if known.setdefault(model.name, model.parameters) != model.parameters:
            yield name, f"another parameter set is called {model.name!r} too"


def merge_faults(container: Container) -> Iterator[tuple[str, str]]:
    """What is wrong with each note of a merge: its row, and the fault."""
    lengths = {name[:-1]: len(table_of(container.session, name)) for name in TABLES}
    for row, (document, found) in enumerate(merges(container)):
        if document.get("kind") != "merge" or not document.get("id"):
            yield f"merge {row}", "its document is that of something else"
        for name, length in lengths.items():
            first, count = int(found[name]), int(found[f"{name}s"])
            if not 0 <= first <= first + count <= length:
                yield f"merge {row}", f"{name}s {first} to {first + count} of {length}"


def _text(names: TextHeap, code: int) -> str | None:
    return None if code < 0 else names.decode(np.array([code]))[0]
