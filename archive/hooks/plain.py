"""What the arrays of an entry must be: checked, and named.

`modelled` lives in `archive.modelling`, where adapters reach it.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.errors import ArchiveWarning, ContractError, FormatError
from archive.modelling import modelled as modelled

SHORTEST, LONGEST = 1e-12, 1e6  # seconds between samples


def plain_array(values: Any, where: str, *, kinds: str = "biufc") -> npt.NDArray[Any]:
    """The values as an array, dtype kept; masked, object and text arrays are refused."""
    if isinstance(values, np.ma.MaskedArray):
        raise FormatError(
            "a masked array cannot be kept: its mask would be lost",
            entry=where,
            hint="fill it, values.filled(numpy.nan), and keep the mask as an array of its own",
        )
    array = np.asarray(values)
    if array.dtype.kind not in kinds:
        raise FormatError(
            f"values of dtype {array.dtype} cannot be kept",
            entry=where,
            hint="convert them to numbers, as in numpy.asarray(values, dtype=float)",
        )
    return array


def plain_times(values: Any, where: str) -> npt.NDArray[Any]:
    """Times as a 1-D array of float32 or float64; NaN and infinite ones are refused."""
    times = plain_array(values, where, kinds="iuf")
    if times.ndim != 1:
        raise ContractError(f"times have the shape {times.shape}", entry=where, hint="flatten them")
    if times.dtype not in (np.float32, np.float64):
        exact = times.astype(np.float64)
        if not np.array_equal(exact.astype(times.dtype), times):
            raise ContractError(
                f"times of dtype {times.dtype} do not fit into float64", entry=where
            )
        times = exact
    if not np.isfinite(times).all():
        bad = int(np.flatnonzero(~np.isfinite(times))[0])
        raise ContractError(
            f"time number {bad} is {times[bad]}",
            entry=where,
            hint="leave out what never happened: times[numpy.isfinite(times)]",
        )
    return times


def say_sorted(where: str) -> None:
    """Warn that times were not in order, and are now."""
    warnings.warn(
        f"{where}: the times were not in order; they were sorted, with all that belongs to them",
        ArchiveWarning,
        stacklevel=3,
    )


def check_period(seconds: float, where: str) -> None:
    """Refuse a time between samples that is not above zero, or beyond any simulation."""
    if not SHORTEST <= seconds <= LONGEST:
        raise ContractError(
            f"a time of {seconds!r} s between samples",
            entry=where,
            hint=f"give one from {SHORTEST:g} s to {LONGEST:g} s, as in 0.1 * pq.ms",
        )
