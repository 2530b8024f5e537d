"""How the entities of the NIX data model lie in HDF5 (NIX 1.2.1, as nixio writes them).

Source: the files that nixio 1.5 writes, and its validator. Written with h5py, since nixio
takes 165 ms to open a file and makes a transaction per attribute.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from h5py import h5a, h5g, h5p, h5s, h5t

from archive.storage import growing
from archive.storage.growing import Growing

VERSION = (1, 2, 1)
KINDS = ("data_arrays", "data_frames", "multi_tags")
ORDERED = h5p.CRT_ORDER_TRACKED | h5p.CRT_ORDER_INDEXED
TEXT = h5py.string_dtype()


_TEXT_TYPE = h5t.py_create(TEXT, logical=True)
_SCALAR = h5s.create(h5s.SCALAR)


def set_attributes(holder: h5py.Group | h5py.Dataset, **values: str | int | float) -> None:
    """Set new attributes, by h5py's low-level calls: an entity has about ten of them."""
    for name, value in values.items():
        number = np.asarray(value)
        type_ = _TEXT_TYPE if isinstance(value, str) else h5t.py_create(number.dtype)
        made = h5a.create(holder.id, name.encode(), type_, _SCALAR)
        made.write(np.array(value, TEXT) if isinstance(value, str) else number)


def set_stamp(holder: h5py.Group, stamp: Mapping[str, str | int]) -> None:
    """Set the attributes by which an archive is known. Their texts have a fixed length: to read
    one of variable length is to trust HDF5's global heap, and these are read of any file."""
    for name, value in stamp.items():
        item = np.array(value.encode() if isinstance(value, str) else value)
        type_ = h5t.py_create(item.dtype)
        if isinstance(value, str):
            type_.set_cset(h5t.CSET_UTF8)
        h5a.create(holder.id, name.encode(), type_, _SCALAR).write(item, type_)


def _now() -> str:
    return time.strftime("%Y%m%dT%H%M%S", time.gmtime())


def group(parent: h5py.Group, name: str) -> h5py.Group:
    """A new group that keeps the order of its links: without it, nixio cannot count them off."""
    plist = h5p.create(h5p.GROUP_CREATE)
    plist.set_link_creation_order(ORDERED)
    return h5py.Group(h5g.create(parent.id, name.encode(), gcpl=plist))


def entity(parent: h5py.Group, name: str, type_: str) -> h5py.Group:
    """A new group with what every NIX entity has: name, type, id and dates."""
    made = group(parent, name)
    now = _now()
    set_attributes(
        made,
        name=name,
        type=type_,
        entity_id=str(uuid.uuid4()),
        created_at=now,
        updated_at=now,
    )
    return made


def create_header(file: h5py.File, block: str, type_: str) -> None:
    """What makes an empty HDF5 file a NIX file with one Block and its metadata Section."""
    now = _now()
    file.attrs["format"] = "nix"
    file.attrs["version"] = np.array(VERSION, np.int32)
    file.attrs["id"] = str(uuid.uuid4())
    file.attrs["created_at"] = now
    file.attrs["updated_at"] = now
    made = entity(group(file, "data"), block, type_)
    for kind in KINDS:
        group(made, kind)
    made["metadata"] = section(group(file, "metadata"), block, type_, {})


def section(
    parent: h5py.Group, name: str, type_: str, properties: Mapping[str, str | int | float]
) -> h5py.Group:
    """A metadata Section with one value per property."""
    made = entity(parent, name, type_)
    if properties:
        holder = group(made, "properties")
        for key, value in properties.items():
            dtype = TEXT if isinstance(value, str) else None
            written = holder.create_dataset(key, data=np.array([value], dtype), dtype=dtype)
            now = _now()
            set_attributes(
                written, name=key, entity_id=str(uuid.uuid4()), created_at=now, updated_at=now
            )
    return made


def subsection(
    parent: h5py.Group, name: str, type_: str, properties: Mapping[str, str | int | float]
) -> h5py.Group:
    """A Section inside a Section."""
    holder = parent["sections"] if "sections" in parent else group(parent, "sections")
    return section(holder, name, type_, properties)


def data_array(
    block: h5py.Group,
    name: str,
    type_: str,
    dtype: np.dtype[Any],
    row_shape: tuple[int, ...] = (),
    *,
    chunks: tuple[int, ...],
    metadata: h5py.Group,
    fill: npt.NDArray[Any] | None = None,
    unit: str | None = None,
    label: str | None = None,
    sampling: tuple[float, str | None] | None = None,
) -> Growing:
    """A DataArray of no rows: the first axis sampled (interval, unit) or a set, the rest sets."""
    made = entity(block["data_arrays"], name, type_)
    if unit is not None:
        set_attributes(made, unit=unit)
    if label is not None:
        set_attributes(made, label=label)
    made["metadata"] = metadata
    dimensions = group(made, "dimensions")
    for axis in range(1 + len(row_shape)):
        dimension = group(dimensions, str(axis + 1))
        sampled = axis == 0 and sampling is not None
        set_attributes(dimension, dimension_type="sample" if sampled else "set")
        if axis == 0 and sampling is not None:
            interval, time_unit = sampling
            set_attributes(dimension, sampling_interval=interval, label="time")
            if time_unit is not None:
                set_attributes(dimension, unit=time_unit)
    return growing.create(made, "data", dtype, row_shape, chunks=chunks, fill=fill)


def data_frame(
    block: h5py.Group,
    name: str,
    type_: str,
    dtype: np.dtype[Any],
    *,
    chunks: tuple[int, ...],
    metadata: h5py.Group,
) -> Growing:
    """A DataFrame of no rows: one compound per row."""
    made = entity(block["data_frames"], name, type_)
    made["metadata"] = metadata
    return growing.create(made, "data", dtype, chunks=chunks)


def multi_tag(
    block: h5py.Group,
    name: str,
    type_: str,
    *,
    positions: str,
    extents: str,
    reference: str,
    units: Sequence[str],
    metadata: h5py.Group,
) -> h5py.Group:
    """A MultiTag that marks stretches of one DataArray; all three arrays exist already."""
    arrays = block["data_arrays"]
    made = entity(block["multi_tags"], name, type_)
    made["metadata"] = metadata
    made["positions"] = arrays[positions]
    made["extents"] = arrays[extents]
    references = group(made, "references")
    referred = arrays[reference]
    references[str(referred.attrs["entity_id"])] = referred
    made.create_dataset("units", data=np.array(units, dtype=object), dtype=TEXT)
    return made
