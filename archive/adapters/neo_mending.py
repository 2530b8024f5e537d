"""Blocks of Neo as an archive can hold them: names, annotations and groups that it cannot hold are
changed or left out, and told as losses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date, time
from enum import Enum
from pathlib import PurePath
from typing import Any

import numpy as np

import schemas
from archive.entry import Loss
from archive.errors import ArchiveError, FormatError
from archive.hooks.neo_facts import KEPT, MARKS_OF_NIXIO
from archive.hooks.neo_groups import CONTAINERS, group_documents
from archive.values import to_schema

_FORBIDDEN = re.compile(r"[/\x00-\x1f\x7f\ud800-\udfff]+")


def mend(block: Any, losses: list[Loss]) -> None:
    """Change a block, and all that is in it, so that it can be kept."""
    _annotations(block, "block", losses)
    for way, item in _items(block):
        item.name = _named(item.name, way, losses)
        _annotations(item, way, losses)
    for segment in block.segments:
        if not isinstance(segment.index, int | None):
            segment.index = int(segment.index)
    _groups(block, losses)


def clean(name: str) -> str:
    """The name without what no name may have: ``/``, control characters, more than 255."""
    return _FORBIDDEN.sub("_", name)[:255]


def _items(block: Any) -> Iterator[tuple[str, Any]]:
    for number, segment in enumerate(block.segments, 1):
        way = clean(segment.name or "") or f"segment {number}"
        yield way, segment
        for container in (*CONTAINERS, "channelviews"):
            for item in getattr(segment, container):
                kind = container.removesuffix("s")
                yield f"{way}/{clean(str(item.name or '')) or kind}", item
    waiting = list(block.groups)
    while waiting:
        group = waiting.pop()
        yield f"group {group.name}", group
        yield from ((f"group {group.name}", view) for view in group.channelviews)
        waiting += group.groups


def _named(name: Any, way: str, losses: list[Loss]) -> str | None:
    if name is None:
        return None
    text = name.decode("latin-1") if isinstance(name, bytes) else str(name)
    mended = clean(text)
    if mended != text:
        losses.append(Loss(way, "name", f"{text!r:.100} became {mended!r:.100}"))
    return mended


def _annotations(item: Any, way: str, losses: list[Loss]) -> None:
    for held in (item.annotations, getattr(item, "array_annotations", {})):
        for name in list(held):
            if name in MARKS_OF_NIXIO:
                del held[name]
                continue
            fault = _checked(held, name)
            if fault:
                losses.append(Loss(way, "annotations", f"{name!r:.60}: {fault:.200}"))
                dict.__delitem__(held, name)


def _checked(held: dict[Any, Any], name: Any) -> str | None:
    """Why an annotation cannot be kept; where it can in another form, it gets that."""
    value = held[name]
    if not isinstance(name, str) or name.startswith(KEPT):
        return "no annotation has such a name"
    try:
        to_schema(value, name)
    except ArchiveError as error:
        with suppress(ArchiveError, ValueError, TypeError, RecursionError):
            other = plain(value)
            to_schema(other, name)
            # an array for each channel is none any more where it is a list
            dict.__setitem__(held, name, np.asarray(other) if _is_array(value) else other)
            return None
        return error.message
    except (ValueError, TypeError, RecursionError, OverflowError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def _is_array(value: Any) -> bool:
    return (
        isinstance(value, np.ndarray)
        and value.dtype.kind == "O"
        and value.ndim == 1
        and all(isinstance(item, str) for item in value.tolist())
    )


def plain(value: Any) -> Any:
    """What an annotation says, in plain values: rows of tables as dicts, times of day as text."""
    if isinstance(value, np.void | np.ndarray) and value.dtype.names:
        if isinstance(value, np.void):
            return {str(name): plain(value[name]) for name in value.dtype.names}
        return [plain(row) for row in value]
    if isinstance(value, np.ndarray) and value.dtype.kind == "O":
        return [plain(item) for item in value.tolist()]
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(map(plain, value), key=repr)
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, date | time) and not hasattr(value, "timestamp"):
        return value.isoformat()
    return str(value) if isinstance(value, PurePath) else value


def _groups(block: Any, losses: list[Loss]) -> None:
    waiting = list(block.groups)
    while waiting:
        group = waiting.pop()
        if len(group.regionsofinterest):
            reason = f"{len(group.regionsofinterest)} regions of interest cannot be kept"
            losses.append(Loss(f"group {group.name}", "regionsofinterest", reason))
            group.regionsofinterest.clear()
        waiting += group.groups
    try:
        group_documents(block)
    except FormatError as error:
        losses.append(Loss("block", "groups", error.message))
        block.groups.clear()


def check_unit(where: str, text: str) -> str | None:
    """What is wrong with a text that quantities would compute with as a unit."""
    if where.rpartition("/")[2].rpartition("@")[2] not in ("unit", "units"):
        return None
    try:
        schemas.parse(text)
    except schemas.UnitError as error:
        return str(error)
    return None
