"""Files of Neo's NixIO as entries: runs for blocks; of those that were written from an archive, all
that its documents say, as far as nobody has changed the file since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isclose
from typing import Any

import numpy as np

import schemas
from archive.adapters.neo_mending import mend
from archive.adapters.neo_nix_documents import Documents
from archive.adapters.neo_nix_values import holdable, is_name
from archive.adapters.neo_runs import block_runs
from archive.entry import Entry, Loss
from archive.hooks.neo_facts import KEPT, MARKS_OF_NIXIO
from archive.hooks.neo_groups import CONTAINERS
from archive.hooks.neo_parts import (
    event_entry,
    image_entry,
    irregular_entry,
    signal_entry,
)
from archive.hooks.neo_trains import train_entries
from archive.values import from_schema, to_schema

READERS = {
    "signal": signal_entry,
    "irregular-signal": irregular_entry,
    "event": event_entry,
    "epoch": event_entry,
    "image-sequence": image_entry,
}
# Fields that Neo has too, and how the two are compared: a document counts while they agree.
SAME = ("unit", "time_unit", "waveform_unit")
CLOSE = ("sampling_period", "t_start", "t_stop", "spatial_scale")


def nix_entries(io: Any, name: str, losses: list[Loss]) -> Iterator[Entry]:
    """The experiment in a file that was written from one; else a run for each block."""
    documents = Documents(io.nix_file)
    there = [block.name for block in io.nix_file.blocks]
    experiment = documents.experiment()
    if experiment is None:
        yield from block_runs(io.iter_blocks(), len(there), name, losses)
        return
    model, listed = experiment
    yield Entry(model, parts=_parts(io, documents, listed, there, losses))


def _parts(
    io: Any,
    documents: Documents,
    listed: list[dict[str, Any]],
    there: list[str],
    losses: list[Loss],
) -> Iterator[Entry]:
    told = set()
    for part in listed:
        if "document" in part:
            yield Entry(documents.model(part["document"]))
        elif part["block"] in there:
            told.add(part["block"])
            yield from _runs(io.read_block(nixname=part["block"]), documents, losses)
    new = [name for name in there if name not in told]
    blocks = (io.read_block(nixname=name) for name in new)
    yield from block_runs(blocks, max(2, len(new)), "", losses)


def _runs(block: Any, documents: Documents, losses: list[Loss]) -> Iterator[Entry]:
    """The run that a block was written from, or the segment of no run."""
    document = documents.block(block.annotations["nix_name"])
    if document is None or not _is_whole(block, document, documents):
        yield from block_runs([block], 2, "", losses)
        return
    by_name = {segment.annotations["nix_name"]: segment for segment in block.segments}
    parts: list[Entry] = []
    for part in document["parts"]:
        if "document" in part:
            parts.append(Entry(documents.model(part["document"])))
        else:
            parts.append(_segment(by_name[part["nix"]], part, documents, losses))
    if document["run"] is None:
        yield from parts
        return
    model = documents.model(document["run"])
    changed: dict[str, Any] = {"annotations": _annotations(model.annotations, block)}
    if block.name != model.name:
        changed["name"] = block.name
    yield Entry(model.model_copy(update=changed), parts=parts)


def _is_whole(block: Any, document: Mapping[str, Any], documents: Documents) -> bool:
    """Whether the block has the objects that the document names, no more and no fewer: groups and
    channel views, which point to them by number, are those of the document then."""
    told: set[str] = set()
    views = groups = 0
    for part in document["parts"]:
        if "segment" in part:
            told |= {part["nix"], *(name for one in part["parts"] for name in one["objects"])}
            kept = from_schema(documents.model(part["segment"]).annotations.get(KEPT, {}))
            views += len(kept.get("views", ()))
            groups += len(kept.get("block", {}).get("groups", ()))
    there = [item for segment in block.segments for item in (segment, *_data(segment))]
    names = [item.annotations["nix_name"] for item in there]
    # NixIO does not hold the views of segments themselves
    return len(names) == len(told) and set(names) == told and len(block.groups) == groups


def _data(segment: Any) -> Iterator[Any]:
    for container in CONTAINERS:
        yield from getattr(segment, container)


def _segment(
    segment: Any, document: Mapping[str, Any], documents: Documents, losses: list[Loss]
) -> Entry:
    model = documents.model(document["segment"])
    changed: dict[str, Any] = {"annotations": _annotations(model.annotations, segment)}
    if (segment.name or "") != (model.name or ""):
        changed["name"] = segment.name or None
    by_name = {item.annotations["nix_name"]: item for item in _data(segment)}
    parts: list[Entry] = []
    for part in document["parts"]:
        items = [by_name[name] for name in part["objects"]]
        parts += _part(documents.model(part["document"]), items, part["arrays"], losses)
    for other in document["others"]:
        parts.insert(other["at"], Entry(documents.model(other["document"])))
    return Entry(model.model_copy(update=changed), parts=parts)


def _part(
    model: Any, items: list[Any], dtypes: Mapping[str, str], losses: list[Loss]
) -> list[Entry]:
    """What a document and the objects of Neo say together."""
    facts = [dict(item.annotations) for item in items]
    _mend(items, losses)
    if model.kind == "spike-trains":
        _harmonise(items)
        read = train_entries(items, None, "")
    else:
        read = [READERS[model.kind](items[0], None, "")]
    if len(read) != 1 or not _agree(model, read[0].model):
        return read
    if model.kind != "spike-trains":
        annotations = _merged(model.annotations, facts[0], {"source_population"})
        model = model.model_copy(update={"annotations": annotations})
    return [
        Entry(
            model,
            {
                name: _typed(name, read[0], dtypes[name])
                for name in dtypes
                if name in read[0].arrays
            },
        )
    ]


def _typed(name: str, read: Entry, dtype: str) -> Any:
    array = np.asarray(read.arrays[name])
    return array.astype(dtype) if name in ("neuron", "channels") else array


def _mend(items: list[Any], losses: list[Loss]) -> None:
    import neo

    block = neo.Block()
    block.segments.append(neo.Segment())
    for item in items:
        block.segments[0].add(item)
    mend(block, losses)


def _harmonise(trains: list[Any]) -> None:
    """Let silent trains have what the others have: of nothing NixIO keeps no type and shape."""
    model = next((train for train in trains if len(train)), None)
    if model is None:
        return
    for train in trains:
        if not len(train):
            if model.waveforms is not None:
                train.waveforms = model.waveforms[:0]
            for name, values in model.array_annotations.items():
                dict.__setitem__(train.array_annotations, name, values[:0])


def _agree(model: schemas.Part, read: Any) -> bool:
    """Whether Neo's object still says what the document says."""
    if getattr(model, "size", None) != getattr(read, "size", None):
        return False
    for name in SAME:
        one, other = (getattr(each, name, None) for each in (model, read))
        if name == "waveform_unit" and one is None:
            continue
        if one != other and (one is None or other is None or not _same_unit(one, other)):
            return False
    for name in CLOSE:
        one, other = (getattr(each, name, None) for each in (model, read))
        if one is not None and not isclose(one, other or 0.0, rel_tol=1e-9, abs_tol=1e-12):
            return False
    kept = from_schema(model.annotations.get(KEPT, {}))
    if model.kind != "spike-trains":
        theirs = from_schema(read.annotations.get(KEPT, {})).get("name", read.variable)
        if (theirs or "") != (kept.get("name", model.variable) or ""):
            return False
    return (read.description or "") == (model.description or "")


