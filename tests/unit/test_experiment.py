"""The programming interface: runs, annotations, queries, tables, views and how all of it looks."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import quantities as pq

import archive
import schemas
from archive.storage import Growing
from tests.unit import rich_archive
from tests.unit.rich_archive import numbers, segment

STEP = 0.1 * pq.ms
AMPLITUDES = (-0.2, -0.1, 0.0, 0.1, 0.2)


def fi(path: Path) -> Path:
    """The f-I curve of the documentation, with arrays in the place of a simulator."""
    with (
        archive.open(path, mode="a") as exp,
        exp.run(
            "f-I curve", parameters={"tau_m": 10 * pq.ms}, annotations={"simulator": "neuron"}
        ) as run,
    ):
        for number, amp in enumerate(AMPLITUDES):
            recorded = {
                "cell/v": numbers(number, 1001, 3) * pq.mV,
                "cell/spikes": {17: [1.0, 2.0, 5.5] * pq.ms, 3: [] * pq.ms, 20: [9] * pq.ms},
            }
            facts = {"amplitude": amp * pq.nA}
            run.append(recorded, sampling_period=STEP, annotations=facts)
    return path


def test_interface_as_documented(tmp_path: Path) -> None:
    exp = archive.open(fi(tmp_path / "fi.nix"))
    assert (exp.mode, exp.name, exp.path) == ("r", "fi", tmp_path / "fi.nix")
    assert (len(exp.runs), len(exp.segments)) == (1, 5)
    hits = exp.segments.where("amplitude > 50 pA and simulator == 'neuron'")
    assert hits.rows.tolist() == [3, 4]
    assert hits.where("amplitude < 0.15 nA").rows.tolist() == [3]
    assert exp.segments.where(archive.Where("amplitude") > 50 * pq.pA).rows.tolist() == [3, 4]
    assert exp.segments.where("parameters.tau_m == 0.01 s").rows.tolist() == [0, 1, 2, 3, 4]
    assert len(hits.where("amplitude > 1 A")) == 0
    seg = hits[0]
    assert seg.annotations == {"amplitude": 0.1 * pq.nA}
    assert (seg.run.name, seg.name, seg.index) == ("f-I curve", "segment003", 3)
    v = seg.signals["cell/v"]
    assert isinstance(v, archive.Signal)
    assert (v.shape, v.units, v.sampling_period, v.t_start) == ((1001, 3), pq.mV, STEP, 0 * pq.ms)
    assert v.times[-1] == pytest.approx(100.0)
    assert np.array_equal(v[:100].magnitude, numbers(3, 1001, 3)[:100])
    assert np.array_equal(v.magnitude, numbers(3, 1001, 3))
    assert np.array_equal(v.to_neo().magnitude, numbers(3, 1001, 3))
    s = seg.spikes["cell"]
    assert (s.n, len(s), s.units) == (3, 4, pq.ms)
    assert s.times.tolist() == [1.0, 2.0, 5.5, 9.0]
    assert s.neuron.tolist() == [1, 1, 1, 2]
    assert s.train(1).tolist() == [1.0, 2.0, 5.5]
    assert s.channels.tolist() == [3, 17, 20]
    assert len(seg.to_neo().spiketrains) == 3
    assert [segment.annotations["amplitude"] for segment in exp.to_neo().segments] == [
        amp * pq.nA for amp in AMPLITUDES
    ]
    assert exp.export(tmp_path / "fi.mat") == []
    assert hits.export(tmp_path / "some.mat") == []
    assert (tmp_path / "some.mat").stat().st_size < (tmp_path / "fi.mat").stat().st_size
    exp.close()


def test_table_and_frame(tmp_path: Path) -> None:
    with archive.open(fi(tmp_path / "fi.nix")) as exp:
        rows = exp.segments[1:3].table()
        assert rows[0] == {
            "run": "f-I curve", "segment": "segment001", "simulator": "neuron",
            "amplitude": -0.1 * pq.nA,
        }  # fmt: skip
        assert [row["segment"] for row in rows] == ["segment001", "segment002"]
        assert exp.runs.table() == [
            {"run": "f-I curve", "outcome": "finished", "simulator": "neuron"}
        ]
        assert exp.segments[:0].table() == exp.runs[:0].table() == []
        frame = exp.segments.to_frame()
        assert frame["amplitude [nA]"].tolist() == list(AMPLITUDES)
        assert frame["run"].tolist() == ["f-I curve"] * 5


# -- runs --------------------------------------------------------------------------------------


def test_outcomes(tmp_path: Path) -> None:
    with archive.open(tmp_path / "exp.nix", "x") as exp:
        before = datetime.now(UTC)
        with exp.run("good") as run:
            assert run.outcome == "running"
            assert run.ended is None
        with pytest.raises(ZeroDivisionError), exp.run("bad"):
            1 / 0  # noqa: B018  # it is the error that counts
        with pytest.raises(KeyboardInterrupt), exp.run("stopped"):
            raise KeyboardInterrupt
        exp.run("left open")
    with archive.open(tmp_path / "exp.nix") as exp:
        assert [run.outcome for run in exp.runs] == [
            "finished", "failed", "interrupted", "finished",
        ]  # fmt: skip
        assert exp.runs["good"].reason is None
        reason = exp.runs["bad"].reason
        assert reason is not None
        assert reason.startswith("Traceback")
        assert "1 / 0" in reason
        assert "ZeroDivisionError" in reason
        assert exp.runs["stopped"].reason == "KeyboardInterrupt\n"
        for run in exp.runs:
            assert run.started is not None
            assert run.ended is not None
            assert before <= run.started <= run.ended <= datetime.now(UTC)
        assert exp.runs.where("outcome == 'failed'")[0].name == "bad"


def test_error_in_the_archive_block_fails_the_open_runs(tmp_path: Path) -> None:
    def fail() -> None:
        with archive.open(tmp_path / "e.nix", "x") as exp:
            exp.run("a")
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        fail()
    with archive.open(tmp_path / "e.nix") as exp:
        assert exp.runs["a"].outcome == "failed"
        assert "mine" in str(exp.runs["a"].reason)


def test_resume(tmp_path: Path) -> None:
    parameters: dict[str, Any] = {"tau": 1 * pq.ms}
    with archive.open(tmp_path / "exp.nix", "x") as exp:
        with exp.run("a", parameters=parameters, simulator="nest") as run:
            run.append(annotations={"n": 0})
        with pytest.raises(archive.Refused, match="finished"):
            run.append()
        with pytest.raises(archive.AlreadyExists, match="'a' already") as caught:
            exp.run("a")
        assert "resume=True" in str(caught.value.hint)
        for other in ({"parameters": {"tau": 2 * pq.ms}}, {"simulator": "x"}, {"description": "d"}):
            with pytest.raises(archive.AlreadyExists, match=f"other {next(iter(other))}"):
                exp.run("a", resume=True, **other)
        assert exp.runs["a"].outcome == "finished"
        facts = {"again": True}
        with exp.run("a", parameters=parameters, annotations=facts, resume=True) as again:
            assert again.outcome == "running"
            again.append(annotations={"n": 1})
        with exp.run("new", resume=True):
            pass
    with archive.open(tmp_path / "exp.nix") as exp:
        assert [run.name for run in exp.runs] == ["a", "new"]
        assert [seg.name for seg in exp.runs["a"].segments] == ["segment000", "segment001"]
        assert exp.runs["a"].annotations == {"again": True}
        assert exp.runs["a"].outcome == "finished"


def test_automatic_names(tmp_path: Path) -> None:
    with archive.open(tmp_path / "exp.nix", "x") as exp:
        assert exp.run().name == "run 0001"
        exp.run("run 0003")
        assert [exp.run().name, exp.run().name] == ["run 0004", "run 0005"]


def test_equal_parameters_are_stored_once(tmp_path: Path) -> None:
    path = tmp_path / "exp.nix"
    with archive.open(path, "x") as exp:
        for number in range(4):
            exp.run(parameters={"exc": {"tau_m": 10.0 * pq.ms}, "w": [1, number // 2]})
        exp.run()
    with archive.open(path, "a") as exp:
        exp.run(parameters={"w": [1, 0], "exc": {"tau_m": 10.0 * pq.ms}})
        exp.run(parameters={"w": [1, 0], "exc": {"tau_m": 10 * pq.ms}})
        assert len(exp._container.parameter_sets) in (2, 3)  # is 10 ms the same as 10.0 ms?
        assert exp.runs[3].parameters == {"exc": {"tau_m": 10.0 * pq.ms}, "w": [1, 1]}
        assert exp.runs[4].parameters == {}
        records = exp._container.provenance
        kinds = [records.model(row).kind for row in range(len(records))]
        assert (kinds.count("provenance"), kinds.count("environment")) == (7, 1)
        found = exp.runs.where("parameters.exc.tau_m == 10 ms")
        assert found.rows.tolist() == [0, 1, 2, 3, 5, 6]
        around = exp.runs[0].provenance.environment
        assert around is not None
        assert "numpy" in around.packages


# -- annotations that come later ---------------------------------------------------------------


def test_annotations_change_and_history_stays(tmp_path: Path) -> None:
    before = datetime.now(UTC)
    with archive.open(tmp_path / "exp.nix", "x") as exp:
        run = exp.run("a", annotations={"quality": "unknown", "n": 1})
        part = run.append(annotations={"ok": True})
        assert isinstance(part, archive.Segment)
        run.annotate(quality="good")
        run.annotate({"n": 2.5 * pq.mV, "new": None}, remove=["quality"])
        part.annotate({"ok": False})
        exp.annotate(project="f-I")
        assert run.annotations == {"n": 2.5 * pq.mV, "new": None}
    with archive.open(tmp_path / "exp.nix") as exp:
        run = exp.runs["a"]
        assert run.annotations == {"n": 2.5 * pq.mV, "new": None}
        first, second = run.history
        assert (first.annotations, first.former) == ({"quality": "good"}, {"quality": "unknown"})
        assert second.former == {"quality": "good", "n": 1}
        assert second.removed == ("quality",)
        assert {first.author, second.author} == {getpass.getuser()}
        assert before <= first.at <= second.at <= before + timedelta(minutes=5)
        assert exp.segments[0].annotations == {"ok": False}
        assert [change.former for change in exp.segments[0].history] == [{"ok": True}]
        assert exp.annotations == {"project": "f-I"}
        assert [change.former for change in exp.history] == [{}]
        assert exp.runs.where("n == 2.5 mV").rows.tolist() == [0]
        assert exp.runs.where("new == None").rows.tolist() == [0]
        assert exp.segments.where("ok == true").rows.tolist() == []


# -- views -------------------------------------------------------------------------------------


def test_views_are_sequences(tmp_path: Path) -> None:
    with archive.open(tmp_path / "exp.nix", "x") as exp:
        for name in "abcde":
            exp.run(name).append(name=f"seg {name}", annotations={"name": "other"})
        for view, prefix in ((exp.runs, ""), (exp.segments, "seg ")):
            names = [f"{prefix}{letter}" for letter in "abcde"]
            assert [item.name for item in view] == names
            assert [view[number].name for number in range(-5, 5)] == names * 2
            assert [item.name for item in view[1:-1]] == names[1:-1]
            assert [item.name for item in view[::-2]] == names[::-2]
            assert [item.name for item in reversed(view)] == names[::-1]
            assert view[np.arange(5)[2]].index == 2
            assert view[names[3]].index == 3
            assert view[2:][names[3]].index == 3
            assert view[1] in view
            assert view[1] not in view[2:]
            assert view.index(view[3]) == 3
            with pytest.raises(archive.NotFound, match="no "):
                view[:3][names[3]]
            for wrong in (5, -6):
                with pytest.raises(IndexError, match="among 5"):
                    view[wrong]
            with pytest.raises(TypeError):
                view[1.5]  # type: ignore[call-overload]
        with pytest.raises(archive.NotFound, match="no run 'f'"):
            exp.runs["f"]
        grows = exp.runs
        exp.run("f")
        assert len(grows) == 6
        assert exp.runs[::-1].where("name < 'c'").rows.tolist() == [1, 0]


def test_name_that_several_have(tmp_path: Path) -> None:
    with archive.open(tmp_path / "exp.nix", "x") as exp:
        run = exp.run("a")
        for _ in range(3):
            run.append(name="twice")
        with pytest.raises(archive.NotFound, match="3 segments have the name") as caught:
            exp.segments["twice"]
        assert "0, 1, 2" in str(caught.value.hint)
        assert exp.segments[1:2]["twice"].index == 1


def test_nearest_names_are_told(tmp_path: Path) -> None:
    with archive.open(fi(tmp_path / "fi.nix")) as exp:
        seg = exp.segments[0]
        with pytest.raises(archive.NotFound) as caught:
            seg.signals["cell/u"]
        assert "cell/v" in str(caught.value.hint)
        assert seg.signals["v"].name == "cell/v"
        assert "v" in seg.signals
        assert "u" not in seg.signals
        with pytest.raises(archive.QueryError) as refused:
            exp.segments.where("amplitud > 0 nA")
        assert "amplitude" in str(refused.value)
        with pytest.raises(archive.QueryError):
            exp.segments.where("amplitude > 0 mV")


def test_everything_has_a_repr_that_reads_no_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "exp.nix"
    with archive.open(path, "x", description="<b>") as exp:
        run = exp.run("<i>run", annotations={"text": "<script>alert(1)</script>"})
        run.put([segment(0, name="<u>")])
        run.append({"big": np.zeros((50_000, 20)) * pq.mV}, sampling_period=STEP)
        for _ in range(12):
            run.append(annotations={"<key>": ["<a>"], "x": np.zeros((3, 4)) * pq.mV})
    sizes: list[int] = []
    read = Growing._read

    def counting(self: Growing, *where: Any) -> Any:
        values = read(self, *where)
        sizes.append(values.nbytes)
        return values

    monkeypatch.setattr(Growing, "_read", counting)
    with archive.open(path) as exp:
        seg = exp.segments[0]
        mappings = (seg.signals, seg.spikes, seg.events, seg.epochs, seg.images)
        things: list[Any] = [exp, exp.runs, exp.segments, exp.runs[0], seg, exp.segments[1]]
        things += [*mappings, *(part for mapping in mappings for part in mapping.values())]
        assert len(things) == 17
        for thing in things:
            assert repr(thing)
            html = thing._repr_html_()
            assert html.startswith("<table>")
            for tag in ("<script", "<i>", "<u>", "<b>", "<a>", "<key>"):
                assert tag not in html
        assert "&lt;script&gt;" in exp.runs._repr_html_()
        assert "50000 x 20" in repr(exp.segments[1])
        assert "mV" in repr(exp.segments[1])
        assert "and 4 more" in repr(exp.segments)
        assert "array 3 x 4 mV" in repr(exp.segments[2])
    assert max(sizes) < 20_000


# -- several sessions --------------------------------------------------------------------------


def test_sessions_append_to_the_same_streams(tmp_path: Path) -> None:
    path = tmp_path / "exp.nix"
    for session in range(3):
        with archive.open(path, "a") as exp, exp.run(f"session {session}") as run:
            run.put([segment(seed) for seed in range(3)])
            run.append({"only/here": numbers(session, 5, 1) * pq.mV}, sampling_period=STEP)
    with archive.open(path) as exp:
        assert len(exp._container.streams) == 7
        assert [seg.run.index for seg in exp.segments] == [n for n in range(3) for _ in range(4)]
        assert [seg.name for seg in exp.segments[4:8]] == [f"segment{n:03d}" for n in range(4)]
        for number, seg in enumerate(exp.segments):
            if number % 4 == 3:
                expected = numbers(number // 4, 5, 1)
                assert np.array_equal(seg.signals["only/here"].magnitude, expected)
                continue
            parts = list(seg.to_entry().parts)
            wanted = rich_archive.parts(number % 4)
            assert all(map(rich_archive.same, wanted, parts))
        assert exp.segments.where("seed == 1").rows.tolist() == [1, 5, 9]
        assert exp.segments.where("label like 's*'").rows.tolist() == [0, 1, 2, 4, 5, 6, 8, 9, 10]


def test_transaction_groups_appends(tmp_path: Path) -> None:
    with archive.open(tmp_path / "exp.nix", "x") as exp:
        run = exp.run("a")

        def fail() -> None:
            with exp.transaction():
                run.append()
                exp.run("b")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        with exp.transaction():
            run.append(annotations={"n": 1})
            run.append(annotations={"n": 2})
        assert [r.name for r in exp.runs] == ["a"]
        assert exp.segments.where("n > 0").rows.tolist() == [0, 1]


def test_entry_of_the_experiment_has_it_all(tmp_path: Path) -> None:
    path = rich_archive.write(tmp_path / "exp.nix", segments=2)
    with archive.open(path) as exp:
        top = exp.entry()
        assert isinstance(top.model, schemas.Experiment)
        (run,) = top.parts
        kinds = [part.model.kind for part in run.parts]
        assert kinds[0] == "parameter-set"
        assert kinds.count("segment") == 2
        (alone,) = exp.segments[1:].entry().parts
        assert [part.model.kind for part in alone.parts].count("segment") == 1
