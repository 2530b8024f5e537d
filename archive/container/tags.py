"""MultiTags: they show nixio and its users which rows of a stream belong to which segment.

An index like the columns: the table of stretches is the truth. Nothing here is read back.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

import schemas
from archive.container import layout
from archive.container.stream_documents import ROWS
from archive.container.streams import Place, Streams, bounds_names
from archive.storage import Session, Transaction


class SegmentTags:
    """One MultiTag per stream, a position and extent per stretch."""

    def __init__(self, session: Session, streams: Streams) -> None:
        self._session = session
        self._streams = streams
        self._waiting: list[Place] = []

    @cached_property
    def _made(self) -> set[str]:
        return set(self._session.names("multi_tags"))

    def add(self, places: list[Place]) -> None:
        """The stretches of the next segment; written with the batch."""
        self._waiting += places

    def write(self, transaction: Transaction) -> None:
        """Write the waiting stretches into their MultiTags."""
        by_stream: dict[int, list[Place]] = {}
        for place in self._waiting:
            by_stream.setdefault(place.stream, []).append(place)
        for number, places in by_stream.items():
            self._write(transaction, number, places)
        self._waiting = []

    def _write(self, transaction: Transaction, number: int, places: list[Place]) -> None:
        stream = self._streams[number]
        main = stream.arrays[ROWS[stream.kind][0]]
        if main is None:
            return
        data = self._session.dataset("data_arrays", main)
        sampling = stream.model.get("sampling_period", 1)
        bounds = np.array([(p.start, p.rows) for p in places], "<f8") * sampling
        positions = np.zeros((len(places), len(data.shape)))
        extents = np.zeros_like(positions)
        positions[:, 0], extents[:, 0] = bounds[:, 0], bounds[:, 1]
        extents[:, 1:] = data.row_shape
        names = bounds_names(main)
        if f"{main}.segments" not in self._made:
            self._make(transaction, main, names, len(data.shape), stream.model)
        for name, values in zip(names, (positions, extents), strict=True):
            target = self._session.dataset("data_arrays", name)
            transaction.append(target, values if target.row_shape else values[:, 0])

    def _make(
        self,
        transaction: Transaction,
        main: str,
        names: tuple[str, str],
        axes: int,
        model: Mapping[str, Any],
    ) -> None:
        metadata = self._session.section("tables")
        row_shape = (axes,) if axes > 1 else ()
        for name in names:
            made = transaction.data_array(
                name,
                "archive.segments.bounds",
                np.dtype("<f8"),
                row_shape=row_shape,
                chunks=(layout.TABLE_CHUNK, *row_shape),
                metadata=metadata,
            )
            self._session.remember("data_arrays", name, made)
        time_unit = str(model.get("time_unit", "ms"))
        sampled = "sampling_period" in model and schemas.is_atomic(time_unit)
        unit = schemas.nix_unit(time_unit) if sampled else None
        transaction.multi_tag(
            f"{main}.segments",
            "archive.segments",
            positions=names[0],
            extents=names[1],
            reference=main,
            units=[unit or "", *[""] * (axes - 1)],
            metadata=metadata,
        )
        self._made.add(f"{main}.segments")
