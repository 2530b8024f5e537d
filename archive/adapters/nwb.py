"""Neurodata Without Borders: recordings as many laboratories share them (nwb.org)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import h5py

from archive.adapters.nwb_reading import read
from archive.adapters.nwb_writing import Writing
from archive.adapters.replacing import replacing
from archive.entry import Entry, Loss, Source


class Nwb:
    """NWB 2: signals, spike trains as units, events, epochs, images and facts.

    Written are all runs into one file: a signal as a TimeSeries, the spike trains of all segments
    as one table of units, events and epochs as tables of events, and a table of intervals that
    says of each segment when it was and how it is annotated. The clock of each segment begins
    anew, as in a simulation. Documents in ``/scratch/neuroarchive`` let the file come back as the
    same experiment.
    """

    name: ClassVar[str] = "nwb"
    suffixes: ClassVar[tuple[str, ...]] = (".nwb",)
    extra: ClassVar[str | None] = "nwb"

    def recognises(self, path: Path, /) -> bool:
        """Whether it is HDF5 and says of what version of NWB it is."""
        try:
            with h5py.File(path, "r") as file:
                return "nwb_version" in file.attrs or "nwb_version" in file
        except (OSError, RuntimeError, ValueError):
            return False

    def read(self, path: Path, /, *, losses: list[Loss] | None = None) -> Iterator[Entry]:
        """The experiment that the file was written from; of another program's file its series,
        units and tables as one segment.

        pynwb is not needed. Links to other files are not followed. Raises FormatError for NWB 1,
        for datasets whose values lie in other files, and for damage.
        """
        return read(Path(path), losses if losses is not None else [])

    def write(self, source: Source, path: Path, /, *, overwrite: bool = False) -> list[Loss]:
        """Write an experiment, and return what NWB could not carry: snapshots, complex numbers,
        waveforms; and the last digit of times, which NWB has in seconds.

        Raises MissingPackage without pynwb, AlreadyExists, and FormatError.
        """
        path = Path(path)
        with replacing(path, overwrite=overwrite) as staged:
            writing = Writing(source, path)
            writing.save(staged)
        return writing.losses
