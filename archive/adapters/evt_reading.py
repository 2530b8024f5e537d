"""The segment of a file of words."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from archive.adapters.event_columns import Column
from archive.adapters.event_entries import MICROSECONDS, events_entry, file_segment
from archive.adapters.evt_words import Coded, EventWords, State
from archive.adapters.prophesee_header import Header
from archive.adapters.prophesee_triggers import trigger_entries
from archive.entry import Entry, Loss
from archive.errors import ArchiveWarning


def read_words(
    path: Path,
    header: Header,
    coded: Coded[State],
    losses: list[Loss] | None,
) -> Entry:
    """The segment, with its events and triggers; what was left out is added to `losses`, or told
    by an ArchiveWarning."""
    words = EventWords(path, header.start, coded)
    segment = file_segment(path, header.facts)
    events = events_entry(
        Column(words, "addresses", np.uint32),
        Column(words, "ticks", words.ticks_dtype),
        MICROSECONDS,
        "prophesee",
    )
    left = max(0, path.stat().st_size - header.start) % coded.dtype.itemsize
    name = str(segment.name)
    said = []
    if words.others:
        said.append(Loss(name, "events", f"{words.others} words of other types are left out"))
    if left:
        said.append(Loss(name, "events", f"the last {left} bytes are no whole word"))
    tell(said, losses, path)
    return Entry(segment, parts=[events, *trigger_entries(words.triggers)])


def tell(said: list[Loss], losses: list[Loss] | None, path: Path) -> None:
    """Add what was left out to the list that is given; without one, warn of it."""
    if losses is not None:
        losses += said
        return
    for loss in said:
        warnings.warn(f"{path}: {loss.reason}", ArchiveWarning, stacklevel=3)
