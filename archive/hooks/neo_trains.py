"""The spike trains of Neo as one entry for each population, and back.

What every train has in common (unit, dtype, …) decides which trains lie in one entry. What
differs from train to train is a train annotation; attributes of Neo have the prefix ``_neo_``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.entry import Entry
from archive.errors import FormatError
from archive.hooks.neo_facts import (
    channels_of,
    frozen,
    in_unit,
    loaded,
    population_of,
    unit_of,
)
from archive.hooks.plain import modelled, plain_array, plain_times, say_sorted
from archive.values import to_schema, unit_text

PREFIX = "_neo_"
PLAIN_ATTRIBUTES = ("name", "description", "file_origin", "left_sweep")
ABSENT: Any = object()


def train_entries(trains: Any, population: str | None, where: str) -> list[Entry]:
    """One entry for the trains of each population, and for each unit and dtype that they have.

    A SpikeTrainList that holds its trains as two arrays is read as it is, at once; there the
    order of spikes has no meaning, while a single train out of order is sorted with a warning.
    """
    if _is_multiplexed(trains):
        return [_multiplexed_entry(trains, population, f"{where}: spikes")]
    groups: dict[Any, tuple[list[int], list[Any]]] = {}
    for position, given in enumerate(trains):
        train = loaded(given)
        positions, members = groups.setdefault(_signature(train, where), ([], []))
        positions.append(position)
        members.append(train)
    several = len(groups) > 1
    return [
        _group_entry(members, positions if several else None, population, f"{where}: spikes")
        for positions, members in groups.values()
    ]


def spikes_entry(
    times: npt.NDArray[Any],
    neuron: npt.NDArray[Any],
    channels: npt.NDArray[np.int64],
    where: str,
    *,
    arrays: Mapping[str, npt.NDArray[Any]] | None = None,
    array_annotations: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Entry:
    """Spikes in any order as an entry sorted by neuron, then time.

    `times` and `neuron` have the shape (spike,), as have the first axes of `arrays` (waveforms)
    and of `array_annotations`. `fields` are the other fields of ``schemas.SpikeTrains``.
    """
    order = sorting(times, neuron)
    extra = dict(arrays or {})
    along = dict(array_annotations or {})
    if order is not None:
        times, neuron = times[order], neuron[order]
        extra = {name: array[order] for name, array in extra.items()}
        along = {name: values[order] for name, values in along.items()}
    model = modelled(
        schemas.SpikeTrains,
        where,
        size=len(channels),
        array_annotations={
            name: to_schema(values, f"{where}: array annotation {name!r}")
            for name, values in along.items()
        },
        **fields,
    )
    number = np.asarray(neuron, dtype=np.int32)
    return Entry(model, {"times": times, "neuron": number, "channels": channels, **extra})


def sorting(times: npt.NDArray[Any], neuron: npt.NDArray[Any]) -> npt.NDArray[np.intp] | None:
    """The order by neuron, then time; None if that is the order already."""
    # compared, not subtracted: differences of unsigned integers are never below zero
    later, earlier = neuron[1:], neuron[:-1]
    back = times[1:] < times[:-1]
    if not ((later < earlier) | ((later == earlier) & back)).any():
        return None
    if not back.any():
        # Small integers are sorted by radix, ten times faster than by comparing.
        small = neuron.astype(np.uint16) if neuron.size and neuron.max() < 2**16 else neuron
        return np.argsort(small, kind="stable")
    order: npt.NDArray[np.intp] = np.lexsort((times, neuron))
    return order


def _is_multiplexed(trains: Any) -> bool:
    if getattr(trains, "_items", ABSENT) is not None:
        return False
    ids = getattr(trains, "_all_channel_ids", None)
    # An id that stands twice means two trains with the same spikes: only Neo can tell them apart.
    return ids is not None and len(set(ids)) == len(ids)


def _multiplexed_entry(trains: Any, population: str | None, where: str) -> Entry:
    ids = np.asarray(list(trains._all_channel_ids))
    count = len(ids)
    spikes = trains._spike_time_array
    unit = unit_text(spikes)
    uniform: dict[str, Any] = {}
    columns: dict[str, Any] = {}
    for name, value in trains._annotations.items():
        each = not isinstance(value, str) and hasattr(value, "__len__") and np.ndim(value)
        (columns if each and len(value) == count else uniform)[name] = value
    columns["channel_id"] = ids
    population = population_of(uniform, population)
    channels = _take_channels(columns, count, population)
    times = plain_times(spikes.magnitude, where)
    limits = trains._spiketrain_metadata
    kept = {} if spikes.dtype == times.dtype else {"dtype": str(spikes.dtype)}
    return spikes_entry(
        times,
        _positions(np.asarray(trains._channel_id_array), ids, where),
        channels,
        where,
        population=population,
        variable="spikes",
        time_unit=unit,
        t_start=in_unit(limits["t_start"], unit),
        t_stop=in_unit(limits["t_stop"], unit),
        annotations=frozen(uniform, kept, where),
        train_annotations=_frozen_columns(columns, where),
    )


def _positions(found: npt.NDArray[Any], ids: npt.NDArray[Any], where: str) -> npt.NDArray[np.intp]:
    """Where among the `ids` each one found is."""
    if not ids.size:
        positions = np.zeros(found.shape, dtype=np.intp)
        known = np.zeros(found.shape, dtype=bool)
    elif ids.dtype.kind in "iu" and np.ptp(ids) < 4 * ids.size + 2**16:
        # A table is ten times faster than searching.
        table = np.zeros(np.ptp(ids) + 1, dtype=np.intp)
        table[ids - ids.min()] = np.arange(ids.size)
        positions = table.take(found - ids.min(), mode="clip")
        known = ids[positions] == found
    else:
        order = np.argsort(ids, kind="stable")
        nearest = np.searchsorted(ids[order], found).clip(max=ids.size - 1)
        positions = order[nearest]
        known = ids[positions] == found
    if not known.all():
        raise FormatError(
            f"there are spikes of the channel {found[~known][0]}, which is not listed",
            entry=where,
            hint="list every channel in all_channel_ids",
        )
    return positions


def _has_waves(train: Any) -> bool:
    """Whether a train has waveforms; an empty list of them in one dimension is none."""
    waves = train.waveforms
    return waves is not None and (np.size(waves) > 0 or np.ndim(waves) == 3)


def _signature(train: Any, where: str) -> Any:
    """What trains in one entry share, besides the rule that the arrays have one type."""
    waves = train.waveforms
    shape = None
    if _has_waves(train):
        if np.ndim(waves) != 3 or len(waves) != len(train):
            raise FormatError(
                f"waveforms of the shape {np.shape(waves)} for {len(train)} spikes",
                entry=f"{where}: spikes",
                hint="give them the shape (spike, channel, sample)",
            )
        unit = unit_text(waves) if hasattr(waves, "units") else None
        shape = (waves.shape[1:], unit, waves.dtype.str)
    along = tuple(
        (name, unit_text(values) if hasattr(values, "units") else None, values.dtype.kind)
        for name, values in sorted(train.array_annotations.items())
    )
    label = train.annotations.get("source_population")
    label = label if isinstance(label, str) else None
    return label, str(train.dimensionality), train.dtype.str, shape, along


def _group_entry(
    trains: list[Any], positions: list[int] | None, population: str | None, where: str
) -> Entry:
    count = len(trains)
    first = trains[0]
    unit = unit_text(first)
    given = np.concatenate([train.magnitude for train in trains])
    times = plain_times(given, where)
    neuron = np.repeat(np.arange(count), [len(train) for train in trains])
    if ((np.diff(times) < 0) & (np.diff(neuron) == 0)).any():
        say_sorted(where)
    kept: dict[str, Any] = {} if positions is None else {"positions": np.asarray(positions)}
    if given.dtype != times.dtype:
        kept["dtype"] = str(given.dtype)
    uniform, columns = _split([train.annotations for train in trains], kept, where)
    population = population_of(uniform, population)
    channels = _take_channels(columns, count, population)
    starts = [in_unit(train.t_start, unit) for train in trains]
    stops = [in_unit(train.t_stop, unit) for train in trains]
    arrays: dict[str, npt.NDArray[Any]] = {}
    fields: dict[str, Any] = {}
    if _has_waves(first):
        stacked = np.concatenate([np.asarray(train.waveforms) for train in trains])
        arrays["waveforms"] = plain_array(stacked, f"{where}: waveforms")
        if hasattr(first.waveforms, "units"):
            fields["waveform_unit"] = unit_text(first.waveforms)
    return spikes_entry(
        times,
        neuron,
        channels,
        where,
        arrays=arrays,
        array_annotations=_along(trains),
        population=population,
        variable="spikes",
        time_unit=unit,
        t_start=min(starts),
        t_stop=max(stops),
        annotations=frozen(uniform, kept, where),
        train_annotations=_frozen_columns(
            columns | _attributes(trains, starts, stops, fields, unit), where
        ),
        **fields,
    )


def _split(
    annotations: Sequence[Mapping[str, Any]], kept: dict[str, Any], where: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Annotations that all trains share (text and flags), and lists with one value per train."""
    uniform: dict[str, Any] = {}
    columns: dict[str, Any] = {}
    absent: dict[str, list[int]] = {}
    for name in dict.fromkeys(name for facts in annotations for name in facts):
        if name.startswith(PREFIX):
            raise FormatError(
                f"the annotation {name!r} has a meaning of its own in archives",
                entry=where,
                hint="give it another name",
            )
        values = [facts.get(name, ABSENT) for facts in annotations]
        one = values[0]
        if isinstance(one, str | bool | None) and all(
            type(value) is type(one) and value == one for value in values
        ):
            uniform[name] = one
            continue
        lacking = [number for number, value in enumerate(values) if value is ABSENT]
        if lacking:
            absent[name] = lacking
        columns[name] = [None if value is ABSENT else value for value in values]
    if absent:
        kept["absent"] = absent
    return uniform, columns


