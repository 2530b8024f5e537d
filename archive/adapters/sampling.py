"""Times that were printed: whether they are those of a regular sampling, and of which."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_NUMBER = re.compile(rb"[+-]?([0-9]*)\.?([0-9]*)(?:[eE]([+-]?[0-9]{1,3}))?")
EXACT = 17  # significant digits that tell any float64
SLACK = 1e-6  # of a period, by which times may differ that a program added up


def regular(
    times: npt.NDArray[np.float64], printed: Sequence[bytes] = ()
) -> tuple[float, float] | None:
    """The first time and the period, if these times are regular as precisely as they are printed,
    and there are two at least; else None.

    A period is told by as few digits as fit: 0.025 rather than 0.0250000001, of which printed
    times of six digits say nothing.
    """
    if len(times) < 2 or not np.isfinite(times).all() or times[-1] <= times[0]:
        return None
    mean = float(times[-1] - times[0]) / (len(times) - 1)
    if not np.isfinite(mean) or mean <= 0:
        return None
    steps = np.arange(len(times))
    noise = 2 * np.spacing(np.abs(times))
    added_up = np.full(len(times), SLACK * mean)
    for allowed in [*_precisions(times, printed), added_up]:
        limit = np.maximum(allowed * (1 + 1e-6), noise)
        for digits in range(1, EXACT + 1):
            period = float(f"{mean:.{digits - 1}e}")
            if abs(period - mean) * (len(times) - 1) > 2 * limit.max():
                continue
            if period > 0 and (np.abs(times[0] + period * steps - times) <= limit).all():
                return float(times[0]), period
    return None


def _precisions(
    times: npt.NDArray[np.float64], printed: Sequence[bytes]
) -> list[npt.NDArray[np.float64]]:
    """By how much each time may be wrong, if all have as many significant digits, as ``%g`` prints
    them without the last zeros, or as many decimals as ``%.3f``: what the longest shows."""
    if not printed:
        return [np.zeros(len(times))]
    digits = decimals = 0
    for word in printed:
        match = _NUMBER.fullmatch(word)
        if match is None:
            return [np.zeros(len(times))]
        whole, part, power = match[1], match[2], int(match[3] or 0)
        digits = max(digits, len((whole + part).lstrip(b"0")))
        decimals = max(decimals, len(part) - power)
    size = np.where(times == 0, 1.0, np.abs(times))
    magnitude = np.floor(np.log10(size))
    significant = np.where(times == 0, 0.0, 0.5 * 10.0 ** (magnitude + 1 - max(digits, 1)))
    fixed = np.full(len(times), 0.5 * 10.0 ** -min(decimals, 300))
    return [significant, fixed]
