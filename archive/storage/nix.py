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
from h5py import h5a, h5d, h5g, h5o, h5p, h5s, h5t

from archive.storage import growing
from archive.storage.growing import Growing

VERSION = (1, 2, 1)
KINDS = ("data_arrays", "data_frames", "multi_tags")
ORDERED = h5p.CRT_ORDER_TRACKED | h5p.CRT_ORDER_INDEXED
TEXT = h5py.string_dtype()

# A new stream has some ten groups and sixty attributes: all is made by h5py's low-level calls,
# with objects of HDF5 that are made once.
_DTYPES = {str: TEXT, int: np.dtype("<i8"), float: np.dtype("<f8")}
_ON_DISK = {sort: h5t.py_create(dtype, logical=True) for sort, dtype in _DTYPES.items()}
_IN_MEMORY = {sort: h5t.py_create(dtype) for sort, dtype in _DTYPES.items()}
_SCALAR = h5s.create(h5s.SCALAR)
_DATES = ("created_at", "updated_at")
_ONE = h5s.create_simple((1,))
_GROUP = h5p.create(h5p.GROUP_CREATE)
_GROUP.set_link_creation_order(ORDERED)


def set_attributes(holder: h5py.Group, **values: str | int | float) -> None:
    """Set new attributes."""
    _set_attributes(holder.id, values)


def _set_attributes(holder: h5g.GroupID | h5d.DatasetID, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        sort = _sort(value)
        made = h5a.create(holder, name.encode(), _ON_DISK[sort], _SCALAR)
        made.write(np.array(value, _DTYPES[sort]), _IN_MEMORY[sort])


def set_stamp(holder: h5py.Group, stamp: Mapping[str, str | int]) -> None:
    """Set the attributes by which an archive is known. Their texts have a fixed length: to read
    one of variable length is to trust HDF5's global heap, and these are read of any file."""
    for name, value in stamp.items():
        item = np.array(value.encode() if isinstance(value, str) else value)
        type_ = h5t.py_create(item.dtype)
        if isinstance(value, str):
            type_.set_cset(h5t.CSET_UTF8)
        h5a.create(holder.id, name.encode(), type_, _SCALAR).write(item, type_)


def _sort(value: object) -> type:
    if isinstance(value, str):
        return str
    return float if isinstance(value, float) else int


def group(parent: h5py.Group, name: str) -> h5py.Group:
    """A new group that keeps the order of its links: without it, nixio cannot count them off."""
    return h5py.Group(h5g.create(parent.id, name.encode(), gcpl=_GROUP))


def _link(parent: h5py.Group, name: str, target: h5py.Group) -> None:
    h5o.link(target.id, parent.id, name.encode())


def entity(parent: h5py.Group, name: str, type_: str, kind: str = ".") -> h5py.Group:
    """A new group with what every NIX entity has: name, type, id and dates. It lies in the group
    `kind` of the parent, which h5py would take 70 us to fetch first."""
    made = group(parent, f"{kind}/{name}")
    set_attributes(made, name=name, type=type_, **_identity())
    return made


def _identity() -> dict[str, str]:
    now = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    return {"entity_id": str(uuid.uuid4()), "created_at": now, "updated_at": now}


def create_header(file: h5py.File, block: str, type_: str) -> None:
    """What makes an empty HDF5 file a NIX file with one Block and its metadata Section."""
    identity = _identity()
    file.attrs["version"] = np.array(VERSION, np.int32)
    set_attributes(file, format="nix", id=identity.pop("entity_id"), **identity)
    made = entity(group(file, "data"), block, type_)
    for kind in KINDS:
        group(made, kind)
    metadata = entity(group(file, "metadata"), block, type_)
    group(metadata, "sections")
    _link(made, "metadata", metadata)


def subsection(
    parent: h5py.Group, name: str, type_: str, properties: Mapping[str, str | int | float]
) -> h5py.Group:
    """A metadata Section inside a Section, with one value per property."""
    made = entity(parent, name, type_, "sections")
    if properties:
        holder = group(made, "properties")
        for key, value in properties.items():
            sort = _sort(value)
            written = h5d.create(holder.id, key.encode(), _ON_DISK[sort], _ONE)
            written.write(h5s.ALL, h5s.ALL, np.array([value], _DTYPES[sort]), _IN_MEMORY[sort])
            _set_attributes(written, {"name": key, **_identity()})
    return made


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
    made = entity(block, name, type_, "data_arrays")
    if unit is not None:
        set_attributes(made, unit=unit)
    if label is not None:
        set_attributes(made, label=label)
    _link(made, "metadata", metadata)
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


def facts(block: h5py.Group, kind: str, name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What an entity says of itself, but for its id and dates; and each of its dimensions."""
    made = block[kind][name]
    attributes = {
        k: v.decode() if isinstance(v, bytes) else v
        for k, v in made.attrs.items()
        if k not in ("entity_id", *_DATES)
    }
    holder = made.get("dimensions", {})
    return attributes, [dict(holder[str(n + 1)].attrs) for n in range(len(holder))]


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
    made = entity(block, name, type_, "data_frames")
    _link(made, "metadata", metadata)
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
    made = entity(block, name, type_, "multi_tags")
    _link(made, "metadata", metadata)
    _link(made, "positions", arrays[positions])
    _link(made, "extents", arrays[extents])
    referred = arrays[reference]
    _link(group(made, "references"), str(referred.attrs["entity_id"]), referred)
    made.create_dataset("units", data=np.array(units, dtype=object), dtype=TEXT)
    return made
