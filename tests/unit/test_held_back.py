"""Signals, garbage and forks while HDF5 is at work."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import archive
from archive.storage.held_back import held_back
from tests.unit import rich_archive
from tests.unit.rich_archive import now, segment, stored_in


@pytest.fixture(autouse=True)
def pythons_own_handler() -> Iterator[None]:
    """A simulator that was imported before may have set another one."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, former)


def test_signal_comes_after_the_block() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), held_back():  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        with held_back():
            done.append("inner")
        done.append("outer")
    assert done == ["inner", "outer"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_garbage_waits() -> None:
    with held_back():
        assert not gc.isenabled()
        with held_back():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_other_threads_have_no_handlers_to_hold() -> None:
    found: list[Any] = []

    def run() -> None:
        with held_back():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler]


def test_ctrl_c_in_an_append_comes_when_it_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "exp.nix"
    with archive.open(path, "x") as exp:
        run = exp.run("a")
        store = exp._container.session._writing
        original = store.commit

        def commit() -> None:
            signal.raise_signal(signal.SIGINT)
            original()

        with monkeypatch.context() as patch:
            patch.setattr(store, "commit", commit)
            with pytest.raises(KeyboardInterrupt):
                run.put([segment(0)])
        assert len(run.segments) == 1
    with archive.open(path) as exp:
        assert len(exp.segments) == 1


def test_ctrl_c_in_the_users_part_of_a_transaction_undoes_it(tmp_path: Path) -> None:
    with archive.open(tmp_path / "exp.nix", "x") as exp:
        run = exp.run("a")
        content = now(exp)
        with pytest.raises(KeyboardInterrupt), exp.transaction():  # noqa: PT012
            run.put([segment(0)])
            signal.raise_signal(signal.SIGINT)
            pytest.fail("the handler ran too late")
        assert now(exp) == content
        run.put([segment(1)])


def in_child(exp: archive.Experiment, pipe: Any) -> None:
    try:
        exp.run("child")
    except archive.Refused as error:
        pipe.send(str(error))
    try:
        pipe.send(len(exp.runs))
    except archive.Refused as error:
        pipe.send(str(error))


def test_forked_child_is_refused(tmp_path: Path) -> None:
    path = rich_archive.write(tmp_path / "exp.nix")
    context = multiprocessing.get_context("fork")
    with archive.open(path, "a") as exp:
        exp.run("parent")
        here, there = context.Pipe()
        child = context.Process(target=in_child, args=(exp, there))
        child.start()
        for _ in range(2):
            assert here.poll(30)
            assert "a forked process cannot use" in here.recv()
        child.join()
        assert child.exitcode == 0
        exp.runs["parent"].put([segment(0)])
        content = now(exp)
        exp.runs["parent"].finish()
    assert len(stored_in(path)) == len(content)


FORKS_AND_ENDS = """
import os, sys, time, archive
exp = archive.open(sys.argv[1], "a")
exp.run("parent")
if os.fork() == 0:
    time.sleep(0.2)
    sys.exit(0)  # ends as a program does: all that is registered for its end runs
print("forked", flush=True)
if sys.argv[2] == "killed":
    os.kill(os.getpid(), 9)
os.wait()
exp.runs[0].append(annotations={"n": 1})
exp.close()
"""


@pytest.mark.parametrize("end", ["closes", "killed"])
def test_child_holds_no_lock_and_writes_nothing(tmp_path: Path, end: str) -> None:
    path = tmp_path / "exp.nix"
    archive.open(path, "x").close()
    done = subprocess.run(
        [sys.executable, "-c", FORKS_AND_ENDS, str(path), end], capture_output=True, text=True
    )
    assert done.returncode == (0 if end == "closes" else -9), done.stderr
    with archive.open(path, "a", timeout=0) as exp:  # at once, whatever the child still does
        assert [run.name for run in exp.runs] == ["parent"]
        assert len(exp.segments) == (1 if end == "closes" else 0)


LEFT_OPEN = """
import sys, archive
exp = archive.open(sys.argv[1], "a", durability=sys.argv[2])
exp.run("left").append(annotations={"n": 1})
"""


@pytest.mark.parametrize("durability", ["commit", "close"])
def test_program_that_ends_without_closing(tmp_path: Path, durability: str) -> None:
    path = tmp_path / "exp.nix"
    archive.open(path, "x").close()
    done = subprocess.run(
        [sys.executable, "-c", LEFT_OPEN, str(path), durability], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert os.listdir(tmp_path) == ["exp.nix"]  # noqa: PTH208
    with archive.open(path) as exp:
        assert [len(run.segments) for run in exp.runs] == [1]


def test_archive_that_is_forgotten_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "exp.nix"
    exp = archive.open(path, "x")
    exp.run("a")
    del exp
    gc.collect()
    with archive.open(path, "a", timeout=0) as exp:
        assert [run.name for run in exp.runs] == ["a"]
