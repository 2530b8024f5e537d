"""Runs and the segments in them, as the user holds them."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np

import schemas
from archive import values
from archive.container import RunColumns, SegmentColumns, part_name
from archive.container.layout import OUTCOMES
from archive.container.rows import moment
from archive.entry import Entry
from archive.errors import Refused
from archive.experiment.annotated import Annotated
from archive.experiment.display import annotation_text, html_table
from archive.experiment.naming import Named
from archive.experiment.recorded import (
    CLASSES,
    Epochs,
    Events,
    ImageSequence,
    IrregularSignal,
    Recorded,
    Signal,
    Spikes,
)
from archive.experiment.views import View
from archive.hooks import segments_from
from archive.hooks.neo_ import to_neo_segment

Outcome = Literal["finished", "failed", "interrupted", "abandoned"]


class Segment(Annotated):
    """A stretch of simulated time. What was recorded in it is read when it is asked for."""

    _scope = "segment"

    @property
    def run(self) -> Run:
        """The run that it belongs to."""
        return Run(self._container, int(self._container.segments[self._row]["run"]))

    @property
    def t_start(self) -> Any:
        """The earliest time of what was recorded, in ms; NaN if nothing was."""
        return values.quantity(float(self._container.segments[self._row]["t_start"]), "ms")

    @property
    def t_stop(self) -> Any:
        """The latest time of what was recorded, in ms; NaN if nothing was."""
        return values.quantity(float(self._container.segments[self._row]["t_stop"]), "ms")

    @property
    def recorded(self) -> datetime | None:
        """When it was recorded, by the clock on the wall."""
        model = self._container.model("segment", self._row)
        assert isinstance(model, schemas.Segment)
        return model.recorded

    @property
    def signals(self) -> Named[Signal | IrregularSignal]:
        """The signals by name: ``population/variable``."""
        return Named("signal", self._of(Signal, IrregularSignal))

    @property
    def spikes(self) -> Named[Spikes]:
        """The spike trains by population."""
        return Named("set of spike trains", self._of(Spikes))

    @property
    def events(self) -> Named[Events]:
        """The events by name."""
        found = self._of(Events)
        return Named("event", {n: e for n, e in found.items() if not isinstance(e, Epochs)})

    @property
    def epochs(self) -> Named[Epochs]:
        """The epochs by name."""
        return Named("epoch", self._of(Epochs))

    @property
    def images(self) -> Named[ImageSequence]:
        """The image sequences by name."""
        return Named("image sequence", self._of(ImageSequence))

    def _of(self, *classes: type[Recorded[Any]]) -> dict[str, Any]:
        return {name: part for name, part in self._parts() if isinstance(part, classes)}

    def _parts(self) -> Iterator[tuple[str, Recorded[Any]]]:
        seen: dict[tuple[str, str], int] = {}
        for entry in self._container.parts(self._row):
            name, kind = part_name(entry.model), entry.model.kind
            number = seen[kind, name] = seen.get((kind, name), 0) + 1
            name = name if number == 1 else f"{name}#{number}"
            yield name, CLASSES[kind](name, entry)

    def to_entry(self) -> Entry:
        """The segment with all its parts, their arrays still on disk, for adapters."""
        return Entry(
            self._container.model("segment", self._row), parts=self._container.parts(self._row)
        )

    def to_neo(self) -> Any:
        """A neo.Segment with everything in it; spike trains stay arrays until they are touched."""
        return to_neo_segment(self.to_entry())

    def __repr__(self) -> str:
        said = annotation_text(self.annotations)
        parts = "".join(f"\n  {part!r}" for _, part in self._parts())
        return f"<Segment {self._row} {self.name!r}" + (f": {said}>" if said else ">") + parts

    def _repr_html_(self) -> str:
        rows = [(name, repr(part)) for name, part in self._parts()]
        rows += [(f"annotation {key}", value) for key, value in self.annotations.items()]
        return html_table(f"Segment {self._row} {self.name}", ["", ""], rows)


class SegmentView(View[Segment]):
    """Some segments of an archive, in order."""

    _scope = "segment"
    _columns = SegmentColumns

    def _item(self, row: int) -> Segment:
        return Segment(self._container, row)

    def table(self) -> list[dict[str, Any]]:
        """One dict per segment: ``run``, ``segment``, the run's annotations and its own."""
        rows = self.rows.tolist()
        if not rows:
            return []
        runs = self._container.segments.all()["run"][rows].tolist()
        of_run = {run: Run(self._container, run) for run in set(runs)}
        facts = {row: (run.name, run.annotations) for row, run in of_run.items()}
        own = self._container.segments.many_annotations(rows)
        names = [document.get("name") for document in self._container.segments.documents(rows)]
        return [
            {
                "run": facts[run][0],
                "segment": name,
                **facts[run][1],
                **values.from_schema_dict(annotations),
            }
            for run, name, annotations in zip(runs, names, own, strict=True)
        ]


