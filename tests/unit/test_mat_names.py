"""Names that MATLAB can have."""

from __future__ import annotations

from hypothesis import given, strategies as st

from archive.adapters.mat_names import is_valid, matlab_names

NAMES = st.text(min_size=1, max_size=70) | st.sampled_from(["a b", "a_b", "end", "a.b"])


@given(st.lists(st.tuples(NAMES, st.integers(0, 2)), max_size=12), st.sets(st.just("a_b")))
def test_mapped_names_are_valid_and_distinct(names: list[tuple[str, int]], taken: set[str]) -> None:
    mapped = matlab_names(names, taken)
    assert set(mapped) == set(names)
    assert all(is_valid(name) for name in mapped.values())
    assert len({*mapped.values(), *taken}) == len(mapped) + len(taken)
    for (name, occurrence), short in mapped.items():
        if is_valid(name) and occurrence == 0 and name not in taken:
            assert short == name


def test_mapped_names_are_near_the_original() -> None:
    names = ["a b", "a_b", "9", "end", "x" * 70, "x" * 71, "µ", "_a", "é"]
    mapped = matlab_names((name, 0) for name in names)
    assert list(mapped.values()) == [
        "a_b_1", "a_b", "x9", "end_", "x" * 63, "x" * 61 + "_1", "x_", "x_a", "x__1",
    ]  # fmt: skip
