"""Entries of address events, and of the moments that devices note beside them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.adapters.models import model_of
from archive.addresses import CODINGS
from archive.entry import ArrayLike, Entry
from archive.errors import FormatError

MICROSECONDS = Fraction(1, 10**6)


def checked_coding(coding: str | None, path: Path) -> str | None:
    """The coding. FormatError if there is none of this name."""
    if coding is not None and coding not in CODINGS:
        raise FormatError(
            f"there is no coding {coding!r}", path=path, hint=f"known are {', '.join(CODINGS)}"
        )
    return coding


def events_entry(
    addresses: ArrayLike,
    ticks: ArrayLike,
    tick: Fraction,
    coding: str | None,
    variable: str | None = None,
    **fields: Any,
) -> Entry:
    """Address events; `tick` is in seconds."""
    # the unit in which people say it: 1 us, 0.1 ms
    unit = "ms" if tick * 10**4 == int(tick * 10**4) else "us"
    model = model_of(
        schemas.AddressEvents,
        variable or "events",
        variable=variable or "events",
        time_unit=unit,
        tick=float(tick * (10**3 if unit == "ms" else 10**6)),
        coding=coding,
        **fields,
    )
    return Entry(model, {"addresses": addresses, "ticks": ticks})


def moments_entry(
    variable: str, microseconds: npt.NDArray[Any], labels: list[str] | npt.NDArray[Any]
) -> Entry:
    """Moments with labels, in the order of their times."""
    order = np.argsort(microseconds, kind="stable")
    model = model_of(schemas.Event, variable, variable=variable, time_unit="us")
    texts = np.asarray(labels, dtype=object)[order]
    return Entry(model, {"times": microseconds[order].astype(np.float64), "labels": texts})


def file_segment(path: Path, facts: dict[str, Any], name: str | None = None) -> schemas.Segment:
    """The segment of a file, called after it if it has no name."""
    clean = (name or path.stem).translate({**dict.fromkeys(range(32)), 127: None, ord("/"): "-"})
    text = clean.encode("utf-8", "replace").decode()[:200]  # names of files need be no text
    return model_of(schemas.Segment, str(path), name=text or None, annotations=facts)
