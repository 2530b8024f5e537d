"""Whether an archive is as layout 1 has it. Nothing is changed; whatever is wrong is a finding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.container import layout
from archive.container.check_digests import document_faults, part_fault
from archive.container.check_files import RecordedFiles
from archive.container.check_index import index_faults
from archive.container.check_nix import nix_faults
from archive.container.check_report import Finding, Report, Signed
from archive.container.check_signatures import signatures
from archive.container.check_snapshots import snapshot_faults
from archive.container.check_values import merge_faults, name_faults, value_faults
from archive.container.container import Container
from archive.container.contents import Contents
from archive.container.contract import check_part, part_name
from archive.container.nix_validation import nixio_faults
from archive.container.provenance_records import KINDS, named, process_names
from archive.container.rows import Rows, microseconds
from archive.container.stream_documents import ACTIVE, ROWS
from archive.container.streams import Place, bounds_names
from archive.container.tables import require_apart, table_of
from archive.storage.inspection import inspect

NIX_HINT = "programs that read NIX may stumble over it; this library may still read the archive"
UNSAFE_HINT = "do not open the file with other programs: they follow what this one refuses"
DOCUMENT_HINT = "what the other rows say is not touched by this"
STRETCH_HINT = "the data of this segment are not to be trusted; those of the others are"
DIGEST_HINT = "it can be read, and is not what was written; nothing else is touched by this"
SIGNED_HINT = "what the archive says may be sound, but nobody stands for it"
INDEX_HINT = "queries for this key may answer wrongly; what runs and segments say of it is right"
MERGE_HINT = "a part may be merged once more, or be taken for merged"
TAGS_HINT = "only programs that read the segments through NIX's MultiTags are led astray"


def check(
    container: Container,
    on_segment: Callable[[], object] = lambda: None,
    *,
    deep: bool = False,
    at: Callable[[str], object] = lambda place: None,
    allowed: Path | None = None,
    files: bool = False,
) -> Report:
    """Look at everything but the values of signals. `on_segment` is called after each segment.

    NIX's own rules, by nixio; every document; every stretch within its stream, and its spikes,
    times and labels as their model says; the index of queries and the MultiTags against the
    documents and the table of stretches. With `deep`, every value too, by the digests, and what
    NIX is told of it. `at` is told what comes next; an ArchiveError that it raises is a finding.

    Signatures are verified, with a file of `allowed` signers by one of these at least. With
    `files`, those that runs were made by are looked for: whoever wrote the archive says where.
    """
    checking = _Checking(container, on_segment, deep, at, allowed)
    steps = [
        checking.nix,
        checking.experiment,
        checking.parameter_sets,
        checking.parameter_names,
        checking.provenance,
        checking.runs,
        checking.stretches,
        checking.segments,
        checking.snapshots,
        checking.values,
        checking.merges,
        checking.signatures,
        checking.index,
        checking.tags,
    ]
    if deep:
        steps += [checking.documents, checking.entities]
    for step in steps:
        name = step.__name__.replace("_", " ")
        with checking.finding(name, DOCUMENT_HINT):
            at(name)
            step()
    gone = checking.files.gone(deep=deep, at=at) if files else []
    found = tuple(dict.fromkeys(checking.findings))
    runs, segments, snapshots = map(checking.count, ("runs", "segments", "snapshots"))
    said = tuple(checking.signed), tuple(gone), len(checking.files)
    return Report(found, runs, segments, snapshots, *said)


@dataclass
class _Checking:
    container: Container
    on_segment: Callable[[], object]
    deep: bool
    at: Callable[[str], object]
    allowed: Path | None
    findings: list[Finding] = field(default_factory=list)
    signed: list[Signed] = field(default_factory=list)
    files: RecordedFiles = field(default_factory=RecordedFiles)

    def note(self, name: str, what: str, hint: str) -> None:
        self.findings.append(Finding(name, what, hint))

    @contextmanager
    def finding(self, name: str, hint: str) -> Iterator[None]:
        """An error inside the block is a finding: damage may raise whatever it likes."""
        try:
            yield
        except Exception as error:
            message = getattr(error, "message", None) or f"{type(error).__name__}: {error}"
            self.note(name, str(message), hint)

    def count(self, table: str) -> int:
        """Rows of a table; none, if even that cannot be read."""
        with self.finding(table, DOCUMENT_HINT):
            return len(table_of(self.container.session, table))
        return 0

    def table(self, name: str) -> npt.NDArray[np.void]:
        return table_of(self.container.session, name).read()

    # -- NIX ---------------------------------------------------------------------------------

    def nix(self) -> None:
        """What nixio's own validation calls an error, if it can be let near the file."""
        found = inspect(self.container.path)
        for name, what in found:
            self.note(name, what, UNSAFE_HINT)
        if found:
            return
        for name, fault in nixio_faults(self.container.path):
            self.note(name, fault, NIX_HINT)

    def entities(self) -> None:
        """What NIX is told of each entity."""
        for name, what in nix_faults(self.container):
            self.note(name, what, NIX_HINT)

    # -- documents ---------------------------------------------------------------------------

    def documents(self) -> None:
        """The digests of all documents, each of which depends on those before it."""
        for name, what in document_faults(self.container):
            self.note(name, what, DIGEST_HINT)

    def experiment(self) -> None:
        self._row(self.container.experiment, 0, "experiment", schemas.Experiment)

    def parameter_sets(self) -> None:
        self._contents("parameter sets", "parameter set", schemas.ParameterSet)

    def parameter_names(self) -> None:
        require_apart(self.container.session, "parameter names")
        for name, fault in name_faults(self.container):
            self.note(name, fault, DOCUMENT_HINT)

    def provenance(self) -> None:
        self._contents("provenance", "provenance record", *KINDS)
        for row in range(len(self.container.provenance)):
            name = f"provenance record {row}"
            with self.finding(name, DOCUMENT_HINT):
                process = self.container.provenance.model(row)
                self.files.see_record(self.container.provenance.digest(row), process)
                for _, other in named(process) if isinstance(process, schemas.Provenance) else ():
                    if self.container.provenance.find(other) is None:
                        self.note(name, "a record that it names is missing", DOCUMENT_HINT)

    def _contents(self, table: str, what: str, *kinds: type[schemas.Model]) -> None:
        contents = Contents(self.container.session, self.container.documents, table)
        require_apart(self.container.session, table)
        for row in range(len(contents)):
            name = f"{what} {row}"
            with self.finding(name, DOCUMENT_HINT):
                model = contents.model(row)
                self._kind(name, model, *kinds)
                if schemas.digest(model) != contents.digest(row):
                    self.note(name, "it is not what its digest says", DOCUMENT_HINT)

    def _row(
        self, rows: Rows, row: int, name: str, kind: type[schemas.Model]
    ) -> schemas.Model | None:
        """The model of a row, if it can be had; all of its changes are read too."""
        with self.finding(name, DOCUMENT_HINT):
            document = {k: v for k, v in rows.document(row).items() if k != "parts"}
            model = self.container.documents.load(document)
            self._kind(name, model, kind)
            for change in rows.changes(row):
                self.container.documents.load({k: v for k, v in change.items() if k != "previous"})
            return model
        return None

    def _kind(self, name: str, model: schemas.Model, *kinds: type[schemas.Model]) -> None:
        if not isinstance(model, kinds):
            self.note(name, f"its document is that of a {model.kind}", DOCUMENT_HINT)

    def runs(self) -> None:
        container = self.container
        require_apart(container.session, "runs")
        sets = len(container.parameter_sets)
        names: dict[str, int] = {}
        for row, found in enumerate(self.table("runs")):
            name = f"run {row}"
            model = self._row(container.runs, row, name, schemas.Run)
            if not 0 <= int(found["outcome"]) < len(layout.OUTCOMES):
                self.note(name, f"its outcome is {found['outcome']}", DOCUMENT_HINT)
            at = int(found["parameters"])
            if not -1 <= at < sets:
                self.note(name, f"it has parameter set {at} of {sets}", DOCUMENT_HINT)
            if not isinstance(model, schemas.Run):
                continue
            first = names.setdefault(model.name, row)
            if first != row:
                self.note(name, f"it has the name of run {first}, {model.name!r}", DOCUMENT_HINT)
            changes = container.changes("run", row)
            self.files.see_run(row, model, changes)
            ends = [end for end in changes if isinstance(end, schemas.RunEnd)]
            said = [(0, 0)]  # of a run that goes on, perhaps after it had ended
            said += [(layout.OUTCOMES.index(e.outcome), microseconds(e.ended)) for e in ends[-1:]]
            if (int(found["outcome"]), int(found["ended"])) not in said:
                self.note(name, "it ended otherwise than its documents say", INDEX_HINT)
            if microseconds(model.started) != int(found["started"]):
                self.note(name, "it started at another time than its document says", INDEX_HINT)
            with self.finding(name, DOCUMENT_HINT):
                known = container.parameter_sets.digest(at) if 0 <= at < sets else None
                if known != model.parameters:
                    self.note(name, "its parameter set is not that of its document", DOCUMENT_HINT)
                for process in process_names(container, row):
                    if container.provenance.find(process) is None:
                        self.note(name, "its provenance record is missing", DOCUMENT_HINT)

    # -- data --------------------------------------------------------------------------------

    def stretches(self) -> None:
        """Each belongs to one segment, and no two of a stream overlap."""
        segments, stretches = self.table("segments"), self.table("stretches")
        owners, held = stretches["segment"], segments["stretches"]
        counts = np.bincount(owners[(owners >= 0) & (owners < len(held))], minlength=len(held))
        for row in np.flatnonzero(held != counts).tolist():
            what = f"it has {held[row]} stretches, and {counts[row]} are marked as its own"
            self.note(f"segment {row}", what, STRETCH_HINT)
        moved = segments["stretch"] != np.cumsum(counts) - counts
        for row in np.flatnonzero(moved & (held == counts).all()).tolist():
            self.note(f"segment {row}", "its stretches are not where they must be", STRETCH_HINT)
        if counts.sum() != len(stretches):
            what = f"{len(stretches) - counts.sum()} belong to no segment"
            self.note("stretches", what, STRETCH_HINT)
        order = np.lexsort((stretches["start"], stretches["stream"]))
        for start, count in (("start", "count"), ("active_start", "active_count")):
            self._overlaps(stretches[order], start, count)

    def _overlaps(self, stretches: npt.NDArray[np.void], start: str, count: str) -> None:
        held = stretches[stretches[count] > 0]
        same = held["stream"][1:] == held["stream"][:-1]
        over = same & (held[start][1:] < held[start][:-1] + held[count][:-1])
        for at in np.flatnonzero(over).tolist():
            one, other = held["segment"][at : at + 2].tolist()
            self.note(f"segment {other}", f"it shares rows with segment {one}", STRETCH_HINT)

    def segments(self) -> None:
        container = self.container
        require_apart(container.session, "segments")
        runs = len(container.runs)
        owners = self.table("stretches")["segment"]
        for row, found in enumerate(self.table("segments")):
            name = f"segment {row}"
            with self.finding(name, STRETCH_HINT):
                self.at(name)
                self._segment(name, row, found, runs, owners)
            self.on_segment()

    def _segment(
        self, name: str, row: int, found: np.void, runs: int, owners: npt.NDArray[np.int64]
    ) -> None:
        container = self.container
        model = self._row(container.segments, row, name, schemas.Segment)
        if not 0 <= int(found["run"]) < runs:
            self.note(name, f"it belongs to run {found['run']} of {runs}", DOCUMENT_HINT)
        recorded = microseconds(getattr(model, "recorded", None))
        if model is not None and recorded != int(found["recorded"]):
            what = "it was recorded at another time than its document says"
            self.note(name, what, INDEX_HINT)
        first, count = int(found["stretch"]), int(found["stretches"])
        if (owners[first : first + count] != row).any():
            self.note(name, "one of its stretches is that of another segment", STRETCH_HINT)
        with self.finding(name, STRETCH_HINT):
            places, differs = container.places(row), container.differences(row)
            if len(places) != len(differs):
                what = f"it has {len(places)} stretches and {len(differs)} documents of parts"
                self.note(name, what, STRETCH_HINT)
            for number, (place, own) in enumerate(zip(places, differs, strict=False)):
                self._part(f"{name}, part {number}", place, own)

    def _part(self, name: str, place: Place, differs: dict[str, Any]) -> None:
        with self.finding(name, STRETCH_HINT):
            streams = self.container.streams
            if not 0 <= place.stream < len(streams):
                self.note(name, f"it lies in stream {place.stream} of {len(streams)}", STRETCH_HINT)
                return
            model = streams.model(place, differs)
            name = f"{name} ({part_name(model)})"
            if not self._inside(name, place):
                return
            with self.finding(name, STRETCH_HINT):
                # the bulk of an archive stays unread: only shape and dtype are asked for
                arrays = {
                    key: np.broadcast_to(np.zeros((), array.dtype), array.shape)
                    if key in ("values", "waveforms")
                    else np.asarray(array)
                    for key, array in streams.arrays(place).items()
                }
                check_part(model, arrays)
            if self.deep and (fault := part_fault(self.container, place)):
                self.note(name, fault, DIGEST_HINT)

    def _inside(self, name: str, place: Place) -> bool:
        """Whether a stretch lies inside all arrays of its stream."""
        stream = self.container.streams[place.stream]
        spans = {key: (place.start, place.rows) for key in ROWS[stream.kind]}
        spans |= dict.fromkeys(ACTIVE, (place.active_start, place.active_rows))
        for key, array in stream.arrays.items():
            if array is None:
                continue
            start, count = spans[key]
            length = len(self.container.session.dataset("data_arrays", array))
            if not 0 <= start <= start + count <= length:
                what = f"rows {start} to {start + count} of {key} do not lie within {length}"
                self.note(name, what, STRETCH_HINT)
                return False
        if stream.kind != "spike-trains":
            return True
        return self._active(name, place, stream.arrays["ends"])

    def _active(self, name: str, place: Place, ends: str | None) -> bool:
        first, count = place.active_start, place.active_rows
        data = self.container.session.dataset("data_arrays", str(ends)).read(first, first + count)
        bounds = np.concatenate([[0], data])
        if (np.diff(bounds) <= 0).any() or bounds[-1] != place.rows:
            self.note(name, "where the spikes of its trains end is not what it has", STRETCH_HINT)
            return False
        return True

    def snapshots(self) -> None:
        for name, fault in snapshot_faults(self.container, deep=self.deep, at=self.at):
            self.note(name, fault, DOCUMENT_HINT)

    # -- beside the runs ---------------------------------------------------------------------

    def values(self) -> None:
        for name, fault in value_faults(self.container):
            self.note(name, fault, DOCUMENT_HINT)

    def merges(self) -> None:
        for name, fault in merge_faults(self.container):
            self.note(name, fault, MERGE_HINT)

    def signatures(self) -> None:
        for found in signatures(self.container, self.allowed, deep=self.deep, at=self.at):
            if isinstance(found, Signed):
                self.signed.append(found)
            else:
                self.note(*found, SIGNED_HINT)

    # -- what is derived ---------------------------------------------------------------------

    def index(self) -> None:
        for scope in layout.SCOPES:
            with self.finding(f"index of {scope}", INDEX_HINT):
                for key, what in index_faults(self.container, scope):
                    self.note(f"{scope} index: {key}", what, INDEX_HINT)

    def tags(self) -> None:
        """Positions and extents of the MultiTags, against the table of stretches."""
        stretches = self.table("stretches")
        known = set(self.container.session.names("multi_tags"))
        for number in range(len(self.container.streams)):
            stream = self.container.streams[number]
            main = stream.arrays[ROWS[stream.kind][0]]
            if main is None or f"{main}.segments" not in known:
                continue
            own = stretches[stretches["stream"] == number]
            sampling = stream.model.get("sampling_period", 1)
            for name, column in zip(bounds_names(main), ("start", "count"), strict=True):
                marked = self._first_axis(name)
                if not np.array_equal(marked, own[column][: len(marked)] * sampling):
                    self.note(name, "it does not mark the stretches of its segments", TAGS_HINT)

    def _first_axis(self, name: str) -> npt.NDArray[np.float64]:
        values = self.container.session.dataset("data_arrays", name).read()
        return np.asarray(values[:, 0] if values.ndim == 2 else values, np.float64)
