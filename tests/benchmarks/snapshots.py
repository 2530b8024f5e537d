"""Snapshots of a network: one of many synapses saved and loaded, and how much a series takes.

ANNarchy's files of the same network are written by the calls that it makes (``core/IO.py`` of 5.0),
from the dictionary that it has made by then. That its C++ side fills the dictionary is not counted,
nor are the files synced as ours is: both would make it slower still.
"""

from __future__ import annotations

import gzip
import itertools
import pickle
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import numpy.typing as npt

import archive
import schemas
from tests.benchmarks.measure import Row, agree, interleaved, milliseconds, sync


class Size(NamedTuple):
    neurons: int
    synapses: int
    rounds: int
    foreign_rounds: int  # with ANNarchy's files, which take long
    series: int  # snapshots, and of how many synapses
    in_series: int


FULL = Size(10_000, 10_000_000, rounds=9, foreign_rounds=3, series=100, in_series=500_000)
QUICK = Size(100, 5000, rounds=2, foreign_rounds=1, series=100, in_series=5000)

Arrays = dict[str, npt.NDArray[Any]]


def connections(neurons: int, synapses: int) -> Arrays:
    """Random ones, in rows of receiving neurons."""
    random = np.random.default_rng(2)
    post = random.integers(0, neurons, synapses)
    pointers = np.zeros(neurons + 1, np.int64)
    np.cumsum(np.bincount(post, minlength=neurons), out=pointers[1:])
    return {
        "row_pointers": pointers,
        "columns": random.integers(0, neurons, synapses, np.int32),
        "weights": random.random(synapses),
        "delays": random.random(synapses),
    }


def entry_of(arrays: Arrays) -> archive.Entry:
    neurons = len(arrays["row_pointers"]) - 1
    model = schemas.Projection(
        name="exc_exc",
        pre="exc",
        post="exc",
        pre_size=neurons,
        post_size=neurons,
        size=len(arrays["columns"]),
        weight_unit="nS",
    )
    population = archive.Entry(schemas.Population(name="exc", size=neurons))
    snapshot = schemas.Snapshot(time=0.0, time_step=0.1)
    return archive.Entry(snapshot, parts=[population, archive.Entry(model, arrays)])


def measure(folder: Path, *, quick: bool) -> Iterator[Row]:
    size = QUICK if quick else FULL
    arrays = connections(size.neurons, size.synapses)
    ours, raw, again = (folder / name for name in ("ours.nix", "raw.h5", "again.h5"))
    saved = interleaved(
        size.rounds,
        {
            "ours": lambda _: save(ours, arrays),
            "raw": lambda _: save_raw(raw, arrays),
            "again": lambda _: save_raw(again, arrays),
        },
    )
    for name, array in arrays.items():
        agree(name, load(ours)[0][name], array)
    loaded = interleaved(
        size.rounds, {"ours": lambda _: load(ours)[1], "raw": lambda _: load_raw(raw)}
    )
    peer, work = "h5py, contiguous", f"a snapshot of {size.synapses:,} synapses"
    noise = "h5py against itself: the noise"
    yield Row(noise, "ms", saved["again"], peer, saved["raw"], "speed")
    yield Row(f"{work}: save, durable", "ms", saved["ours"], peer, saved["raw"], "speed", 0.75)
    yield Row(f"{work}: load", "ms", loaded["ours"], peer, loaded["raw"], "cost", 1.3)
    yield from beside_annarchy(folder, arrays, size.foreign_rounds, work)
    for path in (ours, raw, again):
        path.unlink()
    arrays = connections(size.neurons, size.in_series)
    for what, share, limit in (("every synapse", 1.0, 1.05), ("1 % of them", 0.01, 0.15)):
        grown = series(ours, arrays, size.series, share)
        work = f"{size.series} snapshots, weights changing in {what}: bytes / those of weights"
        yield Row(work, "×", (grown,), limit=limit)
        ours.unlink()


