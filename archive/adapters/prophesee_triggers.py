"""Triggers of Prophesee's cameras: moments at which a line went up or down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.adapters.event_entries import moments_entry
from archive.entry import Entry


def trigger_entries(triggers: npt.NDArray[Any]) -> Iterator[Entry]:
    """The entry of triggers (trigger, 3), time in µs, channel and value, if there are any:
    labels are ``channel 6 rises`` and ``channel 6 falls``."""
    if not len(triggers):
        return
    pairs, which = np.unique(triggers[:, 1:], axis=0, return_inverse=True)
    labels = [f"channel {channel} {'rises' if value else 'falls'}" for channel, value in pairs]
    texts = np.array(labels, dtype=object)[which.reshape(-1)]
    yield moments_entry("triggers", triggers[:, 0], texts)
