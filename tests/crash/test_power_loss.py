"""The power goes at any moment of a session: what was acknowledged is there, nothing half is."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

import pytest

from tests.crash.proof import (
    NAME,
    NO_LIMITS,
    Crash,
    Recording,
    complaint,
    crashes,
    extremes,
    record,
    scratch,
)
from tests.crash.recording import held, lay_out
from tests.crash.sessions import KINDS, SMALL_LOG, recorded, recovery, recovery_and_more

# How many states the slow tests look at; `make crash` asks for more.
STATES = int(os.environ.get("ARCHIVE_CRASH_STATES", "5000"))
PIECE = 175  # states in one test
# Every fourth state comes from a crash inside the recovery of another one.
PIECES = -(-STATES * 3 // (4 * PIECE * len(KINDS)))
NESTED_PIECES = -(-STATES // (4 * PIECE * len(KINDS)))


class Judge:
    """Fails at the first state that breaks the promise, and leaves it where people find it."""

    def __init__(self, folder: Path, keep: Path) -> None:
        self.folder = folder
        self._keep = keep / "state"

    def one(self, crash: Crash, *, recover: bool) -> None:
        wrong = complaint(crash, self.folder, recover=recover)
        if wrong:
            lay_out(crash.state, self._keep)
            pytest.fail(f"{wrong}\n{crash}\n(the files are in {self._keep})", pytrace=False)

    def all(self, crashes: Iterable[Crash]) -> int:
        """Every fifth of them is recovered, the others are only read; how many there were."""
        number = 0
        for number, crash in enumerate(crashes, start=1):
            self.one(crash, recover=number % 5 == 0)
        return number


@pytest.fixture
def judge(tmp_path: Path) -> Iterator[Judge]:
    with scratch() as folder:
        yield Judge(folder, tmp_path)


@pytest.mark.damaged
@pytest.mark.parametrize("kind", KINDS)
def test_some_moments(kind: str, judge: Judge) -> None:
    assert judge.all(crashes(recorded(kind), 20, "some")) == 20


@pytest.mark.damaged
@pytest.mark.parametrize("kind", ["small appends", "checkpoints"])
def test_some_moments_of_recoveries(kind: str, judge: Judge) -> None:
    assert judge.all(nested(kind, 40, "some", judge)) == 40


@pytest.mark.slow
@pytest.mark.damaged
@pytest.mark.parametrize("kind", KINDS)
def test_every_moment(kind: str, judge: Judge) -> None:
    states = extremes(recorded(kind))
    assert judge.all(states) > len(recorded(kind).operations)


@pytest.mark.slow
@pytest.mark.damaged
@pytest.mark.parametrize("piece", range(PIECES))
@pytest.mark.parametrize("kind", KINDS)
def test_many_moments(kind: str, piece: int, judge: Judge) -> None:
    assert judge.all(crashes(recorded(kind), PIECE, str(piece))) == PIECE


@pytest.mark.slow
@pytest.mark.damaged
@pytest.mark.parametrize("piece", range(NESTED_PIECES))
@pytest.mark.parametrize("kind", KINDS)
def test_many_moments_of_recoveries(kind: str, piece: int, judge: Judge) -> None:
    assert judge.all(nested(kind, PIECE, str(piece), judge)) == PIECE


def nested(kind: str, number: int, seed: str, judge: Judge) -> Iterator[Crash]:
    """States of the disk after a crash in the recovery of a crash, every third of them in the
    recovery of that."""
    random = Random(f"nested {kind} {seed}")
    given = 0
    while given < number:
        first = recovered(one_of(recorded(kind), random), random, judge)
        second = recovered(one_of(first, random), random, judge)
        for recording, count in ((first, 10), (second, 5)):
            wanted = min(count, number - given, len(recording.operations))
            for crash in crashes(recording, wanted, str(random.random())):
                given += 1
                yield crash


def one_of(recording: Recording, random: Random) -> Crash:
    """A state in which there is an archive."""
    while True:
        (crash,) = crashes(recording, 1, str(random.random()))
        if NAME in crash.state:
            return crash


def recovered(crash: Crash, random: Random, judge: Judge) -> Recording:
    """The session that opens a crashed archive, in half of the cases to append to it."""
    judge.one(crash, recover=False)
    session = random.choice([recovery, recovery_and_more])
    limits = random.choice([NO_LIMITS, SMALL_LOG])
    name = f"{session.__name__} after {crash}\n"
    return record(name, session, crash.state, judge.folder, limits=limits)


@pytest.mark.damaged
@pytest.mark.parametrize(
    "kind",
    ["checkpoints", *(pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS)],
)
def test_a_recovery_cut_off_and_repeated_is_one_recovery(kind: str, judge: Judge) -> None:
    """To the byte, whatever the first one had already done."""
    crash = one_of(recorded(kind), Random(kind))
    judge.one(crash, recover=False)
    whole = record("recovery", recovery, crash.state, judge.folder)
    done = held(judge.folder)
    for again in crashes(whole, min(8, len(whole.operations) // 2), kind):
        judge.one(again, recover=True)
        assert held(judge.folder) == done, again
