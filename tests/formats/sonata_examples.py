"""Files of networks, spikes and reports as other programs lay them out, by their description: what
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


def allen_network(path: Path) -> None:
    """A network as the Allen Institute's tools lay it out: no units, indices into the group."""
    with h5py.File(path, "w") as file:
        mark(file)
        nodes = file.create_group("nodes/v1")
        nodes["node_type_id"] = np.full(3, 100)
        nodes["node_id"] = np.arange(3)
        nodes["node_group_id"] = np.zeros(3, int)
        nodes["node_group_index"] = np.array([2, 0, 1])
        nodes["0/tuning_angle"] = np.array([10.0, 20.0, 30.0])
        nodes["0/ei"] = np.array(["e", "e", "e"], dtype=h5py.string_dtype())
        edges = file.create_group("edges/v1_to_v1")
        edges["source_node_id"] = np.array([2, 0], np.uint64)
        edges["target_node_id"] = np.array([1, 1], np.uint64)
        for side in ("source", "target"):
            edges[f"{side}_node_id"].attrs["node_population"] = "v1"
        edges["edge_type_id"] = np.array([1, 1])
        edges["edge_group_id"] = np.zeros(2, int)
        edges["edge_group_index"] = np.array([1, 0])
        edges["0/syn_weight"] = np.array([0.5, 0.25], np.float32)
        edges["0/nsyns"] = np.array([3, 7])


def libsonata_spikes(path: Path) -> None:
    """No magic number, an enum for the sorting, and an empty population."""
    with h5py.File(path, "w") as file:
        for name, order, sorting in (
            ("All", np.argsort(TIMES), 2),
            ("by id", np.lexsort((TIMES, IDS)), 1),
            ("none", np.arange(5)[::-1], 0),
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
