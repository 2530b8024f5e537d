"""What is changed in the records of how a run came about is found."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import archive
import schemas
from archive.container import Container
from archive.container.check import DIGEST_HINT, check

NOW = datetime(2025, 1, 2, tzinfo=UTC)
ENVIRONMENT = schemas.Environment(python="CPython 3.12.3", packages={"numpy": "2.3.5"})
CODE = schemas.Code(
    program="script",
    script=schemas.Source(path="run.py", digest="0f" * 32, size=3),
    repository=schemas.Repository(commit="c0ffee" * 6, branch="trunk"),
)
PROCESS = schemas.Provenance(
    argv=("run.py", "--rate=12"),
    environment=schemas.digest(ENVIRONMENT),
    code=schemas.digest(CODE),
    seeds={"numpy": 421337},
)
# By what they say: a text in the records, what takes its place, and whether a digest names it,
# so that the plain check sees it too.
CHANGES = {
    "parameter": (b'"value":10.25', b'"value":10.75', True),
    "seed": (b'"numpy":421337', b'"numpy":421338', True),
    "commit": (b'"c0ffeec0', b'"c0ffeec1', True),
    "argument": (b"--rate=12", b"--rate=92", True),
    "version": (b'"2.3.5"', b'"2.3.6"', True),
    "digest of the script": (b'"0f0f0f', b'"0f0f0e', True),
    "parent": (b'"before"', b'"behind"', False),
    "input": (b'"/data/a"', b'"/data/b"', False),
    "outcome": (b'"RuntimeError: one"', b'"RuntimeError: two"', False),
    "description": (b'"as published"', b'"as improved "', False),
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "sound.nix"
    archive.open(path, "x").close()
    container = Container(path, writable=True)
    try:
        records = {schemas.digest(one): one for one in (PROCESS, ENVIRONMENT, CODE)}
        values: Any = {"tau": schemas.Quantity(10.25, "ms")}
        changes = (
            schemas.Parent(how="rerun", experiment="1f", run="before", at=NOW),
            schemas.Input(role="used", path="/data/a", size=3, digest="0e" * 32, at=NOW),
            schemas.RunEnd(ended=NOW, outcome="failed", reason="RuntimeError: one"),
        )
        run = schemas.Run(name="r", description="as published")
        container.add_run(run, schemas.ParameterSet(values=values), records, changes)
    finally:
        container.close()
    return path


def changed(sound: Path, folder: Path, old: bytes, new: bytes) -> Path:
    """A copy in which a text of the records is another one of the same length."""
    path = Path(shutil.copy(sound, folder / "changed.nix"))
    assert len(old) == len(new)
    with h5py.File(path, "r+") as file:
        (block,) = file["data"].values()
        heap = block["data_arrays"]["records"]["data"]
        content = heap[:].tobytes()
        assert content.count(old) == 1, old
        heap[:] = np.frombuffer(content.replace(old, new), np.uint8)
    return path


def test_nothing_is_found_where_nothing_was_changed(sound: Path) -> None:
    with archive.open(sound) as exp:
        assert exp.check(deep=True).findings == ()


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_found(sound: Path, tmp_path: Path, what: str) -> None:
    old, new, by_name = CHANGES[what]
    container = Container(changed(sound, tmp_path, old, new), writable=False)
    try:
        plainly = check(container).findings
        deeply = check(container, deep=True).findings
    finally:
        container.close()
    (name,) = {one.name for one in deeply if one.hint == DIGEST_HINT}
    assert name.rstrip("0123456789 ") in ("run", "parameter set", "provenance record")
    names = {one.name for one in plainly if "index" not in one.name}
    assert names == ({name} if by_name else set())


def test_a_record_that_is_named_and_gone_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.nix"
    archive.open(path, "x").close()
    container = Container(path, writable=True)
    try:
        container.add_run(schemas.Run(name="r"), None, {schemas.digest(PROCESS): PROCESS})
    finally:
        container.close()
    with archive.open(path) as exp:
        (found,) = exp.check().findings
    assert found.what == "a record that it names is missing"
