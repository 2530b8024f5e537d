"""Transactions, creation and sharing of files: all of a change or nothing, whatever fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import quantities as pq

import archive
import schemas
from archive.container import layout
from archive.storage import Durability, Growing, Transaction, growing, nix
from archive.storage.files import SystemFiles
from tests.unit import rich_archive
from tests.unit.rich_archive import now, segment

EXPERIMENT = schemas.Experiment(id="1f", name="exp", created=datetime(2024, 5, 1, tzinfo=UTC))


class CountedFiles(SystemFiles):
    """Counts the calls, and fails at one of them."""

    def __init__(self, fail: str | None = None) -> None:
        self.calls: list[str] = []
        self.fail = fail

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name == self.fail:
            raise OSError(5, f"no {name}")

    def sync(self, descriptor: int, /) -> None:
        self._call("sync")
        super().sync(descriptor)

    def sync_folder(self, path: Path, /) -> None:
        self._call("sync_folder")
        super().sync_folder(path)

    def link(self, source: Path, target: Path, /) -> None:
        self._call("link")
        super().link(source, target)


def go_through(
    experiment: archive.Experiment, files: CountedFiles, patch: pytest.MonkeyPatch
) -> None:
    """Let an open archive use other files."""
    store = experiment._container.session._store
    assert store is not None
    assert store._log is not None
    patch.setattr(store, "_files", files)
    patch.setattr(store._log, "files", files)


@pytest.fixture
def experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[archive.Experiment]:
    """One run with a segment of every kind of part; every append writes the index too."""
    monkeypatch.setattr(layout, "INDEX_BATCH", 1)
    with archive.open(tmp_path / "exp.nix", "x", durability="close") as opened:
        opened.run("first").put([segment(0)])
        yield opened


def seen(experiment: archive.Experiment) -> list[Any]:
    """What the interface shows of all runs and segments."""
    runs = [(r.name, r.outcome, r.annotations, r.parameters, r.history) for r in experiment.runs]
    parts = [
        (s.name, s.run.index, repr(s), [v.magnitude.tolist() for v in s.signals.values()])
        for s in experiment.segments
    ]
    found = [experiment.segments.where(f"seed == {n}").rows.tolist() for n in range(3)]
    return [repr(runs), parts, found, [run.segments.rows.tolist() for run in experiment.runs]]


# -- failure in the middle ---------------------------------------------------------------------

STEPS: list[tuple[Any, str]] = [
    *((Transaction, name) for name in ("append", "extend", "overwrite", "section")),
    *((Transaction, name) for name in ("data_array", "data_frame", "multi_tag")),
    (Growing, "write"),
    (Growing, "resize"),
    (growing, "create"),
    (nix, "group"),
    (nix, "set_attributes"),
]


def append(experiment: archive.Experiment) -> None:
    experiment.runs["first"].put([segment(1), segment(2)])


def append_new_streams(experiment: archive.Experiment) -> None:
    values = np.ones((20, 2), np.float32) * pq.nA
    facts: dict[str, Any] = {"new": 1, "blob": np.arange(500), "text": "never seen"}
    run = experiment.runs["first"]
    run.append({"other/i": values}, sampling_period=1 * pq.ms, annotations=facts)


def begin_run(experiment: archive.Experiment) -> None:
    experiment.run("second", parameters=rich_archive.PARAMETERS, annotations={"g": 1 * pq.nS})


def change_annotations(experiment: archive.Experiment) -> None:
    experiment.segments[0].annotate({"seed": "text now", "more": 2 * pq.mV}, remove=["even"])


def end_run(experiment: archive.Experiment) -> None:
    experiment.runs["first"].finish("failed", "because")


OPERATIONS = [append, append_new_streams, begin_run, change_annotations, end_run]


class FailingStep:
    """Fails once, at the call of that number, before or after it has done its work."""

    def __init__(self, number: int, error: BaseException, *, after: bool) -> None:
        self.left = number
        self.error = error
        self.after = after
        self.failed = False

    def around(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            self.left -= 1
            if self.left or self.failed:
                return step(*given, **named)
            self.failed = True
            if self.after:
                step(*given, **named)
            raise self.error

        return call


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.__name__)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_failure_at_any_step_leaves_what_was_there(
    experiment: archive.Experiment,
    monkeypatch: pytest.MonkeyPatch,
    operation: Callable[[archive.Experiment], None],
    after: bool,
) -> None:
    content, shown = now(experiment), seen(experiment)
    said: list[str] = []
    for number in range(2 if after else 1, 1000, 5):
        failing = FailingStep(number, OSError(28, "No space left on device"), after=after)
        with monkeypatch.context() as patch:
            for owner, name in STEPS:
                patch.setattr(owner, name, failing.around(getattr(owner, name)))
            try:
                operation(experiment)
            except archive.TransactionError as error:
                said.append(str(error))
        if not failing.failed:
            break
        assert now(experiment) == content, number
        assert seen(experiment) == shown, number
    assert 3 < number < 500
    assert all("undone" in text and "No space left" in text for text in said)
    assert said
    assert now(experiment) != content
    assert seen(experiment) != shown
    experiment.runs["first"].finish()
    experiment.run("last").put([segment(2)])
    assert experiment.segments[-1].signals["cells/v"].shape == (32, 3)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("x"), RuntimeError("x")])
def test_other_errors_undo_too(
    experiment: archive.Experiment, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    content = now(experiment)
    with monkeypatch.context() as patch:
        failing = FailingStep(9, error, after=True)
        patch.setattr(Growing, "write", failing.around(Growing.write))
        wanted = archive.TransactionError if isinstance(error, RuntimeError) else type(error)
        with pytest.raises(wanted):
            append(experiment)
    assert now(experiment) == content


def test_failed_sync_undoes(
    experiment: archive.Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = experiment._container.session
    content, shown = now(experiment), seen(experiment)
    with monkeypatch.context() as patch:
        patch.setattr(session, "_durability", "commit")
        with session.transaction():
            pass  # what was waiting is committed
        go_through(experiment, CountedFiles(fail="sync"), patch)
        for operation in OPERATIONS:
            with pytest.raises(archive.TransactionError, match="no sync") as caught:
                operation(experiment)
            assert caught.value.path == str(experiment.path)
            assert caught.value.hint
        assert now(experiment) == content
        assert seen(experiment) == shown
    append(experiment)
    assert [s.name for s in experiment.segments] == ["segment000", "segment001", "segment002"]


# -- transactions inside one another -----------------------------------------------------------


def test_inner_transaction_is_undone_with_the_outer(experiment: archive.Experiment) -> None:
    content, shown = now(experiment), seen(experiment)

    def fail_late() -> None:
        with experiment.transaction():
            begin_run(experiment)
            append(experiment)
            change_annotations(experiment)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_late()
    assert now(experiment) == content
    assert seen(experiment) == shown
    append(experiment)
    assert [s.name for s in experiment.segments] == ["segment000", "segment001", "segment002"]


def test_inner_transaction_is_undone_alone(experiment: archive.Experiment) -> None:
    wrong = archive.Entry(schemas.Signal(variable="v", unit="mV", sampling_period=1.0), {})
    bad = archive.Entry(schemas.Segment(), parts=[wrong])
    run = experiment.runs["first"]
    with experiment.transaction():
        run.put([segment(1)])
        content = now(experiment)
        with pytest.raises(archive.ContractError, match="'values' is missing"):
            run.put([segment(2), bad])
        assert now(experiment) == content
        run.append(annotations={"last": True})
    assert [s.name for s in experiment.segments] == ["segment000", "segment001", "segment002"]
    assert experiment.segments.where("exists(last)").rows.tolist() == [2]


def test_transaction_is_one_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with archive.open(tmp_path / "exp.nix", "x") as experiment:
        experiment.run("first")  # the log begins with it
        files = CountedFiles()
        go_through(experiment, files, monkeypatch)
        with experiment.transaction():
            run = experiment.run("a")
            for seed in range(3):
                run.put([segment(seed)])
            assert files.calls == []
        assert files.calls in (["sync"], ["sync", "sync"])  # the file, if anything was large


@pytest.mark.parametrize("durability", ["commit", "close"])
def test_when_it_syncs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durability: Durability
) -> None:
    files = CountedFiles()
    found = []
    with archive.open(tmp_path / "exp.nix", "x", durability=durability) as experiment:
        go_through(experiment, files, monkeypatch)
        run = experiment.run("a")
        found.append(len(files.calls))
        for seed in range(3):
            run.put([segment(seed)])
            found.append(len(files.calls))
        run.finish()
        found.append(len(files.calls))
    steps = np.diff(found).tolist()
    if durability == "commit":
        assert files.calls[:3] == ["sync", "sync_folder", "sync"]  # the log begins
        assert steps[1:] == [1, 1, 1]
    else:
        assert found == [0] * 5
    assert files.calls[-3:] == ["sync", "sync", "sync_folder"]  # log, file, name of the log gone


def test_session_that_changes_nothing_does_not_sync(
    experiment: archive.Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment.close()
    for mode in ("r", "a"):
        files = CountedFiles()
        before = experiment.path.read_bytes()
        with archive.open(experiment.path, mode) as opened:
            if mode == "a":
                go_through(opened, files, monkeypatch)
            seen(opened)
        assert "sync" not in files.calls
        assert experiment.path.read_bytes() == before


# -- refused -----------------------------------------------------------------------------------


def test_read_only_session_refuses_every_change(experiment: archive.Experiment) -> None:
    experiment.close()
    before = experiment.path.read_bytes()
    with archive.open(experiment.path) as opened:
        assert opened.mode == "r"
        for operation in OPERATIONS[2:4]:
            with pytest.raises(archive.Refused, match="opened for reading"):
                operation(opened)
        with pytest.raises(archive.Refused):
            append(opened)
        with pytest.raises(archive.Refused), opened.transaction():
            pytest.fail("a transaction began")
    assert experiment.path.read_bytes() == before


def test_closed_archive_refuses_everything(experiment: archive.Experiment) -> None:
    run, found = experiment.runs[0], experiment.segments[0]
    part, view = found.signals["v"], experiment.segments
    experiment.close()
    experiment.close()
    before = experiment.path.read_bytes()
    attempts: list[Callable[[], Any]] = [
        lambda: experiment.runs,
        lambda: experiment.segments,
        lambda: experiment.run("x"),
        lambda: experiment.annotate(x=1),
        lambda: run.append({}),
        lambda: run.annotate(x=1),
        lambda: run.finish(),
        lambda: found.annotations,
        lambda: part[:3],
        lambda: part.magnitude,
        lambda: view.where("seed == 1"),
        lambda: view[0].name,
        lambda: experiment.to_neo(),
        lambda: experiment.transaction().__enter__(),
    ]
    for number, attempt in enumerate(attempts):
        with pytest.raises(archive.Refused, match="closed"):
            print(number, attempt())
    assert "closed" in repr(experiment)
    assert experiment.path.read_bytes() == before
