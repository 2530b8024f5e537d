"""That a file was made of runs is noted with them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import quantities as pq

import archive
from archive.experiment.exports import note_export
from tests.unit.cli_archive import make, run as call


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make(tmp_path / "fi.nix")


def test_a_run_is_exported(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "one.mat"
    with archive.open(path, "a") as exp:
        run = exp.runs["f-I [curve]"]
        run.export(out, version="7.3")
        (said,) = run.provenance.exports
        assert exp.runs["broken"].provenance.exports == ()
    assert (said.path, said.format, said.package) == (str(out), "mat", "neuroarchive")
    assert said.size == out.stat().st_size
    assert said.digest == hashlib.sha256(out.read_bytes()).hexdigest()
    assert said.options == {"version": "7.3"}
    assert said.version


def test_the_losses_stand_with_their_runs(path: Path, tmp_path: Path) -> None:
    with archive.open(path, "a") as exp:
        losses = exp.export(tmp_path / "all.csv")
        found = [run.provenance.exports[0].losses for run in exp.runs]
    assert losses
    assert sorted(sum(found, ())) == sorted((x.entry, x.field, x.reason) for x in losses)
    assert {entry.partition("/")[0] for entry, _, _ in found[1]} <= {"broken"}


def test_views_note_it_with_the_runs_that_they_have(path: Path, tmp_path: Path) -> None:
    with archive.open(path, "a") as exp:
        exp.segments.where("amplitude > 0.05 nA").export(tmp_path / "some.mat")
        exp.runs.export(tmp_path / "all.mat")
        found = [[Path(x.path).name for x in run.provenance.exports] for run in exp.runs]
    assert found == [["some.mat", "all.mat"], ["all.mat"]]


def test_a_folder_has_a_size_and_no_digest(path: Path, tmp_path: Path) -> None:
    with archive.open(path, "a") as exp:
        run = exp.runs["f-I [curve]"]
        (tmp_path / "network").mkdir()
        (tmp_path / "network/one.h5").write_bytes(b"1234")
        note_export([run], tmp_path / "network", "folders", {"how": print}, [])
        (said,) = run.provenance.exports
    assert (said.size, said.digest) == (4, None)
    assert said.options == {"how": repr(print)}  # what cannot be kept is text


def test_nothing_is_noted_of_what_failed_or_in_mode_r(path: Path, tmp_path: Path) -> None:
    with archive.open(path) as exp:
        exp.export(tmp_path / "read.mat")
    with archive.open(path, "a") as exp:
        with pytest.raises(archive.AlreadyExists):
            exp.export(tmp_path / "read.mat")
        with pytest.raises(archive.FormatError):
            exp.export(tmp_path / "x.nothing")
        assert [run.provenance.exports for run in exp.runs] == [(), ()]


def test_what_strict_refuses_was_written_and_is_noted(path: Path, tmp_path: Path) -> None:
    with archive.open(path, "a") as exp:
        with pytest.raises(archive.FormatError, match="losses"):
            exp.export(tmp_path / "all.csv", strict=True)
        assert len(exp.runs[0].provenance.exports) == 1


def export_and_fail(exp: archive.Experiment, out: Path) -> None:
    with exp.transaction():
        exp.runs[0].export(out)
        raise ZeroDivisionError


def test_in_a_transaction(path: Path, tmp_path: Path) -> None:
    with archive.open(path, "a") as exp:
        with pytest.raises(ZeroDivisionError):
            export_and_fail(exp, tmp_path / "undone.mat")
        assert exp.runs[0].provenance.exports == ()
        with exp.transaction():
            run = exp.run("late")
            run.append({"v": np.zeros((4, 1)) * pq.mV}, sampling_period=pq.ms)
            run.export(tmp_path / "done.mat")
        assert len(exp.runs["late"].provenance.exports) == 1


def test_the_command_notes_it_when_told(path: Path, tmp_path: Path) -> None:
    call("export", path, tmp_path / "silent.mat")
    call("export", path, tmp_path / "noted.mat", "--note", "--query", "amplitude > 0.05 nA")
    with archive.open(path) as exp:
        (said,) = exp.runs[0].provenance.exports
        assert Path(said.path).name == "noted.mat"
        assert exp.runs[1].provenance.exports == ()
