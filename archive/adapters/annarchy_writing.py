"""From a snapshot to the dicts that ANNarchy 5 loads.

Of delays, ``load`` wants ms where the network has the connections of the file, and whole steps
where it has others, of which it is then made anew; the file cannot know. Where a step is 1 ms,
whole numbers are both. Otherwise ``connections="same"`` writes ms, and "other" whole steps with
the ranks of each row as a tuple: a tuple never equals the list that ANNarchy compares it with, so
that the connections are always those of the file. So are delays that differ within rows of
different lengths, which ``load`` cannot set in any other way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.adapters.annarchy_dendrites import Dendrites, objects
from archive.adapters.annarchy_losses import losses
from archive.adapters.annarchy_texts import EXTRA
from archive.adapters.milliseconds import milliseconds_in
from archive.entry import Entry, Loss
from archive.errors import FormatError
from archive.values import from_schema

_ROUNDING = 1e-6  # of a time step
Item = dict[str, Any]


@dataclass
class Writing:
    """One file that is being written: the time step in ms, whether networks with other
    connections are to load it, and what is lost, by the name of the population or projection; of
    the snapshot itself without one."""

    dt: float | None
    other: bool
    losses: list[Loss] = field(default_factory=list)

    def lose(self, where: str, what: str, reason: str) -> None:
        """Note something that the file does not have."""
        self.losses.append(Loss(where, what, reason))


def network_item(snapshot: Entry, parts: list[Entry], writing: Writing) -> Item:
    """The dict of a whole network."""
    model = snapshot.model
    assert isinstance(model, schemas.Snapshot)
    found: Item = {}
    steps = _steps(model, writing)
    if steps is not None:
        found["time_step"] = steps
    net_id = from_schema(model.native.get("net_id", 0))
    found["net_id"] = net_id if isinstance(net_id, int) else 0
    reserved = {"time_step", "net_id", "obj_names", EXTRA}
    names: dict[str, list[str]] = {"populations": [], "projections": []}
    for kind, plural in ((schemas.Population, "populations"), (schemas.Projection, "projections")):
        for part in parts:
            if not isinstance(part.model, kind):
                continue
            name = part.model.name
            if name in found or name in reserved:
                raise FormatError(
                    f"the name {name!r} is taken: ANNarchy has populations, projections and"
                    " facts under their names in one dict",
                    entry=name,
                )
            found[name] = part_item(part, writing)
            names[plural].append(name)
    found["obj_names"] = names
    if writing.dt is not None:
        found[EXTRA] = {"dt": writing.dt}
    writing.losses += losses(snapshot, "", ())
    return found


def part_item(part: Entry, writing: Writing) -> Item:
    """The dict of a population or projection."""
    if isinstance(part.model, schemas.Population):
        return population_item(part, writing)
    return projection_item(part, writing)


def population_item(part: Entry, writing: Writing) -> Item:
    """The dict of a population, as ANNarchy's ``Population.save`` makes it."""
    model = part.model
    assert isinstance(model, schemas.Population)
    geometry = model.geometry or (model.size,)
    values: Item = {}
    for name, given in model.parameters.items():
        value = _plain(given, f"{model.name}: {name}", writing)
        if value is not None and np.ndim(value):
            values[name] = _shaped(value, geometry, model.size, f"{model.name}: {name}")
        elif value is not None:
            values[name] = value
    written = []
    for key, array in part.arrays.items():
        name = key.removeprefix("state:")
        if name == key or np.dtype(array.dtype).kind not in "biuf":
            continue
        held = np.asarray(array)
        written.append(key)
        if len(held) == 1 != model.size:
            values[name] = held[0].item()
        else:
            values[name] = _shaped(held, geometry, model.size, f"{model.name}: {name}")
    writing.losses += losses(part, model.name, written)
    return {
        "name": model.name,
        "geometry": tuple(geometry),
        "size": model.size,
        **_attributes(model, values),
        **_free(values, {"name", "geometry", "size"}, model.name),
    }


