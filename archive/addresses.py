"""What the bits of an address mean, and when a number of ticks is.

Programs disagree about the bits of one camera, above all about polarity; so no meaning is ever
guessed: a name says which one is taken. Sources: docs.inivation.com (AEDAT 1.0, 2.0 and 3.1), jAER
and Brian 1.4 (DVS128, AMS cochlea), docs.prophesee.ai (DAT).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

PIECE = 1 << 18  # ticks that are read at a time

Addresses = npt.NDArray[Any]
Fields = dict[str, npt.NDArray[Any]]


def decoded(addresses: npt.ArrayLike, coding: str) -> Fields:
    """The fields of addresses by name, each of shape (event,): ``x``, ``y`` (int16) and
    ``polarity`` (int8: 1 for ON, -1 for OFF) of cameras, others of other devices. Raises
    ValueError for a coding that is not in `CODINGS`."""
    if coding not in CODINGS:
        raise ValueError(f"there is no coding {coding!r}; known are {', '.join(CODINGS)}")
    return CODINGS[coding](np.asarray(addresses).astype(np.uint32))


def ticks_to_times(
    ticks: npt.NDArray[Any], tick: float, out: npt.NDArray[np.float64] | None = None
) -> npt.NDArray[np.float64]:
    """Numbers of ticks of a duration `tick` as times in its unit, each the float that is nearest
    where a unit has a whole number of ticks."""
    per_unit = round(1 / tick) if 1e-300 < tick < 1 else 0  # of less, 1 / tick may be infinite
    if out is None:
        out = np.empty(np.shape(ticks), np.float64)
    if per_unit and 1 / per_unit == tick:
        np.divide(ticks, float(per_unit), out=out)
    else:
        np.multiply(ticks, float(tick), out=out)
    return out


def times_of(ticks: Any, tick: float) -> npt.NDArray[np.float64]:
    """The same of ticks that may still lie in a file, shape (event,): read piece by piece, so
    that never all of them are in memory beside their times."""
    times = np.empty(ticks.shape, np.float64)
    for first in range(0, len(times), PIECE):
        piece = np.asarray(ticks[first : first + PIECE])
        ticks_to_times(piece, tick, out=times[first : first + PIECE])
    return times


def polarity(on: npt.NDArray[Any]) -> npt.NDArray[np.int8]:
    """1 where a bit is set, -1 where it is not."""
    return (2 * (on & 1).astype(np.int8) - 1).astype(np.int8)


def _dvs128(address: Addresses) -> Fields:
    """As jAER and Brian have it: bit 0 set is OFF, and x counts from the right."""
    return {
        "x": (127 - (address >> 1 & 127)).astype(np.int16),
        "y": (address >> 8 & 127).astype(np.int16),
        "polarity": polarity(~address),
        "external": (address >> 15 & 1).astype(bool),
    }


def _davis(address: Addresses) -> Fields:
    """Kind 0 is a change of light, 1 an external event; 2 a sample of a frame and 3 of the
    inertial unit, whose x, y and polarity mean nothing."""
    external, sample = address >> 10 & 1, address >> 31
    inertial = sample & (address >> 11) & external
    return {
        "x": (address >> 12 & 1023).astype(np.int16),
        "y": (address >> 22 & 511).astype(np.int16),
        "polarity": polarity(address >> 11),
        "kind": np.where(sample, 2 + inertial, external).astype(np.int8),
    }


def _ams_cochlea(address: Addresses) -> Fields:
    """As Brian's code has it, which is not what it says: bit 0 counts for filter and channel."""
    return {
        "filter": (address & 1).astype(np.int8),
        "side": (address >> 5 & 1).astype(np.int8),
        "channel": (1 + (address & 31)).astype(np.int16),
    }


def _aedat_3(address: Addresses) -> Fields:
    return {
        "x": (address >> 17 & 0x7FFF).astype(np.int16),
        "y": (address >> 2 & 0x7FFF).astype(np.int16),
        "polarity": polarity(address >> 1),
        "valid": (address & 1).astype(bool),
    }


def _aedat_3_spike(address: Addresses) -> Fields:
    return {
        "core": (address >> 1 & 31).astype(np.int16),
        "chip": (address >> 6 & 63).astype(np.int16),
        "neuron": (address >> 12).astype(np.int32),
        "valid": (address & 1).astype(bool),
    }


def _prophesee(address: Addresses) -> Fields:
    return {
        "x": (address & 0x3FFF).astype(np.int16),
        "y": (address >> 14 & 0x3FFF).astype(np.int16),
        "polarity": polarity(address >> 28),
    }


def _prophesee_1(address: Addresses) -> Fields:
    """Of version 1 of DAT, for sensors of 304 by 240."""
    return {
        "x": (address & 0x1FF).astype(np.int16),
        "y": (address >> 9 & 0xFF).astype(np.int16),
        "polarity": polarity(address >> 17),
    }


CODINGS: dict[str, Callable[[Addresses], Fields]] = {
    "dvs128": _dvs128,
    "davis": _davis,
    "ams-cochlea": _ams_cochlea,
    "aedat-3": _aedat_3,
    "aedat-3-spike": _aedat_3_spike,
    "prophesee": _prophesee,
    "prophesee-1": _prophesee_1,
}
