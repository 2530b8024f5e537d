"""Signals, events, epochs and image sequences of Neo as entries, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.addresses import times_of
from archive.entry import Entry
from archive.errors import ContractError
from archive.hooks.neo_facts import (
    channels_of,
    fits_along,
    frozen,
    in_unit,
    loaded,
    named,
    origin,
    population_of,
    same_quantity,
    says_channels,
    thawed,
    unit_of,
)
from archive.hooks.neo_lazy import LazyValues, is_lazy_signal
from archive.hooks.plain import check_period, modelled, plain_array, plain_times, say_sorted
from archive.values import from_schema, quantity, to_schema, unit_text

TIME_UNITS = ("s", "ms", "us", "ns")


def signal_entry(given: Any, population: str | None, where: str) -> Entry:
    """A neo.AnalogSignal as an entry: values with their dtype, unit, and exact sampling. Those of
    a proxy stay in its file until they are read."""
    lazy = is_lazy_signal(given)
    signal = given if lazy else loaded(given)
    kept = origin(signal)
    variable = named(signal, "signal", kept)
    where = f"{where}: {variable}"
    annotations, arrays, population, channels = _channel_facts(signal, population, where)
    sampling = _sampling(signal, kept, where)
    model = modelled(
        schemas.Signal,
        where,
        population=population,
        variable=variable,
        description=signal.description,
        unit=unit_text(signal.units),
        annotations=frozen(annotations, kept, where),
        array_annotations=arrays,
        **sampling,
    )
    values = LazyValues(signal) if lazy else plain_array(signal.magnitude, where)
    return Entry(model, {"values": values, "channels": channels})


def irregular_entry(given: Any, population: str | None, where: str) -> Entry:
    """A neo.IrregularlySampledSignal as an entry, its times in order."""
    signal = loaded(given)
    kept = origin(signal)
    variable = named(signal, "irregular signal", kept)
    where = f"{where}: {variable}"
    annotations, arrays, population, channels = _channel_facts(signal, population, where)
    times = plain_times(signal.times.magnitude, where).astype(np.float64, copy=False)
    values = plain_array(signal.magnitude, where)
    if (np.diff(times) < 0).any():
        order = np.argsort(times, kind="stable")
        times, values = times[order], values[order]
        say_sorted(where)
    model = modelled(
        schemas.IrregularSignal,
        where,
        population=population,
        variable=variable,
        description=signal.description,
        unit=unit_text(signal),
        time_unit=unit_text(signal.times),
        annotations=frozen(annotations, kept, where),
        array_annotations=arrays,
    )
    return Entry(model, {"times": times, "values": values, "channels": channels})


def image_entry(given: Any, population: str | None, where: str) -> Entry:
    """A neo.ImageSequence as an entry."""
    images = loaded(given)
    kept = origin(images)
    variable = named(images, "images", kept)
    where = f"{where}: {variable}"
    annotations = dict(images.annotations)
    population = population_of(annotations, population)
    sampling = _sampling(images, kept, where)
    model = modelled(
        schemas.ImageSequence,
        where,
        population=population,
        variable=variable,
        description=images.description,
        unit=unit_text(images),
        spatial_scale=float(images.spatial_scale.magnitude),
        spatial_unit=unit_text(images.spatial_scale),
        annotations=frozen(annotations, kept, where),
        **sampling,
    )
    return Entry(model, {"values": plain_array(images.magnitude, where)})


def event_entry(given: Any, population: str | None, where: str) -> Entry:
    """A neo.Event or neo.Epoch as an entry; labels are text, other ones are kept besides."""
    event = loaded(given)
    epoch = hasattr(event, "durations")
    kept = origin(event)
    variable = named(event, "epochs" if epoch else "events", kept)
    where = f"{where}: {variable}"
    annotations = dict(event.annotations)
    population = population_of(annotations, population)
    arrays = {"times": _moments(event, kept, where), "labels": _labels(event, kept)}
    if epoch:
        arrays["durations"] = _durations(event, kept, where)
    model = modelled(
        schemas.Epoch if epoch else schemas.Event,
        where,
        population=population,
        variable=variable,
        description=event.description,
        time_unit=unit_text(event),
        annotations=frozen(annotations, kept, where),
        array_annotations=_array_annotations(event.array_annotations, where),
    )
    return Entry(model, arrays)


def neo_signal(entry: Entry) -> Any:
    """The neo.AnalogSignal of a signal's entry."""
    import neo

    model = entry.model
    assert isinstance(model, schemas.Signal)
    annotations, kept = thawed(model.annotations)
    signal = neo.AnalogSignal(
        np.asarray(entry.arrays["values"]), units=unit_of(model.unit), **_neo_sampling(model, kept)
    )
    return _finished(signal, entry, model, annotations, kept)


