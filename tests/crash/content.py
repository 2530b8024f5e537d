"""What an archive holds, as a digest: fast for the many, thorough for some."""

from __future__ import annotations

import hashlib
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5g, h5o, h5s, h5t

from archive.storage import Session

Digest = str


def quick(session: Session) -> Digest:
    """Of the rows of all tables, heaps and arrays, with their names."""
    found = hashlib.sha256()
    block = session._block.id
    for kind in (b"data_arrays", b"data_frames"):
        group = h5g.open(block, kind)
        for name in group:
            data = h5d.open(group, name + b"/data")
            found.update(b"%s %r" % (name, data.shape))
            _add_values(data, found)
    return found.hexdigest()


def thorough(file: h5py.File) -> Digest:
    """Of every object in a file, with all attributes and values."""
    found = hashlib.sha256()

    def add(name: bytes) -> None:
        item = h5o.open(file.id, name)
        found.update(name)
        for number in range(h5a.get_num_attrs(item)):
            attribute = h5a.open(item, index=number)
            found.update(attribute.name)
            _add_values(attribute, found)
        if isinstance(item, h5d.DatasetID):
            _add_values(item, found)

    h5o.visit(file.id, add)
    return found.hexdigest()


def _add_values(item: Any, found: Any) -> None:
    values = np.empty(item.shape, item.dtype)
    if isinstance(item, h5a.AttrID):
        item.read(values)
    elif values.size:
        item.read(h5s.ALL, h5s.ALL, values, h5t.py_create(values.dtype))
    found.update(repr(values.tolist()).encode() if values.dtype.hasobject else values)
