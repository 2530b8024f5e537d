"""The signals of one variable in a segment as a SONATA report."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

import schemas
from archive.adapters.left_out import NO_PLACE, left_out, whole
from archive.adapters.replacing import replacing
from archive.adapters.segments import Found, chosen_segment
from archive.adapters.sonata_files import mark
from archive.adapters.sonata_spikes import UNNAMED
from archive.entry import Entry, Loss, Source, parts_of
from archive.errors import FormatError
from archive.values import from_schema
from schemas.v1.value import Array

_CARRIED = {"population", "variable", "unit", "time_unit", "t_start", "sampling_period", "values",
            "channels", "array_annotations"}  # fmt: skip
_ELEMENTS = {"element_id": np.uint32, "element_pos": np.float32}
_BLOCK = 1 << 22  # bytes that are written at once
_WIDTH = 1 << 26  # of a row of chunks, at most


def write_report(
    source: Source,
    path: Path,
    segment: str | None,
    variable: str | None,
    *,
    exact: bool,
    overwrite: bool,
) -> list[Loss]:
    """Write the signals of `variable`, or of the only one, in ms, as float32; `exact` keeps
    float64, which libsonata refuses. Raises FormatError if there are none, or several variables
    and none named."""
    losses: list[Loss] = []
    way, chosen = chosen_segment(source, segment, path, losses)
    losses += left_out(way, chosen, (), NO_PLACE)
    found: list[Found] = []
    for at, part in parts_of(chosen, way):
        fault = _unfit(part)
        if fault is not None:
            losses.append(whole(at, part, fault))
        else:
            found.append((at, part))
    names = list(dict.fromkeys(_variable(part) for _, part in found))
    if not names or (variable is not None and variable not in names):
        what = f" {variable!r}" if variable is not None else ""
        raise FormatError(
            f"there is no signal{what} in the segment",
            path=path,
            hint=f"there is {', '.join(names)}" if names else None,
        )
    if variable is None and len(names) > 1:
        raise FormatError(
            f"there are signals of {len(names)} variables, and a report has one",
            path=path,
            hint="name it: variable=" + " or ".join(map(repr, names[:5])),
        )
    chosen_name = names[0] if variable is None else variable
    with replacing(path, overwrite=overwrite) as staged, h5py.File(staged, "x") as file:
        mark(file)
        top = file.create_group("report", track_order=True)
        for at, part in found:
            name = getattr(part.model, "population", None) or UNNAMED
            if _variable(part) != chosen_name:
                losses.append(whole(at, part, "a report has one variable"))
            elif name in top or name in (".", ".."):
                losses.append(whole(at, part, "there is another of this population"))
            else:
                losses += _put(top.create_group(name), part, at, exact)
    return losses


def _variable(part: Entry) -> str:
    return str(getattr(part.model, "variable", ""))


def _unfit(part: Entry) -> str | None:
    if not isinstance(part.model, schemas.Signal):
        return "a report holds regular signals"
    values, channels = part.arrays["values"], part.arrays.get("channels")
    if np.dtype(values.dtype).kind not in "biuf":
        return "a report holds real numbers"
    if channels is not None and (np.asarray(channels) < 0).any():
        return "a node has a number from 0 on"
    model, factor = part.model, float(schemas.conversion(part.model.time_unit, "ms"))
    period = model.sampling_period * factor
    if not np.isfinite([model.t_start * factor + values.shape[0] * period]).all() or not period:
        return "its times are too large or too small in ms"
    return None


def _put(made: h5py.Group, entry: Entry, way: str, exact: bool) -> Iterator[Loss]:
    model, values = entry.model, entry.arrays["values"]
    assert isinstance(model, schemas.Signal)
    yield from left_out(way, entry, _CARRIED, NO_PLACE)
    if model.population is None:
        yield Loss(way, "population", f"SONATA needs one: it is {UNNAMED}")
    rows, columns = values.shape
    held = entry.arrays.get("channels")
    channels = np.arange(columns) if held is None else np.asarray(held)
    if held is not None and channels.dtype != np.int64:
        yield Loss(way, "channels", "they are int64 in the file")
    order = np.argsort(channels, kind="stable")
    if (order != np.arange(columns)).any():
        # channels that are not said are counted, and are in order
        for field in ("channels", "values", "array_annotations"):
            yield Loss(way, field, "in the file the columns stand in the order of the nodes")
    dtype = np.dtype(values.dtype)
    written = np.dtype(np.float64 if exact and dtype != np.float32 else np.float32)
    if dtype != written:
        yield Loss(way, "values", f"{dtype} becomes {written}")
    data = _put_values(made, values, order, written)
    data.attrs["units"] = "" if model.unit == "dimensionless" else model.unit
    data.attrs["variable"] = model.variable
    if model.unit == "":
        yield Loss(way, "unit", "no unit and the unit of plain numbers are one")
    yield from _put_mapping(made.create_group("mapping"), model, channels[order], order, rows, way)


def _put_values(
    made: h5py.Group, values: Any, order: npt.NDArray[np.int64], dtype: np.dtype[Any]
) -> h5py.Dataset:
    """In blocks of rows, so that a large signal need not be in memory."""
    rows, columns = values.shape
    step = max(1, _BLOCK // max(columns * dtype.itemsize, 1))
    chunks = None
    if rows * columns * dtype.itemsize > _BLOCK and columns * dtype.itemsize < _WIDTH:
        chunks = (min(rows, step), columns)
    data = made.create_dataset("data", (rows, columns), dtype, chunks=chunks)
    is_sorted = bool((order == np.arange(columns)).all())
    for begin in range(0, rows, step):
        with np.errstate(over="ignore"):
            block = np.asarray(values[begin : begin + step]).astype(dtype)
        data[begin : begin + step] = block if is_sorted else block[:, order]
    return data


def _put_mapping(
    made: h5py.Group,
    model: schemas.Signal,
    channels: npt.NDArray[np.int64],
    order: npt.NDArray[np.int64],
    rows: int,
    way: str,
) -> Iterator[Loss]:
    nodes, begins = np.unique(channels, return_index=True)
    ids = made.create_dataset("node_ids", data=nodes.astype(np.uint64))
    ids.attrs["sorted"] = np.uint8(1)
    made["index_pointers"] = np.append(begins, len(channels)).astype(np.uint64)
    columns = len(channels)
    for name, told in model.array_annotations.items():
        dtype = _ELEMENTS.get(name)
        array = np.asarray(from_schema(told)) if isinstance(told, Array) else None
        if dtype is None or array is None or array.dtype.kind not in "iuf":
            yield Loss(way, f"array_annotations.{name}", NO_PLACE)
            continue
        kept = array.astype(dtype) if len(array) == columns else None
        if kept is None or not np.array_equal(kept, array):
            yield Loss(way, f"array_annotations.{name}", f"SONATA has it as {np.dtype(dtype)}")
        elif array.dtype != dtype:
            yield Loss(way, f"array_annotations.{name}", f"it becomes {np.dtype(dtype)}")
        if kept is not None:
            made["element_ids" if name == "element_id" else name] = kept[order]
    if "element_ids" not in made:
        # of what has several values of a neuron, each needs a number
        numbered = np.arange(columns) - np.repeat(begins, np.diff([*begins, columns]))
        made["element_ids"] = numbered.astype(np.uint32)
        if numbered.any() or "element_pos" in made:
            yield Loss(way, "array_annotations.element_id", "SONATA needs it: columns are counted")
    elif not made["element_ids"][()].any() and len(nodes) == columns and "element_pos" not in made:
        yield Loss(way, "array_annotations.element_id", "0 for all is what there is without it")
    factor = float(schemas.conversion(model.time_unit, "ms"))
    start, period = model.t_start * factor, model.sampling_period * factor
    if model.time_unit != "ms":
        for field in ("time_unit", "t_start", "sampling_period"):
            yield Loss(way, field, f"{model.time_unit} becomes ms")
    times = made.create_dataset("time", data=[start, start + rows * period, period])
    times.attrs["units"] = "ms"
