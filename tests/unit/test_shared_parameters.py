"""Parameter sets through a session that locks the archive for each operation."""

from __future__ import annotations

import json
import multiprocessing
import pickle
from pathlib import Path

import pytest
import quantities as pq

import archive

SPAWN = multiprocessing.get_context("spawn")
SLOW = {"exc": {"tau_m": 20 * pq.ms}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "e.nix"


def test_sets_are_saved_found_and_used(path: Path) -> None:
    session = archive.locking_session(path)
    assert list(session.parameters) == []
    assert session.parameters.names == []
    saved = session.parameters.save("slow", SLOW, "as published")
    assert saved == SLOW
    assert session.parameters.save("again", "slow").digest == saved.digest
    assert session.parameters.names == ["slow", "again"]
    assert len(session.parameters) == 1
    assert session.parameters["slow"] == session.parameters[saved.digest[:8]] == saved
    assert session.parameters.get("slow") == saved
    assert session.parameters.get("fast") is None
    assert ("slow" in session.parameters, SLOW in session.parameters) == (True, True)
    assert "fast" not in session.parameters
    (said,) = session.parameters.history("slow")
    assert said.description == "as published"
    with pytest.raises(archive.NotFound, match=r"(?s)'slw'.*there is 'slow'"):
        session.parameters["slw"]
    with pytest.raises(archive.AlreadyExists, match=r"(?s)another parameter set 'slow'.*tau_m"):
        session.parameters.save("slow", {"exc": {"tau_m": 5 * pq.ms}})
    session.run("one", parameters="slow").finish()
    with archive.open(path, "a") as exp:  # nothing was left open or locked
        assert exp.runs["one"].parameters == exp.parameters["slow"] == saved
        assert exp.parameters["slow"].names == ("slow", "again")


def test_sets_do_not_need_the_archive(path: Path) -> None:
    session = archive.locking_session(path)
    saved = session.parameters.save("slow", SLOW)
    for found in (saved, session.parameters["slow"], next(iter(session.parameters))):
        assert (found["exc.tau_m"], found.names, found.name) == (20 * pq.ms, (), None)
        with pytest.raises(archive.Refused, match="belongs to no archive"):
            _ = found.runs
    with archive.open(path, "a"):
        assert saved.diff({}).removed
    assert "'slow'" in repr(session.parameters)


def test_files_are_loaded(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "slow.json"
    file.write_text(json.dumps({"exc": {"g": 3.5}}))
    session = archive.locking_session(path)
    assert session.parameters.load(file, description="theirs")["exc.g"] == 3.5
    assert session.parameters.load(file, "named", format="json").digest
    assert session.parameters.names == ["slow", "named"]


def test_a_sweep_counts_what_ran_in_parts_too(path: Path) -> None:
    session = archive.locking_session(path)
    grid = {"tau": [1.0, 2.0, 3.0, 4.0]}
    session.run("here", parameters={"tau": 1.0}).finish()
    session.run("going on", parameters={"tau": 2.0})
    with archive.session(path) as part, part.run("there", parameters={"tau": 3.0}):
        pass
    assert session.parameters.missing(grid) == [{"tau": 2.0}, {"tau": 4.0}]
    session.parameters.save("base", {"tau": 0.0, "v": 1.0})
    assert len(session.parameters.missing(grid, "base")) == 4


def test_within_the_lock_nobody_comes_between(path: Path) -> None:
    session = archive.locking_session(path)
    with session.lock():
        session.parameters.save("slow", SLOW)
        with pytest.raises(archive.Busy):
            archive.locking_session(path, timeout=0.05).parameters.save("other", {"a": 1})
        assert session.parameters.names == ["slow"]
    archive.locking_session(path, timeout=3).parameters.save("other", {"a": 1})
    assert pickle.loads(pickle.dumps(session.parameters)).names == ["slow", "other"]


def save(path: Path, writer: int) -> str:
    """Names of its own for sets that all have, and one name that all want for another set."""
    session = archive.locking_session(path, timeout=300)
    for step in range(5):
        session.parameters.save(f"{writer} {step}", {"step": step})
    try:
        session.parameters.save("contended", {"writer": writer})
    except archive.AlreadyExists:
        return "second"
    return "first"


def test_many_processes_save(path: Path) -> None:
    with SPAWN.Pool(2) as pool:
        outcomes = pool.starmap(save, [(path, writer) for writer in range(3)], chunksize=1)
    assert sorted(outcomes) == ["first", "second", "second"]
    with archive.open(path) as exp:
        assert len(exp.parameters) == 6
        assert set(exp.parameters.names) == {
            "contended", *(f"{writer} {step}" for writer in range(3) for step in range(5)),
        }  # fmt: skip
        assert exp.parameters["contended"] == {"writer": outcomes.index("first")}
        assert exp.check().is_valid()
