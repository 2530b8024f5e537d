"""Signals that Neo has not read yet, as arrays that are read piece by piece."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from archive.errors import FormatError


def is_lazy_signal(item: Any) -> bool:
    """Whether it is one of Neo's proxies for an AnalogSignal."""
    return getattr(getattr(item, "proxy_for", None), "__name__", None) == "AnalogSignal"


class LazyValues:
    """The values of a signal that lies in a file, shape (time, channel), as Neo scales them."""

    def __init__(self, proxy: Any) -> None:
        self._proxy = proxy
        self.shape: tuple[int, ...] = tuple(int(length) for length in proxy.shape)
        # Neo's rule for scaled values
        self.dtype = np.dtype("f8" if proxy.dtype == "float64" else "f4")

    def __getitem__(self, key: Any, /) -> Any:
        first, *rest = key if isinstance(key, tuple) else (key,)
        if isinstance(first, slice) and first.step in (None, 1):
            start, stop, _ = first.indices(self.shape[0])
            return self._rows(start, stop)[(slice(None), *rest)]
        return np.asarray(self)[key]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        values = self._rows(0, self.shape[0])
        return values if dtype is None else values.astype(dtype, copy=False)

    def _rows(self, start: int, stop: int) -> npt.NDArray[Any]:
        proxy = self._proxy
        if stop <= start:
            return np.zeros((0, *self.shape[1:]), self.dtype)
        if (start, stop) == (0, self.shape[0]):
            read = proxy.load().magnitude
        else:
            # Neo rounds times to the nearest sample: half a sample is far more than an error
            first, last = (proxy.t_start + n / proxy.sampling_rate for n in (start, stop))
            read = proxy.load(time_slice=(first, last), strict_slicing=False).magnitude
        if read.shape != (stop - start, *self.shape[1:]):
            raise FormatError(
                f"{read.shape} values came for the samples {start} to {stop} of {self.shape}",
                entry=str(proxy.name),
            )
        return np.asarray(read, self.dtype)
