"""Parts: read as if they were in the archive, and merged into it without loss."""

from __future__ import annotations

import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import quantities as pq

import archive
from archive.container import merge_notes, moving, taking
from archive.experiment import merging
from archive.experiment.parts import part_path, part_paths
from tests.unit import rich_archive


def record(run: archive.Run, *facts: dict[str, Any], channels: int = 2) -> None:
    for number, said in enumerate(facts):
        v = np.full((5, channels), number) * pq.mV
        run.append({"cell/v": v}, sampling_period=0.1 * pq.ms, annotations=said)


@pytest.fixture
def path(with_parts: Path, tmp_path: Path) -> Path:
    """An archive with a run of its own, and three parts that call theirs the same."""
    shutil.copytree(with_parts, tmp_path, dirs_exist_ok=True)
    return tmp_path / "e.nix"


@pytest.fixture(scope="module")
def with_parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("parts") / "e.nix"
    with archive.open(path, "x") as exp:
        exp.annotate(lab="A")
        with exp.run("sweep", parameters={"tau": 10 * pq.ms}) as run:
            record(run, {"amplitude": 1 * pq.nA, "text": "main"})
    for number in range(3):
        with archive.session(path) as session:
            session.annotate(lab="B" if number else "A", extra=7)
            with session.run("sweep", parameters={"tau": (10 + number) * pq.ms}) as run:
                facts = {"text": f"part {number}", "number": number}
                record(run, facts | {"amplitude": 500 * pq.pA}, facts | {"list": [number]})
                run.segments[1].annotate(late=np.arange(1000 + number), text="late")
            with session.run(f"own {number}", parameters={"tau": 10 * pq.ms}) as run:
                run.put([rich_archive.segment(number)])
    return path.parent


def told(exp: archive.Experiment) -> dict[str, Any]:
    """What the views say."""
    return {
        "runs": repr(exp.runs.table()),
        "segments": repr(exp.segments.table()),
        "annotations": repr(sorted(exp.annotations.items())),
        "parameters": [run.parameters for run in exp.runs],
        "provenance": [run.provenance for run in exp.runs],
        "indices": [run.index for run in exp.runs] + [segment.index for segment in exp.segments],
        "of run": [run.segments.rows.tolist() for run in exp.runs],
        "own": [segment.run.name for segment in exp.segments],
        "history": [len(segment.history) for segment in exp.segments],
        **{
            query: exp.segments.where(query).rows.tolist()
            for query in (
                "amplitude > 600 pA", "amplitude == 0.5 nA", "text like 'part*'", "number >= 1",
                "exists(late)", "exists(list)", "run == 'sweep'", "parameters.tau > 11 ms",
                "even == true",
            )
        },
        "runs where": exp.runs.where("parameters.tau == 12 ms or name == 'own 1'").rows.tolist(),
    }  # fmt: skip


def entries(exp: archive.Experiment) -> list[list[archive.Entry]]:
    return [list(segment.data_entry().parts) for segment in exp.segments]


def test_parts_read_as_if_they_were_merged(path: Path) -> None:
    with archive.open(path) as exp:
        assert len(exp.parts) == 3
        assert len(exp.runs) == 7
        assert len(exp.segments) == 10
        assert len(exp.segments.where("amplitude == 0.5 nA")) == 3
        assert len(exp.segments.where("run == 'sweep'")) == 1
        names = [run.name for run in exp.runs]
        assert len(set(names)) == 7
        for part in exp.parts:
            assert exp.runs[f"sweep ({part})"].index == names.index(f"sweep ({part})")
        backwards = exp.segments[::-1]
        assert [segment.index for segment in backwards] == list(range(9, -1, -1))
        assert exp.segments[-1].index == 9
        with pytest.raises(archive.QueryError, match="no annotation 'nowhere'"):
            exp.segments.where("nowhere == 1")
        before, parts = told(exp), [[(p.model, _arrays(p)) for p in one] for one in entries(exp)]
    with archive.open(path, parts=False) as alone:
        assert len(alone.runs) == 1
    with archive.open(path, "a") as exp:
        assert len(exp.runs) == 1
        exp.merge()
    assert part_paths(path) == {}
    with archive.open(path) as exp:
        assert exp.parts == []
        assert told(exp) == before
        for one, found in zip(parts, entries(exp), strict=True):
            for (model, arrays), now in zip(one, found, strict=True):
                then = archive.Entry(model, arrays)
                assert rich_archive.same(then, archive.Entry(now.model, _arrays(now)))
        assert exp.check(deep=True).findings == ()


