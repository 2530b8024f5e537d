"""A merge takes the snapshots of a part in steps; each is kept, and a later merge goes on."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import quantities as pq

import archive
from archive.container import merge_notes, taking, taking_snapshots
from archive.experiment import merging
from archive.experiment.parts import part_paths
from tests.unit.network_states import projection, snapshot

SPAWN = multiprocessing.get_context("spawn")
SYNAPSES, COUNT = 20_000, 6
ARRAY = SYNAPSES * 8


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An archive with one snapshot, and a part with a series of which little changes, one that
    the archive has too, and one that the part has twice."""
    path = tmp_path / "e.nix"
    random = np.random.default_rng(1)
    weights = random.random(SYNAPSES)
    with archive.open(path, "x", durability="close") as exp, exp.run("first") as run:
        run.snapshot(taken(weights), name="common")
    with archive.session(path) as session, session.run("series") as run:
        for number in range(COUNT):
            run.snapshot(taken(weights), name=f"s{number}", annotations={"number": number})
            weights = weights.copy()
            weights[random.choice(SYNAPSES, SYNAPSES // 50)] = 0.0
        run.snapshot(taken(np.arange(SYNAPSES) / 3), name="new")
        run.snapshot(taken(np.arange(SYNAPSES) / 3), name="again")
    return path


def taken(weights: Any) -> archive.Entry:
    return snapshot(projection(size=SYNAPSES, weights=weights))


def told(path: Path) -> list[Any]:
    """All that can be seen of all snapshots."""
    with archive.open(path) as exp:
        assert exp.check(deep=True).findings == ()
        assert exp.snapshots.where("number > 2").rows.tolist() == [4, 5, 6]
        return [
            (one.name, one.run.name, one.annotations,
             one.projections["exc_inh"]["w"].magnitude.tobytes())
            for one in exp.snapshots
        ]  # fmt: skip


def stored(path: Path) -> tuple[int, int, int]:
    """The arrays that there are, how many bytes they take, and the steps of all merges."""
    with archive.open(path, parts=False) as exp:
        pool = exp._container.pool
        return len(pool), pool.stored_bytes(0), len(merge_notes.merges(exp._container))


@pytest.mark.parametrize(("limit", "steps"), [(1, 7), (ARRAY // 8, 3), (1 << 30, 1)])
def test_steps_store_what_one_step_does(
    path: Path, monkeypatch: pytest.MonkeyPatch, limit: int, steps: int
) -> None:
    """What is in the archive already costs nothing, and what hardly differs little."""
    before = told(path)
    with archive.open(path, "a") as exp:
        part = next(iter(part_paths(path).values()))
        with archive.open(part) as source:
            arrays = source._container.pool.stored_bytes(0)
    monkeypatch.setattr(taking, "BATCH", limit)
    with archive.open(path, "a") as exp:
        (merged,) = exp.merge()
    assert (merged.snapshots, merged.removed) == (COUNT + 2, True)
    assert told(path) == before
    count, size, noted = stored(path)
    assert noted == steps
    assert count == 5 + COUNT  # five arrays of the first; of the others only weights are new
    assert size == arrays  # as the part has them: the first one is the archive's
    assert len(part_paths(path)) == 0


def test_many_small_ones_are_taken_in_steps_too(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = told(path)
    monkeypatch.setattr(taking_snapshots, "SNAPSHOTS", 3)
    with archive.open(path, "a") as exp:
        exp.merge()
    assert told(path) == before
    assert stored(path)[2] == 3


def test_no_step_has_more_than_its_segments_before_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "e.nix"
    with archive.session(path) as session, session.run("r") as run:
        for number in range(3):
            run.append({"v": np.full((2, 1), float(number))}, sampling_period=0.1 * pq.ms)
        run.snapshot(taken(np.arange(SYNAPSES) / 3), name="one")
    monkeypatch.setattr(taking, "SEGMENTS", 1)
    with archive.open(path, "a") as exp:
        exp.merge()
        steps = [row for _, row in merge_notes.merges(exp._container)]
        assert [(int(row["segments"]), int(row["snapshots"])) for row in steps] == [
            (1, 0),
            (1, 0),
            (1, 1),
        ]
        assert exp.check().is_valid()


@pytest.mark.parametrize("stop", [1, pytest.param(4, marks=pytest.mark.slow), 7])
def test_an_interrupted_merge_goes_on(
    path: Path, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    before = told(path)
    monkeypatch.setattr(taking, "BATCH", 1)

    def some(*arguments: Any) -> Any:
        for number, count in enumerate(taking.take(*arguments), 1):
            yield count
            if number == stop:
                raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(merging, "take", some)
        with pytest.raises(KeyboardInterrupt), archive.open(path, "a") as exp:
            exp.merge()
    assert stored(path)[2] == stop
    with archive.open(path, "a") as exp:
        assert len(exp.snapshots) > 1
        exp.merge()
    assert told(path) == before
    assert stored(path)[2] == 7


def merge_slowly(path: Path, done: Connection, inside: bool) -> None:
    """Takes one snapshot a step, and waits to be killed: between two, or within the second."""
    taking.BATCH = 1
    if inside:
        note: Callable[..., Any] = merge_notes.note_merge
        calls = []

        def waits(*arguments: Any) -> None:
            calls.append(note(*arguments))
            if len(calls) == 2:
                done.send("within")
                done.recv()

        pytest.MonkeyPatch().setattr(taking, "note_merge", waits)
    with archive.open(path, "a") as exp:
        for name, part in part_paths(path).items():
            with archive.open(part) as source:
                for number, _ in enumerate(
                    taking.take(exp._container, source._container, name, {})
                ):
                    if number == 1:
                        done.send("between")
                        done.recv()


@pytest.mark.parametrize("inside", [False, True])
def test_a_merge_is_killed(path: Path, inside: bool) -> None:
    before = told(path)
    mine, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=merge_slowly, args=(path, theirs, inside))
    process.start()
    assert mine.recv() == ("within" if inside else "between")
    process.kill()
    process.join()
    assert stored(path)[2] == (1 if inside else 2)
    with archive.open(path, "a") as exp:
        exp.merge()
    assert told(path) == before