class Run(Annotated):
    """One execution of a simulation, with the segments that it made.

    As a context manager it notes at its end how it ended: finished, failed (with the
    traceback) or interrupted.
    """

    _scope = "run"
    _appended: int | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameter set that it ran with; quantities with their unit."""
        model = self._container.run_parameters(self._row)
        return {} if model is None else values.from_schema_dict(model.values)

    @property
    def provenance(self) -> schemas.Provenance | None:
        """On what it ran, and how it was called."""
        return self._container.run_provenance(self._row)

    @property
    def segments(self) -> SegmentView:
        """Its segments, in order."""
        rows = np.flatnonzero(self._container.segments.all()["run"] == self._row)
        return SegmentView(self._container, rows)

    @property
    def started(self) -> datetime | None:
        """When it began, UTC."""
        return moment(int(self._container.runs[self._row]["started"]))

    @property
    def ended(self) -> datetime | None:
        """When it ended, UTC; None while it runs."""
        return moment(int(self._container.runs[self._row]["ended"]))

    @property
    def outcome(self) -> str:
        """``running``, ``finished``, ``failed``, ``interrupted`` or ``abandoned``."""
        return OUTCOMES[int(self._container.runs[self._row]["outcome"])]

    @property
    def reason(self) -> str | None:
        """The traceback of a failed run."""
        models = self._container.changes("run", self._row)
        ends = [model for model in models if isinstance(model, schemas.RunEnd)]
        return ends[-1].reason if ends else None

    # -- writing -----------------------------------------------------------------------------

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
        rows = self.put(entries)
        if not rows:
            return None
        if len(rows) == 1:
            return Segment(self._container, rows[0])
        return SegmentView(self._container, np.array(rows))

    def put(self, segments: Sequence[Entry]) -> list[int]:
        """Add entries of segments in one transaction; returns their rows."""
        if self.outcome != "running":
            raise Refused(
                f"the run {self.name!r} has {self.outcome}",
                path=self._container.path,
                hint=f"exp.run({self.name!r}, resume=True) opens it again",
            )
        if self._appended is None:
            self._appended = len(self.segments)
        rows = []
        with self._container.transaction():
            for number, entry in enumerate(segments, self._appended):
                model = entry.model
                if getattr(model, "name", None) is None:
                    model = model.model_copy(update={"name": f"segment{number:03d}"})
                named = Entry(model, parts=entry.parts)
                rows.append(self._container.add_segment(self._row, named))
        self._appended += len(rows)
        return rows

    def finish(self, outcome: Outcome = "finished", reason: str | None = None) -> None:
        """Note that the run has ended. Leaving a ``with`` block does so by itself."""
        if self.outcome == "running":
            end = schemas.RunEnd(ended=datetime.now(UTC), outcome=outcome, reason=reason)
            self._container.end_run(self._row, end)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.finish()
        elif isinstance(error, Exception):
            self.finish("failed", "".join(traceback.format_exception(error)))
        else:
            self.finish("interrupted", "".join(traceback.format_exception_only(error)))

    # -- out ---------------------------------------------------------------------------------

    def to_entry(self, segments: SegmentView | None = None) -> Entry:
        """The run with its parameter set and segments (or some of them) as parts."""
        chosen = self.segments if segments is None else segments
        return Entry(self._container.model("run", self._row), parts=self._entries(chosen))

    def _entries(self, segments: SegmentView) -> Iterator[Entry]:
        parameters = self._container.run_parameters(self._row)
        if parameters is not None:
            yield Entry(parameters)
        for segment in segments:
            yield segment.to_entry()

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


class RunView(View[Run]):
    """Some runs of an archive, in order."""

    _scope = "run"
    _columns = RunColumns

    def _item(self, row: int) -> Run:
        return Run(self._container, row)

    def table(self) -> list[dict[str, Any]]:
        """One dict per run: ``run``, ``outcome`` and its annotations."""
        rows = self.rows.tolist()
        if not rows:
            return []
        outcomes = self._container.runs.all()["outcome"][rows].tolist()
        names = [document.get("name") for document in self._container.runs.documents(rows)]
        annotations = self._container.runs.many_annotations(rows)
        return [
            {"run": name, "outcome": OUTCOMES[outcome], **values.from_schema_dict(own)}
            for name, outcome, own in zip(names, outcomes, annotations, strict=True)
        ]