def projection_item(part: Entry, writing: Writing) -> Item:
    """The dict of a projection, as ANNarchy's ``Projection.save`` makes it."""
    model = part.model
    assert isinstance(model, schemas.Projection)
    shape = Dendrites(part)
    if "weights" not in part.arrays:
        raise FormatError(
            "it has no weights, and ANNarchy loads no projection without", entry=model.name
        )
    delays = _delays(part, shape, writing)
    other = writing.other or (isinstance(delays, np.ndarray) and shape.ragged)
    storage = from_schema(model.native.get("storage_format", "lil"))
    if other and storage != "lil":
        text = (
            f"to a projection stored as {storage}, ANNarchy adds them instead of replacing its own"
        )
        writing.lose(model.name, "columns", text)
    values: Item = {}
    for name, given in model.parameters.items():
        value = _plain(given, f"{model.name}: {name}", writing)
        if value is not None and np.ndim(value):
            writing.lose(
                model.name, f"parameters.{name}", "an array among the parameters is no attribute"
            )
        elif value is not None:
            values[name] = value
    written = ["row_pointers", "columns", "order", "weights", "delays"]
    for key, array in part.arrays.items():
        name = "w" if key == "weights" else key.removeprefix("state:")
        if key != "weights" and (name == key or np.dtype(array.dtype).kind not in "biuf"):
            continue
        written.append(key)
        held = np.asarray(array)
        if len(held) == 1 and (shape.count != 1 or model.native.get("single_weight")):
            values[name] = held[0].item()
            if other and name == "w":
                values[name] = [[held[0].item()]]
        else:
            values[name] = shape.rows(part.arrays, held)
    for name, held in shape.semiglobal(model).items():
        if len(held) == len(shape.post_ranks):
            values[name] = held.tolist()
        else:
            writing.lose(
                model.name,
                f"native.semiglobal.{name}",
                "it has not one number for each receiving neuron",
            )
    writing.losses += losses(part, model.name, [key for key in written if key in part.arrays])
    own = {"name", "pre", "post", "target", "post_ranks", "pre_ranks", "delays"}
    targets = from_schema(model.native.get("targets", model.receptor))
    return {
        "name": model.name,
        "pre": model.pre,
        "post": model.post,
        **({} if targets is None else {"target": targets}),
        "post_ranks": shape.post_ranks.tolist(),
        **_attributes(model, values),
        "delays": _written_delays(delays, part, shape, writing, other),
        "pre_ranks": shape.tuples() if other else shape.ranks(),
        **_free(values, own, model.name),
    }


def connectivity_item(part: Entry, writing: Writing) -> Item:
    """The dict of ``Projection.save_connectivity``, as ANNarchy 5 writes and ``from_file`` reads
    it: delays in ms, the greatest in steps."""
    model = part.model
    assert isinstance(model, schemas.Projection)
    shape = Dendrites(part)
    delays = _delays(part, shape, writing)
    weights = np.asarray(part.arrays["weights"]) if "weights" in part.arrays else None
    if weights is None:
        raise FormatError("it has no weights, and ANNarchy reads none without", entry=model.name)
    rows: Any = np.array(weights[0].item(), object)
    if len(weights) != 1 or (shape.count == 1 and not model.native.get("single_weight")):
        rows = objects(shape.rows(part.arrays, weights))
    delay: npt.NDArray[Any] | None = None
    longest = uniform = 0
    if delays is not None:
        if writing.dt is None:
            raise _no_step(model.name)
        steps = _whole(np.atleast_1d(delays), writing, model.name)
        longest = int(steps.max(initial=1))
        alike = not isinstance(delays, np.ndarray)
        if alike and longest == 1:
            longest = 0  # as ANNarchy says that there are none
        elif alike and writing.dt == 1:
            delay, uniform = np.array(float(longest), object), longest
        else:
            # One delay for all is read in steps, and then taken for ms.
            delay, uniform = objects(shape.rows(part.arrays, steps * writing.dt)), -1
    written = ["row_pointers", "columns", "order", "weights", "delays"]
    writing.losses += losses(part, model.name, written)
    return {
        "name": model.name,
        "post_ranks": shape.post_ranks.tolist(),
        "pre_ranks": objects(shape.ranks()),
        "w": rows,
        "delay": delay,
        "max_delay": longest,
        "uniform_delay": uniform,
        "size": len(shape.post_ranks),
        "nb_synapses": shape.count,
    }


def _delays(part: Entry, shape: Dendrites, writing: Writing) -> float | npt.NDArray[Any] | None:
    """In ms: one for all, one for each connection as the arrays have them, or none."""
    model = part.model
    assert isinstance(model, schemas.Projection)
    if "delays" not in part.arrays:
        return None
    factor = milliseconds_in(model.delay_unit, f"{model.name}: delays")
    held = np.asarray(part.arrays["delays"], np.float64) * factor
    if held.size and not (np.isfinite(held).all() and held.min() >= 0):
        raise FormatError("some are no times", entry=f"{model.name}: delays")
    if len(held) == 1 and not (shape.count == 1 and model.native.get("uniform_delay") == -1):
        return float(held[0])
    return held


