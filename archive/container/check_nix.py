"""What NIX is told of streams and tables, against what their documents say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from archive.container import layout
from archive.container.check_snapshots import pool_terms
from archive.container.container import Container
from archive.container.nix_terms import nix_terms
from archive.container.stream_documents import ROWS, Stream
from archive.storage.nix import facts


def nix_faults(container: Container) -> Iterator[tuple[str, str]]:
    """Each entity whose name, type, unit, label, axes, stamps or type of data are not what its
    document says."""
    session = container.session
    known: dict[str, dict[str, Any]] = pool_terms(container)
    for number in range(len(container.streams)):
        stream = container.streams[number]
        known |= dict(_stream_terms(stream))
    for kind in ("data_arrays", "data_frames", "multi_tags"):
        for name in session.names(kind):
            try:
                attributes, axes = facts(session.block, kind, name)
                asked = {"name": name, **session.stamp, **known.get(name, {})}
                found = {**attributes, "axes": axes}
                yield from ((name, what) for what in _differences(asked, found))
                yield from ((name, what) for what in _type_fault(container, kind, name, known))
            except Exception as error:
                yield name, f"{type(error).__name__}: {error}"


def _stream_terms(stream: Stream) -> Iterator[tuple[str, dict[str, Any]]]:
    for array, name in stream.arrays.items():
        if name is None:
            continue
        terms = nix_terms(stream.model, array, main=array == ROWS[stream.kind][0])
        dtype, row_shape = stream.types[array]
        first: dict[str, Any] = {"dimension_type": "set"}
        if terms["sampling"] is not None:
            interval, unit = terms["sampling"]
            first = {"dimension_type": "sample", "sampling_interval": interval, "label": "time"}
            first |= {} if unit is None else {"unit": unit}
        yield (
            name,
            {
                "type": f"archive.{stream.kind}.{array}",
                "unit": terms["unit"],
                "label": terms["label"],
                "axes": [first, *({"dimension_type": "set"} for _ in row_shape)],
                "data": (np.dtype(dtype), tuple(row_shape)),
            },
        )


def _differences(asked: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    for key, value in asked.items():
        if key != "data" and found.get(key) != value:
            yield f"{key.replace('_', ' ')} is {found.get(key)!r}, and should be {value!r}"


def _type_fault(
    container: Container, kind: str, name: str, known: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    if kind == "multi_tags":
        return
    data = container.session.dataset(kind, name)
    asked = known.get(name, {}).get("data", (data.dtype, data.row_shape))
    if kind == "data_frames":
        asked = (layout.TABLES.get(name, data.dtype), ())
    elif name in layout.HEAPS:
        asked = (np.dtype(np.uint8), ())
    if (data.dtype, data.row_shape) != asked:
        yield f"its data have type {data.dtype} {data.row_shape}, and should have {asked}"
