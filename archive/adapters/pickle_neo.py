"""Neo's objects in pickles as stand-ins, of Neo 0.5 to 0.14; Neo is not imported.

What each version writes is what ``__reduce__`` of its classes gives: the arguments of a function
``_new_…`` for data objects, a dict of attributes for all others. The ways up, from an object to
its segment or block, are left out: so no object contains itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from archive.adapters.pickle_values import (
    Constructor,
    Global,
    StandIn,
    checked_key,
    never_called,
)
from archive.errors import FormatError

CONTAINERS = {
    "block": ("Block",),
    "segment": ("Segment",),
    "group": ("Group",),
    "view": ("ChannelView",),
    "channelindex": ("ChannelIndex",),
    "unit": ("Unit",),
    "regionofinterest": (
        "RegionOfInterest", "CircularRegionOfInterest", "RectangularRegionOfInterest",
        "PolygonRegionOfInterest",
    ),
}  # fmt: skip
DATA = {
    "analogsignal": "AnalogSignal",
    "irregularlysampledsignal": "IrregularlySampledSignal",
    "spiketrain": "SpikeTrain",
    "event": "Event",
    "epoch": "Epoch",
    "imagesequence": "ImageSequence",
}
# What leads up, or says in terms of classes what a list may hold.
_UPWARDS = {
    "block", "segment", "group", "parent", "channel_index", "unit", "allowed_contents",
}  # fmt: skip
_SIGNAL = (
    "signal", "units", "dtype", "copy", "t_start", "sampling_rate", "sampling_period", "name",
    "file_origin", "description",
)  # fmt: skip
_IRREGULAR = (
    "times", "signal", "units", "time_units", "dtype", "copy", "name", "file_origin",
    "description",
)  # fmt: skip
_TRAIN = (
    "signal", "t_stop", "units", "dtype", "copy", "sampling_rate", "t_start", "waveforms",
    "left_sweep", "name", "file_origin", "description",
)  # fmt: skip
_EVENT = ("times", "labels", "units", "name", "file_origin", "description")
_OLD_EVENT = ("signal", *_EVENT)
# The function calls the last two the other way round, but this is what stands in the file.
_EPOCH = ("times", "durations", "labels", "units", "name", "file_origin", "description")


class NeoStandIn(StandIn):
    """An object of Neo: `kind` is its class, `facts` are its attributes by name, without the
    underscores that some versions put before them."""

    def __init__(self, kind: str, facts: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.kind = kind
        self.state = facts or {}

    @property
    def facts(self) -> dict[str, Any]:
        found: dict[str, Any] = self.state
        return found

    def build(self, state: Any) -> object:
        if isinstance(state, tuple) and len(state) == 2 and state[0] is None:
            state = state[1]
        if not isinstance(state, dict) or not all(isinstance(key, str) for key in state):
            raise FormatError(f"a {self.kind} of Neo has no sound state")
        kept = {key.lstrip("_"): value for key, value in state.items()}
        types = kept.get("allowed_types")
        if isinstance(types, tuple):
            kept["allowed_types"] = [one.name for one in types if isinstance(one, Global)]
        self.state = {key: value for key, value in kept.items() if key not in _UPWARDS}
        return self

    def __repr__(self) -> str:
        return f"{self.kind} of Neo"


class _ArrayDict(StandIn):
    """A dict that also knows how its values are checked."""

    def build(self, state: Any) -> object:
        return {checked_key(key): value for key, value in self.pairs}


def _object(kind: str, *args: Any) -> NeoStandIn:
    if args:
        raise FormatError(f"a {kind} of Neo is made of arguments")
    return NeoStandIn(kind)


def _data(kind: str, names: Callable[[tuple[Any, ...]], tuple[str, ...]], *args: Any) -> NeoStandIn:
    """A data object of the arguments of its ``_new_…``, of which the first is the class."""
    fields = names(args)
    given, rest = args[1 : len(fields) + 1], args[len(fields) + 1 :]
    if len(given) < len(fields) or not 1 <= len(rest) <= 4:
        raise FormatError(f"a {kind} of Neo has {len(args)} arguments")
    facts = dict(zip(fields, given, strict=True))
    # From 0.7 on there are array annotations before the annotations; behind are the ways up.
    with_arrays = len(rest) > 1 and isinstance(rest[1], dict)
    facts["array_annotations"] = rest[0] if with_arrays else {}
    facts["annotations"] = rest[1] if with_arrays else rest[0]
    return NeoStandIn(kind, facts)


def _event_names(args: tuple[Any, ...]) -> tuple[str, ...]:
    # Neo 0.5 has the times twice, so that the labels are one place further.
    labels_third = len(args) > 3 and type(args[3]) is np.ndarray
    return _OLD_EVENT if labels_third else _EVENT


def _table() -> Mapping[tuple[str, str], Constructor]:
    found: dict[tuple[str, str], Constructor] = {
        ("neo.core.dataobject", "ArrayDict"): _ArrayDict,
        ("neo.core.dataobject", "_normalize_array_annotations"): never_called,
        ("neo.core.objectlist", "ObjectList"): partial(_object, "ObjectList"),
        ("neo.core.spiketrainlist", "SpikeTrainList"): partial(_object, "SpikeTrainList"),
    }
    for module, kinds in CONTAINERS.items():
        found |= {(f"neo.core.{module}", kind): partial(_object, kind) for kind in kinds}
    made: dict[str, tuple[str, Callable[[tuple[Any, ...]], tuple[str, ...]]]] = {
        "analogsignal": ("_new_AnalogSignalArray", lambda args: _SIGNAL),
        "irregularlysampledsignal": ("_new_IrregularlySampledSignal", lambda args: _IRREGULAR),
        "spiketrain": ("_new_spiketrain", lambda args: _TRAIN),
        "event": ("_new_event", _event_names),
        "epoch": ("_new_epoch", lambda args: _EPOCH),
    }
    for module, kind in DATA.items():
        # as the class of a call; `_reconstruct_quantity` asks for its name
        found[f"neo.core.{module}", kind] = never_called
        if module in made:
            name, names = made[module]
            found[f"neo.core.{module}", name] = partial(_data, kind, names)
    return found


NEO = _table()
