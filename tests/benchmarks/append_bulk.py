"""One large segment: 1000 channels and 1000 spike trains, on the disk when the call returns."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import numpy.typing as npt

import archive
from archive.values import quantity
from tests.benchmarks.measure import Row, agree, fresh, interleaved, milliseconds, peak_memory, sync


class Size(NamedTuple):
    channels: int
    samples: int
    trains: int
    spikes: int
    rounds: int
    neo_rounds: int


FULL = Size(channels=1000, samples=10_000, trains=1000, spikes=100, rounds=15, neo_rounds=3)
QUICK = Size(channels=20, samples=2000, trains=10, spikes=10, rounds=2, neo_rounds=1)


class Recording(NamedTuple):
    """Arrays as a simulation leaves them: values (time, channel) in mV, times (spike,) in ms."""

    values: npt.NDArray[np.float64]
    times: npt.NDArray[np.float64]
    neuron: npt.NDArray[np.int64]

    @property
    def nbytes(self) -> int:
        return self.values.nbytes + self.times.nbytes + self.neuron.nbytes


def recording(size: Size) -> Recording:
    random = np.random.default_rng(1)
    end = size.samples * 0.1
    times = np.sort(random.uniform(0, end, (size.trains, size.spikes)), axis=1).ravel()
    neuron = np.repeat(np.arange(size.trains), size.spikes)
    return Recording(random.standard_normal((size.samples, size.channels)), times, neuron)


def measure(folder: Path, *, quick: bool) -> Iterator[Row]:
    size = QUICK if quick else FULL
    data = recording(size)
    paths = [folder / name for name in ("bulk.nix", "bulk.h5", "bulk again.h5", "bulk neo.nix")]
    ours, raw, again, neo = paths
    with_raw = interleaved(
        size.rounds,
        {
            "ours": lambda _: append_first(ours, data),
            "next": lambda _: append_next(ours, data),
            "raw": lambda _: write_raw(raw, data),
            "again": lambda _: write_raw(again, data),
        },
    )
    check(ours, raw)
    work = f"append {size.channels} channels × {size.samples} samples, {size.trains} trains"
    peer = "h5py, contiguous"
    theirs = with_raw["raw"]
    yield Row("h5py against itself: the noise", "ms", with_raw["again"], peer, theirs, "speed")
    yield Row(f"{work}: the first of a file", "ms", with_raw["ours"], peer, theirs, "speed", 0.75)
    yield Row(f"{work}: the next", "ms", with_raw["next"], peer, theirs, "speed", 0.75)
    with_neo = interleaved(
        size.neo_rounds,
        {"ours": lambda _: append_first(ours, data), "neo": partial(write_neo, neo, data)},
    )
    yield Row(work, "ms", with_neo["ours"], "Neo NixIO", with_neo["neo"], "speed", 300)
    peak = [fresh(peak_of_append, folder / "peak.nix", *size) for _ in range(size.neo_rounds)]
    yield Row(f"{work}: peak memory / data", "×", tuple(peak), limit=1.3)
    for path in (*paths, folder / "peak.nix"):
        path.unlink()


def _append(run: archive.Run, data: Recording) -> float:
    signal, times = quantity(data.values, "mV"), quantity(data.times, "ms")
    recorded = {"cell/v": signal, "cell/spikes": (times, data.neuron)}
    period = quantity(0.1, "ms")
    return milliseconds(lambda: run.append(recorded, sampling_period=period))


def append_first(path: Path, data: Recording) -> float:
    path.unlink(missing_ok=True)
    with archive.open(path, "x") as exp, exp.run() as run:
        return _append(run, data)


def append_next(path: Path, data: Recording) -> float:
    path.unlink(missing_ok=True)
    with archive.open(path, "x") as exp, exp.run() as run:
        _append(run, data)
        return _append(run, data)


def write_raw(path: Path, data: Recording) -> float:
    def write() -> None:
        for name, array in data._asdict().items():
            file.create_dataset(name, data=array)
        file.flush()
        sync(path)

    path.unlink(missing_ok=True)
    with h5py.File(path, "x") as file:
        return milliseconds(write)


def write_neo(path: Path, data: Recording, _: int) -> float:
    import neo
    from neo.io import NixIO

    block, segment = neo.Block(), neo.Segment()
    block.segments.append(segment)
    signal = neo.AnalogSignal(data.values, units="mV", sampling_period=quantity(0.1, "ms"))
    segment.analogsignals.append(signal)
    end = float(data.times.max())
    for train in np.split(data.times, np.flatnonzero(np.diff(data.neuron)) + 1):
        segment.spiketrains.append(neo.SpikeTrain(train, units="ms", t_stop=end))
    path.unlink(missing_ok=True)
    start = time.perf_counter()
    with NixIO(str(path), "ow") as file:
        file.write_block(block)
    sync(path)
    return 1e3 * (time.perf_counter() - start)


def peak_of_append(path: str, *size: str) -> float:
    """Memory that the data and its append needed at most, over the size of the data."""
    target = Path(path)
    small = recording(QUICK)
    append_first(target, small)  # imports, and what libraries allocate once
    before = peak_memory()
    data = recording(Size(*map(int, size)))
    append_first(target, data)
    return (peak_memory() - before) / data.nbytes


def check(ours: Path, raw: Path) -> None:
    """Both files hold the same numbers."""
    with archive.open(ours) as exp, h5py.File(raw, "r") as file:
        for segment in exp.segments:
            arrays: dict[str, Any] = {"values": segment.signals["cell/v"].magnitude}
            arrays["times"] = segment.spikes["cell"].times.magnitude
            arrays["neuron"] = segment.spikes["cell"].neuron
            for name, array in arrays.items():
                agree(f"{name} of segment {segment.index}", array, file[name])
