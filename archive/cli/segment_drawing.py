"""Which drawings a segment gets, and of which data: read in pieces, however long a recording is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from archive import Epochs, Events, IrregularSignal, Segment, Signal, Spikes
from archive.cli import drawing
from archive.cli.tables import counted

CHANNELS = 4  # traces over one another
TRACE_HEIGHT = 8
RASTER_HEIGHT = 12
ENTRIES = 10
PIECE = 1 << 20  # values read at a time

Drawing = tuple[str, list[str]]


def drawings(segment: Segment, width: int) -> Iterator[Drawing]:
    """Title and lines for each set of spike trains, signal, events and epochs of a segment."""
    for spikes in segment.spikes.values():
        yield _raster(spikes, width)
    for signal in segment.signals.values():
        yield _traces(signal, width)
    for addresses in segment.address_events.values():
        yield f"{addresses.name}: {counted(len(addresses), 'address event')}", []
    for events in (*segment.events.values(), *segment.epochs.values()):
        yield _entries(events)


def _raster(spikes: Spikes, width: int) -> Drawing:
    lines = drawing.raster(
        spikes.times.magnitude,
        spikes.neuron,
        spikes.n,
        start=float(spikes.t_start.magnitude),
        stop=float(spikes.t_stop.magnitude),
        unit=spikes.time_unit,
        width=width,
        height=RASTER_HEIGHT,
    )
    count = f"{counted(len(spikes), 'spike')} of {counted(spikes.n, 'neuron')}"
    return f"{spikes.name}: {count}", lines


def _traces(signal: Signal | IrregularSignal, width: int) -> Drawing:
    shown = min(CHANNELS, signal.shape[1])
    start, stop = _span(signal)
    columns = drawing.dot_columns(width)
    low = np.full((shown, columns), np.nan)
    high = low.copy()
    bad = 0
    rows = max(1, PIECE // max(shown, 1))
    for first in range(0, len(signal), rows):
        values = _real(signal[first : first + rows, :shown].magnitude)
        bad += int((~np.isfinite(values)).sum())
        times = _times(signal, first, len(values))
        for channel in range(shown):
            piece = drawing.envelope(
                times, values[:, channel], start=start, stop=stop, columns=columns
            )
            low[channel] = np.fmin(low[channel], piece[0])
            high[channel] = np.fmax(high[channel], piece[1])
    lines = drawing.traces(
        list(zip(low, high, strict=True)),
        start=start,
        stop=stop,
        time_unit=signal.time_unit,
        width=width,
        height=TRACE_HEIGHT,
    )
    return _title(signal, shown, bad), lines


def _title(signal: Signal | IrregularSignal, shown: int, bad: int) -> str:
    what = "magnitude, " if signal.dtype.kind == "c" else ""
    title = f"{signal.name} ({what}{signal.unit})"
    if shown < signal.shape[1]:
        neurons = ", ".join(map(str, signal.channels[:shown].tolist()))
        title += f", neurons {neurons} of {signal.shape[1]}"
    return f"{title}; {bad} values are NaN or infinite" if bad else title


def _real(values: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
    return np.asarray(np.abs(values) if values.dtype.kind == "c" else values, np.float64)


def _span(signal: Signal | IrregularSignal) -> tuple[float, float]:
    if isinstance(signal, Signal):
        return float(signal.t_start.magnitude), float(signal.t_stop.magnitude)
    times = signal.times.magnitude
    return (float(times[0]), float(times[-1])) if len(times) else (0.0, 0.0)


def _times(signal: Signal | IrregularSignal, first: int, count: int) -> npt.NDArray[np.float64]:
    if isinstance(signal, Signal):
        start, period = float(signal.t_start.magnitude), float(signal.sampling_period.magnitude)
        return np.asarray(np.arange(first, first + count) * period + start, np.float64)
    times: npt.NDArray[np.float64] = signal.times.magnitude[first : first + count]
    return times


def _entries(events: Events) -> Drawing:
    unit = events.time_unit
    starts = events.times.magnitude[:ENTRIES].tolist()
    if isinstance(events, Epochs):
        lengths = events.durations.magnitude[:ENTRIES].tolist()
        moments = [f"{a:g} to {a + b:g} {unit}" for a, b in zip(starts, lengths, strict=True)]
    else:
        moments = [f"{start:g} {unit}" for start in starts]
    lines = [f"  {at}  {label}" for at, label in zip(moments, events.labels, strict=False)]
    if len(events) > ENTRIES:
        lines.append(f"  … and {len(events) - ENTRIES} more")
    return f"{events.name}: {len(events)}", lines
