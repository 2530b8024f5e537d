"""Files of spikes and reports as other programs lay them out, by their description: what
libsonata's tests have, BMTK's, and those of SONATA's first version."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

TIMES = (0.3, 0.1, 0.2, 1.3, 0.7)
IDS = (3, 5, 2, 3, 2)
ENUM = h5py.enum_dtype({"none": 0, "by_id": 1, "by_time": 2}, basetype=np.uint8)
FIXED = h5py.string_dtype("ascii", 16)


def mark(file: h5py.File) -> None:
    file.attrs["magic"] = np.uint32(0x0A7A)
    file.attrs["version"] = np.array([0, 1], np.uint32)


def libsonata_spikes(path: Path) -> None:
    """No magic number, an enum for the sorting, and an empty population."""
    with h5py.File(path, "w") as file:
        for name, order, sorting in (
            ("All", np.argsort(TIMES), 2),
            ("by id", np.lexsort((TIMES, IDS)), 1),
            ("none", np.arange(5), 0),
            ("empty", np.arange(0), 1),
        ):
            made = file.create_group(f"spikes/{name}")
            made.attrs.create("sorting", sorting, dtype=ENUM)
            made["timestamps"] = np.array(TIMES)[order]
            made["timestamps"].attrs["units"] = "ms"
            made["node_ids"] = np.array(IDS, np.uint64)[order]


def allen_spikes(path: Path) -> None:
    """The sorting is a text, and the unit a word."""
    with h5py.File(path, "w") as file:
        mark(file)
        made = file.create_group("spikes/v1")
        made.attrs["sorting"] = "by_time"
        made["timestamps"] = np.sort(TIMES)
        made["timestamps"].attrs.create("units", b"milliseconds", dtype=FIXED)
        made["node_ids"] = np.array(IDS, np.uint64)[np.argsort(TIMES)]


def old_spikes(path: Path, units: str | None = None) -> None:
    """The first version: no population, and ``gids``."""
    with h5py.File(path, "w") as file:
        mark(file)
        made = file.create_group("spikes")
        made.attrs["sorting"] = "time"
        made["timestamps"] = np.array(TIMES)
        if units is not None:
            made["timestamps"].attrs["units"] = units
        made["gids"] = np.array(IDS, np.uint64)


def report(
    path: Path,
    place: str = "report/All",
    *,
    data: Any = None,
    ids: str = "node_ids",
    pointers: str = "index_pointers",
    elements: str = "element_ids",
    per_node: int = 1,
    units: bool = True,
    **more: Any,
) -> None:
    """A report of 4 nodes from 10 on, 5 rows of 0.1 ms from 1 ms on."""
    columns = 4 * per_node
    held = np.arange(5.0 * columns).reshape(5, columns).astype("f4") if data is None else data
    with h5py.File(path, "a") as file:
        mark(file)
        made = file.require_group(place)
        made["data"] = held
        mapping = made.create_group("mapping")
        mapping[ids] = np.arange(10, 14, dtype=np.uint64)
        mapping[pointers] = np.arange(5, dtype=np.uint64) * per_node
        mapping[elements] = np.tile(np.arange(per_node), 4).astype(np.uint32)
        mapping["time"] = [1.0, 1.5, 0.1]
        if units:
            made["data"].attrs["units"] = "mV"
            mapping["time"].attrs["units"] = "ms"
        for name, values in more.items():
            mapping[name] = values
