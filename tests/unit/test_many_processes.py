"""Many processes at once, one of them killed: nothing lost, nothing doubled."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import quantities as pq

import archive
from archive.experiment.parts import part_paths

STEPS = 6
SPAWN = multiprocessing.get_context("spawn")

Work = Callable[[Path, int, Connection], None]


def recorded(writer: int, step: int) -> dict[str, Any]:
    return {"cell/v": np.full((20, 3), 100 * writer + step) * pq.mV}


def write_part(path: Path, writer: int, done: Connection) -> None:
    """Writes to a part of its own, and tells of each step once it is committed."""
    with archive.session(path) as session, session.run(f"writer {writer}") as run:
        for step in range(STEPS):
            run.append(
                recorded(writer, step),
                sampling_period=0.1 * pq.ms,
                annotations={"writer": writer, "step": step},
            )
            session[f"{writer} {step}"] = [writer, step]
            done.send(step)


def write_locked(path: Path, writer: int, done: Connection) -> None:
    """The same, through the lock around each operation."""
    session = archive.locking_session(path, timeout=300)
    run = session.run("together")
    for step in range(STEPS):
        run.append(
            recorded(writer, step),
            sampling_period=0.1 * pq.ms,
            annotations={"writer": writer, "step": step},
        )
        session[f"{writer} {step}"] = [writer, step]
        with session.lock():
            session["count"] = session.get("count", 0) + 1
        done.send(step)


def stop_in_the_middle(path: Path, writer: int, done: Connection) -> None:
    """Two steps are committed; then it waits to be killed, in the middle of a third."""
    with archive.session(path) as session, session.run(f"writer {writer}") as run:
        for step in range(2):
            run.append(
                recorded(writer, step),
                sampling_period=0.1 * pq.ms,
                annotations={"writer": writer, "step": step},
            )
            session[f"{writer} {step}"] = [writer, step]
            done.send(step)
        with session.transaction():
            run.append(recorded(writer, 2), sampling_period=0.1 * pq.ms, annotations={"step": 2})
            done.send("in the middle")
            time.sleep(600)


@pytest.fixture(params=[4, pytest.param(8, marks=pytest.mark.slow)])
def count(request: pytest.FixtureRequest) -> int:
    """How many processes write."""
    return int(request.param)


@contextmanager
def writers(
    count: int, path: Path, work: Work, killed: Work | None = None
) -> Iterator[list[list[Any]]]:
    """The processes at work, and what each has told so far; at the end all have ended."""
    told: list[list[Any]] = [[] for _ in range(count)]
    processes, ends = [], []
    for writer in range(count):
        mine, theirs = SPAWN.Pipe(duplex=False)
        action = killed if killed is not None and writer == 0 else work
        process = SPAWN.Process(target=action, args=(path, writer, theirs))
        process.start()
        theirs.close()
        processes.append(process)
        ends.append(mine)
    try:
        yield told
        for process, end, own in zip(processes, ends, told, strict=True):
            while True:
                try:
                    own.append(end.recv())
                except EOFError:
                    break
                if own[-1] == "in the middle":
                    assert process.pid is not None
                    os.kill(process.pid, signal.SIGKILL)
            process.join(300)
        expected = [-signal.SIGKILL if killed and not n else 0 for n in range(count)]
        assert [process.exitcode for process in processes] == expected
    finally:
        for process in processes:
            process.kill()


def written(path: Path) -> list[tuple[int, int]]:
    """Writer and step of each segment, whose values are looked at."""
    with archive.open(path) as exp:
        found = []
        for segment in exp.segments:
            writer, step = segment.annotations["writer"], segment.annotations["step"]
            truth = recorded(writer, step)["cell/v"].magnitude
            assert np.array_equal(segment.signals["v"].magnitude, truth)
            found.append((writer, step))
        values = [tuple(value) for value in exp.values() if isinstance(value, list)]
        assert sorted(values) == sorted(found)
        return sorted(found)


def everything(count: int) -> list[tuple[int, int]]:
    return [(writer, step) for writer in range(count) for step in range(STEPS)]


def read_meanwhile(path: Path) -> int:
    """How many segments a reader sees; none that is half."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", archive.ArchiveWarning)  # parts that are being written
        try:
            with archive.open(path) as exp:
                for segment in exp.segments:
                    writer, step = segment.annotations["writer"], segment.annotations["step"]
                    assert (segment.signals["v"].magnitude == 100 * writer + step).all()
                return len(exp.segments)
        except archive.Busy:
            return 0


def test_each_has_a_part(tmp_path: Path, count: int) -> None:
    path = tmp_path / "e.nix"
    archive.open(path, "x").close()
    with writers(count, path, write_part):
        for _ in range(5):
            read_meanwhile(path)
            time.sleep(0.1)
        with archive.open(path, "a") as exp:
            exp.merge()  # those that have ended; the others are left alone
    assert written(path) == everything(count)
    with archive.open(path, "a") as exp:
        exp.merge()
        assert exp.check().is_valid()
    assert part_paths(path) == {}
    assert written(path) == everything(count)


def test_one_is_killed(tmp_path: Path, count: int) -> None:
    path = tmp_path / "e.nix"
    with writers(count, path, write_part, stop_in_the_middle) as told:
        pass
    assert told[0] == [0, 1, "in the middle"]
    expected = [(writer, step) for writer, step in everything(count) if writer or step < 2]
    assert written(path) == expected
    with archive.open(path, "a") as exp:
        assert all(one.removed for one in exp.merge())
    assert written(path) == expected
    with archive.open(path) as exp:
        assert exp.runs["writer 0"].outcome == "running"  # nobody has noted its end


def test_all_through_the_lock(tmp_path: Path, count: int) -> None:
    path = tmp_path / "e.nix"
    archive.open(path, "x").close()
    with writers(count, path, write_locked):
        for _ in range(5):
            read_meanwhile(path)
            time.sleep(0.1)
    assert written(path) == everything(count)
    with archive.open(path) as exp:
        assert len(exp.runs) == 1
        assert exp.get("count") == {"e.nix": count * STEPS}
        assert exp.check().is_valid()


def kill_while_merging(path: Path, done: Connection) -> None:
    from archive.container import taking

    taking.SEGMENTS = 1
    with archive.open(path, "a") as exp:
        for name, part in part_paths(path).items():
            with archive.open(part) as source:
                for _ in taking.take(exp._container, source._container, name, {}):
                    done.send(name)
                    time.sleep(0.05)


@pytest.mark.parametrize("steps", [1, 4])
def test_a_merge_is_killed(tmp_path: Path, steps: int) -> None:
    path = tmp_path / "e.nix"
    mine, theirs = SPAWN.Pipe(duplex=False)
    for writer in range(2):
        write_part(path, writer, theirs)
        assert [mine.recv() for _ in range(STEPS)] == list(range(STEPS))
    expected = written(path)
    process = SPAWN.Process(target=kill_while_merging, args=(path, theirs))
    process.start()
    for _ in range(steps):
        mine.recv()
    process.kill()  # it waits between two transactions
    process.join()
    with archive.open(path, "a") as exp:
        exp.merge()
    assert written(path) == expected
