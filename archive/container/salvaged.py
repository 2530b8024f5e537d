"""What became of a damaged archive."""

from __future__ import annotations

from dataclasses import dataclass

from archive.entry import Loss


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What was copied, and what could not be, or not as it was written."""

    runs: int
    segments: int
    losses: tuple[Loss, ...]
    snapshots: int = 0
