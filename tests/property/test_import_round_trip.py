"""Any experiment comes in as it is in its file, and goes out and in again without a change."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings

import archive
import schemas
from archive import Entry
from archive.adapters.json_archive import JsonArchive
from archive.testing import Given
from archive.testing.comparing import Declared, Placed, differences, placed
from archive.testing.strategies import experiments
from tests.unit.test_import_whole import without_inputs


def taken(source: Path, target: Path, model: schemas.Model) -> Placed:
    """What an archive holds that a file was imported into, but for where it came from."""
    assert isinstance(model, schemas.Experiment)
    with archive.open(
        target,
        "x",
        name=model.name,
        description=model.description,
        people=model.people,
        durability="close",
    ) as exp:
        exp.import_file(source)
        assert exp.check().is_valid()
        return placed(without_inputs(exp.to_entry()))


def recorded(experiment: Placed) -> list[Placed]:
    """The segments and snapshots of all runs, with the names that an archive gives."""
    found = []
    for run in experiment.parts:
        own = [one for one in run.parts if one.entry.model.kind in ("segment", "snapshot")]
        for number, part in enumerate(own):
            model = part.entry.model
            if isinstance(model, schemas.Segment):
                # what was changed later is as it is after that; a strategy knows no order of it
                changes = [one.model for one in part.parts]
                told = [c for c in changes if isinstance(c, schemas.AnnotationChange)]
                changed = {key for one in told for key in (*one.annotations, *one.removed)}
                facts = {k: v for k, v in model.annotations.items() if k not in changed}
                update = {"name": model.name or f"segment{number:03d}", "annotations": facts}
                model = model.model_copy(update=update)
            found.append(replace(part, entry=Entry(model, part.entry.arrays), way=""))
    return found


@settings(
    max_examples=6,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(experiments(facts_beside=True))
def test_an_experiment_comes_and_goes(experiment: Entry) -> None:
    if not any(part.model.kind == "run" for part in experiment.parts):
        return  # a run that says where it came from is made, then
    if getattr(experiment.model, "name", "") == "..":
        return  # no archive can be called so
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        JsonArchive().write(Given(experiment), folder / "first.json")
        first = taken(folder / "first.json", folder / "first.nix", experiment.model)
        with archive.open(folder / "first.nix") as exp:
            exp.export(folder / "second.json", "json")
        second = taken(folder / "second.json", folder / "second.nix", experiment.model)
    assert list(differences([first], [second], Declared([]))) == []
    there = recorded(placed(experiment))
    found = differences(there, recorded(first), Declared([]))
    assert [one for one in found if not (one.steps[0] in INDICES and _of_type(one.wrote))] == []


# An archive says which channels there are, where a file leaves it out; and an index has no type.
INDICES = ("channels", "neuron")


def _of_type(said: str) -> bool:
    return said == "nothing" or said.startswith("an array of ")