def _written_delays(
    delays: float | npt.NDArray[Any] | None,
    part: Entry,
    shape: Dendrites,
    writing: Writing,
    other: bool,
) -> Any:
    name = str(getattr(part.model, "name", ""))
    dt = writing.dt
    if dt is None:
        if other or delays is None:
            raise _no_step(name)
        return delays if isinstance(delays, float) else shape.rows(part.arrays, delays)
    steps = _whole(np.atleast_1d(dt if delays is None else delays), writing, name)
    values = steps if other or dt == 1 else steps * dt
    if isinstance(delays, np.ndarray) and len(delays) == shape.count:
        return shape.rows(part.arrays, values)
    # as a list of lists, because ANNarchy makes a float of a number that it finds in .npz
    return [[values[0].item()]] if other else values[0].item()


def _whole(values: npt.NDArray[Any], writing: Writing, name: str) -> npt.NDArray[np.int64]:
    exact = np.asarray(values / writing.dt)
    steps: npt.NDArray[np.int64] = np.maximum(1, np.rint(exact)).astype(np.int64)
    if len(exact) and np.abs(exact - steps).max() > _ROUNDING * max(1.0, float(steps.max())):
        writing.lose(name, "delays", f"they are rounded to steps of {writing.dt:g} ms")
    return steps


def _no_step(name: str) -> FormatError:
    return FormatError(
        "ANNarchy needs its delays in time steps, and the snapshot does not say how long one is",
        entry=name,
        hint="give it, as in time_step=0.1, in ms or as a quantity",
    )


def _steps(model: schemas.Snapshot, writing: Writing) -> int | None:
    if writing.dt is None:
        known = from_schema(model.native.get("time_step"))
        if isinstance(known, int):
            return known
        writing.lose("", "time", "ANNarchy counts time steps, and their length is unknown")
        return None
    exact = model.time * milliseconds_in(model.time_unit, "time") / writing.dt
    if not 0 <= exact < 2**63:
        raise FormatError(f"ANNarchy has no time {model.time} {model.time_unit}")
    # as text, since a time of -0.0 is equal to the 0.0 that it becomes
    if str(round(exact) * writing.dt) != str(float(model.time)) and model.time_unit == "ms":
        writing.lose("", "time", f"it is rounded to steps of {writing.dt:g} ms")
    return round(exact)


def _plain(value: Any, where: str, writing: Writing) -> Any:
    """A number, or an array of numbers; None, and a loss, for anything else."""
    place, _, name = where.rpartition(": ")
    held = from_schema(value)
    if hasattr(held, "magnitude"):
        writing.lose(
            place, f"parameters.{name}", "its unit: ANNarchy has no units; the number stays"
        )
        held = np.asarray(held.magnitude)
        held = held if held.ndim else held.item()
    if isinstance(held, (bool, int, float)):
        return held
    if isinstance(held, np.generic) and held.dtype.kind in "biuf":
        writing.lose(place, f"parameters.{name}", f"its type, {held.dtype}: it becomes Python's")
        return held.item()
    if isinstance(held, np.ndarray) and held.dtype.kind in "biuf":
        return held
    writing.lose(place, f"parameters.{name}", "ANNarchy's attributes are numbers")
    return None


def _shaped(values: Any, geometry: tuple[int, ...], size: int, where: str) -> npt.NDArray[Any]:
    if values.size != size:
        raise FormatError(f"{values.size} values for {size} neurons", entry=where)
    kind = {"b": np.bool_, "i": np.int64, "u": np.int64, "f": np.float64}[values.dtype.kind]
    found: npt.NDArray[Any] = values.astype(kind).reshape(geometry)
    return found


def _attributes(model: schemas.Population | schemas.Projection, values: Item) -> Item:
    """Which values are parameters and which variables, as far as the snapshot knows."""
    known = [str(name) for name in _list(model, "parameters")]
    changing = [str(name) for name in _list(model, "variables")]
    fixed = {*known, *model.parameters, *(["w"] if "w" not in changing else [])}
    parameters = [name for name in known if name in values]
    parameters += [name for name in values if name in fixed and name not in parameters]
    variables = [name for name in changing if name in values]
    variables += [name for name in values if name not in {*variables, *parameters}]
    return {
        "attributes": list(dict.fromkeys(parameters + variables)),
        "parameters": parameters,
        "variables": variables,
    }


def _list(model: schemas.Population | schemas.Projection, key: str) -> list[Any]:
    found = from_schema(model.native.get(key, []))
    return found if isinstance(found, list) else []


def _free(values: Item, own: set[str], name: str) -> Item:
    """The values, if none has a name that ANNarchy uses for something else."""
    taken = (own | {"attributes", "parameters", "variables", EXTRA}) & set(values)
    if taken:
        raise FormatError(
            f"an attribute cannot have the name {min(taken)!r} in ANNarchy's files", entry=name
        )
    return values
