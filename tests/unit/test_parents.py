"""What runs began with: named by the program, or restored in its process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import quantities as pq

import archive
import schemas
from archive.entry import Entry
from archive.experiment import parents
from archive.hooks import snapshots as hooks
from tests.unit.network_states import snapshot


class FakeState:
    """A simulator whose networks are all restored by nothing."""

    def is_state(self, item: object) -> bool:
        return item == "network"

    def restore(self, entry: Entry, items: Any, **how: Any) -> archive.Restoration:
        if how["strict"] and items == ["network", "network"]:
            raise archive.ContractError("it does not fit")
        return archive.Restoration()


@pytest.fixture(autouse=True)
def network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(hooks, "_hooks", lambda: iter([FakeState()]))
    parents._waiting.clear()
    yield
    parents._waiting.clear()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with archive.open(tmp_path / "net.nix", "x") as exp, exp.run("trained") as run:
        run.snapshot(snapshot(), name="early")
        run.snapshot(snapshot(time=20.0), name="late")
    return tmp_path / "net.nix"


def said(run: archive.Run) -> list[tuple[str, str, int | None]]:
    return [(one.how, one.run, one.snapshot) for one in run.provenance.parents]


def test_a_named_parent(path: Path) -> None:
    with archive.open(path, "a") as exp:
        with exp.run("next", parent=exp.runs["trained"]) as run:
            pass
        with exp.run("other", parent=exp.snapshots["late"]) as other:
            pass
        assert said(run) == [("named", "trained", None)]
        assert said(other) == [("named", "trained", 1)]
        (parent,) = run.provenance.parents
        assert parent.path is None
        assert parent.digest is not None
        assert run.outcome == "finished"
    with archive.open(path) as exp:
        assert said(exp.runs["next"]) == [("named", "trained", None)]
        assert exp.check().is_valid()


def test_a_parent_in_another_archive(path: Path, tmp_path: Path) -> None:
    with archive.open(path) as old, archive.open(tmp_path / "new.nix", "x") as exp:
        run = exp.run(parent=old.runs["trained"])
        (parent,) = run.provenance.parents
        assert parent.path == str(path)
        run.finish()


def test_what_was_restored_is_the_parent_of_the_next_run(path: Path, tmp_path: Path) -> None:
    with archive.open(path) as old:
        old.snapshots["late"].restore(into="network")
        old.snapshots["late"].restore(into="network")  # once is enough
    with archive.open(tmp_path / "new.nix", "x") as exp:
        first, second = exp.run(), exp.run()
        assert said(first) == [("restored", "trained", 1)]
        assert said(second) == []


def test_what_was_restored_is_the_parent_of_the_run_that_goes_on(path: Path) -> None:
    with archive.open(path, "a") as exp:
        first = exp.run("first")
        with exp.run("second") as second:
            for _ in range(3):
                exp.snapshots["early"].restore(into="network")
        assert said(first) == []
        assert said(second) == [("restored", "trained", 0)]
        exp.snapshots["early"].restore(into="network")  # the second has ended: the first goes on
        assert said(first) == [("restored", "trained", 0)]


def test_what_failed_is_no_parent(path: Path) -> None:
    with archive.open(path, "a") as exp:
        with pytest.raises(archive.ContractError):
            exp.snapshots["early"].restore(into=["network", "network"])
        assert said(exp.run()) == []


def test_a_run_that_does_not_begin_leaves_it_to_the_next(path: Path) -> None:
    with archive.open(path, "a") as exp:
        exp.snapshots["early"].restore(into="network")
        with pytest.raises(archive.AlreadyExists):
            exp.run("trained")
        assert said(exp.run("next")) == [("restored", "trained", 0)]


def begin_and_fail(exp: archive.Experiment) -> None:
    with exp.transaction():
        exp.run("undone")
        raise ZeroDivisionError


def test_a_run_that_was_undone_is_not_noted(path: Path) -> None:
    with archive.open(path, "a") as exp:
        with pytest.raises(ZeroDivisionError):
            begin_and_fail(exp)
        exp.snapshots["early"].restore(into="network")
        assert said(exp.run("next")) == [("restored", "trained", 0)]


def test_a_resumed_run(path: Path) -> None:
    with archive.open(path, "a") as exp:
        exp.snapshots["late"].restore(into="network")
        run = exp.run("trained", resume=True)
        assert said(run) == [("restored", "trained", 1)]


def test_a_run_of_a_locking_session(path: Path, tmp_path: Path) -> None:
    session = archive.locking_session(tmp_path / "shared.nix")
    run = session.run("all")
    with archive.open(path) as exp:
        exp.snapshots["late"].restore(into="network")
    run.append({"v": [[1.0]] * pq.mV}, sampling_period=pq.ms)
    run.finish()
    with archive.open(tmp_path / "shared.nix") as exp:
        assert said(exp.runs["all"]) == [("restored", "trained", 1)]


def test_the_digest_tells_runs_apart(path: Path) -> None:
    with archive.open(path, "a") as exp:
        one = parents.origin(exp.runs["trained"], "named").said
        other = parents.origin(exp.run("trained again"), "named").said
        late = [parents.origin(each, "named").said for each in exp.snapshots]
        assert len({model.digest for model in (one, other, *late)}) == 4
        exp.runs["trained"].annotate(seen=True)  # what came later does not count
        assert parents.origin(exp.runs["trained"], "named").said.digest == one.digest
    assert isinstance(one, schemas.Parent)
