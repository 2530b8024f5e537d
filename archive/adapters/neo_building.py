"""Objects of the installed Neo, made of the stand-ins that a pickle gave.

Neo's own constructors check what they are given; texts that are units have been checked before,
and annotations are set past Neo's parser. What older versions had and today's has not becomes
what replaced it: a ChannelIndex a Group of ChannelViews, its Units Groups of spike trains.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import numpy as np

from archive.adapters.pickle_neo import NeoStandIn
from archive.adapters.pickle_units import BareQuantity, UnitStandIn
from archive.entry import Loss
from archive.errors import FormatError
from archive.values import quantity, unit_text

LISTS = {
    "analogsignals": "AnalogSignal",
    "irregularlysampledsignals": "IrregularlySampledSignal",
    "spiketrains": "SpikeTrain",
    "events": "Event",
    "epochs": "Epoch",
    "imagesequences": "ImageSequence",
}
OF_KIND = {kind: name for name, kind in LISTS.items()}
_REGIONS = "regionsofinterest"
_DAMAGE = (ArithmeticError, LookupError, TypeError, ValueError, AttributeError)
Plain = Callable[[Any, str], Any]


class NeoBuilding:
    """Makes Neo's objects of stand-ins; one that stands in two places becomes one object.

    `plain` makes of a value in an annotation one that the contract can hold. `losses` are what
    could not be made; `bare` are the values of objects of which a pickle keeps nothing else, by
    the way to them.
    """

    def __init__(self, plain: Plain, losses: list[Loss]) -> None:
        self.losses = losses
        self.bare: dict[str, Any] = {}
        self._plain = plain
        self._made: dict[int, Any] = {}
        self._placed: set[int] = set()

    def block(self, given: NeoStandIn, where: str) -> Any:
        """A neo.Block. Raises FormatError for what is none."""
        import neo

        facts = given.facts
        where = _name(facts) or where
        block = self._faced(neo.Block(), facts, where)
        for number, segment in enumerate(_items(facts.get("segments"), where)):
            block.segments.append(self.segment(segment, f"{where}/segment {number + 1}"))
        for index in _items(facts.get("channel_indexes"), where):
            block.groups.append(self._channel_index(index, where))
        for group in _items(facts.get("groups"), where):
            block.groups.append(self._group(group, where))
        return block

    def segment(self, given: Any, where: str) -> Any:
        """A neo.Segment. Raises FormatError for what is none."""
        import neo

        if not isinstance(given, NeoStandIn) or given.kind != "Segment":
            raise FormatError("there is no segment of Neo", entry=where)
        known = self._made.get(id(given))
        if known is not None:
            return known
        facts = given.facts
        segment = self._faced(neo.Segment(), facts, _name(facts) or where)
        self._multiplexed(facts.get("spiketrains"), segment, where)
        for name, kind in LISTS.items():
            for item in _items(facts.get(name), where):
                made = self.data(item, kind, where)
                if made is not None:
                    getattr(segment, name).append(made)
        for view in _items(facts.get("channelviews"), where):
            made = self._view(view, where)
            if made is not None:
                segment.channelviews.append(made)
        self._made[id(given)] = segment
        return segment

    def _multiplexed(self, given: Any, segment: Any, where: str) -> None:
        """Put a list that holds its trains as two arrays into the segment, as it is."""
        facts = given.facts if isinstance(given, NeoStandIn) else {}
        if facts.get("items") is not None or facts.get("spike_time_array") is None:
            return
        annotations = facts.get("annotations") or {}
        try:
            plain = {
                str(name): value if isinstance(value, np.ndarray) else self._plain(value, where)
                for name, value in annotations.items()
            }
            segment._spiketrains = _train_list(facts, plain, segment)
        except _DAMAGE as error:
            raise FormatError(f"the spike trains are not sound: {error!s:.200}", entry=where) from (
                error
            )

    def data(self, given: Any, kind: str, where: str) -> Any:
        """A data object; None if a pickle does not keep enough of it, and the loss is noted."""
        if isinstance(given, BareQuantity):
            self._keep_bare(given, where)
            return None
        if not isinstance(given, NeoStandIn) or given.kind != kind:
            raise FormatError(f"there is no {kind} of Neo", entry=where)
        if id(given) in self._made:
            return self._made[id(given)]
        facts = given.facts
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of Neo, about its own arguments
                made = _MAKERS[kind](facts)
        except FormatError:
            raise
        except _DAMAGE as error:
            raise FormatError(
                f"the {kind} {_name(facts) or ''!r} is not sound: {error!s:.200}", entry=where
            ) from error
        at = f"{where}/{_name(facts) or kind}"
        self._faced(made, facts, at)
        arrays = facts.get("array_annotations") or {}
        if not isinstance(arrays, dict):
            raise FormatError("array annotations are no dict", entry=at)
        for name, values in arrays.items():
            self._annotate_array(made, name, values, at)
        self._made[id(given)] = made
        self._placed.add(id(given))
        return made

    def _faced(self, item: Any, facts: dict[str, Any], where: str) -> Any:
        """The object with name, description, origin, times and annotations."""
        for fact in ("name", "description", "file_origin"):
            value = facts.get(fact)
            if value is not None and not isinstance(value, str):
                self._lose(where, fact, f"it is a {type(value).__name__}, no text")
                value = None
            setattr(item, fact, value)
        for fact in ("rec_datetime", "file_datetime"):
            value = facts.get(fact)
            if isinstance(value, datetime):
                setattr(item, fact, value)
            elif value is not None:
                self._lose(where, fact, "it is no time")
        if isinstance(facts.get("index"), (int, np.integer)) and hasattr(item, "index"):
            item.index = int(facts["index"])
        annotations = facts.get("annotations")
        if not isinstance(annotations, (dict, type(None))):
            raise FormatError("annotations are no dict", entry=where)
        for name, value in (annotations or {}).items():
            item.annotations[str(name)] = self._plain(value, f"{where}: annotation {name!r:.60}")
        return item

    def _annotate_array(self, item: Any, name: Any, values: Any, where: str) -> None:
        try:
            item.array_annotate(**{str(name): values})
        except Exception as error:  # Neo raises its own kinds
            self._lose(where, f"array annotation {name!r:.60}", f"{error!s:.200}")

    def _keep_bare(self, given: BareQuantity, where: str) -> None:
        key = f"{where}/{given.kind}"
        number = 2
        while key in self.bare:
            key, number = f"{where}/{given.kind}-{number}", number + 1
        self.bare[key] = given.value
        self._lose(
            where,
            given.kind,
            f"a pickle keeps nothing of it but values and unit, which are kept as {key!r}",
        )

    def _lose(self, where: str, field: str, reason: str) -> None:
        self.losses.append(Loss(where, field, reason))

    # groups

    def _group(self, given: Any, where: str) -> Any:
        import neo

        if not isinstance(given, NeoStandIn) or given.kind != "Group":
            raise FormatError("there is no group of Neo", entry=where)
        facts = given.facts
        types = facts.get("allowed_types")
        known = [getattr(neo, kind) for kind in types or () if kind in (*OF_KIND, "Segment")]
        group = neo.Group(allowed_types=known or None)
        where = f"{where}/{_name(facts) or 'group'}"
        self._faced(group, facts, where)
        for name in LISTS:
            self._add_members(group, _items(facts.get(name), where), where)
        for segment in _items(facts.get("segments"), where):
            if id(segment) in self._made:
                group.segments.append(self._made[id(segment)])
        for view in _items(facts.get("channelviews"), where):
            made = self._view(view, where)
            if made is not None:
                group.add(made)
        for inner in _items(facts.get("groups"), where):
            group.add(self._group(inner, where))
        for _ in _items(facts.get(_REGIONS), where):
            self._lose(where, _REGIONS, "regions of interest are not kept")
        return group

    def _add_members(self, group: Any, members: Iterator[Any], where: str) -> None:
        for member in members:
            if isinstance(member, BareQuantity):
                continue  # noted where it lies
            if id(member) in self._placed:
                group.add(self._made[id(member)])
            else:
                what = getattr(member, "kind", type(member).__name__)
                self._lose(where, "members", f"a {what} that lies in no segment")

    def _view(self, given: Any, where: str, index: Any = None) -> Any:
        """A ChannelView; None, and the loss noted, where what it is of was not made."""
        import neo

        if not isinstance(given, NeoStandIn) or given.kind != "ChannelView":
            raise FormatError("there is no channel view of Neo", entry=where)
        facts = given.facts
        of = facts.get("obj")
        if id(of) not in self._placed:
            self._lose(where, "ChannelView", "what it is of lies in no segment")
            return None
        try:
            arrays = dict(facts.get("array_annotations") or {})
            view = neo.ChannelView(
                self._made[id(of)], np.asarray(facts.get("index")), array_annotations=arrays
            )
        except Exception as error:  # Neo raises its own kinds
            self._lose(where, "ChannelView", f"it is not sound: {error!s:.200}")
            return None
        return self._faced(view, facts, where)

    def _channel_index(self, given: Any, where: str) -> Any:
        """Neo until 0.9: which channels of signals belong together, and the units on them."""
        import neo

        if not isinstance(given, NeoStandIn) or given.kind != "ChannelIndex":
            raise FormatError("there is no channel index of Neo", entry=where)
        facts = given.facts
        where = f"{where}/{_name(facts) or 'ChannelIndex'}"
        group = self._faced(neo.Group(), facts, where)
        for name in ("channel_ids", "channel_names", "coordinates"):
            value = facts.get(name)
            if value is not None and np.size(value):
                group.annotations[name] = self._plain(value, f"{where}: {name}")
        for name in ("analogsignals", "irregularlysampledsignals"):
            for signal in _items(facts.get(name), where):
                view = NeoStandIn("ChannelView", {"obj": signal, "index": facts.get("index")})
                made = self._view(view, where)
                if made is not None:
                    group.add(made)
        for unit in _items(facts.get("units"), where):
            if not isinstance(unit, NeoStandIn) or unit.kind != "Unit":
                raise FormatError("there is no unit of Neo", entry=where)
            inner = self._faced(neo.Group(), unit.facts, where)
            self._add_members(inner, _items(unit.facts.get("spiketrains"), where), where)
            group.add(inner)
        self._lose(where, "ChannelIndex", "it became a group, as in today's Neo")
        return group


def _name(facts: dict[str, Any]) -> str:
    name = facts.get("name")
    return name if isinstance(name, str) else ""


def _items(found: Any, where: str) -> Iterator[Any]:
    if isinstance(found, NeoStandIn) and found.kind in ("ObjectList", "SpikeTrainList"):
        found = found.facts.get("items")
    if found is None:
        return
    if not isinstance(found, (list, tuple)):
        raise FormatError("a list of Neo's objects is none", entry=where)
    yield from found


def _train_list(facts: dict[str, Any], annotations: dict[str, Any], segment: Any) -> Any:
    """The list of trains that holds them as two arrays."""
    import neo.core.spiketrainlist as lists

    about = facts.get("spiketrain_metadata") or {}
    ids, channels = facts.get("all_channel_ids"), np.asarray(facts.get("channel_id_array"))
    times = _measured(facts.get("spike_time_array"), "times")
    if not isinstance(ids, (list, tuple, np.ndarray)) or channels.shape != times.shape:
        raise FormatError("a list of spike trains is not sound")
    made = lists.SpikeTrainList.from_spike_time_array(
        times,
        channels,
        all_channel_ids=list(ids),
        t_start=_measured(about.get("t_start"), "a start"),
        t_stop=_measured(about.get("t_stop"), "an end"),
    )
    made._annotations = annotations
    made.segment = segment
    return made


def _measured(value: Any, what: str) -> Any:
    if isinstance(value, UnitStandIn):
        value = value.measured()
    if not hasattr(value, "dimensionality"):
        raise FormatError(f"{what} is no quantity")
    return value


def _values(facts: dict[str, Any], name: str = "signal") -> Any:
    """Numbers with the unit that stands beside them, or that they have themselves."""
    numbers, units = facts.get(name), facts.get("units")
    if hasattr(numbers, "dimensionality"):
        return numbers
    if not isinstance(numbers, np.ndarray):
        raise FormatError(f"its {name} is no array")
    unit = _measured(units, "its unit")
    if unit.ndim == 0 and unit.magnitude == 1:
        return quantity(numbers, unit_text(unit))  # the dtype stays
    return numbers * unit


def _signal(facts: dict[str, Any]) -> Any:
    import neo

    return neo.AnalogSignal(
        _values(facts),
        t_start=_measured(facts.get("t_start"), "its start"),
        sampling_rate=_measured(facts.get("sampling_rate"), "its sampling rate"),
    )


def _irregular(facts: dict[str, Any]) -> Any:
    import neo

    return neo.IrregularlySampledSignal(_measured(facts.get("times"), "times"), _values(facts))


def _train(facts: dict[str, Any]) -> Any:
    import neo

    given: dict[str, Any] = {}
    for name in ("sampling_rate", "left_sweep"):
        if facts.get(name) is not None:
            given[name] = _measured(facts[name], name)
    if facts.get("t_start") is not None:
        given["t_start"] = _measured(facts["t_start"], "its start")
    waves = facts.get("waveforms")
    if waves is not None and not isinstance(waves, np.ndarray):
        raise FormatError("its waveforms are no array")
    return neo.SpikeTrain(
        _values(facts), t_stop=_measured(facts.get("t_stop"), "its end"), waveforms=waves, **given
    )


def _text_labels(labels: Any) -> Any:
    found = np.asarray([] if labels is None else labels)
    return np.char.decode(found, "latin1") if found.dtype.kind == "S" else found


def _event(facts: dict[str, Any]) -> Any:
    import neo

    return neo.Event(times=_values(facts, "times"), labels=_text_labels(facts.get("labels")))


def _epoch(facts: dict[str, Any]) -> Any:
    import neo

    return neo.Epoch(
        times=_values(facts, "times"),
        durations=_measured(facts.get("durations"), "durations"),
        labels=_text_labels(facts.get("labels")),
    )


_MAKERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "AnalogSignal": _signal,
    "IrregularlySampledSignal": _irregular,
    "SpikeTrain": _train,
    "Event": _event,
    "Epoch": _epoch,
}
