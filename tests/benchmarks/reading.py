"""Two ways through a recording of 2 GB: one channel over all time, 10 ms of all channels.

The peers are datasets of plain h5py. Three of their chunk shapes count, and of these the best
for each of the reads by itself: whole rows near 1 MB, the shape that h5py guesses, and 1024
samples of 128 channels. Two more are shown that favour single channels, 1024 × 16 and one channel
by itself. Every round reads elsewhere, so that no chunk waits in HDF5's cache. Ours asks once where
the chunks lie, some ms in one of the first rounds; what the first read of a session takes, before
that, has rows of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import h5py
import numpy as np
import numpy.typing as npt

import archive
from archive.values import quantity
from tests.benchmarks.measure import Figures, Row, agree, interleaved, milliseconds, sync


class Size(NamedTuple):
    channels: int
    samples: int
    rounds: int
    windows: int  # rounds of the short reads


FULL = Size(channels=500, samples=500_000, rounds=9, windows=31)
QUICK = Size(channels=40, samples=4000, rounds=2, windows=3)

WINDOW = 100  # samples: 10 ms at 0.1 ms
MEGABYTE = 1 << 20


def chunk_shapes(size: Size) -> dict[str, tuple[int, int] | bool]:
    whole = max(1, MEGABYTE // (8 * size.channels))
    shapes: dict[str, tuple[int, int] | bool] = {f"rows ({whole} × all)": (whole, size.channels)}
    shapes["h5py's guess"] = True
    for samples, channels in ((1024, 128), (1024, 16), (MEGABYTE // 8, 1)):
        shape = min(samples, size.samples), min(channels, size.channels)
        shapes[f"{samples} × {channels}"] = shape
    return shapes


COUNTED = 3  # the first of these are the three of the target


def measure(folder: Path, *, quick: bool) -> Iterator[Row]:
    size = QUICK if quick else FULL
    path = folder / "recording.nix"
    shapes = chunk_shapes(size)
    peers = {name: folder / f"recording {at}.h5" for at, name in enumerate(shapes)}
    write(path, peers, shapes, size)
    with ExitStack() as stack:
        exp = stack.enter_context(archive.open(path))
        # the look-up of the segment is no part of the read, nor is that of the dataset
        ours = exp.segments[0].signals["cell/v"]
        files = {name: stack.enter_context(h5py.File(peer, "r")) for name, peer in peers.items()}
        theirs = {name: file["v"] for name, file in files.items()}
        for what, key, rounds in (
            ("one channel", _channel, size.rounds),
            ("10 ms of all channels", _window, size.windows),
        ):
            keys = [key(number, size) for number in range(rounds)]
            for name, dataset in theirs.items():
                agree(f"{what}, {name}", ours[keys[0]].magnitude, dataset[keys[0]])
            takes: dict[str, Callable[[int], float]] = {"": partial(_read, ours, keys)}
            takes |= {name: partial(_read, dataset, keys) for name, dataset in theirs.items()}
            taken = interleaved(rounds, takes)
            work = f"{what} of {8 * size.channels * size.samples / 1e9:g} GB"
            yield from _rows(work, taken.pop(""), taken)
    takes = {"": partial(_first, path, keys)}
    takes |= {name: partial(_first_raw, peer, keys) for name, peer in peers.items()}
    taken = interleaved(rounds, takes)
    yield from _rows(f"{work}, the first of a session", taken.pop(""), taken, limit=None)
    for file in (path, *peers.values()):
        file.unlink()


def _rows(
    work: str, ours: Figures, theirs: dict[str, Figures], *, limit: float | None = 1.5
) -> Iterator[Row]:
    best = min(list(theirs)[:COUNTED], key=lambda name: median(theirs[name]))
    for name, figures in theirs.items():
        peer = f"h5py, {name}" + (", the best of 3" if name == best else "")
        yield Row(work, "ms", ours, peer, figures, "cost", limit if name == best else None)


def _channel(number: int, size: Size) -> tuple[slice, int]:
    return slice(None), (17 + 101 * number) % size.channels


def _window(number: int, size: Size) -> tuple[slice, slice]:
    start = (size.samples // 3 + 30_011 * number) % (size.samples - WINDOW)
    return slice(start, start + WINDOW), slice(None)


def _read(source: Any, keys: list[Any], number: int) -> float:
    return milliseconds(lambda: source[keys[number]])


def _first(path: Path, keys: list[Any], number: int) -> float:
    with archive.open(path) as exp:
        return _read(exp.segments[0].signals["cell/v"], keys, number)


def _first_raw(path: Path, keys: list[Any], number: int) -> float:
    with h5py.File(path, "r") as file:
        return _read(file["v"], keys, number)


def write(
    path: Path,
    peers: dict[str, Path],
    shapes: dict[str, tuple[int, int] | bool],
    size: Size,
) -> None:
    values = recording(size)
    with archive.open(path, "x") as exp, exp.run() as run:
        run.append({"cell/v": quantity(values, "mV")}, sampling_period=quantity(0.1, "ms"))
    for name, peer in peers.items():
        with h5py.File(peer, "x") as file:
            file.create_dataset("v", data=values, chunks=shapes[name])
        sync(peer)


def recording(size: Size) -> npt.NDArray[np.float64]:
    """Values (time, channel), no two of them alike."""
    return np.random.default_rng(4).random((size.samples, size.channels))
