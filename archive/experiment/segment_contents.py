"""What is in a segment: signals, spikes, events, epochs and images, by name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from archive import values
from archive.container import part_name
from archive.container.digests import array_digest
from archive.container.rows import moment
from archive.entry import Entry
from archive.errors import CorruptArchive
from archive.experiment.annotated import Annotated
from archive.experiment.display import annotation_text, html_table
from archive.experiment.naming import Named
from archive.experiment.recorded import (
    CLASSES,
    AddressEvents,
    Epochs,
    Events,
    ImageSequence,
    IrregularSignal,
    Recorded,
    Signal,
    Spikes,
)
from archive.hooks.neo_ import to_neo_segment


class SegmentContents(Annotated):
    """A segment, but for the run that it belongs to."""

    _scope = "segment"

    @property
    def t_start(self) -> Any:
        """The earliest time of what was recorded, in ms; NaN if nothing was."""
        return values.quantity(float(self._container.segments[self._row]["t_start"]), "ms")

    @property
    def t_stop(self) -> Any:
        """The latest time of what was recorded, in ms; NaN if nothing was."""
        return values.quantity(float(self._container.segments[self._row]["t_stop"]), "ms")

    @property
    def recorded(self) -> datetime | None:
        """When it was recorded, by the clock on the wall, UTC; None if that is not known."""
        return moment(int(self._container.segments[self._row]["recorded"]))

    @property
    def signals(self) -> Named[Signal | IrregularSignal]:
        """The signals by name: ``population/variable``."""
        return Named("signal", self._of(Signal, IrregularSignal))

    @property
    def spikes(self) -> Named[Spikes]:
        """The spike trains by population."""
        return Named("set of spike trains", self._of(Spikes))

    @property
    def events(self) -> Named[Events]:
        """The events by name."""
        found = self._of(Events)
        return Named("event", {n: e for n, e in found.items() if not isinstance(e, Epochs)})

    @property
    def address_events(self) -> Named[AddressEvents]:
        """The address events by name."""
        return Named("set of address events", self._of(AddressEvents))

    @property
    def epochs(self) -> Named[Epochs]:
        """The epochs by name."""
        return Named("epoch", self._of(Epochs))

    @property
    def images(self) -> Named[ImageSequence]:
        """The image sequences by name."""
        return Named("image sequence", self._of(ImageSequence))

    def _of(self, *classes: type[Recorded[Any]]) -> dict[str, Any]:
        return {name: part for name, part in self._parts() if isinstance(part, classes)}

    def _parts(self) -> Iterator[tuple[str, Recorded[Any]]]:
        seen: dict[tuple[str, str], int] = {}
        for entry in self._container.parts(self._row):
            name, kind = part_name(entry.model), entry.model.kind
            number = seen[kind, name] = seen.get((kind, name), 0) + 1
            name = name if number == 1 else f"{name}#{number}"
            yield name, CLASSES[kind](name, entry)

    def digested_parts(self, *, deep: bool = False) -> Iterator[tuple[str, Entry, bytes]]:
        """What was recorded, by name, with the digest of its arrays as they lie in the file.

        That is the one that was taken when they were written; with `deep` they are read, and
        CorruptArchive is raised if they have another one.
        """
        container = self._container
        for (name, part), place in zip(self._parts(), container.places(self._row), strict=True):
            if deep and array_digest(container.streams.stored(place)) != place.digest:
                raise not_as_written(container.path, f"{self.name}: {name}")
            yield name, part.to_entry(), place.digest

    def to_entry(self) -> Entry:
        """The segment as an entry. Its parts are what was recorded, the arrays still on disk,
        and the later changes of its annotations."""
        changes = [Entry(model) for model in self._container.changes("segment", self._row)]
        entry = self.data_entry()
        return Entry(entry.model, parts=[*entry.parts, *changes])

    def data_entry(self) -> Entry:
        """The same without the history of its annotations."""
        model = self._container.model("segment", self._row)
        return Entry(model, parts=self._container.parts(self._row))

    def to_neo(self) -> Any:
        """A neo.Segment with everything in it; spike trains stay arrays until they are touched."""
        return to_neo_segment(self.data_entry())

    def __repr__(self) -> str:
        said = annotation_text(self.annotations)
        parts = "".join(f"\n  {part!r}" for _, part in self._parts())
        return f"<Segment {self._row} {self.name!r}" + (f": {said}>" if said else ">") + parts

    def _repr_html_(self) -> str:
        rows = [(name, repr(part)) for name, part in self._parts()]
        rows += [(f"annotation {key}", value) for key, value in self.annotations.items()]
        return html_table(f"Segment {self._row} {self.name}", ["", ""], rows)


def not_as_written(path: Path, entry: str) -> CorruptArchive:
    """The error for arrays that have another digest than was taken of them."""
    return CorruptArchive(
        "the arrays are not what was written",
        path=path,
        entry=entry,
        hint="'neuroarchive check --deep' lists what is damaged",
    )


def named_segment(segment: Entry, number: int) -> Entry:
    """The segment, with a name if it has none."""
    if getattr(segment.model, "name", None) is not None:
        return segment
    model = segment.model.model_copy(update={"name": f"segment{number:03d}"})
    return Entry(model, parts=segment.parts)
