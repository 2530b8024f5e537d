"""Groups in files of NeoMatlabIO, which refer to objects by numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from archive.adapters.mat_neo_values import Fields, annotations_of, described, keys, numbers
from archive.errors import FormatError

_CONTAINERS = {
    "analogsignals", "irregularlysampledsignals", "spiketrains", "events", "epochs",
    "imagesequences", "segments", "groups",
}  # fmt: skip


def add_groups(block: Any, listed: Iterable[Fields], known: Mapping[int, Any]) -> None:
    """Give a block its groups, with what they refer to. What a file does not have is a loss:
    groups in groups, of which it has the numbers alone, and regions of interest."""
    import neo

    for fields in listed:
        group = neo.Group(**described(fields))
        group.annotations.update(annotations_of(fields))
        for container in sorted(_CONTAINERS):
            if container not in fields:
                continue
            for key in keys(fields.take(container), f"{fields.where}.{container}"):
                item = known.get(key)
                if item is None or isinstance(item, neo.Group):
                    fields.lose(f"one of its {container} is not in the file")
                else:
                    group.add(item)
        for view in fields.inside("channelviews"):
            group.add(_view(view, known))
        for region in fields.inside("regionsofinterest"):
            region.lose("regions of interest are not carried")
        if "allowed_types" in fields:
            fields.take("allowed_types")
        if "neo_id" in fields:
            fields.take("neo_id")
        fields.lose_rest()
        block.groups.append(group)


def _view(fields: Fields, known: Mapping[int, Any]) -> Any:
    import neo

    where = fields.where
    listed = keys(fields.take("obj"), f"{where}.obj")
    item = known.get(listed[0]) if len(listed) == 1 else None
    if not isinstance(item, neo.AnalogSignal | neo.IrregularlySampledSignal):
        raise FormatError("it is a view of nothing in the file", entry=where)
    index = numbers(fields.take("index"), f"{where}.index").reshape(-1)
    if index.dtype.kind == "b":
        index = np.flatnonzero(index)
    if not np.isin(index, np.arange(item.shape[1])).all():
        raise FormatError("it is a view of channels that are not there", entry=where)
    view = neo.ChannelView(item, index.astype(np.int64), **described(fields))
    view.annotations.update(annotations_of(fields))
    return view
