"""What NIX is told of a stream, for people and for programs that know NIX alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import schemas

TIMES: Final = ("t_start", "t_stop")
# Fields in which the segments of one stream may differ.
VARYING: Final = ("description", "annotations", "array_annotations", "train_annotations")
# What a Section need not repeat: its type says the kind, the first axis the sampling period; and
# what differs from segment to segment is no fact of the stream.
SEEN_ELSEWHERE: Final = ("kind", "sampling_period", *VARYING, *TIMES)


def nix_terms(document: Mapping[str, Any], name: str, *, main: bool) -> dict[str, Any]:
    """Unit, label and sampling of an array of a stream, as NIX shall say them. The `main`
    one bears the name of what was recorded."""
    kind = document["kind"]
    unit = {"times": "time_unit", "durations": "time_unit", "values": "unit"}.get(name)
    unit = "waveform_unit" if name == "waveforms" else unit
    text = document.get(unit, "ms" if unit == "time_unit" else None) if unit else None
    sampling = None
    if kind in ("signal", "image-sequence"):
        time_unit = document.get("time_unit", "ms")
        atomic = schemas.nix_unit(time_unit) if schemas.is_atomic(time_unit) else None
        sampling = (document["sampling_period"], atomic)
    return {
        "unit": schemas.nix_unit(text) if text else None,
        "label": document["variable"] if main else name,
        "sampling": sampling,
    }


def readable_name(document: Mapping[str, Any]) -> str:
    """``cell.v``"""
    names = [document.get("population"), document["variable"]]
    return ".".join(name[:100] for name in names if name)


def properties(document: Mapping[str, Any]) -> dict[str, str | int | float]:
    """The simple fields of a stream's model."""
    return {
        key: value
        for key, value in document.items()
        if key not in SEEN_ELSEWHERE and isinstance(value, str | int | float)
    }
