"""``neuroarchive diff``: how runs are named, what is said, and the exit codes."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import quantities as pq

import archive
from tests.unit.cli_archive import run, run_json

VALUES = np.arange(20.0).reshape(10, 2)


def make(path: Path, runs: dict[str, float]) -> Path:
    """Runs of a signal, of which one sample has this value."""
    with archive.open(path, "x", durability="close") as exp:
        for name, value in runs.items():
            values = VALUES.copy()
            values[6, 1] = value
            with exp.run(name, parameters={"tau": 10 * pq.ms}) as one:
                one.append({"exc/v": values * pq.mV}, sampling_period=0.5 * pq.ms)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return make(tmp_path / "a.nix", {"monday": 13.0, "again": 13.0, "to:day": 14.0})


def test_runs_of_one_file(file: Path) -> None:
    said = run("diff", f"{file}:monday", ":again").stdout
    assert said.startswith("monday -> again: identical\n")
    said = run("diff", f"{file}:0", ":2", code=1).stdout
    assert "at 3.0 ms, neuron 1, values[6, 1]: 13.0 -> 14.0 mV" in said
    assert run("diff", f"{file}:0", ":to:day", code=1).stdout == said
    assert run("diff", f"{file}:0", f"{file}:to:day", code=1).stdout == said


def test_files(file: Path, tmp_path: Path) -> None:
    only = make(tmp_path / "only.nix", {"x": 13.0})
    assert run("diff", f"{file}:again", only).stdout.startswith("a.nix:again -> only.nix:x: ident")
    assert run("diff", only, f"{file}:again").exit_code == 0
    copy = tmp_path / "copy.nix"
    shutil.copy(file, copy)
    # the run that is called like that of the other side
    assert "a.nix:again -> copy.nix:again" in run("diff", file, f"{copy}:again").stdout
    said = run("diff", file, copy).stdout
    assert said.count(": identical\nparameters") == 3
    assert said.endswith("3 runs of one name compared\n")
    run("diff", only, file, code=3)  # nothing tells which of the three


def test_runs_of_one_file_only_are_a_difference(file: Path, tmp_path: Path) -> None:
    other = make(tmp_path / "b.nix", {"again": 13.0, "new": 1.0})
    said = run("diff", file, other, code=1).stdout
    assert "monday: only in the first file" in said
    assert "new: only in the second file" in said
    found = run_json("diff", file, other, code=1)
    assert found["only_first"] == ["monday", "to:day"]
    assert (found["verdict"], found["same"]) == ("different", False)
    assert [one["verdict"] for one in found["runs"]] == ["identical"]


def test_a_colon_in_the_name_of_a_file(file: Path, tmp_path: Path) -> None:
    odd = tmp_path / "a:b.nix"
    shutil.copy(file, odd)
    run("diff", f"{odd}:monday", ":again")
    run("diff", odd, f"{odd}:again")


def test_json(file: Path) -> None:
    found = run_json("diff", f"{file}:0", ":2", code=1)
    assert found["same"] is False
    (pair,) = found["runs"]
    assert (pair["first"], pair["second"]) == ("monday", "to:day")
    assert pair["verdicts"]["data"] == "different"
    (part,) = pair["data"]["parts"]
    assert part["first"] == {
        "array": "values",
        "time": 3.0,
        "time_unit": "ms",
        "neuron": 1,
        "index": [6, 1],
        "first": 13.0,
        "second": 14.0,
        "unit": "mV",
    }


def test_options(file: Path) -> None:
    run("diff", f"{file}:0", ":2", "--only", "parameters")
    said = run("diff", f"{file}:0", ":2", "--only", "parameters", "--only", "data", code=1).stdout
    assert "process" not in said
    run("diff", f"{file}:0", ":2", "--tolerance", "0.1", "--deep")
    assert "within the tolerance" in run("diff", f"{file}:0", ":2", "--tolerance", "0.1").stdout
    run("diff", f"{file}:0", ":2", "--tolerance", "0.01", code=1)
    assert run("diff", f"{file}:0", ":2", "--quiet", code=1).output == ""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["a.nix:0", ":nobody"], 3),
        (["a.nix:0", "none.nix"], 3),
        (["a.nix:0", "none.nix:run:0"], 3),
        (["a.nix:0", ":1", "--only", "weather"], 3),
        (["a.nix:0", ":1", "--only", "snapshots"], 3),
        (["a.nix:0", ":1", "--tolerance", "-1"], 2),
        (["a.nix:0", ":1", "--tolerance", "nan"], 2),
        (["a.nix:0", "b\0.nix"], 2),  # an error that is 1 of other commands
        (["a.nix:0"], 2),
        ([":0", "a.nix:1"], 2),
    ],
)
def test_errors_are_no_difference(
    file: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int
) -> None:
    monkeypatch.chdir(file.parent)
    done = run("diff", *arguments, code=code)
    assert done.stdout == ""
    assert done.stderr
