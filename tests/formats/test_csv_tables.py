"""Tables of an experiment as CSV: what stands in them, read back by pandas and by csv."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import schemas
from archive.adapters.csv_tables import CsvTables
from archive.entry import Entry
from archive.errors import FormatError
from archive.testing import Given, sample


def rows(path: Path, source: Entry | None = None, **options: Any) -> list[list[str]]:
    CsvTables().write(Given(source or sample()), path, overwrite=True, **options)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, strict=True))


def run(*parts: Entry, **fields: Any) -> Entry:
    one = Entry(schemas.Run(name="r", **fields), parts=parts)
    return Entry(schemas.Experiment(id="1", name="x"), parts=[one])


def segment(*parts: Entry, **annotations: Any) -> Entry:
    return Entry(schemas.Segment(name="s", annotations=annotations), parts=parts)


def test_runs(tmp_path: Path) -> None:
    head, first, second = rows(tmp_path / "t.csv")
    one = dict(zip(head, first, strict=True))
    assert one["run"] == "first"
    assert one["outcome"] == "finished"
    assert one["annotations.amplitude [nA]"] == "0.5"
    assert one["annotations.ok"] == "true"
    assert one["parameters.exc.tau_m [ms]"] == "10.0"
    assert one["parameters.rule"] == "all to all"
    two = dict(zip(head, second, strict=True))
    assert (two["run"], two["annotations.trial"]) == ("second", "4")
    assert two["annotations.amplitude [nA]"] == two["parameters.seed"] == ""


def test_segments_and_units_that_differ(tmp_path: Path) -> None:
    nano, milli = schemas.Quantity(0.5, "nA"), schemas.Quantity(2, "mV")
    found = rows(tmp_path / "t.csv", run(segment(a=nano), segment(a=milli)), table="segments")
    assert found[0] == [
        "run", "segment", "segment name", "recorded", "description",
        "annotations.a", "annotations.a unit",
    ]  # fmt: skip
    assert [row[1:3] + row[-2:] for row in found[1:]] == [
        ["1", "s", "0.5", "nA"],
        ["2", "s", "2", "mV"],
    ]


def test_pandas_reads_every_float_as_it_was(
    tmp_path: Path, require: Callable[[str], ModuleType]
) -> None:
    pandas = require("pandas")
    numbers = (
        np.random.default_rng(1).normal(size=(500, 2)) * 10.0 ** np.arange(-250, 250)[:, None] / 3
    )
    numbers[0], numbers[1] = [np.nan, -0.0], [np.inf, 5e-324]
    signal = schemas.Signal(population="p", variable="v", unit="mV", sampling_period=0.1)
    source = run(segment(Entry(signal, {"values": numbers, "channels": np.array([3, 7])})))
    path = tmp_path / "t.csv"
    assert rows(path, source, table="signals")[0][-3:] == ["channel", "time [ms]", "value [mV]"]
    table = pandas.read_csv(path)
    assert table["channel"].tolist() == [3, 7] * 500
    assert table["value [mV]"].to_numpy().tobytes() == numbers.reshape(-1).tobytes()
    assert table["time [ms]"].tolist() == np.repeat(np.arange(500) * 0.1, 2).tolist()


def test_spikes_are_called_as_in_their_population(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archive.adapters.csv_tables._BLOCK", 2)
    trains = schemas.SpikeTrains(population="p", variable="spikes", size=3, t_stop=9.0)
    arrays = {
        "times": np.array([1.5, 2.0, 0.1], "f4"),
        "neuron": np.array([0, 0, 2]),
        "channels": np.array([10, 20, 30]),
    }
    found = rows(tmp_path / "t.csv", run(segment(Entry(trains, arrays))), table="spikes")
    assert found[0][-2:] == ["neuron", "time [ms]"]
    assert [row[-2:] for row in found[1:]] == [
        ["10", "1.5"], ["10", "2.0"], ["30", str(float(np.float32(0.1)))]
    ]  # fmt: skip


def test_events_of_several_units(tmp_path: Path) -> None:
    labels = np.array(["on, then off", 'a "b"\nc'], object)
    event = Entry(schemas.Event(variable="e", time_unit="s"), {"times": np.array([1.0, 2.0]),
                                                               "labels": labels})  # fmt: skip
    arrays = {"times": np.array([3.0]), "durations": np.array([0.5]), "labels": labels[:1]}
    epoch = Entry(schemas.Epoch(population="p", variable="w"), arrays)
    found = rows(tmp_path / "t.csv", run(segment(event, epoch)), table="events")
    assert found[0][3:] == [
        "population", "variable", "time", "time unit", "duration", "duration unit", "label",
    ]  # fmt: skip
    assert [row[3:] for row in found[1:]] == [
        ["", "e", "1.0", "s", "", "s", "on, then off"],
        ["", "e", "2.0", "s", "", "s", 'a "b"\nc'],
        ["p", "w", "3.0", "ms", "0.5", "ms", "on, then off"],
    ]


def test_lines_end_as_the_standard_has_it(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows(path, run(description="größer\nals µ"))
    assert path.read_bytes().count(b"\r\n") == 2
    assert '"größer\nals µ"'.encode() in path.read_bytes()


@pytest.mark.parametrize("text", ["=1+1", "+x", "-x", "@x", "\tx"])
def test_formulas(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.csv"
    source = run(annotations={"note": text, "n": -1.0})
    assert rows(path, source)[1][-2:] == [text, "-1.0"]
    assert rows(path, source, formulas="quote")[1][-2:] == [f"'{text}", "-1.0"]
    losses = CsvTables().write(Given(source), path, formulas="quote", overwrite=True)
    assert "apostrophe" in " ".join(map(str, losses))


def test_values_that_are_more_than_one(tmp_path: Path) -> None:
    array = schemas.Array("<f8", (2,), np.array([1.0, 2.5]).tobytes())
    facts: dict[str, Any] = {
        "list": ["a", None],
        "array": array,
        "measured": schemas.Quantity(array, "mV"),
        "big": 2**70,
        "nan": math.nan,
        "none": None,
        "c": 1 - 2j,
        "single": schemas.Scalar("<f4", np.float32(0.5).tobytes()),
    }
    head, row = rows(tmp_path / "t.csv", run(annotations=facts))
    assert head[-8:][2] == "annotations.measured [mV]"
    assert row[-8:] == [
        '["a", null]', "[1.0, 2.5]", "[1.0, 2.5]", str(2**70), "nan", "", "1-2j", "0.5",
    ]  # fmt: skip


def ways_lost(losses: Iterable[Any]) -> set[tuple[str, str]]:
    return {(loss.entry, loss.field) for loss in losses}


def test_what_is_not_in_a_table_is_lost(tmp_path: Path) -> None:
    losses = CsvTables().write(Given(sample()), tmp_path / "t.csv", table="spikes")
    found = ways_lost(losses)
    assert ("first/end", "snapshot") in found
    assert ("first/segment000/exc/v", "signal") in found
    assert ("first/segment000/exc/spikes", "size") in found
    assert ("first", "annotations") in found
    assert not any("exc_inh" in way for way, _ in found)


@pytest.mark.parametrize("options", [{"table": "neurons"}, {"formulas": "run"}])
def test_an_option_that_there_is_not(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(FormatError, match="cannot be"):
        CsvTables().write(Given(sample()), tmp_path / "t.csv", **options)


def test_values_of_one_column_are_not_lost_in_silence(tmp_path: Path) -> None:
    facts = {"a.b": 1, "a": {"b": 2, "c": 3}}
    parameters = Entry(schemas.ParameterSet(values={"p": 1}))
    source = run(segment(**facts), parameters, annotations=facts)
    for table, way in (("runs", "r"), ("segments", "r/s")):
        head, row = rows(tmp_path / "t.csv", source, table=table)
        assert dict(zip(head, row, strict=True))["annotations.a.b"] == "1"
        losses = CsvTables().write(Given(source), tmp_path / "t.csv", table=table, overwrite=True)
        assert (way, "annotations.a.b") in ways_lost(losses)
        assert (way, "annotations.a.c") not in ways_lost(losses)


def test_fields_of_a_newer_contract_are_lost_too(tmp_path: Path) -> None:
    document = {"kind": "segment", "name": "s", "mood": "good"}
    newer = Entry(schemas.load(document, contract=(1, 99)))
    losses = CsvTables().write(Given(run(newer)), tmp_path / "t.csv", table="segments")
    assert ("r/s", "mood") in ways_lost(losses)


def test_of_a_run_that_was_gone_on_with_the_last_end_is_in_the_table(tmp_path: Path) -> None:
    failed = schemas.RunEnd(ended=datetime(2020, 1, 1, tzinfo=UTC), outcome="failed")
    finished = schemas.RunEnd(ended=datetime(2020, 1, 2, tzinfo=UTC), outcome="finished")
    ends = Entry(failed), Entry(finished)
    head, row = rows(tmp_path / "t.csv", run(*ends))
    assert dict(zip(head, row, strict=True))["outcome"] == "finished"
    losses = CsvTables().write(Given(run(*ends)), tmp_path / "t.csv", overwrite=True)
    assert [loss.reason for loss in losses if loss.field == "run-end"] == [
        "the run was gone on with, and its last end is in the table"
    ]
