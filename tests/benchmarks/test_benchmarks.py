"""The benchmarks at small sizes: they run, they compare equal data, and their arithmetic is right.

Nothing here depends on how fast the machine is.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

import h5py
import numpy as np
import pytest

import archive
from archive.adapters.annarchy import Annarchy
from tests.benchmarks import append_bulk, append_small, query_runs, snapshots
from tests.benchmarks.measure import Disagreement, Row, agree, fresh, interleaved, quartiles
from tests.benchmarks.run import MEASURES, spread, target_text

pytestmark = pytest.mark.benchmark

# What each of them must print a target for.
TARGETS = {
    "aer": [4, 0.5, 0.5, 0.5, 120, 0.5],
    "many_writers": [0.5],
    "append_bulk": [0.75, 0.75, 300, 1.3],
    "append_small": [1.2, 1.5, 1500, 1.2, 1.5, 1500],
    "durable": [1.5, 1.5, 0.8, 1000],
    "query_runs": [3, 1, 3, 1],
    "opening": [15, 15, 15, 15, 2],
    "reading": [1.5, 1.5],
    "snapshots": [0.75, 1.3, 25, 25, 1.05, 0.15],
    "spikes": [5, 5, 20],
    "comparing": [0.1, 8, 8, 2],
    "brian2_capture": [1.5],
    "mat_export": [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
    "capture": [50, 50, 50, 4096, 4096],
}
SIMULATORS = {"brian2_capture": "brian2"}  # what each of them cannot do without


@pytest.mark.slow
@pytest.mark.parametrize("name", MEASURES)
def test_figures_are_taken(name: str, tmp_path: Path, require: Callable[[str], ModuleType]) -> None:
    if name in SIMULATORS:
        require(SIMULATORS[name])
    rows = list(MEASURES[name](tmp_path, quick=True))
    assert [row.limit for row in rows if row.limit is not None] == TARGETS[name]
    for row in rows:
        figures = [*row.ours, *row.theirs]
        assert len(figures) == len(row.ours) * (2 if row.peer else 1)
        assert all(math.isfinite(figure) and figure > 0 for figure in figures), row
        if row.judged != "difference":
            assert all(math.isfinite(figure) and figure > 0 for figure in row.figures), row
        assert bool(row.peer) == (row.judged != "value")
        assert row.met in ((None,) if row.limit is None else (True, False))
    assert list(tmp_path.iterdir()) == []


def test_the_script_prints_a_table_and_writes_all_figures(tmp_path: Path) -> None:
    script, file = Path(__file__).with_name("run.py"), tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, str(script), "--quick", "--only", "spikes", "--json", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "target" in done.stdout
    found = json.loads(file.read_text("utf-8"))
    assert {row["module"] for row in found["rows"]} == {"spikes"}
    assert all(row["figures"] for row in found["rows"])


def row(judged: str, limit: float) -> Row:
    return Row("", "s", (1.0, 2.0, 3.0), "peer", (2.0, 6.0, 3.0), judged, limit)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("judged", "figures", "good", "bad"),
    [
        ("speed", (2.0, 3.0, 1.0), 2.0, 2.1),
        ("cost", (0.5, 1 / 3, 1.0), 0.5, 0.49),
        ("difference", (-1.0, -4.0, 0.0), -1.0, -1.1),
        ("value", (1.0, 2.0, 3.0), 2.0, 1.9),
    ],
)
def test_what_is_judged(judged: str, figures: tuple[float, ...], good: float, bad: float) -> None:
    assert row(judged, good).figures == figures
    assert row(judged, good).met is True
    assert row(judged, bad).met is False
    assert target_text(row(judged, good)).startswith("≥" if judged == "speed" else "≤")


def test_quartiles() -> None:
    assert quartiles((1.0, 2.0, 3.0, 4.0, 5.0)) == (2.0, 3.0, 4.0)
    assert quartiles((7.0,)) == (7.0, 7.0, 7.0)
    assert spread((1.0, 2.0, 3.0)) == "2 [1.5 – 2.5]"


def test_takes_are_interleaved_in_changing_order() -> None:
    order: list[str] = []

    def take(name: str, number: int) -> float:
        order.append(f"{number}{name}")
        return float(len(order))

    takes = {name: partial(take, name) for name in "ab"}
    found = interleaved(20, takes)
    assert set(order[:2]) == {"0a", "0b"}  # not counted
    counted = list(range(2, 42, 2))
    assert [set(order[at : at + 2]) for at in counted] == [{f"{n}a", f"{n}b"} for n in range(20)]
    assert 3 < sum(order[at].endswith("a") for at in counted) < 17
    for name, figures in found.items():
        assert figures == tuple(1.0 + order.index(f"{n}{name}", 2) for n in range(20))


def test_other_data_is_no_comparison(tmp_path: Path) -> None:
    agree("same", [1.0, 2.0], np.array([1.0, 2.0]))
    for other in ([1.0, 3.0], [1.0], [[1.0, 2.0]]):
        with pytest.raises(Disagreement, match="what"):
            agree("what", [1.0, 2.0], other)
    ours, raw = tmp_path / "a.nix", tmp_path / "a.h5"
    data = append_bulk.recording(append_bulk.QUICK)
    append_bulk.append_next(ours, data)
    append_bulk.write_raw(raw, data)
    append_bulk.check(ours, raw)
    with h5py.File(raw, "r+") as file:
        file["values"][3, 4] += 1e-9
    with pytest.raises(Disagreement, match="values of segment 0"):
        append_bulk.check(ours, raw)


def test_a_lost_segment_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "a.nix"
    append_small.append_all(path, 3, append_small.through_put())
    append_small.check(path, 3)
    with pytest.raises(Disagreement, match="4 segments went in, 3 are there"):
        append_small.check(path, 4)
    with archive.open(path, "a") as exp:
        exp.segments[-1].annotate(trial=7)
    with pytest.raises(Disagreement, match="annotations"):
        append_small.check(path, 3)


def test_a_wrong_answer_is_seen(tmp_path: Path) -> None:
    path, facts = tmp_path / "a.h5", query_runs.facts_of_runs(100)
    query_runs.write_raw(path, facts)
    found = query_runs.query_raw(str(path), "0.1").rows
    assert found == query_runs.right_answer(facts, 0.1) != query_runs.right_answer(facts, 0.2)
    with pytest.raises(Disagreement, match="query_raw"):
        query_runs.ask(query_runs.query_raw, path, 0.1, found[:-1], 0)


@pytest.mark.parametrize("suffix", [".npz", ".gz"])
def test_what_annarchys_calls_write_is_the_same_network(tmp_path: Path, suffix: str) -> None:
    path, arrays = tmp_path / f"network{suffix}", snapshots.connections(100, 5000)
    assert snapshots.save_annarchy(path, snapshots.annarchy_network(arrays), 0) > 0
    (snapshot,) = Annarchy().read(path)
    (projection,) = (part for part in snapshot.parts if part.model.kind == "projection")
    assert set(projection.arrays) >= set(arrays)
    for name, array in arrays.items():
        agree(name, projection.arrays[name], array)


def test_a_function_runs_in_a_fresh_process(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        fresh(query_runs.query_raw, tmp_path / "missing.h5", 0)
