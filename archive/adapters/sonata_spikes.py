"""Spikes in SONATA files: ``/spikes/<population>/timestamps`` and ``node_ids``. Files of the first
version have ``/spikes/timestamps`` and ``gids``, without the name of the population."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

import schemas
from archive.adapters.left_out import NO_PLACE, left_out, whole
from archive.adapters.models import model_of
from archive.adapters.replacing import replacing
from archive.adapters.segments import chosen_segment
from archive.adapters.sonata_arrays import SpikeColumn, Spikes
from archive.adapters.sonata_files import child, mark, populations, put, required, time_unit_of
from archive.entry import Entry, Loss, Source, parts_of
from archive.errors import FormatError

SORTING = {"none": 0, "by_id": 1, "by_time": 2}
VARIABLE = "spikes"
UNNAMED = "All"  # the population of spikes that belong to none, as libsonata's own files have it
_CARRIED = {"population", "variable", "time_unit", "size", "t_start", "t_stop", "times", "neuron",
            "channels"}  # fmt: skip
_MOST_TRAINS = 10**8


def read_spikes(
    spikes: h5py.Group,
    population: str | None,
    sizes: Mapping[str, int],
    t_stop: float | None,
    losses: list[Loss],
) -> Iterator[Entry]:
    """The spikes of each population. Raises FormatError for times that are none, and for other
    numbers of times and of nodes."""
    if isinstance(child(spikes, "timestamps"), h5py.Dataset):
        ids = "gids" if "gids" in spikes else "node_ids"
        yield _trains(spikes, ids, population, sizes, t_stop, losses)
        return
    for name, place in populations(spikes, "spikes", losses):
        yield _trains(place, "node_ids", name, sizes, t_stop, losses)


def _trains(
    place: h5py.Group,
    ids_at: str,
    population: str | None,
    sizes: Mapping[str, int],
    t_stop: float | None,
    losses: list[Loss],
) -> Entry:
    path = Path(place.file.filename)
    times, ids = required(place, "timestamps"), required(place, ids_at)
    if len(times) != len(ids):
        raise FormatError(f"{place.name} has {len(times)} times and {len(ids)} nodes", path=path)
    if times.dtype.kind not in "fiu" or ids.dtype.kind not in "iu":
        raise FormatError(f"{place.name} has {times.dtype} times, {ids.dtype} nodes", path=path)
    losses += [
        Loss(population or VARIABLE, name, "of spikes, times and nodes only are kept")
        for name in place
        if name not in ("timestamps", ids_at)
    ]
    times = times.astype(np.float64)
    if not np.isfinite(times).all():
        raise FormatError(f"{place.name} has times that are NaN or infinite", path=path)
    if len(ids) and (int(ids.min()) < 0 or int(ids.max()) >= 1 << 62):
        raise FormatError(f"{place.name} has nodes that are none: {ids.max()}", path=path)
    unit, fault = time_unit_of(place, "timestamps")
    if fault is not None:
        losses.append(Loss(population or VARIABLE, "time_unit", fault))
    found = np.unique(ids).astype(np.int64)
    size = sizes.get(population or "")
    trains: npt.NDArray[np.int64] = found
    if size is not None and int(size) > _MOST_TRAINS:
        raise FormatError(f"a population of {size} neurons", path=path)
    if size is not None and (not len(found) or int(found[-1]) < size):
        trains = np.arange(size, dtype=np.int64)
    elif size is not None:
        raise FormatError(
            f"{place.name} has the node {found[-1]}, and {population} {size} nodes", path=path
        )
    last = float(times.max()) if len(times) else 0.0
    if t_stop is not None and float(t_stop) < last:
        raise FormatError(f"there are spikes at {last:g}, after t_stop", path=path)
    model = model_of(
        schemas.SpikeTrains,
        str(place.name),
        population=population,
        variable=VARIABLE,
        time_unit=unit,
        size=len(trains),
        t_start=min(0.0, float(times.min())) if len(times) else 0.0,
        t_stop=last if t_stop is None else float(t_stop),
    )
    lazy = Spikes(path, f"{place.name}/timestamps", f"{place.name}/{ids_at}", len(times), trains)
    columns = {"times": SpikeColumn(lazy, 0), "neuron": SpikeColumn(lazy, 1)}
    return Entry(model, {**columns, "channels": trains})


def write_spikes(source: Source, path: Path, segment: str | None, *, overwrite: bool) -> list[Loss]:
    """Write the spikes of a segment by node, in ms. Raises FormatError if there are none."""
    losses: list[Loss] = []
    way, chosen = chosen_segment(source, segment, path, losses)
    losses += left_out(way, chosen, (), NO_PLACE)
    with replacing(path, overwrite=overwrite) as staged, h5py.File(staged, "x") as file:
        mark(file)
        top = file.create_group("spikes", track_order=True)
        for at, part in parts_of(chosen, way):
            name = getattr(part.model, "population", None) or UNNAMED
            if not isinstance(part.model, schemas.SpikeTrains):
                losses.append(whole(at, part, "a file of spikes holds nothing else"))
            elif name in top:
                losses.append(whole(at, part, "there are spikes of this population"))
            elif not _is_finite(part, part.model.time_unit):
                losses.append(whole(at, part, "its times are too large in ms"))
            elif name in (".", ".."):
                losses.append(whole(at, part, "HDF5 has no such name"))
            else:
                losses += _put(top, name, part, part.model, at)
        if not len(top):
            raise FormatError("there are no spikes in the segment", path=path)
    return losses


def _is_finite(part: Entry, unit: str) -> bool:
    with np.errstate(over="ignore"):
        times = np.asarray(part.arrays["times"], np.float64) * float(schemas.conversion(unit, "ms"))
    return bool(np.isfinite(times).all())


def _put(
    top: h5py.Group, name: str, entry: Entry, model: schemas.SpikeTrains, way: str
) -> Iterator[Loss]:
    yield from left_out(way, entry, _CARRIED, NO_PLACE)
    if model.population is None:
        yield Loss(way, "population", f"SONATA needs one: it is {UNNAMED}")
    if model.variable != VARIABLE:
        yield Loss(way, "variable", f"it comes back as {VARIABLE}")
    held = np.asarray(entry.arrays["times"])
    times = held.astype(np.float64)
    if held.dtype != np.float64:
        yield Loss(way, "times", f"{held.dtype} becomes float64")
    if model.time_unit != "ms":
        times = times * float(schemas.conversion(model.time_unit, "ms"))
        for field in ("time_unit", "times"):
            yield Loss(way, field, f"{model.time_unit} becomes ms")
    neuron = np.asarray(entry.arrays["neuron"])
    ids = _ids(entry, model.size)
    if ids is None:
        ids = np.arange(model.size, dtype=np.int64)
        yield Loss(way, "channels", "they are no different numbers from 0 on")
    nodes = ids[neuron]
    order = np.lexsort((times, nodes))
    if (order != np.arange(len(order))).any():
        yield Loss(way, "times", "in the file they stand in the order of the nodes")
    nodes, times = nodes[order], times[order]
    yield from _lost_of_trains(entry, model, times, np.unique(nodes), way)
    made = top.create_group(name)
    sorting = h5py.enum_dtype(SORTING, basetype=np.uint8)
    made.attrs.create("sorting", SORTING["by_id"], dtype=sorting)
    put(made, "timestamps", times, "ms")
    put(made, "node_ids", nodes.astype(np.uint64))


def _ids(entry: Entry, size: int) -> npt.NDArray[np.int64] | None:
    """Of each train; None if they are not fit to be such."""
    held = entry.arrays.get("channels")
    ids = np.arange(size) if held is None else np.asarray(held)
    if (ids < 0).any() or len(np.unique(ids)) < size:
        return None
    return ids.astype(np.int64)


def _lost_of_trains(
    entry: Entry,
    model: schemas.SpikeTrains,
    times: npt.NDArray[np.float64],
    nodes: npt.NDArray[np.int64],
    way: str,
) -> Iterator[Loss]:
    """What of the trains a reader does not find: it knows those only that have a spike."""
    held = entry.arrays.get("channels")
    channels = np.arange(model.size) if held is None else np.asarray(held)
    if channels.dtype != np.int64 or not np.array_equal(channels, nodes):
        for field in ("size", "neuron", *(() if held is None else ("channels",))):
            yield Loss(way, field, "a train without a spike, and the order of trains, is not told")
    neuron = np.asarray(entry.arrays["neuron"])
    if neuron.dtype != np.int64:
        yield Loss(way, "neuron", f"{neuron.dtype} becomes int64")
    found = (min(0.0, float(times.min())), float(times.max())) if len(times) else (0.0, 0.0)
    for field, value in zip(("t_start", "t_stop"), found, strict=True):
        if getattr(model, field) != value or model.time_unit != "ms":
            yield Loss(way, field, f"it is taken for {value} ms")
