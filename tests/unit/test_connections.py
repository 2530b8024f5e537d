"""Connections as compressed rows: nothing moves that need not, and all comes back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import schemas
from archive.connections import compressed, ends, native_order
from archive.errors import ContractError

PAIRS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=30)


@given(PAIRS, st.sampled_from(["as they are", "by pre", "by post"]), st.sampled_from("il"))
def test_any_connections_come_back(pairs: list[tuple[int, int]], order: str, kind: str) -> None:
    if order != "as they are":
        pairs = sorted(pairs, key=lambda pair: pair[order == "by post"])
    pre, post = (np.array([pair[end] for pair in pairs], kind) for end in (0, 1))
    found = compressed(pre, post, 5, 4, "test")
    if order != "as they are":
        assert found.order is None, "nothing is sorted"
    counts = np.bincount(post if found.rows == "post" else pre, minlength=4 + (found.rows == "pre"))
    assert found.row_pointers.tolist() == [0, *np.cumsum(counts).tolist()]
    assert found.row_pointers.dtype == np.int64
    model = schemas.Projection(
        name="p", pre="a", post="b", pre_size=5, post_size=4, size=len(pairs), rows=found.rows
    )
    arrays: dict[str, Any] = {**found.arrays(), "w": found.arranged(np.arange(len(pairs)))}
    assert [one.tolist() for one in ends(model, arrays)] == [pre.tolist(), post.tolist()]
    assert native_order(arrays, arrays["w"]).tolist() == list(range(len(pairs)))


@pytest.mark.parametrize("wrong", [-1, 4])
@pytest.mark.parametrize("others", [[0, 1, 2], [2, 0, 1]])
def test_a_neuron_that_is_not_there(wrong: int, others: list[int]) -> None:
    for ids in ([wrong, *others], [*others, wrong]):
        good = np.array([3, 0, 2, 1])
        with pytest.raises(ContractError, match=f"there is no post neuron {wrong} among 4"):
            compressed(good, np.array(ids), 4, 4, "test")
        with pytest.raises(ContractError, match=f"there is no pre neuron {wrong} among 4"):
            compressed(np.array(ids), good, 4, 4, "test")
    with pytest.raises(ContractError, match="2 pre and 3 post"):
        compressed(np.arange(2), np.arange(3), 4, 4, "test")
