"""Whatever comes in: it is kept as it is, or a clear error is raised and nothing has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import neo
import numpy as np
import numpy.typing as npt
import pytest
import quantities as pq

import archive
import schemas
from archive import ArchiveError, ContractError, Entry, FormatError
from tests.conftest import nix_errors
from tests.unit.rich_archive import now, numbers, segment

STEP = 0.1 * pq.ms
MOMENT = datetime(2024, 5, 1, tzinfo=UTC)
TEXT_10_MB = "\0" + "äxyz\n" * (10 << 18)
OBJECTS = np.array([1, "x"], dtype=object)
MASKED: Any = np.ma.array(np.arange(4.0), mask=[False, True, False, False])  # type: ignore[no-untyped-call]  # NumPy says no types


@contextmanager
def made(path: Path) -> Iterator[archive.Experiment]:
    with archive.open(path, "x", durability="close") as opened:
        opened.run("first", annotations={"a": 1}).put([segment(0)])
        yield opened


@pytest.fixture
def experiment(tmp_path: Path) -> Iterator[archive.Experiment]:
    with made(tmp_path / "exp.nix") as opened:
        yield opened


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[archive.Experiment]:
    """One archive for all that is refused: whoever uses it looks before and after."""
    path = tmp_path_factory.mktemp("unchanged") / "exp.nix"
    with made(path) as opened:
        yield opened
    assert nix_errors(path) == []


@pytest.fixture
def run(experiment: archive.Experiment) -> archive.Run:
    return experiment.runs["first"]


def signal(values: Any, **fields: Any) -> Entry:
    """A segment with one signal that says nothing wrong of itself."""
    model = schemas.Signal(variable="v", unit="mV", sampling_period=1.0)
    return Entry(schemas.Segment(), parts=[Entry(model, {"values": values, **fields})])


def part(kind: type[schemas.Part], arrays: Mapping[str, Any], **fields: Any) -> Entry:
    return Entry(schemas.Segment(), parts=[Entry(kind(variable="x", **fields), arrays)])


def spikes(times: Any, neuron: Any, **arrays: Any) -> Entry:
    arrays = {"times": np.array(times), "neuron": np.array(neuron), **arrays}
    return part(schemas.SpikeTrains, arrays, size=3, t_stop=10.0)


# -- entries that break the contract -----------------------------------------------------------

T = np.arange(3.0)
NAN = np.array([0.0, np.nan, 2.0])
BROKEN: dict[str, tuple[Entry, str]] = {
    "no values": (part(schemas.ImageSequence, {}, unit="mV", sampling_period=1.0), "missing"),
    "1-D signal": (signal(T), "2 axes"),
    "3-D signal": (signal(np.zeros((2, 2, 2))), "2 axes"),
    "channels": (signal(np.zeros((4, 2)), channels=np.arange(3)), "channels must be 2"),
    "float channels": (signal(np.zeros((4, 2)), channels=np.zeros(2)), "channels must be 2"),
    "text": (signal(np.array([["a"]])), "dtype"),
    "objects": (signal(OBJECTS[None]), "dtype"),
    "NaN times": (
        part(schemas.IrregularSignal, {"times": NAN, "values": T[:, None]}, unit="mV"),
        "1 of 3 times are NaN",
    ),
    "fewer times": (
        part(schemas.IrregularSignal, {"times": T, "values": np.zeros((2, 1))}, unit="mV"),
        "3 times but 2 rows",
    ),
    "decreasing": (
        part(schemas.IrregularSignal, {"times": -T, "values": T[:, None]}, unit="mV"),
        "times decrease",
    ),
    "unsorted spikes": (spikes([2.0, 1.0], [0, 0]), "sorted"),
    "unsorted trains": (spikes([1.0, 2.0], [1, 0]), "sorted"),
    "NaN spikes": (spikes([np.nan, 2.0], [0, 0]), "NaN"),
    "infinite spikes": (spikes([1.0, np.inf], [0, 0]), "infinite"),
    "integer spikes": (spikes([1, 2], [0, 0]), "floating point"),
    "no such train": (spikes([1.0], [3]), "train 3 or 3 of 3"),
    "negative train": (spikes([1.0], [-1]), "train -1"),
    "fewer trains": (spikes([1.0, 2.0], [0]), "neuron must be 2"),
    "float trains": (spikes([1.0], [0.0]), "neuron must be 1"),
    "fewer waveforms": (
        spikes([1.0, 2.0], [0, 0], waveforms=np.zeros((1, 1, 4))),
        "2 spikes but 1 waveforms",
    ),
    "fewer labels": (part(schemas.Event, {"times": T, "labels": np.array(["a"])}), "1 labels"),
    "NaN events": (part(schemas.Event, {"times": NAN, "labels": np.array([*"abc"])}), "NaN"),
    "fewer durations": (
        part(schemas.Epoch, {"times": T, "durations": T[:2], "labels": np.array([*"abc"])}),
        "2 durations",
    ),
    "NaN durations": (
        part(schemas.Epoch, {"times": T, "durations": NAN, "labels": np.array([*"abc"])}),
        "NaN",
    ),
    "2-D images": (
        part(schemas.ImageSequence, {"values": T[None]}, unit="mV", sampling_period=1.0),
        "3 axes",
    ),
    "not a part": (Entry(schemas.Segment(), parts=[Entry(schemas.Segment())]), "not a part"),
    "not a segment": (Entry(schemas.ParameterSet(values={})), "not a segment"),
}


@pytest.mark.parametrize(("entry", "says"), BROKEN.values(), ids=BROKEN)
def test_entry_that_breaks_the_contract(
    unchanged: archive.Experiment, entry: Entry, says: str
) -> None:
    run, content = unchanged.runs["first"], now(unchanged)
    names = [seg.name for seg in run.segments]
    good = Entry(schemas.Segment(), parts=[*segment(1).parts, *entry.parts])
    for wrong in (entry, good if entry.parts else entry):  # alone, and behind good parts
        with pytest.raises(ContractError, match=says):
            run.put([segment(2), wrong])
        assert now(unchanged) == content
    run.put([segment(1)])
    assert [seg.name for seg in run.segments] == [*names, f"segment{len(names):03}"]


# -- what users give ---------------------------------------------------------------------------

V = np.zeros((5, 2)) * pq.mV
APPENDED: dict[str, tuple[dict[str, Any], dict[str, Any], type[ArchiveError], str]] = {
    "no period": ({"v": V}, {"sampling_period": None}, ContractError, "sampling_period"),
    "zero period": ({"v": V}, {"sampling_period": 0 * pq.ms}, ContractError, "0.0 s"),
    "negative period": ({"v": V}, {"sampling_period": -1 * pq.ms}, ContractError, "-0.001 s"),
    "NaN period": ({"v": V}, {"sampling_period": np.nan * pq.ms}, ContractError, "nan s"),
    "infinite period": ({"v": V}, {"sampling_period": np.inf * pq.ms}, ContractError, "inf s"),
    "absurd period": ({"v": V}, {"sampling_period": 100 * pq.day}, ContractError, "e.6|8640000"),
    "tiny period": ({"v": V}, {"sampling_period": 1e-9 * pq.ns}, ContractError, "e-18"),
    "period in mV": ({"v": V}, {"sampling_period": 1 * pq.mV}, ContractError, "no time"),
    "period without unit": ({"v": V}, {"sampling_period": 0.1}, ContractError, "no time"),
    "3 axes": ({"v": np.zeros((2, 2, 2))}, {}, ContractError, "shape"),
    "no axis": ({"v": 1 * pq.mV}, {}, ContractError, "shape"),
    "masked": ({"v": MASKED}, {}, FormatError, "mask"),
    "objects": ({"v": OBJECTS}, {}, FormatError, "object"),
    "text": ({"v": np.array(["a"])}, {}, FormatError, "<U1"),
    "spikes without unit": ({"spikes": {0: [1.0]}}, {}, ContractError, "unit of time"),
    "spikes in mV": ({"spikes": {0: [1.0] * pq.mV}}, {}, ContractError, "mV"),
    "NaN spike": ({"spikes": {0: [1.0, np.nan] * pq.ms}}, {}, ContractError, "nan"),
    "lengths": ({"spikes": ([1.0] * pq.ms, np.array([0, 1]))}, {}, ContractError, "1 times"),
    "negative neuron": ({"spikes": ([1.0] * pq.ms, np.array([-1]))}, {}, ContractError, "-1"),
    "one of many": ({"v": V, "w": OBJECTS, "x": V}, {}, FormatError, "object"),
    "slash": ({"a/b/c": V}, {}, ContractError, "'/'"),
    "empty name": ({"": V}, {}, ContractError, "empty"),
    "NUL": ({"a\0b": V}, {}, ContractError, r"x00"),
    "newline": ({"a/b\n": V}, {}, ContractError, r"\\n"),
    "256 characters": ({"x" * 256: V}, {}, ContractError, "256"),
    "annotation object": ({}, {"annotations": {"x": object()}}, ContractError, "object"),
    "annotation objects": ({}, {"annotations": {"x": OBJECTS}}, ContractError, "objects"),
    "annotation masked": ({}, {"annotations": {"x": MASKED}}, ContractError, "mask"),
    "annotation set": ({}, {"annotations": {"x": {1}}}, ContractError, "set"),
    "annotation slash": ({}, {"annotations": {"a/b": 1}}, ContractError, "'/'"),
    "annotation newline": ({}, {"annotations": {"a\nb": 1}}, ContractError, r"\\n"),
    "annotation NUL": ({}, {"annotations": {"a\0": 1}}, ContractError, "x00"),
    "annotation name": ({}, {"annotations": {"x" * 256: 1}}, ContractError, "256"),
    "annotation empty": ({}, {"annotations": {"": 1}}, ContractError, "empty"),
    "surrogate": ({}, {"annotations": {"x": "\ud800"}}, ContractError, "surrogate"),
    "segment name": ({}, {"name": "a/b"}, ContractError, "'/'"),
    "segment newline": ({}, {"name": "a\nb"}, ContractError, r"\\n"),
}


@pytest.mark.parametrize(("named", "options", "error", "says"), APPENDED.values(), ids=APPENDED)
def test_append_refused(
    unchanged: archive.Experiment,
    named: dict[str, Any],
    options: dict[str, Any],
    error: type[ArchiveError],
    says: str,
) -> None:
    run, content = unchanged.runs["first"], now(unchanged)
    with pytest.raises(error, match=says) as caught:
        run.append(named, **{"sampling_period": STEP} | options)
    assert caught.value.entry is not None
    assert now(unchanged) == content
    assert run.segments[0].annotations["seed"] == 0


@pytest.mark.parametrize("thing", [3, "text", None, [1.0, 2.0], np.zeros(3), object()])
def test_append_of_what_is_no_recording(unchanged: archive.Experiment, thing: object) -> None:
    run, content = unchanged.runs["first"], now(unchanged)
    with pytest.raises(FormatError, match="cannot become a segment") as caught:
        run.append(thing)
    assert "neo.Segment" in str(caught.value.hint)
    assert now(unchanged) == content


NAMES = {"a/b": "'/'", "a\0b": "x00", "a\nb": r"\\n", "": "empty", "x" * 256: "256", "\ud800": "U"}


@pytest.mark.parametrize(("name", "says"), NAMES.items(), ids=map(ascii, NAMES))
def test_names_that_cannot_be(unchanged: archive.Experiment, name: str, says: str) -> None:
    content = now(unchanged)
    run, seg = unchanged.runs[0], unchanged.segments[0]
    attempts: list[Callable[[], Any]] = [
        lambda: unchanged.run(name),
        lambda: unchanged.run("new", annotations={name: 1}),
        lambda: unchanged.run("new", parameters={name: 1}),
        lambda: run.annotate({name: 1}),
        lambda: seg.annotate({name: 1}),
        lambda: unchanged.annotate({name: 1}),
    ]
    for attempt in attempts:
        with pytest.raises(ContractError, match=says) as caught:
            attempt()
        assert caught.value.entry
    assert now(unchanged) == content
    assert len(unchanged.runs) == 1


def test_experiment_name_that_cannot_be(tmp_path: Path) -> None:
    for name in ("a/b", "a\nb", ".", "..", "x" * 256):
        with pytest.raises(ContractError):
            archive.open(tmp_path / "new.nix", "x", name=name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [object(), {1}, OBJECTS, MASKED, {1: 2}, "\ud800"])
def test_values_that_cannot_be(unchanged: archive.Experiment, value: Any) -> None:
    content = now(unchanged)
    run = unchanged.runs[0]
    attempts: list[Callable[[], Any]] = [
        lambda: run.annotate(x=value),
        lambda: unchanged.annotate(x=value),
        lambda: unchanged.run("new", parameters={"p": {"x": value}}),
        lambda: unchanged.run("new", annotations={"x": [value]}),
    ]
    for attempt in attempts:
        with pytest.raises(ContractError, match="x") as caught:
            attempt()
        assert caught.value.entry
    assert now(unchanged) == content


def test_run_name_that_is_taken(unchanged: archive.Experiment) -> None:
    content = now(unchanged)
    with pytest.raises(archive.AlreadyExists, match="'first' already"):
        unchanged.run("first")
    assert now(unchanged) == content


# -- what is unusual, and kept -----------------------------------------------------------------

DTYPES = [
    "?",
    "i1",
    "i2",
    "i4",
    "i8",
    "u1",
    "u2",
    "u4",
    "u8",
    "f2",
    "f4",
    "f8",
    "c8",
    "c16",
    ">f8",
    ">i2",
    ">c16",
    ">f4",
]


@pytest.mark.parametrize("rows", [7, 20_000])
def test_dtypes_are_kept(run: archive.Run, rows: int) -> None:
    for dtype in DTYPES:
        values: npt.NDArray[Any] = (numbers(3, rows, 3) * 100).astype(dtype)
        run.put([signal(values), signal(values[::-1].copy(order="F")), signal(values[::2])])
        run.append({"v": values[:, 0]}, sampling_period=STEP)
        back = [seg.signals["v"].magnitude for seg in run.segments[-4:]]
        wanted = (values, values[::-1], values[::2], values[:, :1])
        for got, given in zip(back, wanted, strict=True):
            assert got.dtype == np.dtype(dtype).newbyteorder("<")
            assert np.array_equal(got, given), dtype


def test_dtypes_of_times_are_kept(run: archive.Run) -> None:
    for dtype in ("f4", "f8", ">f8"):
        times = (np.arange(5) / 3).astype(dtype)
        run.put([spikes(times, [0, 0, 1, 1, 2])])
        back = run.segments[-1].spikes["x"].times.magnitude
        assert back.dtype == np.dtype(dtype).newbyteorder("<")
        assert np.array_equal(back, times)


def test_unsorted_spikes_are_sorted_and_said(run: archive.Run) -> None:
    with pytest.warns(archive.ArchiveWarning, match=r"c/spikes: .*sorted"):
        run.append({"c/spikes": {4: [3.0, 1.0, 2.0] * pq.ms, 2: [5.0] * pq.ms}})
    found = run.segments[1].spikes["c"]
    assert found.train(1).tolist() == [1.0, 2.0, 3.0]
    assert found.channels.tolist() == [2, 4]
    train = neo.SpikeTrain([3.0, 1.0] * pq.ms, t_stop=4.0)
    made = neo.Segment()
    made.spiketrains.append(train)
    with pytest.warns(archive.ArchiveWarning, match="sorted"):
        run.append(made)
    (last,) = run.segments[2].spikes.values()
    assert last.train(0).tolist() == [1.0, 3.0]


def test_nothing_in_it(run: archive.Run) -> None:
    empty: dict[str, Any] = {
        "no samples": np.zeros((0, 3)) * pq.mV,
        "no channels": np.zeros((4, 0)) * pq.mV,
        "nothing": np.zeros((0, 0)) * pq.mV,
        "a/spikes": {0: [] * pq.ms, 1: [] * pq.ms},
        "b/spikes": {},
        "c/spikes": ([] * pq.ms, np.array([], int)),
    }
    run.append(empty, sampling_period=STEP)
    run.append({})
    run.append()
    run.append(neo.Segment())
    events = {"times": np.zeros(0), "labels": np.array([], object)}
    run.put([part(schemas.Event, events), part(schemas.Epoch, {**events, "durations": T[:0]})])
    run.append(empty, sampling_period=STEP)
    for number in (1, 7):
        seg = run.segments[number]
        shapes = {name: each.shape for name, each in seg.signals.items()}
        assert shapes == {"no samples": (0, 3), "no channels": (4, 0), "nothing": (0, 0)}
        assert seg.signals["no samples"][:5].shape == (0, 3)
        assert {name: (each.n, len(each)) for name, each in seg.spikes.items()} == {
            "a": (2, 0), "b": (0, 0), "c": (0, 0),
        }  # fmt: skip
        assert seg.spikes["a"].counts().tolist() == [0, 0]
        assert seg.spikes["a"].train(1).tolist() == []
        assert len(seg.to_neo().analogsignals) == 3
    for number in (2, 3, 4):
        seg = run.segments[number]
        assert list(seg.to_entry().parts) == []
        assert np.isnan(seg.t_start)
        assert len(seg.to_neo().analogsignals) == 0
        assert repr(seg)
    assert run.segments[5].events["x"].labels == []
    assert run.segments[6].epochs["x"].durations.tolist() == []


def test_long_text(tmp_path: Path) -> None:
    path = tmp_path / "exp.nix"
    with archive.open(path, "x") as exp:
        run = exp.run("a", parameters={"code": TEXT_10_MB})
        run.append(annotations={"log": TEXT_10_MB})
        run.annotate(late=TEXT_10_MB)
    with archive.open(path) as exp:
        run = exp.runs[0]
        assert run.annotations == {"late": TEXT_10_MB}
        assert run.parameters == {"code": TEXT_10_MB}
        assert exp.segments[0].annotations == {"log": TEXT_10_MB}
        assert exp.segments.where("log != 'short'").rows.tolist() == [0]
        assert exp.runs.where("late == 'short'").rows.tolist() == []
        assert len(repr(exp.runs)) < 1000
        assert len(exp.segments[0]._repr_html_()) < 1000
