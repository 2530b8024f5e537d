"""Which segments are drawn, and their pictures, within the room that there is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import schemas
from archive.entry import Entry, Loss, parts_of
from archive.report.blocks import Blocks, packed
from archive.report.gathering import runs_of
from archive.report.rasters import FIELDS, FIELDS_FINE, raster_picture
from archive.report.texts import NAME_LIMIT, shown, value_shown
from archive.report.traces import Picture, trace_picture

SEGMENTS_LIMIT = 60
PANELS_LIMIT = 12  # of a segment
COLUMNS = 1500  # buckets of time
COLUMNS_FINE = 12_000  # where few segments are drawn, so that one can zoom in
FEW = 4
NOT_DRAWN = "the report has room for the pictures of some segments only"


def chosen(counts: Sequence[int], limit: int = SEGMENTS_LIMIT) -> list[int]:
    """How many segments of each run are drawn: the first of each, then the second of each, and
    so on, until there are as many as may be."""
    quotas = [0] * len(counts)
    left = limit
    while left > 0:
        more = [at for at, count in enumerate(counts) if quotas[at] < count][:left]
        if not more:
            break
        for at in more:
            quotas[at] += 1
        left -= len(more)
    return quotas


class Pictures:
    """Draws segments one after the other until their share of the page is used up."""

    def __init__(self, blocks: Blocks, quotas: Sequence[int]) -> None:
        self.index: list[dict[str, Any]] = []
        """One for each segment that is drawn: the name of its block, of its run and its own."""
        self.losses: list[Loss] = []
        self._blocks = blocks
        self._quotas = quotas
        fine = sum(quotas) <= FEW
        self._columns = COLUMNS_FINE if fine else COLUMNS
        self._fields = FIELDS_FINE if fine else FIELDS
        self._full = False

    def draw(self, experiment: Entry) -> None:
        """Draw the chosen segments of the runs."""
        last = max((at for at, quota in enumerate(self._quotas) if quota), default=-1)
        for at, (way, run) in enumerate(runs_of(experiment)):
            if at > last or self._full:
                break
            if self._quotas[at]:
                self._draw_run(at, way, run)

    def _draw_run(self, at: int, way: str, run: Entry) -> None:
        assert isinstance(run.model, schemas.Run)
        drawn = 0
        for to, part in parts_of(run, way):
            if not isinstance(part.model, schemas.Segment):
                continue
            if drawn == self._quotas[at] or self._full:
                break
            drawn += 1
            title = part.model.name or to.rpartition("/")[2]
            self._draw_segment(at, run.model.name, title, to, part)

    def _draw_segment(self, at: int, run: str, title: str, way: str, segment: Entry) -> None:
        assert isinstance(segment.model, schemas.Segment)
        panels: list[dict[str, Any]] = []
        arrays: list[Any] = []
        lost: list[Loss] = []
        others: list[str] = []
        for to, part in parts_of(segment, way):
            picture = self._picture(part) if len(panels) < PANELS_LIMIT else None
            if picture is None:
                if isinstance(part.model, schemas.Part):
                    others.append(_described(to.removeprefix(f"{way}/"), part))
                    lost.append(Loss(to, part.model.kind, "a report does not draw it"))
                continue
            if picture.note:
                lost.append(Loss(to, _data(part), picture.note))
            head = picture.head | {"first": len(arrays), "note": picture.note}
            panels.append(head | {"title": shown(to.removeprefix(f"{way}/"), NAME_LIMIT)})
            arrays += picture.arrays
        facts = list(segment.model.annotations.items())[:20]
        text = packed(
            {
                "panels": panels,
                "others": others[:50],
                "hidden": max(0, len(others) - 50),
                "facts": [[shown(key, NAME_LIMIT), value_shown(one)] for key, one in facts],
                "description": shown(segment.model.description or "", 1000),
            },
            arrays,
        )
        if not self._blocks.fits("pictures", text):
            self._full = True
            return
        block = f"picture-{len(self.index)}"
        self._blocks.put("pictures", block, text)
        names = {"run": shown(run, NAME_LIMIT), "segment": shown(title, NAME_LIMIT)}
        self.index.append({"block": block, "row": at, "way": way} | names)
        self.losses += lost

    def _picture(self, part: Entry) -> Picture | None:
        if isinstance(part.model, schemas.Signal | schemas.IrregularSignal):
            return trace_picture(part, self._columns)
        if isinstance(part.model, schemas.SpikeTrains):
            return raster_picture(part, self._fields)
        return None


def _data(part: Entry) -> str:
    return "times" if isinstance(part.model, schemas.SpikeTrains) else "values"


def _described(name: str, part: Entry) -> str:
    size = next((array.shape[0] for array in part.arrays.values() if array.shape), 0)
    return f"{shown(name, NAME_LIMIT)} ({part.model.kind}, {size:,} entries)"


def not_drawn(ways: Iterator[list[str]], drawn: set[str]) -> list[Loss]:
    """The segments that there was no room for."""
    return [Loss(way, "segment", NOT_DRAWN) for some in ways for way in some if way not in drawn]
