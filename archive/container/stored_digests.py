"""The digests of many stretches, from what lies in the file, read a block at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.container.container import Container
from archive.container.digests import array_digest
from archive.container.stream_documents import ACTIVE
from archive.container.streams import Place

Table = npt.NDArray[np.void]

# So many bytes of stretches that follow one another are read at a time.
BLOCK = 8 << 20


def stored_digests(
    container: Container,
    number: int,
    stretches: Table,
    digest: Callable[[Mapping[str, Any]], bytes] = array_digest,
) -> Iterator[bytes]:
    """The digest of each of these stretches of one stream, in their order."""
    for first, last in pairwise(_borders(container, number, stretches)):
        block = stretches[first:last]
        if len(block) == 1:
            (row,) = block.tolist()
            yield digest(container.streams.stored(Place(*row[1:])))
            continue
        arrays = _read(container, number, block)
        for row in block:
            yield digest(
                {
                    name: values[row[start] - block[start][0] :][: row[count]]
                    for name, values in arrays.items()
                    for start, count in [_span(name)]
                }
            )


def _span(name: str) -> tuple[str, str]:
    return ("active_start", "active_count") if name in ACTIVE else ("start", "count")


def _borders(container: Container, number: int, stretches: Table) -> list[int]:
    """Where blocks begin and end: at gaps in what the stretches take up, and when it gets much."""
    row_bytes = {"count": 0, "active_count": 0}
    for name, (dtype, shape) in container.streams[number].types.items():
        row_bytes[_span(name)[1]] += np.dtype(dtype).itemsize * prod(shape)
    sizes = sum(stretches[count] * size for count, size in row_bytes.items())
    follows = np.ones(max(0, len(stretches) - 1), bool)
    for start, count in (("start", "count"), ("active_start", "active_count")):
        follows &= stretches[start][1:] == stretches[start][:-1] + stretches[count][:-1]
    borders, held = [0], 0
    for at, size in enumerate(np.asarray(sizes).tolist()):
        if at and (not follows[at - 1] or held + size > BLOCK):
            borders.append(at)
            held = 0
        held += size
    return [*borders, len(stretches)]


def _read(container: Container, number: int, block: Table) -> dict[str, npt.NDArray[Any]]:
    """All rows of stretches that follow one another."""
    streams, found = container.streams, {}
    for name, (dtype, shape) in streams[number].types.items():
        start, count = _span(name)
        first, last = int(block[start][0]), int(block[start][-1] + block[count][-1])
        data = streams.data(streams[number], name)
        if data is None:
            found[name] = np.empty((last - first, *shape), np.dtype(dtype))
        else:
            found[name] = data.read(first, last)
            if name == "labels":
                texts = container.documents.texts.decode(found[name])
                found[name] = np.array(texts, object)
    return found
