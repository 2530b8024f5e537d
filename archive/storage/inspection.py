"""A walk over a whole HDF5 file, before a program that trusts it is let near it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import numpy.typing as npt
from h5py import h5a, h5d, h5f, h5g, h5o, h5t

from archive.storage.growing import allowance
from archive.storage.guarded import (
    ATTRIBUTE_BYTES,
    HDF5_ERRORS,
    dataset_fault,
    link_fault,
    refuse_plugins,
)

DEPTH_LIMIT = 64
OBJECT_LIMIT = 1_000_000
NAME_LIMIT = 1024  # bytes; the contract allows 255 characters, and stamps of names are added
ATTRIBUTE_LIMIT = 10_000
TEXTS_LIMIT = 1_000_000
FOUND_LIMIT = 100

Text = Callable[[str, str], str | None]


class Fault(NamedTuple):
    """Where in the file something is, and why it is not to be trusted."""

    name: str
    what: str


class _Place(NamedTuple):
    """A group that is to be walked: its path, and the addresses of the groups on the way."""

    group: h5g.GroupID
    name: str
    way: tuple[int, ...]


def inspect(
    path: Path, on_text: Text | None = None, attribute_bytes: int = ATTRIBUTE_BYTES
) -> list[Fault]:
    """What HDF5 or a reader of NIX could be harmed by, at most 100 faults; nothing is followed.
    An attribute has `attribute_bytes` at most.

    With `on_text` the texts of attributes and datasets are read as well (which a process of its
    own should do, as HDF5 may hang there), and numbers must be stored as far as they are
    declared. It is given place and text, and says what is wrong with it.
    """
    refuse_plugins()
    found: list[Fault] = []
    with h5py.File(path, "r") as file:
        for fault in _Walk(on_text, attribute_bytes).faults(file.id):
            found.append(fault)
            if len(found) == FOUND_LIMIT:
                break
    return found


class _Walk:
    def __init__(self, on_text: Text | None, attribute_bytes: int) -> None:
        self._on_text, self._attribute_bytes = on_text, attribute_bytes
        self._seen: set[int] = set()

    def faults(self, file: h5f.FileID) -> Iterator[Fault]:
        root = h5g.open(file, b"/")
        first = h5o.get_info(root).addr
        self._seen.add(first)
        yield from self._attributes(root, "/")
        waiting = [_Place(root, "", (first,))]
        while waiting:
            place = waiting.pop()
            try:
                names = list(place.group)
            except HDF5_ERRORS as error:
                yield Fault(place.name or "/", f"HDF5 cannot read it ({error})")
                continue
            for name in names:
                where = f"{place.name}/{name[:80].decode(errors='replace')}"
                fault = _name_fault(name)
                try:
                    fault = fault or link_fault(place.group, name)
                    if fault:
                        yield Fault(where, fault)
                    else:
                        yield from self._object(place, name, where, waiting)
                except HDF5_ERRORS as error:
                    yield Fault(where, f"HDF5 cannot read it ({error})")
                if len(self._seen) > OBJECT_LIMIT:
                    yield Fault(where, f"there are more than {OBJECT_LIMIT} objects")
                    return

    def _object(
        self, place: _Place, name: bytes, where: str, waiting: list[_Place]
    ) -> Iterator[Fault]:
        address = place.group.links.get_info(name).u
        if address in place.way:
            yield Fault(where, "a link to a group that it lies in")
        if address in self._seen:
            return
        self._seen.add(address)
        opened = h5o.open(place.group, name)
        if isinstance(opened, h5t.TypeID):
            return
        yield from self._attributes(opened, where)
        if isinstance(opened, h5d.DatasetID):
            yield from self._dataset(opened, where)
        elif len(place.way) >= DEPTH_LIMIT:
            yield Fault(where, f"groups are nested deeper than {DEPTH_LIMIT}")
        else:
            waiting.append(_Place(opened, where, (*place.way, address)))

    def _dataset(self, dataset: h5d.DatasetID, where: str) -> Iterator[Fault]:
        fault = dataset_fault(dataset)
        if fault:
            yield Fault(where, fault)
        elif self._on_text is not None:
            size = prod(dataset.shape or ()) * dataset.get_type().get_size()
            if size > allowance(dataset):
                yield Fault(where, f"{size} bytes are declared, and far fewer are stored")
            elif isinstance(dataset.get_type(), h5t.TypeStringID):
                if prod(dataset.shape or ()) > TEXTS_LIMIT:
                    yield Fault(where, f"it has more than {TEXTS_LIMIT} texts")
                else:
                    values = h5py.Dataset(dataset).asstr(errors="replace")[()]
                    yield from self._texts(where, values)

    def _attributes(self, holder: h5g.GroupID | h5d.DatasetID, where: str) -> Iterator[Fault]:
        count = h5a.get_num_attrs(holder)
        if count > ATTRIBUTE_LIMIT:
            yield Fault(where, f"it has {count} attributes")
            return
        for number in range(count):
            size = h5a.get_info(holder, index=number).data_size
            if size > self._attribute_bytes or self._on_text is not None:
                yield from self._attribute(h5a.open(holder, index=number), size, where)

    def _attribute(self, attribute: h5a.AttrID, size: int, where: str) -> Iterator[Fault]:
        where = f"{where}@{attribute.name[:80].decode(errors='replace')}"
        if size > self._attribute_bytes:
            yield Fault(where, f"the attribute has {size} bytes")
        elif self._on_text is not None and isinstance(attribute.get_type(), h5t.TypeStringID):
            values = np.empty(attribute.shape, attribute.dtype)
            type_ = attribute.get_type()
            # NumPy's bytes have no encoding, and HDF5 converts none: as it lies in the file
            attribute.read(values, None if type_.is_variable_str() else type_)
            yield from self._texts(where, values)

    def _texts(self, where: str, values: npt.ArrayLike) -> Iterator[Fault]:
        assert self._on_text is not None
        for value in np.asarray(values).ravel().tolist():
            text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
            fault = self._on_text(where, text)
            if fault:
                yield Fault(where, fault)


def _name_fault(name: bytes) -> str | None:
    if len(name) > NAME_LIMIT:
        return f"a name of {len(name)} bytes"
    if name in (b".", b"..") or any(byte < 32 or byte == 127 for byte in name):
        return "a name that is none"
    return None
