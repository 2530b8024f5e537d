"""``neuroarchive report``."""

from __future__ import annotations

from pathlib import Path

import pytest

from archive import errors
from tests.formats.test_html_report import index_of
from tests.unit.cli_archive import make, run, run_json


@pytest.fixture(scope="module")
def fi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("cli") / "fi.nix")


def test_report(fi: Path, tmp_path: Path) -> None:
    out = tmp_path / "fi.html"
    said = run("report", fi, "-o", out).stdout
    size = out.stat().st_size
    assert f"2 runs in {size:,} bytes, 3 things decimated or left out" in said.replace("\n", " ")
    assert index_of(out)["counts"]["segments"] == 4
    run("report", fi, "-o", out, code=errors.AlreadyExists.exit_code)


def test_report_of_some_runs_as_json(fi: Path, tmp_path: Path) -> None:
    out = tmp_path / "some.html"
    found = run_json("report", fi, "-o", out, "--query", "outcome == 'failed'", "--size", "500")
    assert found["runs"] == 1
    assert found["bytes"] == out.stat().st_size < 500_000
    assert found["losses"] == []
    assert index_of(out)["outcomes"] == {"failed": 1}


def test_the_archive_itself_is_not_overwritten(fi: Path) -> None:
    before = fi.read_bytes()
    run("report", fi, "-o", fi, "--overwrite", code=errors.Refused.exit_code)
    assert fi.read_bytes() == before


def test_a_size_too_small_is_wrong_usage(fi: Path, tmp_path: Path) -> None:
    run("report", fi, "-o", tmp_path / "x.html", "--size", "199", code=2)
