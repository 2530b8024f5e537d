"""An open archive: entries in and out of its tables, streams and columns.

The one place that knows both sides: `archive.entry` above, `archive.storage` below.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

import schemas
from archive.container import layout
from archive.container.annotation_changes import annotations_after, annotations_before
from archive.container.columns import NAME, ColumnIndex, parameter_row
from archive.container.documents import STAMPS
from archive.container.extents import extent
from archive.container.layout import Scope
from archive.container.opened import Opened
from archive.container.provenance_records import NO_RECORDS, Records, add_records
from archive.container.rows import Rows, ending, microseconds
from archive.container.streams import Place
from archive.container.tables import require_apart, table_of
from archive.container.versions import check_versions
from archive.entry import Entry
from archive.errors import ContractError
from archive.provenance import Privacy, chosen
from archive.storage import Durability, Session, Transaction

# The scopes that have a table of rows, and what it is called.
_TABLES: Final = {"run": "runs", "segment": "segments", "snapshot": "snapshots"}


class Container(Opened):
    """All that lies in one archive file. Rows count from 0 in order of creation."""

    def __init__(
        self,
        path: Path,
        *,
        writable: bool,
        durability: Durability = "commit",
        timeout: float = 10,
        privacy: Privacy | None = None,
    ) -> None:
        """As `Session`; `privacy` of None is what the environment says."""
        self.privacy = chosen(privacy)
        self.session = Session(
            path,
            writable=writable,
            stamps=STAMPS,
            durability=durability,
            timeout=timeout,
            nameless=self.privacy == "strict",
        )
        self.path = path
        self.durability = durability
        self._going_on: dict[int, str] = {}  # names of runs begun here that have no end
        self.undone = 0  # how often all that was read was dropped, as by a roll back
        # Where several archives are read as one: how many rows of each scope come before.
        self.rows_before: Mapping[str, int] = {}
        try:
            check_versions(path, self.session.stamp)
        except BaseException:
            self.session.close()
            raise

    def close(self, *, remove: bool = False) -> None:
        """Write what waits for the index, then close the file; with `remove`, remove it too."""
        if self.session.closed:
            return
        try:
            if self.session.writable and self._has_waiting() and not remove:
                with self.transaction() as transaction:
                    self.write_index(transaction)
        finally:
            self.session.close(remove=remove)

    # -- what was read, and is kept -----------------------------------------------------------

    @cached_property
    def _run_names(self) -> dict[str, int]:
        return {
            name: row
            for column in self.index("run").columns(NAME, len(self.runs))
            if column.texts is not None and column.values is not None
            for row, name in enumerate(column.texts.decode(column.values))
        }

    @cached_property
    def _running(self) -> set[int]:
        return set()

    def is_running(self, run: int) -> bool:
        """Whether a run has no end; read once, as nobody else can end it."""
        if run not in self._running and int(self.runs[run]["outcome"]) == 0:
            self._running.add(run)
        return run in self._running

    @cached_property
    def _segment_counts(self) -> dict[int, int]:
        return {}

    def segment_count(self, run: int) -> int:
        """How many segments a run has."""
        if run not in self._segment_counts:
            self._segment_counts[run] = int((self.segments.all()["run"] == run).sum())
        return self._segment_counts[run]

    @cached_property
    def _indexes(self) -> dict[Scope, ColumnIndex]:
        return {}

    def index(self, scope: Scope) -> ColumnIndex:
        """The columns of a scope, with the rows that a crash kept from them."""
        found = self._indexes.get(scope)
        if found is None:
            found = ColumnIndex(self.session, self.documents, scope)
            length = self.count(scope)
            if found.indexed < length:  # each of these is read
                require_apart(self.session, f"{scope}s" if scope in _TABLES else "parameter sets")
            self._indexes[scope] = found
            for row in range(found.indexed, length):
                found.add(self.index_row(scope, row))
                if scope == "segment":
                    self.tags.add(self.places(row))
        return found

    def count(self, scope: Scope) -> int:
        """How many rows a scope has."""
        return len(self.parameter_sets if scope == "parameters" else self.rows(scope))

    def rows(self, scope: Scope | Literal["experiment"]) -> Rows:
        """The table of runs, segments or snapshots, or the one row of the experiment."""
        found: Rows = getattr(self, _TABLES.get(scope, "experiment"))
        return found

    def index_row(self, scope: Scope, row: int) -> dict[str, schemas.Value]:
        """What the columns hold of a row."""
        if scope == "parameters":
            return parameter_row(self.parameter_sets.model(row))
        rows = self.rows(scope)
        return {NAME: rows.document(row).get("name"), **rows.annotations(row)}

    def forget(self) -> None:
        """Drop all that was read or waits: after a roll back it may not be so."""
        self.undone += 1
        for kind in type(self).__mro__:
            for name, attribute in vars(kind).items():
                if isinstance(attribute, cached_property):
                    self.__dict__.pop(name, None)

    # -- writing -----------------------------------------------------------------------------

    def refresh(self) -> None:
        """In a session that reads: go on to what is committed now."""
        self.session.refresh()
        self.forget()

    @contextmanager
    def transaction(self, *, held: bool = True) -> Iterator[Transaction]:
        """See `Session.transaction`; when it fails, nothing of it is remembered either."""
        try:
            with self.session.transaction(held=held) as transaction:
                yield transaction
        except BaseException:
            self.forget()
            raise

    def write_index(self, transaction: Transaction) -> None:
        """Write all waiting rows into their columns."""
        for index in self._indexes.values():
            index.write(transaction)
        self.tags.write(transaction)

    def _has_waiting(self) -> bool:
        return any(index.waiting for index in self._indexes.values())

    def write_batch(self, transaction: Transaction) -> None:
        """Write them if many wait."""
        if any(index.waiting >= layout.INDEX_BATCH for index in self._indexes.values()):
            self.write_index(transaction)

    def add_run(
        self,
        run: schemas.Run,
        parameters: schemas.ParameterSet | None,
        records: Records = NO_RECORDS,
        changes: Sequence[schemas.Model] = (),
    ) -> int:
        """A new run; the digests of its parameter set and provenance are filled in.

        `records` are of its provenance, with the process that it began in first. `changes`, in
        their order, are those of a run that is over when it comes in: the last `RunEnd` says how,
        and `run` has the annotations that it began with.
        """
        index = self.index("run")
        end = next((one for one in reversed(changes) if isinstance(one, schemas.RunEnd)), None)
        with self.transaction() as transaction:
            row = -1
            if parameters is not None:
                row, name = self.add_parameters(transaction, parameters)
                run = run.model_copy(update={"parameters": name})
            process = add_records(self.provenance, transaction, records)
            if process is not None:
                run = run.model_copy(update={"provenance": process})
            added = self.runs.append(
                transaction,
                run,
                changes,
                started=microseconds(run.started),
                **ending(end),
                parameters=row,
            )
            index.add({NAME: run.name, **annotations_after(run.annotations, changes)})
            self.write_batch(transaction)
        self._run_names[run.name] = added
        self._segment_counts.setdefault(added, 0)
        if end is None:
            self._goes_on(added, run.name)
        return added

    def _goes_on(self, row: int, name: str | None) -> None:
        """Tell who waits for the archive what it is held for; None: that run has ended."""
        self._going_on.pop(row, None)
        if name is not None:
            self._going_on[row] = name
        with suppress(OSError):  # it is only told
            self.session.note(next(reversed(self._going_on.values()), None))

    def add_parameters(
        self, transaction: Transaction, parameters: schemas.ParameterSet
    ) -> tuple[int, str]:
        index = self.index("parameters")
        known = len(self.parameter_sets)
        name = schemas.digest(parameters)
        row = self.parameter_sets.append(transaction, parameters, name)
        if row == known:
            index.add(parameter_row(parameters))
        return row, name

    def end_run(self, row: int, end: schemas.RunEnd, records: Records = NO_RECORDS) -> None:
        """Note how a run ended, and what more is known of its provenance now."""
        self._running.discard(row)
        with self.transaction() as transaction:
            add_records(self.provenance, transaction, records)
            self.runs.change(transaction, row, end, **ending(end))
        self._goes_on(row, None)

    def abandon_runs(self, at: datetime) -> None:
        """Note of all runs without an end that they were found so."""
        found = np.flatnonzero(self.runs.all()["outcome"] == 0).tolist()
        if not found:
            return  # an empty transaction would be synced too
        with self.transaction():
            for row in found:
                reason = "a later session found it without an end: its process was killed"
                self.end_run(row, schemas.RunEnd(ended=at, outcome="abandoned", reason=reason))

    def resume_run(self, row: int) -> None:
        """Let a run that has ended go on; how it ended stays among its changes."""
        with self.transaction() as transaction:
            self.runs.set(transaction, row, **ending(None))
        self._goes_on(row, self.runs.document(row)["name"])

    def add_segments(self, run: int, segments: Sequence[Entry]) -> list[int]:
        """Append segments with all their parts, or nothing of them. Among these may be the later
        changes of a segment's annotations. Raises ContractError."""
        with self.transaction() as transaction:
            return [self._add_segment(transaction, run, segment) for segment in segments]

    def _add_segment(self, transaction: Transaction, run: int, segment: Entry) -> int:
        model = segment.model
        if not isinstance(model, schemas.Segment):
            raise ContractError(f"a {model.kind} is not a segment")
        index = self.index("segment")
        count = self.segment_count(run)
        written: list[tuple[Place, dict[str, Any]]] = []
        changes: list[schemas.AnnotationChange] = []
        for part in segment.parts:
            if isinstance(part.model, schemas.AnnotationChange):
                changes.append(part.model)
            else:
                written.append(self.streams.append(transaction, part))
        if changes:
            before = annotations_before(model.annotations, changes)
            model = model.model_copy(update={"annotations": before})
        places = [place for place, _ in written]
        number = len(self.segments)
        rows = np.array([(number, *place) for place in places], layout.TABLES["stretches"])
        first = transaction.append(table_of(self.session, "stretches"), rows)
        document = self.documents.dump(transaction, model)
        if any(differs for _, differs in written):
            document["parts"] = [differs for _, differs in written]
        t_start, t_stop = extent(places, self.streams)
        self.segments.append_document(
            transaction,
            document,
            rows.tobytes(),
            run=run,
            recorded=microseconds(model.recorded),
            stretch=first,
            stretches=len(places),
            t_start=t_start,
            t_stop=t_stop,
        )
        index.add({NAME: model.name, **model.annotations})
        self.tags.add(places)
        self._segment_counts[run] = count + 1
        for change in changes:
            self.annotate("segment", number, change)
        self.write_batch(transaction)
        return number

    def annotate(
        self, scope: Scope | Literal["experiment"], row: int, change: schemas.AnnotationChange
    ) -> None:
        """Set and remove annotations of a run or segment; the former values are filled in."""
        rows = self.rows(scope)
        current = rows.annotations(row)
        keys = (*change.annotations, *change.removed)
        former = {key: current[key] for key in keys if key in current}
        change = change.model_copy(update={"former": former})
        with self.transaction() as transaction:
            if scope in layout.SCOPES:
                self.index(scope).change(transaction, row, former, change.annotations)
            rows.change(transaction, row, change)

    def add_change(
        self, scope: Scope | Literal["experiment"], row: int, change: schemas.Model
    ) -> None:
        """Note what came later of a row, and is neither an annotation nor its end."""
        with self.transaction() as transaction:
            self.rows(scope).change(transaction, row, change)

    def next_run(self) -> int:
        """The row of the next run. Its segments and snapshots may come before it, in the same
        transaction; it has none yet."""
        self._segment_counts[len(self.runs)] = 0
        return len(self.runs)

    # -- reading -----------------------------------------------------------------------------

    def model(self, scope: Scope | Literal["experiment"], row: int) -> schemas.Model:
        """The model of a row, with its annotations as they are now."""
        document = {k: v for k, v in self.rows(scope).document(row).items() if k != "parts"}
        current = self.rows(scope).annotations(row)
        model = self.documents.load(document)
        if model.kind != scope:
            raise self.rows(scope).damaged(row, f"its document is that of a {model.kind}")
        return model.model_copy(update={"annotations": current})

    def changes(self, scope: Scope | Literal["experiment"], row: int) -> list[schemas.Model]:
        """All changes of a row, the oldest first."""
        return [
            self.documents.load({k: v for k, v in document.items() if k != "previous"})
            for document in self.rows(scope).changes(row)
        ]

    def run_named(self, name: str) -> int | None:
        """The row of the run with that name."""
        return self._run_names.get(name)

    def run_parameters(self, row: int) -> schemas.ParameterSet | None:
        """The parameter set of a run."""
        at = int(self.runs[row]["parameters"])
        model = None if at < 0 else self.parameter_sets.model(at)
        return model if isinstance(model, schemas.ParameterSet) else None

    def places(self, row: int) -> list[Place]:
        """Where the parts of a segment lie."""
        segment = self.segments[row]
        first, count = int(segment["stretch"]), int(segment["stretches"])
        table = table_of(self.session, "stretches").read(first, first + count)
        return [Place(*values[1:]) for values in table.tolist()]

    def differences(self, row: int) -> list[dict[str, Any]]:
        """In what the documents of a segment's parts differ from those of their streams."""
        parts = self.segments.document(row).get("parts")
        if parts is None:
            return [{} for _ in self.places(row)]
        if not (isinstance(parts, list) and all(isinstance(part, dict) for part in parts)):
            raise self.segments.damaged(row, "what is said of its parts makes no sense")
        return parts

    def parts(self, row: int) -> list[Entry]:
        """The parts of a segment, their arrays still on disk."""
        places, differences = self.places(row), self.differences(row)
        if len(places) != len(differences):
            what = f"it has {len(places)} stretches and {len(differences)} documents of parts"
            raise self.segments.damaged(row, what)
        return [
            Entry(self.streams.model(place, differs), self.streams.arrays(place))
            for place, differs in zip(places, differences, strict=True)
        ]
