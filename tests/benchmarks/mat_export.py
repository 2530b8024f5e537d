"""Export to MATLAB, beside SciPy's own savemat of the same arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import archive
import schemas
from archive.adapters.mat import Mat
from archive.entry import Entry
from tests.benchmarks.measure import Row, agree, interleaved, seconds, sync


class Size(NamedTuple):
    samples: int
    channels: int
    spikes: int
    segments: int  # of small arrays
    rounds: int


FULL = Size(samples=400_000, channels=50, spikes=5_000_000, segments=200, rounds=7)
QUICK = Size(samples=1000, channels=5, spikes=1000, segments=3, rounds=2)

Arrays = dict[str, npt.NDArray[Any]]


class Held:
    """An experiment in memory: one run, a segment for each of some sets of arrays."""

    def __init__(self, sets: list[Arrays]) -> None:
        segments = [Entry(schemas.Segment(), parts=list(parts(arrays))) for arrays in sets]
        run = Entry(schemas.Run(name="run"), parts=segments)
        self._made = Entry(schemas.Experiment(id="0" * 32, name="benchmark"), parts=[run])

    def entry(self) -> Entry:
        return self._made


def parts(arrays: Arrays) -> Iterator[Entry]:
    if "values" in arrays:
        signal = schemas.Signal(population="cells", variable="v", unit="mV", sampling_period=0.1)
        yield Entry(signal, {"values": arrays["values"]})
    if "times" in arrays:
        trains = schemas.SpikeTrains(
            population="cells", variable="spikes", size=100, t_stop=float(arrays["times"].max())
        )
        yield Entry(trains, {name: arrays[name] for name in ("times", "neuron")})


def made(size: Size) -> dict[str, list[Arrays]]:
    random = np.random.default_rng(5)

    def signal(samples: int, channels: int) -> Arrays:
        return {"values": random.normal(size=(samples, channels))}

    def spikes(count: int) -> Arrays:
        neuron = np.sort(random.integers(0, 100, count, np.int64))
        return {"times": random.random(count), "neuron": neuron}

    return {
        "a signal": [signal(size.samples, size.channels)],
        "spikes": [spikes(size.spikes)],
        "segments": [signal(2000, 10) | spikes(2000) for _ in range(size.segments)],
    }


class Export(NamedTuple):
    """Writes arrays as ours and takes the time."""

    path: Path
    sets: list[Arrays]
    version: str

    def timed(self, _: int) -> float:
        losses: list[archive.Loss] = []
        mat, source = Mat(), Held(self.sets)  # made before, as SciPy's arrays are
        took = seconds(lambda: losses.extend(mat.write(source, self.path, version=self.version)))
        agree("losses", losses, [])
        self.path.unlink()
        return took


class Savemat(NamedTuple):
    """Writes the same arrays as SciPy does."""

    path: Path
    sets: list[dict[str, Any]]
    synced: bool = False

    def timed(self, _: int) -> float:
        from scipy.io import savemat

        named = {f"s{at}": each for at, each in enumerate(self.sets)}

        def both() -> None:
            savemat(self.path, named)
            if self.synced:
                sync(self.path)

        took = seconds(both)
        self.path.unlink()
        return took


def measure(folder: Path, *, quick: bool) -> Iterator[Row]:
    """Ours waits for the disk, as all exports do; SciPy does not, and where arrays are small is
    asked to as well."""
    size = QUICK if quick else FULL
    ours, theirs = folder / "ours.mat", folder / "theirs.mat"
    for name, sets in made(size).items():
        Mat().write(Held(sets), ours)
        agree(name, first(ours), next(iter(sets[0].values())))
        ours.unlink()
        total = sum(array.nbytes for each in sets for array in each.values())
        count = f"{len(sets)} " if len(sets) > 1 else ""
        for version in ("5", "7.3"):
            takes: dict[str, Callable[[int], float]] = {
                "ours": Export(ours, sets, version).timed, "theirs": Savemat(theirs, sets).timed,
            }  # fmt: skip
            if len(sets) > 1:
                takes["synced"] = Savemat(theirs, sets, synced=True).timed
            took = interleaved(size.rounds, takes)
            work = f"{count}{name}, {total / 1e6:,.0f} MB, as MATLAB {version}"
            # version 7.3 of many small arrays is HDF5's own cost of its objects
            limit = 1.0 if len(sets) == 1 or version == "5" else None
            peer = "scipy.io.savemat, arrays alone"
            yield Row(work, "s", took["ours"], peer, took["theirs"], "speed", limit)
            if "synced" in took:
                yield Row(
                    work, "s", took["ours"], f"{peer}, synced", took["synced"], "speed", limit
                )
    yield alike(folder, sets, size)


def alike(folder: Path, sets: list[Arrays], size: Size) -> Row:
    """Many small arrays and the facts about them, all of which SciPy is given as well."""
    from scipy.io import loadmat

    ours, theirs = folder / "ours.mat", folder / "theirs.mat"
    Mat().write(Held(sets), ours)
    held = loadmat(ours, simplify_cells=True)
    ours.unlink()
    variables = {name: value for name, value in held.items() if not name.startswith("__")}
    takes: dict[str, Callable[[int], float]] = {
        "ours": Export(ours, sets, "5").timed, "theirs": Savemat(theirs, [variables]).timed,
    }  # fmt: skip
    took = interleaved(size.rounds, takes)
    work = f"{len(sets)} segments with all facts, as MATLAB 5"
    return Row(work, "s", took["ours"], "scipy.io.savemat", took["theirs"], "speed", 1.0)


def first(path: Path) -> npt.NDArray[Any]:
    """The first array of the first segment, as it is read again."""
    (experiment,) = Mat().read(path)
    (run,) = experiment.parts
    segment = next(iter(run.parts))
    return np.asarray(next(iter(next(iter(segment.parts)).arrays.values())))
