"""What the library gives, in the terms of JSON.

A quantity is ``{"value": ..., "unit": ...}``, an array a list, a complex number ``{"real": ...,
"imag": ...}``, bytes ``{"base64": ...}``, a moment text in ISO 8601; NaN and the infinities are
the texts ``"nan"``, ``"inf"`` and ``"-inf"``; an integer of more than 14,000 bits is text in
hexadecimal.
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

DECIMAL_BITS = 14_000


def to_json(value: Any) -> Any:
    """The value, and all that is inside it, as JSON has it."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        # Python writes and reads no integer of more than 4300 digits, but in hexadecimal ones
        return hex(value) if value.bit_length() > DECIMAL_BITS else value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(float(value))
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if hasattr(value, "dimensionality"):
        return {"value": to_json(value.magnitude), "unit": value.dimensionality.string}
    if isinstance(value, np.ndarray | np.generic):
        return _numpy(value)
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, complex):
        return {"real": to_json(value.real), "imag": to_json(value.imag)}
    if isinstance(value, bytes):
        return {"base64": b64encode(value).decode("ascii")}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _numpy(value: Any) -> Any:
    if value.dtype.kind in "mM":  # dates and durations: as text, whatever their precision
        return np.datetime_as_string(value).tolist() if value.dtype.kind == "M" else str(value)
    listed = value.tolist()
    if isinstance(listed, np.generic):  # Python has no long double: the nearest it has
        listed = complex(listed) if value.dtype.kind == "c" else float(listed)
    return to_json(listed)
