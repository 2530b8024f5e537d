"""In what the data of two runs differ: segments, and what was recorded in each."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from archive.experiment.document_diff import facts, verdict_of
from archive.experiment.part_comparison import compare_parts
from archive.experiment.part_diff import PartDiff, only_in
from archive.experiment.runs import Run, Segment
from archive.experiment.snapshot_diff import FactDiff
from archive.experiment.verdict import EQUAL, Verdict, worst

Pair = tuple[int | None, int | None]

# When a segment was recorded is never the same.
IGNORED = ("recorded",)


@dataclass(frozen=True, slots=True)
class DataDiff:
    """In what the data differ: `segments` that only one has, or that say something else, and
    `parts` that are not the same. `compared` is how many parts both have."""

    segments: tuple[FactDiff, ...]
    parts: tuple[PartDiff, ...]
    compared: int
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """How much all of them differ."""
        return worst(
            [
                *map(verdict_of, self.segments),
                *(part.verdict for part in self.parts),
                *(EQUAL for _ in self.notes),
            ]
        )


def compare_data(one: Run, other: Run, *, tolerance: float | None, deep: bool) -> DataDiff:
    """In what the segments of two runs differ: those of one name, then those of one place."""
    found: list[FactDiff] = []
    parts: list[PartDiff] = []
    notes: list[str] = []
    compared = 0
    mine, theirs = one.segments, other.segments
    pairs = paired(mine.names, theirs.names, rest=True)
    if not _in_order(pairs):
        notes.append("the segments are in another order")
    for left, right in pairs:
        if left is None or right is None:
            segment = mine[left] if left is not None else theirs[right or 0]
            found.append(_only(f"segment {segment.name}", left is not None))
            continue
        found += _segment_facts(mine[left], theirs[right])
        number, own, note = _parts(mine[left], theirs[right], tolerance, deep)
        compared += number
        parts += own
        notes += note
    return DataDiff(tuple(found), tuple(parts), compared, tuple(notes))


def paired(left: Sequence[Hashable], right: Sequence[Hashable], *, rest: bool) -> list[Pair]:
    """Positions of those that have the same key, in their order; with `rest` then, of what is
    left over, those of the same place among these."""
    free: dict[Hashable, list[int]] = {}
    for at, key in enumerate(right):
        free.setdefault(key, []).append(at)
    pairs: list[Pair] = [(at, _next(free.get(key))) for at, key in enumerate(left)]
    spare = sorted(at for places in free.values() for at in places)
    if rest:
        pairs = [(at, spare.pop(0) if there is None and spare else there) for at, there in pairs]
    return [*pairs, *((None, at) for at in spare)]


def _next(places: list[int] | None) -> int | None:
    return places.pop(0) if places else None


def _in_order(pairs: Sequence[Pair]) -> bool:
    places = [right for left, right in pairs if left is not None and right is not None]
    return all(before < after for before, after in pairwise(places))


def _only(name: str, in_first: bool) -> FactDiff:
    there, none = "recorded", None
    return FactDiff(name, *((there, none) if in_first else (none, there)))


def _segment_facts(one: Segment, other: Segment) -> Iterator[FactDiff]:
    pair = one.data_entry().model, other.data_entry().model
    for fact in facts(*pair, ignored=IGNORED):
        yield FactDiff(f"segment {one.name}: {fact.name}", fact.first, fact.second)


def _parts(
    one: Segment, other: Segment, tolerance: float | None, deep: bool
) -> tuple[int, list[PartDiff], list[str]]:
    mine, theirs = (list(segment.digested_parts(deep=deep)) for segment in (one, other))
    keys = [[(entry.model.kind, name) for name, entry, _ in parts] for parts in (mine, theirs)]
    pairs = paired(*keys, rest=False)
    notes = [] if _in_order(pairs) else [f"segment {one.name}: its parts are in another order"]
    found: list[PartDiff | None] = []
    for left, right in pairs:
        if left is None or right is None:
            name, entry, _ = mine[left] if left is not None else theirs[right or 0]
            which = "second" if left is None else "first"
            found.append(only_in(f"{one.name}: {name}", entry.model.kind, which))
            continue
        name, entry, digest = mine[left]
        _, counterpart, digest_there = theirs[right]
        found.append(
            compare_parts(
                f"{one.name}: {name}",
                entry,
                counterpart,
                same_arrays=digest == digest_there,
                tolerance=tolerance,
            )
        )
    both = sum(None not in pair for pair in pairs)
    return both, [part for part in found if part is not None], notes
