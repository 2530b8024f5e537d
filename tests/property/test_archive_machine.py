"""The archive against a plain list of dicts, through any series of steps."""

from __future__ import annotations

import math
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

import archive
import schemas
from archive import Entry
from archive.container import layout

KEYS = st.sampled_from("abc")
VALUES = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([-1.5, 0.0, 2.5, math.inf]),
    st.booleans(),
    st.sampled_from(["", "x", "y", "x" * 300, "a\0b"]),
    st.none(),
    st.builds(schemas.Quantity, st.sampled_from([-1.5, 0.0, 2.5]), st.sampled_from(["mV", "nA"])),
    st.lists(st.integers(0, 3), max_size=2),
)
FACTS = st.dictionaries(KEYS, VALUES, max_size=3)
PARTS = st.lists(
    st.tuples(
        st.sampled_from(["signal", "spikes", "events"]),
        st.sampled_from(["p", "q"]),
        st.integers(0, 5),  # rows
        st.sampled_from(["f4", "f8"]),
        st.integers(0, 2),  # channels
    ),
    max_size=3,
    unique_by=lambda part: part[:2],
)


class Undo(Exception):
    """Raised inside a transaction to see it undone."""


def made(part: tuple[str, str, int, str, int], seed: int) -> Entry:
    kind, population, rows, dtype, channels = part
    numbers: npt.NDArray[Any] = np.random.default_rng(seed).normal(size=(rows, channels))
    times = np.sort(np.random.default_rng(seed).uniform(size=rows)).astype(dtype)
    if kind == "signal":
        signal = schemas.Signal(population=population, variable="v", unit="mV", sampling_period=0.5)
        values = numbers.astype(dtype)
        return Entry(signal, {"values": values, "channels": np.arange(channels) + 7})
    if kind == "spikes":
        trains = schemas.SpikeTrains(
            population=population, variable="spikes", size=channels + 1, t_stop=1.0
        )
        channel = np.arange(channels + 1) * 2
        arrays = {"times": times, "neuron": np.full(rows, channels), "channels": channel}
        return Entry(trains, arrays)
    labels = np.array([f"l{number % 2}" for number in range(rows)], dtype=object)
    return Entry(schemas.Event(population=population, variable="e"), {
        "times": times.astype("f8"), "labels": labels,
    })  # fmt: skip


def shown(entry: Entry) -> tuple[Any, dict[str, Any]]:
    arrays = {name: np.asarray(array) for name, array in entry.arrays.items()}
    return schemas.dump(entry.model), {
        name: (array.shape, array.tolist(), array.dtype.str if name in ("values", "times") else "")
        for name, array in arrays.items()
    }


