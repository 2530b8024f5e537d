"""Strategies of segments and of what can lie in them; see `archive.testing.strategies`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import hypothesis.extra.numpy as npst
import numpy as np
from hypothesis import strategies as st

import schemas
from archive.entry import Entry
from archive.testing.legal import (
    FINITE,
    MOMENTS,
    NAMES,
    POSITIVE,
    TEXTS,
    TIME_UNITS,
    UNITS,
    facts,
    indices,
    numbers,
    optional,
    per_item,
    times,
)

COUNTS = st.integers(0, 4)


def _part(draw: st.DrawFn, per: int) -> dict[str, Any]:
    """The fields that all parts have; `per` channels or entries have array annotations."""
    return {
        "population": draw(optional(NAMES)),
        "variable": draw(NAMES),
        "description": draw(optional(TEXTS)),
        "time_unit": draw(TIME_UNITS),
        "annotations": draw(facts()),
        "array_annotations": draw(per_item(per)),
    }


def _with(draw: st.DrawFn, arrays: dict[str, Any], count: int) -> dict[str, Any]:
    return arrays | ({"channels": draw(indices(count))} if draw(st.booleans()) else {})


@st.composite
def signals(draw: st.DrawFn) -> Entry:
    """Signals of any dtype, some without samples or channels."""
    rows, channels = draw(COUNTS), draw(COUNTS)
    model = schemas.Signal(
        unit=draw(UNITS),
        sampling_period=draw(POSITIVE),
        t_start=draw(FINITE),
        **_part(draw, channels),
    )
    return Entry(model, _with(draw, {"values": draw(numbers(rows, channels))}, channels))


@st.composite
def irregular_signals(draw: st.DrawFn) -> Entry:
    """Values at times that do not decrease, and may be equal."""
    rows, channels = draw(COUNTS), draw(COUNTS)
    model = schemas.IrregularSignal(unit=draw(UNITS), **_part(draw, channels))
    arrays = {"times": np.sort(draw(times(rows))), "values": draw(numbers(rows, channels))}
    return Entry(model, _with(draw, arrays, channels))


@st.composite
def spike_trains(draw: st.DrawFn) -> Entry:
    """Spikes of a few trains, some silent, some with waveforms."""
    size = draw(COUNTS)
    count = draw(st.integers(0, 6)) if size else 0
    held = draw(times(count, draw(st.sampled_from(["<f8", "<f8", "<f4"]))))
    dtype = draw(st.sampled_from(["<i8", "<i4", "<u2"]))
    neuron = draw(npst.arrays(dtype, (count,), elements=st.integers(0, max(0, size - 1))))
    order = np.lexsort((held, neuron))
    arrays = {"times": held[order], "neuron": neuron[order]}
    waves: dict[str, Any] = {}
    if draw(st.booleans()):
        arrays["waveforms"] = draw(numbers(count, draw(COUNTS), draw(COUNTS)))
        waves = {"waveform_unit": draw(optional(UNITS)), "sampling_rate": draw(optional(POSITIVE))}
    model = schemas.SpikeTrains(
        size=size,
        t_start=draw(FINITE),
        t_stop=draw(FINITE),
        train_annotations=draw(per_item(size)),
        **waves,
        **_part(draw, 0),
    )
    return Entry(model, _with(draw, arrays, size))


def _labels(draw: st.DrawFn, count: int) -> Any:
    labels = draw(st.lists(TEXTS, min_size=count, max_size=count))
    return np.array([*labels, None], object)[:-1]


@st.composite
def events(draw: st.DrawFn) -> Entry:
    """Moments in any order, with labels of any text."""
    count = draw(COUNTS)
    arrays = {"times": draw(times(count)), "labels": _labels(draw, count)}
    return Entry(schemas.Event(**_part(draw, count)), arrays)


@st.composite
def epochs(draw: st.DrawFn) -> Entry:
    """Stretches of time, which may overlap."""
    count = draw(COUNTS)
    arrays = {
        "times": draw(times(count)),
        "durations": draw(times(count)),
        "labels": _labels(draw, count),
    }
    return Entry(schemas.Epoch(**_part(draw, count)), arrays)


@st.composite
def image_sequences(draw: st.DrawFn) -> Entry:
    """Frames of any dtype, some without a pixel."""
    model = schemas.ImageSequence(
        unit=draw(UNITS),
        sampling_period=draw(POSITIVE),
        t_start=draw(FINITE),
        spatial_scale=draw(optional(POSITIVE)),
        spatial_unit=draw(optional(UNITS)),
        **_part(draw, 0),
    )
    return Entry(model, {"values": draw(numbers(draw(COUNTS), draw(COUNTS), draw(COUNTS)))})


PARTS: dict[str, Callable[[], st.SearchStrategy[Entry]]] = {
    "signal": signals,
    "irregular-signal": irregular_signals,
    "spike-trains": spike_trains,
    "event": events,
    "epoch": epochs,
    "image-sequence": image_sequences,
}


@st.composite
def annotation_changes(draw: st.DrawFn) -> Entry:
    """A later change of the annotations of a run or segment: the former values are those of what
    it sets or removes."""
    annotations, removed = draw(facts()), tuple(draw(st.lists(NAMES, max_size=2)))
    former = zip([*annotations, *removed], draw(facts()).values(), strict=False)
    model = schemas.AnnotationChange(
        annotations=annotations,
        removed=removed,
        former=dict(former),
        author=draw(optional(TEXTS)),
        at=draw(MOMENTS),
    )
    return Entry(model)


@st.composite
def segments(
    draw: st.DrawFn, parts: Collection[str] = tuple(PARTS), *, changed_later: bool = True
) -> Entry:
    """A segment with parts of these kinds, no two of one kind, population and variable; perhaps
    with a later change of its annotations."""
    some = st.lists(st.sampled_from([*parts]).flatmap(lambda kind: PARTS[kind]()), max_size=3)
    seen: dict[tuple[Any, Any], Entry] = {}
    for one in draw(some) if parts else ():
        seen.setdefault((one.model.kind, _joined(one.model)), one)
    changes = [draw(annotation_changes())] if changed_later and draw(st.booleans()) else []
    model = schemas.Segment(
        name=draw(optional(NAMES)),
        description=draw(optional(TEXTS)),
        recorded=draw(optional(MOMENTS)),
        annotations=draw(facts()),
    )
    return Entry(model, parts=[*seen.values(), *changes])


def _joined(model: Any) -> str:
    return "/".join(filter(None, (model.population, model.variable)))
