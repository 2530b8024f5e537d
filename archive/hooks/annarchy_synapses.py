"""The state of a projection back into a compiled ANNarchy network, other connections included.

ANNarchy's own load gives the connections to ``init_from_lil`` with delays in ms, where it needs
time steps: it fails, or sets other delays. Formats of compressed rows append the new connections
to the old ones, and every attribute that is not set afterwards is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import schemas
from archive.connections import ends, native_order
from archive.entry import ArrayLike, Entry
from archive.errors import ContractError
from archive.hooks.annarchy_capture import (
    FLAGS,
    PERIODS,
    STRUCTURAL,
    Dendrites,
    delay_steps,
    dendrites,
    target_name,
    values_of,
)
from archive.hooks.annarchy_network import Attribute, Live, attributes_of, population_of
from archive.hooks.annarchy_plan import Plan
from archive.hooks.annarchy_populations import plan_hidden
from archive.values import from_schema
from schemas.v1.unit import UnitError, conversion

ROUNDING = 1e-6  # of a time step: what arithmetic may move a delay by


class Wanted(NamedTuple):
    """What a projection is to have; values in the order of `connections`."""

    connections: Dendrites
    delays: npt.NDArray[np.int64]  # (connection,) or (1,), in time steps
    values: dict[str, npt.NDArray[Any]]  # by attribute: (connection,), (dendrite,) or (1,)


def plan_projection(plan: Plan, projection: Any, part: Entry, target: Live, own: bool) -> None:
    """Plan to put back what a snapshot has of a projection; `own`: the snapshot is ANNarchy's."""
    model, name = part.model, str(projection.name)
    assert isinstance(model, schemas.Projection)
    if not _fits(plan, projection, model, own):
        return
    reason = unsound(model, part.arrays)
    if reason:
        plan.fault(name, "connections", reason)
        return
    native: dict[str, Any] = from_schema(dict(model.native)) if own else {}
    plan.skip_unlisted(name, native)
    pre, post = ends(model, part.arrays)
    connections, order = by_dendrite(pre, post, native.get("post_ranks"))
    held = {
        "w" if key == "weights" else key.removeprefix("state:"): values
        for key, values in part.arrays.items()
        if key == "weights" or (own and key.startswith("state:"))
    }
    held = {key: _in_order(native_order(part.arrays, each), order) for key, each in held.items()}
    before = dendrites(projection)
    delays = _planned_delays(plan, projection, part, target, order)
    if delays is None and not before.same(connections):
        delays = np.ones(1, np.int64)
        plan.change(name, "delays", "the snapshot has none: they are one time step", fault=True)
    if not before.same(connections):
        monitored = any(each.object is projection for each in target.network.get_monitors())
        if monitored and len(before.post_ranks) != len(connections.post_ranks):
            plan.fault(name, "connections", "a monitor records others: stop it, or none of them")
            return
    semiglobal = native.get("semiglobal", {})
    ranks = native.get("post_ranks", connections.post_ranks)
    held |= {key: _by_rank(each, ranks, connections) for key, each in semiglobal.items()}
    if own:
        held |= {key: from_schema(value) for key, value in model.parameters.items()}
    values = _planned_values(plan, projection, held, connections, own)
    if not before.same(connections):
        if "w" in attributes_of(projection) and "w" not in values and len(connections.pre):
            plan.fault(name, "connections", "they have no weights")
            return
        plan.change(name, "connections", _difference(before, connections))
    if not own and model.weight_unit not in (None, "dimensionless") and "w" in values:
        plan.change(name, "weights", f"the numbers of {model.weight_unit}: ANNarchy has no units")
    plan.restored += [f"{name}: {'weights' if key == 'w' else key}" for key in values]
    wanted = Wanted(connections, delay_steps(projection) if delays is None else delays, values)
    plan.put(f"{name}: connections", partial(_put, projection, wanted))
    if delays is not None:
        plan.restored.append(f"{name}: delays")
    _plan_settings(plan, projection, native)
    plan_hidden(plan, projection, native if _lies_alike(projection, native) else {}, target)
    if not own:
        left = [each for each in part.arrays if each.startswith("state:")]
        for each in (*left, *model.parameters):
            plan.skip(name, each.removeprefix("state:"), "only ANNarchy's own are put back")


