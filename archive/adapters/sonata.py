"""The adapter of SONATA files: networks, spikes and reports (github.com/AllenInstitute/sonata, the
developer guide)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import h5py
import numpy as np

import schemas
from archive.adapters.models import model_of
from archive.adapters.sonata_files import MAGIC, group, opened
from archive.adapters.sonata_network import read_network, write_network
from archive.adapters.sonata_report_writing import write_report
from archive.adapters.sonata_reports import (
    extracellular,
    is_old_report,
    read_extracellular,
    read_reports,
)
from archive.adapters.sonata_spikes import read_spikes, write_spikes
from archive.entry import Entry, Loss, Source
from archive.errors import FormatError
from archive.storage.guarded import HDF5_ERRORS

KNOWN = ("nodes", "edges", "spikes", "report", "data", "mapping", "ecp", "channel_id", "time")
WRITTEN = ("network", "spikes", "report")


@dataclass
class Sonata:
    """Reads networks, spikes and reports, which SONATA has in files of their own, or in one.

    What is written is chosen by name: a network by ``sonata`` or ``sonata:network``, the spikes of
    a segment by ``sonata:spikes``, the signals of one variable by ``sonata:report``.
    """

    name: ClassVar[str] = "sonata"
    suffixes: ClassVar[tuple[str, ...]] = (".h5", ".sonata")
    extra: ClassVar[str | None] = None
    written: str = "network"

    def variant(self, name: str) -> Sonata:
        """The adapter that writes "network", "spikes" or "report"; all read the same."""
        if name not in WRITTEN:
            raise FormatError(f"SONATA has no {name!r}", hint=f"known are {', '.join(WRITTEN)}")
        return Sonata(name)

    def recognises(self, path: Path, /) -> bool:
        """Whether it is HDF5 with SONATA's magic number; or without it, as some programs write,
        with the datasets of spikes or of a report where SONATA has them."""
        try:
            with h5py.File(path, "r") as file:
                # of a number: a text may lie in a heap that has no end
                is_marked = "magic" in file.attrs and file.attrs.get_id("magic").dtype.kind in "iu"
                if is_marked and np.array_equal(file.attrs["magic"], MAGIC):
                    return True
                return _holds(file, "spikes", "timestamps") or _holds(file, "report", "mapping")
        except (KeyError, OSError, RuntimeError, TypeError, ValueError):  # damaged
            return False

    def read(
        self,
        path: Path,
        /,
        *,
        time_step: float | None = None,
        population: str | None = None,
        sizes: Mapping[str, int] | None = None,
        t_stop: float | None = None,
        losses: list[Loss] | None = None,
    ) -> Iterator[Entry]:
        """A snapshot at time 0 of the populations and projections, if there are any; a segment of
        the spikes and reports, if there are any. Arrays of reports and spikes stay in the file.

        `time_step` is in ms: an archive takes no delays without one. `population` names that of a
        file of the first version, which does not. `sizes` are the numbers of neurons by
        population: without it, and without nodes in the file, there is a train for each neuron
        that has a spike. `t_stop` is when the recording of spikes ended, in their unit, by default
        the last of them. Raises FormatError for what is no such file, and for links to other
        files.
        """
        path = Path(path)
        left: list[Loss] = [] if losses is None else losses
        entries: list[Entry] = []
        with opened(path, texts=True) as file, _foreign(path):
            nodes, edges = group(file, "nodes"), group(file, "edges")
            counted = dict(sizes or {})
            if nodes is not None or edges is not None:
                network = read_network(nodes, edges, time_step, left)
                entries.append(network)
                for one in network.parts:
                    if isinstance(one.model, schemas.Population):
                        counted.setdefault(one.model.name, one.model.size)
            spikes, reports = group(file, "spikes"), group(file, "report")
            parts: list[Entry] = []
            if spikes is not None:
                parts += read_spikes(spikes, population, counted, t_stop, left)
            if reports is not None or is_old_report(file):
                parts += read_reports(reports, file, population, left)
            if (electrodes := extracellular(file)) is not None:
                parts.append(read_extracellular(electrodes, left))
            if spikes is not None or reports is not None or parts:
                entries.append(Entry(model_of(schemas.Segment, path.name), parts=parts))
            left += [
                Loss(name, "group", "it is none of those that SONATA has")
                for name in file
                if entries and name not in KNOWN
            ]
        if not entries:
            raise FormatError(
                "there are neither nodes nor edges, nor spikes, nor reports in it", path=path
            )
        yield from entries

    def write(
        self,
        source: Source,
        path: Path,
        /,
        *,
        segment: str | None = None,
        variable: str | None = None,
        exact: bool = False,
        overwrite: bool = False,
    ) -> list[Loss]:
        """Write the network, or the spikes of a segment, or the signals of one variable of it, and
        return what was not carried.

        `segment` and `variable` name one of several. A report has float32, as SONATA says and
        libsonata demands; `exact` keeps float64. Raises FormatError if there is nothing to
        write, or no way to choose.
        """
        path = Path(path)
        if self.written == "network":
            if segment is not None or variable is not None:
                raise FormatError(
                    "a network has neither segments nor variables",
                    path=path,
                    hint="write 'sonata:spikes' or 'sonata:report'",
                )
            return write_network(source, path, overwrite=overwrite)
        if self.written == "spikes":
            return write_spikes(source, path, segment, overwrite=overwrite)
        return write_report(source, path, segment, variable, exact=exact, overwrite=overwrite)


def _holds(file: h5py.File, name: str, inside: str) -> bool:
    """Whether there is a group of this name with something of that name in it or one below."""
    top = group(file, name)
    if top is None:
        return False
    if name == "spikes" and inside in top and "gids" in top:
        return True
    below = (group(top, each) for each in top)
    other = "node_ids" if name == "spikes" else "data"
    return any(each is not None and inside in each and other in each for each in below)


@contextmanager
def _foreign(path: Path) -> Iterator[None]:
    """What a file says that no entry can hold is the file's fault."""
    try:
        yield
    except FormatError as error:
        if error.path is None:
            raise FormatError(
                error.message, path=path, entry=error.entry, hint=error.hint
            ) from error
        raise
    except ValueError as error:
        raise FormatError(f"it cannot be kept: {error}", path=path) from error
    except HDF5_ERRORS as error:
        raise FormatError(f"the file is damaged: {error!s:.200}", path=path) from error
