"""Arrays that stay in a SONATA file until they are asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.adapters.sonata_files import child, group, opened
from archive.errors import FormatError


@dataclass(frozen=True)
class Values:
    """Samples (time, channel) of a report. Slicing reads only the rows and columns asked for."""

    path: Path
    place: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    is_turned: bool = False  # in the file the axes are the other way round

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        with opened(self.path) as file:
            if self.is_turned:
                found = _dataset(file, self.place, self.shape[::-1])[()].T[key]
            else:
                found = _dataset(file, self.place, self.shape)[key]
        return np.asarray(found, self.dtype)[()]  # in the order of bytes of this machine

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False:
            raise ValueError("an array on disk cannot be had without copying it")
        return np.asarray(self[()], dtype)


@dataclass(eq=False)
class Spikes:
    """Times and neurons of a population in the order of neurons, then of times. They are read
    together, when one of them is asked for first."""

    path: Path
    times_at: str
    ids_at: str
    count: int
    trains: npt.NDArray[np.int64] = field(repr=False)  # the ids, ascending

    @cached_property
    def sorted(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        with opened(self.path) as file:
            times = np.asarray(_dataset(file, self.times_at, (self.count,))[()], np.float64)
            ids = np.asarray(_dataset(file, self.ids_at, (self.count,))[()]).astype(np.int64)
        neuron = np.searchsorted(self.trains, ids)
        if self.count and not (
            neuron.max() < len(self.trains) and (self.trains[neuron] == ids).all()
        ):
            raise FormatError("the file was changed since it was opened", path=self.path)
        order = np.lexsort((times, neuron))
        return times[order], neuron[order]


@dataclass(frozen=True)
class SpikeColumn:
    """One of the two arrays of `Spikes`."""

    spikes: Spikes
    which: int  # 0: times, 1: neuron

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.spikes.count,)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.int64 if self.which else np.float64)

    def __len__(self) -> int:
        return self.spikes.count

    def __getitem__(self, key: Any) -> Any:
        return self.spikes.sorted[self.which][key]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False:
            raise ValueError("an array on disk cannot be had without copying it")
        return np.array(self.spikes.sorted[self.which], dtype)


def _dataset(file: Any, place: str, shape: tuple[int, ...]) -> Any:
    *groups, name = place.strip("/").split("/")
    at = file
    for each in groups:
        at = None if at is None else group(at, each)
    found = None if at is None else child(at, name)
    if getattr(found, "shape", None) != shape:
        raise FormatError(f"{place} was changed since it was opened", path=file.filename)
    return found
