"""The document of a stream: what all segments of a stream share, and whether it makes sense."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import schemas
from schemas.v1.value import itemsize

# The arrays of each kind of part that have a row per sample, spike, event …
ROWS: Final[dict[str, tuple[str, ...]]] = {
    "signal": ("values",),
    "irregular-signal": ("times", "values"),
    "spike-trains": ("times", "waveforms"),
    "address-events": ("addresses", "ticks"),
    "event": ("times", "labels"),
    "epoch": ("times", "durations", "labels"),
    "image-sequence": ("values",),
}
ACTIVE: Final = ("neurons", "ends")
OPTIONAL: Final = {"waveforms"}


class Stream(NamedTuple):
    """What all segments of a stream share."""

    model: Mapping[str, Any]  # the document of its first part
    arrays: Mapping[str, str | None]  # NIX name of each array; None where a row has no bytes
    types: Mapping[str, tuple[str, list[int]]]  # dtype and row shape of each array
    channels: list[int] | None  # reference of the blob

    @property
    def kind(self) -> str:
        return str(self.model["kind"])

    @property
    def width(self) -> int:
        """How many channels, or trains, it has."""
        if self.kind == "spike-trains":
            return int(self.model["size"])
        return self.types["values"][1][0]


def parse_stream(document: Mapping[str, Any]) -> Stream:
    """The stream of a document. Raises ValueError, LookupError or TypeError if it is none."""
    model, arrays = document["model"], document["arrays"]
    types = {name: (dtype, shape) for name, (dtype, shape) in document["types"].items()}
    rows = ROWS[model["kind"]]
    every = {*rows, *(ACTIVE if model["kind"] == "spike-trains" else ())}
    if not every - OPTIONAL <= types.keys() <= every or types.keys() != arrays.keys():
        raise ValueError(f"a stream of kind {model['kind']} has other arrays")
    for name, (dtype, shape) in types.items():
        itemsize(dtype)
        if not all(type(length) is int and length >= 0 for length in shape):
            raise ValueError(f"the rows of {name} have no shape")
        if arrays[name] is None and 0 not in shape:
            raise ValueError(f"the array {name} is missing")
    for field in ("unit", "time_unit", "waveform_unit"):
        schemas.parse(model.get(field) or "")
    stream = Stream(model, arrays, types, document["channels"])
    if stream.channels is not None and type(stream.width) is not int:
        raise ValueError("it does not say how many channels it has")
    return stream
