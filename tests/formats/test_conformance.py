"""Our own adapters before the judge that others' have."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st

import schemas
from archive.adapters import readers, writers
from archive.adapters.annarchy import Annarchy
from archive.adapters.annarchy_parameters import AnnarchyParameters
from archive.adapters.brian2_store import Brian2Store
from archive.adapters.csv_tables import CsvTables
from archive.adapters.json_archive import JsonArchive
from archive.adapters.json_parameters import JsonParameters
from archive.adapters.mat import Mat
from archive.adapters.pynn_text import PynnText
from archive.adapters.scipy_sparse import ScipySparse
from archive.adapters.sonata import Sonata
from archive.adapters.yaml_parameters import YamlParameters
from archive.entry import Entry
from archive.testing import ReaderSuite, RoundTripSuite, WriterSuite, canonical
from archive.testing.strategies import parameter_sets, snapshots

ALL = ("*",)
EVERYTHING = {
    kind: ALL
    for kind in (
        "experiment", "run", "segment", "signal", "irregular-signal", "spike-trains", "event",
        "epoch", "image-sequence", "snapshot", "population", "projection", "parameter-set",
        "provenance", "environment", "code", "generator", "parent", "export", "run-end",
        "annotation", "keyed-value", "signature",
    )
}  # fmt: skip


class TestJson(RoundTripSuite):
    adapter = JsonArchive()
    examples = 8
    carries = EVERYTHING


class TestJsonInline(RoundTripSuite):
    adapter = JsonArchive()
    examples = 8
    carries = EVERYTHING
    write_options: ClassVar = {"arrays": "inline"}


class OfMatlab(RoundTripSuite):
    adapter = Mat()
    examples = 8


class TestMat5(OfMatlab):
    write_options: ClassVar = {"version": "5"}


class TestMat73(OfMatlab):
    write_options: ClassVar = {"version": "7.3"}


def within_a_run(one: Entry) -> Entry:
    run = Entry(schemas.Run(name="r"), parts=[one])
    return Entry(schemas.Experiment(id="1", name="x"), parts=[run])


class OfConnections(RoundTripSuite):
    """Formats that arrange connections in their own way."""

    examples = 8

    may_refuse = True

    def sources(self) -> st.SearchStrategy[Entry]:
        return snapshots().map(within_a_run)

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
    # one value for all becomes a parameter; of none it cannot be told which they were
    adds: ClassVar = {
        "population": ("parameters", "state:*", "state_units"),
        "projection": ("parameters", "state:*", "state_units"),
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
        "projection": ("native", "delays"),
    }


def parameters_as_annarchy_has_them() -> Entry:
    values: Any = {
        "populations": {"exc": {"tau_m": schemas.Quantity(0.01, "s"), "n": 4}},
        "projections": {"exc_inh": {"tau": 2.5}},
        "network": {"rule": "all to all", "of": [1, 2]},
        "constants": {"seed": 42},
    }
    return within_a_run(Entry(schemas.ParameterSet(values=values)))


class TestAnnarchyParameters(RoundTripSuite):
    adapter = AnnarchyParameters()
    scope = "parameter-set"

    def source(self) -> Entry:
        return parameters_as_annarchy_has_them()


class OfParameters(RoundTripSuite):
    scope = "parameter-set"
    carries: ClassVar = {"parameter-set": ("values",)}

    def sources(self) -> st.SearchStrategy[Entry]:
        return parameter_sets().map(within_a_run)


class TestJsonParameters(OfParameters):
    adapter = JsonParameters()


class TestYamlParameters(OfParameters):
    adapter = YamlParameters()


class OneProjection(OfConnections):
    """Formats whose files hold one projection: of any snapshot most would be refused."""

    scope = "projection"

    def sources(self) -> st.SearchStrategy[Entry]:
        return st.just(self.source())


class TestPynnText(OneProjection):
    adapter = PynnText()
    read_options: ClassVar = {"time_step": 0.1, "weight_unit": "uS"}
    takes = ("empty",)  # without a connection, PyNN writes no line
    carries: ClassVar = {"projection": ("columns", "weights", "delays")}


class TestScipySparse(OneProjection):
    adapter = ScipySparse()
    carries: ClassVar = {"projection": ("columns", "weights", "pre_size", "post_size")}


@pytest.mark.parametrize("table", ["runs", "segments", "spikes", "signals", "events"])
class TestCsv(WriterSuite):
    adapter = CsvTables()
    examples = 4

    @pytest.fixture(autouse=True)
    def _of(self, table: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(type(self), "write_options", {"table": table})


DATA = Path(__file__).parents[1] / "data"


class OfTheProgram(ReaderSuite):
    """Files that the program itself wrote."""

    samples: ClassVar[str]
    mutations = 25

    def files(self, folder: Path) -> Iterable[Path]:
        return sorted(DATA.glob(self.samples))


class TestBrian2Files(OfTheProgram):
    adapter = Brian2Store()
    samples = "brian2/*.brian2"


class TestAnnarchyFiles(OfTheProgram):
    adapter = Annarchy()
    samples = "annarchy/v5.0.4.1/full.*"
    read_options: ClassVar = {"time_step": 1.0}


class TestPynnFiles(OfTheProgram):
    adapter = PynnText()
    samples = "pynn/proj_*.txt"
    read_options: ClassVar = {"time_step": 0.1}
    takes = ("empty",)


class TestFilesOfParametersOfAnnarchy(OfTheProgram):
    adapter = AnnarchyParameters()
    samples = "annarchy_parameters/network-*.json"


# To one any bytes are a file; what the other reads is Neo's. They have tests of their own.
UNMARKED = {"AerHeaderless", "Neo"}


def test_every_adapter_is_judged() -> None:
    """Here, or in the file of tests that its format has."""
    texts = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    judged = set(re.findall(r"^    adapter(?:: ClassVar\[?\w*\]?)? = (\w+)", texts, re.MULTILINE))
    for name, adapter in {**readers(), **writers()}.items():
        assert type(adapter).__name__ in judged | UNMARKED, f"nothing judges {name}"
