"""Segments and blocks of Neo as entries, and entries as segments and blocks of Neo."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import schemas
from archive.entry import Entry
from archive.hooks.distinct import distinct
from archive.hooks.neo_facts import frozen, origin, thawed
from archive.hooks.neo_groups import (
    block_groups,
    group_documents,
    segment_views,
    view_documents,
)
from archive.hooks.neo_lists import neo_trains
from archive.hooks.neo_parts import (
    event_entry,
    image_entry,
    irregular_entry,
    neo_addresses,
    neo_event,
    neo_images,
    neo_irregular,
    neo_signal,
    signal_entry,
)
from archive.hooks.neo_trains import train_entries
from archive.hooks.plain import modelled

READERS = (
    ("analogsignals", signal_entry),
    ("irregularlysampledsignals", irregular_entry),
    ("events", event_entry),
    ("epochs", event_entry),
    ("imagesequences", image_entry),
)
WRITERS: dict[type[schemas.Model], tuple[str, Callable[[Entry], Any]]] = {
    schemas.Signal: ("analogsignals", neo_signal),
    schemas.IrregularSignal: ("irregularlysampledsignals", neo_irregular),
    schemas.AddressEvents: ("irregularlysampledsignals", neo_addresses),
    schemas.Event: ("events", neo_event),
    schemas.Epoch: ("epochs", neo_event),
    schemas.ImageSequence: ("imagesequences", neo_images),
}


def segment_entry(segment: Any, population: str | None = None) -> Entry:
    """A neo.Segment as the entry of a segment, with everything in it as parts.

    The annotation ``source_population`` becomes the part's population, ``channel_index`` and
    ``source_index`` its channels; `population` is for objects that name none. What only Neo
    knows lies in the annotation ``_neo``. A time of recording without a zone is taken as local.
    Objects of one name get the suffixes -2, -3, … Raises ContractError or FormatError for data
    that cannot be kept, naming the segment and object.
    """
    return _segment_entry(segment, population, {})


def block_entries(block: Any, population: str | None = None) -> list[Entry]:
    """The segments of a neo.Block as entries.

    The block's own facts and its groups are kept in the ``_neo`` annotation of each segment
    (the groups in that of the first alone), from which ``to_neo_block`` makes it again.
    """
    facts = {
        "name": block.name,
        "description": block.description,
        "annotations": dict(block.annotations),
        "index": block.index,
        "file_datetime": block.file_datetime,
        "rec_datetime": block.rec_datetime,
        **origin(block),
    }
    told = {name: value for name, value in facts.items() if value not in (None, {})}
    groups = group_documents(block)
    entries = []
    for number, segment in enumerate(block.segments):
        own = told | ({"groups": groups} if groups and number == 0 else {})
        entries.append(_segment_entry(segment, population, {"block": own} if own else {}))
    return entries


def to_neo_segment(entry: Entry) -> Any:
    """The entry of a segment as a neo.Segment; reads all its arrays."""
    import neo

    model = entry.model
    assert isinstance(model, schemas.Segment)
    annotations, kept = thawed(model.annotations)
    recorded = model.recorded
    if recorded is not None and not kept.get("zoned"):
        recorded = recorded.replace(tzinfo=None)  # Neo, as PyNN, has local times without a zone
    segment = neo.Segment(
        name=kept.get("name", model.name),
        description=model.description,
        file_origin=kept.get("file_origin"),
        file_datetime=kept.get("file_datetime"),
        rec_datetime=recorded,
        index=kept.get("index"),
    )
    segment.annotations.update(annotations)
    spikes = []
    for part in entry.parts:
        if isinstance(part.model, schemas.SpikeTrains):
            spikes.append(part)
        else:
            getattr(segment, WRITERS[type(part.model)][0]).append(to_neo_part(part))
    trains = neo_trains(spikes)
    trains.segment = segment
    segment._spiketrains = trains  # assigning to the property would make every train an object
    for train in trains._items or ():
        train.segment = segment
    for view in segment_views(kept.get("views", []), segment):
        segment.channelviews.append(view)
    return segment


def to_neo_part(entry: Entry) -> Any:
    """What lies in a segment as the object of Neo: an AnalogSignal, an Event, …; spike trains
    are a SpikeTrainList."""
    if isinstance(entry.model, schemas.SpikeTrains):
        return neo_trains([entry])
    return WRITERS[type(entry.model)][1](entry)


def to_neo_block(
    segments: Iterable[Entry],
    *,
    name: str | None = None,
    description: str | None = None,
    annotations: Mapping[str, Any] | None = None,
) -> Any:
    """The entries of segments as a neo.Block.

    If they came from one block, it gets the facts and groups that this had; what is given here
    counts more.
    """
    import neo

    entries = list(segments)
    facts: dict[str, Any] = {}
    for entry in entries:
        model = entry.model
        assert isinstance(model, schemas.Segment)
        facts = thawed(model.annotations)[1].get("block", {}) | facts
    block = neo.Block(
        name=facts.get("name") if name is None else name,
        description=facts.get("description") if description is None else description,
        file_origin=facts.get("file_origin"),
        file_datetime=facts.get("file_datetime"),
        rec_datetime=facts.get("rec_datetime"),
        index=facts.get("index"),
    )
    block.annotations.update(facts.get("annotations", {}), **(annotations or {}))
    for entry in entries:
        block.segments.append(to_neo_segment(entry))
    for group in block_groups(facts.get("groups", []), block):
        block.groups.append(group)
    return block


def _segment_entry(segment: Any, population: str | None, more: Mapping[str, Any]) -> Entry:
    where = segment.name or "neo.Segment"
    kept = origin(segment) | dict(more)
    if segment.name == "":
        kept["name"] = ""
    for fact in ("index", "file_datetime"):
        if getattr(segment, fact) is not None:
            kept[fact] = getattr(segment, fact)
    views = view_documents(segment)
    if views:
        kept["views"] = views
    recorded = segment.rec_datetime
    if recorded is not None and recorded.tzinfo is not None:
        kept["zoned"] = True
    parts = [
        read(item, population, where)
        for container, read in READERS
        for item in getattr(segment, container)
    ]
    parts += train_entries(segment.spiketrains, population, where)
    model = modelled(
        schemas.Segment,
        where,
        name=segment.name or None,
        description=segment.description,
        recorded=_local(recorded),
        annotations=frozen(segment.annotations, kept, where),
    )
    return Entry(model, parts=distinct(parts))


def _local(moment: datetime | None) -> datetime | None:
    """A time with its zone: the local one if it names none."""
    return moment.astimezone() if moment is not None and moment.tzinfo is None else moment
