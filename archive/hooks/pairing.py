"""The same connection in two networks: of the same pair of neurons, and the same of several."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def numbered(
    pre: npt.NDArray[Any], post: npt.NDArray[Any], post_size: int
) -> npt.NDArray[np.int64]:
    """A number for each connection, the same in all networks: of its pair, and of how many there
    were between the two before it. (connection, 2)."""
    pairs = pre.astype(np.int64) * max(post_size, 1) + post.astype(np.int64)
    order = np.argsort(pairs, kind="stable")
    ordered = pairs[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else ordered
    lengths = np.diff(np.r_[starts, len(ordered)])
    nth = np.empty(len(pairs), np.int64)
    nth[order] = np.arange(len(pairs)) - np.repeat(starts, lengths)
    return np.stack([pairs, nth], axis=1)


def common(
    one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The positions in both of the rows that both have."""
    if np.array_equal(one, other):
        every = np.arange(len(one))
        return every, every
    most = int(max(one[:, 1].max(initial=0), other[:, 1].max(initial=0))) + 1
    ours, theirs = one[:, 0] * most + one[:, 1], other[:, 0] * most + other[:, 1]
    _, first, second = np.intersect1d(ours, theirs, assume_unique=True, return_indices=True)
    return first.astype(np.int64), second.astype(np.int64)
