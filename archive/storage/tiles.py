"""A box with strides, by the tiles of a grid in which it lies: what to read of each, and where
that goes in the result."""

from __future__ import annotations

from collections.abc import Iterator
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
        whole = []
        for into, first, size, _ in tiles(begin, number, stride, width):
            offset = first % width
            picked = slice(offset, offset + size, stride)
            corner = first - offset
            whole.append((into, corner, min(width, length - corner), picked, corner // width))
        axes.append(whole)
    counts = [-(-length // width) for length, width in zip(lengths, tile, strict=True)]
    found = []
    for along in product(*axes):
        into, corner, wide, picked, numbers = zip(*along, strict=True) if along else ((),) * 5
        flat = 0
        for number, count_ in zip(numbers, counts, strict=True):
            flat = flat * count_ + number
        found.append(Part(into, corner, wide, picked, flat))
    return found
