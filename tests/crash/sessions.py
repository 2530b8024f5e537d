"""Sessions as users hold them, to be cut off at every operation."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import quantities as pq

import archive
from tests.crash.proof import NAME, ASession, Recording, State, Watch, record, scratch
from tests.crash.recording import held


def small(number: int) -> dict[str, Any]:
    """What PyNN would hand over of a few neurons; all of it follows from the number."""
    values = np.random.default_rng(number)
    times = np.sort(values.uniform(0.0, 10.0, 30))
    return {
        "cells/v": values.normal(size=(100, 4)) * pq.mV,
        "cells/spikes": (times * pq.ms, values.integers(0, 4, 30)),
    }


def append(run: archive.Run, number: int) -> None:
    """One small segment that knows its number."""
    run.append(small(number), sampling_period=0.1 * pq.ms, annotations={"number": number})


def append_bulk(run: archive.Run, number: int, samples: int = 40_000) -> None:
    """One segment of 32 bytes per sample."""
    values = np.random.default_rng(number).normal(size=(samples, 4))
    run.append({"field/lfp": values * pq.uV}, sampling_period=0.1 * pq.ms)


def write_base(path: Path) -> None:
    """A closed archive of one run with two segments."""
    with (
        archive.open(path, "x", durability="close") as experiment,
        experiment.run("first", parameters={"tau_m": 10 * pq.ms}) as run,
    ):
        append(run, 0)
        append(run, 1)


@contextmanager
def resumed(path: Path, watch: Watch, **how: Any) -> Iterator[archive.Run]:
    """The run of the base archive, going on."""
    with archive.open(path, "a", **how) as experiment:
        watch.opened(experiment)
        yield experiment.run("first", resume=True)
    watch.closed()


def create(path: Path, watch: Watch) -> None:
    with archive.open(path, "x") as experiment:
        watch.opened(experiment)


def small_appends(path: Path, watch: Watch) -> None:
    with resumed(path, watch) as run:
        for number in range(2, 6):
            append(run, number)


def bulk_appends(path: Path, watch: Watch) -> None:
    with resumed(path, watch) as run:
        append_bulk(run, 1)
        append(run, 2)
        append_bulk(run, 3, samples=10_000)


def annotated(path: Path, watch: Watch) -> None:
    with resumed(path, watch) as run:
        run.annotate({"quality": "good", "temperature": 36.5 * pq.degC})
        run.segments[0].annotate({"number": 17})
        run.segments[1].annotate({"text": "long " * 2000})


def groups(path: Path, watch: Watch) -> None:
    with archive.open(path, "a") as experiment:
        watch.opened(experiment)
        with experiment.transaction():
            run = experiment.run("second", parameters={"tau_m": 20 * pq.ms})
            for number in range(3):
                append(run, number)
        append(run, 3)
        with experiment.transaction():
            run.annotate({"quality": "bad"})
            append_bulk(run, 4, samples=5_000)
            with suppress(archive.ContractError):
                run.append({"cells/v": np.zeros(3)})  # no sampling period
            append(run, 5)


class Undo(Exception):
    """Raised inside a transaction to have it rolled back."""


def rolled_back(path: Path, watch: Watch) -> None:
    with archive.open(path, "a") as experiment:
        watch.opened(experiment)
        run = experiment.run("first", resume=True)
        append(run, 2)
        for samples in (10, 20_000):
            with suppress(Undo), experiment.transaction():
                append(run, 3)
                append_bulk(run, 4, samples)
                raise Undo
            append(run, 5)


def grouped_until_close(path: Path, watch: Watch) -> None:
    with resumed(path, watch, durability="close") as run:
        for number in range(2, 5):
            append(run, number)
        append_bulk(run, 5, samples=20_000)
        append(run, 6)


READER = """
import sys, archive
with archive.open(sys.argv[1]) as experiment:
    print("reading", flush=True)
    sys.stdin.read()
"""


@contextmanager
def reader(path: Path) -> Iterator[None]:
    """Another process that has the archive open for reading."""
    process = subprocess.Popen(
        [sys.executable, "-c", READER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "reading\n"
        try:
            yield
        finally:
            process.communicate("")


def beside_a_reader(path: Path, watch: Watch) -> None:
    with resumed(path, watch) as run:
        append(run, 2)
        with reader(path):
            append(run, 3)
            append_bulk(run, 4, samples=10_000)
            append(run, 5)
        append(run, 6)


def recovery(path: Path, watch: Watch) -> None:
    """Opened for writing and closed, without a change."""
    with archive.open(path, "a") as experiment:
        watch.opened(experiment)


def recovery_and_more(path: Path, watch: Watch) -> None:
    """What the next simulation does after a crash."""
    with archive.open(path, "a") as experiment:
        watch.opened(experiment)
        run = experiment.run("after the crash", resume=True)
        append(run, 7)


# The log is copied into the main file, and begun anew, at every second commit or so.
SMALL_LOG = {"store.LIMIT": 120_000}


@dataclass(frozen=True, slots=True)
class Kind:
    """A session, and what it begins with."""

    session: ASession
    is_new: bool = False
    gathers: bool = False
    limits: Mapping[str, int] = field(default_factory=dict)


KINDS = {
    "create": Kind(create, is_new=True),
    "small appends": Kind(small_appends),
    "bulk appends": Kind(bulk_appends),
    "annotations": Kind(annotated),
    "groups": Kind(groups),
    "rolled back": Kind(rolled_back),
    "grouped until close": Kind(grouped_until_close, gathers=True),
    "groups that are full": Kind(
        grouped_until_close, gathers=True, limits={"session.GROUP_BYTES": 1 << 14}
    ),
    "checkpoints": Kind(small_appends, limits=SMALL_LOG),
    "bulk and checkpoints": Kind(bulk_appends, limits=SMALL_LOG),
    "beside a reader": Kind(beside_a_reader, limits=SMALL_LOG),
}


@cache
def base() -> State:
    """The folder of a closed archive."""
    with scratch() as folder:
        write_base(folder / NAME)
        return held(folder)


@cache
def recorded(name: str) -> Recording:
    """The recording of a session; made once per process."""
    kind = KINDS[name]
    with scratch() as folder:
        start = {} if kind.is_new else base()
        return record(name, kind.session, start, folder, gathers=kind.gathers, limits=kind.limits)
