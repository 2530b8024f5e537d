"""How the benchmarks measure: ours and its peers in turn, and what cannot be measured twice in
one process in fresh ones."""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

ROOT = Path(__file__).resolve().parents[2]

Judged = Literal["speed", "cost", "difference", "value"]
Figures = tuple[float, ...]


class Disagreement(Exception):
    """Ours and the peer did not do the same work, so their times say nothing."""


@dataclass(frozen=True)
class Row:
    """One line of the table: figures of ours and of a peer, taken in the same rounds."""

    work: str
    unit: str
    ours: Figures
    peer: str = ""
    theirs: Figures = ()
    judged: Judged = "value"  # speed: theirs / ours; cost: ours / theirs; difference: ours - theirs
    limit: float | None = None  # of the median: the least speed, or the most of the others

    @property
    def figures(self) -> Figures:
        """What is judged, round by round: a machine that slows down slows both down."""
        if self.judged == "value":
            return self.ours
        pairs = list(zip(self.ours, self.theirs, strict=True))
        if self.judged == "speed":
            return tuple(theirs / ours for ours, theirs in pairs)
        if self.judged == "cost":
            return tuple(ours / theirs for ours, theirs in pairs)
        return tuple(ours - theirs for ours, theirs in pairs)

    @property
    def met(self) -> bool | None:
        """Whether the median keeps to the limit; None without one."""
        if self.limit is None:
            return None
        median = statistics.median(self.figures)
        return median >= self.limit if self.judged == "speed" else median <= self.limit


def quartiles(figures: Figures) -> tuple[float, float, float]:
    """Lower quartile, median and upper quartile."""
    if len(figures) == 1:
        return figures[0], figures[0], figures[0]
    low, middle, high = statistics.quantiles(figures, method="inclusive")
    return low, middle, high


def interleaved(
    rounds: int, takes: Mapping[str, Callable[[int], float]], *, warm_up: bool = True
) -> dict[str, Figures]:
    """What each take returns in every round; with `warm_up`, after one that is not counted.

    A take gets the number of its round. The order is shuffled every time, the same way in every
    run: a take that always came after the same one would always meet the caches that it left.
    """
    shuffled = random.Random(6)
    found: dict[str, list[float]] = {name: [] for name in takes}
    for number in range(-1 if warm_up else 0, rounds):
        for name in shuffled.sample(list(takes), len(takes)):
            figure = takes[name](max(number, 0))
            if number >= 0:
                found[name].append(figure)
    return {name: tuple(figures) for name, figures in found.items()}


def seconds(action: Callable[[], object]) -> float:
    """Wall-clock time of a call."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def milliseconds(action: Callable[[], object]) -> float:
    """Wall-clock time of a call, in ms."""
    return 1e3 * seconds(action)


def sync(path: Path) -> None:
    """Make a peer's file permanent with the call that storage uses."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        getattr(os, "fdatasync", os.fsync)(descriptor)
    finally:
        os.close(descriptor)


def agree(what: str, ours: Any, theirs: Any) -> None:
    """Raise Disagreement unless both are the same numbers, bit by bit."""
    left, right = np.asarray(ours), np.asarray(theirs)
    if left.shape != right.shape or not np.array_equal(left, right):
        raise Disagreement(f"{what}: {left!r:.100} is not {right!r:.100}")


def fresh(function: Callable[..., Any], *arguments: object) -> Any:
    """What a function of a module of the benchmarks returns in a new Python process.

    Arguments arrive as text, the answer as JSON carries it.
    """
    code = (
        f"import json, sys; from {function.__module__} import {function.__name__} as call; "
        "print(json.dumps(call(*sys.argv[1:])))"
    )
    return json.loads(_python(code, *map(str, arguments)))


def import_milliseconds(names: str, bytecode: Path) -> float:
    """How long ``import names`` takes in a new Python process, the start of Python excluded.

    Python keeps what it compiles in the folder `bytecode`: packages that are installed are
    compiled, and where ours comes from a checkout it shall not be compiled anew every time.
    """
    code = (
        f"import time; start = time.perf_counter(); import {names}; "
        "print(1e3 * (time.perf_counter() - start))"
    )
    return float(_python(code, bytecode=bytecode))


def _python(code: str, *arguments: str, bytecode: Path | None = None) -> str:
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    more = {"PYTHONPATH": os.pathsep.join(paths)}
    if bytecode is not None:
        more |= {"PYTHONPYCACHEPREFIX": str(bytecode), "PYTHONDONTWRITEBYTECODE": ""}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=os.environ | more,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


def peak_memory() -> int:
    """The most bytes that this process ever had in memory."""
    status = Path("/proc/self/status")
    if status.exists():
        # not ru_maxrss, which on Linux begins with the memory of the process that started this one
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource  # Windows has none

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
