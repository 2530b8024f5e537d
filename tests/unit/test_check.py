"""Damage of many sorts, each of which must be found; and sound archives, where nothing may be."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import neo
import numpy as np
import pytest
import quantities as pq

import archive
from archive.container import Container
from archive.container.check import check
from archive.container.check_report import Report
from tests.integrity.flipping import without_nixio

Block = Any  # a group of h5py
Damage = Callable[[Block], None]


def make(path: Path) -> Path:
    """Two runs of three segments: signals, spikes, events, and annotations of every sort."""
    rng = np.random.default_rng(1)
    with archive.open(path, mode="x") as exp:
        for number in range(2):
            facts = {"dose": float(number), "who": f"person {number}", "list": [1, None]}
            with exp.run(f"run {number}", parameters={"tau": 10 * pq.ms}, annotations=facts) as run:
                for step in range(3):
                    events = neo.Segment()
                    events.events.append(
                        neo.Event(times=[1.0, 2.0] * pq.ms, labels=["on", "off"], name="light")
                    )
                    run.append(
                        {
                            "cell/v": rng.normal(size=(100, 2)) * pq.mV,
                            "cell/spikes": (np.array([1.0, 2.0, 3.0]) * pq.ms, [0, 0, 2]),
                        },
                        events,
                        sampling_period=0.1 * pq.ms,
                        annotations={
                            "amplitude": step * pq.nA,
                            "step": step,
                            "even": step % 2 == 0,
                            "none": None,
                            "nan": float("nan"),
                            "big": np.arange(500.0) + step,
                        },
                    )
                run.segments[0].annotate(amplitude=7 * pq.nA, note="late", remove=["even"])
    return path


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("sound") / "sound.nix")


def report_on(path: Path) -> Report:
    container = Container(path, writable=False)
    try:
        return check(container)
    finally:
        container.close()


def damaged(sound: Path, tmp_path: Path, damage: Damage) -> Report:
    path = tmp_path / "damaged.nix"
    shutil.copy(sound, path)
    with h5py.File(path, "r+") as file:
        (block,) = file["data"].values()
        damage(block)
    return report_on(path)


def test_a_sound_archive(sound: Path) -> None:
    report = report_on(sound)
    assert report.findings == ()
    assert report.is_valid()
    assert (report.runs, report.segments) == (2, 6)


def test_every_segment_is_told(sound: Path) -> None:
    container = Container(sound, writable=False)
    told: list[int] = []
    try:
        check(container, lambda: told.append(1))
    finally:
        container.close()
    assert len(told) == 6


def test_an_archive_in_use(tmp_path: Path) -> None:
    """Rows that wait for their column are no fault, and nothing is written or left open."""
    path = tmp_path / "used.nix"
    with archive.open(path, mode="x") as exp, exp.run() as run:
        run.append({"v": np.zeros((10, 1))}, sampling_period=1 * pq.ms, annotations={"a": "x"})
        assert check(exp._container).findings == ()
        run.append({"v": np.ones((10, 1))}, sampling_period=1 * pq.ms, annotations={"a": "y"})
        assert check(exp._container).findings == ()
        assert exp.segments.where("a == 'y'")[0].signals["v"].magnitude.all()
    assert report_on(path).findings == ()


def test_an_empty_archive(tmp_path: Path) -> None:
    archive.open(tmp_path / "empty.nix", mode="x").close()
    assert report_on(tmp_path / "empty.nix") == Report((), 0, 0)


def cell(table: str, row: int, field: str, value: Any) -> Damage:
    def damage(block: Block) -> None:
        data = block["data_frames"][table]["data"]
        found = data[row]
        found[field] = value
        data[row] = found

    return damage


def item(array: str, at: Any, value: Any) -> Damage:
    def damage(block: Block) -> None:
        block["data_arrays"][array]["data"][at] = value

    return damage


def lost(kind: str, name: str) -> Damage:
    def damage(block: Block) -> None:
        del block[kind][name]

    return damage


def shortened(array: str) -> Damage:
    def damage(block: Block) -> None:
        data = block["data_arrays"][array]["data"]
        data.resize(len(data) // 2, axis=0)

    return damage


def scribbled(table: str, row: int) -> Damage:
    """Another byte at the start of a document."""

    def damage(block: Block) -> None:
        at = int(block["data_frames"][table]["data"][row]["record"])
        block["data_arrays"]["records"]["data"][at] = ord("x")

    return damage


def renamed_key(block: Block) -> None:
    """A document that JSON can read, and the contract cannot."""
    records = block["data_arrays"]["records"]["data"]
    place = block["data_frames"]["runs"]["data"][1]
    start, stop = int(place["record"]), int(place["record"] + place["length"])
    text = records[start:stop].tobytes()
    assert b'"started"' in text
    records[start:stop] = np.frombuffer(text.replace(b'"started"', b'"strated"'), np.uint8)


def without_dimensions(block: Block) -> None:
    del block["data_arrays"]["cell.v"]["dimensions"]["1"]


def without_type(block: Block) -> None:
    del block["data_arrays"]["cell.v"].attrs["type"]


# Each: what is damaged, and the words with which name and text of a finding must answer.
SORTS: dict[str, tuple[Damage, str, str]] = {
    "nix dimension": (without_dimensions, "DataArray cell.v", "dimension"),
    "nix type": (without_type, "DataArray cell.v", "type"),
    "experiment document": (scribbled("experiment", 0), "experiment", "cannot be read"),
    "run document": (scribbled("runs", 1), "run 1", "cannot be read"),
    "run document, valid JSON": (renamed_key, "run 1", "strated"),
    "segment document": (scribbled("segments", 4), "segment 4", "cannot be read"),
    "parameter set": (scribbled("parameter sets", 0), "parameter set 0", "cannot be read"),
    "provenance": (scribbled("provenance", 0), "provenance record 0", "cannot be read"),
    "streams": (scribbled("streams", 1), "segment", "cannot be read"),
    "columns": (scribbled("columns", 0), "index of", "cannot be read"),
    "changes": (cell("segments", 0, "change", 1), "segment 0", "cannot be read"),
    "blobs": (shortened("blobs"), "segment 5", "rows"),
    "records": (shortened("records"), "segment 5", ""),
    "digest": (cell("parameter sets", 0, "digest", b"0" * 64), "parameter set 0", "digest"),
    "outcome": (cell("runs", 0, "outcome", 9), "run 0", "outcome is 9"),
    "parameters": (cell("runs", 0, "parameters", 3), "run 0", "parameter set 3 of 1"),
    "no parameters": (cell("runs", 0, "parameters", -1), "run 0", "not that of its document"),
    "started": (cell("runs", 0, "started", 5), "run 0", "another time"),
    "recorded": (cell("segments", 0, "recorded", 5), "segment 0", "another time"),
    "run of segment": (cell("segments", 3, "run", 2), "segment 3", "run 2 of 2"),
    "stretches of segment": (
        cell("segments", 3, "stretches", 2),
        "segment 3",
        "2 stretches",
    ),
    "first stretch": (cell("segments", 3, "stretch", 0), "segment 3", "not where they must be"),
    "owner of stretch": (cell("stretches", 4, "segment", 5), "segment 1", "another segment"),
    "stream of stretch": (cell("stretches", 4, "stream", 9), "segment 1, part 1", "stream 9 of 3"),
    "stretch too long": (cell("stretches", 15, "count", 999), "segment 5, part 0", "within 600"),
    "stretch before": (cell("stretches", 0, "start", -1), "segment 0, part 0", "within 600"),
    "stretches overlap": (cell("stretches", 3, "start", 50), "segment 1", "segment 0"),
    "active too long": (cell("stretches", 16, "active_count", 9), "segment 5, part 1", "within"),
    "ends": (item("cell.spikes.ends", 1, 1), "segment 0, part 1 (cell)", "trains end"),
    "neurons": (item("cell.spikes.neurons", 1, 3), "segment 0, part 1 (cell)", "of 3 trains"),
    "neurons unsorted": (
        item("cell.spikes.neurons", slice(0, 2), [2, 0]),
        "segment 0, part 1",
        "sorted",
    ),
    "spike times": (item("cell.spikes.times", 0, np.nan), "segment 0, part 1", "NaN"),
    "spike order": (item("cell.spikes.times", 0, 2.5), "segment 0, part 1", "sorted"),
    "label": (item("light.labels", 0, 1 << 40), "segment 0, part 2", ""),
    "stream lost": (lost("data_arrays", "cell.v"), "segment 0, part 0", "lacks a part"),
    "table lost": (lost("data_frames", "stretches"), "stretches", "lacks a part"),
    "float column": (item("segment.amplitude [nA]", 4, 5.0), "segment index: amplitude", "row 4"),
    "int column": (item("segment.step [int]", 4, 5), "segment index: step", "row 4"),
    "bool column": (item("segment.even [bool]", 4, 1), "segment index: even", "row 4"),
    "absent value": (item("segment.even [bool]", 0, 1), "segment index: even", "document has not"),
    "lost value": (item("segment.step [int]", 2, -(2**63)), "segment index: step", "index has not"),
    "NaN": (item("segment.nan", 4, 1.0), "segment index: nan", "row 4"),
    "text column": (item("run.who [text]", 1, 0), "run index: who", "row 1"),
    "name column": (item("run.name [text]", 1, 0), "run index: name", "row 1"),
    "other column": (item("segment.big [other]", 2, -1), "segment index: big", "row 2"),
    "parameter column": (item("parameters.tau [ms]", 0, 1.0), "parameters index: tau", "row 0"),
    "column lost": (lost("data_arrays", "segment.step [int]"), "index of segment", "lacks a part"),
    "tags": (item("cell.v.segments.positions", (2, 0), 0.5), "cell.v.segments.positions", "mark"),
    "tag extents": (item("cell.v.segments.extents", (2, 0), 3), "cell.v.segments.extents", "mark"),
}


@pytest.mark.damaged
@pytest.mark.parametrize("sort", SORTS)
def test_damage_is_found(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    damage, name, what = SORTS[sort]
    if not sort.startswith("nix"):
        without_nixio(monkeypatch)  # it is for us to find
    report = damaged(sound, tmp_path, damage)
    assert not report.is_valid()
    assert any(name in f.name and what in f.what for f in report.findings), report.findings
    assert all(f.name and f.what and f.hint for f in report.findings)


@pytest.mark.damaged
def test_damage_in_one_place_is_said_of_that_place_only(sound: Path, tmp_path: Path) -> None:
    report = damaged(sound, tmp_path, item("cell.spikes.times", 0, np.nan))
    assert {f.name for f in report.findings} == {"segment 0, part 1 (cell)"}
    assert report.segments == 6
