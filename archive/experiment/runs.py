"""Runs and the segments in them, as the user holds them."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

import schemas
from archive import provenance
from archive.container import Container, add_snapshot
from archive.container.provenance_records import run_records
from archive.entry import Entry, Loss
from archive.errors import Refused
from archive.experiment.display import annotation_text, html_table
from archive.experiment.export import Exportable, run_to_neo
from archive.experiment.joined import Joined, Rows
from archive.experiment.parameter_set import ParameterSet, parameters_of
from archive.experiment.parts import PATIENCE, begin_part, rank_name
from archive.experiment.ranks import exits, mpi_rank
from archive.experiment.run_facts import Outcome, RunFacts
from archive.experiment.segment_contents import SegmentContents, named_segment
from archive.experiment.snapshot_contents import SnapshotContents
from archive.experiment.tabulated import run_table, segment_table, snapshot_table
from archive.experiment.taking_state import snapshot_of
from archive.experiment.termination import exit_on_sigterm
from archive.experiment.views import View
from archive.hooks import run_facts, segments_from
from archive.hooks.neo_io import Annotate, Put, PyNNIO
from archive.hooks.pynn import PyNNMemory
from archive.hooks.snapshots import Choice

# The annotation of a run in which each MPI process keeps what it has of the populations.
UNGATHERED = "mpi_rank"


class Segment(SegmentContents):
    """A stretch of simulated time. What was recorded in it is read when it is asked for."""

    @property
    def run(self) -> Run:
        """The run that it belongs to."""
        return Run(self._container, int(self._container.segments[self._row]["run"]))


class SegmentView(View[Segment], Exportable):
    """Some segments of an archive, in order."""

    _scope = "segment"

    def _item(self, container: Container, row: int) -> Segment:
        return Segment(container, row)

    def entry(self) -> Entry:
        """The experiment with these segments only, in their runs: what makes a view a Source."""
        model = self._joined.main.model("experiment", 0)
        return Entry(model, parts=(run.to_entry(some) for run, some in self._by_run()))

    def exported_runs(self) -> Iterator[Run]:
        return (run for run, _ in self._by_run())

    def _by_run(self) -> Iterator[tuple[Run, SegmentView]]:
        for container, rows in self._pieces():
            runs = container.segments.all()["run"][rows]
            for run in np.unique(runs).tolist():
                yield Run(container, run), _segments_of(container, rows[runs == run])

    @property
    def names(self) -> list[str]:
        """Their names, in order; empty where one has none."""
        return [
            str(document.get("name") or "")
            for container, rows in self._pieces()
            for document in container.segments.documents(rows.tolist())
        ]

    def table(self) -> list[dict[str, Any]]:
        """One dict per segment: ``run``, ``segment``, the run's annotations and its own."""
        return [row for piece in self._pieces() for row in segment_table(*piece)]


def _segments_of(container: Container, rows: Rows) -> SegmentView:
    return SegmentView(Joined({"": container}), rows)


class Snapshot(SnapshotContents):
    """The state of a network at one moment. Arrays are read when they are asked for."""

    @property
    def run(self) -> Run:
        """The run that it belongs to."""
        return Run(self._container, int(self._container.snapshots[self._row]["run"]))


class SnapshotView(View[Snapshot]):
    """Some snapshots of an archive, in order."""

    _scope = "snapshot"

    def _item(self, container: Container, row: int) -> Snapshot:
        return Snapshot(container, row)

    def table(self) -> list[dict[str, Any]]:
        """One dict per snapshot: ``run``, ``snapshot``, ``time``, the run's annotations and its
        own."""
        return [row for piece in self._pieces() for row in snapshot_table(*piece)]


