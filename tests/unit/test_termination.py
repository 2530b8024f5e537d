"""Runs that somebody ends: Ctrl-C, SIGTERM, an exception, a full disk."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import archive
from archive.experiment.termination import exit_on_sigterm
from archive.storage.files import Buffer, SystemFiles, use
from tests.unit.rich_archive import segment

ENDED = """
import os, signal, sys, archive
signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs the tests may ignore it
with archive.open(sys.argv[1], "x") as exp, exp.run("a") as run:
    run.append(annotations={"n": 1})
    os.kill(os.getpid(), getattr(signal, sys.argv[2]))
    run.append(annotations={"n": 2})
"""


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [("SIGTERM", 143, "SystemExit: 143"), ("SIGINT", -2, "KeyboardInterrupt")],
)
def test_signal_ends_the_run_as_interrupted(
    tmp_path: Path, name: str, code: int, reason: str
) -> None:
    path = tmp_path / "exp.nix"
    done = subprocess.run([sys.executable, "-c", ENDED, str(path), name], capture_output=True)
    assert done.returncode == code
    with archive.open(path) as exp:
        run = exp.runs["a"]
        assert run.outcome == "interrupted"
        assert reason in str(run.reason)
        assert len(run.segments) == 1
    assert [found.name for found in tmp_path.iterdir()] == ["exp.nix"]


def test_handler_is_there_for_the_block_only(tmp_path: Path) -> None:
    with archive.open(tmp_path / "exp.nix", "x") as exp:
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        with exp.run("a"):
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
            with exp.run("b"):
                pass
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        with pytest.raises(ValueError, match="mine"), exp.run("c"):
            raise ValueError("mine")
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        assert exp.runs["c"].outcome == "failed"


def test_handler_of_the_program_stays() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        exit_on_sigterm()()
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    thread = threading.Thread(target=lambda: exit_on_sigterm()())
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


class Full(SystemFiles):
    """A disk that has no room, for as long as it is said to be full."""

    full = False

    def write(self, descriptor: int, data: Buffer, offset: int, /) -> int:
        if self.full:
            raise OSError(28, "No space left on device")
        return super().write(descriptor, data, offset)


def test_disk_that_is_full_for_a_while(tmp_path: Path) -> None:
    path, files = tmp_path / "exp.nix", Full()
    with use(files), archive.open(path, "x") as exp:
        run = exp.run("a")
        run.put([segment(0)])
        kept = run.segments[0].signals["cells/v"]
        before = kept.magnitude
        files.full = True
        for _ in range(2):
            with pytest.raises(archive.TransactionError, match="No space left") as caught:
                run.put([segment(1)])
            assert caught.value.hint
        assert len(run.segments) == 1
        files.full = False
        assert (kept.magnitude == before).all()  # what was handed out goes on working
        run.put([segment(2)])
        assert len(run.segments) == 2
    with archive.open(path) as exp:
        assert exp.check().is_valid()
        assert len(exp.segments) == 2


def test_run_that_cannot_note_its_end_is_found_later(tmp_path: Path) -> None:
    path, files = tmp_path / "exp.nix", Full()
    exp = None
    with use(files):
        exp = archive.open(path, "x")
        with pytest.raises(archive.TransactionError, match="No space left"), exp.run("a") as run:  # noqa: PT012
            run.put([segment(0)])
            files.full = True
        files.full = False
        exp._container.session._let_go()
    with archive.open(path, "a") as exp:
        exp.run("b")
        assert exp.runs["a"].outcome == "abandoned"
        assert len(exp.runs["a"].segments) == 1
