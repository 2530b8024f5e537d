"""``neuroarchive parameters``: the sets of an archive, one of them, and what differs."""

from __future__ import annotations

from pathlib import Path

import pytest
import quantities as pq

import archive
from tests.unit.cli_archive import make, run, run_json


@pytest.fixture(scope="module")
def with_sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = make(tmp_path_factory.mktemp("sets") / "fi.nix")
    with archive.open(path, mode="a") as exp:
        base = {"exc": {"tau_m": 10 * pq.ms, "n": 3}, "w": 0.5}
        exp.parameters.save("base [line]", base, "what [all] begins with")
        exp.parameters.save("strong", {**base, "w": 0.7, "exc": {"tau_m": 0.01 * pq.s}})
        exp.run("b", parameters="strong").finish()
    return path


def test_parameters_are_listed(with_sets: Path) -> None:
    out = run("parameters", with_sets).stdout
    assert "fi: 3 parameter sets" in out
    assert "base [line]" in out
    assert (
        "… and 2 more: --limit 3 shows all" in run("parameters", with_sets, "--limit", "1").stdout
    )
    found = run_json("parameters", with_sets)
    assert (found["experiment"], found["total"]) == ("fi", 3)
    assert [one["names"] for one in found["sets"]] == [[], ["base [line]"], ["strong"]]
    assert [one["parameters"] for one in found["sets"]] == [1, 3, 2]
    assert [one["runs"] for one in found["sets"]] == [1, 0, 1]


def test_one_parameter_set(with_sets: Path) -> None:
    out = run("parameters", with_sets, "base [line]").stdout
    for text in ("exc.tau_m", "10.0 ms", "no run has it", "what [all] begins with"):
        assert text in out
    assert "1 run: b" in run("parameters", with_sets, "strong").stdout
    found = run_json("parameters", with_sets, "strong")
    assert list(found) == ["names", "digest", "description", "runs", "values"]
    assert found["values"] == {"exc": {"tau_m": {"value": 0.01, "unit": "s"}}, "w": 0.7}
    assert found["runs"] == ["b"]
    assert run_json("parameters", with_sets, found["digest"][:8]) == found
    assert run_json("parameters", with_sets, "b") == found
    assert "'strong'" in run("parameters", with_sets, "strnog", code=3).stderr


def test_a_difference_of_parameters(with_sets: Path) -> None:
    out = run("parameters", with_sets, "--diff", "base [line]", "b").stdout
    for text in ("removed", "exc.n", "0.5 -> 0.7", "another unit"):
        assert text in out
    found = run_json("parameters", with_sets, "--diff", "base [line]", "strong")
    assert found == {
        "added": {},
        "removed": {"exc.n": 3},
        "changed": {"w": [0.5, 0.7]},
        "rewritten": {"exc.tau_m": [{"value": 10.0, "unit": "ms"}, {"value": 0.01, "unit": "s"}]},
    }
    assert "no difference" in run("parameters", with_sets, "--diff", "strong", "b").stdout
    run("parameters", with_sets, "strong", "--diff", "strong", "b", code=2)
