"""What `check(deep=True)` finds beyond the plain check, each sort of damage by its name."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import quantities as pq

import archive
from archive.container import Container, check, check_deep
from archive.container.check_deep import check_deeply
from archive.container.check_report import Finding, Report
from archive.container.isolation import Watch
from archive.errors import CorruptArchive
from tests.integrity.flipping import NO_WATCH, without_nixio
from tests.integrity.whole_archive import make
from tests.unit.cli_archive import run, run_json

Damage = Callable[[Any], None]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("sound") / "sound.nix")


def damaged(sound: Path, folder: Path, damage: Damage) -> Path:
    path = folder / f"damaged {len(list(folder.iterdir()))}.nix"
    shutil.copy(sound, path)
    with h5py.File(path, "r+") as file:
        (block,) = file["data"].values()
        damage(block)
    return path


def findings(path: Path, watch: Watch = NO_WATCH) -> list[Finding]:
    found = check_deep._examine({"path": str(path)}, watch)["findings"]
    return [Finding(**one) for one in found]


def item(array: str, at: Any) -> Damage:
    """Another lowest bit in one value."""

    def damage(block: Any) -> None:
        data = block["data_arrays"][array]["data"]
        raw = np.array([data[at]])
        raw.view(np.uint8).flat[0] ^= 1
        data[at] = raw[0]

    return damage


def cell(table: str, row: int, field: str, change: Callable[[Any], Any]) -> Damage:
    def damage(block: Any) -> None:
        data = block["data_frames"][table]["data"]
        found = data[row]
        found[field] = change(found[field])
        data[row] = found

    return damage


def text(table: str, row: int, old: bytes, new: bytes) -> Damage:
    """Other words in a document, which can be read all the same."""

    def damage(block: Any) -> None:
        place = block["data_frames"][table]["data"][row]
        start, stop = int(place["record"]), int(place["record"] + place["length"])
        records = block["data_arrays"]["records"]["data"]
        said = records[start:stop].tobytes()
        assert old in said
        records[start:stop] = np.frombuffer(said.replace(old, new), np.uint8)

    return damage


def swapped(block: Any) -> None:
    """Two runs with each other's rows: every document is sound by itself."""
    data = block["data_frames"]["runs"]["data"]
    data[:2] = data[:2][::-1]


def without_change(block: Any) -> None:
    """The newest change of an experiment is forgotten."""
    data = block["data_frames"]["experiment"]["data"]
    found = data[0]
    found["change"] = found["change_length"] = 0
    data[0] = found


def attribute(name: str, key: str, value: Any, dimension: str = "") -> Damage:
    def damage(block: Any) -> None:
        holder = block["data_arrays"][name]
        (holder["dimensions"][dimension] if dimension else holder).attrs[key] = value

    return damage


