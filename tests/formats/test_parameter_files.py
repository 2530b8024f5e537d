"""Files of parameter sets: ANNarchy's JSON, plain JSON and YAML, in both directions."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import quantities as pq
from hypothesis import given, settings, strategies as st

import archive
from archive.adapters import parameter_files, reader_for, writer_for
from archive.adapters.measured import from_plain, to_plain
from archive.errors import ArchiveWarning, FormatError
from archive.experiment.parameter_set import ParameterSet, as_model
from schemas import ParameterSet as ParameterModel, identical
from tests.property.test_value_round_trip import NAMES, VALUES

DATA = Path(__file__).resolve().parents[1] / "data/annarchy_parameters"
RICH: dict[str, Any] = {
    "exc": {"tau_m": 10.0 * pq.ms, "v": np.arange(6.0).reshape(2, 3) * pq.mV, "n": 4 * pq.nA},
    "small": np.float32(0.1) * pq.uS,
    "array": np.array([1, 2], "u2"),
    "none": None,
    "text": "1e-3",
    "yes": ["yes", "no", "on", "1:30", "0x10", "null", "~", "2001-01-01", "<<", "=", ""],
    "numbers": [1e-7, 1.0, -0.0, 12345678901234567890, True, 5],
    "nan": float("nan"),
    "complex": 1 + 2j,
    "bytes": b"\0\1",
    "looks like one": {"value": 3, "unit": "apples"},
    "tags": {"$tag": {"$float": "x", "inner": {"value": 1.0 * pq.ms, "unit": 2}}},
    "no axis": np.array(3.0),
    "empty": {"dict": {}, "list": [], "array": np.zeros((0, 3)), "measured": np.zeros(0) * pq.s},
    "µ ☃": "µ ☃ \n\t\"'",
}


def write(folder: Path, text: str | bytes, name: str = "p.json") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.fixture
def exp(tmp_path: Path) -> Iterator[archive.Experiment]:
    with archive.open(tmp_path / "e.nix", "a") as opened:
        yield opened


# -- ANNarchy ------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["4.8.2.7", "5.0.4.1"])
def test_files_of_annarchy_come_back_the_same(
    exp: archive.Experiment, tmp_path: Path, version: str
) -> None:
    original = DATA / f"network-{version}.json"
    found = exp.parameters.load(original)
    assert found.name == f"network-{version}"
    assert found["populations"]["exc"]["tau_nmda"] == 150.0
    assert found["projections"]["const"] == {}
    assert found["constants"] == {"mu": 0.5}
    assert found.export(tmp_path / "back.json", "annarchy") == []
    assert (tmp_path / "back.json").read_text() == original.read_text() + "\n"
    assert exp.parameters.load(tmp_path / "back.json") == found
    assert len(exp.parameters) == 1


def test_files_of_annarchy_are_found_by_how_they_begin(tmp_path: Path) -> None:
    for path in sorted(DATA.glob("*.json")):
        assert reader_for(path).name == "annarchy-parameters"
    other = tmp_path / "other.json"
    other.write_text('{"populations": 3}')
    with pytest.raises(FormatError, match="no format"):
        reader_for(other)


def test_commas_as_in_the_documentation_are_read(exp: archive.Experiment, tmp_path: Path) -> None:
    with pytest.warns(ArchiveWarning, match="lines 6, 11, 16, 17;"):
        found = exp.parameters.load(DATA / "documentation.json")
    assert found["projections"]["PFC_exc_to_inh"] == {"tau_plus": 20.0, "A_minus": 6.6e-05}
    assert found["network"] == {"r_min": 0.1, "labels": ["a, ]", None, {"deep": [1, 2]}]}
    assert "constants" not in found
    with pytest.warns(ArchiveWarning, match="empty dict for 'network', as 'labels' is no number"):
        assert found.export(tmp_path / "back.json", "annarchy") == []
    back = json.loads((tmp_path / "back.json").read_text())
    assert back == {**found, "constants": {}}
    assert list(back) == ["populations", "projections", "network", "constants"]


def test_units_become_numbers_and_are_named(tmp_path: Path) -> None:
    found = ParameterSet(
        as_model(
            {
                "populations": {
                    "exc": {"tau": 0.01 * pq.s, "v": -70.0 * pq.mV, "n": 3, "on": True},
                    "odd": 3,
                },
                "projections": {"p": {"small": np.float32(0.5), "bad": np.nan, "t": "text"}},
                "network": {"seed": 3 * pq.ms, "free": [1, "a", None], "b": b"x"},
                "constants": {"mu": 1.0},
                "dt": 100.0 * pq.us,
                "mu": 2.0,
                "exc": {"tau": 1.0},
            },
            "test",
        )
    )
    path = tmp_path / "p.json"
    with pytest.warns(ArchiveWarning, match="'free' is no number"):
        losses = [str(loss) for loss in found.export(path, "annarchy")]
    assert losses == [
        "populations.exc.tau: unit: 0.01 s becomes 10.0, without a unit",
        "populations.exc.v: unit: -70.0 mV becomes -70.0, without a unit",
        "populations.odd: value: it is no dict of parameters",
        "projections.p.small: dtype: <f4 becomes a number of JSON",
        "projections.p.bad: value: JSON has no nan",
        "projections.p.t: value: str is no number",
        "network.seed: unit: 3.0 ms becomes 3.0, without a unit",
        "network.b: value: bytes is no number",
        "dt: unit: 100.0 us becomes 0.1, without a unit",
        "mu: value: there is a constant of this name, too",
        "exc: place: is it a population or a projection? It must stand in one of these groups",
    ]
    assert json.loads(path.read_text()) == {
        "populations": {"exc": {"tau": 10.0, "v": -70.0, "n": 3, "on": True}},
        "projections": {"p": {"small": 0.5}},
        "network": {"seed": 3, "free": [1, "a", None]},
        "constants": {"mu": 1.0, "dt": 0.1},
    }
    with pytest.raises(FormatError, match="11 losses"), warnings.catch_warnings(action="ignore"):
        found.export(tmp_path / "strict.json", "annarchy", strict=True)
    assert not (tmp_path / "strict.json").exists()


@pytest.mark.parametrize("value", [np.arange(3), np.arange(3) * pq.ms, [1, 2]], ids=repr)
def test_arrays_are_refused_with_a_way_out(tmp_path: Path, value: Any) -> None:
    found = ParameterSet(as_model({"populations": {"exc": {"w": value}}}, "test"))
    with pytest.raises(FormatError, match=r"(?s)populations\.exc\.w.*array.*snapshot"):
        found.export(tmp_path / "p.json", "annarchy")
    assert not (tmp_path / "p.json").exists()


# -- what is no such file ------------------------------------------------------------------------

BAD: dict[str, tuple[str, str]] = {
    "nothing": ("", r"line 1, column 1: this is no JSON"),
    "cut off": ('{"a": {"b": 1', "line 1, column 14"),
    "a list": ("[1, 2]", "names and values, not a list"),
    "a number": ("3", "names and values, not a int"),
    "a quantity": ('{"value": 3, "unit": "ms"}', "a single value, and no names"),
    "two of a key": ('{"a": {"b": 1,\n "b": 2}}', "key 'b' stands twice"),
    "NaN": ('{"a": NaN}', "NaN is no JSON"),
    "infinity": ('{"a": -Infinity}', "Infinity is no JSON"),
    "too large": ('{"a": 1e999}', "1e999 is beyond"),
    "many digits": ('{"a": ' + "1" * 5000 + "}", "number cannot be read"),
    "two commas": ('{"a": [1,,]}', "line 1, column 1"),
    "only a comma": ("{,}", "this is no JSON"),
    "comment": ('{"a": 1} // b', "this is no JSON"),
    "deep": ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested"),
    "rather deep": ('{"a": ' + "[" * 80 + "]" * 80 + "}", "nested deeper than 64"),
    "no unit": ('{"a": {"b": {"value": 1, "unit": "apples"}}}', r"a\.b: .*apples"),
    "unit of a number": ('{"a": {"value": 1, "unit": 3}}', "a unit is text"),
    "ragged": ('{"a": {"value": [[1], [1, 2]], "unit": "ms"}}', "a: "),
    "no dtype": ('{"a": {"value": [1], "dtype": "object"}}', "'object' is no dtype"),
    "wrong dtype": ('{"a": {"value": [300], "dtype": "|u1"}}', "a: "),
    "tag": ('{"a": {"$pickle": "x"}}', "unknown tag"),
    "array of a lie": (
        '{"a": {"$array": {"dtype": "<f8", "shape": [9000000000], "data": ""}}}', "72000000000"
    ),
    "half a pair": ('{"a": "\\ud800"}', "surrogate"),
    "forbidden name": ('{"a/b": 1}', "'/'"),
    "no name": ('{"": 1}', "empty"),
    "unknown group": ('{"populations": {}, "projections": {}, "x": 1}', "no group 'x'"),
    "array": ('{"populations": {"e": {"w": [1]}}}', r"(?s)populations\.e\.w.*snapshot"),
    "text": ('{"projections": {"e": {"w": "1"}}}', r"projections\.e\.w: .*not text"),
    "null": ('{"populations": {"e": {"w": null}}}', r"not null"),
    "no object": ('{"populations": {"e": 3}}', r"populations\.e: .*names, not a number"),
    "constants": ('{"populations": {}, "constants": {"c": true, "d": "x"}}', r"constants\.d"),
    "no constants": ('{"populations": {}, "constants": 3}', "constants: "),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_refused_and_nothing_changes(tmp_path: Path, case: str) -> None:
    text, said = BAD[case]
    path = write(tmp_path, text)
    target = tmp_path / "e.nix"
    archive.open(target, "a").close()
    before = target.read_bytes()
    format = "annarchy" if case == "unknown group" else None
    with archive.open(target, "a") as exp:
        with pytest.raises(FormatError, match=said) as raised:
            exp.parameters.load(path, format=format)
        assert raised.value.path == str(path)
        assert len(exp.parameters) == 0
    assert target.read_bytes() == before


def test_what_cannot_be_read_at_all(exp: archive.Experiment, tmp_path: Path) -> None:
    with pytest.raises(archive.ArchiveNotFound, match="no such file"):
        exp.parameters.load(tmp_path / "none.json")
    with pytest.raises(FormatError, match="it is no file"):
        exp.parameters.load(tmp_path, format="json")
    with pytest.raises(FormatError, match=r"(?s)no text in UTF-8.*save\(\)"):
        exp.parameters.load(write(tmp_path, b'{"a": "\xff"}'))
    with pytest.raises(FormatError, match=r"(?s)suffix '\.ini'.*json, yaml, annarchy"):
        exp.parameters.load(write(tmp_path, "{}", "p.ini"))
    with pytest.raises(FormatError, match="no format 'toml'"):
        exp.parameters.load(write(tmp_path, "{}"), format="toml")
    large = write(tmp_path, "{" + " " * (1 << 24) + "}")
    with pytest.raises(FormatError, match="at most 16777216 bytes"):
        exp.parameters.load(large)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.json")
        with pytest.raises(FormatError, match="it is no file"):
            exp.parameters.load(tmp_path / "pipe.json")


def test_a_mark_and_commas_in_texts_are_no_trouble(exp: archive.Experiment, tmp_path: Path) -> None:
    path = write(tmp_path, b'\xef\xbb\xbf{"a": ",]", "b\\"": "\\\\", "c": [1 , ], "d": ",}"\n,}')
    with pytest.warns(ArchiveWarning, match="lines 1, 2;"):
        found = exp.parameters.load(path)
    assert found == {"a": ",]", 'b"': "\\", "c": [1], "d": ",}"}


def test_what_looks_like_annarchy_is_read_as_json_if_told(
    exp: archive.Experiment, tmp_path: Path
) -> None:
    path = write(tmp_path, '{"populations": {"e": {"w": [1]}}}')
    assert exp.parameters.load(path, format="json") == {"populations": {"e": {"w": [1]}}}
    measured = {"populations": {"e": {"tau": 10.0 * pq.ms}}, "projections": {}}
    exp.parameters.save("measured", measured).export(tmp_path / "m.json")
    assert exp.parameters.load(tmp_path / "m.json")["populations.e.tau"] == 10 * pq.ms


# -- JSON and YAML -------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".json", ".yaml", ".yml"])
def test_all_values_come_back(
    exp: archive.Experiment, tmp_path: Path, suffix: str, require: Callable[[str], ModuleType]
) -> None:
    require("yaml")
    path = tmp_path / f"rich{suffix}"
    saved = exp.parameters.save("rich", RICH)
    assert saved.export(path) == []
    assert exp.parameters.load(path) == saved
    with pytest.raises(archive.AlreadyExists, match="file exists"):
        saved.export(path)
    assert saved.export(path, overwrite=True) == []
    text = path.read_text("utf-8")
    if suffix == ".json":
        document = json.loads(text)
        assert document["exc"]["tau_m"] == {"value": 10.0, "unit": "ms"}
        assert document["exc"]["v"] == {"value": [[0, 1, 2], [3, 4, 5]], "unit": "mV"}
        assert document["array"] == {"value": [1, 2], "dtype": "<u2"}


@given(values=st.dictionaries(NAMES, VALUES, max_size=4), yaml=st.booleans())
@settings(max_examples=60)
def test_any_values_come_back(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, Any], yaml: bool
) -> None:
    model = ParameterModel(values=values)
    path = tmp_path_factory.mktemp("any") / ("p.yaml" if yaml else "p.json")
    parameter_files.write(model, path)
    format = None if yaml else "json"
    assert identical(parameter_files.read(path, format).values, model.values)
    assert identical(from_plain(json.loads(json.dumps(to_plain(values)))), values)


def test_yaml_as_people_write_it(
    exp: archive.Experiment, tmp_path: Path, require: Callable[[str], ModuleType]
) -> None:
    require("yaml")
    text = """
