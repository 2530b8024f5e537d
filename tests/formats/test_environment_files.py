"""requirements.txt and environment.yml of a run, and which run that is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings, strategies as st
from packaging.requirements import Requirement

import archive
import schemas
from archive.adapters import writer_for
from archive.adapters.environment_files import CondaEnvironment, Requirements
from archive.adapters.requirements_lines import python_version, requirements
from archive.entry import Entry
from archive.errors import FormatError
from archive.testing import WriterSuite
from archive.testing.sources import Given

PACKAGES = {
    "numpy": "2.3.5",
    "PyNN": "0.13.0",
    "scipy": "1.16.0rc1",
    "torch": "2.1.0+cpu",
    "mine": "unknown",
    "theirs": "1.0 (file:///home/me/theirs)",
    "evil\n--index-url=http://x": "1",
    "zope.interface": "7.0.post1",
}


def environment(**packages: str) -> schemas.Environment:
    return schemas.Environment(
        python="CPython 3.12.3", platform="Linux-6.1\n-x86_64", packages=packages or PACKAGES
    )


def run(name: str, *records: schemas.Environment) -> Entry:
    """A run whose process was last in the last of these environments."""
    parts: list[schemas.Model] = []
    for record in records:
        parts += [schemas.Provenance(environment=schemas.digest(record)), record]
    return Entry(schemas.Run(name=name), parts=list(map(Entry, parts)))


def experiment(*runs: Entry) -> Given:
    return Given(Entry(schemas.Experiment(id="1", name="x"), parts=list(runs)))


class _OfAnEnvironment(WriterSuite):
    may_refuse = True  # what has no environment, or several
    examples = 8

    def source(self) -> Entry:
        return experiment(run("r", environment()), run("s", environment())).experiment


class TestRequirements(_OfAnEnvironment):
    adapter = Requirements()


class TestCondaEnvironment(_OfAnEnvironment):
    adapter = CondaEnvironment()


def written(source: Given, path: Path, **options: Any) -> str:
    writer_for(path).write(source, path, **options)
    return path.read_text("utf-8")


def test_requirements_are_pinned_and_sorted(tmp_path: Path) -> None:
    text = written(experiment(run("r", environment())), tmp_path / "requirements.txt")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert lines == [
        "numpy==2.3.5",
        "PyNN==0.13.0",
        "scipy==1.16.0rc1",
        "zope.interface==7.0.post1",
    ]
    for line in lines:
        (specifier,) = Requirement(line).specifier
        assert specifier.operator == "=="
    comments = "\n".join(line for line in text.splitlines() if line.startswith("#"))
    assert "# Python: CPython 3.12.3" in comments
    assert r"Linux-6.1\n-x86_64" in comments
    for name in (
        "torch 2.1.0+cpu: a build",
        "mine unknown: its version",
        "theirs 1.0 (file",
        "evil",
    ):
        assert name in comments


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text(max_size=8), st.text("0123456789.abrcpostdev-_+!v", max_size=8)))
def test_every_line_is_a_requirement(packages: dict[str, str]) -> None:
    pinned, others = requirements(packages)
    assert len(pinned) + len(others) == len(packages)
    assert all(Requirement(line).name for line in pinned)
    assert all(len(line.splitlines()) <= 1 for line in others)


def test_an_environment_for_conda(tmp_path: Path) -> None:
    text = written(experiment(run("f/I"[0::2], environment())), tmp_path / "environment.yml")
    found = yaml.safe_load(text)
    python, pip, through_pip = found["dependencies"]
    assert (found["name"], python, pip) == ("fI", "python=3.12.3", "pip")
    assert through_pip["pip"][:2] == ["numpy==2.3.5", "PyNN==0.13.0"]
    bare = schemas.Environment(python="PyPy")
    text = written(experiment(run("1 é", bare)), tmp_path / "environment.yaml")
    assert yaml.safe_load(text)["dependencies"] == ["python", "pip"]
    assert yaml.safe_load(text)["name"] == "1"


@pytest.mark.parametrize(
    ("said", "version"),
    [("CPython 3.12.3", "3.12.3"), ("PyPy 3.10", "3.10"), ("", None), (None, None)],
)
def test_the_version_of_python(said: str | None, version: str | None) -> None:
    assert python_version(said) == version


def test_different_environments_have_to_be_chosen_from(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    old, new = environment(numpy="1.26"), environment(numpy="2.3")
    source = experiment(run("first", old), run("second", old, new), run("bare"))
    with pytest.raises(FormatError, match="2 different environments") as caught:
        written(source, path)
    assert "run='first'" in str(caught.value.hint)
    assert "'second'" in str(caught.value.hint)
    assert "numpy==2.3" in written(source, path, run="second")
    assert "numpy==1.26" in written(source, path, run="first", overwrite=True)
    for name, what in (("bare", "no environment was recorded"), ("other", "no run 'other'")):
        with pytest.raises(FormatError, match=what):
            written(source, path, run=name, overwrite=True)
    with pytest.raises(FormatError, match="no run has a recorded"):
        written(experiment(run("bare")), path, overwrite=True)


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("requirements.txt", "requirements"),
        ("Requirements.TXT", "requirements"),
        ("environment.yml", "conda-environment"),
        ("environment.yaml", "conda-environment"),
        ("CITATION.cff", "citation"),
        ("other.cff", "citation"),
        ("methods.md", "methods"),
        ("methods.tex", "methods"),
        ("weights.txt", "pynn-text"),
    ],
)
def test_the_name_of_a_file_says_its_format(name: str, format: str) -> None:
    assert writer_for(Path(name)).name == format


def test_of_this_very_process(tmp_path: Path) -> None:
    with archive.open(tmp_path / "a.nix", "x") as exp:
        exp.run("r").finish()
        exp.export(tmp_path / "requirements.txt")
    lines = (tmp_path / "requirements.txt").read_text("utf-8").splitlines()
    pinned = {Requirement(line).name for line in lines if not line.startswith("#")}
    assert {"numpy", "h5py"} <= pinned


@pytest.mark.slow
def test_pip_takes_it(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    written(experiment(run("r", environment(packaging="24.1", torch="2.1+cpu"))), path)
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-deps", "--retries=0"]
    done = subprocess.run(
        [*command, "--ignore-installed", "-r", str(path)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    is_offline = done.returncode and "connection" in done.stderr.lower()
    if is_offline and os.environ.get("ARCHIVE_CI") != "1":
        pytest.skip("no index can be reached")
    assert done.returncode == 0, done.stderr
    assert "Would install packaging-24.1" in done.stdout