def blob(block: Any) -> None:
    data = block["data_arrays"]["blobs"]["data"]
    data[len(data) // 2] ^= 1


def shortened_chunks(block: Any) -> None:
    """Rows that were never written."""
    data = block["data_arrays"]["cell.v"]["data"]
    data.resize(1 << 40, axis=0)


def digest(block: Any) -> None:
    """The digest of a line itself."""
    place = block["data_frames"]["runs"]["data"][1]
    at = int(place["record"] + place["length"]) + 5
    block["data_arrays"]["records"]["data"][at] ^= 1


ARRAYS, ROW = "arrays are not what was written", "is not what was written"
# Each: what is damaged, and the words with which name and text of a finding must answer.
SORTS: dict[str, tuple[Damage, str, str]] = {
    "signal": (item("cells.v", (30, 1)), "segment 2, part 0 (cells/v)", ARRAYS),
    "irregular values": (item("w.values", (0, 0)), "segment 0, part 1 (w)", ARRAYS),
    "irregular times": (item("w.times", 0), "segment 0, part 1 (w)", ARRAYS),
    "spike times": (item("cells.spikes.times", 7), "segment 2, part 2 (cells)", ARRAYS),
    "waveforms": (item("cells.spikes.waveforms", (0, 0, 0)), "segment 0, part 2", ARRAYS),
    "trains": (item("cells.spikes.neurons", 0), "segment 0, part 2 (cells)", ARRAYS),
    "event times": (item("trigger.times", 0), "segment 0, part 3 (trigger)", ARRAYS),
    "durations": (item("cells.stimulus.durations", 0), "segment 0, part 4", ARRAYS),
    "images": (item("film.values", (0, 1, 1)), "segment 0, part 5 (film)", ARRAYS),
    "labels": (item("texts", 0), "segment 0", ARRAYS),
    "blobs": (blob, "", "of the blobs is not what was written"),
    "experiment": (text("experiment", 0, b"Other", b"other"), "experiment", ROW),
    "run": (text("runs", 1, b"second", b"Second"), "run 1", ROW),
    "segment": (text("segments", 4, b"seed", b"need"), "segment 4", ROW),
    "stream": (text("streams", 0, b'"cells"', b'"bells"'), "stream 0", ROW),
    "column": (text("columns", 1, b'"scope"', b'"scape"'), "column 1", ROW),
    "parameters": (text("parameter sets", 0, b"10.0", b"10.1"), "parameter set 0", ROW),
    "provenance": (text("provenance", 0, b'"argv"', b'"ARGV"'), "provenance record 0", ROW),
    "environment": (text("provenance", 1, b"CPython", b"Cpython"), "provenance record 1", ROW),
    "line digest": (digest, "run 1", ROW),
    "run of a segment": (cell("segments", 3, "run", lambda at: at ^ 1), "segment 3", ROW),
    "time of a segment": (cell("segments", 3, "t_stop", lambda t: t + 1), "segment 3", ROW),
    "time of a stretch": (cell("stretches", 0, "t_start", lambda t: t + 1), "segment 0", ROW),
    "digest of a stretch": (cell("stretches", 0, "digest", lambda _: b"0" * 32), "segment 0", ROW),
    "outcome": (cell("runs", 0, "outcome", lambda _: 2), "run 0", "ended otherwise"),
    "end": (cell("runs", 0, "ended", lambda at: at + 1), "run 0", "ended otherwise"),
    "still running": (cell("runs", 0, "outcome", lambda _: 0), "run 0", "ended otherwise"),
    "order of runs": (swapped, "run 1", "stands before that of run 0"),
    "change forgotten": (without_change, "records", "nothing leads to the document"),
    "change counted twice": (
        lambda block: cell(
            "segments",
            2,
            "change",
            lambda _: block["data_frames"]["experiment"]["data"][0]["change"],
        )(block),
        "segment 2",
        "document is also that of experiment",
    ),
    "unit": (attribute("cells.v", "unit", "nA"), "cells.v", "unit is 'nA', and should be 'mV'"),
    "label": (attribute("cells.v", "label", "w"), "cells.v", "label is 'w'"),
    "name": (attribute("cells.v", "name", "w"), "cells.v", "name is 'w'"),
    "type": (attribute("cells.v", "type", "w"), "cells.v", "type is 'w'"),
    "stamp": (attribute("texts", "archive_layout", 2), "texts", "archive layout is"),
    "interval": (attribute("cells.v", "sampling_interval", 0.2, "1"), "cells.v", "axes"),
    "dimension": (attribute("cells.v", "dimension_type", "sample", "2"), "cells.v", "axes"),
    "chunks": (shortened_chunks, "/data/sound/data_arrays/cell.v/data", "chunks for a shape"),
}


@pytest.mark.damaged
@pytest.mark.parametrize("sort", SORTS)
def test_damage_is_found(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    without_nixio(monkeypatch)
    damage, name, what = SORTS[sort]
    found = findings(damaged(sound, tmp_path, damage))
    assert any(name in one.name and what in one.what for one in found), found


def test_a_sound_archive(sound: Path) -> None:
    told: list[int] = []
    report = check_deeply(sound, lambda: told.append(1))
    assert report == Report((), 4, 10, 3)
    assert (report.damaged_runs, report.damaged_segments, len(told)) == ([], [], 10)


@pytest.mark.damaged
def test_damage_in_one_place_is_said_of_that_place_only(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_nixio(monkeypatch)
    for damage, name in (
        (item("cell.v", (250, 1)), "segment 3, part 0 (cell/v)"),
        (text("segments", 4, b"seed", b"need"), "segment 4"),
    ):
        found = findings(damaged(sound, tmp_path, damage))
        names = {one.name for one in found if "index" not in one.name}
        assert names == {name}
        report = Report(tuple(found), 4, 10, 3)
        assert report.damaged_segments == [int(name.split()[1].strip(","))]
        assert report.damaged_runs == []


@pytest.mark.damaged
def test_the_plain_check_reads_no_signal(sound: Path, tmp_path: Path) -> None:
    path = damaged(sound, tmp_path, item("cell.v", (250, 1)))
    with archive.open(path) as exp:
        assert exp.check().is_valid()
        report = exp.check(deep=True)
    assert [found.name for found in report.findings] == ["segment 3, part 0 (cell/v)"]
    assert report.damaged_segments == [3]


def test_an_archive_in_use(tmp_path: Path) -> None:
    """What was committed is checked, while the writer holds the file."""
    with archive.open(tmp_path / "used.nix", "x") as exp, exp.run() as going:
        for number in range(2):
            going.append({"v": np.zeros((10, 1))}, sampling_period=1 * pq.ms)
            report = exp.check(deep=True)
            assert (report.findings, report.segments) == ((), number + 1)


@pytest.mark.damaged
def test_what_ends_the_process_is_left_out_and_the_rest_examined(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_nixio(monkeypatch)
    path = damaged(sound, tmp_path, item("film.values", (0, 1, 1)))
    places = {"/data/sound/data_arrays/cell.v/data": "it ends", "segment 4": "it hangs"}
    found = findings(path, Watch(places, lambda message: None))
    said = {(one.name, one.what) for one in found}
    assert ("/data/sound/data_arrays/cell.v/data", "it ends") in said
    assert ("segment 1, part 0", "it ends") in said
    assert ("segment 4", "it hangs") in said
    assert ("segment 0, part 5 (film)", "its arrays are not what was written") in said


def test_changes_that_run_in_a_circle_end(sound: Path, tmp_path: Path) -> None:
    def circle(block: Any) -> None:
        row = block["data_frames"]["experiment"]["data"][0]
        start, stop = int(row["change"]), int(row["change"] + row["change_length"])
        records = block["data_arrays"]["records"]["data"]
        said = records[start:stop].tobytes()
        place = b'"previous":[0,0]'
        assert place in said
        here = b'"previous":[%d,9]' % start
        data = said.replace(place, here)
        fill = len(said) - len(data)
        assert fill < 0
        data = data.replace(b"word word ", b"w" * (10 + fill), 1)
        records[start:stop] = np.frombuffer(data, np.uint8)

    path = damaged(sound, tmp_path, circle)
    container = Container(path, writable=False)
    with pytest.raises(CorruptArchive, match="what was before it"):
        container.changes("experiment", 0)
    assert any(found.name == "experiment" for found in check.check(container).findings)
    container.close()


@pytest.mark.damaged
def test_the_command_line(sound: Path, tmp_path: Path) -> None:
    assert (
        "sound, 4 runs, 10 segments and 3 snapshots checked" in run("check", sound, "--deep").stdout
    )
    path = damaged(sound, tmp_path, item("cell.v", (250, 1)))
    assert run("check", path).exit_code == 0
    done = run("check", path, "--deep", code=13)
    assert "4 of 4 runs, 9 of 10 segments and 3 of 3 snapshots are sound" in " ".join(
        done.stdout.split()
    )
    said = run_json("check", path, "--deep", code=13)
    assert (said["valid"], said["damaged_runs"], said["damaged_segments"]) == (False, [], [3])
    assert (said["snapshots"], said["damaged_snapshots"]) == (3, [])


@pytest.mark.damaged
def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "none.nix").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(1000))
    run("check", tmp_path / "none.nix", "--deep", code=13)
    (tmp_path / "text.nix").write_text("no HDF5")
    run("check", tmp_path / "text.nix", "--deep", code=10)
    run("check", tmp_path / "missing.nix", "--deep", code=3)
