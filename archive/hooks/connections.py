"""Connections as compressed rows; they live in `archive.connections`, where adapters reach them."""

from __future__ import annotations

from archive.connections import (
    Compressed as Compressed,
    Indices as Indices,
    compressed as compressed,
    ends as ends,
    native_order as native_order,
)
