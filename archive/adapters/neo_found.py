"""Neo's objects, found in a file, as the entries of segments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import schemas
from archive.adapters.neo_building import OF_KIND, NeoBuilding
from archive.adapters.pickle_neo import NeoStandIn
from archive.adapters.pickle_units import BareQuantity
from archive.entry import Entry
from archive.errors import ArchiveError, FormatError
from archive.hooks.neo_ import block_entries, segment_entry

_TOP = ("Block", "Segment", "SpikeTrainList", *OF_KIND)
TRUSTED = "read_by_running_the_file"


def is_neo(value: Any) -> bool:
    """Whether it is a block, segment or data object of Neo, or a list of such."""
    if isinstance(value, (list, tuple)):
        return bool(value) and all(_kind(item) in _TOP for item in value)
    return _kind(value) in _TOP


def _kind(value: Any) -> str | None:
    if isinstance(value, NeoStandIn):
        return value.kind
    if isinstance(value, BareQuantity):
        return value.kind if value.kind in OF_KIND else None
    kind = type(value)
    return kind.__name__ if kind.__module__.startswith("neo.core.") else None


class NeoFound:
    """Makes entries of Neo's objects, of stand-ins through `building`; `trusted` ones are marked
    by the annotation `TRUSTED` of each segment."""

    def __init__(self, building: NeoBuilding, *, trusted: bool = False) -> None:
        self._building = building
        self._trusted = trusted

    @property
    def bare(self) -> dict[str, Any]:
        """What became no object of Neo, by the way to it."""
        return self._building.bare

    def segments(self, value: Any, name: str, path: Path) -> list[Entry]:
        """The segments of blocks; of data objects alone a segment called `name`. Raises
        FormatError."""
        items = list(value) if isinstance(value, (list, tuple)) else [value]
        loose = [item for item in items if _kind(item) not in ("Block", "Segment")]
        made: list[Entry] = []
        try:
            for number, item in enumerate(items):
                where = name if len(items) == 1 else f"{name}-{number + 1}"
                if _kind(item) == "Block":
                    made += block_entries(self._real(item, where))
                elif _kind(item) == "Segment":
                    made.append(segment_entry(self._real(item, where)))
            if loose:
                made.append(segment_entry(self._gathered(loose, name)))
        except ArchiveError as error:
            raise FormatError(
                error.message, path=path, entry=error.entry, hint=error.hint
            ) from error
        return [self._marked(entry) for entry in made] if self._trusted else made

    def _real(self, item: Any, where: str) -> Any:
        if not isinstance(item, NeoStandIn):
            return item
        building = self._building
        return (building.block if item.kind == "Block" else building.segment)(item, where)

    def _gathered(self, items: list[Any], name: str) -> Any:
        """A segment of data objects that lay in none."""
        if all(isinstance(item, (NeoStandIn, BareQuantity)) for item in items):
            facts: dict[str, Any] = {"name": name}
            for item in items:
                if item.kind == "SpikeTrainList" and len(items) == 1:
                    facts["spiketrains"] = item
                else:
                    facts.setdefault(OF_KIND.get(item.kind, "spiketrains"), []).append(item)
            return self._building.segment(NeoStandIn("Segment", facts), name)
        import neo

        segment = neo.Segment(name=name)
        for item in items:
            if _kind(item) == "SpikeTrainList":
                segment.spiketrains.extend(item)
            else:
                getattr(segment, OF_KIND[type(item).__name__]).append(item)
        return segment

    def _marked(self, entry: Entry) -> Entry:
        model = entry.model
        assert isinstance(model, schemas.Segment)
        annotations = {**model.annotations, TRUSTED: True}
        return Entry(
            model.model_copy(update={"annotations": annotations}), entry.arrays, entry.parts
        )
