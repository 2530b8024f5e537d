"""NEURON's, Axon's and SONATA's recordings before the judge that all adapters have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from hypothesis import strategies as st

import schemas
from archive.adapters.atf import Atf
from archive.adapters.neuron import Neuron
from archive.adapters.sonata import Sonata
from archive.entry import Entry
from archive.testing import RoundTripSuite
from archive.testing.strategies import runs
from tests.formats.recordings import signal, spikes

PARTS = ("signal", "irregular-signal", "spike-trains", "event")
CHANNELS: dict[str, tuple[str, ...]] = {
    kind: ("channels",) for kind in ("signal", "irregular-signal", "spike-trains")
}


def with_part(part: Entry, *, in_each: bool = False) -> st.SearchStrategy[Entry]:
    """Experiments of a run with segments, of which the last, or each, has this part, too."""

    def holding(run: Entry) -> Entry:
        last = [one for one in run.parts if one.model.kind == "segment"][-1:]
        made = list(_segments(run, part, None if in_each else last))
        if not last:
            made.append(Entry(schemas.Segment(), parts=[part]))
        root = schemas.Experiment(id="1", name="x")
        return Entry(root, parts=[Entry(run.model, parts=made)])

    return runs(parts=PARTS, max_segments=2 if in_each else 1).map(holding)


def _segments(run: Entry, part: Entry, which: list[Entry] | None) -> Iterator[Entry]:
    for one in run.parts:
        if one.model.kind != "segment" or (which is not None and one not in which):
            yield one
        else:
            yield Entry(one.model, parts=[*one.parts, part])


class OfRecordings(RoundTripSuite):
    adds = CHANNELS
    examples = 8
    part = signal([[1.0, 2.5], [-3.0, np.nan], [0.1 + 0.2, 4.0]], "the v")

    def sources(self) -> st.SearchStrategy[Entry]:
        return with_part(self.part)


class TestNeuron(OfRecordings):
    adapter = Neuron()
    scope = "segment"


class TestAtf(OfRecordings):
    adapter = Atf()
    scope = "run"

    def sources(self) -> st.SearchStrategy[Entry]:
        return with_part(self.part, in_each=True)


class TestSonataSpikes(OfRecordings):
    adapter = Sonata("spikes")
    scope = "segment"
    part = spikes([1.0, 0.5, 7.0], [0, 1, 1], 2, population="the spikes")


class TestSonataReport(OfRecordings):
    adapter = Sonata("report")
    scope = "segment"
    write_options: ClassVar = {"variable": "v"}
    part = signal(np.array([[1.0, 2.5], [-3.0, 7.0]], np.float32), population="the cells")
