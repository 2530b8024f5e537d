"""Our own adapters before the judge that others' have."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st

import schemas
from archive.adapters.annarchy import Annarchy
from archive.adapters.annarchy_parameters import AnnarchyParameters
from archive.adapters.csv_tables import CsvTables
from archive.adapters.json_archive import JsonArchive
from archive.adapters.json_parameters import JsonParameters
from archive.adapters.mat import Mat
from archive.adapters.pynn_text import PynnText
from archive.adapters.scipy_sparse import ScipySparse
from archive.adapters.sonata import Sonata
from archive.adapters.yaml_parameters import YamlParameters
from archive.entry import Entry
from archive.testing import RoundTripSuite, WriterSuite, canonical
from archive.testing.strategies import parameter_sets

ALL = ("*",)
EVERYTHING = {
    kind: ALL
    for kind in (
        "experiment", "run", "segment", "signal", "irregular-signal", "spike-trains", "event",
        "epoch", "image-sequence", "snapshot", "population", "projection", "parameter-set",
        "provenance", "run-end", "annotation", "keyed-value",
    )
}  # fmt: skip


class TestJson(RoundTripSuite):
    adapter = JsonArchive()
    carries = EVERYTHING


class TestJsonInline(RoundTripSuite):
    adapter = JsonArchive()
    carries = EVERYTHING
    write_options: ClassVar = {"arrays": "inline"}


class OfMatlab(WriterSuite):
    adapter = Mat()

    def sources(self) -> st.SearchStrategy[Entry]:
        return st.just(self.source())


class TestMat5(OfMatlab):
    write_options: ClassVar = {"version": "5"}


class TestMat73(OfMatlab):
    write_options: ClassVar = {"version": "7.3"}


class OfConnections(RoundTripSuite):
    """Formats that arrange connections in their own way."""

    def normal(self, entry: Entry) -> Entry:
        return canonical(entry)


class TestSonata(OfConnections):
    adapter = Sonata()
    scope = "snapshot"
    read_options: ClassVar = {"time_step": 0.1}
    carries: ClassVar = {
        "population": ("name", "size", "parameters", "state:v", "state_units"),
        "projection": ("pre", "post", "columns", "weights", "weight_unit", "delays"),
    }


class TestAnnarchy(OfConnections):
    adapter = Annarchy()
    scope = "snapshot"
    carries: ClassVar = {
        "population": ("name", "size", "state:v"),
        "projection": ("pre", "post", "columns", "weights", "delays"),
    }
    adds: ClassVar = {
        "snapshot": ("native", "simulator"),
        "population": ("native", "geometry"),
        "projection": ("native",),
    }


def parameters_as_annarchy_has_them() -> Entry:
    values: Any = {
        "populations": {"exc": {"tau_m": schemas.Quantity(0.01, "s"), "n": 4}},
        "projections": {"exc_inh": {"tau": 2.5}},
        "network": {"rule": "all to all", "of": [1, 2]},
        "constants": {"seed": 42},
    }
    run = Entry(schemas.Run(name="r"), parts=[Entry(schemas.ParameterSet(values=values))])
    return Entry(schemas.Experiment(id="1", name="x"), parts=[run])


class TestAnnarchyParameters(RoundTripSuite):
    adapter = AnnarchyParameters()
    scope = "parameter-set"

    def source(self) -> Entry:
        return parameters_as_annarchy_has_them()


class OfParameters(RoundTripSuite):
    scope = "parameter-set"
    carries: ClassVar = {"parameter-set": ("values",)}

    def sources(self) -> st.SearchStrategy[Entry]:
        def within(one: Entry) -> Entry:
            run = Entry(schemas.Run(name="r"), parts=[one])
            return Entry(schemas.Experiment(id="1", name="x"), parts=[run])

        return parameter_sets().map(within)


class TestJsonParameters(OfParameters):
    adapter = JsonParameters()


class TestYamlParameters(OfParameters):
    adapter = YamlParameters()


class TestPynnText(OfConnections):
    adapter = PynnText()
    scope = "projection"
    read_options: ClassVar = {"time_step": 0.1, "weight_unit": "uS"}
    takes = ("empty",)  # without a connection, PyNN writes no line
    carries: ClassVar = {"projection": ("columns", "weights", "delays")}


class TestScipySparse(OfConnections):
    adapter = ScipySparse()
    scope = "projection"
    carries: ClassVar = {"projection": ("columns", "weights", "pre_size", "post_size")}


@pytest.mark.parametrize("table", ["runs", "segments", "spikes", "signals", "events"])
class TestCsv(WriterSuite):
    adapter = CsvTables()
    examples = 8

    @pytest.fixture(autouse=True)
    def _of(self, table: str) -> None:
        self.write_options = {"table": table}  # type: ignore[misc]
