"""A query of two terms on many annotated runs: open cold, answer, in a process of its own.

The files lie in the page cache. Two queries: one that many runs answer, one that few do, as an
index is made for the second.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

import archive
from tests.benchmarks.measure import Row, agree, fresh, interleaved, seconds


class Size(NamedTuple):
    runs: int
    rounds: int


class Answer(NamedTuple):
    """How long it took, in ms, and which runs."""

    milliseconds: float
    rows: list[int]


FULL = Size(runs=100_000, rounds=11)
QUICK = Size(runs=300, rounds=1)

BATCH = 5000  # runs in a transaction
SIMULATORS = ("neuron", "nest", "brian2", "annarchy")
# `amplitude` is above the first in half of the runs, above the second in one of a thousand.
THRESHOLDS = {"many answers": 0.0, "few answers": 0.499}  # nA


def measure(folder: Path, *, quick: bool) -> Iterator[Row]:
    size = QUICK if quick else FULL
    facts = facts_of_runs(size.runs)
    files = {"ours": folder / "runs.nix", "raw": folder / "runs.h5", "sqlite": folder / "runs.db"}
    build = (
        seconds(lambda: write_ours(files["ours"], facts)),
        seconds(lambda: write_sqlite(files["sqlite"], facts)),
    )
    write_raw(files["raw"], facts)
    work = f"query of {size.runs} runs × {len(facts[0])} annotations"
    for name, threshold in THRESHOLDS.items():
        expected = right_answer(facts, threshold)
        queries = {
            "ours": (query_ours, files["ours"]),
            "own": (query_columns, files["ours"]),
            "raw": (query_raw, files["raw"]),
            "sqlite": (query_sqlite, files["sqlite"]),
            "told": (query_sqlite_in_order, files["sqlite"]),
        }
        takes = {
            key: partial(ask, query, path, threshold, expected)
            for key, (query, path) in queries.items()
        }
        taken = interleaved(size.rounds, takes, warm_up=not quick)
        ours = taken["ours"]
        raw, own, sqlite = "h5py, the two columns", "h5py, our columns", "SQLite, key-value"
        yield Row(f"{work}, {name}", "ms", ours, raw, taken["raw"], "cost", 3)
        yield Row(f"{work}, {name}", "ms", ours, own, taken["own"], "cost")
        yield Row(f"{work}, {name}", "ms", ours, sqlite, taken["sqlite"], "cost", 1)
        yield Row(f"{work}, {name}", "ms", ours, f"{sqlite}, told how", taken["told"], "cost")
    yield Row(f"writing the {size.runs} runs", "s", build[:1], "SQLite", build[1:], "cost")
    begun = tuple(fresh(begin_run, files["ours"], number) for number in range(size.rounds))
    yield Row(f"open with {size.runs} runs and begin one more", "ms", begun)
    for path in files.values():
        path.unlink()


def begin_run(path: str, number: str) -> float:
    """What a script pays that adds a run to what is there, in ms."""
    start = time.perf_counter()
    with archive.open(path, "a") as exp:
        exp.run(f"later {number}")
        return 1e3 * (time.perf_counter() - start)


def ask(
    query: Callable[[str, str], Answer], path: Path, threshold: float, expected: list[int], _: int
) -> float:
    """The time that a query takes in a fresh process. Raises Disagreement for a wrong answer."""
    answer = Answer(*fresh(query, path, threshold))
    agree(query.__name__, answer.rows, expected)
    return answer.milliseconds


def right_answer(facts: list[dict[str, Any]], threshold: float) -> list[int]:
    """What plain Python finds."""
    return [
        run
        for run, fact in enumerate(facts)
        if fact["amplitude"] > threshold and fact["simulator"] == "neuron"
    ]


def facts_of_runs(runs: int) -> list[dict[str, Any]]:
    """Ten plain facts for each run: numbers and texts."""
    random = np.random.default_rng(3)
    amplitudes = random.uniform(-0.5, 0.5, runs).tolist()
    weights = random.uniform(0, 1, (3, runs)).tolist()
    return [
        {
            "amplitude": amplitudes[run],
            "simulator": SIMULATORS[run % len(SIMULATORS)],
            "weight": weights[0][run],
            "delay": weights[1][run],
            "gain": weights[2][run],
            "seed": run,
            "trial": run % 50,
            "protocol": f"step {run % 7}",
            "label": f"session {run // 100}",
            "valid": run % 9 > 0,
        }
        for run in range(runs)
    ]


def write_ours(path: Path, facts: list[dict[str, Any]]) -> None:
    import quantities as pq

    with archive.open(path, "x", durability="close") as exp:
        for first in range(0, len(facts), BATCH):
            with exp.transaction():
                for number, fact in enumerate(facts[first : first + BATCH], first):
                    measured = {**fact, "amplitude": fact["amplitude"] * pq.nA}
                    exp.run(f"run {number}", annotations=measured).finish()


def write_raw(path: Path, facts: list[dict[str, Any]]) -> None:
    with h5py.File(path, "x") as file:
        for key, value in facts[0].items():
            dtype = "S16" if isinstance(value, str) else None
            file[key] = np.array([fact[key] for fact in facts], dtype)


def write_sqlite(path: Path, facts: list[dict[str, Any]]) -> None:
    rows = ((run, key, value) for run, fact in enumerate(facts) for key, value in fact.items())
    with closing(sqlite3.connect(path)) as base, base:
        base.execute("CREATE TABLE annotation (run INTEGER, key TEXT, value)")
        base.executemany("INSERT INTO annotation VALUES (?, ?, ?)", rows)
        # the run stands in the index too, so that it answers without the table
        base.execute("CREATE INDEX by_value ON annotation (key, value, run)")
        base.execute("CREATE INDEX by_run ON annotation (run, key, value)")
        base.execute("ANALYZE")


def query_ours(path: str, threshold: str) -> Answer:
    start = time.perf_counter()
    with archive.open(path) as exp:
        found = exp.runs.where(f"amplitude > {threshold} nA and simulator == 'neuron'")
        rows = found.rows.tolist()
        return Answer(1e3 * (time.perf_counter() - start), rows)


def query_raw(path: str, threshold: str) -> Answer:
    start = time.perf_counter()
    with h5py.File(path, "r") as file:
        mask = (file["amplitude"][:] > float(threshold)) & (file["simulator"][:] == b"neuron")
        rows = np.flatnonzero(mask).tolist()
        return Answer(1e3 * (time.perf_counter() - start), rows)


def query_columns(path: str, threshold: str) -> Answer:
    """What the two columns cost where they lie in our archive, read by somebody who knows them."""
    start = time.perf_counter()
    with h5py.File(path, "r") as file:
        (block,) = file["data"].values()
        arrays = block["data_arrays"]
        amplitude = arrays["run.amplitude [nA]"]["data"][:]
        simulator = arrays["run.simulator [text]"]["data"][:]
        code = arrays["texts"]["data"][:].tobytes().index(b"neuron\0")
        rows = np.flatnonzero((amplitude > float(threshold)) & (simulator == code)).tolist()
        return Answer(1e3 * (time.perf_counter() - start), rows)


def query_sqlite(path: str, threshold: str) -> Answer:
    """In the order that SQLite chooses."""
    return _ask_sqlite(path, threshold, "JOIN")


def query_sqlite_in_order(path: str, threshold: str) -> Answer:
    """With the range first, which only helps where its answers are known to be few."""
    return _ask_sqlite(path, threshold, "CROSS JOIN")


def _ask_sqlite(path: str, threshold: str, join: str) -> Answer:
    start = time.perf_counter()
    with closing(sqlite3.connect(path)) as base:
        found = base.execute(
            f"SELECT a.run FROM annotation a {join} annotation b ON b.run = a.run"
            " WHERE a.key = 'amplitude' AND a.value > ?"
            " AND b.key = 'simulator' AND b.value = 'neuron' ORDER BY a.run",
            (float(threshold),),
        )
        rows = [run for (run,) in found]
        return Answer(1e3 * (time.perf_counter() - start), rows)
