"""From an NWB file to entries: back to the experiment that it was written from, where it was
written here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from archive.adapters import nwb_arrays as arrays
from archive.adapters.nwb_columns import ends
from archive.adapters.nwb_foreign import foreign
from archive.adapters.nwb_units import from_seconds
from archive.entry import ArrayLike, Entry, Loss
from archive.errors import FormatError
from schemas import load, parse_contract
from schemas.v1.experiment import Experiment
from schemas.v1.model import Model
from schemas.v1.segment import Part, SpikeTrains

DOCUMENTS = "neuroarchive"
INTEGERS = {str(np.dtype(code).str): np.dtype(code) for code in "bBhHiIlLqQ"}
COLUMNS = ("inside", "document", "stored", "channels", "dtypes")
LIMIT = 1 << 28  # characters of all documents
_CONTRACT = re.compile(r"Contract (\d+\.\d+)\.")


def read(path: Path, losses: list[Loss]) -> Iterator[Entry]:
    """See `archive.adapters.nwb.Nwb.read`."""
    with arrays.opened(path, texts=True) as file:
        if "nwb_version" not in file.attrs:
            said = "NWB 1" if "nwb_version" in file else "no version of NWB"
            raise FormatError(
                f"it is of {said}", path=path, hint="NWB 2 is read; convert the file to that"
            )
        table = arrays.child(file, "scratch")
        table = arrays.child(table, DOCUMENTS) if isinstance(table, h5py.Group) else None
        if isinstance(table, h5py.Group):
            yield _Own(file, table, path).experiment()
        else:
            yield from foreign(file, path, losses)


class _Own:
    """A file that was written here."""

    def __init__(self, file: h5py.File, table: h5py.Group, path: Path) -> None:
        self._file = file
        self._path = path
        found = {name: self._column(table, name) for name in COLUMNS}
        self._parents = np.asarray(found.pop("inside"))
        self._documents, self._stored, self._channels, self._dtypes = found.values()
        if len({len(self._parents), *map(len, found.values())}) > 1:
            raise self._wrong(DOCUMENTS, "its columns have several lengths")
        said = _CONTRACT.search(str(arrays.attribute(table, "description")))
        if said is None:
            raise self._wrong(DOCUMENTS, "it does not say of what contract it is")
        self._contract = parse_contract(said[1])
        self._trains = _Trains(file, path)

    def _column(self, table: h5py.Group, name: str) -> Any:
        data = arrays.dataset(table, name)
        found = None if data is None else arrays.column(data)
        if found is None or isinstance(found, list) == (name == "inside"):
            raise self._wrong(f"{DOCUMENTS}/{name}", "the column is missing, or is of another kind")
        return found

    def _wrong(self, entry: str, text: str) -> FormatError:
        return FormatError(text, path=self._path, entry=entry)

    def experiment(self) -> Entry:
        if sum(map(len, self._documents)) > LIMIT:
            raise self._wrong(DOCUMENTS, f"the documents have more than {LIMIT} characters")
        parts: list[list[Entry]] = [[] for _ in self._documents]
        root = None
        # from the last to the first: what lies inside a thing comes after it
        for row in range(len(self._documents) - 1, -1, -1):
            parent = int(self._parents[row])
            if not -1 <= parent < row or (parent == -1) != (row == 0):
                raise self._wrong(f"{DOCUMENTS}, row {row}", f"it cannot lie in row {parent}")
            model = self._model(row)
            root = Entry(model, self._arrays(row, model), parts[row][::-1])
            if parent >= 0:
                parts[parent].append(root)
        if root is None or not isinstance(root.model, Experiment):
            raise self._wrong(DOCUMENTS, "the first document is no experiment")
        return root

    def _model(self, row: int) -> Model:
        try:
            return load(json.loads(self._documents[row]), contract=self._contract)
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise self._wrong(f"{DOCUMENTS}, row {row}", f"no such document: {error}") from error

    def _arrays(self, row: int, model: Model) -> dict[str, ArrayLike]:
        kind, _, name = self._stored[row].partition(" ")
        if not kind:
            return {}
        where = f"{DOCUMENTS}, row {row}"
        if not isinstance(model, Part):
            raise self._wrong(where, f"a {model.kind} has no arrays")
        times = self._dtype(row, where)
        if kind == "units" and isinstance(model, SpikeTrains):
            start, _, stop = name.partition(" ")
            if not (start.isdecimal() and stop.isdecimal()):
                raise self._wrong(where, f"{name!r:.40} are no rows")
            found = self._trains.arrays(range(int(start), int(stop)), model, times)
            index = self._dtypes[row].split()[-1]
            found["neuron"] = self._numbers(row, found["neuron"], index)
            channels = found.pop("channels")
            said = self._channels[row]
            return {**found, "channels": self._numbers(row, channels, said)} if said else {**found}
        holder = arrays.child(
            self._file, {"series": "acquisition", "events": "events"}.get(kind, "")
        )
        held = arrays.child(holder, name) if isinstance(holder, h5py.Group) else None
        if not isinstance(held, h5py.Group):
            raise self._wrong(where, f"there are no {kind} {name!r:.80}")
        if kind == "series":
            return self._series(row, held, model, times)
        return _events(held, model, times)

    def _series(
        self, row: int, held: h5py.Group, model: Part, times: np.dtype[Any]
    ) -> dict[str, ArrayLike]:
        data = arrays.dataset(held, "data")
        if data is None or not arrays.is_number(data.dtype) or not data.ndim:
            raise self._wrong(held.name, "it has no data")
        found: dict[str, ArrayLike] = {"values": arrays.stored(data)}
        count = found["values"].shape[-1]
        if model.kind != "image-sequence" and self._channels[row]:
            said, *numbers = self._channels[row].split()
            found["channels"] = self._numbers(row, numbers or range(count), said)
        if model.kind == "irregular-signal":
            found["times"] = _times(held, "timestamps", model.time_unit).astype(times)
        return found

    def _numbers(self, row: int, numbers: Any, dtype: str) -> npt.NDArray[Any]:
        try:
            found = np.array([int(one) for one in numbers], np.int64)
            return found.astype(INTEGERS[dtype])
        except (ValueError, OverflowError, KeyError) as error:
            raise self._wrong(f"{DOCUMENTS}, row {row}", "channels that are no numbers") from error

    def _dtype(self, row: int, where: str) -> np.dtype[Any]:
        text = (self._dtypes[row].split() or ["<f8"])[0]
        if text not in ("<f8", "<f4", ">f8", ">f4"):
            raise self._wrong(where, f"times cannot be {text!r:.40}")
        found: np.dtype[Any] = np.dtype(text)
        return found


def _times(held: h5py.Group, name: str, unit: str) -> npt.NDArray[np.float64]:
    """A column of times, which are in seconds, in the unit that they came in."""
    data = arrays.dataset(held, name)
    if data is None or data.ndim != 1 or data.dtype.kind not in "iuf":
        raise FormatError(f"it has no times {name!r}", path=held.file.filename, entry=held.name)
    return from_seconds(np.asarray(data[()]), unit)


def _events(held: h5py.Group, model: Part, dtype: np.dtype[Any]) -> dict[str, ArrayLike]:
    data = arrays.dataset(held, "annotation")
    labels = None if data is None else arrays.column(data)
    if not isinstance(labels, list):
        raise FormatError("it has no labels", path=held.file.filename, entry=held.name)
    found: dict[str, ArrayLike] = {
        "times": _times(held, "timestamp", model.time_unit).astype(dtype)
    }
    if model.kind == "epoch":
        found["durations"] = _times(held, "duration", model.time_unit)
    return {**found, "labels": np.array(labels, object)}


class _Trains:
    """The table of units, of which each entry of spike trains has some rows."""

    def __init__(self, file: h5py.File, path: Path) -> None:
        self._path = path
        units = arrays.child(file, "units")
        self._units = units if isinstance(units, h5py.Group) else None
        self._ends: npt.NDArray[np.int64] | None = None

    def arrays(self, rows: range, model: SpikeTrains, dtype: np.dtype[Any]) -> dict[str, ArrayLike]:
        if len(rows) != model.size:
            reason = f"{len(rows)} rows of the table of units are for {model.size} trains"
            raise FormatError(reason, path=self._path)
        if not len(rows):
            nothing = np.empty(0, np.int64)
            return {"times": np.empty(0, dtype), "neuron": nothing, "channels": nothing}
        if self._units is None:
            raise FormatError("the file has no table of units", path=self._path)
        if self._ends is None:
            self._ends = ends(self._units, "spike_times", self._path)
        times, channels = (arrays.dataset(self._units, name) for name in ("spike_times", "channel"))
        if times is None or channels is None or rows.stop > min(len(self._ends), len(channels)):
            raise FormatError("the table of units does not have these rows", path=self._path)
        bounds = np.concatenate([[0], self._ends])[rows.start : rows.stop + 1]
        return {
            "times": from_seconds(times[bounds[0] : bounds[-1]], model.time_unit).astype(dtype),
            "neuron": np.repeat(np.arange(len(rows)), np.diff(bounds)),
            "channels": np.asarray(channels[rows.start : rows.stop], np.int64),
        }
