"""A box with strides, by the tiles of a grid in which it lies: what to read of each, and where
that goes in the result."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import Any


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
) -> list[tuple[tuple[Any, ...], ...]]:
    """The same along all axes but the first, where a tile is read as a whole."""
    axes = []
    for begin, number, stride, width, length in zip(start, count, step, tile, lengths, strict=True):
        whole = []
        for into, first, size, _ in tiles(begin, number, stride, width):
            offset = first % width
            picked = slice(offset, offset + size, stride)
            whole.append((into, first - offset, min(width, length - first + offset), picked))
        axes.append(whole)
    return [tuple(zip(*tiles, strict=True)) or ((),) * 4 for tiles in product(*axes)]
