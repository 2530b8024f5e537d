"""Research object crates, as the package `rocrate` reads them."""

from __future__ import annotations

import hashlib
import json
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import quantities as pq
from hypothesis import given, settings
from typer.testing import CliRunner

import archive
import schemas
from archive.adapters import reader_for, writer_for
from archive.adapters.people import checked_orcid, somebody
from archive.adapters.ro_crate import RoCrate
from archive.cli import app
from archive.cli.export import _WatchedArchive
from archive.entry import Entry
from archive.errors import AlreadyExists, FormatError
from archive.testing.comparing import Declared, differences, placed
from archive.testing.sample import MOMENT, sample
from archive.testing.sources import Failing, Given, ReadingFailed
from archive.testing.strategies import experiments
from schemas.v1.lineage import Exported, Parent
from schemas.v1.run import RunEnd

pytest.importorskip("rocrate")

from rocrate.rocrate import ROCrate

WORKFLOW = "https://w3id.org/ro/wfrun/workflow/0.5"
PROCESS = "https://w3id.org/ro/wfrun/process/0.5"
ADA = "0000-0002-1825-0097"  # the example of ORCID's own documentation


def sound(path: Path) -> dict[str, dict[str, Any]]:
    """The entities of a crate by identifier, which `rocrate` must find too; all of its files are
    told of, and all that is told of is there."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        crate = ROCrate(path)
    folder = Path(crate.source)
    text = (folder / "ro-crate-metadata.json").read_bytes()
    assert text.isascii()
    listed = json.loads(text)["@graph"]
    graph: dict[str, dict[str, Any]] = {one["@id"]: one for one in listed}
    assert len(graph) == len(listed)
    assert {one.id for one in crate.get_entities()} == set(graph)
    held = {one["@id"] for one in listed if "File" in one["@type"]}
    assert {one.id for one in crate.data_entities} == held
    assert refs(graph["./"]["hasPart"]) == held
    present = {one for one in folder.rglob("*") if one.is_file()}
    told = {Path(one.source) for one in crate.data_entities}
    assert present == {*told, folder / "ro-crate-metadata.json"}
    programs = {"SoftwareApplication", "SoftwareSourceCode"}
    for one in listed:
        if one["@type"] == "CreateAction":
            assert programs & set(types(graph[one["instrument"]["@id"]]))
    for one in crate.data_entities:
        data = Path(one.source).read_bytes()
        assert one["sha256"] == hashlib.sha256(data).hexdigest()
        assert one["contentSize"] == str(len(data))
        assert folder.resolve() in Path(one.source).resolve().parents
    for missing in dangling(listed):
        assert missing.startswith(("http://schema.org/", "https://w3id.org/ro/crate/"))
    assert graph["./"].keys() >= {"name", "description", "datePublished", "license"}
    return graph


def types(entity: dict[str, Any]) -> list[str]:
    found = entity["@type"]
    return found if isinstance(found, list) else [found]


def dangling(listed: list[dict[str, Any]]) -> Iterator[str]:
    known = {one["@id"] for one in listed}
    for one in listed:
        for value in one.values():
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, dict) and item["@id"] not in known:
                    yield item["@id"]


def made_of(*runs: Entry, **facts: Any) -> Entry:
    return Entry(schemas.Experiment(id="1", name="x", **facts), parts=runs)


def run(name: str, *parts: schemas.Model, **facts: Any) -> Entry:
    return Entry(schemas.Run(name=name, **facts), parts=[Entry(one) for one in parts])


def write(entry: Entry, path: Path, **options: Any) -> dict[str, dict[str, Any]]:
    assert RoCrate().write(Given(entry), path, **options) == []
    return sound(path)


def kept(path: str, text: bytes) -> schemas.Source:
    digest = hashlib.sha256(text).hexdigest()
    return schemas.Source(path=path, digest=digest, size=len(text), content=zlib.compress(text))


def refs(value: Any) -> set[str]:
    return {one["@id"] for one in (value if isinstance(value, list) else [value])}


@settings(max_examples=25, deadline=None)
@given(experiments())
def test_any_experiment_is_a_crate_and_comes_back(
    tmp_path_factory: pytest.TempPathFactory, entry: Entry
) -> None:
    path = tmp_path_factory.getbasetemp() / "any crate"
    write(entry, path, overwrite=True)
    (data,) = (path / "data").iterdir()
    (found,) = reader_for(data, "json").read(data)
    assert list(differences([placed(entry)], [placed(found)], Declared([]))) == []


def test_a_run_is_an_action_with_all_that_it_came_from(tmp_path: Path) -> None:
    script, diff = kept("/home/ada/model.py", b"print('hi')\n"), b"--- a\n+++ b\n"
    code = schemas.Code(
        program="script",
        script=script,
        modules={"cells": kept("cells.py", b"n = 4\n")},
        repository=schemas.Repository(
            commit="c0ffee", remote="https://example.org/r.git", diff=zlib.compress(diff)
        ),
    )
    environment = schemas.Environment(
        python="CPython 3.11.9",
        packages={
            "numpy": "2.1",
            "evil\n--index-url": "1",
            "x": "1 --y",
            "h5py": "3.11",
            "torch": "2.1+cpu",
        },
        simulators={"neuron": schemas.Simulator(version="9.0")},
    )
    process = schemas.Provenance(user="ada", argv=("python", "model.py", "a b"))
    used = schemas.Input(role="used", path="/data/w.npz", size=3, digest="cd" * 32, at=MOMENT)
    out = Exported(path="/out/fi.mat", format="mat", digest="ef" * 32, at=MOMENT, author="grace")
    parameters: dict[str, Any] = {
        "exc": {"tau": schemas.Quantity(10.0, "ms"), "w": schemas.Array("<f8", (1,), bytes(8))},
        "seed": 42,
    }
    parent = Parent(how="restored", experiment="1", run="a", snapshot=2, at=MOMENT)
    entry = made_of(
        run(
            "r", schemas.ParameterSet(values=parameters), process, environment, code, used, parent,
            out, RunEnd(ended=MOMENT + timedelta(minutes=1), outcome="finished"),
            started=MOMENT, simulator="neuron",
        ),
        people=("Ada",),
        annotations={"orcid": {"Ada": ADA}, "affiliation": {"Ada": "London"}},
    )  # fmt: skip
    graph = write(entry, tmp_path / "crate", license="CC-BY-4.0")
    action, root = graph["#run/r"], graph["./"]
    workflow = f"code/{script.digest}/model.py"
    assert refs(action["instrument"]) == refs(root["mainEntity"]) == {workflow}
    assert set(graph[workflow]["@type"]) == {"File", "SoftwareSourceCode", "ComputationalWorkflow"}
    assert refs(graph[workflow]["softwareRequirements"]) == {"#software/neuron/9.0"}
    assert refs(root["conformsTo"]) > {PROCESS, WORKFLOW}
    assert action["startTime"] == "2024-05-01T12:30:01.234567+00:00"
    assert action["endTime"] == "2024-05-01T12:31:01.234567+00:00"
    assert action["actionStatus"]["@id"] == "http://schema.org/CompletedActionStatus"
    assert action["description"] == "python model.py 'a b'"
    assert refs(action["result"]) == {"data/x.json"}
    orcid = f"https://orcid.org/{ADA}"
    assert refs(action["agent"]) == refs(root["author"]) == {orcid}
    assert graph[graph[orcid]["affiliation"]["@id"]]["name"] == "London"
    assert refs(root["license"]) == {"http://spdx.org/licenses/CC-BY-4.0"}
    objects = [graph[one] for one in refs(action["object"])]
    names = {one["name"]: one for one in objects}
    assert names.keys() == {
        "requirements.txt", "changes.patch", "cells.py", "w.npz", "commit c0ffee", "exc.tau",
        "seed", "run a, snapshot 2",
    }  # fmt: skip
    assert (names["exc.tau"]["value"], names["exc.tau"]["unitText"]) == (10.0, "ms")
    assert names["seed"]["value"] == 42
    crate = tmp_path / "crate"
    assert (crate / names["changes.patch"]["@id"]).read_bytes() == diff
    assert (crate / workflow).read_bytes() == b"print('hi')\n"
    lines = (crate / names["requirements.txt"]["@id"]).read_text().splitlines()
    assert [line for line in lines if line[0] != "#"] == ["h5py==3.11", "numpy==2.1"]
    assert len(lines) == 5
    export = graph["#export/r/1"]
    assert graph[export["result"]["@id"]]["alternateName"] == "/out/fi.mat"
    assert refs(root["mentions"]) == {"#run/r", "#export/r/1"}


@pytest.mark.parametrize("outcome", ["failed", "interrupted", "abandoned"])
def test_a_run_that_failed(outcome: Any, tmp_path: Path) -> None:
    end = RunEnd(ended=MOMENT, outcome=outcome, reason="ValueError: no")
    graph = write(made_of(run("r", end), run("on", simulator="nest")), tmp_path / "crate")
    assert graph["#run/r"]["actionStatus"]["@id"] == "http://schema.org/FailedActionStatus"
    assert graph["#run/r"]["error"] == f"{outcome}: ValueError: no"
    assert graph["#run/on"]["actionStatus"]["@id"] == "http://schema.org/ActiveActionStatus"
    assert refs(graph["#run/on"]["instrument"]) == {"#software/nest"}
    assert refs(graph["./"]["conformsTo"]) == {PROCESS}
    assert refs(graph["./"]["mainEntity"]) == {"data/x.json"}
    assert graph["#no-licence"]["description"].startswith("No licence was given")


@pytest.mark.parametrize(
    "name", ["../../up", "..", "/etc/passwd", "C:\\x\\..\\evil.py", "a\nb", "", "CON", "ä b#?%.py"]
)
def test_no_name_leads_out_of_the_crate(name: str, tmp_path: Path) -> None:
    code = schemas.Code(script=kept(name, b"x"), modules={name: kept(name, b"y")})
    safe = name.replace("/", "").replace("\n", "") or "x"
    environment = schemas.Environment(packages={name: name}, simulators={name: schemas.Simulator()})
    entry = made_of(run(safe, code, environment, simulator=name), people=(name,))
    entry = Entry(schemas.Experiment(id=name or "1", name=safe), parts=entry.parts)
    folder = tmp_path / "deep"
    folder.mkdir()
    graph = write(entry, folder / "crate", people=[name, "B"])
    assert [one.name for one in tmp_path.iterdir()] == ["deep"]
    assert [one.name for one in folder.iterdir()] == ["crate"]
    assert "ComputationalWorkflow" in str(graph)


def test_what_is_not_what_it_says_is_left_out(tmp_path: Path) -> None:
    wrong = kept("a.py", b"x").model_copy(update={"digest": "ab" * 32})
    bomb = zlib.compress(bytes(80 << 20))
    code = schemas.Code(script=wrong, repository=schemas.Repository(diff=bomb))
    graph = write(made_of(run("r", code)), tmp_path / "crate")
    assert sorted(one.name for one in (tmp_path / "crate").iterdir()) == [
        "data", "ro-crate-metadata.json"
    ]  # fmt: skip
    assert refs(graph["#run/r"]["instrument"]) == {"hash://sha256/" + "ab" * 32}
    assert refs(graph["./"]["conformsTo"]) == {PROCESS}


def test_equal_files_of_many_runs_are_there_once(tmp_path: Path) -> None:
    code = schemas.Code(script=kept("m.py", b"x"))
    runs = [run(f"r{number}", code) for number in range(20)]
    graph = write(made_of(*runs), tmp_path / "crate")
    assert len(graph["./"]["hasPart"]) == 2
    assert len(refs(graph["#run/r7"]["instrument"])) == 1
    assert len(graph["./"]["mentions"]) == 20


def archived(path: Path) -> None:
    with (
        archive.open(path, mode="x", people=["Ada"]) as exp,
        exp.run("r", parameters={"tau": 10 * pq.ms}) as one,
    ):
        one.append({"exc/v": np.zeros((5, 1)) * pq.mV}, sampling_period=0.1 * pq.ms)


@pytest.mark.parametrize("mode", ["r", "a"])
def test_the_archive_itself_is_in_the_crate(mode: Any, tmp_path: Path) -> None:
    archived(tmp_path / "exp.nix")
    with archive.open(tmp_path / "exp.nix", mode=mode) as exp:
        if mode == "a":  # all of it, though it is not in the main file yet
            with exp.run("second") as one:
                one.append({"exc/v": np.ones((9, 1)) * pq.mV}, sampling_period=0.1 * pq.ms)
                exp.export(f"{tmp_path / 'crate'}/")
        else:
            exp.export(f"{tmp_path / 'crate'}/")
    sound(tmp_path / "crate")
    with archive.open(tmp_path / "crate/data/exp.nix") as copy:
        assert [one.name for one in copy.runs] == ["r", "second"][: 1 + (mode == "a")]
        assert copy.check(deep=True).is_valid()


def test_a_reader_beside_a_writer_copies_what_it_sees(tmp_path: Path) -> None:
    archived(tmp_path / "exp.nix")
    with archive.open(tmp_path / "exp.nix", mode="a") as writer, writer.run("second") as one:
        one.append({"exc/v": np.ones((9, 1)) * pq.mV}, sampling_period=0.1 * pq.ms)
        with archive.open(tmp_path / "exp.nix") as exp:  # of which the second run is in the log
            one.append({"exc/v": np.ones((9, 1)) * pq.mV}, sampling_period=0.1 * pq.ms)
            watched = _WatchedArchive(exp, lambda: None, lambda: None)
            assert RoCrate().write(watched, tmp_path / "x.zip") == []
    graph = sound(tmp_path / "x.zip")
    with zipfile.ZipFile(tmp_path / "x.zip") as packed:
        packed.extract("data/exp.nix", tmp_path / "out")
    with archive.open(tmp_path / "out/data/exp.nix") as copy:
        assert [len(one.segments) for one in copy.runs] == [1, 1]
        assert copy.check(deep=True).is_valid()
    assert "#run/second" in graph


def test_some_of_an_archive_is_json(tmp_path: Path) -> None:
    archived(tmp_path / "exp.nix")
    with archive.open(tmp_path / "exp.nix") as exp:
        exp.runs[:1].export(tmp_path / "some.zip")
    graph = sound(tmp_path / "some.zip")
    assert graph["data/exp.json"]["encodingFormat"] == "application/json"


def test_the_command_line_takes_a_folder(tmp_path: Path) -> None:
    archived(tmp_path / "exp.nix")
    out = f"{tmp_path / 'crate'}/"
    command = ["export", str(tmp_path / "exp.nix"), out, "--option", "license=CC0-1.0",
               "--option", f"people=Ada Lovelace <{ADA}> (London); Grace"]  # fmt: skip
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "0 lost facts" in done.output
    graph = sound(tmp_path / "crate")
    assert refs(graph["./"]["author"]) == {f"https://orcid.org/{ADA}", "#person/Grace"}
    assert "data/exp.nix" in graph
    assert CliRunner().invoke(app, command).exit_code == AlreadyExists.exit_code
    assert CliRunner().invoke(app, [*command, "--overwrite"]).exit_code == 0
    assert writer_for(Path("crate"), folder=True).name == "ro-crate"
    assert writer_for(Path("x.csv"), folder=True).name == "csv"
    with pytest.raises(FormatError):
        writer_for(Path("crate"))


def test_a_folder_is_replaced_only_if_it_is_a_crate(tmp_path: Path) -> None:
    path = tmp_path / "mine"
    path.mkdir()
    (path / "thesis.tex").write_text("years of work")
    for overwrite in (False, True):
        with pytest.raises(AlreadyExists):
            RoCrate().write(Given(sample()), path, overwrite=overwrite)
    assert [one.name for one in tmp_path.rglob("*")] == ["mine", "thesis.tex"]
    write(sample(), tmp_path / "crate")
    with pytest.raises(AlreadyExists):
        RoCrate().write(Given(sample()), tmp_path / "crate")
    (tmp_path / "crate" / "old").touch()
    write(sample(), tmp_path / "crate", overwrite=True)


def test_a_failure_leaves_the_old_crate(tmp_path: Path) -> None:
    path = tmp_path / "crate"
    write(sample(), path)
    before = {one: one.stat().st_mtime_ns for one in path.rglob("*")}
    for call in (1, 2):
        with pytest.raises(ReadingFailed):
            RoCrate().write(Failing(sample(), 3, call), path, overwrite=True)
        assert {one: one.stat().st_mtime_ns for one in path.rglob("*")} == before
        assert [one.name for one in tmp_path.iterdir()] == ["crate"]


def test_a_zip_file_has_the_same_in_it(tmp_path: Path) -> None:
    graph = write(sample(), tmp_path / "x.zip")
    assert write(sample(), tmp_path / "x").keys() == graph.keys()
    with zipfile.ZipFile(tmp_path / "x.zip") as packed:
        assert set(packed.namelist()) == {"ro-crate-metadata.json", "data/sample.json"}


@pytest.mark.parametrize(
    ("text", "name", "orcid", "email", "affiliation"),
    [
        ("Ada", "Ada", None, None, None),
        (f"Ada Lovelace <{ADA}>", "Ada Lovelace", ADA, None, None),
        (f"Ada <https://orcid.org/{ADA}> (London)", "Ada", ADA, None, "London"),
        ("Lovelace, Ada <a@b.org>", "Lovelace, Ada", None, "a@b.org", None),
        ("Ada <0000-0002-1825-0098>", "Ada <0000-0002-1825-0098>", None, None, None),
        ("(((", "(((", None, None, None),
        ("", "", None, None, None),
    ],
)
def test_people_as_they_write_themselves(
    text: str, name: str, orcid: str | None, email: str | None, affiliation: str | None
) -> None:
    assert somebody(text) == (name, orcid, email, affiliation)
    assert checked_orcid("0000-0002-1694-233X") == "0000-0002-1694-233X"


@pytest.mark.parametrize(
    ("given", "id"),
    [
        ("https://example.org/my licence", "https://example.org/my%20licence"),
        ("GPL-3.0+", "http://spdx.org/licenses/GPL-3.0+"),
        ("ask Ada\nfirst", "#licence"),
    ],
)
def test_licences(given: str, id: str, tmp_path: Path) -> None:
    entry = made_of(annotations={"license": given})
    graph = write(entry, tmp_path / "crate")
    assert refs(graph["./"]["license"]) == {id}
