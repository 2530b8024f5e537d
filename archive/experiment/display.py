"""How archives, runs, segments and what is in them look on screen and in notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

ROWS_SHOWN = 10


def shape_text(shape: Iterable[int]) -> str:
    """``10001 x 3``"""
    return " x ".join(map(str, shape))


def value_text(value: Any) -> str:
    """A value in few characters: numbers as they are, arrays by their shape."""
    shape = getattr(value, "shape", ())
    if shape:
        unit = getattr(value, "dimensionality", None)
        return f"array {shape_text(shape)}" + (f" {unit}" if unit is not None else "")
    try:
        text = str(value)
    except ValueError:  # Python writes no integer of more than 4300 digits
        text = hex(value) if isinstance(value, int) else f"{type(value).__name__} of large integers"
    return text if len(text) <= 60 else f"{text[:57]}..."


def counted(number: int, what: str) -> str:
    """``1 run``, ``2 runs``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def annotation_text(annotations: Mapping[str, Any]) -> str:
    """``amplitude=0.1 nA, simulator=neuron``"""
    return ", ".join(f"{key}={value_text(value)}" for key, value in annotations.items())


def html_table(title: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table for notebooks; everything is escaped."""
    from html import escape  # 2 ms for a table of all that HTML has names for

    head = "".join(f"<th>{escape(str(cell))}</th>" for cell in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(value_text(cell))}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return (
        f"<table><caption>{escape(title)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )
