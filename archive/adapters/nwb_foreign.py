"""NWB files of other programs: series, units, events and intervals as the parts of one segment.

Read by what the NWB schema says of each type, not by its name: a group with data and times is a
series, a table with times of spikes one of units; so extensions of the types are read too.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from archive.adapters import nwb_arrays as arrays
from archive.adapters.models import model_of
from archive.adapters.nwb_columns import interval_entry, table_value, units_entry
from archive.adapters.nwb_series import series_entry
from archive.entry import Entry, Loss
from archive.errors import FormatError
from archive.hooks.distinct import distinct
from archive.values import to_schema
from schemas.v1.keyed_value import KeyedValue
from schemas.v1.segment import Segment
from schemas.v1.value import Value

DEPTH, OBJECTS = 20, 200_000
FACTS = ("session_description", "identifier", "session_start_time", "timestamps_reference_time")
NOT_DATA = ("general", "specifications", "file_create_date", *FACTS)
UNKNOWN = "it is of a type that an archive has not"
AWAY = "a link into another file, which is not followed"


def foreign(file: h5py.File, path: Path, losses: list[Loss]) -> Iterator[Entry]:
    """A segment with all that was recorded, and the tables that are no recordings as values."""
    reading = _Reading(path, losses)
    for name in arrays.members(file):
        if name not in NOT_DATA:
            reading.walk(file, name, 0)
    facts = _facts(file)
    general = arrays.child(file, "general")
    if isinstance(general, h5py.Group):
        facts |= reading.general(general)
    start = str(facts.get("session_start_time", ""))
    model = model_of(
        Segment,
        "segment",
        description=str(facts.get("session_description", "")) or None,
        recorded=_moment(start),
        annotations=facts,
    )
    yield Entry(model, parts=distinct(reading.parts))
    yield from reading.tables


class _Reading:
    def __init__(self, path: Path, losses: list[Loss]) -> None:
        self._path = path
        self._losses = losses
        self._seen: set[Any] = set()
        self._claimed = 0
        self.parts: list[Entry] = []
        self.tables: list[Entry] = []

    def walk(self, parent: h5py.Group, name: str, depth: int) -> None:
        """Take what lies under this name, whatever the groups that it lies in are called."""
        link = parent.get(name, getlink=True)
        where = f"{parent.name.rstrip('/')}/{name}"
        if isinstance(link, h5py.SoftLink):
            return  # to what is found where it lies
        if not isinstance(link, h5py.HardLink):
            self._lost(where, AWAY)
            return
        held = parent[name]
        if not self._is_new(held, depth):
            return
        if isinstance(held, h5py.Group):
            self._group(held, depth)
        else:
            self._lost(where, UNKNOWN)

    def _is_new(self, held: h5py.HLObject, depth: int) -> bool:
        """Whether an object is met for the first time: hard links may go round, and fan out."""
        address = h5py.h5o.get_info(held.id).addr
        if address in self._seen:
            return False
        self._seen.add(address)
        if len(self._seen) > OBJECTS or depth > DEPTH:
            raise FormatError("it has more objects, or deeper ones, than is sound", path=self._path)
        return True

    def _group(self, held: h5py.Group, depth: int) -> None:
        names = set(arrays.members(held))
        is_series = "data" in names and not names.isdisjoint({"timestamps", "starting_time"})
        is_units = {"spike_times", "spike_times_index"} <= names
        if is_series or is_units or "timestamp" in names or {"start_time", "stop_time"} <= names:
            self._claim(held)
            if is_series:
                entry = series_entry(held, self._losses)
            elif is_units:
                entry = units_entry(held, self._path, self._losses)
            else:
                entry = interval_entry(held, self._losses)
            if entry is not None:
                self.parts.append(entry)
        elif "colnames" in held.attrs:
            self._table(held)
        else:
            for name in sorted(names):
                self.walk(held, name, depth + 1)

    def _claim(self, held: h5py.Group) -> None:
        """Count what the datasets of an object take, before they are read: a thousand objects may
        link to one."""
        for name in arrays.members(held):
            data = arrays.dataset(held, name)
            self._claimed += 0 if data is None else arrays.bytes_of(data)
        if self._claimed > arrays.most(self._path):
            raise FormatError("it claims more than the file can hold", path=self._path)

    def _table(self, held: h5py.Group) -> None:
        self._claim(held)
        value = table_value(held, self._losses)
        moment = datetime.fromtimestamp(self._path.stat().st_mtime).astimezone()
        key = held.name.strip("/")
        self.tables.append(
            Entry(model_of(KeyedValue, key, key=key, value=to_schema(value, key), at=moment))
        )

    def general(self, held: h5py.Group, depth: int = 0) -> dict[str, Value]:
        """The facts of the session, of its subject and its devices, nested as they lie there; a
        link within the file is the way to where it leads."""
        facts: dict[str, Value] = {}
        if not self._is_new(held, depth):
            return facts
        for name in arrays.members(held):
            link = held.get(name, getlink=True)
            if isinstance(link, h5py.SoftLink):
                facts[name] = link.path
                continue
            if not isinstance(link, h5py.HardLink):
                self._lost(f"{held.name}/{name}", AWAY)
                continue
            found = held[name]
            if isinstance(found, h5py.Group) and "colnames" not in found.attrs:
                inner = self.general(found, depth + 1)
                if inner:
                    facts[name] = inner
            elif not self._is_new(found, depth):
                continue
            elif isinstance(found, h5py.Group):
                self._table(found)
            elif isinstance(found, h5py.Dataset):
                value = _value(held, name)
                if value is None:
                    self._lost(found.name, UNKNOWN)
                else:
                    facts[name] = value
        told = {
            name: attribute
            for name in ("description", "manufacturer", "location")
            if isinstance(attribute := arrays.attribute(held, name), str)
        }
        return {**told, **facts}

    def _lost(self, where: str, reason: str) -> None:
        self._losses.append(Loss(where.strip("/"), "object", reason))


def _facts(file: h5py.File) -> dict[str, Value]:
    found: dict[str, Value] = {"nwb_version": str(arrays.attribute(file, "nwb_version"))}
    return found | {name: text for name in FACTS if (text := arrays.text_of(file, name))}


def _value(parent: h5py.Group, name: str) -> Value:
    data = arrays.dataset(parent, name)
    found = None if data is None or data.shape is None else arrays.column(data)
    if found is None:
        return None
    if isinstance(found, list):
        return found[0] if len(found) == 1 else list(found)
    return to_schema(found.item() if found.size == 1 else np.asarray(found), name)


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.astimezone()
