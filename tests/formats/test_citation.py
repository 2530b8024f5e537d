"""CITATION.cff, against the rules of its schema that it can break."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings, strategies as st

import schemas
from archive.adapters.citation import Citation, person, quoted
from archive.entry import Entry
from archive.errors import FormatError
from archive.testing import WriterSuite
from archive.testing.sample import sample
from archive.testing.sources import Given
from archive.testing.strategies import experiments

# Of the schema of 1.2.0: what may stand at the top, in a person and in a reference of ours.
TOP = {
    "abstract", "authors", "cff-version", "date-released", "doi", "identifiers", "license",
    "message", "references", "title", "type", "version",
}  # fmt: skip
PERSON = {"alias", "email", "family-names", "given-names", "name-particle", "orcid"}
REFERENCE = {
    "authors", "commit", "notes", "repository-code", "title", "type", "version",
}  # fmt: skip


def keeps_the_rules(text: str) -> dict[str, Any]:
    """The document, which must have what the schema asks for, and nothing that it has not."""
    found: dict[str, Any] = yaml.load(text, yaml.BaseLoader)  # every scalar as text
    assert {"authors", "cff-version", "message", "title"} <= found.keys() <= TOP
    assert (found["cff-version"], found["type"]) == ("1.2.0", "dataset")
    assert found["title"]
    assert found["authors"]
    for one in found["authors"]:
        assert one
        assert one.keys() <= PERSON
        assert all(one.values())
    for one in found.get("references", ()):
        assert {"authors", "title", "type"} <= one.keys() <= REFERENCE
        assert one["type"] in ("software", "software-code")
        assert all(one.values())
        assert one["authors"][0]["name"]
        assert one.get("repository-code", "https://x").startswith(("http", "ftp", "sftp"))
    for one in found["identifiers"]:
        assert one.keys() == {"type", "value", "description"}
    if "date-released" in found:
        datetime.strptime(found["date-released"], "%Y-%m-%d").replace(tzinfo=UTC)
    return found


class TestCitation(WriterSuite):
    adapter = Citation()
    may_refuse = True  # without authors
    examples = 8


def experiment(**facts: Any) -> Given:
    environment = schemas.Environment(
        python="CPython 3.12.3",
        packages={"neuroarchive": "0.1.0", "numpy": "2.3.5", "rich": "14"},
        simulators={"pynn": schemas.Simulator(version="0.13.0", backend="neuron")},
    )
    state = schemas.Repository(
        commit="ab" * 20, remote="https://example.org/lab/balanced.git", dirty=True
    )
    code = schemas.Code(program="script", repository=state)
    process = schemas.Provenance(environment=schemas.digest(environment), code=schemas.digest(code))
    end = schemas.RunEnd(ended=datetime(2025, 3, 4, 23, tzinfo=UTC), outcome="finished")
    parts = [Entry(one) for one in (process, environment, code, end)]
    runs = [Entry(schemas.Run(name=name, simulator="pynn"), parts=parts) for name in "ab"]
    facts = {"people": ("Ada Lovelace", "van Rossum, Guido"), **facts}
    return Given(Entry(schemas.Experiment(id="5a", name="f: I\u2028#1", **facts), parts=runs))


def test_an_experiment_is_cited_with_its_software(tmp_path: Path) -> None:
    path = tmp_path / "CITATION.cff"
    Citation().write(experiment(description="What\nfor?"), path, version="2", license="CC-BY-4.0")
    found = keeps_the_rules(path.read_text("utf-8"))
    assert (found["title"], found["version"]) == ("f: I\u2028#1", "2")
    assert (found["abstract"], found["date-released"]) == ("What\nfor?", "2025-03-04")
    assert found["authors"] == [
        {"given-names": "Ada", "family-names": "Lovelace"},
        {"given-names": "Guido", "name-particle": "van", "family-names": "Rossum"},
    ]
    versions = {one["title"]: one.get("version") for one in found["references"]}
    assert versions == {
        "PyNN": "0.13.0", "neuroarchive": "0.1.0", "numpy": "2.3.5", "CPython": "3.12.3",
        "balanced": None,
    }  # fmt: skip
    program = found["references"][-1]
    assert program["commit"] == "ab" * 20
    assert program["repository-code"] == "https://example.org/lab/balanced.git"
    assert "no commit" in program["notes"]


def test_authors_and_date_can_be_given(tmp_path: Path) -> None:
    path = tmp_path / "x.cff"
    with pytest.raises(FormatError, match="nobody is named"):
        Citation().write(experiment(people=()), path)
    with pytest.raises(FormatError, match="no day"):
        Citation().write(experiment(), path, date="yesterday")
    assert not list(tmp_path.iterdir())
    Citation().write(experiment(people=()), path, authors="Grace Hopper; ;G. H.", date="2020-01-02")
    found = keeps_the_rules(path.read_text("utf-8"))
    assert [one["family-names"] for one in found["authors"]] == ["Hopper", "H."]
    assert found["date-released"] == "2020-01-02"


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("Ada", {"family-names": "Ada"}),
        ("Ludwig van Beethoven", {"given-names": "Ludwig", "name-particle": "van",
                                  "family-names": "Beethoven"}),
        ("García Márquez, Gabriel", {"given-names": "Gabriel", "family-names": "García Márquez"}),
        ("A. B <a@b.org>", {"given-names": "A.", "family-names": "B", "email": "a@b.org"}),
        ("A B (0000-0002-1825-0097)", {"given-names": "A", "family-names": "B",
                                       "orcid": "https://orcid.org/0000-0002-1825-0097"}),
        (",", {"alias": "unknown"}),
        ("van", {"family-names": "van"}),
    ],
)  # fmt: skip
def test_people(said: str, found: dict[str, str]) -> None:
    assert person(said) == found


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_any_text_is_yaml(text: str) -> None:
    assert yaml.safe_load(f"a: {quoted(text)}\n") == {"a": text}


@settings(max_examples=15, deadline=None)
@given(experiments(max_runs=1, parts=()))
def test_any_experiment_keeps_the_rules(tmp_path_factory: Any, experiment: Entry) -> None:
    path = tmp_path_factory.mktemp("cff") / "a.cff"
    Citation().write(Given(experiment), path, authors="A B")
    keeps_the_rules(path.read_text("utf-8"))


def test_the_people_of_an_experiment_are_its_authors(tmp_path: Path) -> None:
    path = tmp_path / "a.cff"
    losses = Citation().write(Given(sample()), path)
    assert [one["family-names"] for one in keeps_the_rules(path.read_text())["authors"]] == [
        "Ada", "Grace",
    ]  # fmt: skip
    assert {("first", "run"), ("notes", "keyed-value")} <= {
        (one.entry, one.field) for one in losses
    }
