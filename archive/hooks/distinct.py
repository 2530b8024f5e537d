"""Parts of one segment told apart by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import schemas
from archive.entry import Entry
from archive.hooks.neo_facts import KEPT

SIGNALS = (schemas.Signal, schemas.IrregularSignal)
LONGEST = 240  # characters of a name that a suffix is put to


def distinct(parts: Iterable[Entry]) -> list[Entry]:
    """The parts, of which no two signals (spike trains, events, …) have one population and name.

    The second ``v`` of a population is called ``v-2``, and so on; its own name is kept for Neo.
    """
    told: list[Entry] = []
    taken: set[tuple[object, ...]] = set()
    seen: Counter[tuple[object, ...]] = Counter()
    for part in parts:
        model = part.model
        assert isinstance(model, schemas.Part)
        kind = SIGNALS if isinstance(model, SIGNALS) else type(model)
        name, key = model.variable, (kind, model.population, model.variable)
        while (kind, model.population, name) in taken:
            seen[key] += 1
            name = f"{model.variable[:LONGEST]}-{seen[key] + 1}"
        taken.add((kind, model.population, name))
        told.append(part if name == model.variable else _renamed(part, model, name))
    return told


def _renamed(part: Entry, model: schemas.Part, name: str) -> Entry:
    kept = model.annotations.get(KEPT, {})
    assert isinstance(kept, dict)
    annotations = {**model.annotations, KEPT: {"name": model.variable, **kept}}
    other = model.model_copy(update={"variable": name, "annotations": annotations})
    return Entry(other, part.arrays)
