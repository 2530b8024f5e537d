"""The policies of conftest.py, seen from outside: a test run on test files made for it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

MADE = """
import nixio, pytest

def make(path, block_type="archive.experiment", sound=True):
    with nixio.File.open(str(path), nixio.FileMode.Overwrite) as file:
        array = file.create_block("fi", block_type).create_data_array("v", "signal", data=[1.0])
        if sound:
            array.append_set_dimension()

def test_sound(tmp_path):
    make(tmp_path / "fi.nix")

def test_wrong(tmp_path):
    (tmp_path / "parts").mkdir()
    make(tmp_path / "parts" / "fi.nix.0", sound=False)

@pytest.mark.damaged
def test_wrong_on_purpose(tmp_path):
    make(tmp_path / "fi.nix", sound=False)

def test_not_ours(tmp_path):
    make(tmp_path / "fi.nix", block_type="neo.block", sound=False)

def test_cut(tmp_path):
    make(tmp_path / "fi.nix")
    (tmp_path / "fi.nix").write_bytes((tmp_path / "fi.nix").read_bytes()[:600])

def test_missing_module(require):
    require("no_such_module")

def test_missing_program(require_program):
    require_program("no-such-program")

def test_present(require, require_program):
    assert require("json").__name__ == "json"
    assert require_program("python").endswith("python")
"""


def outcomes(folder: Path, ci: str) -> set[str]:
    """What became of the tests: "FAILED test_missing_module" and the like, as pytest sums up."""
    (folder / "test_made.py").write_text(MADE)
    options = ["-q", "-rA", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-c", ROOT / "pyproject.toml", folder],
        cwd=ROOT,
        env=os.environ | {"ARCHIVE_CI": ci, "PYTEST_DEBUG_TEMPROOT": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "short test summary info" in done.stdout, done.stdout + done.stderr
    summary = done.stdout.rpartition("short test summary info")[2]
    return {" ".join(found) for found in re.findall(r"^([A-Z]+) \S*::(\w+)", summary, re.MULTILINE)}


ALWAYS = {
    "PASSED test_sound",
    "PASSED test_wrong",
    "ERROR test_wrong",
    "PASSED test_wrong_on_purpose",
    "PASSED test_not_ours",
    "PASSED test_cut",
    "ERROR test_cut",
    "PASSED test_present",
}


@pytest.mark.damaged  # by the tests inside
@pytest.mark.parametrize(
    ("ci", "missing"),
    [("0", set()), ("1", {"FAILED test_missing_module", "FAILED test_missing_program"})],
)
def test_policies(tmp_path: Path, ci: str, missing: set[str]) -> None:
    assert outcomes(tmp_path, ci) == ALWAYS | missing
