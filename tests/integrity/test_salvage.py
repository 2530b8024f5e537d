"""What is saved of a damaged archive: all that can be read, with what is lost said and noted."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import archive
from archive.container import salvage as salvaging
from archive.container.isolation import Watch
from archive.container.salvaged import Salvaged
from archive.entry import Loss
from archive.errors import AlreadyExists, ArchiveNotFound, CorruptArchive, FormatError
from tests.integrity.flipping import NO_WATCH, by_owner, owner
from tests.integrity.test_deep_check import cell, damaged, item, text
from tests.integrity.whole_archive import content, make
from tests.unit.cli_archive import run, run_json
from tests.unit.test_check import lost, scribbled

pytestmark = pytest.mark.damaged


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("sound") / "sound.nix")


def salvaged(path: Path, new: Path, watch: Watch = NO_WATCH) -> Salvaged:
    """In this process: faster, where HDF5 does no harm."""
    said = salvaging._copy({"path": str(path), "new": str(new), "writer": "test 1"}, watch)
    return Salvaged(said["runs"], said["segments"], tuple(Loss(**one) for one in said["losses"]))


def test_of_a_sound_archive_everything_is_saved(sound: Path, tmp_path: Path) -> None:
    before = sound.read_bytes()
    told: list[int] = []
    done = salvaging.salvage(sound, tmp_path / "new.nix", lambda: told.append(1))
    assert done == Salvaged(4, 10, (), snapshots=3)
    assert content(tmp_path / "new.nix") == content(sound)
    assert sound.read_bytes() == before
    assert len(told) >= 10
    assert [path.name for path in tmp_path.iterdir()] == ["new.nix"]
    with archive.open(tmp_path / "new.nix") as exp:
        assert exp.check(deep=True).is_valid()


def test_values_under_keys_and_notes_of_merges_are_saved(tmp_path: Path) -> None:
    path, new = tmp_path / "e.nix", tmp_path / "new.nix"
    for number in range(3):
        with archive.session(path) as session:
            session["k"] = [number]
            session[f"gone {number}"] = number
            del session[f"gone {number}"]
            session.run(f"run {number}").finish()
    with archive.open(path, "a") as exp:
        exp.merge(keep=True)
    assert salvaged(path, new) == Salvaged(3, 0, ())
    parts = path.with_name("e.nix.parts").rename(tmp_path / "new.nix.parts")
    with archive.open(path) as exp, archive.open(new) as saved:
        assert saved.parts == []  # they are known to be merged
        assert saved.get("k") == exp.get("k")
        assert len(saved.get("k")) == 3
        assert list(saved.items()) == list(exp.items())
        assert saved.check(deep=True).is_valid()
    for part in parts.iterdir():
        part.unlink()
    parts.rmdir()
    broken = shutil.copyfile(path, tmp_path / "damaged.nix")
    with h5py.File(broken, "a") as file:
        place = file["data/e/data_frames/values/data"][3]["record"]
        file["data/e/data_arrays/records/data"][place] = ord("x")
    new.unlink()
    digest, loss = salvaged(broken, new).losses
    assert (digest.entry, digest.field) == ("value 3", "digest")
    assert (loss.entry, loss.field) == ("value 3", "document")
    with archive.open(new) as saved:
        left = saved.get_merged("k")  # which one is lost depends on the names of the parts
        assert len(left) == 2
        assert set(left) < {0, 1, 2}


PART = "its arrays are not what was written"
# Each: what is damaged; entry, field and reason of a loss; what is not there, or not the same.
SORTS: dict[str, tuple[Callable[[Any], None], Loss, set[str]]] = {
    "a sample": (
        item("cell.v", (250, 1)),
        Loss("segment 3", "cell/v", PART),
        {"segment 3, part 0"},
    ),
    "spike order": (
        lambda block: block["data_arrays"]["cells.spikes.times"]["data"].__setitem__(0, 7.5),
        Loss("segment 0", "cells", "spikes must be sorted"),
        {"segment 0, part 2"},
    ),
    "a spike without time": (
        lambda block: block["data_arrays"]["cells.spikes.times"]["data"].__setitem__(0, np.nan),
        Loss("segment 0", "cells", "1 of 6 times are NaN"),
        {"segment 0, part 2"},
    ),
    "run document": (
        scribbled("runs", 1),
        Loss("run 1", "document", "cannot be read"),
        {"run 1"},
    ),
    "segment document": (
        scribbled("segments", 4),
        Loss("segment 4", "document", "cannot be read"),
        # and in what they differ from other parts of their streams
        {"segment 4", *(f"segment 4, part {n}" for n in range(6))},
    ),
    "stream document": (
        scribbled("streams", 6),
        Loss("segment 1", "part 0", "a stream cannot be read"),
        {f"segment {row}, part 0" for row in (1, 3, 5, 7)},
    ),
    "parameters": (
        scribbled("parameter sets", 0),
        Loss("run 0", "parameters", "cannot be read"),
        {"run 0"},
    ),
    "provenance": (
        scribbled("provenance", 0),
        Loss("run 0", "provenance", "cannot be read"),
        {"run 0"},
    ),
    "environment": (
        scribbled("provenance", 1),
        Loss("run 2", "environment", "cannot be read"),
        {f"run {row}" for row in range(4)},
    ),
    "experiment": (
        scribbled("experiment", 0),
        Loss("experiment", "document", "cannot be read"),
        {"experiment"},
    ),
    "changes": (
        cell("segments", 2, "change", lambda at: at + 1),
        Loss("segment 2", "changes", "cannot be read"),
        {"segment 2"},
    ),
    "run of a segment": (
        cell("segments", 3, "run", lambda _: 99),
        Loss("segment 3", "run", "not known"),
        {"segment 3"},
    ),
    "words of a run": (
        text("runs", 1, b"second", b"Second"),
        Loss("run 1", "digest", "not what was written"),
        {"run 1"},
    ),
    "two runs of one name": (
        text("runs", 2, b"killed", b"second"),
        Loss("run 2", "name", "another run has the name"),
        {"run 2"},
    ),
    "an array is gone": (
        lost("data_arrays", "cell.v"),
        Loss("segment 1", "part 0", "lacks a part"),
        {f"segment {row}, part 0" for row in (1, 3, 5, 7)},
    ),
    "waveforms are gone": (
        lost("data_arrays", "cells.spikes.waveforms"),
        Loss("segment 0", "cells", "kept without some of its arrays"),
        {f"segment {row}, part 2" for row in (0, 2, 4, 6, 8, 9)},
    ),
    "an index is gone": (lost("data_arrays", "run.name [text]"), Loss("", "", ""), set()),
    "texts": (
        lambda block: block["data_arrays"]["texts"]["data"].resize(1, axis=0),
        Loss("segment 0", "trigger", "its labels cannot be read"),
        {f"segment {row}, part {n}" for row in (0, 2, 4, 6, 8, 9) for n in (3, 4)},
    ),
}


@pytest.mark.parametrize("sort", SORTS)
def test_all_that_can_be_read_is_saved(sound: Path, tmp_path: Path, sort: str) -> None:
    damage, loss, missing = SORTS[sort]
    path, new = damaged(sound, tmp_path, damage), tmp_path / "new.nix"
    done = salvaged(path, new)
    if loss.entry:
        assert any(
            (one.entry, one.field) == (loss.entry, loss.field) and loss.reason in one.reason
            for one in done.losses
        ), done.losses
    else:
        assert done.losses == ()
    before, after = content(sound), content(new)
    there = by_owner(after)
    other = {
        name for name in before if (before[name], owner(name)) not in there and "column" not in name
    }
    assert other == missing
    with archive.open(new) as exp:
        assert len(exp.segments) == 10
        assert exp.check().is_valid()
        if loss.entry.startswith("segment"):
            row = int(loss.entry.split()[1])
            assert loss.reason in exp.segments[row].annotations["salvage"]
            assert exp.segments[row].history[-1].at.tzinfo is not None


def test_spikes_are_kept_but_for_those_without_a_place(sound: Path, tmp_path: Path) -> None:
    path = damaged(sound, tmp_path, SORTS["a spike without time"][0])
    salvaged(path, tmp_path / "new.nix")
    with archive.open(sound) as old, archive.open(tmp_path / "new.nix") as new:
        before, after = (exp.segments[0].spikes["cells"] for exp in (old, new))
        assert after.times.magnitude.tolist() == before.times.magnitude[1:].tolist()
        assert after.neuron.tolist() == before.neuron[1:].tolist()


def test_what_ends_the_process_is_left_out(sound: Path, tmp_path: Path) -> None:
    places = {"/data/sound/data_arrays/cell.v/data": "it ends", "segment 4, part 2": "it hangs"}
    done = salvaged(sound, tmp_path / "new.nix", Watch(places, lambda message: None))
    lost = {(one.entry, one.field): one.reason for one in done.losses}
    assert lost["segment 4", "part 2"] == "it hangs"
    assert lost["segment 3", "part 0"] == "it ends"
    kept = content(tmp_path / "new.nix")
    same = {name for name, said in content(sound).items() if kept.get(name) == said}
    assert {"segment 4, part 1", "segment 4", "run 0", "experiment"} <= same


def test_nothing_can_be_read(tmp_path: Path) -> None:
    new = tmp_path / "new.nix"
    (tmp_path / "none.nix").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(1000))
    with pytest.raises(CorruptArchive, match="HDF5 cannot open"):
        archive.salvage(tmp_path / "none.nix", new)
    (tmp_path / "text.nix").write_text("no HDF5")
    with pytest.raises(FormatError):
        archive.salvage(tmp_path / "text.nix", new)
    with pytest.raises(ArchiveNotFound):
        archive.salvage(tmp_path / "missing.nix", new)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(FormatError, match="not a NIX file"):
        archive.salvage(tmp_path / "other.h5", new)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["none.nix", "other.h5", "text.nix"]


def test_no_file_is_replaced(sound: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.nix"
    new.write_text("mine")
    with pytest.raises(AlreadyExists):
        archive.salvage(sound, new)
    assert new.read_text() == "mine"


def test_the_command_line(sound: Path, tmp_path: Path) -> None:
    path = damaged(sound, tmp_path, scribbled("segments", 4))
    done = run("salvage", path, tmp_path / "new.nix")
    assert "4 runs and 10 segments and 3 snapshots copied" in done.stdout
    assert "segment 4" in done.stdout
    said = run_json("salvage", path, tmp_path / "again.nix")
    assert (said["runs"], said["segments"]) == (4, 10)
    assert {"entry", "field", "reason"} == said["losses"][0].keys()
    run("salvage", path, tmp_path / "again.nix", code=4)
    run("salvage", tmp_path / "missing.nix", tmp_path / "third.nix", code=3)
