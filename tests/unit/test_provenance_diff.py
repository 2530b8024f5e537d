"""In what the provenance of two runs differs, record by record and field by field."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archive
import schemas
from archive import values
from archive.container import Container
from archive.experiment.document_diff import fact_text, facts
from archive.experiment.run_diff import PROVENANCE
from archive.values import quantity

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def environment(**changes: Any) -> schemas.Environment:
    return schemas.Environment(
        **{
            "python": "CPython 3.11.2",
            "packages": {"numpy": "2.0.0", "neo": "0.14.0"},
            "cores": 8,
            **changes,
        }
    )


def code(**changes: Any) -> schemas.Code:
    repository = {"commit": "a" * 40, "dirty": False, "branch": "main", **changes}
    document = {"kind": "code", "program": "script", "repository": repository}
    return schemas.Code.model_validate(document)


def put(path: Path, name: str, *records: schemas.Model, **process: Any) -> None:
    """A run with such records."""
    with archive.open(path, "a"):
        pass
    container = Container(path, writable=True)
    named: dict[str, Any] = {}
    held = {schemas.digest(one): one for one in records}
    for digest, one in held.items():
        if one.kind == "generator":
            named.setdefault("generators", {})["numpy"] = digest
        else:
            named[one.kind] = digest
    first = schemas.Provenance(**{"captured": NOW, "process": 7, **named, **process})
    run = schemas.Run(name=name)
    row = container.add_run(run, None, {schemas.digest(first): first, **held})
    container.end_run(row, schemas.RunEnd(ended=NOW, outcome="finished"))
    container.close()


def found(tmp_path: Path, one: Any, other: Any) -> dict[str, list[str]]:
    """The names of fields that differ, by section, where any does."""
    path = tmp_path / "a.nix"
    for name, (records, process) in (("a", one), ("b", other)):
        put(path, name, *records, **process)
    with archive.open(path) as exp:
        said = archive.diff(*exp.runs, only="provenance")
    return {name: [fact.name for fact in own] for name, own in said.documents.items() if own}


def test_what_never_agrees_is_no_difference(tmp_path: Path) -> None:
    other = {"captured": NOW + timedelta(1), "process": 9, "job": {"SLURM_JOB_ID": "8"}}
    records = (environment(), code())
    assert found(tmp_path, (records, {}), (records, other)) == {}


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        (
            ([environment()], {}),
            ([environment(packages={"numpy": "2.0.1", "neo": "0.14.0"}, cores=4)], {}),
            {"environment": ["cores", "packages.numpy"]},
        ),
        (([environment()], {}), ([], {}), {"environment": ["recorded"]}),
        (
            ([code()], {}),
            ([code(commit="b" * 40, dirty=True)], {}),
            {"code": ["repository.commit", "repository.dirty"]},
        ),
        (
            ([], {"argv": ("a.py", "1"), "seeds": {"numpy": 1}}),
            ([], {"argv": ("a.py", "2"), "seeds": {"numpy": 2, "brian2": 3}}),
            {"process": ["argv", "seeds.numpy", "seeds.brian2"]},
        ),
    ],
)
def test_fields(tmp_path: Path, one: Any, other: Any, wanted: dict[str, list[str]]) -> None:
    assert found(tmp_path, one, other) == wanted


def test_generators(tmp_path: Path) -> None:
    one, other = (
        schemas.Generator(
            algorithm="MT19937",
            state=values.to_schema_dict({"key": np.arange(624) + at, "pos": at}, "state"),
        )
        for at in (0, 1)
    )
    assert found(tmp_path, ([one], {}), ([other], {})) == {
        "generators": ["numpy.state.key", "numpy.state.pos"]
    }
    key, _ = facts(one, other)
    assert fact_text(key) == "state.key: array 624 -> array 624, 624 of 624 items differ"


def test_inputs(tmp_path: Path) -> None:
    path, file = tmp_path / "a.nix", tmp_path / "weights.npz"
    with archive.open(path, "x") as exp:
        for name, content in (("a", b"1"), ("b", b"1"), ("c", b"22")):
            file.write_bytes(content)
            with exp.run(name) as run:
                run.use(file)
        with exp.run("d"):
            pass
        a, b, c, d = exp.runs
        assert archive.diff(a, b, only="inputs").identical
        said = archive.diff(a, c, only="inputs").documents["inputs"]
        assert [fact.name for fact in said] == [f"{file}: size", f"{file}: digest"]
        said = archive.diff(d, c, only="inputs").documents["inputs"]
        assert [(fact.name, fact.second) for fact in said] == [(f"{file}: recorded", True)]


def test_sections_without_records_are_not_called_identical(tmp_path: Path) -> None:
    path = tmp_path / "a.nix"
    put(path, "a")
    put(path, "b")
    with archive.open(path) as exp:
        said = archive.diff(*exp.runs)
    assert set(said.missing) >= set(PROVENANCE) - {"process"}
    assert "environment" not in said.verdicts
    assert "environment: neither has any" in str(said)


@pytest.mark.parametrize(
    ("one", "other", "text"),
    [
        (quantity(10.0, "ms"), quantity(20.0, "ms"), "x: 10.0 ms -> 20.0 ms"),
        (zlib.compress(b"a"), b"", "x: 9 bytes -> 0 bytes"),
        (0.1, 0.10000000000000003, "x: 0.1 -> 0.10000000000000003"),
        (None, "a\nb", "x: none -> a\\nb"),
        (True, 1, "x: True -> 1"),
    ],
)
def test_texts(one: Any, other: Any, text: str) -> None:
    pair = [values.to_schema_dict({"x": value}, "x") for value in (one, other)]
    assert [fact_text(fact) for fact in facts(*pair)] == [text]
