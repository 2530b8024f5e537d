"""Drawings in text: nothing that is there may be invisible."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, strategies as st

from archive.cli import drawing

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=64)


def dots(lines: list[str]) -> npt.NDArray[np.bool_]:
    """The dots of a drawing, row by row from the top, shape (4 * rows, 2 * columns)."""
    cells = [line[drawing.GUTTER + 2 :] for line in lines[:-2]]
    codes = np.array([[ord(cell) - 0x2800 for cell in row] for row in cells])
    bits = np.array([[0, 3], [1, 4], [2, 5], [6, 7]])
    found = (codes[:, None, :, None] >> bits[None, :, None, :]) & 1
    return np.asarray(found.reshape(4 * codes.shape[0], 2 * codes.shape[1]), bool)


@given(
    spikes=st.lists(st.tuples(st.floats(0, 100), st.integers(0, 39)), max_size=60),
    n=st.sampled_from([40, 100, 1000]),
    height=st.integers(1, 12),
)
def test_every_spike_is_visible(spikes: list[tuple[float, int]], n: int, height: int) -> None:
    times, neuron = [s[0] for s in spikes], [s[1] for s in spikes]
    shown = dots(
        drawing.raster(times, neuron, n, start=0, stop=100, unit="ms", width=60, height=height)
    )
    rows, columns = shown.shape
    assert columns == drawing.dot_columns(60)
    expected = np.zeros_like(shown)
    for time, which in spikes:
        expected[rows - 1 - which * rows // n, min(int(time / 100 * columns), columns - 1)] = True
    np.testing.assert_array_equal(shown, expected)


def test_few_neurons_have_ticks_with_distance() -> None:
    lines = drawing.raster([0.0, 50.0], [0, 2], 3, start=0, stop=100, unit="ms", width=80, height=9)
    shown = dots(lines)
    assert len(lines) == 3 + 2
    assert shown[9:12, 0].all()
    assert shown[1:4, shown.shape[1] // 2].all()
    assert shown.sum() == 6
    assert lines[0].startswith(f"{2:>{drawing.GUTTER}} ┤")
    assert lines[2].startswith(f"{0:>{drawing.GUTTER}} ┤")


@pytest.mark.parametrize("time", [-5.0, 100.0, 105.0])
def test_spikes_at_and_beyond_the_edge_stay(time: float) -> None:
    shown = dots(drawing.raster([time], [0], 1, start=0, stop=100, unit="ms", width=40, height=3))
    assert shown[:, 0 if time < 0 else -1].any()


@pytest.mark.parametrize("n", [0, 1])
def test_no_spikes_no_dots_but_axes(n: int) -> None:
    lines = drawing.raster([], [], n, start=0, stop=0, unit="s", width=40, height=3)
    assert not dots(lines).any()
    assert lines[-1].rstrip().endswith("0 s")


@given(
    values=st.lists(FINITE, min_size=1, max_size=400),
    columns=st.integers(1, 200),
    missing=st.sets(st.integers(0, 399)),
)
def test_envelope_keeps_both_extremes(values: list[float], columns: int, missing: set[int]) -> None:
    numbers = np.array([np.nan if i in missing else value for i, value in enumerate(values)])
    times = np.arange(len(numbers), dtype=float)
    low, high = drawing.envelope(times, numbers, start=0, stop=len(numbers), columns=columns)
    assert low.shape == high.shape == (columns,)
    known = numbers[~np.isnan(numbers)]
    assert np.isnan(low).all() == (len(known) == 0)
    if len(known):
        assert np.nanmin(low) == known.min()
        assert np.nanmax(high) == known.max()


def draw(values: npt.NDArray[np.float64], width: int = 80, height: int = 8) -> list[str]:
    span = {"start": 0.0, "stop": 100.0}
    times = np.linspace(0, 100, len(values), endpoint=False)
    pair = drawing.envelope(times, values, **span, columns=drawing.dot_columns(width))
    return drawing.traces([pair], **span, time_unit="ms", width=width, height=height)


@given(at=st.integers(0, 99_999), sign=st.sampled_from([-1.0, 1.0]))
def test_one_sample_among_many_is_visible(at: int, sign: float) -> None:
    values = np.zeros(100_000)
    values[at] = sign * 3.25
    lines = draw(values)
    shown = dots(lines)
    column = at * shown.shape[1] // len(values)
    assert shown[0 if sign > 0 else -1, column]
    marked = "3.25" if sign > 0 else "-3.25"
    assert lines[0 if sign > 0 else 7].split("┤")[0].strip() == marked
    assert shown.any(axis=0).all()


@pytest.mark.parametrize("repeats", [1, 1000])
def test_a_line_has_no_gap_between_samples(repeats: int) -> None:
    shown = dots(draw(np.repeat([0.0, 10.0, -10.0, 0.0], repeats)))
    drawn = np.flatnonzero(shown.any(axis=0))
    assert (np.diff(drawn) == 1).all()
    for left, right in pairwise(drawn.tolist()):
        here, there = np.flatnonzero(shown[:, left]), np.flatnonzero(shown[:, right])
        assert here.min() <= there.max() + 1
        assert there.min() <= here.max() + 1


@given(values=st.lists(st.floats(), min_size=1, max_size=50))
def test_any_numbers_can_be_drawn(values: list[float]) -> None:
    lines = draw(np.array(values))
    assert len(lines) == 10
    assert dots(lines).any() == bool(np.isfinite(values).any())


def test_a_constant_is_one_line_with_its_value() -> None:
    lines = draw(np.full(1000, -65.0))
    assert (dots(lines).sum(axis=0) == 1).all()
    assert [line.split("┤")[0].strip() for line in lines if "┤" in line] == ["-65"]


@pytest.mark.parametrize("width", [80, 120, 10])
def test_lines_fit_the_terminal(width: int) -> None:
    lines = [
        *draw(np.sin(np.arange(500.0)), width=width),
        *drawing.raster([1.0], [0], 5, start=0, stop=9, unit="ms", width=width, height=5),
    ]
    widest = max(width, drawing.LEAST_COLUMNS + drawing.GUTTER + 2)
    assert {len(line) for line in lines} == {widest}


def test_ascii_has_the_same_marks() -> None:
    lines = draw(np.sin(np.arange(500.0) / 10))
    for line in lines:
        plain = drawing.to_ascii(line)
        assert plain.isascii()
        assert len(plain) == len(line)
        assert plain.count("*") == sum(0x2800 < ord(c) < 0x2900 for c in line)
