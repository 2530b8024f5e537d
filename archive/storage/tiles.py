"""A box with strides, by the tiles of a grid in which it lies: what to read of each, and where
that goes in the result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product
from typing import NamedTuple


class Part(NamedTuple):
    """What a box has of a tile, along all axes but the first."""

    into: tuple[slice, ...]  # where it goes in the result
    corner: tuple[int, ...]  # where the tile begins
    width: tuple[int, ...]  # how much of the tile there is
    picked: tuple[slice, ...]  # what of the tile is asked for
    tile: int  # which one it is, in order


class _Span(NamedTuple):
    """The same along one axis."""

    into: slice
    corner: int
    width: int
    picked: slice
    tile: int


def tiles(start: int, count: int, step: int, tile: int) -> Iterator[tuple[slice, int, int, slice]]:
    """What is picked along an axis, by the tiles in which it lies. For each tile where it goes
    in the result, where to begin to read and how much, and what to pick of that."""
    done = 0
    while done < count:
        first = start + done * step
        picks = min(count - done, -((first % tile - tile) // step))
        yield slice(done, done + picks), first, (picks - 1) * step + 1, slice(None, None, step)
        done += picks


# To find the tiles of a row anew for each of many short reads would take a third of their time.
@lru_cache(maxsize=64)
def across(
    start: tuple[int, ...],
    count: tuple[int, ...],
    step: tuple[int, ...],
    tile: tuple[int, ...],
    lengths: tuple[int, ...],
) -> list[Part]:
    """The same along all axes but the first, where a tile is read as a whole."""
    axes = []
    for begin, number, stride, width, length in zip(start, count, step, tile, lengths, strict=True):
        spans = []
        for into, first, size, _ in tiles(begin, number, stride, width):
            at, offset = divmod(first, width)
            corner, picked = first - offset, slice(offset, offset + size, stride)
            spans.append(_Span(into, corner, min(width, length - corner), picked, at))
        axes.append(spans)
    counts = [-(-length // width) for length, width in zip(lengths, tile, strict=True)]
    return [_part(along, counts) for along in product(*axes)]


def _part(along: Sequence[_Span], counts: Sequence[int]) -> Part:
    number = 0
    for span, tiles_there in zip(along, counts, strict=True):
        number = number * tiles_there + span.tile
    return Part(
        into=tuple(span.into for span in along),
        corner=tuple(span.corner for span in along),
        width=tuple(span.width for span in along),
        picked=tuple(span.picked for span in along),
        tile=number,
    )
