"""Segments in files that Neo's NeoMatlabIO writes, or that are laid out as it wants them.

A variable ``block`` (or ``segment``) is a struct with the fields of Neo's object; what lies in
it is in cells of structs; a quantity ``x`` has its unit in the field ``x_units``. Known from the
source of neo/io/neomatlabio.py and its files. It itself loses array annotations, such as the
index of a channel in its population, and it does not tell an array of one from a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.adapters.mat_found import Found, Structs
from archive.adapters.mat_neo_groups import add_groups
from archive.adapters.mat_neo_values import (
    Fields,
    annotations_of,
    described,
    items,
    moment,
    number,
    numbers,
    text_list,
)
from archive.entry import Entry, Loss
from archive.errors import ArchiveError, FormatError
from archive.hooks.neo_ import block_entries, segment_entry

Makers = dict[str, Callable[[Fields], Any]]

CONTAINERS = (
    "analogsignals", "irregularlysampledsignals", "spiketrains", "events", "epochs",
    "imagesequences",
)  # fmt: skip
_OF_SEGMENT = {*CONTAINERS, "channelviews", "regionsofinterest"}


def is_neos(found: Found | None) -> bool:
    """Whether a variable ``block`` or ``segment`` is laid out as Neo does."""
    if not isinstance(found, Structs) or len(found.items) != 1:
        return False
    if set(CONTAINERS) & set(found.fields):
        return True
    if "segments" not in found.fields:
        return False
    try:
        inside = items(found.items[0]["segments"])
    except FormatError:
        return False
    return all(set(CONTAINERS) & set(each) for each in inside or [{}]) or "neo_id" in found.fields


def neo_entries(found: Mapping[str, Found], losses: list[Loss]) -> list[Entry]:
    """The segments of the variables ``block`` and ``segment``; what is in them that Neo has not
    is appended to `losses`. Raises FormatError, with the place."""
    made: list[Entry] = []
    for name in ("block", "segment"):
        variable = found.get(name)
        if not is_neos(variable):
            continue
        assert isinstance(variable, Structs)
        reading, fields = _Reading(losses), Fields(variable.items[0], name, losses)
        with _neos(name):
            if "segments" in variable.fields:
                made += block_entries(reading.block(fields))
            else:
                made.append(segment_entry(reading.segment(fields)))
    return made


@contextmanager
def _neos(where: str) -> Iterator[None]:
    """What Neo, or an entry of it, cannot have is the file's fault."""
    try:
        yield
    except ArchiveError:
        raise
    except (ValueError, TypeError, ArithmeticError) as error:  # as of units that do not fit
        raise FormatError(f"Neo cannot have it: {error!s:.200}", entry=where) from error


class _Reading:
    """Makes Neo's objects, and knows them by the numbers that a file has for them."""

    def __init__(self, losses: list[Loss]) -> None:
        self._losses = losses
        self._known: dict[int, Any] = {}
        self._makers: Makers = {
            "analogsignals": _signal,
            "irregularlysampledsignals": _irregular,
            "spiketrains": _train,
            "events": _event,
            "epochs": _epoch,
            "imagesequences": _images,
        }

    def block(self, fields: Fields) -> Any:
        import neo

        block = neo.Block(**_dates(fields), **described(fields))
        for each in fields.inside("segments"):
            block.segments.append(self.segment(each))
        add_groups(block, fields.inside("groups"), self._known)
        block.annotations.update(annotations_of(fields))
        self._know(fields, block)
        return block

    def segment(self, fields: Fields) -> Any:
        import neo

        segment = neo.Segment(**_dates(fields), **described(fields))
        for container in CONTAINERS:
            for each in fields.inside(container):
                with _neos(each.where):
                    made = self._makers[container](each)
                made.annotations.update(annotations_of(each))
                self._know(each, made)
                getattr(segment, container).append(made)
        for container in _OF_SEGMENT - set(CONTAINERS):
            for each in fields.inside(container):
                each.lose("it refers to what is elsewhere in the file")
        segment.annotations.update(annotations_of(fields))
        self._know(fields, segment)
        return segment

    def _know(self, fields: Fields, made: Any) -> None:
        key = fields.take("neo_id") if "neo_id" in fields else None
        number = np.ravel(key) if isinstance(key, np.ndarray) else np.empty(0)
        if number.size == 1 and number.dtype.kind in "iuf" and np.isfinite(number[0]):
            self._known[int(number[0])] = made
        fields.lose_rest()


def _dates(fields: Fields) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("rec_datetime", "file_datetime"):
        held: datetime | None = moment(fields.take(name)) if name in fields else None
        if held is not None:
            found[name] = held
    if "index" in fields:
        found["index"] = int(number(fields.take("index"), f"{fields.where}.index"))
    return found


