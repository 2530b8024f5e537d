"""A full disk, a broken one, writes that take half: the error is raised, nothing is lost."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from tests.crash.faults import SESSIONS, Case, Lasting, Refusal, operations

ROOT = Path(__file__).resolve().parents[2]
PIECES = 6
READS = 6  # there are so many that one in so many is refused


def answers(cases: list[Case]) -> list[str]:
    """What goes wrong in each case, in a process that all of them share."""
    asked = "".join(json.dumps(dataclasses.asdict(case)) + "\n" for case in cases)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.crash.faults"],
        input=asked,
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    if len(told) < len(cases):
        told.append(f"the process has died ({done.returncode}): {done.stderr[-3000:]}")
    return told


def complaints(cases: list[Case]) -> str:
    """One line for each case in which something goes wrong."""
    told = zip(cases, answers(cases), strict=False)
    return "\n".join(f"{case}: {wrong}" for case, wrong in told if wrong)


def cases(session: str, refusal: Refusal, share: slice) -> list[Case]:
    """Some of the operations of a session refused, each in all the ways to last."""
    lastings: tuple[Lasting, ...] = get_args(Lasting)
    return [
        Case(session, refusal, lasting, at)
        for at in range(operations(session, refusal))[share]
        for lasting in lastings
    ]


@pytest.mark.parametrize("refusal", get_args(Refusal))
def test_some_operations_are_refused(refusal: Refusal) -> None:
    asked = cases("new", refusal, slice(1, None, 15)) + cases(
        "appending", refusal, slice(9, 90, 40)
    )
    assert complaints(asked) == ""


@pytest.mark.slow
@pytest.mark.parametrize("piece", range(PIECES))
@pytest.mark.parametrize("refusal", get_args(Refusal))
@pytest.mark.parametrize("session", SESSIONS)
def test_every_operation_is_refused(session: str, refusal: Refusal, piece: int) -> None:
    step = PIECES * (READS if refusal == "unreadable" else 1)
    assert complaints(cases(session, refusal, slice(piece, None, step))) == ""
