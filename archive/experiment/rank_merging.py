"""Parts of MPI processes that each have some neurons of every population: made whole again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import zip_longest

import numpy as np

import schemas
from archive.container import Container
from archive.container.layout import OUTCOMES
from archive.container.merge_notes import identity, merges, note_merge
from archive.container.provenance_records import LINEAGE, run_records
from archive.entry import Entry
from archive.experiment.adding import add_annotations
from archive.experiment.joined import run_names
from archive.experiment.joining import joined_segment, same
from archive.experiment.parents import key_of
from archive.experiment.rank_snapshots import add_snapshots, same_snapshots, snapshots_of
from archive.experiment.runs import UNGATHERED

Pieces = dict[str, tuple[Container, int]]  # a segment's row, by part


def is_ungathered(container: Container) -> bool:
    """Whether all that lies in a part are pieces: PyNN did not gather it."""
    rows = np.unique(container.segments.all()["run"]).tolist()
    values = container.session.dataset("data_frames", "values")
    return not len(values) and all(UNGATHERED in container.runs.annotations(row) for row in rows)


def join_ranks(target: Container, parts: Mapping[str, Container]) -> None:
    """Append the segments that parts have pieces of, all in one transaction; parts that were
    merged before are left out."""
    known = merged_ranks(target)
    fresh = {name: part for name, part in parts.items() if identity(part) not in known}
    if not fresh:
        return
    first = len(target.segments)
    with target.transaction() as transaction:
        for run, pieces in _segments(fresh):
            target.add_segments(_run_row(target, run, fresh), [_joined(pieces)])
        for run in dict.fromkeys(name for part in fresh.values() for name in run_names(part)):
            _add_facts(target, _run_row(target, run, fresh), run, fresh)
        experiments = [part.experiment.annotations(0) for part in fresh.values()]
        add_annotations(target, "experiment", 0, experiments, list(fresh))
        for name, part in fresh.items():
            taken = add_snapshots(target, part, name, partial(_run_row, target, parts=fresh))
            span = (len(target.runs), 0, first, len(target.segments) - first, 0, 0, *taken)
            note_merge(target, transaction, part, name, span, joined=True)


def merged_ranks(target: Container) -> dict[str, tuple[int, int]]:
    """The parts that were merged, by id: the first segment here, and how many."""
    return {
        document["id"]: (int(row["segment"]), int(row["segments"]))
        for document, row in merges(target)
        if document["joined"]
    }


def ranks_difference(target: Container, parts: Mapping[str, Container]) -> str | None:
    """The first thing in which what was joined here is not what the parts hold; None if nothing."""
    known = merged_ranks(target)
    groups: dict[tuple[int, int], dict[str, Container]] = {}
    for name, part in parts.items():
        groups.setdefault(known[identity(part)], {})[name] = part
    for name, part in parts.items():
        first, count = snapshots_of(target, part)
        if not same_snapshots(target, first, count, part, name):
            return f"a snapshot of {name} differs"
    for (first, count), group in groups.items():
        names = run_names(target)
        rows = range(first, first + count)
        for row, found in zip_longest(rows, _segments(group)):
            if row is None or found is None:
                return f"they have {sum(1 for _ in _segments(group))} segments, {count} are here"
            run, pieces = found
            if names[int(target.segments[row]["run"])] != run:
                return f"segment {row} belongs to another run than {run!r}"
            whole = _joined(pieces)
            if not _same_segment(
                whole, Entry(target.model("segment", row), parts=target.parts(row))
            ):
                return f"segment {row} of the run {run!r} differs"
    return None


def _same_segment(one: Entry, other: Entry) -> bool:
    pairs = zip_longest(one.parts, other.parts)
    alike = schemas.identical(schemas.dump(one.model), schemas.dump(other.model))
    return alike and all(a is not None and b is not None and same(a, b) for a, b in pairs)


def _segments(parts: Mapping[str, Container]) -> Iterator[tuple[str, Pieces]]:
    """Run by run, the segments of one name in the order in which they were made."""
    found: dict[tuple[str, str | None, int], Pieces] = {}
    order: dict[str, list[tuple[str, str | None, int]]] = {}
    for part, container in parts.items():
        names = run_names(container)
        rows = range(len(container.segments))
        seen: dict[tuple[str, str | None], int] = {}
        for row, document in zip(rows, container.segments.documents(list(rows)), strict=True):
            run, name = names[int(container.segments[row]["run"])], document.get("name")
            number = seen[run, name] = seen.get((run, name), 0) + 1
            key = (run, name, number)
            if key not in found:
                order.setdefault(run, []).append(key)
            found.setdefault(key, {})[part] = (container, row)
    for run, keys in order.items():
        for key in keys:
            yield run, found[key]


def _joined(pieces: Pieces) -> Entry:
    return joined_segment(
        {
            part: Entry(container.model("segment", row), parts=container.parts(row))
            for part, (container, row) in pieces.items()
        }
    )


def _run_row(target: Container, name: str, parts: Mapping[str, Container]) -> int:
    """The row of a run here; it is begun as a part has it if the first process had none."""
    row = target.run_named(name)
    if row is None:
        part = next(one for one in parts.values() if one.run_named(name) is not None)
        there = part.run_named(name)
        assert there is not None
        model = part.model("run", there)
        assert isinstance(model, schemas.Run)
        own = {key: value for key, value in model.annotations.items() if key != UNGATHERED}
        model = model.model_copy(update={"annotations": own})
        row = target.add_run(model, part.run_parameters(there), run_records(part, there))
    return row


def _add_facts(target: Container, row: int, name: str, parts: Mapping[str, Container]) -> None:
    """What the parts say of a run, and of a process that did not finish, how it ended."""
    found, names = [], []
    for part, container in parts.items():
        there = container.run_named(name)
        if there is None:
            continue
        own = container.runs.annotations(there)
        own.pop(UNGATHERED, None)
        ends = [one for one in container.changes("run", there) if isinstance(one, schemas.RunEnd)]
        outcome = OUTCOMES[int(container.runs[there]["outcome"])]
        if outcome != "finished":
            reason = ends[-1].reason if ends else None
            own[f"outcome of {part}"] = outcome if reason is None else f"{outcome}: {reason}"
        found.append(own)
        names.append(part)
    add_annotations(target, "run", row, found, names)
    _add_lineage(target, row, name, parts)


def _add_lineage(target: Container, row: int, name: str, parts: Mapping[str, Container]) -> None:
    """The files that the processes made use of, what they went on from, and what was made of
    them, each once."""
    known = {_alike(one) for one in target.changes("run", row) if isinstance(one, LINEAGE)}
    for container in parts.values():
        there = container.run_named(name)
        for one in () if there is None else container.changes("run", there):
            if isinstance(one, LINEAGE) and _alike(one) not in known:
                target.add_change("run", row, one)
                known.add(_alike(one))


def _alike(one: schemas.Model) -> tuple[object, ...]:
    """What is the same of two processes that note the same thing."""
    if isinstance(one, schemas.Parent):
        return key_of(one)
    return tuple(getattr(one, field, None) for field in ("kind", "role", "path", "digest"))
