"""One segment of several that MPI processes made of it, each with some of the neurons."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

import schemas
from archive import values
from archive.entry import Entry
from archive.experiment.joined import all_annotations
from archive.hooks.pynn import rearranged

PER_NEURON = ("array_annotations", "train_annotations")


def joined_segment(pieces: Mapping[str, Entry]) -> Entry:
    """The segment whose pieces lie in parts, given by the names of these.

    Signals and spike trains of one population are put together, neurons in order; what cannot
    be put together, as signals of other lengths, stays as it is, one behind the other.
    """
    models = [piece.model for piece in pieces.values()]
    first = models[0]
    assert isinstance(first, schemas.Segment)
    facts = [model.annotations for model in models if isinstance(model, schemas.Segment)]
    told = first.model_copy(update={"annotations": all_annotations(facts, list(pieces))})
    groups: dict[Hashable, dict[str, Entry]] = {}
    for name, piece in pieces.items():
        seen: dict[Hashable, int] = {}
        for part in piece.parts:
            key = _fixed(part)
            number = seen[key] = seen.get(key, 0) + 1
            groups.setdefault((key, number), {})[name] = part
    return Entry(told, parts=[part for group in groups.values() for part in _joined(group)])


def _fixed(part: Entry) -> Hashable:
    """What pieces of one signal, or of one set of trains, have in common."""
    document = schemas.dump(part.model)
    for key in ("annotations", "size", "description", *PER_NEURON):
        document.pop(key, None)
    arrays = sorted(
        (name, np.dtype(array.dtype).str if name == "values" else "")
        for name, array in part.arrays.items()
    )
    length = len(part.arrays["values"]) if document["kind"] == "signal" else 0  # type: ignore[arg-type]  # all arrays here have a length
    return repr((sorted(document.items()), arrays, length))


def _joined(group: Mapping[str, Entry]) -> Iterator[Entry]:
    pieces = list(group.values())
    model = pieces[0].model
    if len(pieces) == 1:
        yield pieces[0]
    elif isinstance(model, schemas.Signal | schemas.SpikeTrains):
        yield _together(group)
    else:
        yield from _different(pieces)


def _together(group: Mapping[str, Entry]) -> Entry:
    """Signals side by side, or trains one behind the other, and then in order."""
    pieces = [
        Entry(p.model, {n: np.asarray(a) for n, a in p.arrays.items()}) for p in group.values()
    ]
    models = [piece.model for piece in pieces if isinstance(piece.model, schemas.Part)]
    counts = [len(piece.arrays["channels"]) for piece in pieces]  # type: ignore[arg-type]  # as above
    update: dict[str, Any] = {
        "annotations": all_annotations([model.annotations for model in models], list(group)),
    }
    arrays: dict[str, Any] = {
        "channels": np.concatenate([piece.arrays["channels"] for piece in pieces])
    }
    if isinstance(models[0], schemas.SpikeTrains):
        before = np.cumsum([0, *counts[:-1]])
        arrays["neuron"] = np.concatenate(
            [np.asarray(p.arrays["neuron"]) + n for p, n in zip(pieces, before, strict=True)]
        )
        for name in pieces[0].arrays.keys() & {"times", "waveforms"}:
            arrays[name] = np.concatenate([piece.arrays[name] for piece in pieces])
        update["size"] = sum(counts)
        update["train_annotations"] = _per_neuron(models, "train_annotations", counts)
        spikes = [len(piece.arrays["times"]) for piece in pieces]  # type: ignore[arg-type]  # as above
        update["array_annotations"] = _per_neuron(models, "array_annotations", spikes)
    else:
        arrays["values"] = np.concatenate([piece.arrays["values"] for piece in pieces], axis=1)
        update["array_annotations"] = _per_neuron(models, "array_annotations", counts)
    whole = Entry(models[0].model_copy(update=update), arrays)
    return rearranged(whole, np.argsort(arrays["channels"], kind="stable"))


def _per_neuron(
    models: Sequence[schemas.Part], field: str, counts: Sequence[int]
) -> dict[str, schemas.Value]:
    """Annotations with a value per neuron or spike, one behind the other. Where a piece has none,
    its values are None."""
    found: dict[str, schemas.Value] = {}
    own = [values.from_schema_dict(getattr(model, field)) for model in models]
    for key in dict.fromkeys(key for facts in own for key in facts):
        held = [facts.get(key, [None] * count) for facts, count in zip(own, counts, strict=True)]
        if all(isinstance(value, np.ndarray) for value in held):
            unit = getattr(held[0], "units", None)
            if unit is not None:
                held = [value.rescale(unit).magnitude for value in held]
            joined = np.concatenate(held)
            found[key] = values.to_schema(joined if unit is None else joined * unit, key)
        else:
            found[key] = values.to_schema([item for value in held for item in value], key)
    return found


def _different(pieces: Sequence[Entry]) -> Iterator[Entry]:
    """Each piece, but not what several processes say in the same words."""
    seen: list[Entry] = []
    for piece in pieces:
        if not any(same(piece, other) for other in seen):
            seen.append(piece)
            yield piece


def same(one: Entry, other: Entry) -> bool:
    """Whether two parts of a segment agree in every field and every array."""
    return (
        schemas.identical(schemas.dump(one.model), schemas.dump(other.model))
        and one.arrays.keys() == other.arrays.keys()
        and all(_equal(array, other.arrays[name]) for name, array in one.arrays.items())
    )


def _equal(one: Any, other: Any) -> bool:
    left, right = np.asarray(one), np.asarray(other)
    if left.dtype.kind == "f":
        return left.shape == right.shape and np.array_equal(left, right, equal_nan=True)
    return np.array_equal(left, right)
