"""Connections of NEST as projections: from one group to another, of one model of synapse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import schemas
from archive.connections import compressed, ends, native_order
from archive.entry import Entry, Loss
from archive.hooks.pairing import common, numbered
from archive.hooks.plain import modelled
from archive.values import from_schema, to_schema

FACTS = {
    "source", "target", "delay", "weight", "port", "receptor", "sizeof", "synapse_id",
    "synapse_label", "synapse_model", "target_thread", "dendritic_delay", "axonal_delay",
}  # fmt: skip
COMMON = "common"  # parameters that all synapses of a model share
NATIVE_UNITS = {"S": "nS", "A": "pA", "V": "mV"}  # by the unit without its prefix


class Bundle(NamedTuple):
    """Connections from one group to another, of one model of synapse and one receptor."""

    name: str
    pre: str
    post: str
    model: str
    receptor: int
    connections: Any  # a SynapseCollection
    where: npt.NDArray[np.int64]  # which of its connections belong
    pre_index: npt.NDArray[np.int64]
    post_index: npt.NDArray[np.int64]
    status: dict[str, Any]  # of all those connections; NEST takes as long for one variable

    def get(self, key: str) -> npt.NDArray[Any]:
        """The values of a variable, (connection,)."""
        if not self.status:
            self.status.update(self.connections.get())
        return _column(self.status[key])[self.where]

    def set(self, key: str, values: npt.NDArray[Any]) -> None:
        """Set a variable of these connections, and leave those of others as they are."""
        every = _column(self.connections.get(key)).astype(np.float64)
        every[self.where] = values
        self.status.clear()
        self.connections.set([{key: float(one)} for one in every])


def bundles(groups: Mapping[str, Any]) -> dict[str, Bundle]:
    """All connections among groups, by names such as ``exc→inh``; where there are several models
    or receptors between a pair, ``exc→inh (stdp_synapse)`` or ``exc→inh (receptor 2)``."""
    import nest

    ids = {name: np.asarray(nodes.tolist(), np.int64) for name, nodes in groups.items()}
    every = nest.GetConnections()
    if not len(every):
        return {}
    columns = every.get(["source", "target", "synapse_model", "receptor"])
    source, target = _column(columns["source"]), _column(columns["target"])
    models, receptors = _column(columns["synapse_model"]), _column(columns["receptor"])
    found: dict[str, Bundle] = {}
    for pre, before in ids.items():
        for post, after in ids.items():
            inside = np.isin(source, before) & np.isin(target, after)
            pairs = zip(models[inside].tolist(), receptors[inside].tolist(), strict=True)
            kinds = sorted(set(pairs))
            for model, receptor in kinds:
                made = nest.GetConnections(
                    source=groups[pre], target=groups[post], synapse_model=str(model)
                )
                facts = made.get()
                where = np.flatnonzero(_column(facts["receptor"]) == receptor)
                name = f"{pre}→{post}{_suffix(kinds, str(model), int(receptor))}"
                found[name] = Bundle(
                    name,
                    pre,
                    post,
                    str(model),
                    int(receptor),
                    made,
                    where,
                    _index(before, _column(facts["source"])[where]),
                    _index(after, _column(facts["target"])[where]),
                    dict(facts),
                )
    return found


def _column(values: Any) -> npt.NDArray[Any]:
    return np.atleast_1d(np.asarray(values))


def _suffix(kinds: list[tuple[Any, Any]], model: str, receptor: int) -> str:
    told = [model] if len({one for one, _ in kinds}) > 1 else []
    told += [f"receptor {receptor}"] if len({one for _, one in kinds}) > 1 else []
    return f" ({', '.join(told)})" if told else ""


def _index(ids: npt.NDArray[np.int64], wanted: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    order = np.argsort(ids)
    return order[np.searchsorted(ids[order], wanted)]


def weight_unit(model: str) -> str | None:
    """The unit of weights onto a model of NEST, by how NEST names its models."""
    if "_cond_" in model:
        return "nS"
    if "_psc_delta" in model:
        return "mV"
    return "pA" if "_psc_" in model else None


def projection_entry(bundle: Bundle, groups: Mapping[str, Any]) -> Entry:
    """The entry of a bundle of connections."""
    import nest

    sizes = len(groups[bundle.pre]), len(groups[bundle.post])
    rows = compressed(bundle.pre_index, bundle.post_index, sizes[0], sizes[1], bundle.name)
    arrays: dict[str, npt.NDArray[Any]] = dict(rows.arrays())
    status = bundle.connections[0].get()
    parameters: dict[str, Any] = {}
    for key, field in (("weight", "weights"), ("delay", "delays")):
        if key in status:
            arrays[field] = rows.arranged(bundle.get(key).astype(np.float64))
    for key in sorted(status.keys() - FACTS):
        values = bundle.get(key)
        if values.dtype.kind not in "fiu" or values.ndim != 1:
            continue
        if (values == values[0]).all():
            parameters[key] = values[0].item()
        else:
            arrays[f"state:{key}"] = rows.arranged(values)
    defaults = nest.GetDefaults(bundle.model)
    shared = {
        key: value
        for key, value in defaults.items()
        if isinstance(value, float) and key not in status and key not in FACTS
    }
    target = str(groups[bundle.post][0].get("model"))
    model = modelled(
        schemas.Projection,
        bundle.name,
        name=bundle.name,
        pre=bundle.pre,
        post=bundle.post,
        pre_size=sizes[0],
        post_size=sizes[1],
        size=len(bundle.where),
        rows=rows.rows,
        receptor=str(bundle.receptor),
        synapse=bundle.model,
        weight_unit=weight_unit(target),
        delay_unit="ms",
        parameters={
            key: to_schema(one, f"{bundle.name}: {key}") for key, one in parameters.items()
        },
        native={COMMON: to_schema(shared, bundle.name)} if shared else {},
    )
    return Entry(model, arrays)


def restore_connections(
    entry: Entry, bundle: Bundle, target: str, pairs: tuple[Any, Any], *, is_same: bool
) -> tuple[list[str], list[Loss], list[Loss]]:
    """What of a projection was restored, what was not, and what was changed on the way. `pairs`
    are the positions of the same connections, in the snapshot and here; `target` is the model of
    the receiving neurons."""
    model, arrays = entry.model, entry.arrays
    assert isinstance(model, schemas.Projection)
    there, here = pairs
    lost: list[Loss] = []
    changed: list[Loss] = []
    wanted: dict[str, npt.NDArray[Any]] = {}
    for field, key, unit in (
        ("weights", "weight", model.weight_unit),
        ("delays", "delay", model.delay_unit),
    ):
        if field in arrays:
            factor = _factor(model.name, field, unit, _goal(key, unit, target), lost, changed)
            if factor is not None:
                wanted[key] = native_order(arrays, arrays[field]) * factor
    is_inhibitory = not is_same and model.receptor == "inhibitory" and "_cond_" in target
    if is_inhibitory and "weight" in wanted and (wanted["weight"] > 0).all():
        wanted["weight"] = -wanted["weight"]
        changed.append(Loss(model.name, "weights", "negated, as NEST has inhibitory ones"))
    if is_same:
        for key, value in from_schema(model.parameters).items():
            wanted[key] = np.full(model.size, value)
        for key in arrays:
            if key.startswith("state:"):
                wanted[key.removeprefix("state:")] = native_order(arrays, arrays[key])
    elif model.parameters or any(key.startswith("state:") for key in arrays):
        text = f"the parameters and state of {model.synapse} are not those of {bundle.model}"
        lost.append(Loss(model.name, "synapse", text))
    done = []
    for key, values in wanted.items():
        full = np.broadcast_to(values, (model.size,))[there]
        field = {"weight": "weights", "delay": "delays"}.get(key, key)
        if _put(bundle, key, full, here):
            done.append(field)
        else:
            lost.append(Loss(model.name, field, "NEST does not let all of it be set"))
    shared: Any = from_schema(model.native).get(COMMON, {}) if is_same else {}
    lost += _differing_defaults(model.name, bundle.model, shared)
    return done, lost, changed


def _goal(key: str, unit: str | None, target: str) -> str | None:
    if key == "delay":
        return "ms"
    told = weight_unit(target)
    if told is not None or unit is None:
        return told
    return next(
        (
            native
            for bare, native in NATIVE_UNITS.items()
            if schemas.parse(unit).dimension == schemas.parse(bare).dimension
        ),
        None,
    )


def _factor(
    name: str,
    field: str,
    unit: str | None,
    goal: str | None,
    lost: list[Loss],
    changed: list[Loss],
) -> float | None:
    if unit is None or goal is None:
        if unit != goal:
            changed.append(Loss(name, field, f"without unit: taken as {goal or unit}"))
        return 1.0
    try:
        return float(schemas.conversion(unit, goal))
    except schemas.UnitError as error:
        lost.append(Loss(name, field, str(error)))
        return None


def _put(bundle: Bundle, key: str, values: npt.NDArray[Any], here: npt.NDArray[Any]) -> bool:
    if key not in bundle.connections[0].get():
        return False
    now = bundle.get(key).astype(np.float64)
    goal = now.copy()
    goal[here] = values
    if np.allclose(now, goal, rtol=1e-12, atol=0, equal_nan=True):
        return True
    import nest

    try:
        bundle.set(key, goal)
    except nest.NESTError:
        return False
    return np.allclose(bundle.get(key), goal, rtol=1e-9, atol=0, equal_nan=True)


def _differing_defaults(name: str, model: str, shared: Mapping[str, Any]) -> list[Loss]:
    """Parameters that all synapses of a model share; to set them would change other projections."""
    import nest

    defaults = nest.GetDefaults(model) if shared else {}
    return [
        Loss(name, key, f"{model} has {defaults.get(key)} for all its synapses, not {value}")
        for key, value in shared.items()
        if defaults.get(key) != value
    ]


def same_connections(
    entry: Entry, bundle: Bundle
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], int]:
    """The positions of the connections that both have, in the snapshot and here; and how many
    there would be if all were the same."""
    model = entry.model
    assert isinstance(model, schemas.Projection)
    pre, post = ends(model, entry.arrays)
    ours = numbered(pre, post, model.post_size)
    theirs = numbered(bundle.pre_index, bundle.post_index, model.post_size)
    there, here = common(ours, theirs)
    return there, here, max(len(ours), len(theirs))
