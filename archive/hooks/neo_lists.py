"""Entries of spike trains as what a neo.Segment holds: two arrays where that is all, else trains.

Ten thousand SpikeTrain objects take seconds, the same as a SpikeTrainList of arrays a moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import schemas
from archive.entry import Entry
from archive.hooks.neo_facts import says_channels, thawed, unit_of
from archive.hooks.neo_trains import PREFIX
from archive.values import from_schema, quantity

SINGLE = (str, bool, int, float, type(None))


class Trains(NamedTuple):
    """An entry of spike trains with its annotations as Python values."""

    entry: Entry
    model: schemas.SpikeTrains
    uniform: dict[str, Any]
    columns: dict[str, Any]
    attributes: dict[str, Any]
    kept: dict[str, Any]

    @property
    def is_plain(self) -> bool:
        """Whether two arrays and annotations say it all."""
        special = self.attributes or self.model.array_annotations or self.kept
        return not special and "waveforms" not in self.entry.arrays

    def common(self) -> tuple[Any, ...]:
        """What lists must share to become one."""
        model = self.model
        keys = frozenset(self.uniform) | frozenset(self.columns)
        dtype = self.entry.arrays["times"].dtype
        return model.time_unit, model.t_start, model.t_stop, dtype, keys


def neo_trains(entries: Sequence[Entry]) -> Any:
    """A neo.SpikeTrainList of all trains of these entries.

    A train that had no ``channel_id`` gets one from Neo where the list is made of arrays.
    """
    import neo.core.spiketrainlist as lists

    if not entries:
        return lists.SpikeTrainList()
    trains = [_opened(entry) for entry in entries]
    if all(each.is_plain for each in trains) and len({each.common() for each in trains}) == 1:
        ids = _channel_ids(trains)
        if ids is not None:
            return _as_arrays(trains, ids)
    single = [train for each in trains for train in _as_objects(each)]
    return lists.SpikeTrainList(items=[single[position] for position in _order(trains)])


def train_places(entries: Sequence[Entry]) -> list[npt.NDArray[np.intp]]:
    """For each entry, where its trains stand in the list that `neo_trains` makes of all."""
    trains = [_opened(entry) for entry in entries]
    if not trains:
        return []
    return np.split(np.argsort(_order(trains), kind="stable"), _offsets(trains)[1:])


def _order(trains: Sequence[Trains]) -> npt.NDArray[np.intp]:
    """The trains of all entries, one entry after the other, in the order that they had in Neo."""
    places = [
        each.kept.get("positions", np.arange(each.model.size) + before)
        for each, before in zip(trains, _offsets(trains), strict=True)
    ]
    return np.argsort(np.concatenate(places), kind="stable")


def _opened(entry: Entry) -> Trains:
    model = entry.model
    assert isinstance(model, schemas.SpikeTrains)
    uniform, kept = thawed(model.annotations)
    columns = {name: from_schema(value) for name, value in model.train_annotations.items()}
    attributes = {
        name.removeprefix(PREFIX): columns.pop(name)
        for name in list(columns)
        if name.startswith(PREFIX)
    }
    channels = np.asarray(entry.arrays["channels"])
    if model.population is not None:
        uniform["source_population"] = model.population
    if says_channels(model.population, channels):
        columns["source_index"] = channels
    return Trains(entry, model, uniform, columns, attributes, kept)


def _offsets(trains: Sequence[Trains]) -> list[int]:
    sizes = [each.model.size for each in trains]
    return [sum(sizes[:number]) for number in range(len(sizes))]


def _channel_ids(trains: Sequence[Trains]) -> npt.NDArray[Any] | None:
    """The channel of every train: counted if none is named, None if two trains share one."""
    if "channel_id" not in trains[0].uniform | trains[0].columns:
        return np.arange(sum(each.model.size for each in trains))
    named = [each.columns.get("channel_id") for each in trains]
    if any(not isinstance(ids, np.ndarray) or ids.dtype.kind not in "iu" for ids in named):
        return None
    joined = np.concatenate([np.asarray(ids) for ids in named])
    return joined if len(np.unique(joined)) == len(joined) else None


def _channels(neuron: npt.NDArray[Any], ids: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The channel of each spike; the train's number itself where the two are the same."""
    return neuron if np.array_equal(ids, np.arange(len(ids))) else ids[neuron]


