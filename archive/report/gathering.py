"""What the table of runs says, gathered run by run within the room that there is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import schemas
from archive.container.annotation_changes import annotations_after
from archive.entry import Entry, Loss, parts_of
from archive.report.blocks import Blocks, packed
from archive.report.cards import card, record_card
from archive.report.facts import Facts
from archive.report.lineage import LISTED, Parentage
from archive.report.texts import NAME_LIMIT, shown

ROWS_LIMIT = 100_000
ROWS_TOGETHER = 5000
CARDS_TOGETHER = 100
NO_ROOM = "the report has no room for more runs"
_RECORDS = (
    schemas.Provenance,
    schemas.Environment,
    schemas.Code,
    schemas.Generator,
    schemas.ParameterSet,
    schemas.RunEnd,
    schemas.AnnotationChange,
    schemas.Input,
    schemas.Parent,
    schemas.Exported,
)


@dataclass
class Gathered:
    """What is known of the runs once all were seen."""

    rows: int = 0
    """How many are in the table."""
    runs: int = 0
    segments: int = 0
    snapshots: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    cards: int = 0
    """How many of the first runs have a card."""
    ways: list[tuple[str, list[str]]] = field(default_factory=list)
    """The way to each run, and those to its segments."""
    parentage: list[Parentage] = field(default_factory=list)
    parents: int = 0
    """How many there are altogether."""
    links: int = 0
    """How many parents, inputs and exports of runs there are."""
    losses: list[Loss] = field(default_factory=list)


class Gathering:
    """Goes through the runs once, and writes rows and cards as it goes."""

    def __init__(self, blocks: Blocks) -> None:
        self.found = Gathered()
        self.annotations = Facts("annotation")
        self.parameters = Facts("parameter")
        self._blocks = blocks
        self._rows: list[list[Any]] = []
        self._cards: list[dict[str, Any]] = []
        self._records: dict[str, str] = {}
        self._full = False
        self._cards_full = False
        self._count = 0

    def run(self, way: str, entry: Entry) -> None:
        """Take a run in."""
        run = entry.model
        assert isinstance(run, schemas.Run)
        found = self.found
        found.runs += 1
        known: list[schemas.Model] = []
        segments = []
        for to, part in parts_of(entry, way):
            if isinstance(part.model, schemas.Segment):
                segments.append((to, part.model.name or to.rpartition("/")[2]))
            elif isinstance(part.model, schemas.Snapshot):
                found.snapshots += 1
                found.losses.append(Loss(to, "snapshot", "a report only counts them"))
            elif isinstance(part.model, _RECORDS):
                known.append(part.model)
        found.segments += len(segments)
        found.ways.append((way, [to for to, _ in segments]))
        outcome = _outcome(known)
        found.outcomes[outcome] = found.outcomes.get(outcome, 0) + 1
        self._note_parents(run, known)
        if self._full:
            found.losses.append(Loss(way, "run", NO_ROOM))
            return
        self._rows.append(_row(run, known, outcome, len(segments)))
        row = self._count
        self._count += 1
        self.annotations.note(row, annotations_after(run.annotations, known))
        for one in known:
            if isinstance(one, schemas.ParameterSet):
                self.parameters.note(row, one.values, run.parameters)
        if not self._cards_full:
            self._add_card(run, known, [name for _, name in segments])
        if len(self._rows) == ROWS_TOGETHER:
            self._write_rows()

    def end(self) -> Gathered:
        """Write what is left."""
        self._write_cards()
        self._write_rows()
        return self.found

    def _note_parents(self, run: schemas.Run, known: Sequence[schemas.Model]) -> None:
        for one in known:
            if isinstance(one, schemas.Parent | schemas.Input | schemas.Exported):
                self.found.links += 1
            if isinstance(one, schemas.Parent):
                self.found.parents += 1
                if len(self.found.parentage) < LISTED:
                    whence = one.run if one.path is None else f"{one.run} in {one.path}"
                    if one.snapshot is not None:
                        whence += f", snapshot {one.snapshot}"
                    texts = (shown(text, NAME_LIMIT * 2) for text in (run.name, one.how, whence))
                    self.found.parentage.append(tuple(texts))  # type: ignore[arg-type]

    def _add_card(
        self, run: schemas.Run, known: Sequence[schemas.Model], segments: Sequence[str]
    ) -> None:
        one = card(run, known, segments)
        if "records" in one:
            self._write_records(known)
            one["records"] = [
                self._records[name] for name in one["records"] if name in self._records
            ]
        self._cards.append(one)
        if len(self._cards) == CARDS_TOGETHER:
            self._write_cards()

    def _write_records(self, known: Sequence[schemas.Model]) -> None:
        for record in known:
            if not isinstance(record, schemas.Environment | schemas.Code):
                continue
            digest = schemas.digest(record)
            if digest in self._records:
                continue
            told = record_card(record)
            text = packed(told or {})
            if self._blocks.fits("cards", text):
                self._records[digest] = name = f"record-{len(self._records)}"
                self._blocks.put("cards", name, text)

    def _write_cards(self) -> None:
        if not self._cards or self._cards_full:
            return
        text = packed({"cards": self._cards})
        if self._blocks.fits("cards", text):
            self._blocks.put("cards", f"cards-{self.found.cards // CARDS_TOGETHER}", text)
            self.found.cards += len(self._cards)
        else:
            self._cards_full = True
        self._cards = []

    def _write_rows(self) -> None:
        if not self._rows or self._full:
            return
        text = packed({"rows": list(map(list, zip(*self._rows, strict=True)))})
        found = self.found
        if self._blocks.fits("rows", text):
            self._blocks.put("rows", f"rows-{found.rows // ROWS_TOGETHER}", text)
            found.rows += len(self._rows)
            self._full = found.rows >= ROWS_LIMIT
        else:
            self._full = True
            found.losses += [
                Loss(way, "run", NO_ROOM) for way, _ in found.ways[found.rows : self._count]
            ]
        self._rows = []


def _outcome(known: Sequence[schemas.Model]) -> str:
    ends = [one for one in known if isinstance(one, schemas.RunEnd)]
    return ends[-1].outcome if ends else "running"


def _row(
    run: schemas.Run, known: Sequence[schemas.Model], outcome: str, segments: int
) -> list[Any]:
    """Name, outcome, start in ms since 1970, duration in s, number of segments, simulator."""
    ends = [one for one in known if isinstance(one, schemas.RunEnd)]
    ended = ends[-1].ended if ends else None
    started = None if run.started is None else round(run.started.timestamp() * 1000)
    duration = None
    if ended is not None and run.started is not None:
        duration = round((ended - run.started).total_seconds(), 3)
    simulator = shown(run.simulator or "", NAME_LIMIT)
    return [shown(run.name, NAME_LIMIT), outcome, started, duration, segments, simulator]


def runs_of(experiment: Entry) -> Iterator[tuple[str, Entry]]:
    """The runs of an experiment with the ways to them; what else lies in it is not shown."""
    for way, part in parts_of(experiment):
        if isinstance(part.model, schemas.Run):
            yield way, part