def neo_irregular(entry: Entry) -> Any:
    """The neo.IrregularlySampledSignal of an irregular signal's entry."""
    import neo

    model = entry.model
    assert isinstance(model, schemas.IrregularSignal)
    annotations, kept = thawed(model.annotations)
    signal = neo.IrregularlySampledSignal(
        quantity(np.asarray(entry.arrays["times"]), model.time_unit),
        np.asarray(entry.arrays["values"]),
        units=unit_of(model.unit),
    )
    return _finished(signal, entry, model, annotations, kept)


def neo_addresses(entry: Entry) -> Any:
    """The neo.IrregularlySampledSignal of address events, which Neo does not know: the address
    of each as its value, in the order in which they came."""
    import neo

    model = entry.model
    assert isinstance(model, schemas.AddressEvents)
    annotations, kept = thawed(model.annotations)
    signal = neo.IrregularlySampledSignal(
        quantity(times_of(entry.arrays["ticks"], model.tick), model.time_unit),
        np.asarray(entry.arrays["addresses"])[:, np.newaxis],
        units="dimensionless",
    )
    annotations |= {} if model.coding is None else {"coding": model.coding}
    # in Neo those of a signal are by channel, and this one has one channel
    annotations |= {name: from_schema(along) for name, along in model.array_annotations.items()}
    model = model.model_copy(update={"array_annotations": {}})
    return _finished(signal, entry, model, annotations, kept)


def neo_images(entry: Entry) -> Any:
    """The neo.ImageSequence of an image sequence's entry; a pixel without a size gets size 1."""
    import neo

    model = entry.model
    assert isinstance(model, schemas.ImageSequence)
    annotations, kept = thawed(model.annotations)
    images = neo.ImageSequence(
        np.asarray(entry.arrays["values"]),
        units=unit_of(model.unit),
        spatial_scale=quantity(model.spatial_scale or 1.0, model.spatial_unit or "dimensionless"),
        **_neo_sampling(model, kept, period="frame_duration"),
    )
    return _finished(images, entry, model, annotations, kept)


def neo_event(entry: Entry) -> Any:
    """The neo.Event or neo.Epoch of an entry."""
    import neo

    model = entry.model
    assert isinstance(model, schemas.Event | schemas.Epoch)
    annotations, kept = thawed(model.annotations)
    times = np.asarray(entry.arrays["times"]).astype(kept.get("dtype", np.float64), copy=False)
    labels = np.asarray(entry.arrays["labels"]).astype(str)
    if "labels" in kept:
        labels = np.array(kept["labels"], dtype=kept["labels_dtype"])
    moments = quantity(times, model.time_unit)
    if isinstance(model, schemas.Epoch):
        durations = quantity(np.asarray(entry.arrays["durations"]), model.time_unit)
        event = neo.Epoch(times=moments, durations=kept.get("durations", durations), labels=labels)
    else:
        event = neo.Event(times=moments, labels=labels)
    return _finished(event, entry, model, annotations, kept)


def _channel_facts(
    signal: Any, population: str | None, where: str
) -> tuple[dict[str, Any], dict[str, Any], str | None, npt.NDArray[np.int64]]:
    """Annotations, array annotations, population and channels of a signal."""
    annotations = dict(signal.annotations)
    population = population_of(annotations, population)
    arrays = dict(signal.array_annotations)
    channels, known = channels_of(arrays.get("channel_index"), signal.shape[1], population)
    if known:
        del arrays["channel_index"]
    return annotations, _array_annotations(arrays, where), population, channels


