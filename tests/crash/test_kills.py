"""Processes killed at any moment: every append that had returned is there, and nothing half."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from random import Random

import pytest

import archive
from tests.crash import writers
from tests.crash.proof import LOG, NAME, scratch
from tests.crash.recording import held, lay_out
from tests.crash.writers import segments_in

FEW = 5
ROUNDS = 10  # of so many kills, each with an archive of its own
MANY = 20
AT_MOST = 60.0  # seconds for a child to say something


@pytest.fixture(scope="module")
def context() -> ForkServerContext:
    """Starts processes in which all is imported already."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(["tests.crash.writers"])
    return made


@pytest.fixture
def path() -> Iterator[Path]:
    with scratch() as folder:
        yield folder / NAME


class Child:
    """A process that works on an archive until it is killed."""

    def __init__(
        self, context: ForkServerContext, work: Callable[[Path, Connection], None], path: Path
    ) -> None:
        self._hears, says = context.Pipe(duplex=False)
        self._process = context.Process(target=work, args=(path, says))
        self._process.start()
        says.close()
        self.said: list[int | str] = []

    def listen(self, count: int) -> None:
        """Until it has said so much more."""
        for _ in range(count):
            assert self._hears.poll(AT_MOST), f"it says no more after {self.said}"
            self.said.append(self._hears.recv())

    def kill(self, after: float = 0.0) -> None:
        """Kill it, and hear what it has said before."""
        time.sleep(after)
        self._process.kill()
        self._process.join()
        try:
            while True:
                self.said.append(self._hears.recv())
        except EOFError:
            self._hears.close()

    @property
    def acknowledged(self) -> int:
        """How many segments there are at least, as far as it has said."""
        return max((said + 1 for said in self.said if isinstance(said, int)), default=0)


def often(rounds: int) -> pytest.MarkDecorator:
    """A few kills in the quick suite, so many rounds of many in the slow one."""
    slow = [pytest.param(MANY, seed, marks=pytest.mark.slow) for seed in range(1, rounds + 1)]
    return pytest.mark.parametrize(("kills", "seed"), [(FEW, 0), *slow])


@often(ROUNDS)
def test_killed_while_appending(
    context: ForkServerContext, path: Path, kills: int, seed: int
) -> None:
    random = Random(seed)
    pace = 0.02  # seconds for an append
    there = 0
    archive.open(path, "x").close()
    for turn in range(kills):
        child = Child(context, writers.append_for_ever, path)
        began = time.monotonic()
        appends = random.randrange(4)
        child.listen(1 + appends)
        if appends:
            pace = (time.monotonic() - began) / (1 + appends)
        child.kill(random.uniform(0.0, 1.5 * pace))
        before, there = there, segments_in(path, there)
        promised = max(before, child.acknowledged)
        assert promised <= there <= promised + 1, f"kill {turn}: {child.said}, there are {there}"
    assert segments_in(path) == there


@often(2)
def test_killed_while_recovering(
    context: ForkServerContext, path: Path, kills: int, seed: int
) -> None:
    """Time and again: what the first kill left is what comes out in the end."""
    archive.open(path, "x").close()
    writer = Child(context, writers.append_for_ever, path)
    writer.listen(9)
    writer.kill()
    crashed, there = held(path.parent), segments_in(path)
    assert LOG in crashed

    def recovered() -> tuple[float, float]:
        """How long it takes to open and to close."""
        child = Child(context, writers.recover, path)
        moments = []
        for _ in range(3):
            child.listen(1)
            moments.append(time.monotonic())
        child.kill()
        return moments[1] - moments[0], moments[2] - moments[1]

    opening, closing = recovered()
    finished = held(path.parent)
    random = Random(seed)
    for turn in range(kills):
        if turn % 4 == 0:
            lay_out(crashed, path.parent)
        child = Child(context, writers.recover, path)
        child.listen(1)
        child.kill(random.uniform(0.0, opening + closing))
        assert segments_in(path) == there, f"kill {turn}: {child.said}"
    recovered()
    assert held(path.parent) == finished


@often(2)
def test_killed_while_closing(
    context: ForkServerContext, path: Path, kills: int, seed: int
) -> None:
    archive.open(path, "x").close()
    whole = Child(context, writers.append_and_close, path)
    whole.listen(4)
    began = time.monotonic()
    whole.listen(1)
    closing = time.monotonic() - began
    whole.kill()
    random = Random(seed)
    there = segments_in(path)
    for turn in range(kills):
        child = Child(context, writers.append_and_close, path)
        child.listen(4)
        child.kill(random.uniform(0.0, closing))
        there += 3
        assert segments_in(path, there - 3) == there, f"kill {turn}: {child.said}"
    assert segments_in(path) == there
