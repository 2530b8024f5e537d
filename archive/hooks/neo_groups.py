"""Groups and channel views of Neo as plain documents that point to objects by their place."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from archive.errors import ArchiveWarning, FormatError
from archive.hooks.neo_facts import origin

CONTAINERS = (
    "analogsignals",
    "irregularlysampledsignals",
    "spiketrains",
    "events",
    "epochs",
    "imagesequences",
)
Document = dict[str, Any]
Places = Mapping[int, list[Any]]


def group_documents(block: Any) -> list[Document]:
    """The groups of a block as documents; each member is [segment, container, position].

    Raises FormatError for a member that lies in no segment of the block. Regions of interest
    are told in a warning and left out.
    """
    if not len(block.groups):
        return []
    places = {
        place_id: [number, *place]
        for number, segment in enumerate(block.segments)
        for place_id, place in _places(segment)
    }
    places |= {id(segment): [number] for number, segment in enumerate(block.segments)}
    return [_group_document(group, places) for group in block.groups]


def view_documents(segment: Any) -> list[Document]:
    """The channel views that a segment itself holds; each points to [container, position]."""
    if not len(segment.channelviews):
        return []
    places = dict(_places(segment))
    return [_view_document(view, places, segment.name) for view in segment.channelviews]


def block_groups(documents: Sequence[Document], block: Any) -> list[Any]:
    """The groups that documents describe, of the objects in a block."""
    return [_group(document, block) for document in documents]


def segment_views(documents: Sequence[Document], segment: Any) -> list[Any]:
    """The channel views that documents describe, of the objects in a segment."""
    return [
        _view(document, getattr(segment, document["of"][0])[document["of"][1]])
        for document in documents
    ]


def _places(segment: Any) -> Iterator[tuple[int, list[Any]]]:
    for container in CONTAINERS:
        for position, item in enumerate(getattr(segment, container)):
            yield id(item), [container, position]


def _facts(item: Any) -> Document:
    facts = {
        "name": item.name,
        "description": item.description,
        "annotations": dict(item.annotations),
        **origin(item),
    }
    return {name: value for name, value in facts.items() if value not in (None, {})}


def _place(item: Any, places: Places, name: Any) -> list[Any]:
    if id(item) not in places:
        raise FormatError(
            f"it holds a {type(item).__name__} that lies in no segment",
            entry=f"group or view {name!r}",
            hint="put the object into a segment of the same block",
        )
    return places[id(item)]


def _group_document(group: Any, places: Places) -> Document:
    if len(group.regionsofinterest):
        warnings.warn(
            f"group {group.name!r}: its {len(group.regionsofinterest)} regions of interest cannot"
            " be kept and are left out",
            ArchiveWarning,
            stacklevel=4,
        )
    members = [item for container in CONTAINERS for item in getattr(group, container)]
    document = _facts(group) | {
        "members": [_place(item, places, group.name) for item in members],
        "segments": [_place(item, places, group.name)[0] for item in group.segments],
        "views": [_view_document(view, places, group.name) for view in group.channelviews],
        "groups": [_group_document(inner, places) for inner in group.groups],
    }
    if group.allowed_types is not None:
        document["allowed_types"] = [kind.__name__ for kind in group.allowed_types]
    return document


def _view_document(view: Any, places: Places, name: Any) -> Document:
    return _facts(view) | {
        "of": _place(view.obj, places, name),
        "index": view.index,
        "array_annotations": dict(view.array_annotations),
    }


def _group(document: Document, block: Any) -> Any:
    import neo

    allowed = document.get("allowed_types")
    group = neo.Group(
        name=document.get("name"),
        description=document.get("description"),
        file_origin=document.get("file_origin"),
        allowed_types=None if allowed is None else [getattr(neo, name) for name in allowed],
    )
    group.annotations.update(document.get("annotations", {}))
    for number, container, position in document["members"]:
        group.add(getattr(block.segments[number], container)[position])
    for number in document["segments"]:
        group.segments.append(block.segments[number])
    for described in document["views"]:
        number, container, position = described["of"]
        group.add(_view(described, getattr(block.segments[number], container)[position]))
    for inner in document["groups"]:
        group.add(_group(inner, block))
    return group


def _view(document: Document, item: Any) -> Any:
    import neo

    view = neo.ChannelView(
        item,
        document["index"],
        name=document.get("name"),
        description=document.get("description"),
        file_origin=document.get("file_origin"),
        array_annotations=document["array_annotations"],
    )
    view.annotations.update(document.get("annotations", {}))
    return view
