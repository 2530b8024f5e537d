"""Any value goes through the file and comes out the same, type and unit included."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from hypothesis import given, settings, strategies as st

import archive
import schemas
from archive import Entry
from schemas.v1.value import identical
from tests.property.test_value_round_trip import NAMES, VALUES

ANNOTATIONS = st.dictionaries(NAMES.filter(lambda name: len(name) <= 255), VALUES, max_size=4)


@settings(max_examples=15)
@given(ANNOTATIONS, ANNOTATIONS, ANNOTATIONS, ANNOTATIONS, st.binary(min_size=1025, max_size=2000))
def test_annotations_come_back(
    of_run: dict[str, Any],
    of_segment: dict[str, Any],
    parameters: dict[str, Any],
    late: dict[str, Any],
    long: bytes,
) -> None:
    of_segment = {**of_segment, "long": [long, schemas.Array("|S1", (len(long),), long)]}
    part = schemas.Signal(variable="v", unit="mV", sampling_period=1.0, annotations=of_run)
    entry = Entry(schemas.Segment(annotations=of_segment), parts=[signal(part), signal(part)])
    with TemporaryDirectory() as folder:
        path = Path(folder) / "exp.nix"
        with archive.open(path, "x", durability="close") as exp:
            run = exp.run("r", parameters=parameters, annotations=of_run)
            run.put([entry, entry])
            exp.segments[1].annotate(late)
        with archive.open(path, "a", durability="close") as exp:
            exp.runs[0].annotate(late, remove=list(of_run)[:1])
            exp.annotate(late)
        with archive.open(path) as exp:
            rows = exp._container
            kept = {key: value for key, value in of_run.items() if key not in list(of_run)[:1]}
            assert identical(rows.runs.annotations(0), {**kept, **late})
            assert identical(rows.segments.annotations(0), of_segment)
            assert identical(rows.segments.many_annotations([1, 0])[0], {**of_segment, **late})
            assert identical(rows.experiment.annotations(0), late)
            found = rows.run_parameters(0)
            assert found is not None
            assert identical(found.values, parameters)
            (change,) = exp.runs[0].history
            former = {k: v for k, v in of_run.items() if k in late or k in list(of_run)[:1]}
            assert identical(change.former, former)
            parts = [entry.model for entry in exp.segments[1].to_entry().parts]
            own = [model for model in parts if isinstance(model, schemas.Part)]
            assert len(own) == 2
            assert all(identical(model.annotations, of_run) for model in own)


def signal(model: schemas.Signal) -> Entry:
    return Entry(model, {"values": np.zeros((2, 1))})
