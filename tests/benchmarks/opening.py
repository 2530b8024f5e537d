"""Opening an archive, small and large, and importing the package: each in a fresh process."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import h5py
import numpy as np

import archive
import schemas
from tests.benchmarks.measure import (
    Disagreement,
    Figures,
    Row,
    fresh,
    import_milliseconds,
    interleaved,
    milliseconds,
)


class Size(NamedTuple):
    segments: tuple[int, int]
    rounds: int


FULL = Size(segments=(10, 100_000), rounds=11)
QUICK = Size(segments=(10, 200), rounds=1)

RUNS = 10  # divides all numbers of segments

PEERS = "h5py, pydantic"
# pydantic loads its classes when they are first asked for, and a package of models asks.
PEERS_USED = "h5py; from pydantic import BaseModel"


def measure(folder: Path, *, quick: bool) -> Iterator[Row]:
    size = QUICK if quick else FULL
    for segments in size.segments:
        path = folder / f"{segments}.nix"
        write(path, segments)
        for mode in ("r", "a"):
            pairs = tuple(fresh(open_both, path, mode, segments) for _ in range(size.rounds))
            ours: Figures = tuple(pair[0] for pair in pairs)
            theirs: Figures = tuple(pair[1] for pair in pairs)
            work = f"open {segments} segments, mode {mode!r}"
            yield Row(work, "ms", ours, "h5py.File", theirs, "difference", 15)
        appended = tuple(fresh(open_and_append, path) for _ in range(size.rounds))
        yield Row(f"open {segments} segments, append one, close", "ms", appended)
        path.unlink()
    names = {"ours": "archive", "plain": PEERS, "used": PEERS_USED}
    with TemporaryDirectory(dir=folder) as bytecode:
        takes = {key: partial(_import, name, Path(bytecode)) for key, name in names.items()}
        taken = interleaved(size.rounds, takes, warm_up=not quick)
    for key, limit in (("plain", 2.0), ("used", None)):
        peer = f"import {names[key]}"
        yield Row("import archive", "ms", taken["ours"], peer, taken[key], "cost", limit)


def _import(names: str, bytecode: Path, _: int) -> float:
    return import_milliseconds(names, bytecode)


def write(path: Path, segments: int) -> None:
    """Segments with annotations and one short signal each, in ten runs."""
    signal = short_signal()
    with archive.open(path, "x", durability="close") as exp:
        batch = segments // RUNS
        for first in range(0, segments, batch):
            with exp.run() as run:
                run.put([segment(number, signal) for number in range(first, first + batch)])


def short_signal() -> archive.Entry:
    return archive.Entry(
        schemas.Signal(population="cell", variable="v", unit="mV", sampling_period=0.1),
        {"values": np.zeros((10, 1)), "channels": np.arange(1)},
    )


def segment(number: int, signal: archive.Entry) -> archive.Entry:
    facts: dict[str, schemas.Value] = {"trial": number, "protocol": f"step {number % 7}"}
    return archive.Entry(schemas.Segment(annotations=facts), parts=[signal])


def open_and_append(path: str) -> float:
    """Time in ms until one more segment is on the disk and the archive closed again."""

    def append() -> None:
        with archive.open(path, "a") as exp, exp.run() as run:
            run.put([segment(0, short_signal())])

    return milliseconds(append)


def open_both(path: str, mode: archive.experiment.opening.Mode, segments: str) -> list[float]:
    """Times in ms to open the file, the first file of this process, with ours and with h5py."""
    opened = []
    theirs = milliseconds(lambda: opened.append(h5py.File(path, "r" if mode == "r" else "r+")))
    opened.pop().close()
    ours = milliseconds(lambda: opened.append(archive.open(path, mode)))
    with opened.pop() as exp:
        if len(exp.segments) != int(segments):
            raise Disagreement(f"{len(exp.segments)} segments, not {segments}")
    return [ours, theirs]
