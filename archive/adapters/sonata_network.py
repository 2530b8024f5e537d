"""Nodes and edges of a network in SONATA files, as simulators of the Allen Institute and the Blue
Brain Project read them (github.com/AllenInstitute/sonata, the developer guide).

A population is ``/nodes/<name>``, with its parameters and state as ``dynamics_params``; a
projection ``/edges/<name>``. Units are attributes ``units`` of the datasets, which SONATA allows;
delays are in ms and positions in um, as it says. Types of nodes and edges lie in CSV files beside,
and are not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

import schemas
from archive.adapters.left_out import left_out, located, whole
from archive.adapters.replacing import replacing
from archive.adapters.sonata_files import (
    group,
    mark,
    numbers,
    put,
    put_index,
    required,
    text_of,
)
from archive.adapters.sonata_losses import NO_PLACE, is_plain, losses_of, plain_numbers
from archive.connections import compressed, ends, native_order
from archive.entry import Entry, Loss, Source, ways
from archive.errors import FormatError
from archive.values import from_schema_dict, quantity, to_schema

AXES = ("x", "y", "z")
PARAMETERS = "dynamics_params"
EDGE_NAMES = {"syn_weight": "weights", "delay": "delays"}
WRITTEN = {"weights": "syn_weight", "delays": "delay"}
NODE_LIMIT = 10**8  # the most nodes that edges may ask for which the file does not have
_SPREAD = 64  # nodes for each edge that are not held against a file
_TYPES = "types lie in a CSV file beside, which is not read"
_NO_COLUMN = "of a group, columns of numbers only are kept, and text that is the same for all"


class _Sizes:
    """How many nodes there are of each population: as many as the file has, or edges ask for."""

    def __init__(self, cells: list[Entry]) -> None:
        self._known = {_name(one): int(getattr(one.model, "size", 0)) for one in cells}
        self._left = NODE_LIMIT  # of those that edges begin at, few edges of many nodes

    def of(self, name: str, ids: npt.NDArray[np.int64], edges: h5py.Group, *, pre: bool) -> int:
        """Of the population that these are nodes of."""
        known, needed = self._known.get(name, 0), int(ids.max(initial=-1)) + 1
        if needed > known:
            self._left -= max(0, needed - _SPREAD * len(ids)) if pre else 0
            if needed > NODE_LIMIT or self._left < 0:
                raise FormatError(f"there is no node {needed - 1}", path=edges.file.filename)
        return max(known, needed)


def read_network(
    nodes: h5py.Group | None,
    edges: h5py.Group | None,
    time_step: float | None,
    losses: list[Loss],
) -> Entry:
    """A snapshot at time 0 of the populations and projections. Raises FormatError for links to
    other files, and for attributes in several groups."""
    cells = [_population(nodes, name, losses) for name in nodes] if nodes is not None else []
    sizes = _Sizes(cells)
    synapses = [_projection(edges, name, sizes, losses) for name in edges or ()]
    model = schemas.Snapshot(
        time=0.0,
        time_step=time_step,
        populations=tuple(map(_name, cells)),
        projections=tuple(map(_name, synapses)),
    )
    return Entry(model, parts=[*cells, *synapses])


def write_network(source: Source, path: Path, *, overwrite: bool) -> list[Loss]:
    """Write all populations and projections of a source, and return what was not carried.

    Raises FormatError if there are none, or two of one name.
    """
    losses: list[Loss] = []
    root = source.entry()
    parts: list[tuple[str, Entry]] = []
    lost = ""  # the last entry that is, with all that is in it
    for way, one in ((root.model.kind, root), *ways(root)):
        if lost and way.startswith(f"{lost}/"):
            continue
        if isinstance(one.model, schemas.Population | schemas.Projection):
            parts.append((way, one))
        elif isinstance(one.model, schemas.Snapshot):
            kept = {"populations", "projections"} | (
                {"time"} if str(one.model.time) == "0.0" else set()
            )
            losses += left_out(way, one, kept, NO_PLACE)
        elif isinstance(one.model, schemas.Experiment | schemas.Run):
            losses += left_out(way, one, (), NO_PLACE)
        else:
            losses.append(whole(way, one, "a file of a network holds nothing else"))
            lost = way
    named = [(one.model.kind, _name(one)) for _, one in parts]
    if not parts:
        raise FormatError(
            "there is no population and no projection",
            path=path,
            hint="recordings are written as 'sonata:spikes' or 'sonata:report'",
        )
    if len(set(named)) < len(named):
        raise FormatError("several have one name", path=path, hint="export one snapshot, not all")
    with replacing(path, overwrite=overwrite) as staged, h5py.File(staged, "x") as file:
        mark(file)
        for way, part in parts:
            try:
                _write(file, part)
            except ValueError as error:  # as HDF5 says it of names
                said = f"it cannot be written: {error}"
                raise FormatError(said, path=path, entry=way) from error
            assert isinstance(part.model, schemas.Population | schemas.Projection)
            losses += located(way, losses_of(part, part.model.size))
    return losses


def _name(entry: Entry) -> str:
    return str(getattr(entry.model, "name", ""))


def _write(file: h5py.File, part: Entry) -> None:
    if isinstance(part.model, schemas.Population):
        _write_nodes(file, part, part.model)
    elif isinstance(part.model, schemas.Projection):
        _write_edges(file, part, part.model)


def _write_nodes(file: h5py.File, entry: Entry, model: schemas.Population) -> None:
    made = _new_group(file, "nodes", model.name)
    _put_types(made, "node", model.size)
    inside = made.create_group("0")
    if "positions" in entry.arrays:
        positions = np.asarray(entry.arrays["positions"], np.float64)
        # no length: the numbers stay
        with suppress(schemas.UnitError), np.errstate(over="ignore"):
            positions = positions * float(schemas.conversion(model.position_unit, "um"))
        for axis, values in zip(AXES, positions.T, strict=False):
            put(inside, axis, values, "um")
    if model.model is not None and "\0" not in model.model:
        library = inside.create_group("@library")
        library.create_dataset("model_template", data=[model.model], dtype=h5py.string_dtype())
        put(inside, "model_template", np.zeros(model.size, np.uint32))
    _put_values(inside, entry, model)


def _new_group(file: h5py.File, kind: str, name: str) -> h5py.Group:
    """One that remembers in which order there came others."""
    above = file.require_group(kind) if kind in file else file.create_group(kind, track_order=True)
    return above.create_group(name)


def _write_edges(file: h5py.File, entry: Entry, model: schemas.Projection) -> None:
    made = _new_group(file, "edges", model.name)
    pre, post = (np.asarray(end, np.uint64) for end in ends(model, entry.arrays))
    _put_types(made, "edge", model.size)
    for name, values, other in (
        ("source_node_id", pre, model.pre),
        ("target_node_id", post, model.post),
    ):
        put(made, name, values)
        made[name].attrs["node_population"] = other
    indices = made.create_group("indices")
    put_index(indices, "source_to_target", pre, model.pre_size, model.size)
    put_index(indices, "target_to_source", post, model.post_size, model.size)
    inside = made.create_group("0")
    for field, name in WRITTEN.items():
        if field not in entry.arrays:
            continue
        held = native_order(entry.arrays, entry.arrays[field])
        scaled, unit = np.broadcast_to(held, (model.size,)), model.weight_unit
        if field == "delays":
            with np.errstate(over="ignore"):
                scaled, unit = scaled * float(schemas.conversion(model.delay_unit, "ms")), "ms"
        put(inside, name, scaled, unit)
    _put_values(inside, entry, model)


def _put_types(made: h5py.Group, kind: str, size: int) -> None:
    made.create_dataset(f"{kind}_type_id", data=np.full(size, -1, np.int64))
    made.create_dataset(f"{kind}_group_id", data=np.zeros(size, np.uint64))
    made.create_dataset(f"{kind}_group_index", data=np.arange(size, dtype=np.uint64))


def _put_values(
    inside: h5py.Group, entry: Entry, model: schemas.Population | schemas.Projection
) -> None:
    """Parameters and state variables, all as numbers for each node or edge."""
    found: dict[str, tuple[npt.NDArray[Any], str | None]] = {}
    for key, value in from_schema_dict(model.parameters).items():
        bare = plain_numbers(value)
        if bare is not None and bare.shape in ((), (1,), (model.size,)):
            found[key] = bare, _unit_text(value)
    for key, array in entry.arrays.items():
        if key.startswith("state:") and is_plain(array):
            name = key.removeprefix("state:")
            values = np.asarray(array)
            if isinstance(model, schemas.Projection):
                values = native_order(entry.arrays, values)
            found[name] = values, model.state_units.get(name)
    if not found:
        return
    place = inside.create_group(PARAMETERS)
    for key, (values, unit) in found.items():
        full = np.broadcast_to(values, (model.size,))
        put(place, key, full.astype(np.uint8) if full.dtype.kind == "b" else full, unit)


def _unit_text(value: Any) -> str | None:
    dimensionality = getattr(value, "dimensionality", None)
    return None if dimensionality is None else str(dimensionality.string)


def _population(nodes: h5py.Group, name: str, losses: list[Loss]) -> Entry:
    made = group(nodes, name)
    if made is None:
        raise FormatError(f"{nodes.name}/{name} is no group", path=nodes.file.filename)
    types = required(made, "node_type_id")
    size = len(types)
    _lose_types(types, name, "node", losses)
    inside, index = _inside(made, "node", size)
    arrays: dict[str, npt.NDArray[Any]] = {}
    fields: dict[str, Any] = {"parameters": {}, "state_units": {}}
    axes = [axis for axis in AXES if inside is not None and axis in inside]
    if inside is not None and axes:
        columns = [_picked(inside, axis, required(inside, axis), index) for axis in axes]
        arrays["positions"] = np.stack(columns, axis=1).astype(np.float64)
    if inside is not None:
        library = group(inside, "@library")
        words = numbers(library, "model_template") if library is not None else None
        which = numbers(inside, "model_template") if words is not None else None
        if words is not None and which is not None and len(set(which.tolist())) == 1:
            if not 0 <= int(which[0]) < len(words):
                raise FormatError(f"{inside.name} has no model_template {which[0]}")
            fields["model"] = str(words[int(which[0])])
        elif "model_template" in inside:
            losses.append(Loss(name, "model_template", "a population has one model here"))
        losses += located(name, _values(inside, index, arrays, fields, {*AXES, "model_template"}))
    model = schemas.Population(name=name, size=size, position_unit="um", **fields)
    return Entry(model, arrays)


def _lose_types(types: npt.NDArray[Any], name: str, kind: str, losses: list[Loss]) -> None:
    if (types != -1).any():  # as those have that have none
        losses.append(Loss(name, f"{kind}_type_id", _TYPES))


def _projection(edges: h5py.Group, name: str, sizes: _Sizes, losses: list[Loss]) -> Entry:
    made = group(edges, name)
    if made is None:
        raise FormatError(f"{edges.name}/{name} is no group", path=edges.file.filename)
    pre, post = (_nodes(made, f"{side}_node_id") for side in ("source", "target"))
    names, counts = [], []
    for side, which in (("source", pre), ("target", post)):
        told = made[f"{side}_node_id"].attrs.get("node_population", side)
        names.append(str(told))
        counts.append(sizes.of(str(told), which, edges, pre=side == "source"))
    types = numbers(made, "edge_type_id")
    if types is not None:
        _lose_types(types, name, "edge", losses)
    inside, index = _inside(made, "edge", len(pre))
    rows = compressed(pre, post, counts[0], counts[1], name)
    arrays: dict[str, npt.NDArray[Any]] = dict(rows.arrays())
    fields: dict[str, Any] = {"parameters": {}, "state_units": {}}
    if inside is not None:
        for theirs, ours in EDGE_NAMES.items():
            values = numbers(inside, theirs)
            if values is not None:
                arrays[ours] = rows.arranged(
                    _picked(inside, theirs, values, index).astype(np.float64)
                )
        if "syn_weight" in inside:
            fields["weight_unit"] = text_of(inside["syn_weight"], "units")
        others: dict[str, npt.NDArray[Any]] = {}
        losses += located(name, _values(inside, index, others, fields, set(EDGE_NAMES)))
        arrays |= {key: rows.arranged(values) for key, values in others.items()}
    model = schemas.Projection(
        name=name,
        pre=names[0],
        post=names[1],
        pre_size=counts[0],
        post_size=counts[1],
        size=len(pre),
        rows=rows.rows,
        delay_unit="ms",
        **fields,
    )
    return Entry(model, arrays)


def _nodes(made: h5py.Group, name: str) -> npt.NDArray[np.int64]:
    told = required(made, name)
    with np.errstate(invalid="ignore"):
        ids = told.astype(np.int64)
    if not (ids == told).all():
        raise FormatError(f"{made.name}/{name} has nodes that are none", path=made.file.filename)
    return ids


def _inside(
    made: h5py.Group, kind: str, size: int
) -> tuple[h5py.Group | None, npt.NDArray[np.int64]]:
    """The group of attributes, and which of its rows each node or edge has."""
    path = made.file.filename
    which, index = numbers(made, f"{kind}_group_id"), numbers(made, f"{kind}_group_index")
    groups = {0} if which is None else {int(one) for one in np.unique(which)}
    if len(groups) > 1:
        raise FormatError(f"{made.name} has its attributes in several groups", path=path)
    rows = np.arange(size) if index is None else index.astype(np.int64)
    if len(rows) != size or int(rows.min(initial=0)) < 0:
        raise FormatError(f"{made.name}/{kind}_group_index is not that of {size}", path=path)
    return group(made, str(next(iter(groups), 0))), rows


def _picked(
    place: h5py.Group, name: str, values: npt.NDArray[Any], index: npt.NDArray[np.int64]
) -> npt.NDArray[Any]:
    if len(values) <= int(index.max(initial=-1)):
        raise FormatError(f"{place.name}/{name} is too short", path=place.file.filename)
    return values[index]


def _values(
    inside: h5py.Group,
    index: npt.NDArray[np.int64],
    arrays: dict[str, npt.NDArray[Any]],
    fields: dict[str, Any],
    without: set[str],
) -> Iterator[Loss]:
    """Attributes of a group: one value for all is a parameter, others are state. What is neither is
    a loss."""
    places = [(inside, without), (group(inside, PARAMETERS), set[str]())]
    for place, skipped in places:
        for name in place or ():
            if place is None or name in skipped or name in ("@library", PARAMETERS):
                continue
            values = numbers(place, name)
            if values is None:
                yield Loss("", name, _NO_COLUMN)
                continue
            own, unit = _picked(place, name, values, index), text_of(place[name], "units")
            is_one = len(own) and bool((own == own[0]).all())
            if own.dtype == object:
                if is_one:
                    fields["parameters"][name] = str(own[0])
                else:
                    yield Loss("", name, _NO_COLUMN)
            elif is_one:
                one = own[0].item()
                told = quantity(one, unit) if unit is not None else one
                fields["parameters"][name] = to_schema(told, name)
            else:
                arrays[f"state:{name}"] = own
                fields["state_units"] |= {name: unit} if unit is not None else {}