def _array_annotations(arrays: Any, where: str) -> dict[str, Any]:
    return {
        name: to_schema(value, f"{where}: array annotation {name!r}")
        for name, value in arrays.items()
    }


def _sampling(item: Any, kept: dict[str, Any], where: str) -> dict[str, Any]:
    """Sampling period and start in one time unit; Neo's own where they would come back other."""
    rate = item.sampling_rate
    period = 1.0 / rate
    time_unit = next(
        (unit for unit in TIME_UNITS if (period.units / unit_of(unit)).simplified == 1.0), "s"
    )
    number = in_unit(period, time_unit)
    check_period(in_unit(period, "s"), where)
    back = 1.0 / quantity(number, time_unit)
    if not same_quantity(rate, back):
        kept["sampling_rate"] = rate
    start = in_unit(item.t_start, time_unit)
    # Zero is the same moment in any unit, and the one that Neo gives by default in seconds.
    if item.t_start.magnitude != 0 and not same_quantity(item.t_start, quantity(start, time_unit)):
        kept["t_start"] = item.t_start
    return {"time_unit": time_unit, "sampling_period": number, "t_start": start}


def _neo_sampling(
    model: schemas.Signal | schemas.ImageSequence,
    kept: dict[str, Any],
    period: str = "sampling_period",
) -> dict[str, Any]:
    start = kept.get("t_start", quantity(model.t_start, model.time_unit))
    if "sampling_rate" in kept:
        return {"t_start": start, "sampling_rate": kept["sampling_rate"]}
    return {"t_start": start, period: quantity(model.sampling_period, model.time_unit)}


def _moments(event: Any, kept: dict[str, Any], where: str) -> npt.NDArray[np.float64]:
    times = plain_times(event.magnitude, where)
    if event.dtype != np.float64:
        kept["dtype"] = str(event.dtype)
    return times.astype(np.float64, copy=False)


def _labels(event: Any, kept: dict[str, Any]) -> npt.NDArray[Any]:
    """One text for each moment; Neo allows none at all, and labels that are no text."""
    labels = np.asarray(event.labels)
    if labels.dtype.kind == "U" and labels.size == event.size:
        return labels
    kept["labels"], kept["labels_dtype"] = labels.tolist(), labels.dtype.str
    return labels.astype(str) if labels.size else np.full(event.size, "", dtype=str)


def _durations(epoch: Any, kept: dict[str, Any], where: str) -> npt.NDArray[np.float64]:
    """Durations in the unit of the times; as they are besides where that is another one."""
    durations = epoch.durations
    unit = unit_text(epoch)
    alike = durations.size == epoch.size and durations.dtype == np.float64
    if unit_text(durations) != unit or not alike:
        kept["durations"] = durations
        durations = quantity(np.asarray(durations.magnitude, dtype=float), unit_text(durations))
        durations = durations.rescale(unit_of(unit))
    if not durations.size:
        return np.zeros(epoch.size)
    if np.isnan(durations.magnitude).any():
        raise ContractError("a duration is NaN", entry=where, hint="leave that epoch out")
    return np.asarray(durations.magnitude)


def _finished(
    item: Any, entry: Entry, model: schemas.Part, annotations: dict[str, Any], kept: dict[str, Any]
) -> Any:
    """The object with its name, description, origin and annotations."""
    item.name = kept.get("name", model.variable)
    item.description = model.description
    item.file_origin = kept.get("file_origin")
    if model.population is not None:
        annotations["source_population"] = model.population
    item.annotations.update(annotations)
    arrays = {name: from_schema(value) for name, value in model.array_annotations.items()}
    channels = entry.arrays.get("channels")
    if channels is not None and says_channels(model.population, np.asarray(channels)):
        arrays["channel_index"] = np.asarray(channels)
    for name, values in arrays.items():
        if fits_along(values):
            item.array_annotate(**{name: values})
        else:  # dates, and lists of anything
            item.annotations[name] = values
    return item
