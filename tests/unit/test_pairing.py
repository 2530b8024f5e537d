"""The same connection in two networks."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given, strategies as st

from archive.hooks.pairing import common, numbered

PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=12)


@given(one=PAIRS, other=PAIRS)
def test_each_connection_has_one_partner_of_its_pair(
    one: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    keys = [
        numbered(np.array([i for i, _ in rows], int), np.array([j for _, j in rows], int), 3)
        for rows in (one, other)
    ]
    first, second = common(*keys)
    assert len(set(first.tolist())) == len(first)
    assert len(set(second.tolist())) == len(second)
    assert len(first) == sum((Counter(one) & Counter(other)).values())
    for a, b in zip(first.tolist(), second.tolist(), strict=True):
        assert one[a] == other[b]
        assert one[:a].count(one[a]) == other[:b].count(other[b])


def test_the_same_network_needs_no_search() -> None:
    keys = numbered(np.array([1, 0, 1]), np.array([0, 0, 0]), 1)
    assert keys.tolist() == [[1, 0], [0, 0], [1, 1]]
    first, second = common(keys, keys.copy())
    assert first.tolist() == second.tolist() == [0, 1, 2]