def _arrays(part: archive.Entry) -> dict[str, Any]:
    return {name: np.asarray(array) for name, array in part.arrays.items()}


def test_a_part_that_is_kept_is_not_seen_twice(path: Path) -> None:
    with archive.open(path, "a") as exp:
        assert not any(one.removed for one in exp.merge(keep=True))
        exp.merge(keep=True)
        assert len(exp.segments) == 10
    with archive.open(path) as exp:
        assert exp.parts == []
        assert len(exp.segments) == 10
    with archive.open(path, "a") as exp:
        assert all(one.removed for one in exp.merge())
        assert len(exp.segments) == 10
    assert [one.name for one in path.parent.iterdir()] == ["e.nix"]


SLOW = pytest.mark.slow


@pytest.mark.parametrize("stop", [1, pytest.param(2, marks=SLOW), pytest.param(3, marks=SLOW), 4])
def test_an_interrupted_merge_goes_on(
    path: Path, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    with archive.open(path) as exp:
        before = told(exp)
    with monkeypatch.context() as patch:
        patch.setattr(taking, "SEGMENTS", 1)  # a transaction for each
        steps = iter(range(stop))

        def some(*arguments: Any) -> Any:
            for count in taking.take(*arguments):
                yield count
                if next(steps, None) is None:
                    raise KeyboardInterrupt

        patch.setattr(merging, "take", some)
        with pytest.raises(KeyboardInterrupt), archive.open(path, "a") as exp:
            exp.merge()
    with archive.open(path, "a") as exp:
        exp.merge()
    with archive.open(path) as exp:
        assert told(exp) == before
        assert exp.check(deep=True).findings == ()


def test_a_part_that_was_merged_in_part_is_named(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "SEGMENTS", 1)
    with archive.open(path, "a") as exp:
        (name, first), *_ = part_paths(path).items()
        with archive.open(first) as part:
            next(taking.take(exp._container, part._container, name, {0: "other"}))
    with archive.open(path) as exp, pytest.warns(archive.ArchiveWarning, match="interrupted"):
        assert len(exp.parts) == 2


@pytest.mark.parametrize("field", ["values", "document", "change", "stretch", "keyed"])
def test_a_part_stays_if_what_was_merged_is_not_the_same(
    path: Path, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    """Whatever goes wrong on the way, the part is not removed."""
    with archive.session(path) as session:
        session["k"] = [1, 2]
    broken: dict[str, tuple[type, str, Callable[..., Any]]] = {
        "values": (taking._Taking, "_copy", _wrong_values),
        "document": (moving.Moving, "rows", _wrong_document),
        "change": (moving.Moving, "rows", _lost_change),
        "stretch": (taking._Taking, "_take_streams", _wrong_stretch),
        "keyed": (taking._Taking, "_take_values", lambda *_: (0, 0)),
    }
    owner, name, wrong = broken[field]
    true = getattr(owner, name)
    monkeypatch.setattr(owner, name, lambda *given: wrong(true, *given))
    if field == "keyed":
        monkeypatch.setattr(
            merge_notes, "is_whole", lambda known, source: len(known.runs) == len(source.runs)
        )
    before = part_paths(path)
    with archive.open(path, "a") as exp, pytest.raises(archive.CorruptArchive, match="is not what"):
        exp.merge()
    assert part_paths(path) == before


def _wrong_values(true: Callable[..., int], self: Any, *given: Any) -> int:
    start = true(self, *given)
    stream = self.target.streams[given[1]]
    name = next(iter(stream.arrays))
    data = self.target.streams.data(stream, name)
    if name == "values" and len(data) > start:
        row = data.read(start, start + 1)
        self.transaction.overwrite(data, start, row + 1)
    return start


def _wrong_document(
    true: Callable[..., None], self: Any, table: Any, covered: Any, changed: Any
) -> None:
    true(self, table, covered, changed | {0: changed.get(0, {}) | {"description": "another"}})


def _lost_change(
    true: Callable[..., None], self: Any, table: Any, covered: Any, changed: Any
) -> None:
    true(self, table, covered, changed)
    table["change_length"] = 0


def _wrong_stretch(true: Callable[..., Any], self: Any, stretches: Any) -> Any:
    found = true(self, stretches)
    stretches["t_stop"][0] += 1
    return found


def test_other_archives_are_merged_and_stay(tmp_path: Path, path: Path) -> None:
    other = rich_archive.write(tmp_path / "other.nix")
    with archive.open(path, "a") as exp:
        (merged,) = exp.merge(other)
        assert (merged.segments, merged.removed, merged.left) == (3, False, None)
        exp.merge(other)
        assert len(exp.segments) == 4
        with pytest.raises(archive.ArchiveNotFound):
            exp.merge(tmp_path / "missing.nix")
    assert other.exists()
    assert len(part_paths(path)) == 3
    with archive.open(path) as exp, pytest.raises(archive.Refused, match="for reading"):
        exp.merge()
    with (
        archive.open(path, "a", durability="close") as exp,
        pytest.raises(archive.Refused, match="on the disk"),
    ):
        exp.merge()


def test_a_kept_part_that_grows_is_merged_on(path: Path) -> None:
    with archive.computer_session(path) as session:
        with session.run("day") as run:
            record(run, {"n": 1})
        session["k"] = 1
    with archive.open(path, "a") as exp:
        exp.merge(keep=True)
    with archive.computer_session(path) as session:
        with session.run("day 2") as run:
            record(run, {"n": 2}, {"n": 3})
        session["k"] = 2
    with archive.open(path, "a") as exp:
        exp.merge()
        assert [segment.annotations["n"] for segment in exp.segments.where("exists(n)")] == [
            1,
            2,
            3,
        ]
        assert list(exp.get("k").values()) == [2]
    assert part_paths(path) == {}


def test_labels_and_streams_that_both_have(tmp_path: Path) -> None:
    """What the streams of both say in common differs from archive to archive."""
    path = rich_archive.write(tmp_path / "a.nix", 2)
    other = rich_archive.write(tmp_path / "b.nix", 4)
    with archive.open(other, "a") as exp, exp.run("more") as run:
        run.put([rich_archive.segment(9)])
    with archive.open(path, "a") as exp:
        exp.merge(other)
        with archive.open(other) as source:
            for one, found in zip(entries(source), entries(exp)[2:], strict=True):
                assert all(rich_archive.same(*pair) for pair in zip(one, found, strict=True))
        assert len(exp._container.streams) == 6
        assert exp.check(deep=True).findings == ()


def test_more_keys_than_columns(tmp_path: Path) -> None:
    path, other = tmp_path / "a.nix", tmp_path / "b.nix"
    with archive.open(path, "x") as exp, exp.run() as run:
        record(run, {"rare700": 1})
    with archive.open(other, "x") as exp, exp.run("b") as run, exp.transaction():
        for first in range(0, 720, 60):
            record(run, {f"rare{number}": number for number in range(first, first + 60)})
    with archive.open(path, "a") as exp:
        exp.merge(other)
        assert exp.segments.where("rare700 == 700").rows.tolist() == [12]
        assert exp.segments.where("rare3 == 3").rows.tolist() == [1]
        assert exp.check().is_valid()


def test_sessions_go_to_other_processes(path: Path) -> None:
    with archive.open(path) as exp:
        with pickle.loads(pickle.dumps(exp)) as again:
            assert len(again.segments) == 10
        locking = pickle.loads(pickle.dumps(exp.locking_session(timeout=3)))
    with archive.open(path, "a"), pytest.raises(archive.Busy):
        archive.locking_session(path, timeout=0.05)["k"] = 1
    locking["k"] = 1
    with locking.lock():
        locking["k"] += 1
    run = pickle.loads(pickle.dumps(locking.run("shared", annotations={"of": "all"})))
    v = {"cell/v": np.ones((3, 1)) * pq.mV}
    assert run.append(v, sampling_period=1 * pq.ms) == [1]
    assert locking.run("shared").append(v, sampling_period=1 * pq.ms) == [2]
    with archive.open(path, parts=False) as exp:
        assert exp.runs["shared"].outcome == "running"
    run.finish()
    run.annotate(done=True)
    with archive.open(path, parts=False) as exp:
        assert exp.runs["shared"].annotations == {"of": "all", "done": True}
        assert exp.get("k") == {"e.nix": 2}
    with archive.session(path) as session, pickle.loads(pickle.dumps(session)) as other:
        assert other.session_name != session.session_name
    with archive.open(path, "a") as exp, pytest.raises(archive.Refused, match="other process"):
        pickle.dumps(exp)


def test_names_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archive.provenance.user", lambda privacy: "../anna b")
    monkeypatch.setattr("platform.node", lambda: "lab/7")
    path = tmp_path / "e.nix"
    with archive.session(path) as one, archive.session(path) as other:
        assert one.session_name != other.session_name
        assert one.session_name.startswith("_anna_b@lab_7-")
        assert len(part_paths(path)) == 2
    assert not (tmp_path / "e.nix.parts").exists()  # nothing was put into them
    with archive.computer_session(path) as one:
        assert one.session_name == "_anna_b@lab_7"
        with pytest.raises(archive.Busy):
            archive.computer_session(path, timeout=0)
        one["k"] = 1
    with archive.computer_session(path) as one:
        assert one["k"] == 1
    assert part_path(path, "_anna_b@lab_7").exists()


@pytest.mark.damaged
def test_a_part_that_is_damaged_is_not_removed(path: Path) -> None:
    name, part = next(iter(part_paths(path).items()))
    with h5py.File(part, "a") as file:
        data = file[f"data/{name}/data_arrays/cell.v/data"]
        data[0] += 1
    with archive.open(path, "a") as exp, pytest.raises(archive.CorruptArchive, match="the arrays"):
        exp.merge()
    assert part.exists()


@pytest.mark.damaged
def test_parts_that_cannot_be_read_are_named(path: Path) -> None:
    names = list(part_paths(path))
    part_path(path, names[0]).write_bytes(b"nothing")
    code = "import archive, sys\nwith archive.open(sys.argv[1], 'a'): print(1, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(part_path(path, names[1]))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(archive.__file__).parents[1],
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        with archive.open(path) as exp:
            with pytest.warns(archive.ArchiveWarning) as caught:
                assert exp.parts == names[1:]
            texts = [str(one.message) for one in caught]
            assert any("cannot be read" in text and names[0] in text for text in texts)
            held = f"{names[1]}.nix is read up to its last commit: it is being written by process"
            assert any(f"{held} {child.pid}" in text for text in texts)
        with archive.open(path, "a") as exp:
            kept = {one.path.stem: one.left for one in exp.merge(keep=True)}
            assert "it is being written" in str(kept[names[1]])
            left = {one.path.stem: one.left for one in exp.merge()}
        assert left[names[2]] is None
        assert "cannot be read" in str(left[names[0]])
        assert f"it is being written (the archive is held by process {child.pid}" in str(
            left[names[1]]
        )
        child.communicate(b"\n")
    assert list(part_paths(path)) == names[:2]
