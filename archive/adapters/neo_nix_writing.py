"""Experiments as files of Neo's NixIO: a block for each run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

import schemas
from archive.adapters.neo_mending import clean
from archive.adapters.neo_nix_documents import CONTRACT, EXPERIMENT, SECTION
from archive.adapters.neo_nix_values import make_holdable
from archive.entry import Entry, Loss, Source
from archive.hooks.neo_ import WRITERS, to_neo_block
from archive.hooks.neo_facts import unit_of
from archive.hooks.neo_groups import CONTAINERS
from archive.hooks.neo_lists import train_places
from archive.values import from_schema_dict, quantity

NO_PLACE = "NixIO has no place for it"
Document = dict[str, Any]


def write_blocks(source: Source, path: Path) -> list[Loss]:
    """Write a new file; a run at a time is in memory. Returns what it does not carry."""
    from neo.io import NixIO

    losses: list[Loss] = []
    experiment = source.entry()
    others: list[Document] = []
    with NixIO(str(path), mode="ow") as io:
        section = io.nix_file.create_section(SECTION, "neuroarchive.documents")
        section[CONTRACT] = ".".join(map(str, schemas.CONTRACT))
        for step, part in _steps(experiment.parts):
            if isinstance(part.model, schemas.Run):
                block, document = _block(part, step, losses)
                others.append({"block": _write(io, block, document)})
            elif isinstance(part.model, schemas.Segment):
                run = Entry(schemas.Run(name=clean(step)), parts=[part])
                block, document = _block(run, step, losses, is_bare=True)
                others.append({"block": _write(io, block, document)})
            elif _is_bare(part):
                others.append({"document": schemas.dump(part.model)})
            else:
                losses.append(Loss(step, part.model.kind, NO_PLACE))
        section[EXPERIMENT] = _text({"document": schemas.dump(experiment.model), "parts": others})
    return losses


def _write(io: Any, block: Any, document: Document) -> str:
    """Write a block, and under its name in the file the document."""
    name: str = block.annotations["nix_name"]
    io.write_block(block)
    # NixIO describes no axis of times, durations and channels, as NIX demands
    for array in io.nix_file.blocks[name].data_arrays:
        for _ in range(len(array.shape) - len(array.dimensions)):
            array.append_set_dimension()
    # nor in what unit tags are of what they refer to
    for tag in io.nix_file.blocks[name].multi_tags:
        if len(tag.references) and not tag.units:
            tag.units = [tag.positions.unit]
    io.nix_file.sections[SECTION][name] = _text(document)
    return name


def _text(document: Document) -> str:
    return json.dumps(document, ensure_ascii=True)


def _steps(parts: Any) -> Iterator[tuple[str, Entry]]:
    """Entries with the last step of the way to them, as `archive.entry.ways` has it."""
    seen: Counter[str] = Counter()
    for part in parts:
        model = part.model
        seen[model.kind] += 1
        if isinstance(model, schemas.Part):
            name = "/".join(filter(None, (model.population, model.variable)))
        else:
            name = getattr(model, "name", None) or getattr(model, "key", None) or ""
        yield name or f"{model.kind} {seen[model.kind]}", part


def _is_bare(entry: Entry) -> bool:
    """Whether a model says all: JSON can then hold it."""
    return not entry.arrays and not any(True for _ in entry.parts)


def _block(
    run: Entry, name: str, losses: list[Loss], is_bare: bool = False
) -> tuple[Any, Document]:
    """The neo.Block of a run, ready to be written, and what it cannot say."""
    model = run.model
    assert isinstance(model, schemas.Run)
    parts: list[Document] = []
    segments: list[Entry] = []
    ways: list[list[str]] = []  # to each segment, and to its parts
    for step, part in _steps(run.parts):
        way = step if is_bare else f"{name}/{step}"
        if isinstance(part.model, schemas.Segment):
            kept, others, inside = _holdable_parts(part, way, losses)
            segments.append(Entry(part.model, part.arrays, kept))
            ways.append([way, *inside])
            parts.append({"segment": schemas.dump(part.model), "others": others})
        elif _is_bare(part):
            parts.append({"document": schemas.dump(part.model)})
        else:
            losses.append(Loss(way, part.model.kind, NO_PLACE))
    block = to_neo_block(
        segments,
        name=model.name,
        description=model.description,
        annotations=from_schema_dict(model.annotations),
    )
    block.rec_datetime = _local(model.started)
    block.file_datetime = _local(block.file_datetime)
    _name_all(block)
    told = [one for one in parts if "segment" in one]
    for document, segment, entry, (way, *inside) in zip(
        told, block.segments, segments, ways, strict=True
    ):
        document["nix"] = segment.annotations["nix_name"]
        segment.rec_datetime = _local(segment.rec_datetime)
        segment.file_datetime = _local(segment.file_datetime)
        make_holdable(segment, way, losses)
        objects = _objects(segment, entry)
        for place, part, items in zip(inside, entry.parts, objects, strict=True):
            for item in items:
                make_holdable(item, place, losses)
                _sampled(item)
            _say_waveforms(part, place, losses)
        document["parts"] = [
            _document(part, items) for part, items in zip(entry.parts, objects, strict=True)
        ]
    unseen: list[Loss] = []  # groups and views, and the run that is none, lie in other documents
    make_holdable(block, name, unseen if is_bare else losses)
    for item in _groups(block):
        make_holdable(item, name, unseen)
    return block, {"run": None if is_bare else schemas.dump(model), "parts": parts}


def _holdable_parts(
    segment: Entry, way: str, losses: list[Loss]
) -> tuple[list[Entry], list[Document], list[str]]:
    """The parts that NixIO can hold, the documents of others, and the ways to the parts."""
    ways: list[str] = []
    kept: list[Entry] = []
    others: list[Document] = []
    for step, part in _steps(segment.parts):
        model = part.model
        if isinstance(model, schemas.Part):
            reason = _reason(model, part)
            if reason is None:
                kept.append(part)
                ways.append(f"{way}/{step}")
            else:
                losses.append(Loss(f"{way}/{step}", model.kind, reason))
        elif _is_bare(part):
            others.append({"document": schemas.dump(model), "at": len(kept) + len(others)})
        else:
            losses.append(Loss(f"{way}/{step}", model.kind, NO_PLACE))
    return kept, others, ways


def _reason(model: schemas.Part, part: Entry) -> str | None:
    """Why NixIO cannot hold a part."""
    for name, array in part.arrays.items():
        if array.dtype.kind in "cV" or array.dtype in (np.float16, np.longdouble):
            return f"NixIO cannot hold {name} of dtype {array.dtype}"
    if isinstance(model, schemas.SpikeTrains):
        return None if model.size else "NixIO cannot hold spikes of no neurons"
    tables = schemas.Signal | schemas.IrregularSignal | schemas.ImageSequence
    if isinstance(model, tables) and 0 in part.arrays["values"].shape:
        return "NixIO cannot hold a table without values"
    return None


def _local(moment: datetime | None) -> datetime | None:
    """Local time, as NixIO takes all times to be."""
    if moment is None or moment.tzinfo is None:
        return moment
    return moment.astimezone().replace(tzinfo=None)


def _groups(block: Any) -> Iterator[Any]:
    """Groups within groups, and channel views."""
    for segment in block.segments:
        yield from segment.channelviews
    waiting = list(block.groups)
    while waiting:
        group = waiting.pop()
        yield group
        yield from group.channelviews
        waiting += group.groups


def _data(segment: Any) -> Iterator[Any]:
    for container in CONTAINERS:
        yield from getattr(segment, container)


def _name_all(block: Any) -> None:
    """Names in the file, as NixIO would give them: documents point to objects by these."""
    for segment in block.segments:
        for item in _data(segment):
            item.annotations["nix_name"] = _nix_name(item)
        segment.annotations["nix_name"] = _nix_name(segment)
    block.annotations["nix_name"] = _nix_name(block)


def _sampled(item: Any) -> None:
    """Rates as periods in a unit of time, which NIX demands of axes: of kHz NixIO makes 1/kHz."""
    waves = getattr(item, "waveforms", None)
    if waves is not None and not np.size(waves):
        item.waveforms = waves = None
    if waves is not None:
        if not hasattr(waves, "units"):
            item.waveforms = quantity(np.asarray(waves), "dimensionless")
        if item.sampling_rate is None or item.sampling_rate <= 0:
            item.sampling_rate = quantity(1.0, "Hz")
    if type(item).__name__ == "AnalogSignal" or waves is not None:
        period = 1.0 / item.sampling_rate
        unit = next((one for one in ("s", "ms", "us") if str(period.dimensionality) == one), "ms")
        item.sampling_rate = item.sampling_rate.rescale(unit_of(f"1/{unit}"))


def _nix_name(item: Any) -> str:
    return f"neo.{type(item).__name__.lower()}.{uuid4().hex}"


def _objects(segment: Any, entry: Entry) -> list[list[Any]]:
    """The objects of Neo that each part of a segment became."""
    trains: Sequence[Any] = list(segment.spiketrains)
    of_trains = [part for part in entry.parts if isinstance(part.model, schemas.SpikeTrains)]
    places = iter(train_places(of_trains))
    held = {container: iter(getattr(segment, container)) for container, _ in WRITERS.values()}
    found = []
    for part in entry.parts:
        if isinstance(part.model, schemas.SpikeTrains):
            found.append([trains[place] for place in next(places)])
        else:
            found.append([next(held[WRITERS[type(part.model)][0]])])
    return found


def _document(part: Entry, items: list[Any]) -> Document:
    return {
        "document": schemas.dump(part.model),
        "objects": [item.annotations["nix_name"] for item in items],
        # an index has no type of its own in Neo, and what counts from 0 need not be said
        "arrays": {name: array.dtype.newbyteorder("<").str for name, array in part.arrays.items()},
    }


def _say_waveforms(part: Entry, way: str, losses: list[Loss]) -> None:
    waves = part.arrays.get("waveforms")
    if waves is not None and 0 in waves.shape:
        losses.append(Loss(way, "waveforms", "NixIO cannot hold waveforms of no spikes"))