class ArchiveMachine(RuleBasedStateMachine):
    runs = Bundle("runs")

    @initialize(batch=st.sampled_from([1, 3, 256]), limit=st.sampled_from([2, 6, 512]))
    def create(self, batch: int, limit: int) -> None:
        self.former = layout.INDEX_BATCH, layout.COLUMN_LIMIT
        layout.INDEX_BATCH, layout.COLUMN_LIMIT = batch, limit  # type: ignore[misc]  # both paths
        self.folder = Path(tempfile.mkdtemp())
        self.exp = archive.open(self.folder / "exp.nix", "x", durability="close")
        self.run_facts: list[dict[str, Any]] = []
        self.segments: list[tuple[int, dict[str, Any], list[Any]]] = []
        self.seed = 0

    def teardown(self) -> None:
        if hasattr(self, "exp"):
            self.exp.close()
            layout.INDEX_BATCH, layout.COLUMN_LIMIT = self.former  # type: ignore[misc]  # as before
            shutil.rmtree(self.folder)

    def append(self, run: int, facts: dict[str, Any], parts: list[Any]) -> list[Any]:
        self.seed += 1
        entries = [made(part, self.seed) for part in parts]
        segment = Entry(schemas.Segment(annotations=facts), parts=entries)
        self.exp.run(f"r{run}", resume=True).put([segment])
        return [shown(entry) for entry in entries]

    @rule(target=runs, facts=FACTS)
    def begin(self, facts: dict[str, Any]) -> int:
        run = self.exp.run(f"r{len(self.run_facts)}", annotations=facts)
        self.run_facts.append(dict(facts))
        return run.index

    @rule(run=runs, facts=FACTS, parts=PARTS)
    def append_segment(self, run: int, facts: dict[str, Any], parts: list[Any]) -> None:
        self.segments.append((run, dict(facts), self.append(run, facts, parts)))

    @rule(run=runs, facts=FACTS, parts=PARTS, other=FACTS)
    def undo(self, run: int, facts: dict[str, Any], parts: list[Any], other: Any) -> None:
        try:
            with self.exp.transaction():
                self.exp.runs[run].annotate(other, remove=["a"])
                self.append(run, facts, parts)
                self.exp.run("undone", annotations=facts)
                raise Undo
        except Undo:
            pass

    @rule(run=runs, facts=FACTS, gone=st.lists(KEYS, max_size=2))
    def annotate_run(self, run: int, facts: dict[str, Any], gone: list[str]) -> None:
        self.exp.runs[run].annotate(facts, remove=[key for key in gone if key not in facts])
        change(self.run_facts[run], facts, gone)

    @precondition(lambda self: self.segments)
    @rule(data=st.data(), facts=FACTS, gone=st.lists(KEYS, max_size=2))
    def annotate_segment(self, data: Any, facts: dict[str, Any], gone: list[str]) -> None:
        number = data.draw(st.integers(0, len(self.segments) - 1))
        self.exp.segments[number].annotate(facts, remove=[k for k in gone if k not in facts])
        change(self.segments[number][1], facts, gone)

    @rule(mode=st.sampled_from(["r", "a"]))
    def reopen(self, mode: Any) -> None:
        self.exp.close()
        if mode == "r":
            self.exp = archive.open(self.folder / "exp.nix")
            self.check_all()
            self.exp.close()
        self.exp = archive.open(self.folder / "exp.nix", "a", durability="close")

    @precondition(lambda self: self.segments)
    @rule(key=KEYS, limit=st.sampled_from([-1, 0, 2]), unit=st.sampled_from(["mV", "nA", ""]))
    def query(self, key: str, limit: int, unit: str) -> None:
        seen = [{**self.run_facts[run], **facts} for run, facts, _ in self.segments]
        if any(key in facts for facts in seen):
            wanted = [number for number, facts in enumerate(seen) if key in facts]
            assert self.exp.segments.where(f"exists({key})").rows.tolist() == wanted
        wanted = [number for number, f in enumerate(seen) if above(f.get(key), limit, unit)]
        try:
            found = self.exp.segments.where(f"{key} > {limit} {unit}").rows.tolist()
        except archive.QueryError:
            assert not wanted
        else:
            assert found == wanted

    @invariant()
    def counts(self) -> None:
        if hasattr(self, "exp"):
            assert len(self.exp.runs) == len(self.run_facts)
            assert len(self.exp.segments) == len(self.segments)

    @rule()
    def check_all(self) -> None:
        rows = self.exp._container
        for number, facts in enumerate(self.run_facts):
            assert schemas.identical(rows.runs.annotations(number), facts)
            assert self.exp.runs[f"r{number}"].index == number
            mine = [n for n, (run, _, _) in enumerate(self.segments) if run == number]
            assert self.exp.runs[number].segments.rows.tolist() == mine
            names = [segment.name for segment in self.exp.runs[number].segments]
            assert names == [f"segment{n:03d}" for n in range(len(mine))]
        for segment, (run, facts, parts) in zip(self.exp.segments, self.segments, strict=True):
            assert segment.run.index == run
            assert schemas.identical(rows.segments.annotations(segment.index), facts)
            inside = (part for part in segment.to_entry().parts)
            assert [shown(p) for p in inside if isinstance(p.model, schemas.Part)] == parts


def change(known: dict[str, Any], facts: dict[str, Any], gone: list[str]) -> None:
    for key in gone:
        if key not in facts:
            known.pop(key, None)
    known.update(facts)


def above(value: Any, limit: int, unit: str) -> bool:
    if isinstance(value, schemas.Quantity):
        assert isinstance(value.value, float)
        return value.unit == unit and value.value > limit
    return type(value) in (int, float) and not unit and value > limit


TestArchive = ArchiveMachine.TestCase
TestArchive.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