def _as_arrays(trains: Sequence[Trains], ids: npt.NDArray[Any]) -> Any:
    import neo.core.spiketrainlist as lists

    model = trains[0].model
    # In the file a train's number has 32 bits; here fresh memory costs more than the reading.
    channels = [
        _channels(np.asarray(each.entry.arrays["neuron"], np.int32), own)
        for each, own in zip(trains, np.split(ids, _offsets(trains)[1:]), strict=True)
    ]
    times = [np.asarray(each.entry.arrays["times"]) for each in trains]
    annotations = {
        name: _joined(name, trains)
        for name in (*trains[0].uniform, *trains[0].columns)
        if name != "channel_id"
    }
    made = lists.SpikeTrainList.from_spike_time_array(
        quantity(times[0] if len(times) == 1 else np.concatenate(times), model.time_unit),
        channels[0] if len(channels) == 1 else np.concatenate(channels),
        all_channel_ids=ids.tolist(),
        t_start=quantity(model.t_start, model.time_unit),
        t_stop=quantity(model.t_stop, model.time_unit),
    )
    # Not as arguments: an annotation may have the name of one, such as "units".
    made._annotations = annotations
    return made


def _joined(name: str, trains: Sequence[Trains]) -> Any:
    """One value for all trains where they share it, else a list or array of one for each."""
    first = trains[0].uniform.get(name)
    if (
        all(name in each.uniform for each in trains)
        and isinstance(first, SINGLE)
        and all(each.uniform[name] == first for each in trains)
    ):
        return first
    if len(trains) == 1 and name in trains[0].columns:
        return trains[0].columns[name]
    values: list[Any] = []
    for each in trains:
        column = each.columns.get(name)
        values += [each.uniform[name]] * each.model.size if column is None else list(column)
    return values


def _as_objects(trains: Trains) -> list[Any]:
    import neo

    model, arrays = trains.model, trains.entry.arrays
    times = np.asarray(arrays["times"])
    times = times.astype(trains.kept.get("dtype", times.dtype), copy=False)
    unit = unit_of(model.time_unit)
    bounds = np.searchsorted(np.asarray(arrays["neuron"]), np.arange(model.size + 1))
    waves = _waveforms(trains.entry, model)
    along = {name: from_schema(value) for name, value in model.array_annotations.items()}
    absent = {name: set(which) for name, which in trains.kept.get("absent", {}).items()}
    made = []
    for number, (start, stop) in enumerate(pairwise(bounds)):
        own = {name: values[number] for name, values in trains.attributes.items()}
        rate = {"sampling_rate": own["sampling_rate"]} if "sampling_rate" in own else {}
        train = neo.SpikeTrain(
            times[start:stop],
            units=unit,
            t_start=own.get("t_start", model.t_start),
            t_stop=own.get("t_stop", model.t_stop),
            waveforms=None if waves is None else waves[start:stop],
            left_sweep=own.get("left_sweep"),
            name=own.get("name"),
            description=own.get("description"),
            file_origin=own.get("file_origin"),
            array_annotations={name: values[start:stop] for name, values in along.items()},
            **rate,
        )
        train.annotations.update(trains.uniform)
        train.annotations.update(_of_train(trains.columns, number, absent))
        made.append(train)
    return made


def _of_train(
    columns: Mapping[str, Any], number: int, absent: Mapping[str, set[int]]
) -> dict[str, Any]:
    return {
        name: values[number].item() if isinstance(values[number], np.generic) else values[number]
        for name, values in columns.items()
        if number not in absent.get(name, ())
    }


def _waveforms(entry: Entry, model: schemas.SpikeTrains) -> Any:
    waves = entry.arrays.get("waveforms")
    if waves is None or model.waveform_unit is None:
        return None if waves is None else np.asarray(waves)
    return quantity(np.asarray(waves), model.waveform_unit)
