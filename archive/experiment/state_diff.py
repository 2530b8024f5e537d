"""In what the snapshots of two runs differ, connectivity among it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from archive.container import Pooled
from archive.container.digests import array_digest
from archive.experiment.data_diff import paired
from archive.experiment.document_diff import fact_text, facts, one_line, plain_fact, verdict_of
from archive.experiment.runs import Run, Snapshot
from archive.experiment.segment_contents import not_as_written
from archive.experiment.snapshot_diff import ArrayDiff, FactDiff, SnapshotDiff, difference
from archive.experiment.verdict import CLOSE, DIFFERENT, EQUAL, Verdict, worst

# What the difference of states says itself, and when it was taken by the clock on the wall.
IGNORED = ("taken", "simulator", "time_step", "populations", "projections", "constants", "native")


@dataclass(frozen=True, slots=True)
class StateDiff:
    """In what a snapshot of the second run differs from that of the first: `facts` of itself, as
    its time, and its `state`, connections included; None of one that only one of the runs has."""

    name: str
    verdict: Verdict
    facts: tuple[FactDiff, ...] = ()
    state: SnapshotDiff | None = None

    def lines(self) -> Iterator[str]:
        """What differs, a line for each thing."""
        yield from map(fact_text, self.facts)
        if self.state is None:
            return
        yield from (f"{one_line(name)}: only in the first" for name in self.state.only_first)
        yield from (f"{one_line(name)}: only in the second" for name in self.state.only_second)
        for found in (*self.state.connections, *self.state.arrays):
            yield one_line(str(found))
        yield from map(fact_text, self.state.facts)

    def __str__(self) -> str:
        return "\n  ".join([one_line(f"{self.name}: {self.verdict}"), *self.lines()])

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain dicts and lists."""
        said: dict[str, Any] = {"name": self.name, "verdict": self.verdict}
        said["facts"] = [plain_fact(fact) for fact in self.facts]
        if self.state is not None:
            said["only_first"] = list(self.state.only_first)
            said["only_second"] = list(self.state.only_second)
            said["connections"] = [
                {"name": one.name, "added": one.added, "removed": one.removed}
                for one in self.state.connections
            ]
            said["arrays"] = [
                {
                    "name": one.name,
                    "differing": one.count,
                    "size": one.size,
                    "largest": one.largest,
                    "reason": one.reason,
                }
                for one in self.state.arrays
            ]
            said["state_facts"] = [plain_fact(fact) for fact in self.state.facts]
        return said


def compare_states(
    one: Run, other: Run, *, tolerance: float | None, deep: bool
) -> tuple[int, list[StateDiff]]:
    """How many snapshots both runs have, and in what these differ; those of one name, then those
    of one place. With `deep` all arrays are read, and CorruptArchive is raised if one is not what
    was written."""
    mine, theirs = list(one.snapshots), list(other.snapshots)
    for snapshot in [*mine, *theirs] if deep else []:
        _read(snapshot)
    pairs = paired([s.name for s in mine], [s.name for s in theirs], rest=True)
    found: list[StateDiff] = []
    for left, right in pairs:
        if left is None or right is None:
            which = "second" if left is None else "first"
            name = _name(mine[left] if left is not None else theirs[right or 0])
            there = FactDiff(f"only in the {which}", left is not None, right is not None)
            found.append(StateDiff(name, DIFFERENT, (there,)))
        else:
            found += _one(mine[left], theirs[right], tolerance)
    return sum(None not in pair for pair in pairs), found


def _read(snapshot: Snapshot) -> None:
    for part in snapshot.entry().parts:
        for name, array in part.arrays.items():
            if isinstance(array, Pooled):
                digest = array_digest({"array": np.asarray(array)}).decode()
                if digest != array.digest:
                    raise not_as_written(snapshot._container.path, f"{_name(snapshot)}: {name}")


def _name(snapshot: Snapshot) -> str:
    return f"snapshot {snapshot.index if snapshot.name is None else snapshot.name}"


def _one(one: Snapshot, other: Snapshot, tolerance: float | None) -> Iterator[StateDiff]:
    mine, theirs = one.entry(), other.entry()
    said = tuple(facts(mine.model, theirs.model, ignored=IGNORED))
    state = difference(mine, theirs)
    verdict = worst([*map(verdict_of, said), _verdict(state, tolerance)])
    if said or not state.identical:
        yield StateDiff(_name(one), verdict, said, state)


def _verdict(state: SnapshotDiff, tolerance: float | None) -> Verdict:
    found = [DIFFERENT for _ in (*state.only_first, *state.only_second)]
    return worst(
        [
            *found,
            *(DIFFERENT if one.added or one.removed else EQUAL for one in state.connections),
            *(_of_array(one, tolerance) for one in state.arrays),
            *map(verdict_of, state.facts),
        ]
    )


def _of_array(found: ArrayDiff, tolerance: float | None) -> Verdict:
    if found.reason is not None:
        return DIFFERENT
    if found.largest == 0:
        return EQUAL
    return CLOSE if found.largest <= found.scale * (tolerance or 0.0) else DIFFERENT
