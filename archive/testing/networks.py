"""Strategies of snapshots and of what can lie in them; see `archive.testing.strategies`."""

from __future__ import annotations

from typing import Any, Literal

import hypothesis.extra.numpy as npst
import numpy as np
from hypothesis import strategies as st

import schemas
from archive.entry import Entry
from archive.testing.legal import (
    FINITE,
    MOMENTS,
    NAMES,
    POSITIVE,
    TEXTS,
    TIME_UNITS,
    UNITS,
    VALUES,
    facts,
    numbers,
    optional,
)


def _state(draw: st.DrawFn, size: int) -> tuple[dict[str, Any], dict[str, str]]:
    """Variables by name, one value for each neuron or connection or one for all, and units."""
    names = draw(st.lists(NAMES, max_size=2, unique=True))
    arrays = {f"state:{name}": draw(numbers(draw(st.sampled_from([size, 1])))) for name in names}
    return arrays, {name: draw(UNITS) for name in names if draw(st.booleans())}


@st.composite
def populations(draw: st.DrawFn, name: str | None = None, size: int | None = None) -> Entry:
    """A population with its state, some without a neuron."""
    size = draw(st.integers(0, 5)) if size is None else size
    arrays, units = _state(draw, size)
    if draw(st.booleans()):
        shape = (size, draw(st.integers(1, 3)))
        arrays["positions"] = draw(npst.arrays("<f8", shape, elements=FINITE))
    if draw(st.booleans()):
        arrays["ids"] = np.arange(size, dtype=np.int64) * 3 + draw(st.integers(0, 99))
    model = schemas.Population(
        name=draw(NAMES) if name is None else name,
        size=size,
        description=draw(optional(TEXTS)),
        model=draw(optional(TEXTS)),
        geometry=draw(st.sampled_from([None, (size,), (1, size)])),
        structure=draw(optional(TEXTS)),
        position_unit=draw(st.sampled_from(["um", "mm", "m"])),
        first_id=draw(optional(st.integers(0, 2**40))),
        last_id=draw(optional(st.integers(0, 2**40))),
        parameters=draw(facts()),
        initial_values=draw(facts()),
        state_units=units,
        native=draw(facts()),
        annotations=draw(facts()),
    )
    return Entry(model, arrays)


@st.composite
def projections(draw: st.DrawFn, name: str, sizes: dict[str, int]) -> Entry:
    """Connections between two of the populations whose sizes are given, several between one
    pair of neurons among them."""
    pre, post = (draw(st.sampled_from(sorted(sizes))) for _ in range(2))
    sides: tuple[Literal["post", "pre"], ...] = ("post", "pre")
    rows = draw(st.sampled_from(sides))
    here, there = (sizes[pre], sizes[post]) if rows == "pre" else (sizes[post], sizes[pre])
    counts = draw(st.lists(st.integers(0, 3 if there else 0), min_size=here, max_size=here))
    size = sum(counts)
    arrays, units = _state(draw, size)
    arrays["row_pointers"] = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    dtype = draw(st.sampled_from(["<i4", "<i8"]))
    within = st.integers(0, max(0, there - 1))
    arrays["columns"] = draw(npst.arrays(dtype, (size,), elements=within))
    length = st.sampled_from([size, 1])
    if draw(st.booleans()):
        arrays["weights"] = draw(npst.arrays("<f8", (draw(length),), elements=FINITE))
    if draw(st.booleans()):
        arrays["delays"] = draw(npst.arrays("<f8", (draw(length),), elements=st.floats(0, 1e6)))
    if draw(st.booleans()):
        arrays["order"] = np.array(draw(st.permutations(range(size))), np.int64)
    model = schemas.Projection(
        name=name,
        pre=pre,
        post=post,
        pre_size=sizes[pre],
        post_size=sizes[post],
        size=size,
        rows=rows,
        description=draw(optional(TEXTS)),
        receptor=draw(optional(TEXTS)),
        synapse=draw(optional(TEXTS)),
        connector=draw(optional(TEXTS)),
        weight_unit=draw(optional(UNITS)),
        delay_unit=draw(TIME_UNITS),
        parameters=draw(facts()),
        state_units=units,
        native=draw(facts()),
        annotations=draw(facts()),
    )
    return Entry(model, arrays)


@st.composite
def snapshots(draw: st.DrawFn, max_size: int = 2) -> Entry:
    """The state of a network of at most `max_size` populations and as many projections."""
    names = draw(st.lists(NAMES, max_size=max_size, unique=True))
    sizes = {name: draw(st.integers(0, 4)) for name in names}
    parts = [draw(populations(name, size)) for name, size in sizes.items()]
    between = draw(st.lists(NAMES, max_size=max_size, unique=True)) if sizes else []
    # of one name a population and a projection could not be told apart by the way to them
    between = [name for name in between if name not in sizes]
    parts += [draw(projections(name, sizes)) for name in between]
    model = schemas.Snapshot(
        name=draw(optional(NAMES)),
        description=draw(optional(TEXTS)),
        time=draw(FINITE),
        time_unit=draw(TIME_UNITS),
        time_step=draw(POSITIVE),
        simulator=draw(st.sampled_from([None, "nest", "brian2"])),
        taken=draw(optional(MOMENTS)),
        populations=tuple(sizes),
        projections=tuple(between),
        constants=draw(facts()),
        native=draw(facts(VALUES)),
        annotations=draw(facts()),
    )
    return Entry(model, parts=parts)
