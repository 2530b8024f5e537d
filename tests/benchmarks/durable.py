"""What it costs that an append survives a crash, and how long recovering from one takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import numpy.typing as npt

import archive
from archive.storage.log import log_path
from archive.values import quantity
from tests.benchmarks import append_small
from tests.benchmarks.measure import Disagreement, Row, interleaved, milliseconds, sync


class Size(NamedTuple):
    segments: int  # small ones, in each round
    channels: int  # of the large one
    samples: int
    log: int  # bytes
    rounds: int


FULL = Size(segments=40, channels=1000, samples=4000, log=64 << 20, rounds=9)
QUICK = Size(segments=3, channels=20, samples=100, log=1 << 18, rounds=1)


def measure(folder: Path, *, quick: bool) -> Iterator[Row]:
    size = QUICK if quick else FULL
    ours, raw, again = folder / "ours.nix", folder / "raw.h5", folder / "again.h5"
    small = interleaved(
        size.rounds,
        {
            "append": lambda _: small_ours(ours, size.segments, append_small.through_append()),
            "put": lambda _: small_ours(ours, size.segments, append_small.through_put()),
            "raw": lambda _: small_raw(raw, size.segments),
            "again": lambda _: small_raw(again, size.segments),
        },
    )
    peer = "h5py, flush, fdatasync"
    noise = "h5py against itself: the noise"
    yield Row(f"{noise}, small", "ms", small["again"], peer, small["raw"], "cost")
    for way in ("append", "put"):
        work = f"durable small segment through run.{way}"
        yield Row(work, "ms", small[way], peer, small["raw"], "cost", 1.5)
    values = np.random.default_rng(3).standard_normal((size.samples, size.channels))
    bulk = interleaved(
        size.rounds,
        {
            "ours": lambda _: bulk_ours(ours, values),
            "raw": lambda _: bulk_raw(raw, values),
            "again": lambda _: bulk_raw(again, values),
        },
    )
    yield Row(f"{noise}, bulk", "ms", bulk["again"], peer, bulk["raw"], "speed")
    work = f"durable append of {values.nbytes / 1e6:.3g} MB"
    yield Row(work, "ms", bulk["ours"], peer, bulk["raw"], "speed", 0.8)
    for path in (ours, raw, again):
        path.unlink()
    yield recovery(folder, size)


def small_ours(path: Path, segments: int, way: append_small.Way) -> float:
    """Milliseconds for one durable append, the creation of the stream not counted."""
    path.unlink(missing_ok=True)
    with archive.open(path, "x") as exp, exp.run() as run:
        way(run, segments)()
        appends = [way(run, number) for number in range(segments)]
        return milliseconds(lambda: [append() for append in appends]) / segments


def small_raw(path: Path, segments: int) -> float:
    """The same facts and arrays, in a group for each segment."""

    def append_each() -> None:
        for number in range(segments):
            append(number)

    def append(number: int) -> None:
        group = file.create_group(str(number))
        group["values"] = append_small.VALUES
        group["times"] = append_small.TIMES
        group["neuron"] = append_small.NEURON
        for name, value in facts[number].items():
            group.attrs[name] = getattr(value, "magnitude", value)
        file.flush()
        sync(path)

    path.unlink(missing_ok=True)
    facts = [append_small.facts_of(number) for number in range(segments + 1)]
    with h5py.File(path, "x") as file:
        append(segments)
        return milliseconds(append_each) / segments


def bulk_ours(path: Path, values: npt.NDArray[np.float64]) -> float:
    """The second append of its kind, since the first one also makes the stream."""
    path.unlink(missing_ok=True)
    recorded, period = {"cell/v": quantity(values, "mV")}, quantity(0.1, "ms")
    with archive.open(path, "x") as exp, exp.run() as run:
        run.append(recorded, sampling_period=period)
        return milliseconds(lambda: run.append(recorded, sampling_period=period))


def bulk_raw(path: Path, values: npt.NDArray[np.float64]) -> float:
    def write(name: str) -> None:
        file.create_dataset(name, data=values)
        file.flush()
        sync(path)

    path.unlink(missing_ok=True)
    with h5py.File(path, "x") as file:
        write("first")
        return milliseconds(lambda: write("second"))


def recovery(folder: Path, size: Size) -> Row:
    """Opening with a log of that size to take in, over the time to read its bytes."""
    path, crashed = folder / "exp.nix", folder / "crashed.nix"
    archive.open(path, "x").close()
    segments = 0
    # while somebody reads, the log cannot go into the file
    with archive.open(path), archive.open(path, "a") as exp, exp.run() as run:
        append = append_small.through_put()
        while log_path(path).stat().st_size < size.log:
            append(run, segments)()
            segments += 1
        left = path.read_bytes(), log_path(path).read_bytes()

    def recover(_: int) -> float:
        crashed.write_bytes(left[0])
        log_path(crashed).write_bytes(left[1])
        opened: list[archive.Experiment] = []
        took = milliseconds(lambda: opened.append(archive.open(crashed, "a")))
        with opened.pop() as exp:
            if len(exp.segments) != segments:
                raise Disagreement(f"{len(exp.segments)} segments of {segments} were recovered")
        return took

    def read(_: int) -> float:
        log_path(crashed).write_bytes(left[1])
        took = milliseconds(log_path(crashed).read_bytes)
        log_path(crashed).unlink()
        return took

    found = interleaved(size.rounds, {"ours": recover, "read": read})
    for each in (path, crashed):
        each.unlink()
        log_path(each).unlink(missing_ok=True)
    work = f"recovery of a log of {len(left[1]) / (1 << 20):.3g} MB"
    return Row(work, "ms", found["ours"], "reading it", found["read"], "difference", 1000)
