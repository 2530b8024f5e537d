"""Groups and datasets of SONATA files, opened with care: a file may come from anybody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from archive.adapters.foreign_units import time_unit
from archive.adapters.global_heaps import check_heaps
from archive.entry import Loss
from archive.errors import FormatError
from archive.storage.guarded import refuse_plugins

MAGIC = 0x0A7A
VERSION = (0, 1)
COMPRESSION_LIMIT = 2000  # how many bytes one byte of a file may stand for


@contextmanager
def opened(path: Path, *, texts: bool = False) -> Iterator[h5py.File]:
    """The file, for reading; with `texts`, also texts of variable length. Raises FormatError if it
    is none of HDF5."""
    refuse_plugins()
    try:
        if texts:
            check_heaps(path)
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError) as error:  # of a damaged object h5py raises either
        raise FormatError(f"the file cannot be read as HDF5: {error}", path=path) from error


def child(parent: h5py.Group, name: str) -> Any:
    """The member of a group with this name; None if there is none. A link to elsewhere is
    refused, as is data that lies in other files."""
    link = parent.get(name, getlink=True)
    if link is None:
        return None
    if not isinstance(link, h5py.HardLink):
        raise FormatError(f"{parent.name}/{name} is a link to elsewhere", path=parent.file.filename)
    found = parent[name]
    if isinstance(found, h5py.Dataset) and (found.external or found.is_virtual):
        raise FormatError(f"{found.name} lies in other files", path=parent.file.filename)
    return found


def group(parent: h5py.Group, name: str) -> h5py.Group | None:
    """The group of this name in a group, if there is one."""
    found = child(parent, name)
    return found if isinstance(found, h5py.Group) else None


def populations(
    parent: h5py.Group, what: str, losses: list[Loss]
) -> Iterator[tuple[str, h5py.Group]]:
    """The groups of the populations in one of `what`; empty ones are losses. Raises FormatError for
    what is no group."""
    for name in parent:
        place = group(parent, name)
        if place is None:
            raise FormatError(f"{parent.name}/{name} is no group", path=parent.file.filename)
        if len(place):
            yield name, place
        else:
            losses.append(Loss(name, what, "the group of the population is empty"))


def numbers(parent: h5py.Group, name: str) -> npt.NDArray[Any] | None:
    """The dataset of this name as an array of numbers or text (n,); None if there is none."""
    found = child(parent, name)
    if not isinstance(found, h5py.Dataset):
        return None
    path = parent.file.filename
    if found.ndim != 1:
        raise FormatError(f"{found.name} has the shape {found.shape}", path=path)
    if found.nbytes > COMPRESSION_LIMIT * max(Path(path).stat().st_size, 1):
        raise FormatError(f"{found.name} claims more than the file can hold", path=path)
    if found.dtype.kind in "biuf":
        return np.asarray(found[()])
    if h5py.check_string_dtype(found.dtype) is not None:
        return np.asarray([str(one) for one in found.asstr("utf-8", "replace")[()]], dtype=object)
    return None


def required(parent: h5py.Group, name: str) -> npt.NDArray[Any]:
    """As `numbers`. Raises FormatError if there is none."""
    found = numbers(parent, name)
    if found is None:
        raise FormatError(f"{parent.name}/{name} is missing", path=parent.file.filename)
    return found


def put(parent: h5py.Group, name: str, values: npt.ArrayLike, unit: str | None = None) -> None:
    """Write a dataset (n,), compressed if it is large."""
    held = np.asarray(values)
    options: dict[str, Any] = {"compression": "gzip", "shuffle": True} if held.size > 1000 else {}
    made = parent.create_dataset(name, data=held, **options)
    if unit is not None:
        made.attrs["units"] = unit


def mark(file: h5py.File) -> None:
    """The attributes that a SONATA file has."""
    file.attrs["magic"] = np.uint32(MAGIC)
    file.attrs["version"] = np.asarray(VERSION, np.uint32)


def put_index(
    parent: h5py.Group, name: str, nodes: npt.NDArray[Any], count: int, edges: int
) -> None:
    """Write the edges of each node as ranges of edge ids: ``node_id_to_ranges`` (node, 2) into
    ``range_to_edge_id`` (range, 2), the second of each pair being exclusive."""
    order = np.argsort(nodes, kind="stable")
    ordered = nodes[order]
    breaks = np.ones(edges, bool)
    if edges:
        breaks[1:] = (np.diff(order) != 1) | (np.diff(ordered) != 0)
    starts = np.flatnonzero(breaks)
    stops = np.append(starts[1:], edges) if edges else starts
    ranges = np.stack([order[starts], order[stops - 1] + 1], axis=1) if edges else np.empty((0, 2))
    of_node = np.searchsorted(ordered[starts], np.arange(count + 1)) if edges else [0] * (count + 1)
    bounds = np.stack([np.asarray(of_node)[:-1], np.asarray(of_node)[1:]], axis=1)
    made = parent.create_group(name)
    made.create_dataset("node_id_to_ranges", data=bounds.astype(np.uint64))
    made.create_dataset("range_to_edge_id", data=ranges.astype(np.uint64))


def time_unit_of(parent: h5py.Group, name: str) -> tuple[str, str | None]:
    """The unit of the times in a dataset; and what is wrong with what the file tells of it, if ms
    is taken instead. Of words there are "milliseconds" and the like."""
    told = text_of(parent[name], "units")
    if told is None:
        return "ms", "the file tells no unit of times: they are taken for ms"
    unit = time_unit(told)
    if unit is not None:
        return unit, None
    return "ms", f"{told!r:.40} is no unit of times: they are taken for ms"


def text_of(place: Any, name: str) -> str | None:
    """An attribute that is a text, as variable or fixed length; None if there is no such."""
    try:
        told = place.attrs.get(name)
    except (OSError, TypeError, ValueError):  # of a type that h5py cannot read
        return None
    if isinstance(told, bytes):
        return told.decode("utf-8", "replace")
    return str(told) if isinstance(told, str) else None
