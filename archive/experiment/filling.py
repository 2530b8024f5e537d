"""Entries of a foreign file on their way into an archive: as runs, with all that belongs to them.

Segments and snapshots are written as they come, the run that they belong to when all of it is
known; all of it lies in one transaction, which whoever fills an archive has begun.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Final, NamedTuple

import schemas
from archive import provenance
from archive.container import Container, KeyedValues, ParameterNames, add_snapshot
from archive.container.annotation_changes import annotations_before
from archive.container.provenance_records import KINDS, LINEAGE, named, without
from archive.entry import Entry, Loss
from archive.errors import ContractError, FormatError
from archive.experiment.adding import add_annotations
from archive.experiment.joined import spare_name
from archive.experiment.parameter_set import free_name
from archive.experiment.segment_contents import named_segment

EXPERIMENT: Final = "experiment"


class Made(NamedTuple):
    """A run that a file has become, and what the file calls it."""

    row: int
    name: str
    called: str


class Filling:
    """One file. `label` is what it is called, `moment` when what is in it was made, as far as it
    does not say so itself."""

    def __init__(
        self,
        container: Container,
        keyed: KeyedValues,
        names: ParameterNames,
        label: str,
        folder: str,
        moment: datetime | None,
        losses: list[Loss],
    ) -> None:
        self._container = container
        self._keyed = keyed
        self._names = names
        self._label = label
        self._folder = folder
        self._moment = moment
        self._losses = losses
        self._own: _RunInside | None = None  # the run that the file is
        self._whole = False  # whether it is a whole experiment
        self._values: list[schemas.KeyedValue] = []  # of the run that the file is
        self.runs: list[Made] = []

    def take(self, entries: Iterable[Entry], name: str | None = None) -> None:
        """All entries of the file. Raises FormatError for what makes no sense together, and
        ContractError. `name` is that of the run, if it is one."""
        for entry in entries:
            if isinstance(entry.model, schemas.Experiment):
                self._apart(bool(self.runs) or self._own is not None)
                self._experiment(entry, entry.model)
            elif isinstance(entry.model, schemas.Run):
                self._apart(self._own is not None or self._whole)
                self._run(entry, entry.model, name)
            else:
                self._apart(bool(self.runs))
                self._loose(entry)
        if self._own is not None or not self.runs:
            self._end_own(name)

    def _apart(self, mixed: bool) -> None:
        if mixed:
            raise FormatError(
                "its reader gives runs or an experiment, and parts of a run beside them",
                hint="the reader gives either; this is a fault of the reader",
            )

    # -- runs --------------------------------------------------------------------------------

    def _run(self, entry: Entry, model: schemas.Run, name: str | None = None) -> None:
        run = _RunInside(self._container, self._losses)
        for part in entry.parts:
            run.take(part)
        given = name or str(getattr(model, "name", ""))
        self._add(run, model, given)

    def _loose(self, entry: Entry) -> None:
        if self._own is None:
            self._own = _RunInside(self._container, self._losses)
        if isinstance(entry.model, schemas.KeyedValue):
            self._values.append(entry.model)
        else:
            self._own.take(entry)

    def _end_own(self, name: str | None) -> None:
        run = self._own or _RunInside(self._container, self._losses)
        called = self._add(run, schemas.Run(name=self._label), name or "")
        for value in self._values:
            self._keyed.set(value.model_copy(update={"session": value.session or called}))
        self._own = None

    def _add(self, run: _RunInside, model: schemas.Run, given: str) -> str:
        """Returns the name of the run."""
        name = self._free(given) if given else self._free_label()
        started = model.started or self._moment
        begun = annotations_before(model.annotations, run.changes)
        records, changes = run.provenance(model, self._losses)
        if not any(isinstance(change, schemas.RunEnd) for change in changes):
            ended = self._moment
            if ended is not None and started is not None and ended < started:
                ended = None
            changes.append(schemas.RunEnd(ended=ended, outcome="finished"))
        whole = model.model_copy(
            update={
                "name": name,
                "started": started,
                "annotations": begun,
                "parameters": None,
                "provenance": None,
            }
        )
        row = self._container.add_run(whole, run.parameters, records, changes)
        self.runs.append(Made(row, name, model.name if given else name))
        for number, parameters in enumerate(run.more_parameters, 2):
            self._call(parameters, parameters.name or f"{name[:240]} {number}")
        return name

    def _free(self, given: str) -> str:
        """The name, or one with the name of the file behind it. Raises ContractError for a name
        that no run can have."""
        try:
            schemas.check_name(given)
        except ValueError as error:
            raise ContractError(str(error), entry=f"run {given!r:.60}") from error
        if self._container.run_named(given) is None:
            return given
        spare = (spare_name(given, self._label[:200], number) for number in count(1))
        return next(one for one in spare if self._container.run_named(one) is None)

    def _free_label(self) -> str:
        """The name of the file, if it is taken with that of its folder, and else with a number."""
        known = self._container.run_named
        if known(self._label) is None:
            return self._label
        spare = (spare_name(self._label, self._folder[:200], number) for number in count(1))
        return next(one for one in spare if known(one) is None)

    # -- a whole experiment ------------------------------------------------------------------

    def _experiment(self, entry: Entry, model: schemas.Experiment) -> None:
        self._whole = True
        is_new = self._is_new()
        changes: list[schemas.AnnotationChange] = []
        for part in entry.parts:
            match part.model:
                case schemas.Run() as run:
                    self._run(part, run)
                case schemas.KeyedValue() as value:
                    own = None if is_new else self._label
                    session = value.session or own
                    self._keyed.set(value.model_copy(update={"session": session}))
                case schemas.ParameterSet() as parameters:
                    with self._container.transaction() as transaction:
                        self._container.add_parameters(transaction, parameters)
                case schemas.ParameterName() as said:
                    self._name_set(said)
                case schemas.AnnotationChange() as change:
                    changes.append(change)
                case schemas.Signature():
                    reason = "it is of the archive that was exported, and of no other"
                    self._losses.append(Loss(EXPERIMENT, "signature", reason))
                case other:
                    raise FormatError(f"an experiment has no {other.kind} by itself")
        self._describe(model, changes, is_new)
        if not self.runs:  # else nothing would say where it came from
            self._add(_RunInside(self._container, self._losses), schemas.Run(name=self._label), "")

    def _is_new(self) -> bool:
        container = self._container
        return not (len(container.runs) or len(self._keyed) or len(self._names))

    def _describe(
        self, model: schemas.Experiment, changes: list[schemas.AnnotationChange], is_new: bool
    ) -> None:
        """What the archive cannot take over, once it is there, is lost."""
        container = self._container
        here = container.model("experiment", 0)
        assert isinstance(here, schemas.Experiment)
        for field in ("name", "description", "people"):
            said = getattr(model, field)
            if said and said != getattr(here, field):
                reason = "the archive has its own; those of a new one are given when it is made"
                self._losses.append(Loss(EXPERIMENT, field, reason))
        if not (is_new and not here.annotations and not container.changes(EXPERIMENT, 0)):
            changes = []
        before = annotations_before(model.annotations, changes)
        if before:
            add_annotations(container, EXPERIMENT, 0, [before], [self._label])
        for change in changes:
            container.annotate(EXPERIMENT, 0, change)

    def _name_set(self, said: schemas.ParameterName) -> None:
        if self._container.parameter_sets.find(said.parameters) is None:
            raise FormatError(f"the parameter set called {said.name!r} is not in the file")
        free = free_name(said, self._names.get, self._label)
        renamed = said.model_copy(update={"name": free})
        if renamed not in self._names.history(free):
            self._names.add(renamed, None)

    def _call(self, parameters: schemas.ParameterSet, name: str) -> None:
        """Keep a parameter set under a name, since no run has it."""
        said = schemas.ParameterName(
            name=name,
            parameters=schemas.digest(parameters),
            description=parameters.description,
            author=provenance.user(self._container.privacy),
            at=datetime.now(UTC),
        )
        free = free_name(said, self._names.get, self._label)
        if self._names.get(free) is None:
            self._names.add(said.model_copy(update={"name": free}), parameters)


GONE: Final = "the record that it names is not in the file"
CHANGES: Final = (schemas.RunEnd, schemas.AnnotationChange, *LINEAGE)


class _RunInside:
    """What has come of a run that is to be the next one."""

    def __init__(self, container: Container, losses: list[Loss]) -> None:
        self._container = container
        self._row = container.next_run()
        self._segments = 0
        self.parameters: schemas.ParameterSet | None = None
        self.more_parameters: list[schemas.ParameterSet] = []
        self.records: dict[str, schemas.Model] = {}
        self.changes: list[schemas.Model] = []

    def take(self, part: Entry) -> None:
        """One part of it, in any order. Raises FormatError for what no run has."""
        match part.model:
            case schemas.Segment():
                named = named_segment(part, self._segments)
                self._container.add_segments(self._row, [named])
                self._segments += 1
            case schemas.Snapshot():
                self._snapshot(part)
            case schemas.ParameterSet() as parameters:
                if self.parameters is None:
                    self.parameters = parameters
                else:
                    self.more_parameters.append(parameters)
            case model if isinstance(model, KINDS):
                self.records[schemas.digest(model)] = model
            case model if isinstance(model, CHANGES):
                self.changes.append(model)
            case other:
                raise FormatError(
                    f"its reader gives a {other.kind}, which no run has by itself",
                    hint="signals and spikes lie in a segment, populations in a snapshot",
                )

    def provenance(
        self, run: schemas.Run, losses: list[Loss]
    ) -> tuple[dict[str, schemas.Model], list[schemas.Model]]:
        """The records, with the process that the run began in first, and the changes. They name
        no records that the file does not have."""
        renamed: dict[str, str] = {}
        records: dict[str, schemas.Model] = {}
        order = sorted(self.records, key=lambda name: name != run.provenance)
        for name, record in ((name, self.records[name]) for name in order):
            if isinstance(record, schemas.Provenance):
                names = named(record)
                lost = {field: GONE for field, other in names if other not in self.records}
                losses += [Loss(f"{run.name}/provenance", field, GONE) for field in lost]
                record = without(record, lost) if lost else record
                renamed[name] = schemas.digest(record)
            records[renamed.get(name, name)] = record
        changes: list[schemas.Model] = []
        for change in self.changes:
            if isinstance(change, schemas.RunEnd) and change.provenance is not None:
                if change.provenance not in renamed:
                    losses.append(Loss(f"{run.name}/run-end", "provenance", GONE))
                now = renamed.get(change.provenance)
                change = change.model_copy(update={"provenance": now})
            changes.append(change)
        return records, changes

    def _snapshot(self, part: Entry) -> None:
        changes: list[schemas.AnnotationChange] = []
        parts = list(_without_changes(part.parts, changes))
        before = annotations_before(getattr(part.model, "annotations", {}), changes)
        model = part.model.model_copy(update={"annotations": before})
        row = add_snapshot(self._container, self._row, Entry(model, part.arrays, parts))
        for change in changes:
            self._container.annotate("snapshot", row, change)


def _without_changes(
    parts: Iterable[Entry], changes: list[schemas.AnnotationChange]
) -> Iterator[Entry]:
    for part in parts:
        if isinstance(part.model, schemas.AnnotationChange):
            changes.append(part.model)
        else:
            yield part
