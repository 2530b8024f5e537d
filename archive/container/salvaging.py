"""The copying of a salvage: what can be read of each run, segment and part, and what is lost."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

import schemas
from archive.container.check_digests import document_faults, part_fault
from archive.container.container import Container
from archive.container.contract import check_part, part_name
from archive.container.creation import create_container
from archive.container.isolation import Watch
from archive.container.keyed import ITSELF, KeyedValues
from archive.container.layout import Scope
from archive.container.merge_notes import append_note
from archive.container.nix_terms import VARYING
from archive.container.parameter_names import ParameterNames
from archive.container.provenance_records import LINEAGE, named, process_names, without
from archive.container.rows import moment
from archive.container.salvaging_snapshots import readable_parts
from archive.container.snapshots import add_snapshot, parts_of
from archive.container.streams import Place
from archive.entry import Entry, Loss
from archive.errors import ArchiveError, ContractError
from archive.storage import probe

Thing = TypeVar("Thing")
NOTE = "salvage"
# What a part can do without, so that the rest of it need not be lost.
SPARE = ("channels", "waveforms")


class Salvaging:
    """One damaged archive, and what has been found out about it."""

    def __init__(self, path: Path, watch: Watch) -> None:
        self.losses: list[Loss] = []
        self.runs = self.segments = self.snapshots = 0
        self.is_named = True
        self._watch = watch
        self._old = Container(path, writable=False)
        for _ in probe(self._old.session, watch.at):
            pass  # what cannot be read is refused from now on; some of it is not needed
        self._changed: dict[str, str] = {}
        self._processes: dict[str, str] = {}  # digests there, of those here
        self._attempt("records", "digests", self._compare)

    def _compare(self) -> None:
        for name, what in document_faults(self._old):
            self._changed.setdefault(name, what)

    def _lose(self, entry: str, field: str, reason: object) -> None:
        text = reason.message if isinstance(reason, ArchiveError) else str(reason)
        self.losses.append(Loss(entry, field, text))

    def _attempt(self, entry: str, field: str, get: Callable[[], Thing]) -> Thing | None:
        """What `get` returns; None, and a loss, if it raises what damage may raise."""
        try:
            return get()
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            self._lose(entry, field, error if isinstance(error, ArchiveError) else text)
            return None

    # -- experiment and runs -----------------------------------------------------------------

    def copy(self, new: Path, writer: str) -> None:
        """Make the new archive."""
        read = self._attempt("experiment", "document", lambda: self._document("experiment", 0))
        if not isinstance(read, schemas.Experiment):
            self.is_named = False
            read = schemas.Experiment(id=str(uuid.uuid4()), name=self._old.session.name)
        create_container(new, read, writer)
        self._new = Container(new, writable=True, durability="close")
        try:
            self._note_changed("experiment")
            self._copy_changes("experiment", 0)
            runs = self._attempt("runs", "table", lambda: len(self._old.runs)) or 0
            for row in range(runs):
                self._copy_run(row)
            segments = self._attempt("segments", "table", lambda: len(self._old.segments)) or 0
            for row in range(segments):
                with self._new.transaction():
                    self._copy_segment(row, runs)
            snapshots = self._attempt("snapshots", "table", lambda: len(self._old.snapshots)) or 0
            for row in range(snapshots):
                with self._new.transaction():
                    self._copy_snapshot(row, runs)
            for row in range(runs):
                self._copy_changes("run", row)
                self._annotate("run", row)
            self._copy_parameter_names()
            self._copy_values()
            self._copy_notes()
        finally:
            self._new.close()

    def _document(self, scope: Scope | Literal["experiment"], row: int) -> schemas.Model:
        document = self._old.rows(scope).document(row)
        return self._old.documents.load({k: v for k, v in document.items() if k != "parts"})

    def _note_changed(self, entry: str) -> None:
        if entry in self._changed:
            self._lose(entry, "digest", self._changed[entry])

    def _copy_run(self, row: int) -> None:
        entry = f"run {row}"
        self._note_changed(entry)
        run = self._attempt(entry, "document", lambda: self._document("run", row))
        if not isinstance(run, schemas.Run):
            run = schemas.Run(name=f"unreadable run {row}")
        parameters = None
        records: dict[str, schemas.Model] = {}
        if run.parameters is not None:
            parameters = self._attempt(
                entry, "parameters", lambda: self._old.run_parameters(row) or _missing()
            )
        if run.provenance is not None:
            records = self._records(entry, row)
        if self._new.run_named(run.name) is not None:
            self._lose(entry, "name", f"another run has the name {run.name!r}")
            run = run.model_copy(update={"name": f"{run.name[:200]} ({entry})"})
        run = run.model_copy(update={"parameters": None, "provenance": None})
        self._new.add_run(run, parameters, records)
        self.runs += 1

    def _records(self, entry: str, row: int) -> dict[str, schemas.Model]:
        """The provenance records of a run, each by itself: of most things there are several."""
        records: dict[str, schemas.Model] = {}
        names = self._attempt(entry, "provenance", lambda: process_names(self._old, row)) or []
        for name in names:
            process = self._attempt(entry, "provenance", partial(self._record, name))
            if not isinstance(process, schemas.Provenance):
                continue
            others: dict[str, schemas.Model] = {}
            lost: dict[str, str] = {}
            for field, other in named(process):
                record = self._attempt(entry, field, partial(self._record, other))
                if record is None:
                    lost[field] = "the record could not be read when the archive was salvaged"
                else:
                    others[other] = record
            if lost:
                process = without(process, lost)
            self._processes[name] = schemas.digest(process)
            records |= {self._processes[name]: process, **others}
        return records

    def _record(self, name: str) -> schemas.Model:
        at = self._old.provenance.find(name)
        return _missing() if at is None else self._old.provenance.model(at)

    def _copy_parameter_names(self) -> None:
        """The names of parameter sets, with the sets that no run has."""
        old = self._attempt("parameter names", "table", lambda: self._table("parameter names"))
        names = ParameterNames(self._new)
        for number, line in enumerate(() if old is None else old):
            entry = f"parameter name {number}"
            self._note_changed(entry)
            place = int(line["record"]), int(line["length"])
            named = self._attempt(entry, "document", partial(self._value, place))
            if isinstance(named, schemas.ParameterName):
                found = self._attempt(entry, "parameters", partial(self._named_set, named))
                if isinstance(found, schemas.ParameterSet):
                    names.add(named, found)

    def _named_set(self, named: schemas.ParameterName) -> schemas.Model:
        row = self._old.parameter_sets.find(named.parameters)
        found = _missing() if row is None else self._old.parameter_sets.model(row)
        if schemas.digest(found) != named.parameters:
            raise ContractError("the set is not what its digest says")
        return found

    def _run_of(self, entry: str, run: int, runs: int) -> int:
        """The run that something goes into. Where no run can be read, what was in one run stays
        together; what says nothing that makes sense goes into one of its own."""
        if 0 <= run < runs:
            return run
        self._lose(entry, "run", "it is not known" if runs else "it cannot be read")
        name = f"unreadable run {run}" if run >= 0 and not runs else "segments of unknown runs"
        row = self._new.run_named(name)
        return self._new.add_run(schemas.Run(name=name), None) if row is None else row

    def _copy_changes(self, scope: Scope | Literal["experiment"], row: int) -> None:
        """The changes of a row, the newest of them read first, as each one names that before."""
        entry = scope if scope == "experiment" else f"{scope} {row}"
        found: list[schemas.Model] = []

        def follow() -> None:
            line = self._old.rows(scope)[row]
            place = [int(line["change"]), int(line["change_length"])]
            while place[1]:
                document = self._old.documents.read((place[0], place[1]))
                change = {k: v for k, v in document.items() if k != "previous"}
                found.append(self._old.documents.load(change))
                place = self._old.rows(scope).before(place[0], document)

        self._attempt(entry, "changes", follow)
        for change in reversed(found):
            if isinstance(change, schemas.AnnotationChange):
                self._new.annotate(scope, row, change)
            elif isinstance(change, schemas.RunEnd):
                new = self._processes.get(change.provenance or "")
                self._new.end_run(row, change.model_copy(update={"provenance": new}))
            elif isinstance(change, LINEAGE):
                self._new.add_change(scope, row, change)
            elif isinstance(change, schemas.Signature):
                self._lose(entry, "signature", "it is of the archive as it was, and not of a copy")
        if scope == "run" and found:
            outcome = self._attempt(entry, "outcome", lambda: int(self._old.runs[row]["outcome"]))
            if outcome == 0:
                self._new.resume_run(row)

    def _annotate(self, scope: Scope, row: int) -> None:
        """Say at the row itself what was lost of it."""
        name = f"{scope} {row}"
        lost = [f"{loss.field}: {loss.reason}" for loss in self.losses if loss.entry == name]
        if lost:
            said: dict[str, schemas.Value] = {NOTE: "; ".join(lost)}
            change = schemas.AnnotationChange(annotations=said, at=datetime.now(UTC))
            self._new.annotate(scope, row, change)

    def _copy_values(self) -> None:
        """The values under keys, row by row: notes of merges count them."""
        old = self._attempt("values", "table", lambda: self._table("values"))
        kept = KeyedValues(self._new)
        for number, line in enumerate(() if old is None else old):
            entry = f"value {number}"
            self._note_changed(entry)
            place = int(line["record"]), int(line["length"])
            model = None
            if place[1]:  # else it says that a key was removed
                model = self._attempt(entry, "document", partial(self._value, place))
            if isinstance(model, schemas.KeyedValue):
                kept.set(model)
            else:
                slot = self._attempt(entry, "key", partial(self._slot, line))
                kept.remove(*(slot or (entry, None)))

    def _value(self, place: tuple[int, int]) -> schemas.Model:
        return self._old.documents.load(self._old.documents.read(place))

    def _slot(self, line: np.void) -> tuple[str, str | None]:
        """The key of a row, and the session that it is of."""
        codes = np.array([line["key"], line["session"]])
        texts = self._old.documents.names.decode(codes[codes != ITSELF])
        return texts[0], texts[1] if len(texts) > 1 else None

    def _copy_notes(self) -> None:
        """What was taken from parts, lest it be taken again."""
        old = self._attempt("merges", "table", lambda: self._table("merges"))
        for number, line in enumerate(() if old is None else old):
            entry = f"merge {number}"
            self._note_changed(entry)
            place = int(line["record"]), int(line["length"])
            note = self._attempt(entry, "document", partial(self._old.documents.read, place))
            if note is not None:
                with self._new.transaction() as transaction:
                    append_note(self._new, transaction, note, line.tolist()[2:])

    def _table(self, name: str) -> npt.NDArray[np.void]:
        return self._old.session.dataset("data_frames", name).read()

    # -- segments ----------------------------------------------------------------------------

    def _copy_segment(self, row: int, runs: int) -> None:
        entry = f"segment {row}"
        self._note_changed(entry)
        line = self._attempt(entry, "row", lambda: self._row(entry, row))
        model, parts, run = None, [], -1
        if line is not None:
            run = int(line["run"])
            model = self._attempt(entry, "document", lambda: self._document("segment", row))
            parts = self._parts(entry, row)
        run = self._run_of(entry, run, runs)
        if not isinstance(model, schemas.Segment):
            recorded = None if line is None else moment(int(line["recorded"]))
            model = schemas.Segment(name=f"unreadable segment {row}", recorded=recorded)
        self._new.add_segments(run, [Entry(model, parts=parts)])
        self.segments += 1
        self._copy_changes("segment", row)
        self._annotate("segment", row)

    # -- snapshots ---------------------------------------------------------------------------

    def _copy_snapshot(self, row: int, runs: int) -> None:
        entry = f"snapshot {row}"
        self._watch.at(entry)
        self._note_changed(entry)
        model = self._attempt(entry, "document", lambda: self._document("snapshot", row))
        run = self._attempt(entry, "run", lambda: int(self._old.snapshots[row]["run"]))
        run = self._run_of(entry, -1 if run is None else run, runs)
        parts: list[Entry] = []
        if not isinstance(model, schemas.Snapshot):
            model = schemas.Snapshot(name=f"unreadable snapshot {row}", time=0.0)
        else:
            said = self._attempt(entry, "parts", lambda: parts_of(self._old, row)) or []
            lose = partial(self._lose, entry)
            parts = list(readable_parts(self._old, model, said, lose))
        model = model.model_copy(update={"populations": (), "projections": ()})
        try:
            add_snapshot(self._new, run, Entry(model, parts=parts))
        except ContractError as error:
            self._lose(entry, "parts", error)
            add_snapshot(self._new, run, Entry(model))
        self.snapshots += 1
        self._copy_changes("snapshot", row)
        self._annotate("snapshot", row)

    def _row(self, entry: str, row: int) -> np.void:
        self._watch.at(entry)
        return self._old.segments[row]

    def _parts(self, entry: str, row: int) -> list[Entry]:
        places = self._attempt(entry, "stretches", lambda: self._old.places(row)) or []
        differs = self._attempt(entry, "parts", lambda: self._old.differences(row)) or []
        if len(differs) != len(places):
            self._lose(entry, "parts", "annotations and descriptions of its parts are not known")
            differs = [{}] * len(places)
        found = [
            self._attempt(entry, f"part {number}", partial(self._part, entry, number, place, own))
            for number, (place, own) in enumerate(zip(places, differs, strict=True))
        ]
        return [part for part in found if part is not None]

    def _part(self, entry: str, number: int, place: Place, differs: dict[str, Any]) -> Entry:
        self._watch.at(f"{entry}, part {number}")
        streams = self._old.streams
        try:
            model = streams.model(place, differs)
        except ArchiveError as error:
            self._lose(entry, f"part {number}", f"of its document only the least is kept ({error})")
            model = streams.model(place, dict.fromkeys(VARYING))
        field = part_name(model)
        arrays: dict[str, Any] = {}
        try:
            rows = streams.rows(place)
        except ArchiveError as error:
            rows = streams.rows(place, without=SPARE)
            self._lose(entry, field, f"it is kept without some of its arrays ({error.message})")
        reading: dict[str, Any] = {name: partial(np.asarray, array) for name, array in rows.items()}
        for name, read in {**reading, "channels": partial(streams.channels, place)}.items():
            try:
                array = read()
            except Exception as error:
                if name not in (*SPARE, "labels"):
                    raise
                self._lose(entry, field, f"its {name} cannot be read ({error})")
                array = np.full(place.rows, "", object) if name == "labels" else None
            if array is not None:
                arrays[name] = array
        fault = self._attempt(entry, field, lambda: part_fault(self._old, place))
        if fault:
            self._lose(entry, field, fault)
        try:
            check_part(model, arrays)
        except ContractError as error:
            arrays = _mended(model, arrays)
            self._lose(entry, field, f"{error.message}: such rows are left out, the others sorted")
            check_part(model, arrays)
        return Entry(model, arrays)


def _missing() -> Any:
    raise ContractError("it is not there")


def _mended(model: schemas.Model, arrays: dict[str, npt.NDArray[Any]]) -> dict[str, Any]:
    """The rows that the contract allows, in the order that it asks for."""
    by_row = {name: array for name, array in arrays.items() if name != "channels"}
    count = min(map(len, by_row.values()))
    by_row = {name: array[:count] for name, array in by_row.items()}
    keep = np.ones(count, bool)
    for name in ("times", "durations"):
        if name in by_row:
            keep &= np.isfinite(by_row[name])
    if "neuron" in by_row:
        neuron = by_row["neuron"]
        keep &= (neuron >= 0) & (neuron < getattr(model, "size", 0))
    chosen = np.flatnonzero(keep)
    if "times" in by_row and not isinstance(model, schemas.Event | schemas.Epoch):
        keys = (by_row["times"][chosen], by_row.get("neuron", np.zeros(count))[chosen])
        chosen = chosen[np.lexsort(keys)]
    mended = {name: array[chosen] for name, array in by_row.items()}
    channels = arrays.get("channels")
    if channels is not None:
        width = model.size if isinstance(model, schemas.SpikeTrains) else mended["values"].shape[1]
        if len(channels) == width:
            mended["channels"] = channels
    return mended