# a comment
defaults: &cell
  tau: {value: 10, unit: ms}
  w: 1e-3
exc:
  <<: *cell
  w: .5
  n: 0x10
  at: 1:30
inh: *cell
positions: {value: [[0, 1], [2, 3]], unit: um}
nan: .nan
when: 2026-01-02T03:04:05
"""
    found = exp.parameters.load(write(tmp_path, text, "cells.yaml"))
    assert found["inh"] == {"tau": 10 * pq.ms, "w": 0.001}
    assert found["exc"] == {"tau": 10 * pq.ms, "w": 0.5, "n": 16, "at": "1:30"}
    assert found["positions"].shape == (2, 2)
    assert np.isnan(found["nan"])


BOMB = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)
BAD_YAML = {
    "code": ("a: !!python/object/apply:os.system ['touch hacked']", "python/object/apply"),
    "bomb": (BOMB, "aliases stand for more than"),
    "itself": ("a: &a [*a]", "contains itself"),
    "deep": ("a: " + "[" * 70 + "]" * 70, "nested deeper than 64"),
    "very deep": ("a: " + "[" * 100_000, "nested deeper|depth"),
    "very deep blocks": ("\n".join(" " * n + "a:" for n in range(1200)), "nested deeper|depth"),
    "two of a key": ("a: 1\nb: 2\na: 3", "key 'a' stands twice in the mapping of line 1"),
    "two documents": ("a: 1\n---\nb: 2", "single document"),
    "a number as key": ("1: 2", "must be text, not int 1"),
    "yes as key": ("a: {yes: 2}", "(?s)a: .*must be text, not bool True.*quotes"),
    "a date": ("a: 2026-01-02", "datetime.date is no annotation value"),
    "a list": ("- 1", "not a list"),
    "nothing": ("", "not a NoneType"),
    "tab": ("a:\n\t- 1", "cannot be read as YAML"),
    "no unit": ("a: {value: 1, unit: apples}", "apples"),
    "set": ("a: !!set {b, c}", "set is no annotation value"),
    "unhashable": ("? [1, 2]\n: 3", "cannot be read as YAML"),
}


@pytest.mark.parametrize("case", BAD_YAML)
def test_bad_yaml_is_refused(
    exp: archive.Experiment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    case: str,
    require: Callable[[str], ModuleType],
) -> None:
    require("yaml")
    monkeypatch.chdir(tmp_path)
    text, said = BAD_YAML[case]
    with pytest.raises(FormatError, match=said):
        exp.parameters.load(write(tmp_path, text, "p.yaml"))
    assert not (tmp_path / "hacked").exists()
    assert len(exp.parameters) == 0


def test_yaml_without_its_package_says_what_to_install(
    exp: archive.Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from archive.adapters import yaml_parameters

    yaml_parameters._classes.cache_clear()
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(archive.MissingPackage, match=r"(?s)PyYAML.*neuroarchive\[yaml\]"):
        exp.parameters.load(write(tmp_path, "a: 1", "p.yaml"))
    with pytest.raises(archive.MissingPackage):
        exp.parameters.save("a", {"a": 1}).export(tmp_path / "q.yaml")


# -- as adapters ---------------------------------------------------------------------------------


def test_an_experiment_with_one_set_can_be_exported(
    exp: archive.Experiment, tmp_path: Path
) -> None:
    path = tmp_path / "p.json"
    with pytest.raises(FormatError, match="there are 0"):
        exp.export(path, "json-parameters")
    for number in range(2):
        exp.run(parameters={"x": 1}).finish()
        assert exp.export(path, "json-parameters", overwrite=bool(number)) == []
    assert json.loads(path.read_text()) == {"x": 1}
    exp.run(parameters={"x": 2}).finish()
    with pytest.raises(FormatError, match="holds one parameter set, and there are 2"):
        exp.export(tmp_path / "q.json", "json-parameters")
    (entry,) = writer_for(path, "json-parameters").read(path)  # type: ignore[attr-defined]
    assert entry.model.values == {"x": 1}