class Run(RunFacts):
    """One execution of a simulation, with the segments that it made.

    As a context manager it notes at its end how it ended: finished, failed (with the
    traceback) or interrupted (by Ctrl-C, or by SIGTERM, unless the program has a handler for it).
    """

    def __init__(
        self,
        container: Container,
        row: int,
        name: str | None = None,
        capture: provenance.Capturing | None = None,
    ) -> None:
        """`capture` is that of its provenance, if it began here, or goes on here."""
        super().__init__(container, row, name)
        self._capture = capture
        self._facts_noted = False
        self._memory = PyNNMemory()
        self._parts_of_ranks: list[Run] = []
        self._undone = container.undone
        self._end_of_sigterm: Callable[[], None] = lambda: None

    @property
    def parameters(self) -> ParameterSet:
        """The parameter set that it ran with, as a dict that cannot be changed; quantities with
        their unit."""
        return parameters_of(self._container, self._row, RunView)

    @property
    def segments(self) -> SegmentView:
        """Its segments, in order."""
        rows = np.flatnonzero(self._container.segments.all()["run"] == self._row)
        return _segments_of(self._container, rows)

    @property
    def snapshots(self) -> SnapshotView:
        """Its snapshots, in order."""
        rows = np.flatnonzero(self._container.snapshots.all()["run"] == self._row)
        return SnapshotView(Joined({"": self._container}), rows)

    # -- writing -----------------------------------------------------------------------------

    def moved_to(self, container: Container) -> Self:
        """This run, once its archive was closed and opened again."""
        self._container = container
        self._undone = container.undone
        return self

    def append(
        self,
        *objects: Any,
        annotations: Mapping[str, Any] | None = None,
        name: str | None = None,
        sampling_period: Any = None,
    ) -> Segment | SegmentView | None:
        """Add what was recorded since the last reset, as one committed segment: all or nothing.

        Takes PyNN populations, views and assemblies; neo.Segment and neo.Block; Brian 2 monitors
        and networks; mappings of names to arrays or quantities, with a `sampling_period`.
        Several objects make one segment; a block adds all its segments. Returns the segment (a
        view, if a block had several; None on MPI ranks other than the first).
        Raises ContractError or FormatError for what cannot be kept, naming it.
        """
        entries = segments_from(
            objects,
            annotations=annotations,
            name=name,
            sampling_period=sampling_period,
        )
        self._annotate_late()
        facts = self._new_facts(objects)
        if facts:
            with self._container.transaction():
                self.annotate(facts)
                rows = self.put(entries)
        else:
            rows = self.put(entries)
        self._facts_noted = self._facts_noted or bool(objects)
        if not rows:
            return None
        self._memory.note(objects, rows[-1])
        if len(rows) == 1:
            return Segment(self._container, rows[0])
        return _segments_of(self._container, np.array(rows))

    def put(self, segments: Sequence[Entry]) -> list[int]:
        """Add entries of segments in one transaction; returns their rows."""
        self._check_running()
        first = self._container.segment_count(self._row)
        named = [named_segment(entry, first + number) for number, entry in enumerate(segments)]
        return self._container.add_segments(self._row, named)

    def snapshot(
        self,
        *objects: Any,
        name: str | None = None,
        populations: Choice = True,
        projections: Choice = True,
        annotations: Mapping[str, Any] | None = None,
    ) -> Snapshot:
        """Keep the state of a live network as it is now: all or nothing.

        Takes a network, or populations and projections, of one simulator; of these all, none or
        the named `populations` and `projections`. Takes an `Entry` of a snapshot too. An array
        that the archive has is not stored again, and one in which little has changed takes little.
        Raises ContractError or FormatError for what cannot be kept, naming it.
        """
        self._check_running()
        entry = snapshot_of(
            objects,
            name=name,
            populations=populations,
            projections=projections,
            annotations=annotations,
        )
        return Snapshot(self._container, add_snapshot(self._container, self._row, entry))

    def _check_running(self) -> None:
        self._check_not_undone()
        if not self._container.is_running(self._row):
            raise Refused(
                f"the run {self.name!r} has {self.outcome}",
                path=self._container.path,
                hint=f"exp.run({self.name!r}, resume=True) opens it again",
            )

    def _check_not_undone(self) -> None:
        """A run that began in a transaction which failed is gone; its row may be another's."""
        if self._undone != self._container.undone:
            if self._container.run_named(self.name) != self._row:
                raise Refused(
                    f"the run {self.name!r} was undone with the transaction that it began in",
                    path=self._container.path,
                    hint="begin it again with exp.run(...)",
                )
            self._undone = self._container.undone
            self._facts_noted = False  # they may have been undone, too

    def neo_io(self) -> PyNNIO:
        """What PyNN's ``population.write_data(io)`` and ``Assembly.write_data`` can write to.

        Each segment is stored once, though PyNN passes all of them at every call. With
        ``gather=False`` under MPI each process writes a part of its own beside the archive,
        which `Experiment.merge` joins to whole populations.
        """
        return PyNNIO(self.put, self._annotate_row, str(self._container.path), self._open_part)

    def _open_part(self, filename: str) -> tuple[Put, Annotate]:
        """PyNN names a file for each process; the parts that an archive has are named otherwise,
        and processes other than the first write to theirs already."""
        rank = mpi_rank()
        if rank:
            self.annotate({UNGATHERED: rank})
            return self.put, self._annotate_row
        container = begin_part(
            self._container.path,
            rank_name(0),
            timeout=PATIENCE,
            privacy=self._container.privacy,
        )
        row = container.run_named(self.name)
        if row is None:
            model = self._container.model("run", self._row)
            assert isinstance(model, schemas.Run)
            parameters = self._container.run_parameters(self._row)
            row = container.add_run(model, parameters, run_records(self._container, self._row))
        else:
            container.resume_run(row)
        part = Run(container, row)
        part.annotate({UNGATHERED: rank})
        self._parts_of_ranks.append(part)
        return part.put, part._annotate_row

    def _annotate_row(self, row: Any, annotations: Mapping[str, Any]) -> None:
        Segment(self._container, row).annotate(annotations)

    def _annotate_late(self) -> None:
        """Annotations that ``reset(annotations=...)`` gave to a segment once it was stored."""
        for row, late in self._memory.pending():
            self._annotate_row(row, late)

    def _new_facts(self, objects: Sequence[object]) -> dict[str, Any]:
        """What the objects say of the simulator, once, where the user has not said it."""
        self._check_not_undone()
        if self._facts_noted or not objects:
            return {}
        known = self._container.runs.annotations(self._row)
        facts = {key: value for key, value in run_facts(objects).items() if key not in known}
        if "simulator" in facts:
            facts["simulator"] = str(facts["simulator"]).lower()  # as the contract has it
        return facts

    def finish(self, outcome: Outcome = "finished", reason: str | None = None) -> None:
        """Note that the run has ended. Leaving a ``with`` block does so by itself."""
        self._check_not_undone()
        for part in self._parts_of_ranks:
            part.finish(outcome, reason)
            part._container.close()
        self._parts_of_ranks.clear()
        if self.outcome == "running":
            self._annotate_late()
            self._container.end_run(self._row, *self._end(outcome, reason))

    def __enter__(self) -> Self:
        self._end_of_sigterm = exit_on_sigterm()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self.finish()
            elif isinstance(error, Exception):
                self.finish("failed", "".join(traceback.format_exception(error)))
            else:
                exits(error)
                self.finish("interrupted", "".join(traceback.format_exception_only(error)))
        finally:
            self._end_of_sigterm()

    # -- out ---------------------------------------------------------------------------------

    def to_entry(self, segments: SegmentView | None = None) -> Entry:
        """The run as an entry. Its parts are its parameter set and provenance, how it ended and
        was annotated later, and its segments, or some of them, and then its snapshots."""
        return Entry(self._container.model("run", self._row), parts=self._entries(segments))

    def export(self, path: str | Path, format: str | None = None, **options: Any) -> list[Loss]:
        """Write this run in another format; see `Experiment.export`."""
        own = RunView(Joined({"": self._container}), np.array([self._row]))
        return own.export(path, format, **options)

    def to_neo(self) -> Any:
        """A neo.Block of its segments; see `SegmentView.to_neo`."""
        return run_to_neo(self.to_entry())

    def _entries(self, segments: SegmentView | None) -> Iterator[Entry]:
        parameters = self._container.run_parameters(self._row)
        records = run_records(self._container, self._row).values()
        known = [*([] if parameters is None else [parameters]), *records]
        yield from map(Entry, (*known, *self._container.changes("run", self._row)))
        for one in (*(self.segments if segments is None else segments), *self.snapshots):
            yield one.to_entry()

    def __repr__(self) -> str:
        said = annotation_text(self.annotations)
        count = len(self.segments)
        return f"<Run {self._row} {self.name!r} ({self.outcome}), {count} segments: {said}>"

    def _repr_html_(self) -> str:
        facts: list[tuple[str, Any]] = [("outcome", self.outcome), ("started", self.started)]
        facts += [("ended", self.ended), ("segments", len(self.segments))]
        facts += [(f"parameter {key}", value) for key, value in self.parameters.items()]
        facts += [(f"annotation {key}", value) for key, value in self.annotations.items()]
        return html_table(f"Run {self._row} {self.name}", ["", ""], facts)


class RunView(View[Run], Exportable):
    """Some runs of an archive, in order."""

    _scope = "run"

    def _item(self, container: Container, row: int) -> Run:
        return Run(container, row)

    def entry(self) -> Entry:
        """The experiment with these runs only: what makes a view a Source."""
        model = self._joined.main.model("experiment", 0)
        return Entry(model, parts=(run.to_entry() for run in self))

    def exported_runs(self) -> RunView:
        return self

    def table(self) -> list[dict[str, Any]]:
        """One dict per run: ``run``, ``outcome`` and its annotations."""
        return [row for piece in self._pieces() for row in run_table(*piece)]
