"""An archive with every kind of part in it, and all that a file holds as plain values."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import quantities as pq
from h5py import h5g, h5o, h5s

import archive
import schemas
from archive import Entry

MOMENT = datetime(2024, 5, 1, 12, 30, 1, 234567, tzinfo=UTC)
PARAMETERS: dict[str, Any] = {"tau_m": 10 * pq.ms, "exc": {"n": 80}, "model": "IF_cond_exp"}


def numbers(seed: int, *shape: int) -> Any:
    return np.random.default_rng(seed).normal(size=shape)


def parts(seed: int = 0) -> list[Entry]:
    """One part of every kind, with annotations, channels, waveforms and labels."""
    common: dict[str, Any] = {"annotations": {"seed": seed, "of": "all"}}
    rows = 6 + seed % 3
    times = np.sort(np.abs(numbers(seed, rows)))
    trains = np.array([0, 0, 2, 2, 2, 4][:rows])
    fired = np.array([1.0, 2.5, 0.5, 0.75, 9.0, 3.0])
    labels = np.array(["on", "off", "größer", "", "a\0b", "on"], object)
    return [
        Entry(
            schemas.Signal(
                population="cells", variable="v", unit="mV", sampling_period=0.1, t_start=5.0,
                array_annotations={"depth": [1.0, 2.0, 3.0]}, **common,
            ),
            {"values": numbers(seed, 4 * rows, 3), "channels": np.array([4, 7, 9])},
        ),
        Entry(
            schemas.IrregularSignal(variable="w", unit="uS/cm**2", time_unit="s", **common),
            {"times": times, "values": numbers(seed + 1, rows, 2)},
        ),
        Entry(
            schemas.SpikeTrains(
                population="cells", variable="spikes", size=5, t_stop=20.0, waveform_unit="uV",
                sampling_rate=30.0, train_annotations={"type": list("abcde")}, **common,
            ),
            {
                "times": fired,
                "neuron": trains[:6],
                "waveforms": numbers(seed + 2, 6, 2, 4).astype("f4"),
                "channels": np.array([1, 2, 3, 5, 8]),
            },
        ),
        Entry(
            schemas.Event(variable="trigger", array_annotations={"n": [1, 2, 3]}, **common),
            {"times": np.array([1.0, 0.5, 7.0]), "labels": labels[:3]},
        ),
        Entry(
            schemas.Epoch(population="cells", variable="stimulus", **common),
            {"times": np.arange(6.0), "durations": np.full(6, 0.5), "labels": labels},
        ),
        Entry(
            schemas.ImageSequence(
                variable="film", unit="dimensionless", sampling_period=40.0, spatial_scale=2.0,
                spatial_unit="um", **common,
            ),
            {"values": np.arange(rows * 12, dtype=np.uint8).reshape(rows, 3, 4)},
        ),
    ]  # fmt: skip


def segment(seed: int = 0, **fields: Any) -> Entry:
    """A segment with one part of every kind."""
    facts: dict[str, schemas.Value] = {
        "seed": seed,
        "amplitude": schemas.Quantity(0.1 * seed, "nA"),
        "even": seed % 2 == 0,
    }
    model = schemas.Segment(annotations={**facts, "label": f"s{seed}"}, recorded=MOMENT, **fields)
    return Entry(model, parts=parts(seed))


def write(path: Path, segments: int = 3) -> Path:
    """A closed archive of one finished run with that many segments of every kind of part."""
    with (
        archive.open(path, "x", durability="close") as experiment,
        experiment.run("all", parameters=PARAMETERS, annotations={"simulator": "none"}) as run,
        experiment.transaction(),
    ):
        for seed in range(segments):
            run.put([segment(seed)])
    return path


def same(first: Entry, second: Entry) -> bool:
    """Whether two parts are equal in every field, and in every array with its dtype."""
    one, other = (part.arrays for part in (first, second))
    return (
        schemas.identical(schemas.dump(first.model), schemas.dump(second.model))
        and one.keys() <= other.keys()
        and all(equal(np.asarray(one[name]), np.asarray(other[name])) for name in one)
    )


def equal(one: Any, other: Any) -> bool:
    """Whether two arrays have one shape and the same values; floats bit for bit."""
    if one.dtype.kind == "O" or other.dtype.kind == "O":
        return bool(one.tolist() == other.tolist())
    if one.dtype.kind in "iu" and other.dtype.kind in "iu":  # an index has no dtype to keep
        return bool(np.array_equal(one, other))
    return bool(
        one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    )


def stored(file: h5py.File) -> dict[str, Any]:
    """All that an HDF5 file says: by path the names in a group, or dtype, shape and values."""
    found: dict[str, Any] = {}

    def note(name: bytes, info: object) -> None:
        item = h5o.open(file.id, name)
        if isinstance(item, h5g.GroupID):
            found[name.decode()] = sorted(item)
            return
        values = np.empty(item.shape, item.dtype)
        item.read(h5s.ALL, h5s.ALL, values)
        content = values.tolist() if values.dtype.hasobject else values.tobytes()
        found[name.decode()] = (item.shape, item.dtype.str, content)

    h5o.visit(file.id, note, info=True)
    return found


def stored_in(path: Path) -> dict[str, Any]:
    """The same, of a file that nobody has open."""
    with h5py.File(path, "r") as file:
        return stored(file)


def now(experiment: archive.Experiment) -> dict[str, Any]:
    """The same, of the file of an open archive."""
    return stored(experiment._container.session._file)