def save(path: Path, arrays: Arrays) -> float:
    path.unlink(missing_ok=True)
    with archive.open(path, "x") as exp, exp.run() as run:
        return milliseconds(lambda: run.snapshot(entry_of(arrays)))


def beside_annarchy(folder: Path, arrays: Arrays, rounds: int, work: str) -> Iterator[Row]:
    ours = folder / "ours.nix"
    files = {".npz": folder / "annarchy.npz", ".gz": folder / "annarchy.gz"}
    network = annarchy_network(arrays)
    taken = interleaved(
        rounds,
        {
            "ours": lambda _: save(ours, arrays),
            **{suffix: partial(save_annarchy, path, network) for suffix, path in files.items()},
        },
        warm_up=False,
    )
    for suffix, path in files.items():
        peer = f"ANNarchy's {suffix}, not synced"
        yield Row(f"{work}: save, durable", "ms", taken["ours"], peer, taken[suffix], "speed", 25)
        path.unlink()


def annarchy_network(arrays: Arrays) -> dict[str, Any]:
    """What ANNarchy 5.0 saves of it: rows that differ in length are lists in arrays of objects."""
    pointers = arrays["row_pointers"].tolist()

    def rows(name: str) -> npt.NDArray[np.object_]:
        values = arrays[name].tolist()
        found = np.empty(len(pointers) - 1, object)
        found[:] = [values[a:b] for a, b in itertools.pairwise(pointers)]
        return found

    size = len(pointers) - 1
    population = {"name": "exc", "geometry": (size,), "size": size}
    projection = {
        "name": "exc_exc",
        "pre": "exc",
        "post": "exc",
        "target": "exc",
        "post_ranks": list(range(size)),
        "delays": rows("delays").tolist(),
        "pre_ranks": rows("columns"),
        "w": rows("weights"),
    }
    lists: dict[str, list[str]] = {"attributes": [], "parameters": [], "variables": []}
    return {
        "time_step": 0,
        "net_id": 0,
        "exc": population | lists,
        "exc_exc": projection | lists | {"attributes": ["w"], "variables": ["w"]},
        "obj_names": {"populations": ["exc"], "projections": ["exc_exc"]},
    }


def save_annarchy(path: Path, network: dict[str, Any], _: int) -> float:
    def write() -> None:
        if path.suffix == ".npz":
            np.savez_compressed(path, allow_pickle=True, **network)
        else:
            with gzip.open(path, mode="wb") as file:
                pickle.dump(network, file, protocol=pickle.HIGHEST_PROTOCOL)

    return milliseconds(write)


def save_raw(path: Path, arrays: Arrays) -> float:
    def write() -> None:
        for name, array in arrays.items():
            file.create_dataset(name, data=array)
        file.flush()
        sync(path)

    path.unlink(missing_ok=True)
    with h5py.File(path, "x") as file:
        return milliseconds(write)


def load(path: Path) -> tuple[Arrays, float]:
    """All arrays of the projection, and how long that took."""
    found: Arrays = {}
    with archive.open(path) as exp:

        def read() -> None:
            state = exp.snapshots[0].projections["exc_exc"]
            found.update({n: np.asarray(array) for n, array in state.to_entry().arrays.items()})

        took = milliseconds(read)
    return found, took


def load_raw(path: Path) -> float:
    with h5py.File(path, "r") as file:
        return milliseconds(lambda: {name: data[:] for name, data in file.items()})


def series(path: Path, arrays: Arrays, count: int, share: float) -> float:
    """By how much the file grows from the first of a series of snapshots on and that included,
    its connections left out, over the bytes of all weights."""
    random = np.random.default_rng(3)
    weights = arrays["weights"]
    with archive.open(path, "x") as exp, exp.run() as run:
        for _ in range(count):
            run.snapshot(entry_of(arrays | {"weights": weights}))
            weights = weights.copy()
            which = random.choice(len(weights), int(share * len(weights)), replace=False)
            weights[which] = random.random(len(which))
    fixed = sum(array.nbytes for name, array in arrays.items() if name != "weights")
    return (path.stat().st_size - fixed) / (count * weights.nbytes)
