"""Rasters and traces as lines of text: arrays in, lines out, two by four dots to a character."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

# The eight dots of a braille character, by row and column, as bits of its code point.
_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
_BLANK = 0x2800
_PLAIN = {_BLANK: " ", ord("┤"): "|", ord("│"): "|", ord("└"): "+", ord("─"): "-"}
_PLAIN |= dict.fromkeys(range(_BLANK + 1, _BLANK + 256), "*")

# Room for any number of four digits, "-1.234e-100": so all drawings have one axis of time.
GUTTER = 11
LEAST_COLUMNS = 20


def raster(
    times: npt.ArrayLike,
    neuron: npt.ArrayLike,
    n: int,
    *,
    start: float,
    stop: float,
    unit: str,
    width: int,
    height: int,
) -> list[str]:
    """A spike raster: a mark at the time of each spike, neuron 0 at the bottom.

    `times` and `neuron` have the shape (spike,), neurons count from 0 to `n` - 1. `width` and
    `height` are the most columns and rows, the axis not counted. With fewer dots than neurons,
    several share a row. A spike outside `start` to `stop` stands at the edge.
    """
    rows = max(1, min(height, n))
    shown = max(n, 1)
    columns = dot_columns(width)
    dots = np.zeros((4 * rows, columns), bool)
    at = _place(np.asarray(times, np.float64), start, stop, columns)
    which = np.asarray(neuron, np.int64)
    if shown <= rows:  # a tick of three dots, and one dot of distance
        bottom = 4 * rows - 1 - 4 * which
        for dot in (0, 1, 2):
            dots[bottom - dot, at] = True
    else:
        dots[4 * rows - 1 - which * (4 * rows) // shown, at] = True
    marks = {rows - 1: "0", 0: str(shown - 1)}
    return _framed(dots, marks, (start, stop), unit)


def envelope(
    times: npt.ArrayLike, values: npt.ArrayLike, *, start: float, stop: float, columns: int
) -> tuple[Floats, Floats]:
    """The least and the greatest value in each of `columns` equal stretches of time, shape
    (columns,) each; NaN where there is none. NaN and infinite values are left out."""
    numbers = np.asarray(values, np.float64)
    finite = np.isfinite(numbers)
    at = _place(np.asarray(times, np.float64)[finite], start, stop, columns)
    low, high = np.full(columns, np.inf), np.full(columns, -np.inf)
    np.minimum.at(low, at, numbers[finite])
    np.maximum.at(high, at, numbers[finite])
    empty = low > high
    low[empty] = high[empty] = np.nan
    return low, high


def traces(
    envelopes: list[tuple[Floats, Floats]],
    *,
    start: float,
    stop: float,
    time_unit: str,
    width: int,
    height: int,
) -> list[str]:
    """Lines through some envelopes, each of `dot_columns(width)` columns, over one another.

    The least and the greatest value of all stand at the axis. No finite value at all: no lines,
    but the axis.
    """
    rows = max(1, height)
    extremes = [value for pair in envelopes for value in _extremes(pair)]
    least, most = (min(extremes), max(extremes)) if extremes else (0.0, 0.0)
    marks = {rows - 1: f"{least:.4g}", 0: f"{most:.4g}"} if extremes else {}
    if least == most and extremes:
        marks = {rows // 2: f"{most:.4g}"}
    dots = np.zeros((4 * rows, dot_columns(width)), bool)
    for low, high in envelopes:
        _draw(dots, *_joined(_share(low, least, most), _share(high, least, most)))
    return _framed(dots, marks, (start, stop), time_unit)


def dot_columns(width: int) -> int:
    """How many columns of dots a drawing has that is `width` characters wide."""
    return 2 * max(LEAST_COLUMNS, width - GUTTER - 2)


def to_ascii(line: str) -> str:
    """The same line for an output that has no braille: a star for each character with dots."""
    return line.translate(_PLAIN)


def _place(times: Floats, start: float, stop: float, columns: int) -> npt.NDArray[np.int64]:
    """The column of each time; the last one ends with, and holds, `stop`."""
    span = stop - start
    share = (times - start) / span if span > 0 else np.zeros_like(times)
    return (np.clip(share, 0, 1) * columns).astype(np.int64).clip(0, columns - 1)


def _extremes(pair: tuple[Floats, Floats]) -> list[float]:
    low, high = pair
    known = ~np.isnan(low)
    return [float(low[known].min()), float(high[known].max())] if known.any() else []


def _joined(low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """An envelope without gaps: a straight line through columns that have no value, and each
    column reaching as far as its neighbour."""
    known = np.flatnonzero(~np.isnan(low))
    if not len(known):
        return low, high
    inside = np.arange(known[0], known[-1] + 1)
    low, high = low.copy(), high.copy()
    low[inside] = np.interp(inside, known, low[known])
    high[inside] = np.interp(inside, known, high[known])
    left, right = inside[:-1], inside[1:]
    rise, fall = (high[left] + low[right]) / 2, (low[left] + high[right]) / 2
    joined_low, joined_high = low.copy(), high.copy()
    for column, half in ((left, fall), (right, rise)):
        joined_low[column] = np.minimum(joined_low[column], half)
    for column, half in ((left, rise), (right, fall)):
        joined_high[column] = np.maximum(joined_high[column], half)
    return joined_low, joined_high


def _share(values: Floats, least: float, most: float) -> Floats:
    """Where values lie between the least, 0, and the most, 1; in the middle if these are one."""
    # scaled before they are subtracted: the span of two large numbers may be infinite
    scale = max(abs(least), abs(most)) or 1.0
    span = most / scale - least / scale
    if not span > 0:
        return np.where(np.isnan(values), np.nan, 0.5)
    return np.asarray((values / scale - least / scale) / span)


def _draw(dots: Bools, low: Floats, high: Floats) -> None:
    rows = len(dots)
    for column in np.flatnonzero(~np.isnan(low)).tolist():
        top = rows - 1 - round(high[column] * (rows - 1))
        bottom = rows - 1 - round(low[column] * (rows - 1))
        dots[top : bottom + 1, column] = True


def _framed(dots: Bools, marks: dict[int, str], span: tuple[float, float], unit: str) -> list[str]:
    """The dots with an axis on the left, `marks` beside it, and one of time below."""
    rows, columns = len(dots) // 4, dots.shape[1] // 2
    cells = dots.reshape(rows, 4, columns, 2).transpose(0, 2, 1, 3)
    codes = _BLANK + (cells * _DOTS).sum(axis=(2, 3))
    lines = [
        f"{marks.get(row, ''):>{GUTTER}} {'┤' if row in marks else '│'}"
        + "".join(map(chr, line.tolist()))
        for row, line in enumerate(codes)
    ]
    first, last = f"{span[0]:g}", f"{span[1]:g} {unit}"
    room = columns - len(last)
    return [
        *lines,
        f"{'':>{GUTTER}} └{'─' * columns}",
        f"{'':>{GUTTER}}  {first:<{room}}{last}",
    ]
