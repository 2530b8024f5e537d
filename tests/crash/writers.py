"""Simulations that others kill: they append, and say through a pipe what has returned."""

from __future__ import annotations

from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import quantities as pq

import archive

PERIOD = 0.1 * pq.ms


def contents(number: int) -> dict[str, Any]:
    """What a population of twenty neurons would have recorded; every fourth time for longer."""
    values = np.random.default_rng(number)
    samples = 2000 if number % 4 == 3 else 100
    times = np.sort(values.uniform(0.0, 10.0, 60))
    return {
        "cells/v": values.normal(size=(samples, 20)) * pq.mV,
        "cells/spikes": (times * pq.ms, values.integers(0, 20, 60)),
    }


def append(run: archive.Run, number: int) -> None:
    run.append(contents(number), sampling_period=PERIOD, annotations={"number": number})


def append_for_ever(path: Path, said: Connection) -> None:
    """Tells the number of each segment whose append has returned."""
    experiment = archive.open(path, "a")
    run = experiment.run("killed", resume=True)
    number = len(experiment.segments)
    said.send("open")
    while True:
        append(run, number)
        said.send(number)
        number += 1


def recover(path: Path, said: Connection) -> None:
    """Opens a crashed archive for writing."""
    said.send("opening")
    experiment = archive.open(path, "a")
    said.send("open")
    experiment.close()
    said.send("closed")


def append_and_close(path: Path, said: Connection) -> None:
    """Appends three segments, and closes the archive."""
    experiment = archive.open(path, "a")
    run = experiment.run("killed", resume=True)
    first = len(experiment.segments)
    for number in range(first, first + 3):
        append(run, number)
        said.send(number)
    said.send("closing")
    experiment.close()
    said.send("closed")


def segments_in(path: Path, first: int = 0) -> int:
    """How many segments there are; from the first on that is asked for, each must be what its
    number says, and nothing else."""
    with archive.open(path) as experiment:
        for number, segment in enumerate(experiment.segments[first:], start=first):
            expected = contents(number)
            assert segment.annotations == {"number": number}
            assert set(segment.signals) == {"cells/v"}
            assert np.array_equal(segment.signals["cells/v"].magnitude, expected["cells/v"])
            times, neurons = expected["cells/spikes"]
            order = np.lexsort((times.magnitude, neurons))
            assert np.array_equal(segment.spikes["cells"].times.magnitude, times.magnitude[order])
            assert np.array_equal(segment.spikes["cells"].neuron, neurons[order])
        return len(experiment.segments)
