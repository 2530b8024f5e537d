"""The arrays of a snapshot against its models, and these against one another."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import schemas
from archive.container.contract import NUMBERS
from archive.container.rows import to_ms
from archive.entry import Entry
from archive.errors import ArchiveWarning, ContractError
from schemas.v1.value import itemsize

Arrays = Mapping[str, npt.NDArray[Any]]
STATE = "state:"


class Part(NamedTuple):
    """A population or projection of a snapshot, its arrays in memory."""

    model: schemas.Population | schemas.Projection
    arrays: Arrays


class Checked(NamedTuple):
    """A snapshot that keeps the contract."""

    model: schemas.Snapshot
    parts: Sequence[Part]


def part_title(model: schemas.Model) -> str:
    """``projection 'exc_inh'``"""
    return f"{model.kind} {getattr(model, 'name', None)!r}"


def checked(snapshot: Entry) -> Checked:
    """The snapshot with all its arrays in memory, its model naming its parts.

    Raises ContractError, naming the entry, for what breaks the contract; ArchiveWarning for
    weights that are NaN, which are kept.
    """
    model = snapshot.model
    if not isinstance(model, schemas.Snapshot):
        raise ContractError(f"a {model.kind} is not a snapshot", entry=model.kind)
    parts = []
    for entry in snapshot.parts:
        if not isinstance(entry.model, schemas.Population | schemas.Projection):
            raise ContractError(
                f"a {entry.model.kind} is no part of a snapshot", entry=part_title(entry.model)
            )
        arrays = {
            name: _numbers(array, f"{part_title(entry.model)}: {name}")
            for name, array in entry.arrays.items()
        }
        parts.append(Part(entry.model, arrays))
    if snapshot.arrays:
        raise ContractError("a snapshot has no arrays but those of its parts", entry="snapshot")
    for fault, where in faults(model, parts):
        raise ContractError(fault, entry=where)
    _warn(parts)
    return Checked(model.model_copy(update=_names(parts)), parts)


def _numbers(array: Any, where: str) -> npt.NDArray[Any]:
    if isinstance(array, np.ma.MaskedArray):
        raise ContractError("a masked array cannot be kept: its mask would be lost", entry=where)
    values = np.asarray(array)
    try:
        itemsize(values.dtype.newbyteorder("<").str)
    except ValueError as error:
        raise ContractError(str(error), entry=where) from None
    if values.dtype.kind not in NUMBERS or values.dtype.itemsize > 16:
        raise ContractError(
            f"values of dtype {values.dtype} cannot be kept", entry=where, hint="give numbers"
        )
    return values


def _names(parts: Sequence[Part]) -> dict[str, tuple[str, ...]]:
    return {
        f"{kind}s": tuple(part.model.name for part in parts if part.model.kind == kind)
        for kind in ("population", "projection")
    }


def faults(model: schemas.Snapshot, parts: Sequence[Part]) -> Iterator[tuple[str, str]]:
    """What breaks the contract, and of which entry."""
    if not to_ms(model.time_unit):
        yield f"{model.time_unit!r} is not a unit of time", "snapshot"
    for field, names in _names(parts).items():
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            yield f"several {field} have the name {twice[0]!r}", "snapshot"
        said = getattr(model, field)
        if said and said != names:
            yield f"it names the {field} {said}, and has {names}", "snapshot"
    sizes = {p.model.name: p.model.size for p in parts if isinstance(p.model, schemas.Population)}
    for part in parts:
        found = (
            _population_faults(part.model, part.arrays)
            if isinstance(part.model, schemas.Population)
            else _projection_faults(part.model, part.arrays, sizes, model.time_step)
        )
        where = part_title(part.model)
        yield from ((fault, where) for fault in found)


def _population_faults(model: schemas.Population, arrays: Arrays) -> Iterator[str]:
    if model.geometry is not None and prod(model.geometry) != model.size:
        yield f"a grid of {model.geometry} has not {model.size} neurons"
    for name, values in arrays.items():
        if name == "positions":
            if values.ndim != 2 or len(values) != model.size or values.dtype.kind != "f":
                yield (
                    f"positions must be floating point with the shape ({model.size}, axes), not "
                    f"{values.dtype} {values.shape}"
                )
        elif name == "ids":
            if values.shape != (model.size,) or values.dtype.kind not in "iu":
                yield f"ids must be {model.size} integers, not {values.dtype} {values.shape}"
        elif not _is_state(name):
            yield f"a population has no array {name!r}"
        elif values.shape not in ((model.size,), (1,)):
            yield _of_shape(name, values, model.size)


def _projection_faults(
    model: schemas.Projection,
    arrays: Arrays,
    sizes: Mapping[str, int],
    time_step: float | None,
) -> Iterator[str]:
    for end in ("pre", "post"):
        name, size = getattr(model, end), getattr(model, f"{end}_size")
        if sizes.get(name, size) != size:
            yield f"{end} is {name!r} of {size} neurons, and that has {sizes[name]}"
    yield from _connection_faults(model, arrays)
    for name, values in arrays.items():
        if name in ("row_pointers", "columns", "order"):
            continue
        if name not in ("weights", "delays") and not _is_state(name):
            yield f"a projection has no array {name!r}"
        elif values.shape not in ((model.size,), (1,)):
            yield _of_shape(name, values, model.size)
    if "delays" in arrays:
        yield from _delay_faults(model, arrays["delays"], time_step)


def _connection_faults(model: schemas.Projection, arrays: Arrays) -> Iterator[str]:
    missing = {"row_pointers", "columns"} - arrays.keys()
    if missing:
        yield f"the array {sorted(missing, reverse=True)[0]!r} is missing"
        return
    rows, others = model.post_size, model.pre_size
    if model.rows == "pre":
        rows, others = others, rows
    lengths = {"row_pointers": rows + 1, "columns": model.size, "order": model.size}
    for name, length in lengths.items():
        values = arrays.get(name)
        if values is not None and (values.shape != (length,) or values.dtype.kind not in "iu"):
            yield f"{name} must be {length} integers, not {values.dtype} {values.shape}"
            return
    pointers, columns = arrays["row_pointers"], arrays["columns"]
    if pointers[0] != 0 or pointers[-1] != model.size:
        yield f"row_pointers go from {pointers[0]} to {pointers[-1]}, not from 0 to {model.size}"
    elif (pointers[1:] < pointers[:-1]).any():
        yield "row_pointers decrease"
    if len(columns) and not (columns.min() >= 0 and columns.max() < others):
        yield f"a connection leads to neuron {columns.min()} or {columns.max()} of {others}"
    order = arrays.get("order")
    if order is not None and not _is_permutation(order):
        yield f"order is not a permutation of 0 to {model.size - 1}"


def _is_permutation(order: npt.NDArray[Any]) -> bool:
    if not len(order):
        return True
    if order.min() < 0 or order.max() >= len(order):
        return False
    seen = np.zeros(len(order), bool)
    seen[order] = True
    return bool(seen.all())


def _delay_faults(
    model: schemas.Projection, delays: npt.NDArray[Any], time_step: float | None
) -> Iterator[str]:
    if time_step is None:
        yield "it has delays, and the snapshot does not say the time step"
    if not to_ms(model.delay_unit):
        yield f"{model.delay_unit!r} is not a unit of time"
    if delays.dtype.kind not in "iuf":
        yield f"delays cannot be {delays.dtype}"
    elif len(delays) and not (delays.min() >= 0 and delays.max() < np.inf):
        wrong = delays[~((delays >= 0) & (delays < np.inf))]
        yield f"{len(wrong)} delays are negative or not finite, as {wrong[0]}"


def _is_state(name: str) -> bool:
    return name.startswith(STATE) and len(name) > len(STATE)


def _of_shape(name: str, values: npt.NDArray[Any], size: int) -> str:
    return f"{name} must have the shape ({size},), or (1,), and not {values.shape}"


def _warn(parts: Sequence[Part]) -> None:
    for part in parts:
        weights = part.arrays.get("weights")
        if weights is not None and _may_be_nan(weights):
            count = int(np.isnan(weights).sum())
            if count:
                warnings.warn(
                    f"{part_title(part.model)}: {count} of {len(weights)} weights are NaN; they "
                    "are kept",
                    ArchiveWarning,
                    stacklevel=2,
                )


def _may_be_nan(values: npt.NDArray[Any]) -> bool:
    """A sum with one NaN in it is NaN, and takes no memory; so is that of two infinities."""
    with np.errstate(invalid="ignore", over="ignore"):
        return values.dtype.kind in "fc" and bool(np.isnan(values.sum()))
