"""From an experiment to one NWB file, written by pynwb."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from archive.adapters import nwb_objects as objects
from archive.adapters.nwb_segments import SegmentRow, segments_table
from archive.entry import Entry, Loss, Source, parts_of
from archive.errors import FormatError, MissingPackage
from archive.provenance import writer
from schemas import CONTRACT, dump, to_json
from schemas.v1.experiment import Experiment
from schemas.v1.run import Run
from schemas.v1.segment import Epoch, Event, Part, Segment, SpikeTrains

DOCUMENTS = "neuroarchive"  # the table in /scratch that says what the file was made from
UNITS = "units"
NO_PLACE = "NWB has no place for it"
SERIES = ("signal", "irregular-signal", "image-sequence")
_FORBIDDEN = re.compile(r"[/:\x00-\x1f\x7f]")
_UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)


class Writing:
    """One file: the objects of NWB, and the documents that they were made from."""

    def __init__(self, source: Source, path: Path) -> None:
        self.losses: list[Loss] = []
        self._experiment = source.entry()
        self._path = path
        self._trains = objects.Trains()
        self._segments: list[SegmentRow] = []
        self._names: set[str] = set()
        self._documents: list[tuple[int, str, str, str, str]] = []
        self._series: list[Any] = []
        self._events: list[Any] = []
        self._starts: list[datetime] = []
        self._simulators: dict[str, None] = {}

    def save(self, path: Path) -> None:
        """Write the file. Raises MissingPackage without pynwb, FormatError where it refuses."""
        try:
            from hdmf.build import BuildError
            from pynwb import NWBHDF5IO
            from pynwb.event import EventsTable  # noqa: F401  # what older releases do not have
        except ImportError as error:
            raise MissingPackage(
                f"NWB files are written by pynwb 4.2 or newer: {error}",
                path=self._path,
                hint="pip install 'neuroarchive[nwb]'",
            ) from error
        self._take_experiment()
        try:
            file = self._file()
            # an open file, as pynwb warns of one whose name does not end in .nwb
            with h5py.File(path, "w") as staged, NWBHDF5IO(file=staged, mode="w") as io:
                io.write(file)
        except (ValueError, TypeError, RuntimeError, BuildError) as error:
            raise FormatError(f"pynwb cannot write this: {error}", path=self._path) from error

    # -- taking ------------------------------------------------------------------------------

    def _take_experiment(self) -> None:
        self._document(-1, self._experiment)
        for way, run in parts_of(self._experiment, ""):
            if isinstance(run.model, Run):
                self._take_run(run, run.model, way)
            else:
                self._take_other(0, run, way)

    def _take_run(self, run: Entry, model: Run, way: str) -> None:
        row = self._document(0, run)
        self._simulators |= {model.simulator: None} if model.simulator else {}
        self._starts += [model.started] if model.started else []
        for inner, part in parts_of(run, way):
            if isinstance(part.model, Segment):
                self._take_segment(row, part, part.model, model, inner)
            else:
                self._take_other(row, part, inner)

    def _take_segment(self, parent: int, entry: Entry, model: Segment, run: Run, way: str) -> None:
        row = self._document(parent, entry)
        self._starts += [model.recorded] if model.recorded else []
        told = SegmentRow(run, model, way.rpartition("/")[2])
        for inner, part in parts_of(entry, way):
            if not isinstance(part.model, Part):  # a later change of the annotations
                self._take_other(row, part, inner)
                continue
            if isinstance(part.model, SpikeTrains):
                rows = self._trains.add(part, run.name, told.name, inner, self.losses)
                self._document(row, part, f"{UNITS} {rows.start} {rows.stop}")
            elif part.model.kind in SERIES or isinstance(part.model, (Event, Epoch)):
                self._take_part(row, part, inner)
            else:
                self.losses.append(Loss(inner, part.model.kind, NO_PLACE))
                continue
            told.reach(part)
        self._segments.append(told)

    def _take_part(self, parent: int, part: Entry, way: str) -> None:
        name = self._free_name(way)
        if part.model.kind in SERIES:
            made, kept = objects.series(part, name, way, self.losses), self._series
        else:
            made, kept = objects.events(part, name, way, self.losses), self._events
        if made is not None:
            kept.append(made)
            self._document(parent, part, f"{'series' if kept is self._series else 'events'} {name}")

    def _take_other(self, parent: int, entry: Entry, way: str) -> None:
        """What is a document alone is kept as that; what has arrays has no place."""
        if entry.arrays or list(entry.parts):
            self.losses.append(Loss(way, entry.model.kind, NO_PLACE))
        else:
            self._document(parent, entry)

    def _document(self, parent: int, entry: Entry, stored: str = "") -> int:
        """Note the document of an entry, and where its arrays are; returns its row."""
        channels = _channels(entry) if stored else ""
        kept = [entry.arrays[name] for name in ("times", "neuron") if name in entry.arrays]
        dtypes = " ".join(np.dtype(array.dtype).str for array in kept)
        text = to_json(dump(entry.model)).decode()
        self._documents.append((parent, text, stored, channels, dtypes))
        return len(self._documents) - 1

    def _free_name(self, way: str) -> str:
        """A name that HDF5 and pynwb take, made of the way."""
        wanted = _FORBIDDEN.sub("_", way.replace("/", " "))[:200] or "unnamed"
        name, number = wanted, 1
        while name in self._names or name in (".", ".."):
            number += 1
            name = f"{wanted} {number}"
        self._names.add(name)
        return name

    # -- the file ----------------------------------------------------------------------------

    def _file(self) -> Any:
        from pynwb import NWBFile

        model = self._experiment.model
        assert isinstance(model, Experiment)
        start = min([*self._starts, *([model.created] if model.created else [])], default=None)
        if start is None:
            self.losses.append(Loss("experiment", "created", "unknown; NWB has a time, 1970-01-01"))
        made = NWBFile(
            session_description=objects.plain(model.description or model.name),
            identifier=objects.plain(model.id),
            session_start_time=start or _UNKNOWN,
            session_id=model.name,
            experimenter=[objects.plain(one) for one in model.people] or None,
            was_generated_by=[
                writer().split(" ", 1),
                *([objects.plain(one), ""] for one in self._simulators),
            ],
        )
        for series in self._series:
            made.add_acquisition(series)
        for table in self._events:
            made.add_events_table(table)
        units = self._trains.table()
        if units is not None:
            made.units = units
        if self._segments:
            made.add_time_intervals(segments_table(self._segments))
        made.add_scratch(self._documents_table())
        return made

    def _documents_table(self) -> Any:
        from hdmf.common import DynamicTable

        described = {
            "inside": "Row of what it lies in; -1: in nothing.",
            "document": "The document of the contract, in JSON.",
            "stored": "Where its arrays are: series or events and a name, units and their rows.",
            "channels": "Dtype of the channels, and their numbers; empty: they were not said.",
            "dtypes": "Dtype of the times, and that of the index of a spike's train.",
        }
        columns = [
            objects.column(name, text, list(data))
            for (name, text), data in zip(
                described.items(), zip(*self._documents, strict=True), strict=True
            )
        ]
        return DynamicTable(
            name=DOCUMENTS,
            description=f"What this file was made from. Contract {CONTRACT[0]}.{CONTRACT[1]}.",
            columns=columns,
            id=objects.numbered(len(self._documents)),
        )


def _channels(entry: Entry) -> str:
    """The dtype of the channels, and, unless the table of units has them, the numbers, of which
    0, 1, 2, … go without saying."""
    if "channels" not in entry.arrays:
        return ""
    numbers = np.asarray(entry.arrays["channels"])
    said = numbers.dtype.str
    if isinstance(entry.model, SpikeTrains) or np.array_equal(numbers, np.arange(len(numbers))):
        return said
    return " ".join([said, *map(str, numbers.tolist())])
