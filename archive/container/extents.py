"""From when to when a segment goes on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from archive.container.rows import to_ms
from archive.container.streams import Place, Streams


def extent(places: Sequence[Place], streams: Streams) -> tuple[float, float]:
    """The earliest and the latest time of parts, in ms; NaN if they have none."""
    bounds = [
        (place.t_start * scale, place.t_stop * scale)
        for place in places
        if (scale := to_ms(str(streams[place.stream].model.get("time_unit", "ms"))))
        and place.t_start == place.t_start
    ]
    if not bounds:
        return np.nan, np.nan
    return min(start for start, _ in bounds), max(stop for _, stop in bounds)