def _lies_alike(projection: Any, native: Mapping[str, Any]) -> bool:
    """Whether the connections lie in memory as they did."""
    return bool(
        native.get("storage_format") == projection._storage_format
        and native.get("storage_order") == projection._storage_order
    )


def _fits(plan: Plan, projection: Any, model: schemas.Projection, own: bool) -> bool:
    name, fits = str(projection.name), True
    for end, size, label in (
        ("pre", model.pre_size, model.pre),
        ("post", model.post_size, model.post),
    ):
        population = population_of(getattr(projection, end))
        if population.name != label:
            plan.fault(name, end, f"it is {population.name}, in the snapshot {label}")
            fits = False
        elif population.size != size and not (own and "sizes" in model.native):
            # a file of a projection alone does not say how large its ends are
            plan.fault(name, end, f"it has {population.size} neurons, in the snapshot {size}")
            fits = False
    if own and model.receptor != target_name(projection.target):
        receptors = f"it is {target_name(projection.target)}, in the snapshot {model.receptor}"
        plan.fault(name, "target", receptors)
        fits = False
    return fits


def unsound(model: schemas.Projection, arrays: Mapping[str, ArrayLike]) -> str | None:
    """Why the arrays are no connections, if they are none."""
    pointers, columns = np.asarray(arrays["row_pointers"]), np.asarray(arrays["columns"])
    rows, others = model.post_size, model.pre_size
    if model.rows == "pre":
        rows, others = others, rows
    if len(pointers) != rows + 1 or pointers[0] != 0 or np.any(np.diff(pointers) < 0):
        return "the row pointers do not ascend from 0 with one row for each neuron"
    if len(columns) != model.size or pointers[-1] != model.size:
        return f"there are {len(columns)} columns in rows of {pointers[-1]}, not {model.size}"
    if len(columns) and not (columns.min() >= 0 and columns.max() < others):
        return "a column is no neuron"
    for key, values in arrays.items():
        shape = tuple(values.shape)
        if key not in ("row_pointers", "columns") and shape not in ((1,), (model.size,)):
            return f"{key} has the shape {shape} for {model.size} connections"
    return None


def by_dendrite(
    pre: npt.NDArray[Any], post: npt.NDArray[Any], kept: Any = None
) -> tuple[Dendrites, npt.NDArray[np.int64]]:
    """Connections by receiving neuron, those with none in `kept` included, and their order."""
    order = np.argsort(post, kind="stable")
    ranks = np.unique(post if kept is None else np.concatenate([post, kept]))
    sizes = np.bincount(np.searchsorted(ranks, post), minlength=len(ranks))
    return Dendrites(ranks.astype(np.int64), sizes, pre[order].astype(np.int64)), order


