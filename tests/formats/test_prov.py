"""PROV-JSON and PROV-N, as the package `prov` reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

import archive
import schemas
from archive.adapters import writer_for
from archive.adapters.prov_json import ProvJson
from archive.adapters.prov_n import ProvN
from archive.entry import Entry, Loss
from archive.testing.sample import MOMENT, sample
from archive.testing.sources import Given
from archive.testing.strategies import experiments
from schemas.v1.lineage import Exported, Parent
from schemas.v1.run import RunEnd

pytest.importorskip("jsonschema")
pytest.importorskip("prov")

import jsonschema
from prov.model import (
    ProvActivity,
    ProvAgent,
    ProvAssociation,
    ProvCommunication,
    ProvDelegation,
    ProvDerivation,
    ProvDocument,
    ProvEntity,
    ProvGeneration,
    ProvSpecialization,
    ProvUsage,
)

from tests.formats.prov_constraints import broken, of, roles

NAMES = "urn:x-neuroarchive:experiment:1:"
TERMS = "urn:x-neuroarchive:terms:"


def both(entry: Entry, folder: Path) -> tuple[ProvDocument, list[Loss]]:
    """The document, which must be the same in both notations, and the losses."""
    told, again = folder / "x.prov.json", folder / "x.provn"
    losses = ProvJson().write(Given(entry), told, overwrite=True)
    assert ProvN().write(Given(entry), again, overwrite=True) == losses
    assert told.read_bytes().isascii()
    document = ProvDocument.deserialize(str(told), format="json")
    read = ProvDocument.deserialize(str(again), format="provn", profile="strict")
    # not by ==, as nan is no other nan
    assert sorted(one.get_provn() for one in document.records) == sorted(
        one.get_provn() for one in read.records
    )
    return document, losses


def made_of(*runs: Entry, **facts: Any) -> Entry:
    return Entry(schemas.Experiment(id="1", name="x", **facts), parts=runs)


def run(name: str, *parts: Any, **facts: Any) -> Entry:
    entries = [one if isinstance(one, Entry) else Entry(one) for one in parts]
    return Entry(schemas.Run(name=name, **facts), parts=entries)


def at(minutes: float) -> datetime:
    return MOMENT + timedelta(minutes=minutes)


def ended(minutes: float, outcome: Any = "finished", reason: str | None = None) -> RunEnd:
    return RunEnd(ended=at(minutes), outcome=outcome, reason=reason)


def parent(of_run: str, how: Any, minutes: float, **facts: Any) -> Parent:
    given: dict[str, Any] = {"experiment": "1", "run": of_run, "how": how, "at": at(minutes)}
    return Parent(**given | facts)


def pairs(document: ProvDocument, kind: type) -> set[tuple[str, ...]]:
    """The first two arguments of the relations of a kind, without namespace."""
    return {
        tuple(str(value.localpart) if value else "-" for _, value in one.formal_attributes[:2])
        for one in of(document, kind)
    }


def told(document: ProvDocument, kind: type, name: str) -> dict[str, Any]:
    """What is told of one element, by terms of ours."""
    (one,) = (one for one in of(document, kind) if one.identifier.uri == NAMES + name)
    return {
        key.uri.removeprefix(TERMS): value
        for key, value in one.extra_attributes
        if key.uri.startswith(TERMS)
    }


@settings(max_examples=40, deadline=None)
@given(experiments())
def test_any_experiment_is_valid_provenance(
    tmp_path_factory: pytest.TempPathFactory, entry: Entry
) -> None:
    document, _ = both(entry, tmp_path_factory.getbasetemp())
    assert broken(document) == []


MINUTES = st.sampled_from([-5.0, 0.0, 1.0, 2.0, 9.0])
RUNS = st.sampled_from(["a", "b", "c"])
PARENTS = st.builds(
    parent,
    RUNS,
    st.sampled_from(["rerun", "restored", "named"]),
    MINUTES,
    snapshot=st.sampled_from([None, 0, 1]),
    experiment=st.sampled_from(["1", "1", "2"]),
)


@st.composite
def related_runs(draw: st.DrawFn) -> Entry:
    """Runs that come from each other in any way, at times in no order."""
    runs = []
    for name in ("a", "b", "c"):
        parts: list[Any] = draw(st.lists(PARENTS, max_size=3))
        parts += [schemas.Snapshot(time=1.0, taken=at(draw(MINUTES)))] * draw(st.integers(0, 2))
        parts += [schemas.Segment(recorded=at(draw(MINUTES)))]
        parts += [ended(draw(MINUTES))] * draw(st.integers(0, 1))
        runs.append(run(name, *parts, started=draw(st.none() | MINUTES.map(at))))
    return made_of(*runs)


@settings(max_examples=60, deadline=None)
@given(related_runs())
def test_any_relations_are_valid_or_lost(
    tmp_path_factory: pytest.TempPathFactory, entry: Entry
) -> None:
    document, losses = both(entry, tmp_path_factory.getbasetemp())
    assert broken(document) == []
    parents = [one for held in entry.parts for one in held.parts if one.model.kind == "parent"]
    lost = {loss.entry for loss in losses if loss.field in ("run", "at")}
    assert len(lost) <= len(parents)


def test_a_run_is_an_activity_with_what_it_used_and_made(tmp_path: Path) -> None:
    environment = schemas.Environment(
        python="CPython 3.11.9",
        packages={"neuroarchive": "0.1.0", "numpy": "2.1"},
        simulators={"neuron": schemas.Simulator(version="9.0", backend="cpu")},
    )
    script = schemas.Source(path="model.py", digest="ab" * 32, size=9)
    state = schemas.Repository(commit="c0ffee" * 6 + "c0ff", dirty=False)
    code = schemas.Code(program="script", script=script, repository=state)
    process = schemas.Provenance(user="ada", host="lab", seeds={"numpy": 42})
    used = schemas.Input(role="used", path="/data/weights.npz", size=3, digest="cd" * 32, at=at(1))
    out = Exported(path="/out/fi.mat", format="mat", digest="ef" * 32, at=at(9), author="grace")
    entry = made_of(
        run(
            "r", schemas.ParameterSet(values={"tau": schemas.Quantity(10.0, "ms")}),
            process, environment, code, used, ended(5), out,
            schemas.Segment(recorded=at(3)), schemas.Snapshot(time=2.0, taken=at(4)),
            started=at(0), simulator="neuron",
        ),
        people=("Ada Lovelace", "Grace <0000-0002-1825-0097> (Yale)"),
    )  # fmt: skip
    document, losses = both(entry, tmp_path)
    assert broken(document) == []
    assert losses == []
    (activity,) = (a for a in of(document, ProvActivity) if a.identifier.localpart == "run/r")
    assert (activity.get_startTime(), activity.get_endTime()) == (at(0), at(5))
    assert told(document, ProvActivity, "run/r")["outcome"] == "finished"
    assert pairs(document, ProvGeneration) == {
        ("run/r/data", "run/r"), ("run/r/segment/1", "run/r"), ("run/r/snapshot/0", "run/r"),
        ("run/r/export/1/file", "run/r/export/1"),
    }  # fmt: skip
    digests = {schemas.digest(one) for one in (process, environment, code)}
    uses = {entity for by, entity in pairs(document, ProvUsage) if by == "run/r"}
    assert uses > {"run/r/input/1", *digests}
    assert len(uses) == 5  # and the parameters
    assert pairs(document, ProvSpecialization) == {
        ("run/r/input/1", "cd" * 32), ("run/r/export/1/file", "ef" * 32)
    }  # fmt: skip
    assert ("run/r/export/1/file", "run/r/data") in pairs(document, ProvDerivation)
    assert (schemas.digest(code), state.commit) in pairs(document, ProvDerivation)
    plans = {tuple(v and v.localpart for _, v in one.formal_attributes)
             for one in of(document, ProvAssociation)}  # fmt: skip
    assert ("run/r", "account/ada", "ab" * 32) in plans
    assert ("run/r/export/1", "account/grace", None) in plans
    assert roles(document, ProvAssociation) == {"operator", "simulator", "interpreter", "archive"}
    assert ("neuron/9%2E0", "account/ada") in pairs(document, ProvDelegation)
    agents = {one.identifier.localpart for one in of(document, ProvAgent)}
    assert agents >= {
        "0000-0002-1825-0097",
        "person/Ada%20Lovelace",
        "CPython/3%2E11%2E9",
        "neuroarchive/0%2E1%2E0",
    }


def test_runs_that_come_from_others(tmp_path: Path) -> None:
    entry = made_of(
        run("old", schemas.Snapshot(time=1.0, taken=at(1)), ended(2), started=at(0)),
        run("again", parent("old", "rerun", 3), started=at(3)),
        run("on", parent("old", "restored", 3, snapshot=0), started=at(3)),
        run("after", parent("there", "named", 3, experiment="2"), started=at(3)),
    )
    document, losses = both(entry, tmp_path)
    assert broken(document) == []
    assert losses == []
    assert pairs(document, ProvCommunication) == {("run/again", "run/old")}
    assert pairs(document, ProvDerivation) == {
        ("run/on/data", "run/old/snapshot/0"), ("run/after/data", "run/there/data")
    }  # fmt: skip
    # of another experiment by that one's name, so that two documents tell of the same thing
    uris = {one.identifier.uri for one in of(document, ProvEntity)}
    assert "urn:x-neuroarchive:experiment:2:run/there/data" in uris


def test_what_contradicts_itself_is_left_out_and_told(tmp_path: Path) -> None:
    entry = made_of(
        run("a", parent("b", "named", 1)),
        run("b", parent("a", "named", 1)),
        run("c", parent("c", "rerun", 1)),
        run("d", parent("late", "restored", 1, snapshot=0), ended(2), started=at(0)),
        run("late", schemas.Snapshot(time=1.0, taken=at(8)), ended(-1), started=at(7)),
    )
    document, losses = both(entry, tmp_path)
    assert broken(document) == []
    found = [(loss.entry, loss.field) for loss in losses]
    assert found == [("d/parent 1", "at"), ("b/parent 1", "run"), ("c/parent 1", "run")]
    assert pairs(document, ProvDerivation) == {("run/a/data", "run/b/data")}
    late = told(document, ProvActivity, "run/late")
    assert late["ended"] == at(-1)  # told all the same, but not as the end


@pytest.mark.parametrize(
    ("value", "text", "type"),
    [
        (True, "true", "xsd:boolean"),
        (3, "3", "xsd:integer"),
        (10**30, "1" + "0" * 30, "xsd:integer"),
        (0.1 + 0.2, "0.30000000000000004", "xsd:double"),
        (float("-inf"), "-INF", "xsd:double"),
        (float("nan"), "NaN", "xsd:double"),
        (MOMENT, "2024-05-01T12:30:01.234567+00:00", "xsd:dateTime"),
        (None, "null", "na:json"),
        (1 - 2j, '{"$complex": [1.0, -2.0]}', "na:json"),
        ([1, "a"], '[1, "a"]', "na:json"),
        ("a\0b", '"a\\u0000b"', "na:json"),
        (b"\1", "AQ==", "xsd:base64Binary"),
        (schemas.Scalar("<f4", b"\0\0\x80?"), "1.0", "xsd:double"),
        (schemas.Quantity(2, "mV"), "2", "xsd:integer"),
    ],
)
def test_values_have_types(value: Any, text: str, type: str, tmp_path: Path) -> None:
    entry = made_of(run("r", annotations={"a.b": {"c/d": value}}))
    _, losses = both(entry, tmp_path)  # which asserts that both notations say the same
    assert losses == []
    written = json.loads((tmp_path / "x.prov.json").read_text("utf-8"))["activity"]["exp:run/r"]
    assert written["na:annotation/a%2Eb/c%2Fd"] == {"$": text, "type": type}
    unit = value.unit if isinstance(value, schemas.Quantity) else None
    assert written.get("na:unit/annotation/a%2Eb/c%2Fd") == unit


@pytest.mark.parametrize("text", ['größer\n"quoted" \\ \u202e\r\t', "", "%41 -- */ //", "'"])
def test_texts_are_as_they_were(text: str, tmp_path: Path) -> None:
    document, _ = both(made_of(run("r", description=text)), tmp_path)
    assert told(document, ProvActivity, "run/r")["description"] == text


def test_arrays_and_secrets_of_generators_are_lost(tmp_path: Path) -> None:
    array = schemas.Array("<f8", (2,), bytes(16))
    script = schemas.Source(path="m.py", digest="ab" * 32, size=1, content=b"x")
    entry = made_of(
        run(
            "r",
            schemas.ParameterSet(values={"exc": {"w": array, "q": [schemas.Quantity(array, "s")]}}),
            schemas.Generator(algorithm="MT19937", state={"pos": 3}),
            schemas.Code(script=script, repository=schemas.Repository(diff=b"x", diff_size=9)),
            annotations={"large": bytes(5000)},
        )
    )
    _, losses = both(entry, tmp_path)
    assert {(loss.entry, loss.field) for loss in losses} == {
        ("r", "annotations.large"),
        ("r/parameter-set 1", "values.exc.w"),
        ("r/parameter-set 1", "values.exc.q"),
        ("r/generator 1", "state"),
        ("r/code 1", "script.content"),
        ("r/code 1", "repository.diff"),
    }


@pytest.mark.parametrize(
    "name",
    ["a b", "a:b", "..", "a.", "-", "'); entity(x", "]", "größer µ", "%41", "\u202e", "∞" * 255],
)
def test_hostile_names_are_names_of_their_own(name: str, tmp_path: Path) -> None:
    entry = made_of(run(name, ended(1)), run("A", ended(1)), people=(f"{name}\n\0",))
    document, losses = both(entry, tmp_path)
    assert losses == []
    assert broken(document) == []
    found = {one.identifier.localpart for one in of(document, ProvActivity)}
    assert len(found) == 2
    assert all(re.fullmatch(r"run/[A-Za-z0-9_%~-]+", one) for one in found)
    assert not re.search("[\0-\x09\x0b-\x1f\u202e]", (tmp_path / "x.provn").read_text("utf-8"))


@pytest.mark.parametrize("hours", [-20, 5.5, 14, 20])
def test_times_of_any_zone(hours: float, tmp_path: Path) -> None:
    time = MOMENT.astimezone(timezone(timedelta(hours=hours)))
    document, _ = both(made_of(run("r", started=time)), tmp_path)
    (activity,) = of(document, ProvActivity)
    assert activity.get_startTime() == MOMENT


def test_the_schema_of_prov_json_holds(tmp_path: Path) -> None:
    schema = json.loads((files("prov") / "tests/schemas/prov-json.schema.json").read_text("utf-8"))
    both(sample(), tmp_path)
    written = json.loads((tmp_path / "x.prov.json").read_text("utf-8"))
    jsonschema.Draft4Validator(schema).validate(written)
    written["used"]["_:used1"].pop("prov:activity")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft4Validator({**schema, "required": ["nothing"]}).validate(written)


def test_the_constraints_are_looked_at() -> None:
    """The judge is judged: each of these is wrong in one way."""

    def wrong(make: Callable[[ProvDocument], object]) -> str:
        document = ProvDocument()
        document.add_namespace("e", "http://example.org/")
        document.entity("e:a")
        document.entity("e:b")
        document.activity("e:r", at(0), at(1))
        make(document)
        return "; ".join(broken(document))

    assert wrong(lambda d: None) == ""
    assert "is no" in wrong(lambda d: d.wasDerivedFrom("e:a", "e:missing"))
    assert "itself" in wrong(lambda d: d.wasDerivedFrom("e:a", "e:a"))
    assert "not while" in wrong(lambda d: d.wasGeneratedBy("e:a", "e:r", at(2)))
    assert "not while" in wrong(lambda d: d.used("e:r", "e:a", at(-2)))
    assert "ends before" in wrong(lambda d: d.activity("e:q", at(1), at(0)))

    def circle(document: ProvDocument) -> None:
        document.wasDerivedFrom("e:a", "e:b")
        document.wasDerivedFrom("e:b", "e:a")

    def twice(document: ProvDocument) -> None:
        document.wasGeneratedBy("e:a", "e:r")
        document.wasGeneratedBy("e:a", "e:r", at(1))

    assert "circle" in wrong(circle)
    assert "twice" in wrong(twice)


def test_an_archive_of_a_real_run(tmp_path: Path) -> None:
    with archive.open(tmp_path / "exp.nix", mode="x", people=["Ada"]) as exp:
        with exp.run("r", parameters={"tau": 10.0}):
            pass
        exp.export(tmp_path / "exp.prov.json")
        exp.runs.export(tmp_path / "exp.provn")
    document = ProvDocument.deserialize(str(tmp_path / "exp.prov.json"), format="json")
    assert broken(document) == []
    assert "interpreter" in roles(document, ProvAssociation)
    assert isinstance(writer_for(Path("X.PROV.JSON")), ProvJson)
    assert writer_for(Path("prov.json")).name == "json"
    assert isinstance(writer_for(Path("x.provn")), ProvN)
