"""A segment, and what can lie in it: signals, spike trains, events, epochs, image sequences.

The models hold everything but the bulk numbers; the arrays that belong to a model are named
in its docstring and travel beside it (see ``archive.entry.Entry``).
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from schemas.v1.model import Model, Name
from schemas.v1.unit import UnitText
from schemas.v1.value import Values

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Segment(Model):
    """One stretch of simulated time, as between two resets."""

    kind: Literal["segment"] = "segment"
    name: Name | None = Field(default=None, description="Name as given; not necessarily unique.")
    description: str | None = Field(default=None, description="Free text.")
    recorded: datetime | None = Field(
        default=None, description="Wall-clock time of recording, with zone, to the microsecond."
    )
    annotations: Values = Field(default_factory=dict, description="Facts by name.")


class Part(Model):
    """What all things recorded in a segment have in common."""

    population: Name | None = Field(
        default=None, description="Label of the population it was recorded from."
    )
    variable: Name = Field(description="What was recorded: 'v', 'spikes', a signal's name.")
    description: str | None = Field(default=None, description="Free text.")
    time_unit: UnitText = Field(default="ms", description="Unit of all times of this part.")
    annotations: Values = Field(default_factory=dict, description="Facts by name.")
    array_annotations: Values = Field(
        default_factory=dict,
        description="Arrays with one value per channel (signals) or per entry (events, epochs).",
    )


class Signal(Part):
    """Regularly sampled values. Arrays: ``values`` (time, channel), any real, complex, integer or
    boolean dtype; ``channels`` (channel,) int64, each one's index in its population."""

    kind: Literal["signal"] = "signal"
    unit: UnitText = Field(description="Unit of the values.")
    sampling_period: Positive = Field(description="Time between samples, in `time_unit`.")
    t_start: Finite = Field(default=0.0, description="Time of the first sample, in `time_unit`.")


class IrregularSignal(Part):
    """Values at arbitrary times. Arrays: ``times`` (time,) float64, not decreasing, in
    `time_unit`; ``values`` (time, channel); ``channels`` (channel,) int64."""

    kind: Literal["irregular-signal"] = "irregular-signal"
    unit: UnitText = Field(description="Unit of the values.")


class SpikeTrains(Part):
    """The spikes of one population. Arrays: ``times`` (spike,) float32 or float64 in `time_unit`;
    ``neuron`` (spike,) integer, index of the train in 0..size-1. Sorted by neuron, then time.
    ``channels`` (size,) int64: each train's index in its population.
    Optional: ``waveforms`` (spike, channel, sample), with their unit in `waveform_unit`."""

    kind: Literal["spike-trains"] = "spike-trains"
    size: Annotated[int, Field(ge=0)] = Field(description="Number of trains, silent ones included.")
    t_start: Finite = Field(default=0.0, description="Start of the recording, in `time_unit`.")
    t_stop: Finite = Field(description="End of the recording, in `time_unit`.")
    train_annotations: Values = Field(
        default_factory=dict, description="Arrays or lists with one value per train."
    )
    waveform_unit: UnitText | None = Field(default=None, description="Unit of ``waveforms``.")
    sampling_rate: Positive | None = Field(
        default=None, description="Sampling rate of the waveforms, in 1/`time_unit`."
    )


class Event(Part):
    """Moments with labels. Arrays: ``times`` (event,) float64 in `time_unit`; ``labels`` (event,)
    text."""

    kind: Literal["event"] = "event"


class AddressEvents(Part):
    """Events as a device or a file has them: an address and a time each, in the order in which
    they came, which need not be that of times. Arrays: ``addresses`` (event,) and ``ticks``
    (event,), both of any integer dtype. The time of an event is its number of ticks times `tick`,
    in `time_unit`."""

    kind: Literal["address-events"] = "address-events"
    tick: Positive = Field(description="Duration of a tick, in `time_unit`.")
    coding: Name | None = Field(
        default=None,
        description="What the bits of an address mean, 'dvs128' for one; null where that is"
        " not known.",
    )


class Epoch(Part):
    """Stretches of time with labels. Arrays: ``times`` (epoch,) and ``durations`` (epoch,)
    float64 in `time_unit`; ``labels`` (epoch,) text."""

    kind: Literal["epoch"] = "epoch"


class ImageSequence(Part):
    """Frames. Arrays: ``values`` (frame, row, column)."""

    kind: Literal["image-sequence"] = "image-sequence"
    unit: UnitText = Field(description="Unit of the values.")
    sampling_period: Positive = Field(description="Time between frames, in `time_unit`.")
    t_start: Finite = Field(default=0.0, description="Time of the first frame, in `time_unit`.")
    spatial_scale: Positive | None = Field(default=None, description="Size of a pixel.")
    spatial_unit: UnitText | None = Field(default=None, description="Unit of `spatial_scale`.")


AnyPart = Signal | IrregularSignal | SpikeTrains | AddressEvents | Event | Epoch | ImageSequence
