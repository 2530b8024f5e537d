"""Parts and archives that others write to, wait for and remove at the same time."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import quantities as pq

import archive
from archive.storage.recovery import look


def record(run: archive.Run) -> None:
    run.append({"cell/v": np.ones((5, 2)) * pq.mV}, sampling_period=0.1 * pq.ms)


def test_who_waits_for_a_part_that_goes_gets_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "e.nix"
    code = (
        "import archive, sys; print(1, flush=True)\n"
        "with archive.computer_session(sys.argv[1], timeout=60) as s: s['k'] = 1"
    )
    with archive.computer_session(path):
        child = subprocess.Popen(
            [sys.executable, "-c", code, str(path)],
            stdout=subprocess.PIPE,
            cwd=Path(archive.__file__).parents[1],
        )
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(1)  # it waits by now; what is closed here is empty, and is removed
    assert child.wait(60) == 0
    child.stdout.close()
    with archive.open(path) as exp:
        assert list(exp.get("k").values()) == [1]


def test_who_waits_is_told_the_run(tmp_path: Path) -> None:
    path = tmp_path / "e.nix"

    def told() -> str:
        return str(look(path).held_by)

    with archive.open(path, "x") as exp:
        assert "in run" not in told()
        with exp.run("x"):
            assert "in run 'x'" in told()
            with exp.run("y"):
                assert "in run 'y'" in told()
            assert "in run 'x'" in told()
        assert "in run" not in told()
        exp.run("y", resume=True).finish()
        exp.run("y", resume=True)
        assert "in run 'y'" in told()
        code = "import archive, sys; archive.open(sys.argv[1], 'a', timeout=0)"
        child = subprocess.run(
            [sys.executable, "-c", code, str(path)],
            check=False,
            capture_output=True,
            text=True,
            cwd=Path(archive.__file__).parents[1],
        )
        assert f"held by {told()}" in child.stderr


def test_what_has_come_and_gone_is_seen_after_a_refresh(tmp_path: Path) -> None:
    path = tmp_path / "e.nix"
    for number in range(3):
        with archive.session(path) as session, session.run(f"run {number}") as run:
            record(run)
    with archive.open(path) as exp:
        assert len(exp.segments) == 3
        last = exp.runs[-1]
        name = last.name
        with archive.session(path) as session, session.run("late") as run:
            record(run)
        assert len(exp.segments) == 3
        exp.refresh()
        assert len(exp.segments) == 4
        assert len(exp.parts) == 4
        with archive.open(path, "a") as writer:
            writer.merge()
        exp.refresh()
        assert exp.parts == []
        assert len(exp.segments) == 4
        assert len(exp.runs["late"].segments) == 1
        assert last.name == name  # of a part that is gone, and is held here