def _take_channels(
    columns: dict[str, Any], count: int, population: str | None
) -> npt.NDArray[np.int64]:
    """Each train's index in its population; taken out of the annotations."""
    index = columns.get("source_index")
    listed = index is not None and None not in list(index)
    channels, known = channels_of(index if listed else None, count, population)
    if known:
        del columns["source_index"]
    return channels


def _along(trains: Iterable[Any]) -> dict[str, Any]:
    """Array annotations, one value for each spike of all trains."""
    joined: dict[str, list[Any]] = {}
    for train in trains:
        for name, values in train.array_annotations.items():
            joined.setdefault(name, []).append(values)
    return {
        name: np.concatenate([np.asarray(part) for part in parts])
        * (parts[0].units if hasattr(parts[0], "units") else 1)
        if parts[0].dtype.kind in "iufc"
        else np.concatenate(parts)
        for name, parts in joined.items()
    }


def _attributes(
    trains: list[Any], starts: list[float], stops: list[float], fields: dict[str, Any], unit: str
) -> dict[str, Any]:
    """Neo's attributes of trains as columns, those left out that no train has.

    A sampling rate that all trains share goes to the model's field as well.
    """
    columns: dict[str, Any] = {}
    for name in PLAIN_ATTRIBUTES:
        values = [getattr(train, name) for train in trains]
        if any(value is not None for value in values):
            columns[PREFIX + name] = values
    rates = [train.sampling_rate for train in trains]
    if not all(_is_default(rate) for rate in rates):
        columns[PREFIX + "sampling_rate"] = rates
        if all(rate is not None and rate == rates[0] and rate > 0 for rate in rates):
            fields["sampling_rate"] = in_unit(rates[0], f"1/{unit}")
    for name, limits in (("t_start", starts), ("t_stop", stops)):
        if len(set(limits)) > 1:
            columns[PREFIX + name] = np.asarray(limits)
    return columns


def _is_default(rate: Any) -> bool:
    return rate is not None and float(rate.magnitude) == 1.0 and rate.units == unit_of("Hz")


def _frozen_columns(columns: Mapping[str, Any], where: str) -> dict[str, Any]:
    return {
        name: to_schema(_column(values), f"{where}: annotation {name!r}")
        for name, values in columns.items()
    }


def _column(values: Any) -> Any:
    """Numbers of one type as an array, anything else as a list."""
    if isinstance(values, np.ndarray):
        return values
    kinds = {type(value) for value in values}
    if len(kinds) == 1 and issubclass(kinds.pop(), int | float | np.number):
        array = np.asarray(values)
        if array.dtype.kind in "iuf":
            return array
    return list(values)
