"""The judge of adapters, ours and other people's: classes of pytest tests to inherit.

An adapter that reads what it writes is judged in full by two lines; `archive.testing.strategies`
has the experiments that it is given::

    class TestMine(RoundTripSuite):
        adapter = Mine()

What a writer does not return as lost must come back equal. Needs pytest and hypothesis.
"""

from __future__ import annotations

from archive.testing.canonical import canonical
from archive.testing.fuzzing import Finding, fuzz
from archive.testing.sample import sample
from archive.testing.sources import Given
from archive.testing.suites import ReaderSuite, RoundTripSuite, WriterSuite
from archive.testing.trimmed import only

__all__ = [
    "Finding",
    "Given",
    "ReaderSuite",
    "RoundTripSuite",
    "WriterSuite",
    "canonical",
    "fuzz",
    "only",
    "sample",
]
