"""Whether what was taken over from an archive is the same here.

Documents are compared with those of the other archive. Arrays are read back here and compared with
their digests, which are those of the other archive: so they need not be read there again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.container.blob_references import moved
from archive.container.container import Container
from archive.container.digests import array_digest
from archive.container.documents import Documents
from archive.container.heaps import places
from archive.container.merge_notes import Rows, Taken
from archive.container.moving import MARK
from archive.container.nix_terms import VARYING
from archive.container.snapshots import parts_of
from archive.container.stored_digests import stored_digests
from archive.container.tables import table_of

Table = npt.NDArray[np.void]


def difference(
    target: Container, source: Container, taken: Taken, names: Mapping[int, str], part: str
) -> str | None:
    """The first thing in which the rows of `target` that `taken` names are not those of
    `source`; None if all is the same.

    `names` are those that runs were given, by row of the source; `part` is what the source is
    called.
    """
    return next(_Comparing(target, source, taken, names, part).differences(), None)


class _Comparing:
    def __init__(
        self,
        target: Container,
        source: Container,
        taken: Taken,
        names: Mapping[int, str],
        part: str,
    ) -> None:
        self.target, self.source, self.taken = target, source, taken
        self.names, self.part = names, part
        # Segments whose documents are not the same text; they may say the same for all that.
        self.unlike: set[int] = set()

    def differences(self) -> Iterator[str]:
        for what in ("runs", "segments", "snapshots"):
            here, there = getattr(self.taken, what), table_of(self.source.session, what)
            if len(here) != len(there):
                yield f"{len(there)} {what} were there, {len(here)} are here"
                return
        yield from self._runs()
        yield from self._segments()
        yield from self._snapshots()
        yield from self._values()

    # -- runs --------------------------------------------------------------------------------

    def _runs(self) -> Iterator[str]:
        here = self.target.runs.all()[self.taken.runs]
        there = self.source.runs.all()
        for field in ("started", "ended", "outcome"):
            if not np.array_equal(here[field], there[field]):
                yield f"{field} of a run differs"
        told = {row: {"name": name} for row, name in self.names.items()}
        yield from self._rows("run", here, there, told)
        sets = self.target.parameter_sets, self.source.parameter_sets
        for row, (one, other) in enumerate(
            zip(here["parameters"].tolist(), there["parameters"].tolist(), strict=True)
        ):
            if (one < 0) != (other < 0) or (
                one >= 0 and sets[0].digest(one) != sets[1].digest(other)
            ):
                yield f"the parameter set of run {row} differs"

    def _rows(
        self, what: str, here: Table, there: Table, told: Mapping[int, Mapping[str, Any]]
    ) -> Iterator[str]:
        """Documents and changes of rows."""
        mine = self.target.documents.records.lines(places(here))
        theirs = self.source.documents.records.lines(places(there))
        for row, (one, other) in enumerate(zip(mine, theirs, strict=True)):
            if one == other and MARK not in one:
                continue
            if what == "segment":
                self.unlike.add(row)
            left = self._parsed(self.target.documents, one)
            right = self._parsed(self.source.documents, other)
            for document in (left, right):
                document.pop("parts", None)  # compared with the parts
            if left != {**right, **told.get(row, {})}:
                yield f"the document of {what} {row} differs"
        if what == "value":
            return
        for row in np.flatnonzero(here["change_length"] | there["change_length"]).tolist():
            if self._chain(self.target.documents, here[row]) != self._chain(
                self.source.documents, there[row]
            ):
                yield f"the changes of {what} {row} differ"

    def _parsed(self, documents: Documents, line: bytes) -> dict[str, Any]:
        found: dict[str, Any] = _resolved(documents, json.loads(line))
        return found

    def _chain(self, documents: Documents, row: np.void) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        place = [int(row["change"]), int(row["change_length"])]
        while place[1]:
            found.append(documents.read((place[0], place[1])))
            place = found[-1].pop("previous")
        return [_resolved(documents, document) for document in found]

    # -- segments ----------------------------------------------------------------------------

    def _segments(self) -> Iterator[str]:
        rows = self.taken.segments
        here, there = self.target.segments.all()[rows], self.source.segments.all()
        if not len(there):
            return
        if not np.array_equal(here["run"], self.taken.runs[there["run"]]):
            yield "a segment belongs to another run"
        for field in ("recorded", "stretches", "t_start", "t_stop"):
            if here[field].tobytes() != there[field].tobytes():
                yield f"{field} of a segment differs"
                return
        yield from self._rows("segment", here, there, {})
        table = table_of(self.target.session, "stretches")
        spans = zip(here["stretch"].tolist(), here["stretches"].tolist(), strict=True)
        owned = [np.arange(first, first + count) for first, count in spans]
        mine = table.read()[np.concatenate(owned)]
        theirs = table_of(self.source.session, "stretches").read()
        yield from self._stretches(mine, theirs[: len(mine)])
        yield from self._parts(rows, mine, theirs)

    def _stretches(self, here: Table, there: Table) -> Iterator[str]:
        if len(here) != len(there):
            yield f"{len(there)} stretches were there, {len(here)} are here"
            return
        for field in ("count", "active_count", "t_start", "t_stop", "digest"):
            if here[field].tobytes() != there[field].tobytes():
                yield f"{field} of a stretch differs"
                return
        for number in np.unique(there["stream"]).tolist():
            mine = np.flatnonzero(there["stream"] == number)
            for now in np.unique(here["stream"][mine]).tolist():
                own = mine[here["stream"][mine] == now]
                yield from self._stream(now, number, here[own])

    def _stream(self, now: int, before: int, here: Table) -> Iterator[str]:
        one, other = self.target.streams[now], self.source.streams[before]
        fixed = [{k: v for k, v in s.model.items() if k not in VARYING} for s in (one, other)]
        channels = [
            None if stream.channels is None else documents.blobs.read(stream.channels)
            for stream, documents in (
                (one, self.target.documents),
                (other, self.source.documents),
            )
        ]
        types = [{k: list(v) for k, v in stream.types.items()} for stream in (one, other)]
        if fixed[0] != fixed[1] or channels[0] != channels[1] or types[0] != types[1]:
            yield f"stream {before} differs from stream {now}"
            return
        stored = stored_digests(self.target, now, here)
        if any(one != other for one, other in zip(stored, here["digest"], strict=True)):
            yield f"the arrays of stream {before} differ from what was written"

    def _parts(self, rows: Rows, here: Table, there: Table) -> Iterator[str]:
        """What segments say of their parts, beyond what streams say."""
        mine, theirs = (self._bases(one) for one in (self.target, self.source))
        pairs = np.unique(np.column_stack([here["stream"], there["stream"]]), axis=0).tolist()
        for now, before in pairs:
            if mine[now] != theirs[before]:
                both = (here["stream"] == now) & (there["stream"] == before)
                self.unlike.update(there["segment"][both].tolist())
        for row in sorted(self.unlike):
            number = int(rows[row])
            if _said(self.target, number, mine) != _said(self.source, row, theirs):
                yield f"what segment {row} says of its parts differs"

    def _bases(self, container: Container) -> list[dict[str, Any]]:
        """What the streams say, where a segment may say otherwise."""
        streams = container.streams
        models = [streams[number].model for number in range(len(streams))]
        return [
            _resolved(container.documents, {key: model.get(key) for key in VARYING})
            for model in models
        ]

    # -- snapshots ---------------------------------------------------------------------------

    def _snapshots(self) -> Iterator[str]:
        rows = self.taken.snapshots
        here, there = self.target.snapshots.all()[rows], self.source.snapshots.all()
        if not np.array_equal(here["run"], self.taken.runs[there["run"]]):
            yield "a snapshot belongs to another run"
        for field in ("taken", "time"):
            if here[field].tobytes() != there[field].tobytes():
                yield f"{field} of a snapshot differs"
        yield from self._rows("snapshot", here, there, {})
        arrays: dict[int, str] = {}
        for number, row in enumerate(rows.tolist()):
            mine, theirs = (
                _parts(one, at) for one, at in ((self.target, row), (self.source, number))
            )
            if mine != theirs:
                yield f"what snapshot {number} says of its parts differs"
            for part in parts_of(self.target, row):
                arrays.update(part["arrays"].values())
        for row, digest in arrays.items():
            if array_digest({"array": self.target.pool.read(row)}).decode() != digest:
                yield "an array of a snapshot differs from what was written"

    # -- values ------------------------------------------------------------------------------

    def _values(self) -> Iterator[str]:
        here = table_of(self.target.session, "values").read()[self.taken.values]
        there = table_of(self.source.session, "values").read()
        if not np.array_equal(here["length"] > 0, there["length"] > 0):
            yield "other keys have values"
            return
        kept = there["length"] > 0
        told = {row: {"session": self.part} for row in np.flatnonzero(there["session"][kept] < 0)}
        yield from self._rows("value", here[kept], there[kept], told)


def _resolved(documents: Documents, document: Any) -> Any:
    """The document with digests of its blobs in place of where they lie."""

    def content(reference: Sequence[int]) -> str:
        return hashlib.sha256(documents.blobs.read(reference)).hexdigest()

    return moved(document, content)


def _parts(container: Container, row: int) -> list[Any]:
    """What a snapshot says of its parts, the arrays by their digests."""
    return [
        _resolved(
            container.documents,
            {**part, "arrays": {name: digest for name, (_, digest) in part["arrays"].items()}},
        )
        for part in parts_of(container, row)
    ]


def _said(container: Container, row: int, bases: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is said of each part of a segment, by its stream or by itself."""
    said = _resolved(container.documents, container.differences(row))
    places = container.places(row)
    return [{**bases[place.stream], **own} for place, own in zip(places, said, strict=True)]
