"""A whole experiment, exported and imported again, is the same; runs that a file holds as well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import quantities as pq

import archive
import schemas
from archive import Entry
from archive.container import KeyedValues
from archive.testing.comparing import Declared, Placed, differences, placed
from tests.unit.cli_archive import run as neuroarchive
from tests.unit.network_states import population, projection, snapshot
from tests.unit.rich_archive import MOMENT, PARAMETERS, segment, write


def full() -> Entry:
    return snapshot(population(), population("inh", 10), projection())


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """An archive that has something of everything."""
    path = write(tmp_path / "whole.nix", 2)
    with archive.session(path) as session:
        session["kept"] = {"a": np.arange(3) * pq.mV}
    with archive.open(path, "a") as exp:
        exp.merge()
        exp.annotate(lab="here", year=2024)
        exp.annotate(year=2025, remove=["lab"])
        exp.parameters.save("baseline", PARAMETERS, "as published")
        exp.parameters.save("other", {"tau_m": 20 * pq.ms})
        exp.runs[0].annotate(seen=True)
        exp.runs[0].annotate(simulator="nest", remove=["seen"])
        exp.segments[0].annotate(good=True)
        with suppress(ZeroDivisionError), exp.run("failed", annotations={"n": 1}) as run:
            run.snapshot(full())
            run.snapshots[0].annotate(trained=True)
            raise ZeroDivisionError
        KeyedValues(exp._container).set(schemas.KeyedValue(key="own", value=1, at=MOMENT))
    return path


def without_inputs(entry: Entry) -> Entry:
    """The same in memory, but for where it came from."""
    model = entry.model
    if isinstance(model, schemas.Experiment):
        model = model.model_copy(update={"id": "any", "created": None})
    parts = [without_inputs(part) for part in entry.parts if part.model.kind != "input"]
    return Entry(model, {name: np.asarray(one) for name, one in entry.arrays.items()}, parts)


def content(path: Path) -> Placed:
    with archive.open(path) as exp:
        return placed(without_inputs(exp.to_entry()))


def test_a_whole_experiment_comes_back(tmp_path: Path, whole: Path) -> None:
    with archive.open(whole) as exp:
        exp.export(tmp_path / "whole.json", "json")
    neuroarchive("import", tmp_path / "whole.json", "-o", tmp_path / "back.nix")
    assert list(differences([content(whole)], [content(tmp_path / "back.nix")], Declared([]))) == []
    with archive.open(tmp_path / "back.nix") as exp:
        assert exp.name == "whole"
        assert exp.check(deep=True).is_valid()
        assert [one.path for one in exp.runs["failed"].inputs] == [str(tmp_path / "whole.json")]
        assert len(exp.runs.where("simulator == 'nest'")) == 1
        assert len(exp.segments.where("good == true")) == 1
        assert exp.parameters.names == ["baseline", "other"]
        assert exp.runs["failed"].outcome == "failed"
        assert "ZeroDivisionError" in (exp.runs["failed"].reason or "")


def test_into_an_archive_that_has_something(tmp_path: Path, whole: Path) -> None:
    with archive.open(whole) as exp:
        exp.export(tmp_path / "second.json", "json")
    with archive.open(whole, "a") as exp:
        runs = exp.import_file(tmp_path / "second.json")
        assert [run.name for run in runs] == ["all (second)", "failed (second)"]
        assert runs[0].parameters == PARAMETERS
        assert exp.annotations == {"year": 2025}
        assert exp.get("own") == {"whole.nix": 1, "second": 1}
        assert exp.parameters.names == ["baseline", "other"]
        assert exp.check(deep=True).is_valid()
        assert len(exp.parameters) == 2
        assert runs[0].inputs[0].losses == ()


def test_what_an_archive_has_is_not_overwritten(tmp_path: Path, whole: Path) -> None:
    with archive.open(whole) as exp:
        exp.export(tmp_path / "second.json", "json")
    with archive.open(tmp_path / "mine.nix", "x", description="mine") as exp:
        exp.annotate(year=1999)
        exp.parameters.save("other", {"tau_m": 1.0})
        (run, _) = exp.import_file(tmp_path / "second.json")
        assert exp.annotations == {"year": 1999, "year (second)": 2025}
        assert exp.parameters.names == ["other", "baseline", "other (second)"]
        assert exp.description == "mine"
        assert [loss[:2] for loss in run.inputs[0].losses] == [("experiment", "name")]


class Runs:
    """A reader of what a test gives it."""

    name, suffixes, extra = "runs", (), None

    def __init__(self, *entries: Entry) -> None:
        self.entries = entries

    def read(self, path: Path, /) -> Iterator[Entry]:
        return iter(self.entries)


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "file.dat"
    path.write_bytes(b"x")
    return path


def take(
    exp: archive.Experiment, path: Path, monkeypatch: pytest.MonkeyPatch, *entries: Entry
) -> archive.RunView:
    reader = Runs(*entries)
    monkeypatch.setattr("archive.experiment.importing.reader_for", lambda *_, **__: reader)
    return exp.import_file(path, "runs", again=True)


def lazily(parts: Iterable[Entry]) -> Iterator[Entry]:
    yield from parts


def test_parts_of_a_run_come_in_any_order(
    tmp_path: Path, given: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = schemas.RunEnd(outcome="interrupted", ended=MOMENT)
    parameters = schemas.ParameterSet(values={"a": 1})
    change = schemas.AnnotationChange(annotations={"b": 2}, former={"b": 1}, at=MOMENT)
    parts = [segment(0), segment(1, name="given"), Entry(end), Entry(parameters), Entry(change)]
    model = schemas.Run(name="r", started=MOMENT, annotations={"b": 2, "c": 3})
    with archive.open(tmp_path / "e.nix", "x") as exp:
        (run,) = take(exp, given, monkeypatch, Entry(model, parts=lazily(parts)))
        assert (run.name, run.outcome, run.started, run.ended) == (
            "r", "interrupted", MOMENT, MOMENT
        )  # fmt: skip
        assert [one.name for one in run.segments] == ["segment000", "given"]
        assert run.parameters == {"a": 1}
        assert run.annotations == {"b": 2, "c": 3}
        assert run.history[0].former == {"b": 1}
        assert exp.check().is_valid()


def test_things_by_themselves_are_one_run(
    tmp_path: Path, given: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (schemas.ParameterSet(values={"a": n}) for n in (1, 2))
    value = schemas.KeyedValue(key="k", value=5, at=MOMENT)
    entries = [Entry(value), segment(0), Entry(first), Entry(second), full()]
    with archive.open(tmp_path / "e.nix", "x") as exp:
        (run,) = take(exp, given, monkeypatch, *entries)
        assert (run.name, len(run.segments), len(run.snapshots)) == ("file", 1, 1)
        assert run.parameters == {"a": 1}
        assert exp.parameters["file 2"] == {"a": 2}
        assert exp.get("k") == {"file": 5}
        (again,) = take(exp, given, monkeypatch, *entries)
        assert exp.get("k") == {"file": 5, again.name: 5}  # nothing is overwritten
        assert exp.check().is_valid()


def test_nothing_at_all_is_a_run_that_says_where_it_came_from(
    tmp_path: Path, given: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with archive.open(tmp_path / "e.nix", "x") as exp:
        (run,) = take(exp, given, monkeypatch)
        assert (len(run.segments), run.inputs[0].path) == (0, str(given))


@pytest.mark.parametrize(
    "entries",
    [
        [Entry(schemas.Run(name="r")), segment(0)],
        [segment(0), Entry(schemas.Run(name="r"))],
        [segment(0), Entry(schemas.Experiment(id="1", name="e"))],
        [Entry(schemas.Experiment(id="1", name="e")), Entry(schemas.Run(name="r"))],
        [Entry(schemas.Population(name="p", size=1))],
        [Entry(schemas.Experiment(id="1", name="e"), parts=[segment(0)])],
        [Entry(schemas.Run(name="r"), parts=[Entry(schemas.Run(name="s"))])],
    ],
)
def test_what_makes_no_sense_together_is_refused(
    tmp_path: Path, given: Path, monkeypatch: pytest.MonkeyPatch, entries: list[Entry]
) -> None:
    with archive.open(tmp_path / "e.nix", "x") as exp:
        with pytest.raises(archive.FormatError, match=r"reader|experiment has no"):
            take(exp, given, monkeypatch, *entries)
        assert (len(exp.runs), len(exp.segments)) == (0, 0)
