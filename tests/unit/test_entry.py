"""The ways to the entries inside an entry."""

from __future__ import annotations

import schemas
from archive.entry import Entry, ways


def test_ways_are_made_of_names_or_of_kinds_and_numbers() -> None:
    signal = Entry(schemas.Signal(population="exc", variable="v", unit="mV", sampling_period=1.0))
    event = Entry(schemas.Event(variable="stimulus"))
    named = Entry(schemas.Segment(name="first"), parts=[signal, event])
    run = Entry(schemas.Run(name="a"), parts=[named, Entry(schemas.Segment())])
    experiment = Entry(schemas.Experiment(id="1", name="x"), parts=[run])
    assert [way for way, _ in ways(experiment)] == [
        "a",
        "a/first",
        "a/first/exc/v",
        "a/first/stimulus",
        "a/segment 2",
    ]
    assert [entry for _, entry in ways(named)] == [signal, event]
