"""What it costs to find out how a run comes about, and how large what is kept of it is."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

import archive
from archive.provenance.process import Capture
from tests.benchmarks.measure import ROOT, Row, fresh, interleaved


class Size(NamedTuple):
    runs: int  # in one process
    processes: int  # with one run each
    rounds: int


FULL = Size(runs=1000, processes=30, rounds=9)
QUICK = Size(runs=20, processes=6, rounds=1)  # the file grows in steps
DRAWS = 2000  # so many change all of the state of NumPy's generator


def measure(folder: Path, *, quick: bool) -> Iterator[Row]:
    size = QUICK if quick else FULL
    cold = tuple(float(fresh(first_capture)) for _ in range(size.rounds))
    yield Row("first run of a process: what it was computed by", "ms", cold, limit=50)
    warm = interleaved(size.rounds, {"begin": lambda _: begins(50), "end": lambda _: ends(50)})
    yield Row("each later run: at its begin", "ms of CPU", warm["begin"], limit=50)
    yield Row("each later run: at its end", "ms of CPU", warm["end"], limit=50)
    path = folder / "runs.nix"
    fill(path, 1)
    first = path.stat().st_size
    fill(path, size.runs)
    each = (path.stat().st_size - first) / size.runs
    yield Row("run beyond the first, in one process", "bytes", (each,), limit=4096)
    path.unlink()
    start(path)
    first = path.stat().st_size
    for _ in range(size.processes):
        start(path)
    each = (path.stat().st_size - first) / size.processes
    yield Row("run beyond the first, a process each", "bytes", (each,), limit=4096)
    path.unlink()


def first_capture() -> float:
    """How long it takes in a process that has opened an archive already, in ms."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        exp = archive.open(Path(folder) / "e.nix", "a")
        start = time.perf_counter()
        Capture("normal")
        took = 1e3 * (time.perf_counter() - start)
        exp.close()
    return took


def begins(count: int) -> float:
    start = time.process_time()
    for _ in range(count):
        Capture("normal")
    return 1e3 * (time.process_time() - start) / count


def ends(count: int) -> float:
    captured = [Capture("normal") for _ in range(count)]
    start = time.process_time()
    for one in captured:
        one.completed()
    return 1e3 * (time.process_time() - start) / count


def fill(path: Path, runs: int) -> None:
    """Runs with nothing in them, which draw numbers that nobody has seeded."""
    with archive.open(path, "a", durability="close") as exp:
        for _ in range(runs):
            with exp.run():
                np.random.random(DRAWS)


def start(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.benchmarks.capture import fill; "
        "fill(Path(sys.argv[1]), 1)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, check=True)
