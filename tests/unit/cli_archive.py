"""An archive for the tests of the command line, and the command line called."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import neo
import numpy as np
import quantities as pq
from typer.testing import CliRunner

import archive
from archive.cli import app

SPIKE_TIMES = [1.0, 2.0, 3.0, 9.9]


def make(path: Path) -> Path:
    """A finished run of three segments, and one that failed after its only one."""
    with archive.open(path, mode="x") as exp:
        facts = {"simulator": "neuron"}
        with exp.run("f-I [curve]", parameters={"tau_m": 10 * pq.ms}, annotations=facts) as run:
            for step in range(3):
                v = np.zeros((1000, 6))
                v[500, 0] = 40.0 + step
                events = neo.Segment()
                events.events.append(neo.Event(times=[5.0] * pq.ms, labels=["on"], name="light"))
                run.append(
                    {"cell/v": v * pq.mV, "cell/spikes": (SPIKE_TIMES * pq.ms, [0, 0, 2, 2])},
                    events,
                    name=f"step {step}",
                    sampling_period=0.01 * pq.ms,
                    annotations={"amplitude": step * 0.1 * pq.nA},
                )
        with suppress(ZeroDivisionError), exp.run("broken") as run:
            run.append({"v": np.full((4, 1), np.nan)}, sampling_period=1 * pq.ms)
            raise ZeroDivisionError("no current")
    return path


def run(*arguments: str | Path, code: int = 0, env: dict[str, str] | None = None) -> Any:
    done = CliRunner().invoke(app, [str(one) for one in arguments], env=env)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return done


def run_json(*arguments: str | Path, code: int = 0) -> Any:
    return json.loads(run(*arguments, "--json", code=code).stdout)
