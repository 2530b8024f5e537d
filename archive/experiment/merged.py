"""What became of a part that was to be merged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of one part. `left` says why it was not merged, else None."""

    path: Path
    runs: int = 0
    segments: int = 0
    values: int = 0
    snapshots: int = 0
    removed: bool = False
    left: str | None = None
