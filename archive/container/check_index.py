"""The columns that queries read, against the documents that they were made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.container.columns import NAME, Slot, classify, parameter_row
from archive.container.container import Container
from archive.container.layout import Scope
from archive.query import Column

Said = dict[Slot, tuple[list[int], list[Any]]]


def index_faults(container: Container, scope: Scope) -> Iterator[tuple[str, str]]:
    """Each key whose columns say other than the documents, and how."""
    rows = _rows(container, scope)
    index = container.index(scope)
    said: Said = {}
    for number, row in enumerate(rows):
        for key, value in row.items():
            kind, unit, stored = classify(value)
            numbers, values = said.setdefault(Slot(key, kind, unit), ([], []))
            numbers.append(number)
            values.append(stored)
    for key in dict.fromkeys([NAME, *index.keys(), *(slot.key for slot in said)]):
        columns = {
            Slot(key, column.kind, column.unit): column for column in index.columns(key, len(rows))
        }
        wanted = {slot: content for slot, content in said.items() if slot.key == key}
        for slot in dict.fromkeys([*columns, *wanted]):
            numbers, values = wanted.get(slot, ([], []))
            if slot not in columns:
                # with very many keys not every one gets a column: queries read the documents
                fault = f"{len(numbers)} rows have no column" if index.complete else None
            else:
                fault = _fault(columns[slot], np.array(numbers, np.int64), values, len(rows))
            if fault:
                yield key.lstrip("/"), fault


def _rows(container: Container, scope: Scope) -> list[Mapping[str, schemas.Value]]:
    """What the documents say, one mapping per row, as the index takes it."""
    if scope == "parameters":
        sets = container.parameter_sets
        return [parameter_row(sets.model(row)) for row in range(len(sets))]
    table = container.rows(scope)
    everything = range(len(table))
    annotations = table.many_annotations(everything)
    documents = table.documents(everything)
    return [
        {NAME: document.get("name"), **own}
        for document, own in zip(documents, annotations, strict=True)
    ]


def _fault(
    column: Column, numbers: npt.NDArray[np.int64], values: Sequence[Any], rows: int
) -> str | None:
    """In what a column differs from the values that it should have at some rows."""
    expected = np.zeros(rows, bool)
    expected[numbers] = True
    wrong = np.flatnonzero(column.present != expected)
    if len(wrong):
        index_has = bool(column.present[wrong[0]])
        has, lacks = ("index", "document") if index_has else ("document", "index")
        return f"of row {wrong[0]} the {has} has a value, and the {lacks} has not"
    if column.values is None or not len(numbers):
        return None
    stored = column.values[numbers]
    if column.texts is not None:
        same = np.array([a == b for a, b in zip(column.texts.decode(stored), values, strict=True)])
    else:
        asked = np.array(values, stored.dtype)
        same = (stored == asked) | ((stored != stored) & (asked != asked))
    at = np.flatnonzero(~same)
    return f"row {numbers[at[0]]} has another value than its document" if len(at) else None
