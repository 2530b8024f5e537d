"""Taking over all that lies in another archive, table by table and stream by stream.

Each step is one transaction, and notes in the table of merges what it took: so a merge that was
interrupted goes on where it stopped, and nothing is taken twice. No segment is made an object.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.container import layout, merge_notes
from archive.container.columns import NAME
from archive.container.concatenated import text_column
from archive.container.container import Container
from archive.container.heaps import places
from archive.container.layout import Scope
from archive.container.merge_notes import Rows, Taken, note_merge, taken
from archive.container.moving import Moving
from archive.container.nix_terms import VARYING
from archive.container.stream_documents import ACTIVE
from archive.container.streams import Place
from archive.container.tables import table_of
from archive.container.taking_snapshots import take_snapshots
from archive.query import Column
from archive.storage import Transaction

Table = npt.NDArray[np.void]

BATCH = 256 << 20  # bytes of arrays per transaction
SEGMENTS = 20_000  # per transaction, at most


def take(target: Container, source: Container, part: str, names: dict[int, str]) -> Iterator[int]:
    """Append all of `source` that `target` has not taken yet; the number of segments that were
    taken is yielded after each transaction. `names` are those that runs shall have, where not
    their own, by row; `part` is what `source` is called.
    """
    while True:
        known = taken(target, source)
        first = len(known.segments)
        if merge_notes.is_whole(known, source) and merge_notes.progress(target, source) == "all":
            return
        target.forget()  # what it has read so far would not count what comes now
        with target.transaction() as transaction:
            taking = _Taking(target, source, transaction, part)
            last = taking.batch_end(first)
            taking.take(known, last, names)
        target.forget()
        yield last - first


class _Taking:
    """One step."""

    def __init__(
        self, target: Container, source: Container, transaction: Transaction, part: str
    ) -> None:
        self.target, self.source, self.transaction, self.part = target, source, transaction, part
        for scope in layout.SCOPES:
            target.index(scope)  # before there are rows that it does not know
        target.write_index(transaction)
        self.moving = Moving(source.documents, target.documents, transaction)
        self.streams: dict[int, int] = {}

    def batch_end(self, first: int) -> int:
        """The segment before which a step ends: a transaction is kept to some size."""
        segments = self.source.segments.all()[first : first + SEGMENTS]
        stretches = table_of(self.source.session, "stretches").read()
        sizes = np.array([self._row_bytes(n) for n in range(len(self.source.streams))] or [0])
        ends = np.concatenate([[0], np.cumsum(sizes[stretches["stream"]] * stretches["count"])])
        bytes_before = ends[segments["stretch"] + segments["stretches"]]
        bytes_before = bytes_before - (ends[segments["stretch"][0]] if len(segments) else 0)
        count = int(np.searchsorted(bytes_before, BATCH)) + 1
        return first + min(count, len(segments))

    def _row_bytes(self, number: int) -> int:
        types = self.source.streams[number].types
        return sum(
            np.dtype(dtype).itemsize * int(np.prod(shape, dtype=np.int64))
            for name, (dtype, shape) in types.items()
            if name not in ACTIVE
        )

    def take(self, known: Taken, last: int, names: dict[int, str]) -> None:
        runs = np.concatenate([known.runs, self._take_runs(len(known.runs), names)])
        first = len(known.segments)
        segment = len(self.target.segments)
        if last > first:
            self._take_segments(first, last, runs)
        value, values = self._take_values(len(known.values))
        snapshot, snapshots = len(self.target.snapshots), 0
        if last == len(self.source.segments):  # those of a step that has the last, or is later
            before = len(known.snapshots)
            snapshot, snapshots = take_snapshots(
                self.target, self.source, self.moving, self.transaction, before, runs, BATCH
            )
        if snapshots:
            numbers = np.arange(len(known.snapshots), len(known.snapshots) + snapshots)
            self._index("snapshot", numbers, None)
        new_runs = len(runs) - len(known.runs)
        run = int(runs[len(known.runs)]) if new_runs else len(self.target.runs)
        span = (run, new_runs, segment, last - first, value, values, snapshot, snapshots)
        note_merge(self.target, self.transaction, self.source, self.part, span)
        self.target.write_index(self.transaction)

    # -- runs --------------------------------------------------------------------------------

    def _take_runs(self, first: int, names: dict[int, str]) -> Rows:
        source, target = self.source, self.target
        table = source.runs.all()[first:].copy()
        if not len(table):
            return np.empty(0, np.int64)
        sets = self._take_parameter_sets(table["parameters"])
        self._take_provenance()
        table["parameters"] = [sets.get(row, -1) for row in table["parameters"].tolist()]
        renamed = {row - first: {"name": name} for row, name in names.items()}
        self.moving.rows(table, _sealed(table), renamed)
        start = len(target.runs)
        rows = np.arange(first, first + len(table))
        known_as = [
            names.get(row, document["name"])
            for row, document in zip(
                rows.tolist(), source.runs.documents(rows.tolist()), strict=True
            )
        ]
        self._index("run", rows, known_as)
        self.transaction.append(table_of(target.session, "runs"), table)
        return start + np.arange(len(table))

    def _take_parameter_sets(self, wanted: npt.NDArray[Any]) -> dict[int, int]:
        source, target = self.source.parameter_sets, self.target.parameter_sets
        rows = [row for row in np.unique(wanted).tolist() if row >= 0]
        digests = {row: source.digest(row) for row in rows}
        new = [row for row in rows if target.find(digests[row]) is None]
        self._add_contents(source, target, new)
        if new:
            self._index("parameters", np.array(new), None)
        return {row: int(target.find(digests[row]) or 0) for row in rows}

    def _take_provenance(self) -> None:
        source, target = self.source.provenance, self.target.provenance
        rows = range(len(source))
        self._add_contents(
            source, target, [r for r in rows if target.find(source.digest(r)) is None]
        )

    def _add_contents(self, source: Any, target: Any, rows: Sequence[int]) -> None:
        places = source.places()
        digests = [source.digest(row) for row in rows]
        moved = self.moving.documents(
            [places[row] for row in rows], [digest.encode() for digest in digests]
        )
        for digest, place in zip(digests, moved, strict=True):
            target.add(self.transaction, place, digest)

    # -- segments ----------------------------------------------------------------------------

    def _take_segments(self, first: int, last: int, runs: Rows) -> None:
        source, target = self.source, self.target
        table = source.segments.all()[first:last].copy()
        begin = int(table["stretch"][0])
        end = int(table["stretch"][-1] + table["stretches"][-1])
        stretches = table_of(source.session, "stretches").read(begin, end)
        start = len(target.segments)
        differs = self._take_streams(stretches)
        changed = self._other_differences(first, table, stretches, differs)
        target_stretches = table_of(target.session, "stretches")
        table["stretch"] += len(target_stretches) - begin
        stretches["segment"] += start - first
        table["run"] = runs[table["run"]]
        with_stretches = [
            sealed + stretches[at : at + count].tobytes()
            for sealed, at, count in zip(
                _sealed(table),
                (table["stretch"] - len(target_stretches)).tolist(),
                table["stretches"].tolist(),
                strict=True,
            )
        ]
        self.moving.rows(table, with_stretches, changed)
        self._index("segment", np.arange(first, last), None)
        self.transaction.append(target_stretches, stretches)
        self.transaction.append(table_of(target.session, "segments"), table)
        target.tags.add([Place(*values[1:]) for values in stretches.tolist()])

    def _take_streams(self, stretches: Table) -> set[int]:
        """Copy the rows of all stretches, and let these say where they lie now. Returns the
        streams here whose first part is not that of the source."""
        differs: set[int] = set()
        numbers = stretches["stream"].copy()
        for number in np.unique(numbers).tolist():
            mine = np.flatnonzero(numbers == number)
            stream = self.source.streams[number]
            document = self.moving.with_blobs(stream.model)
            where = None
            if stream.channels is not None:
                where = self.source.documents.blobs.read(stream.channels)
            count = int(stretches["count"][mine[0]])
            here = self.target.streams.place(self.transaction, document, stream.types, where, count)
            base = self.target.streams[here].model
            if any(document.get(key) != base.get(key) for key in VARYING):
                differs.add(here)
            spans = {"start": "count", "active_start": "active_count"}
            for start, length in spans.items():
                low = int(stretches[start][mine].min())
                high = int((stretches[start][mine] + stretches[length][mine]).max())
                at = self._copy(number, here, start == "active_start", low, high)
                stretches[start][mine] += at - low
            stretches["stream"][mine] = here
        return differs

    def _copy(self, number: int, here: int, active: bool, low: int, high: int) -> int:
        """Append rows of a stream's arrays; returns the row where they begin."""
        source, target = self.source.streams, self.target.streams
        start = 0
        for name in source[number].types:
            if (name in ACTIVE) != active:
                continue
            old, new = source.data(source[number], name), target.data(target[here], name)
            if old is None or new is None:
                continue
            if name == "labels":
                start = self.transaction.append(new, self._labels(old.read(low, high)))
            else:
                start = self.transaction.copy(new, old, low, high)
        return start

    def _labels(self, codes: npt.NDArray[Any]) -> npt.NDArray[Any]:
        known, which = np.unique(codes, return_inverse=True)
        texts = self.source.documents.texts.decode(known)
        made = self.target.documents.texts.append(self.transaction, texts)
        return np.array(made, "<i8")[which]

    def _other_differences(
        self, first: int, table: Table, stretches: Table, differs: set[int]
    ) -> dict[int, dict[str, Any]]:
        """What the documents of segments must say of their parts, where a part belongs to a
        stream whose first part was another here than there."""
        if not differs:
            return {}
        touched = np.isin(stretches["stream"], list(differs))
        owners = np.unique(stretches["segment"][touched]) - first
        found: dict[int, dict[str, Any]] = {}
        for row in owners.tolist():
            own = self.source.differences(first + row)
            places = self.source.places(first + row)
            begin = int(table["stretch"][row] - table["stretch"][0])
            parts = []
            for number, (place, said) in enumerate(zip(places, own, strict=True)):
                model = self.source.streams[place.stream].model
                here = int(stretches["stream"][begin + number])
                parts.append(self._difference({**model, **said}, here))
            found[row] = {"parts": parts}
        return found

    def _difference(self, document: dict[str, Any], here: int) -> dict[str, Any]:
        base = self.target.streams[here].model
        now = self.moving.with_blobs(document)
        fields = schemas.KINDS[str(base["kind"])].model_fields
        return {
            key: now.get(key) for key in VARYING if key in fields and now.get(key) != base.get(key)
        }

    # -- what rows have in common ------------------------------------------------------------

    def _index(self, scope: Scope, rows: Rows, names: Sequence[str | None] | None) -> None:
        """Columns of new rows, column by column; row by row where the source lacks some."""
        there, here = self.source.index(scope), self.target.index(scope)
        if not there.complete:
            for number, row in enumerate(rows.tolist()):
                facts = self.source.index_row(scope, row)
                here.add(facts if names is None else {**facts, NAME: names[number]})
            return
        if here.waiting:
            here.write(self.transaction)
        length = self.source.count(scope)
        columns = {
            key: [_rows_of(column, rows) for column in there.columns(key, length)]
            for key in (NAME, *there.keys())
        }
        if names is not None:
            columns[NAME] = [text_column([str(name) for name in names])]
        here.extend(self.transaction, columns, len(rows))

    # -- values under keys -------------------------------------------------------------------

    def _take_values(self, first: int) -> tuple[int, int]:
        """Returns the first row here, and how many."""
        here = table_of(self.target.session, "values")
        table = table_of(self.source.session, "values").read(first)
        start = len(here)
        if len(table):
            names = self.target.documents.names
            for field in ("key", "session"):
                known = np.unique(table[field][table[field] >= 0])
                texts = self.source.documents.names.decode(known) if len(known) else []
                codes = names.append(self.transaction, texts)
                code = dict(zip(known.tolist(), codes, strict=True))
                table[field] = [code.get(old, old) for old in table[field].tolist()]
            own = table["session"] < 0
            table["session"][own] = names.append(self.transaction, [self.part])[0]
            kept = np.flatnonzero(table["length"])  # the others say that a key was removed
            told = {n: {"session": self.part} for n in np.flatnonzero(own[kept]).tolist()}
            moved = self.moving.documents(places(table[kept]), _sealed(table[kept]), told)
            table["record"][kept], table["length"][kept] = (
                np.array(moved, np.int64).reshape(-1, 2).T
            )
            self.transaction.append(here, table)
        return start, len(table)


def _sealed(table: Table) -> list[bytes]:
    return [layout.sealed(row) for row in table]


def _rows_of(column: Column, rows: Rows) -> Column:
    values = None if column.values is None else column.values[rows]
    return replace(column, present=column.present[rows], values=values)
