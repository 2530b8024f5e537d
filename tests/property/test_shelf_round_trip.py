"""Any values under any keys come back from a shelf, but for what was said to be lost."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings, strategies as st

import schemas
from archive.adapters.shelves import Shelves
from archive.entry import Entry
from archive.testing import Given
from archive.testing.legal import VALUES
from schemas.v1.value import identical

AT = datetime(2020, 1, 2, tzinfo=UTC)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=4))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_values_come_back_from_a_shelf(values: dict[str, Any]) -> None:
    parts = [
        Entry(schemas.KeyedValue(key=k, value=v, session="x", at=AT)) for k, v in values.items()
    ]
    source = Given(Entry(schemas.Experiment(id="0", name="e"), {}, parts))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        lost = {loss.entry for loss in Shelves().write(source, path) if loss.field == "value"}
        found = {}
        for entry in Shelves().read(path):
            assert isinstance(entry.model, schemas.KeyedValue)
            found[entry.model.key] = entry.model.value
    assert found.keys() == values.keys()
    for key, value in values.items():
        assert key in lost or identical(found[key], value), key
