"""Reports in SONATA files: values of elements of neurons (time, element) in
``/report/<population>/data``, with what the columns are in ``mapping``.

Programs differ in it: ``index_pointers`` or ``index_pointer``, with an end or without; no units
(the Allen Institute's) or no ``magic`` (the Blue Brain Project's); a ``variable`` as an attribute.
Files of the first version have ``/data`` and ``/mapping`` without the name of the population, and
``gids``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

import schemas
from archive.adapters.foreign_names import name_of
from archive.adapters.foreign_units import NO_UNIT, contract_unit
from archive.adapters.models import model_of
from archive.adapters.sonata_arrays import Values
from archive.adapters.sonata_files import (
    COMPRESSION_LIMIT,
    child,
    group,
    numbers,
    populations,
    text_of,
    time_unit_of,
)
from archive.entry import Entry, Loss
from archive.errors import FormatError
from archive.values import to_schema

EXTRACELLULAR = "ecp"  # the variable
IDS = ("node_ids", "gids")
POINTERS = ("index_pointers", "index_pointer")
ELEMENTS = {
    "element_id": ("element_ids", "element_id"),
    "element_pos": ("element_pos", "element_positions"),
}
_KNOWN = {"time", *IDS, *POINTERS, *(name for names in ELEMENTS.values() for name in names)}


def extracellular(file: h5py.File) -> h5py.Group | None:
    """The group of extracellular potentials: ``/`` or ``/ecp`` with ``data`` and ``channel_id``;
    None if there is none."""
    for place in (file, group(file, "ecp")):
        if place is not None and isinstance(child(place, "channel_id"), h5py.Dataset):
            return place
    return None


def read_extracellular(place: h5py.Group, losses: list[Loss]) -> Entry:
    """A signal with a channel for each electrode. The developer guide has a row of data for each
    electrode, BMTK a column: which it is tells the number of electrodes."""
    path = Path(place.file.filename)
    data, ids = child(place, "data"), numbers(place, "channel_id")
    if ids is None or ids.dtype.kind not in "iu":
        raise FormatError(f"{place.name} does not say which electrodes there are", path=path)
    _check_data(data, str(place.name), path)
    if len(ids) not in data.shape:
        raise FormatError(
            f"{data.name} has the shape {data.shape}, and there are {len(ids)} electrodes",
            path=path,
        )
    is_turned = data.shape[1] != len(ids)
    rows = data.shape[1 if is_turned else 0]
    start, period = _times(place, rows, EXTRACELLULAR, losses)
    unit_of_time, fault = time_unit_of(place, "time")
    if fault is not None:
        losses.append(Loss(EXTRACELLULAR, "time_unit", fault))
    model = model_of(
        schemas.Signal,
        str(place.name),
        variable=EXTRACELLULAR,
        unit=_unit(data, EXTRACELLULAR, losses),
        time_unit=unit_of_time,
        sampling_period=period,
        t_start=start,
    )
    shape = (rows, len(ids))
    values = Values(path, str(data.name), shape, data.dtype.newbyteorder("="), is_turned)
    return Entry(model, {"values": values, "channels": ids.astype(np.int64)})


def _check_data(data: Any, where: str, path: Path) -> None:
    if not isinstance(data, h5py.Dataset) or data.ndim != 2 or data.dtype.kind not in "fiu":
        raise FormatError(f"{where} has no data of two axes", path=path)
    if data.nbytes > COMPRESSION_LIMIT * max(path.stat().st_size, 1):
        raise FormatError(f"{data.name} claims more than the file can hold", path=path)


def is_old_report(file: h5py.File) -> bool:
    """Whether it is a report of the first version, which has no group ``report``."""
    mapping = group(file, "mapping")
    return (
        mapping is not None and "time" in mapping and isinstance(child(file, "data"), h5py.Dataset)
    )


def read_reports(
    reports: h5py.Group | None, file: h5py.File, population: str | None, losses: list[Loss]
) -> Iterator[Entry]:
    """A signal of each population. Raises FormatError for columns that belong to no neuron."""
    if reports is None:
        yield _signal(file, population, losses)
        return
    if isinstance(child(reports, "data"), h5py.Dataset):
        yield _signal(reports, population, losses)
        return
    for name, place in populations(reports, "signal", losses):
        yield _signal(place, name, losses)


@dataclass(frozen=True)
class _Mapping:
    channels: npt.NDArray[np.int64]  # the node of each column
    elements: dict[str, npt.NDArray[Any]]


def _signal(place: h5py.Group, population: str | None, losses: list[Loss]) -> Entry:
    path = Path(place.file.filename)
    data, mapping = child(place, "data"), group(place, "mapping")
    _check_data(data, str(place.name), path)
    if mapping is None:
        raise FormatError(f"{place.name} has no mapping", path=path)
    variable = name_of(text_of(data, "variable") or path.stem, "report")
    way = "/".join(filter(None, (population, variable)))
    start, period = _times(mapping, len(data), way, losses)
    time_unit, fault = time_unit_of(mapping, "time")
    if fault is not None:
        losses.append(Loss(way, "time_unit", fault))
    unit = _unit(data, way, losses)
    found = _mapped(mapping, data.shape[1])
    losses += [
        Loss(way, name, "of the mapping, the elements of neurons only are kept")
        for name in mapping
        if name not in _KNOWN
    ]
    model = model_of(
        schemas.Signal,
        str(place.name),
        population=population,
        variable=variable,
        unit=unit,
        time_unit=time_unit,
        sampling_period=period,
        t_start=start,
        array_annotations={
            name: to_schema(values, name) for name, values in found.elements.items()
        },
    )
    values = Values(path, str(data.name), data.shape, data.dtype.newbyteorder("="))
    return Entry(model, {"values": values, "channels": found.channels})


def _times(mapping: h5py.Group, rows: int, way: str, losses: list[Loss]) -> tuple[float, float]:
    """The first time and the period."""
    path = mapping.file.filename
    told = numbers(mapping, "time")
    if told is None or len(told) != 3 or told.dtype.kind not in "fiu":
        raise FormatError(f"{mapping.name}/time is not start, stop and step", path=path)
    start, stop, step = map(float, told)
    if not (np.isfinite([start, stop, step]).all() and step > 0):
        raise FormatError(f"the step of {mapping.name}/time is {step:g}", path=path)
    said = (stop - start) / step
    if abs(said - rows) > 1 + 1e-6 * rows:
        reason = f"from {start:g} to {stop:g} in steps of {step:g} are {said:g} rows, not {rows}"
        losses.append(Loss(way, "t_stop", reason))
    return start, step


def _unit(data: h5py.Dataset, way: str, losses: list[Loss]) -> str:
    told = text_of(data, "units")
    unit = contract_unit(told) if told is not None else None
    if told is None:
        losses.append(Loss(way, "unit", "the file tells no unit of the values"))
    elif unit is None:
        losses.append(Loss(way, "unit", f"{told!r:.40} is no unit"))
    return NO_UNIT if unit is None else unit


def _mapped(mapping: h5py.Group, columns: int) -> _Mapping:
    path = mapping.file.filename
    ids = next((found for name in IDS if (found := numbers(mapping, name)) is not None), None)
    if ids is None or ids.dtype.kind not in "iu":
        raise FormatError(f"{mapping.name} does not say which nodes there are", path=path)
    if len(ids) and (int(ids.min()) < 0 or int(ids.max()) >= 1 << 62):
        raise FormatError(f"{mapping.name} has a node that is none: {ids.max()}", path=path)
    pointers = next((found for n in POINTERS if (found := numbers(mapping, n)) is not None), None)
    if pointers is None:
        pointers = np.arange(len(ids) + 1)
    if pointers.dtype.kind not in "iu" or len(pointers) not in (len(ids), len(ids) + 1):
        raise FormatError(
            f"{mapping.name} has {len(pointers)} pointers of {len(ids)} nodes", path=path
        )
    begins = pointers[: len(ids)].astype(np.int64)
    if len(pointers) == len(ids):  # without an end: each node reaches to the next that begins
        ends = np.append(np.sort(begins)[1:], columns)[np.argsort(np.argsort(begins))]
    else:
        ends = pointers[1:].astype(np.int64)
    lengths = ends - begins
    if (begins < 0).any() or (lengths < 0).any() or int(ends.max(initial=0)) > columns:
        raise FormatError(f"{mapping.name} points to columns that are not there", path=path)
    if int(lengths.sum()) != columns:
        raise FormatError(
            f"{mapping.name} has {int(lengths.sum())} elements, and the data {columns} columns",
            path=path,
        )
    channels = np.full(columns, -1, np.int64)
    for node, begin, end in zip(ids.tolist(), begins.tolist(), ends.tolist(), strict=True):
        channels[begin:end] = node
    if (channels < 0).any():
        raise FormatError(f"{mapping.name} leaves out columns of the data", path=path)
    return _Mapping(channels, _elements(mapping, channels))


def _elements(mapping: h5py.Group, channels: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[Any]]:
    """Which element each column is, and where on it; nothing if it is the only one of each node,
    and its number 0."""
    found = {}
    for ours, theirs in ELEMENTS.items():
        held = next((one for name in theirs if (one := numbers(mapping, name)) is not None), None)
        if held is None:
            continue
        if len(held) != len(channels) or held.dtype.kind not in "fiu":
            raise FormatError(
                f"{mapping.name} has {len(held)} elements, and the data {len(channels)} columns",
                path=mapping.file.filename,
            )
        found[ours] = held
    are_single = len(np.unique(channels)) == len(channels)
    if are_single and list(found) == ["element_id"] and not found["element_id"].any():
        return {}
    return found
