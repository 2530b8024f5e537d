"""One experiment with something of everything, the same at every call."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

import schemas
from archive.entry import Entry

MOMENT = datetime(2024, 5, 1, 12, 30, 1, 234567, tzinfo=UTC)


def sample() -> Entry:
    """An experiment of two runs, with every kind of part, a snapshot, and a keyed value.

    There is nothing odd in it: every format that holds such things should take it.
    """
    facts: dict[str, Any] = {"amplitude": schemas.Quantity(0.5, "nA"), "trial": 3, "ok": True}
    end = schemas.RunEnd(ended=MOMENT, outcome="finished")
    runs = [
        Entry(
            schemas.Run(name="first", simulator="neuron", started=MOMENT, annotations=facts),
            parts=[Entry(_parameters()), Entry(end), _segment(0), _segment(1), _snapshot()],
        ),
        Entry(
            schemas.Run(name="second", description="the same again", annotations={"trial": 4}),
            parts=[Entry(end), _segment(2)],
        ),
    ]
    kept = schemas.KeyedValue(key="notes", value=["warm", 21.5], session="lab", at=MOMENT)
    model = schemas.Experiment(
        id="5a" * 16,
        name="sample",
        description="what a format has to carry",
        people=("Ada", "Grace"),
        created=MOMENT,
        annotations={"animal": "none", "rate": schemas.Quantity(12.5, "Hz")},
    )
    return Entry(model, parts=[*runs, Entry(kept)])


def _parameters() -> schemas.ParameterSet:
    values: dict[str, Any] = {
        "exc": {"tau_m": schemas.Quantity(10.0, "ms"), "n": 4},
        "seed": 42,
        "rule": "all to all",
    }
    return schemas.ParameterSet(values=values)


def _segment(seed: int) -> Entry:
    random = np.random.default_rng(seed)
    train = np.array([0, 0, 1, 3])
    labels = np.array(["on", "off", "on"], object)
    where: dict[str, Any] = {"population": "exc"}
    parts = [
        Entry(
            schemas.Signal(
                variable="v",
                unit="mV",
                sampling_period=0.1,
                t_start=5.0,
                annotations={"electrode": "patch"},
                array_annotations={"depth": _stored(np.array([1.0, 2.0]))},
                **where,
            ),
            {"values": random.normal(-65.0, 3.0, (8, 2)), "channels": np.array([1, 3])},
        ),
        Entry(
            schemas.IrregularSignal(variable="w", unit="nS", **where),
            {"times": np.array([0.5, 1.25, 7.0]), "values": random.normal(size=(3, 1))},
        ),
        Entry(
            schemas.SpikeTrains(
                variable="spikes", size=4, t_stop=20.0, annotations={"sorted": True}, **where
            ),
            {
                "times": np.array([1.5, 2.5, 0.125, 9.0]),
                "neuron": train,
                "channels": np.arange(4),
            },
        ),
        Entry(
            schemas.Event(variable="stimulus"),
            {"times": np.array([1.0, 2.0, 3.0]), "labels": labels},
        ),
        Entry(
            schemas.Epoch(variable="light"),
            {"times": np.arange(3.0), "durations": np.full(3, 0.5), "labels": labels},
        ),
        Entry(
            schemas.ImageSequence(variable="film", unit="dimensionless", sampling_period=40.0),
            {"values": np.arange(24, dtype=np.uint8).reshape(2, 3, 4)},
        ),
    ]
    model = schemas.Segment(
        name=f"segment{seed:03d}", recorded=MOMENT, annotations={"trial": seed, "gain": 1.5}
    )
    return Entry(model, parts=parts)


def _stored(array: Any) -> schemas.Array:
    return schemas.Array(array.dtype.str, array.shape, array.tobytes())


def _snapshot() -> Entry:
    exc = schemas.Population(
        name="exc",
        size=4,
        model="IF_cond_exp",
        parameters={"tau_m": schemas.Quantity(10.0, "ms")},
        state_units={"v": "mV"},
    )
    inh = schemas.Population(name="inh", size=2, state_units={"v": "mV"})
    weights = schemas.Projection(
        name="exc_inh",
        pre="exc",
        post="inh",
        pre_size=4,
        post_size=2,
        size=3,
        receptor="excitatory",
        weight_unit="uS",
    )
    parts = [
        Entry(exc, {"state:v": np.array([-65.0, -64.5, -70.25, -61.0])}),
        Entry(inh, {"state:v": np.array([-60.0, -55.5])}),
        Entry(
            weights,
            {
                "row_pointers": np.array([0, 2, 3]),
                "columns": np.array([0, 3, 1], np.int32),
                "weights": np.array([0.5, 0.25, 1.5]),
                "delays": np.array([1.0, 1.5, 2.0]),
            },
        ),
    ]
    model = schemas.Snapshot(
        name="end",
        time=20.0,
        time_step=0.1,
        populations=("exc", "inh"),
        projections=("exc_inh",),
        constants={"g": 4.5},
    )
    return Entry(model, parts=parts)
