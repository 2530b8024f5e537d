"""Annotations as Neo's NixIO can hold them, and read again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

import schemas
from archive.entry import Loss
from archive.values import to_schema

# Names that NixIO, or what it makes of them, takes for something else.
TAKEN = {
    "name", "neo_name", "nix_name", "neo_parent", "description", "file_origin", "file_datetime",
    "rec_datetime", "index", "array_annotations", "annotations", "units", "dtype", "copy", "times",
    "signal", "t_start", "t_stop", "sampling_rate", "sampling_period", "left_sweep", "waveforms",
    "labels", "durations", "image_data", "spatial_scale", "frame_duration", "objects",
    "allowed_types", "obj", "time_units", "self",
}  # fmt: skip

NUL = "\N{SYMBOL FOR NULL}"


def make_holdable(item: Any, way: str, losses: list[Loss]) -> None:
    """Change the annotations of a Neo object to what NixIO writes and reads: what it has no form
    for becomes JSON text; names that mean something else to it are lost to those who use Neo."""
    _make_texts_holdable(item, way, losses)
    for held in (item.annotations, getattr(item, "array_annotations", {})):
        along = held is not item.annotations
        for name in list(held):
            if name == "nix_name" and not along:
                continue
            if not is_name(name):
                losses.append(Loss(way, "annotations", f"NixIO cannot hold the name {name!r:.60}"))
                dict.__delitem__(held, name)
            elif along:
                if not _is_row(held[name]):
                    losses.append(Loss(way, "array_annotations", f"NixIO cannot hold {name!r:.60}"))
                    dict.__delitem__(held, name)
            else:
                held[name] = holdable(held[name])


def is_name(name: str) -> bool:
    """Whether NixIO can hold an annotation of that name."""
    return bool(name) and name not in TAKEN and not set(name) & set("/\0") and name != "."


def _make_texts_holdable(item: Any, way: str, losses: list[Loss]) -> None:
    """No text in HDF5 goes on after a NUL."""
    if "\0" in (item.description or ""):
        item.description = item.description.replace("\0", NUL)
        losses.append(Loss(way, "description", f"NUL became {NUL}"))
    labels = getattr(item, "labels", None)
    if labels is not None and any("\0" in label for label in map(str, labels.tolist())):
        item._labels = np.array([str(label).replace("\0", NUL) for label in labels])
        losses.append(Loss(way, "labels", f"NUL became {NUL}"))


def holdable(value: Any) -> Any:
    """The value in a form that NixIO holds: itself, or JSON text."""
    if isinstance(value, str):
        return value if "\0" not in value else _as_text(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else _as_text(value)
    if isinstance(value, datetime):
        # NixIO drops a zone; and glibc writes years before 1000 in a way that Python cannot read
        return value if value.tzinfo is None and value.year >= 1000 else value.isoformat()
    if hasattr(value, "dimensionality"):
        alike = value.reshape(-1) if value.ndim == 0 else value
        return value if _is_row(alike) else _as_text(value)
    if isinstance(value, np.ndarray):
        return value.tolist() if _is_row(value) else _as_text(value)
    if isinstance(value, list):
        kinds = {type(item) for item in value}
        alike = len(kinds) <= 1 and kinds <= {str, bool, int, float}
        if alike and all(holdable(item) == item or item != item for item in value):
            return value
    return _as_text(value)


def _is_row(values: Any) -> bool:
    """Whether NixIO can hold an array: one axis, of text or real numbers."""
    bare = np.asarray(getattr(values, "magnitude", values))
    if (
        bare.ndim != 1
        or bare.dtype.kind not in "biufU"
        or bare.dtype.itemsize > 8 * (1 if bare.dtype.kind != "U" else 2**28)
    ):
        return False
    if bare.dtype.kind == "U":
        return not any("\0" in text for text in bare.tolist())
    return bare.dtype != np.uint64 or bool((bare < 2**63).all())


def _as_text(value: Any) -> str:
    """JSON of the contract."""
    document: Mapping[str, Any] = {"": schemas.encode(to_schema(value, "annotation"))}
    return schemas.to_json(document).decode()[len('{"":') : -1]