def _rate(fields: Fields) -> dict[str, Any]:
    """The sampling, by rate or by period. Raises FormatError if there is neither."""
    for name in ("sampling_rate", "sampling_period"):
        if name in fields:
            found = fields.quantity(name, axes=0)
            if not (np.isfinite(found.magnitude) and found.magnitude > 0):
                raise FormatError("it is no rate", entry=f"{fields.where}.{name}")
            return {name: found}
    raise FormatError("it is missing", entry=f"{fields.where}.sampling_rate")


def _columns(fields: Fields, name: str) -> npt.NDArray[Any]:
    """Values (time, channel). In a file that was made by hand a row is one channel."""
    values = numbers(fields.take(name), f"{fields.where}.{name}")
    if values.ndim != 2:
        raise FormatError(f"an array of {values.shape}", entry=f"{fields.where}.{name}")
    by_hand = "neo_id" not in fields
    return values.T if by_hand and values.shape[0] == 1 else values


def _signal(fields: Fields) -> Any:
    import neo

    values = fields.in_unit(_columns(fields, "signal"), "signal")
    start = fields.quantity("t_start", axes=0) if "t_start" in fields else None
    more = {} if start is None else {"t_start": start}
    return neo.AnalogSignal(values, **_rate(fields), **more, **described(fields))


def _irregular(fields: Fields) -> Any:
    import neo

    times = fields.quantity("times", axes=1)
    values = fields.in_unit(_columns(fields, "signal"), "signal")
    if len(values) != len(times):
        raise FormatError(f"{len(values)} values at {len(times)} times", entry=fields.where)
    return neo.IrregularlySampledSignal(times, values, **described(fields))


def _train(fields: Fields) -> Any:
    import neo

    times = fields.quantity("times", axes=1)
    more: dict[str, Any] = {}
    for name in ("t_start", "t_stop", "left_sweep", "sampling_rate"):
        if name in fields:
            more[name] = fields.quantity(name, axes=1 if name == "left_sweep" else 0)
    if "t_stop" not in more:
        raise FormatError("it is missing", entry=f"{fields.where}.t_stop")
    if "waveforms" in fields:
        held = numbers(fields.take("waveforms"), f"{fields.where}.waveforms")
        # MATLAB has no last axis of one
        shaped = held.reshape(held.shape + (1,) * (3 - held.ndim))
        if held.size or len(times) == 0:
            if shaped.ndim != 3 or len(shaped) != len(times):
                raise FormatError(
                    f"waveforms {held.shape} of {len(times)} spikes", entry=fields.where
                )
            more["waveforms"] = fields.in_unit(shaped, "waveforms")
    units = times.units
    low, high = more.get("t_start", 0 * units).rescale(units), more["t_stop"].rescale(units)
    outside = len(times) and (times.min() < low or times.max() > high)
    if outside or not np.isfinite(times.magnitude).all():
        raise FormatError("there are spikes outside of its time", entry=fields.where)
    return neo.SpikeTrain(times, **more, **described(fields))


def _event(fields: Fields) -> Any:
    import neo

    times = fields.quantity("times", axes=1)
    return neo.Event(times, labels=_labels(fields, len(times)), **described(fields))


def _epoch(fields: Fields) -> Any:
    import neo

    times = fields.quantity("times", axes=1)
    durations = fields.quantity("durations", axes=1)
    if len(times) != len(durations):
        raise FormatError(f"{len(durations)} durations of {len(times)}", entry=fields.where)
    labels = _labels(fields, len(times))
    return neo.Epoch(times, durations=durations, labels=labels, **described(fields))


def _labels(fields: Fields, count: int) -> npt.NDArray[Any]:
    where = f"{fields.where}.labels"
    found = text_list(fields.take("labels"), where) if "labels" in fields else []
    if count and not found:
        return np.array([""] * count, "U1")
    if len(found) != count:
        raise FormatError(f"{len(found)} labels of {count}", entry=where)
    return np.array(found, "U")


def _images(fields: Fields) -> Any:
    import neo

    held = numbers(fields.take("image_data"), f"{fields.where}.image_data")
    if "neo_id" in fields:
        fields.lose("the unit of its images: NeoMatlabIO writes that there is none")
    frames = fields.in_unit(held.reshape(held.shape + (1,) * (3 - held.ndim)), "image_data")
    more = {"spatial_scale": fields.quantity("spatial_scale", axes=0)}
    if "t_start" in fields:
        more["t_start"] = fields.quantity("t_start", axes=0)
    return neo.ImageSequence(frames, **_rate(fields), **more, **described(fields))
