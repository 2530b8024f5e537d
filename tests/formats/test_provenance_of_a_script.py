"""A script in a real repository, from its run to PROV and to a crate that another one can use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.doc_blocks import ROOT
from tests.unit.git_repositories import git, repository

pytest.importorskip("prov")
pytest.importorskip("rocrate")

from prov.model import ProvAssociation, ProvDocument
from rocrate.rocrate import ROCrate

from tests.formats.prov_constraints import broken, of

TOKEN = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
SCRIPT = """
import sys

import numpy as np
import quantities as pq

import archive
import cells

np.random.seed(3)
with archive.open("exp.nix", mode="x", people=["Ada <0000-0002-1825-0097>"]) as exp:
    with exp.run("good", parameters={"cells": {"n": cells.n}}) as run:
        values = np.random.normal(size=(5, cells.n)) * pq.mV
        run.append({"cells/v": values}, sampling_period=0.1 * pq.ms)
    try:
        with exp.run("bad"):
            raise ValueError("on purpose")
    except ValueError:
        pass
with archive.open("exp.nix") as exp:
    exp.export("exp.prov.json")
    exp.export("crate/")
"""


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory, require_program: Callable[[str], str]
) -> Path:
    """The repository, whose script was run when a module in it was changed."""
    require_program("git")
    folder = tmp_path_factory.mktemp("script") / "project"
    repository(folder, run_py=SCRIPT, cells_py="n = 4\n", _gitignore="exp*\ncrate\n")
    git(folder, "remote", "add", "origin", f"https://ada:{TOKEN}@example.org/model.git")
    (folder / "cells.py").write_text("n = 3  # fewer\n")
    command = [sys.executable, "run.py", f"--token={TOKEN}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "GITHUB_TOKEN": TOKEN}
    subprocess.run(command, cwd=folder, env=environment, check=True, timeout=100)
    return folder


def graph_of(project: Path) -> dict[str, dict[str, Any]]:
    text = (project / "crate/ro-crate-metadata.json").read_text("ascii")
    return {one["@id"]: one for one in json.loads(text)["@graph"]}


def test_prov_names_script_commit_and_who(project: Path) -> None:
    document = ProvDocument.deserialize(str(project / "exp.prov.json"), format="json")
    assert broken(document) == []
    plans = {one.formal_attributes[2][1] for one in of(document, ProvAssociation)} - {None}
    (plan,) = plans
    (script,) = document.get_record(plan)
    assert {str(one) for one in script.get_attribute("prov:location")} == {"run.py"}
    commit = f"swh:1:rev:{git(project, 'rev-parse', 'HEAD')}"
    assert commit in {one.identifier.uri for one in document.records if one.identifier}


def test_the_crate_gives_back_what_was_run(project: Path, tmp_path: Path) -> None:
    crate = ROCrate(project / "crate")
    assert {Path(one.source).name for one in crate.data_entities} == {
        "exp.nix", "run.py", "cells.py", "changes.patch", "requirements.txt"
    }  # fmt: skip
    graph = graph_of(project)
    good, bad = graph["#run/good"], graph["#run/bad"]
    assert good["instrument"] == bad["instrument"] == graph["./"]["mainEntity"]
    assert "CompletedActionStatus" in good["actionStatus"]["@id"]
    assert "FailedActionStatus" in bad["actionStatus"]["@id"]
    assert "on purpose" in bad["error"]
    # a colleague checks the commit out and applies the changes
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(project), str(clone))
    assert (clone / "cells.py").read_text() == "n = 4\n"
    (patch,) = (project / "crate/changes").rglob("*.patch")
    git(clone, "apply", str(patch))
    assert (clone / "cells.py").read_text() == "n = 3  # fewer\n"
    (script,) = (project / "crate/code").rglob("run.py")
    assert script.read_text() == SCRIPT


def test_no_secret_gets_out(project: Path) -> None:
    files = [project / "exp.prov.json", *(project / "crate").rglob("*")]
    for file in files:
        if file.is_file():
            assert TOKEN.encode() not in file.read_bytes(), file
