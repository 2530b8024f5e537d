"""Provenance records: each once in a file, found again from the run that has them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import archive
import schemas
from archive.adapters.json_archive import JsonArchive
from archive.entry import Entry
from archive.testing.sources import Given

AT = datetime(2026, 1, 1, tzinfo=UTC)
ENVIRONMENT = schemas.Environment(python="CPython 3.13", packages={"numpy": "2"})
GENERATOR = schemas.Generator(algorithm="MT19937", state={"key": b"\1" * 2500})
BEGUN = schemas.Provenance(process=7, environment=schemas.digest(ENVIRONMENT))
ENDED = BEGUN.model_copy(update={"generators": {"numpy": schemas.digest(GENERATOR)}})
END = schemas.RunEnd(ended=AT, outcome="finished", provenance=schemas.digest(ENDED))
WHOLE = (ENDED, BEGUN, ENVIRONMENT, GENERATOR, END)


def imported(folder: Path, *models: schemas.Model) -> archive.Experiment:
    run = schemas.Run(name="r", provenance=schemas.digest(BEGUN))
    root = Entry(schemas.Experiment(id="0", name="x"), {}, [Entry(run, {}, map(Entry, models))])
    JsonArchive().write(Given(root), folder / "x.json")
    with archive.open(folder / "x.nix", "x") as exp:
        exp.import_file(folder / "x.json")
    return archive.open(folder / "x.nix")


def test_a_run_has_what_was_known_at_its_end(tmp_path: Path) -> None:
    with imported(tmp_path, *WHOLE) as exp:
        found = exp.runs[0].provenance
        assert (found.process, found.environment) == (ENDED, ENVIRONMENT)
        assert found.generators == {"numpy": GENERATOR}
        assert (found.code, found.exports, found.parents) == (None, (), ())
        kinds = [part.model.kind for part in exp.runs[0].to_entry().parts]
        assert kinds == [
            *("provenance", "environment", "provenance", "generator"), *("run-end", "input"),
        ]  # fmt: skip
        assert exp.check(deep=True).is_valid()


def test_names_of_records_that_are_nowhere_are_told(tmp_path: Path) -> None:
    with imported(tmp_path, ENDED, BEGUN, GENERATOR, END) as exp:
        found = exp.runs[0].provenance
        assert found.process is not None
        assert (found.process.process, found.process.environment) == (7, None)
        assert found.process.missing.keys() == {"environment"}
        assert found.generators == {"numpy": GENERATOR}
        (record,) = found.inputs
        assert {loss[1] for loss in record.losses} == {"environment"}
        assert exp.check(deep=True).is_valid()


def test_an_end_with_a_record_that_is_nowhere(tmp_path: Path) -> None:
    with imported(tmp_path, BEGUN, ENVIRONMENT, END) as exp:
        found = exp.runs[0].provenance
        assert (found.process, found.environment) == (BEGUN, ENVIRONMENT)
        assert {loss[1] for loss in found.inputs[0].losses} == {"provenance"}
        assert exp.check(deep=True).is_valid()


def test_runs_of_many_sessions_share_their_environment(tmp_path: Path) -> None:
    path = tmp_path / "x.nix"
    for number in range(3):
        with archive.open(path, "a") as exp, exp.run(f"r{number}") as run:
            run.append(annotations={"number": number})
    with archive.open(path) as exp:
        records = exp._container.provenance
        kinds = [records.model(row).kind for row in range(len(records))]
        assert (kinds.count("provenance"), kinds.count("environment")) == (3, 1)
        first, *others = (run.provenance.environment for run in exp.runs)
        assert first is not None
        assert others == [first, first]


def test_a_file_that_is_used_is_known_again(tmp_path: Path) -> None:
    data = tmp_path / "weights.txt"
    data.write_text("1 2 3")
    with archive.open(tmp_path / "x.nix", "x") as exp, exp.run("r") as run:
        assert run.use(data, options={"rows": 3}) == data
    with archive.open(tmp_path / "x.nix") as exp:
        (used,) = exp.runs[0].provenance.inputs
        assert (used.role, used.size, used.options) == ("used", 5, {"rows": 3})
        assert used.path == str(data)