def _in_order(values: npt.NDArray[Any], order: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    return values[order] if len(values) == len(order) else values


def _by_rank(values: Any, ranks: Any, connections: Dendrites) -> npt.NDArray[Any]:
    """Values for each dendrite, from the order of `ranks` to the ascending one."""
    place = np.argsort(ranks, kind="stable")
    found = np.asarray(values)[place]
    return found if len(found) == len(connections.post_ranks) else np.asarray(values)


def _difference(before: Dendrites, after: Dendrites) -> str:
    if len(before.pre) != len(after.pre):
        return f"there were {len(before.pre)}, and are {len(after.pre)}"
    return f"{len(after.pre)} others"


def _planned_delays(
    plan: Plan, projection: Any, part: Entry, target: Live, order: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64] | None:
    """Delays in time steps, if the snapshot has some and the network can have them."""
    model, name = part.model, str(projection.name)
    assert isinstance(model, schemas.Projection)
    if "delays" not in part.arrays:
        return None
    try:
        scale = float(conversion(model.delay_unit, "ms"))
    except UnitError as error:
        plan.fault(name, "delays", str(error))
        return None
    held = _in_order(native_order(part.arrays, part.arrays["delays"]), order)
    exact = np.asarray(held, np.float64) * scale / target.time_step
    if not np.all(np.isfinite(exact)) or np.any(exact < 0):
        plan.fault(name, "delays", "some are no times")
        return None
    steps: npt.NDArray[np.int64] = np.maximum(1, np.rint(exact)).astype(np.int64)
    inner = projection.cyInstance
    if not len(steps):
        return steps if projection.uniform_delay < 0 else delay_steps(projection)
    alike = bool(np.all(steps == steps[0]))
    if not hasattr(inner, "get_delay"):
        if not alike or steps[0] != 1:
            plan.fault(name, "delays", "it was made without delays")
            return None
    elif isinstance(inner.get_delay(), int) and not alike:
        plan.fault(name, "delays", "it was made with one delay for all")
        return None
    if np.any(np.abs(exact - steps) > ROUNDING):
        plan.change(name, "delays", f"they are now steps of {target.time_step} ms")
    return steps[:1] if alike else steps


def _planned_values(
    plan: Plan, projection: Any, held: Mapping[str, Any], connections: Dendrites, own: bool
) -> dict[str, npt.NDArray[Any]]:
    name, found = str(projection.name), {}
    attributes = attributes_of(projection)
    sizes = {"local": len(connections.pre), "semiglobal": len(connections.post_ranks), "global": 1}
    for key, each in attributes.items():
        if key not in held:
            if own or key == "w":
                plan.miss(name, key)
            continue
        given = np.atleast_1d(np.asarray(held[key]))
        if key == "w" and each.locality == "global" and not len(given):
            continue  # no connections, no weight
        if each.locality == "global" and len(given) > 1 and np.all(given == given[0]):
            given = given[:1]
        values = plan.fitted(name, each, given, sizes[each.locality])
        if values is not None:
            found[key] = values
    for unknown in held.keys() - attributes.keys():
        plan.fault(name, unknown, "its synapses have nothing of that name")
    return found


def _plan_settings(plan: Plan, projection: Any, native: Mapping[str, Any]) -> None:
    inner = projection.cyInstance
    names = [*FLAGS, *PERIODS]
    names += [f"{each}{part}" for each in STRUCTURAL for part in ("", "_period", "_offset")]
    for name in names:
        if name in native and hasattr(inner, name):
            plan.put(
                f"{projection.name}: {name.strip('_')}",
                partial(setattr, inner, name, native[name]),
            )


def _put(projection: Any, wanted: Wanted) -> None:
    """Make the connections and set every attribute; those not wanted stay as they were."""
    inner, attributes = projection.cyInstance, attributes_of(projection)
    before = dendrites(projection)
    kept = {
        name: values_of(projection, each)
        for name, each in attributes.items()
        if name not in wanted.values
    }
    _make_room(projection, int(wanted.delays.max(initial=1)))
    if not before.same(wanted.connections) or _counts_from_events(projection):
        _connect(projection, wanted)
    if hasattr(inner, "reset_ring_buffer"):
        inner.reset_ring_buffer()
    now = dendrites(projection)
    place = _places(wanted.connections, now, str(projection.name))
    for name, each in attributes.items():
        if name in wanted.values:
            values = wanted.values[name]
            values = values[place] if each.locality == "local" else values
        else:
            values = _still(projection, each, kept[name], before, now)
        _set(projection, each, values, now)
    if hasattr(inner, "get_delay"):
        uniform = isinstance(inner.get_delay(), int)
        delays = np.broadcast_to(wanted.delays, (1,) if uniform else now.pre.shape)
        inner.set_delay(int(delays[0]) if uniform else rows(delays[place], now))
        if uniform:
            projection.uniform_delay = int(delays[0])


def rows(values: npt.NDArray[Any], connections: Dendrites) -> list[list[Any]]:
    """Values of connections as ANNarchy takes them: a list for each dendrite."""
    held, stops = values.tolist(), np.cumsum(connections.sizes).tolist()
    return [
        held[stop - size : stop]
        for size, stop in zip(connections.sizes.tolist(), stops, strict=True)
    ]


def _connect(projection: Any, wanted: Wanted) -> None:
    inner, connections = projection.cyInstance, wanted.connections
    inner.clear()  # formats of compressed rows would append
    weights = wanted.values.get("w", np.zeros(1))
    each = len(connections.pre)
    made = inner.init_from_lil(
        connections.post_ranks.tolist(),
        rows(connections.pre, connections),
        [[float(weights[0])]]
        if projection._has_single_weight()
        else rows(np.broadcast_to(weights.astype(float), each), connections),
        [[int(wanted.delays[0])]]
        if len(wanted.delays) == 1 and projection.uniform_delay >= 0
        else rows(np.broadcast_to(wanted.delays, each), connections),
        False,
    )
    if not made:
        raise ContractError(
            "ANNarchy could not make the connections: is there memory for them?",
            entry=str(projection.name),
        )


def _places(wanted: Dendrites, now: Dendrites, where: str) -> npt.NDArray[np.int64]:
    """For each connection that there is now, which of the wanted it is: dense matrices sort."""
    place = _matched(wanted, now)
    if place is None:
        raise ContractError(
            "ANNarchy made other connections than it was given",
            entry=where,
            hint="its format cannot keep two connections of one pair: use storage_format='lil'",
        )
    return place


def _matched(one: Dendrites, other: Dendrites) -> npt.NDArray[np.int64] | None:
    """For each connection of the other, which of the one it is; None if they are not the same."""
    if one.same(other):
        return np.arange(len(other.pre))
    ours, theirs = np.lexsort((one.pre, one.post)), np.lexsort((other.pre, other.post))
    if not (
        np.array_equal(one.pre[ours], other.pre[theirs])
        and np.array_equal(one.post[ours], other.post[theirs])
    ):
        return None
    place = np.empty(len(ours), np.int64)
    place[theirs] = ours
    return place


def _make_room(projection: Any, steps: int) -> None:
    """Longer queues, where a delay is longer than all there were."""
    if steps <= projection.max_delay or steps <= 1:
        return
    projection.max_delay = steps
    source = population_of(projection.pre)
    if steps > source.max_delay:
        source.max_delay = steps
        source.cyInstance.update_max_delay(steps)
    if hasattr(projection.cyInstance, "update_max_delay"):
        projection.cyInstance.update_max_delay(source.max_delay)


def _counts_from_events(projection: Any) -> bool:
    """Whether a synapse remembers its last event, which may lie after the restored time."""
    variables = projection.synapse_type.description["variables"]
    return any(each.get("method") == "event-driven" for each in variables)


def _still(
    projection: Any,
    attribute: Attribute,
    held: npt.NDArray[Any],
    before: Dendrites,
    now: Dendrites,
) -> npt.NDArray[Any]:
    """An attribute that the snapshot has not, as it was; of other connections, as at first."""
    place = _matched(before, now)
    if attribute.locality == "global" or before.same(now):
        return held
    if attribute.locality == "local" and place is not None:
        return held[place]
    first = projection.init.get(attribute.name, 0)
    size = len(now.pre) if attribute.locality == "local" else len(now.post_ranks)
    value = float(first) if isinstance(first, (bool, int, float)) else 0.0
    return np.full(size, value).astype(attribute.dtype)


def _set(projection: Any, attribute: Attribute, values: npt.NDArray[Any], now: Dendrites) -> None:
    kind = projection._get_attribute_cpp_type(attribute.name)
    setters: dict[str, tuple[str, Callable[[], Any]]] = {
        "local": ("local_attribute_all", lambda: rows(values, now)),
        "semiglobal": ("semiglobal_attribute_all", values.tolist),
        "global": ("global_attribute", lambda: values[0].item()),
    }
    setter, value = setters[attribute.locality]
    getattr(projection.cyInstance, f"set_{setter}_{kind}")(attribute.name, value())