def _same_unit(one: str, other: str) -> bool:
    try:
        return schemas.conversion(one, other) == 1
    except schemas.UnitError:
        return False


def _annotations(told: Mapping[str, Any], item: Any) -> dict[str, Any]:
    return _merged(told, item.annotations, set())


def _merged(told: Mapping[str, Any], read: Mapping[str, Any], besides: set[str]) -> dict[str, Any]:
    """The annotations of a document, but for those that somebody has changed in the file since:
    those that Neo reads otherwise than they were written."""
    merged = {}
    for name, value in told.items():
        unseen = name == KEPT or not is_name(name)
        if unseen or (name in read and _same(holdable(from_schema(value)), read[name])):
            merged[name] = value
        elif name in read:
            merged[name] = to_schema(read[name], name)
    for name, value in read.items():
        if name not in told and name not in besides and name not in MARKS_OF_NIXIO:
            merged[name] = to_schema(value, name)
    return merged


def _same(written: Any, read: Any) -> bool:
    """Whether NixIO reads this where that was written: it makes lists of all arrays, and of those
    with one item that item."""
    one, other = _bare(written), _bare(read)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other or (one != one and other != other))


def _bare(value: Any) -> Any:
    if hasattr(value, "dimensionality"):
        return [str(value.dimensionality).strip("()"), _bare(np.asarray(value.magnitude))]
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return _bare(value[0]) if len(value) == 1 else [_bare(item) for item in value]
    return value
