"""Streams: the arrays of one recorded variable, growing along time from segment to segment."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

import schemas
from archive.addresses import ticks_to_times
from archive.container import layout
from archive.container.blob_references import references
from archive.container.chunks import chunk_shape
from archive.container.contract import check_part
from archive.container.digests import array_digest
from archive.container.documents import BREACHES, Documents
from archive.container.heaps import DOCUMENT_LIMIT
from archive.container.lazy import Labels, Neurons, Stretch
from archive.container.nix_terms import TIMES, VARYING, nix_terms, properties, readable_name
from archive.container.pouring import Poured
from archive.container.stream_documents import ACTIVE, ROWS, Stream, parse_stream
from archive.container.tables import table_of
from archive.entry import ArrayLike, Entry
from archive.errors import CorruptArchive
from archive.storage import Growing, Session, Transaction

# Rows without bytes need no storage, but more of them than this nobody has recorded.
NO_BYTES_ROWS: Final = 1 << 32


class Place(NamedTuple):
    """Where a part lies: the row that it gets in the table of stretches, but for the segment."""

    stream: int
    start: int
    rows: int
    active_start: int
    active_rows: int
    t_start: float
    t_stop: float
    digest: bytes


class Streams:
    """All streams of an archive: parts in, parts out."""

    def __init__(self, session: Session, documents: Documents) -> None:
        self._session = session
        self._documents = documents
        self._records = documents.records
        self._blobs = documents.blobs
        self._texts = documents.texts
        self._table = table_of(session, "streams")
        self._streams: list[Stream | CorruptArchive] = []
        self._by_key: dict[str, int] = {}
        self._names: dict[str, set[str]] = {}
        self._load()

    def __getitem__(self, row: int) -> Stream:
        if row >= len(self._streams):
            self._load()
        if not 0 <= row < len(self._streams):
            raise self._corrupt(f"there is no stream {row} among {len(self._streams)}")
        found = self._streams[row]
        if isinstance(found, CorruptArchive):
            raise found
        return found

    def __len__(self) -> int:
        return len(self._table)

    # -- in ----------------------------------------------------------------------------------

    def append(self, transaction: Transaction, part: Entry) -> tuple[Place, dict[str, Any]]:
        """Write the arrays of a part; returns where they lie, and in what its document differs
        from the stream's. Raises ContractError for arrays that do not fit their model."""
        pours = isinstance(part.model, schemas.AddressEvents)  # a recording may exceed memory
        arrays: dict[str, Any] = {
            name: array if pours else np.asarray(array) for name, array in part.arrays.items()
        }
        check_part(part.model, arrays)
        document = self._documents.dump(transaction, part.model)
        labels = arrays.get("labels")
        if labels is not None:
            arrays["labels"] = self._label_codes(transaction, arrays["labels"])
        rows = {name: arrays[name] for name in ROWS[document["kind"]] if name in arrays}
        channels = arrays.get("channels", _all_channels(part.model, arrays))
        number = self._find_or_make(transaction, document, rows, channels)
        stream = self[number]
        written: dict[str, Any] = {}
        start = count = active_start = active_count = 0
        for name, values in rows.items():
            count = values.shape[0]
            data = self.data(stream, name)
            if pours:
                written[name] = Poured(transaction, self._need(stream, name), values)
                start = written[name].start
                continue
            written[name] = values.astype(stream.types[name][0], copy=False)
            if data is not None:
                start = transaction.append(data, written[name])
        if stream.kind == "spike-trains":
            written |= zip(ACTIVE, _active(arrays["neuron"]), strict=True)
            active_count = len(written["neurons"])
            for name in ACTIVE:
                active_start = transaction.append(self._need(stream, name), written[name])
        if labels is not None:
            written["labels"] = labels.astype(object)
        digest = array_digest(written)
        t_start, t_stop = _times(part.model, {**arrays, **written}, count)
        place = Place(number, start, count, active_start, active_count, t_start, t_stop, digest)
        base = stream.model
        differs: dict[str, Any] = {
            key: document.get(key)
            for key in VARYING
            if key in type(part.model).model_fields and document.get(key) != base.get(key)
        }
        return place, differs

    def _label_codes(self, transaction: Transaction, labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        codes = self._texts.append(transaction, [str(label) for label in labels.tolist()])
        return np.array(codes, "<i8")

    def _find_or_make(
        self,
        transaction: Transaction,
        document: dict[str, Any],
        rows: Mapping[str, npt.NDArray[Any]],
        channels: npt.NDArray[Any] | None,
    ) -> int:
        types = {name: (_on_disk(v.dtype).str, list(v.shape[1:])) for name, v in rows.items()}
        if document["kind"] == "spike-trains":
            types |= {"neurons": ("<i4", []), "ends": ("<i8", [])}
        where = None if channels is None else np.ascontiguousarray(channels, "<i8").tobytes()
        count = next((values.shape[0] for values in rows.values()), 0)
        return self.place(transaction, document, types, where, count)

    def place(
        self,
        transaction: Transaction,
        document: Mapping[str, Any],
        types: Mapping[str, tuple[str, list[int]]],
        where: bytes | None,
        count: int,
    ) -> int:
        """The stream for parts with such a document, arrays and channels; a new one is made for
        stretches of `count` rows."""
        key = _key(document, types, where)
        number = self._by_key.get(key)
        if number is not None:
            return number
        number = len(self._streams)
        reference = None if where is None else self._blobs.append(transaction, where)
        section = transaction.section(
            self.free_name("sections", readable_name(document)),
            f"archive.stream.{document['kind']}",
            properties(document),
        )
        arrays: dict[str, str | None] = {}
        for name, (dtype, shape) in types.items():
            arrays[name] = self._make(transaction, document, name, dtype, shape, count, section)
        stream = Stream(
            {k: v for k, v in document.items() if k not in TIMES}, arrays, types, reference
        )
        place = self._records.append(
            transaction,
            {
                "kind": "stream",
                "key": key,
                "model": stream.model,
                "arrays": arrays,
                "types": types,
                "channels": reference,
            },
        )
        transaction.append(self._table, np.array([place], layout.TABLES["streams"]))
        self._streams.append(stream)
        self._by_key[key] = number
        return number

    def _make(
        self,
        transaction: Transaction,
        document: Mapping[str, Any],
        name: str,
        dtype: str,
        shape: list[int],
        count: int,
        section: Any,
    ) -> str | None:
        if 0 in shape:
            return None  # HDF5 has no chunk of no bytes, and there is nothing to keep
        main = name == ROWS[document["kind"]][0]
        full_name = self.free_name(
            "data_arrays",
            readable_name(document) + ("" if main and document["kind"] == "signal" else f".{name}"),
        )
        data = transaction.data_array(
            full_name,
            f"archive.{document['kind']}.{name}",
            np.dtype(dtype),
            row_shape=tuple(shape),
            chunks=chunk_shape(count, tuple(shape), np.dtype(dtype).itemsize),
            metadata=section,
            **nix_terms(document, name, main=main),
        )
        self._session.remember("data_arrays", full_name, data)
        return full_name

    def free_name(self, kind: str, base: str) -> str:
        """A name that no entity has, nor those that `tags` will make from it."""
        if kind not in self._names:
            self._names[kind] = {".", *self._session.names(kind)}  # HDF5 means the group by "."
        name, number = base, 1
        while self._names[kind] & {name, *bounds_names(name)}:
            number += 1
            name = f"{base} {number}"
        self._names[kind] |= {name, *bounds_names(name)}
        return name

    # -- out ---------------------------------------------------------------------------------

    def model(self, place: Place, differs: Mapping[str, Any]) -> schemas.Model:
        """The model of a part, without touching its arrays."""
        stream = self[place.stream]
        document = {**stream.model, **{k: v for k, v in differs.items() if v is not None}}
        for key, value in differs.items():
            if value is None:
                document.pop(key, None)
        kind = schemas.KINDS[stream.kind]
        for key in TIMES:
            if key in kind.model_fields:
                document[key] = getattr(place, key)
        return self._documents.load(document)

    def arrays(self, place: Place) -> dict[str, ArrayLike]:
        """The arrays of a part, still on disk."""
        channels = self.channels(place)
        return {**self.rows(place), **({} if channels is None else {"channels": channels})}

    def rows(self, place: Place, without: Collection[str] = ()) -> dict[str, ArrayLike]:
        """The arrays of a part that have a row per sample, spike, event …"""
        stream = self[place.stream]
        found = self.stored(place, without)
        if stream.kind == "spike-trains":
            neurons, ends = (found.pop(name) for name in ACTIVE)
            times = self._need(stream, "times")
            times.justify(place.rows * times.dtype.itemsize)  # each spike's train takes as much
            found["neuron"] = Neurons(neurons, ends, place.rows, stream.width)
        return found

    def channels(self, place: Place) -> npt.NDArray[np.int64] | None:
        """The place in the population of each channel or train; None for a part without them."""
        stream = self[place.stream]
        if stream.channels is None:
            return None
        try:
            content = self._blobs.read(stream.channels)
        except (ValueError, TypeError) as error:
            raise self._corrupt(f"the channels of a stream cannot be read ({error})") from error
        if len(content) != 8 * stream.width:
            raise self._corrupt(f"of {stream.width} channels {len(content)} bytes are there")
        return np.frombuffer(content, "<i8").copy()

    def stored(self, place: Place, without: Collection[str] = ()) -> dict[str, Any]:
        """The arrays of a part as they lie in the file, which is what their digest covers."""
        stream = self[place.stream]
        found: dict[str, Any] = {}
        own, active = (place.start, place.rows), (place.active_start, place.active_rows)
        for name, (dtype, shape) in stream.types.items():
            if name in without:
                continue
            first, count = active if name in ACTIVE else own
            data = self.data(stream, name)
            if data is None:
                if not 0 <= count < NO_BYTES_ROWS:
                    raise self._corrupt(f"a part has {count} rows")
                found[name] = np.empty((count, *shape), np.dtype(dtype))
            else:
                found[name] = Stretch(data, first, count)
                if name == "labels":
                    found[name] = Labels(found[name], self._texts)
        return found

    # -- inside ------------------------------------------------------------------------------

    def data(self, stream: Stream, name: str) -> Growing | None:
        array = stream.arrays[name]
        if array is None:
            return None
        data = self._session.dataset("data_arrays", array)
        dtype, shape = stream.types[name]
        if data.dtype != np.dtype(dtype) or data.row_shape != tuple(shape):
            what = f"{name} are {data.dtype} {data.row_shape}, not {dtype} {tuple(shape)}"
            raise self._corrupt(what, f"data_arrays/{array}")
        return data

    def _need(self, stream: Stream, name: str) -> Growing:
        data = self.data(stream, name)
        if data is None:
            raise self._corrupt(f"a spike stream has no {name}")
        return data

    def _corrupt(self, what: str, entry: str = "streams") -> CorruptArchive:
        return CorruptArchive(
            what,
            path=self._session.path,
            entry=entry,
            hint="'neuroarchive check' lists what is damaged",
        )

    def _load(self) -> None:
        """Read the streams that were added since the last time."""
        # documents share no bytes, or a short file could have more of them than can be read
        left = DOCUMENT_LIMIT + self._records.size
        for place in self._table.read(len(self._streams)).tolist():
            try:
                document = self._records.read(*place)
                left -= place[1]
                if left < 0:
                    raise self._corrupt("the documents of streams share the bytes there are")
                stream = parse_stream(document)
                self._by_key[document["key"]] = len(self._streams)
            except (CorruptArchive, *BREACHES) as error:
                # raised when it is needed: the other streams can be read
                self._streams.append(self._unreadable(error))
                continue
            self._streams.append(stream)
            if self._session.writable:
                for reference in references(document["model"]):
                    with suppress(CorruptArchive, *BREACHES):  # it stands for no other one then
                        self._blobs.remember(reference)

    def _unreadable(self, error: Exception) -> CorruptArchive:
        if isinstance(error, CorruptArchive):
            return self._corrupt(f"a stream cannot be read ({error.message})")
        return self._corrupt(f"the document of a stream is none ({error!r:.200})")


def bounds_names(array: str) -> tuple[str, str]:
    """The arrays of positions and extents that mark the segments of a stream."""
    return f"{array}.segments.positions", f"{array}.segments.extents"


def _on_disk(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype.newbyteorder("<")


def _active(neuron: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The trains that have spikes, and where the spikes of each one end."""
    if len(neuron) == 0:
        return np.empty(0, "<i4"), np.empty(0, "<i8")
    is_last = np.ones(len(neuron), bool)
    np.not_equal(neuron[1:], neuron[:-1], out=is_last[:-1])
    ends = is_last.nonzero()[0] + 1
    return neuron[ends - 1].astype("<i4"), ends.astype("<i8")


def _times(
    model: schemas.Model, arrays: Mapping[str, npt.NDArray[Any]], count: int
) -> tuple[float, float]:
    if isinstance(model, schemas.Signal | schemas.ImageSequence):
        return model.t_start, model.t_start + count * model.sampling_period
    if isinstance(model, schemas.SpikeTrains):
        return model.t_start, model.t_stop
    times = arrays.get("times", arrays.get("ticks", np.empty(0)))
    if not len(times):
        return np.nan, np.nan
    if isinstance(model, schemas.AddressEvents):
        first, last = ticks_to_times(np.array([times.min(), times.max()]), model.tick).tolist()
        return first, last
    durations = arrays.get("durations")
    stops = times if durations is None else times + durations
    return float(times.min()), float(stops.max())


def _all_channels(
    model: schemas.Model, arrays: Mapping[str, npt.NDArray[Any]]
) -> npt.NDArray[Any] | None:
    """The channels of a part that names none: all neurons of its population, in order."""
    if isinstance(model, schemas.SpikeTrains):
        return np.arange(model.size)
    if isinstance(model, schemas.Signal | schemas.IrregularSignal):
        return np.arange(arrays["values"].shape[1])
    return None


def _key(
    document: Mapping[str, Any], types: Mapping[str, tuple[str, list[int]]], channels: bytes | None
) -> str:
    fixed = {k: v for k, v in document.items() if k not in VARYING and k not in TIMES}
    where = None if channels is None else hashlib.sha256(channels).hexdigest()
    text = schemas.to_json({"fixed": fixed, "types": types, "where": where})
    return hashlib.sha256(text).hexdigest()[:32]
