"""Small snapshots for tests, as a hook or an adapter would make them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.entry import Entry

N_EXC, N_INH = 30, 10


def population(name: str = "exc", size: int = N_EXC, seed: int = 0, **fields: Any) -> Entry:
    random = np.random.default_rng(seed)
    model = schemas.Population(
        name=name,
        size=size,
        model="IF_cond_exp",
        state_units={"v": "mV"},
        parameters={"tau_m": schemas.Quantity(20.0, "ms")},
        **fields,
    )
    return Entry(
        model,
        {
            "state:v": random.normal(-65, 5, size),
            "state:spiked": random.random(size) > 0.5,
            "positions": random.uniform(0, 100, (size, 3)),
            "ids": np.arange(size) + 7,
        },
    )


def projection(
    name: str = "exc_inh",
    pre: tuple[str, int] = ("exc", N_EXC),
    post: tuple[str, int] = ("inh", N_INH),
    size: int = 200,
    seed: int = 0,
    weights: npt.NDArray[Any] | None = None,
    **fields: Any,
) -> Entry:
    """Random connections in rows of receiving neurons."""
    random = np.random.default_rng(seed)
    to = np.sort(random.integers(0, post[1], size))
    pointers = np.zeros(post[1] + 1, np.int64)
    np.cumsum(np.bincount(to, minlength=post[1]), out=pointers[1:])
    model = schemas.Projection(
        name=name,
        pre=pre[0],
        post=post[0],
        pre_size=pre[1],
        post_size=post[1],
        size=size,
        weight_unit="nS",
        state_units={"x": "mV"},
        **fields,
    )
    return Entry(
        model,
        {
            "row_pointers": pointers,
            "columns": random.integers(0, pre[1], size).astype(np.int32),
            "weights": random.random(size) if weights is None else weights,
            "delays": np.array([1.5]),
            "state:x": random.random(size).astype(np.float32),
        },
    )


def snapshot(*parts: Entry, time: float = 12.5, **fields: Any) -> Entry:
    """A snapshot of these parts; of none: of two populations and a projection."""
    said: dict[str, Any] = {"time_step": 0.1, "simulator": "neuron", **fields}
    model = schemas.Snapshot(time=time, **said)
    if not parts:
        parts = (population(), population("inh", N_INH, seed=1), projection())
    return Entry(model, parts=parts)


def changed(entry: Entry, arrays: dict[str, Any] | None = None, **fields: Any) -> Entry:
    """The same entry with other arrays (None: without them), or fields."""
    held = {**entry.arrays, **(arrays or {})}
    return Entry(
        entry.model.model_copy(update=fields),
        {name: array for name, array in held.items() if array is not None},
        entry.parts,
    )
